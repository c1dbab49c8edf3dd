"""Put the simulated championship together: canonical frames, and the truth behind them."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from f1_pipeline.sources.bundle import SourceBundle, frame_hash
from f1_pipeline.sources.contracts import COLUMNS, check_bundle, conform
from f1_pipeline.sources.simulated import probability as law
from f1_pipeline.sources.simulated.calendar import (
    GRANDS_PRIX,
    ROUNDS,
    Race,
    circuit_row,
    race_row,
    season_calendar,
)
from f1_pipeline.sources.simulated.field import Field, Rows
from f1_pipeline.sources.simulated.names import TEAMS, driver_names
from f1_pipeline.sources.simulated.standings import SeasonTally
from f1_pipeline.sources.simulated.streams import Stream, generator
from f1_pipeline.sources.simulated.weekend import draw_weekend
from f1_pipeline.sources.simulated.world import (
    MAX_SEASONS,
    Driver,
    FloatArray,
    LineUp,
    line_ups,
    make_driver,
    team_hazards,
    team_paces,
)

_FIRST_SEASON = 1950
"""The earliest season that the contracts take."""

_ENGINES = {team.constructor_id: team.engine_id for team in TEAMS}


@dataclass(frozen=True)
class DrawnRace:
    """A race with its field; ``places`` on the grid, shape (n,), where it was run."""

    seed: int
    race: Race
    field: Field
    places: law.IntArray | None = None


@dataclass(frozen=True)
class SimulatedWorld:
    """A simulated championship and its true probabilities.

    ``truth`` has columns ``race_key``, ``horizon`` (``pre_weekend``, ``pre_race``), ``driver_id``,
    ``log_strength`` (that of the race; at ``pre_race`` with the effect of the grid) and
    ``win_probability``, which sums to 1 over each race and horizon. It knows the latent strengths and
    hazards of the race, future ones too, so no forecast from results can beat it in the long run;
    ``pre_race`` is exact and exists where there is a grid, ``pre_weekend`` is Monte Carlo with a
    standard error of about 0.003. Truth of a future race is that of the projected line-up.

    It is worked out of ``drawn`` when it is first asked for: that takes longer than the world, and no update asks.
    """

    bundle: SourceBundle
    drawn: tuple[DrawnRace, ...] = field(repr=False)

    @cached_property
    def truth(self) -> pd.DataFrame:
        """True probabilities of all races, in calendar order."""
        return pd.concat([frame for race in self.drawn for frame in _truths(race)], ignore_index=True)


def simulate(seasons: int, seed: int, last_season: int = 2026, finished_rounds: int = 8) -> SimulatedWorld:
    """Simulate ``seasons`` whole seasons and the first ``finished_rounds`` rounds of ``last_season``.

    A pure function of its arguments. Rows of a race do not depend on how many races come after it:
    one more finished round leaves all earlier races as they are. The draws belong to the index of a
    season (0 = first), not to its year.

    Raises:
        ValueError: an argument is out of range.
    """
    if not 0 <= seasons <= MAX_SEASONS:
        raise ValueError(f"seasons must be 0 to {MAX_SEASONS}, not {seasons}")
    if not 0 <= finished_rounds <= ROUNDS:
        raise ValueError(f"finished_rounds must be 0 to {ROUNDS}, not {finished_rounds}")
    if seasons == 0 and finished_rounds == 0:
        raise ValueError("a championship without a single finished race has no line-up to project")
    if last_season - seasons < _FIRST_SEASON:
        raise ValueError(f"the first season would be {last_season - seasons}, before {_FIRST_SEASON}")
    if seed < 0:
        raise ValueError(f"seed must not be negative, got {seed}")

    first_season = last_season - seasons
    history, debut = line_ups(seed, seasons + 1)
    names = driver_names(seed)
    drivers = {
        number: make_driver(seed, number, names[number], first_season + index)
        for number, index in debut.items()
    }
    paces = team_paces(seed, seasons + 1)
    rows: dict[str, Rows] = defaultdict(list)
    races: list[DrawnRace] = []
    for index in range(seasons + 1):
        season = first_season + index
        hazards = team_hazards(seed, index)
        tally = SeasonTally()
        finished = finished_rounds if index == seasons else ROUNDS
        rows["seasons"].append({"season": season})
        for race in season_calendar(seed, index, season):
            done = race.round <= finished
            known = history[index][race.round - 1 if done else max(finished, 1) - 1]
            entrants = _field(known, drivers, paces[index, race.round - 1], hazards)
            rows["races"].append(race_row(race))
            rows["entries"] += _entries(race, entrants, "entered" if done else "projected")
            if not done:
                races.append(DrawnRace(seed, race, entrants))
                continue
            weekend = draw_weekend(seed, race, entrants)
            for table, drawn in weekend.rows.items():
                rows[table] += drawn
            standings = tally.after(
                race.race_key, _ENGINES, weekend.rows["race_results"], weekend.rows["sprint_results"]
            )
            rows["driver_standings"] += standings[0]
            rows["constructor_standings"] += standings[1]
            races.append(DrawnRace(seed, race, entrants, weekend.places))

    seen = {row["driver_id"] for row in rows["entries"]}
    rows["drivers"] = [_driver_row(driver) for driver in drivers.values() if driver.name.driver_id in seen]
    rows["constructors"] = [
        {key: getattr(team, key) for key in ("constructor_id", "name", "full_name", "country_id")}
        for team in TEAMS
    ]
    rows["circuits"] = [circuit_row(prix) for prix in GRANDS_PRIX]
    return SimulatedWorld(_bundle(rows, seed), tuple(races))


def _field(line_up: LineUp, drivers: dict[int, Driver], pace: FloatArray, hazards: FloatArray) -> Field:
    """The field of a race: who sits where, how strong (skill + pace) and how likely to retire."""
    seated = [drivers[number] for number in line_up]
    team = np.arange(len(seated)) // 2
    return Field(
        competitors=[
            {
                "driver_id": driver.name.driver_id,
                "constructor_id": TEAMS[place].constructor_id,
                "car_number": str(driver.number),
            }
            for driver, place in zip(seated, team.tolist(), strict=True)
        ],
        strength=np.array([driver.skill for driver in seated]) + pace[team],
        driver_hazard=np.array([driver.hazard for driver in seated]),
        team_hazard=hazards[team],
    )


def _entries(race: Race, entrants: Field, status: str) -> Rows:
    return [
        {
            "race_key": race.race_key,
            **competitor,
            "engine_id": _ENGINES[competitor["constructor_id"]],
            "status": status,
        }
        for competitor in entrants.competitors
    ]


def _truths(drawn: DrawnRace) -> list[pd.DataFrame]:
    """Truth of one race at the horizons that it has one for."""
    race, entrants = drawn.race, drawn.field
    rng = generator(drawn.seed, Stream.TRUTH, race.index, race.round)
    chance = law.pre_weekend_win_probability(entrants.strength, entrants.hazard, rng)
    found = [_truth(race, "pre_weekend", entrants, entrants.strength, chance)]
    if drawn.places is not None:
        strength = law.race_log_strength(entrants.strength, drawn.places)
        chance = law.pre_race_win_probability(strength, entrants.hazard)
        found.append(_truth(race, "pre_race", entrants, strength, chance))
    return found


def _truth(
    race: Race, horizon: str, entrants: Field, strength: FloatArray, chance: FloatArray
) -> pd.DataFrame:
    """Truth of one race and horizon, in order of driver id: row order must not give anything away."""
    frame = pd.DataFrame(
        {
            "race_key": race.race_key,
            "horizon": horizon,
            "driver_id": [competitor["driver_id"] for competitor in entrants.competitors],
            "log_strength": strength,
            "win_probability": chance,
        }
    )
    return frame.sort_values("driver_id", ignore_index=True)


def _driver_row(driver: Driver) -> dict[str, Any]:
    name = driver.name
    return {
        "driver_id": name.driver_id,
        "code": name.code,
        "name": f"{name.first_name} {name.last_name}",
        "first_name": name.first_name,
        "last_name": name.last_name,
        "number": str(driver.number),
        "date_of_birth": pd.Timestamp(driver.date_of_birth),
        "country_id": driver.country_id,
    }


def _bundle(rows: dict[str, Rows], seed: int) -> SourceBundle:
    """Canonical frames of all tables, checked; the digest covers every one of them."""
    tables = {
        table: conform(table, pd.DataFrame(rows[table], columns=list(columns)), "simulated")
        for table, columns in COLUMNS.items()
    }
    check_bundle(tables, "simulated")
    content = "\n".join(f"{table} {frame_hash(frame)}" for table, frame in tables.items())
    digest = hashlib.sha256(content.encode()).hexdigest()
    return SourceBundle("simulated", f"simulated-{seed}", digest, tables)
