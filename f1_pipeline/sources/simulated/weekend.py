"""Draw one race weekend, session by session, as canonical rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from f1_pipeline.sources.simulated import probability as law
from f1_pipeline.sources.simulated.calendar import Race
from f1_pipeline.sources.simulated.classify import classify, pit_stops
from f1_pipeline.sources.simulated.field import Field, Rows, Start
from f1_pipeline.sources.simulated.probability import IntArray
from f1_pipeline.sources.simulated.sessions import Qualified, grid, practice, qualify
from f1_pipeline.sources.simulated.streams import Stream, generator


@dataclass(frozen=True)
class Weekend:
    """Rows of every per-race table but entries and standings, and each seat's place on the grid."""

    rows: dict[str, Rows]
    places: IntArray


def draw_weekend(seed: int, race: Race, field: Field) -> Weekend:
    """Draw a whole weekend. Each session has a stream of its own, named by season index and round."""

    def rng(stream: Stream) -> np.random.Generator:
        return generator(seed, stream, race.index, race.round)

    rows: dict[str, Rows] = {"practice_results": [], "sprint_results": []}
    generator_of_practice = rng(Stream.PRACTICE)
    for session in ("FP1",) if race.sprint else ("FP1", "FP2", "FP3"):
        rows["practice_results"] += practice(race, field, session, generator_of_practice)

    qualified = qualify(race, field, "Q", rng(Stream.QUALIFYING))
    penalty, pit_lane = law.draw_penalties(qualified.places.shape, rng(Stream.GRID))
    start = Start(law.starting_places(qualified.places, penalty, pit_lane), penalty, pit_lane)
    rows["qualifying_results"] = list(qualified.rows)
    rows["starting_grid"] = grid(race, field, "R", qualified, start)

    if race.sprint:
        shootout = qualify(race, field, "SQ", rng(Stream.SPRINT_QUALIFYING))
        sprint_start = _as_qualified(shootout)
        rows["qualifying_results"] += shootout.rows
        rows["starting_grid"] += grid(race, field, "S", shootout, sprint_start)
        rows["sprint_results"] = classify(race, field, sprint_start, rng(Stream.SPRINT), sprint=True)

    result = classify(race, field, start, rng(Stream.RACE), sprint=False)
    rows["pit_stops"] = pit_stops(race, result, rng(Stream.PIT_STOPS))
    rows["race_results"] = result
    return Weekend(rows, start.places)


def _as_qualified(qualified: Qualified) -> Start:
    """The start in the order of qualifying: nobody is penalised in a sprint of this world."""
    nobody = np.zeros_like(qualified.places)
    return Start(qualified.places, nobody, nobody > 0)
