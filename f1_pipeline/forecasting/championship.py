"""The forecast of a championship before a race: where everybody will stand at the end of the season.

The rest of the season is drawn many times (``season_simulation``), added to the points so far by the rules of the season,
and ranked. Everything that is published is a count over these draws, so no two numbers can contradict each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from f1_pipeline.domain import championship_rules as rules
from f1_pipeline.domain.points import FASTEST_LAP_SEASONS, factor_to_come, points_to_come, sprint_points
from f1_pipeline.forecasting.grouping import Floats
from f1_pipeline.forecasting.season_simulation import (
    Ints,
    LineUp,
    RaceDraws,
    RaceToCome,
    SimulationConfig,
    simulate_races,
)
from f1_pipeline.forecasting.standings import Scores, countback_rows, countback_weights, total_points

CONTENDERS = 5
"""Drivers whose next result is played through: five hold nearly all of the title chances after the first races."""
CONTENDER_FROM = 0.005
"""Title probability from which a driver is a contender, and from which an entity is listed in a scenario."""
SCENARIO_DRAWS = 200
"""Draws that a result of the next race must have for its scenario to be stated: a share of 200 draws has a standard
error of at most .035. Rarer results are left out rather than guessed."""


@dataclass(frozen=True)
class Situation:
    """A season before one of its races. ``scores`` by kind; ``to_come``: races from this one to the last."""

    race_key: str
    season: int
    scores: dict[str, Scores]
    to_come: list[RaceToCome]
    line_up: LineUp
    retirement: Floats


@dataclass(frozen=True)
class ChampionshipForecast:
    """Rows of ``championship_forecasts``, ``championship_positions`` and ``championship_scenarios`` of one race."""

    forecasts: pd.DataFrame
    positions: pd.DataFrame
    scenarios: pd.DataFrame


@dataclass(frozen=True)
class FinalDraws:
    """One championship at the end of each draw, draws by entities: points and places 1..n."""

    entities: list[str]
    points: Floats
    places: Ints


def races_to_come(races: pd.DataFrame) -> list[RaceToCome]:
    """What the races of ``races`` (``race_key, season, is_sprint_weekend``, in calendar order) are worth.

    Double points were in the rules before the season and are known; half points were decided on the day and are not.
    """
    known = []
    for race in races.itertuples():
        season = int(race.season)  # type: ignore[arg-type]
        factor = factor_to_come(str(race.race_key))
        known.append(
            RaceToCome(
                str(race.race_key),
                points_to_come(str(race.race_key)),
                sprint_points(season) if race.is_sprint_weekend else (),
                factor * float(season in FASTEST_LAP_SEASONS),
            )
        )
    return known


def line_up(ratings: pd.DataFrame) -> LineUp:
    """The line-up of a race from its rows of ``joint_ratings`` before the weekend."""
    rows = ratings.sort_values("driver_id", kind="stable")
    teams = rows.drop_duplicates("constructor_id").sort_values("constructor_id").set_index("constructor_id")
    return LineUp(
        tuple(rows["driver_id"]),
        tuple(teams.index),
        teams.index.get_indexer(pd.Index(rows["constructor_id"])).astype(np.int64),
        teams["team_mean"].to_numpy(dtype=np.float64),
        teams["team_sd"].to_numpy(dtype=np.float64),
        rows["driver_mean"].to_numpy(dtype=np.float64),
        rows["driver_sd"].to_numpy(dtype=np.float64),
    )


def forecast_championship(
    situation: Situation, config: SimulationConfig, draws: int, seed: int, with_scenarios: bool
) -> ChampionshipForecast:
    """Forecast both championships from one set of draws.

    Args:
        situation: the season before a race.
        config: of the simulation.
        draws: seasons to draw.
        seed: the same seed gives the same rows.
        with_scenarios: also say what each result of the next race would do.
    """
    drawn = list(
        simulate_races(situation.line_up, situation.to_come, situation.retirement, config, draws, seed)
    )
    # Ties that the rules cannot break are broken by lot, another one in each draw.
    lots = np.random.default_rng([seed, 1])
    finals: dict[str, FinalDraws] = {}
    forecasts, positions = [], []
    for kind in rules.KINDS:
        if kind == "constructor" and situation.season < rules.CONSTRUCTORS_FROM:
            continue
        finals[kind] = _final(situation, kind, drawn, lots)
        rows, places = _views(situation, kind, finals[kind])
        forecasts.append(rows)
        positions.append(places)
    forecast = pd.concat(forecasts, ignore_index=True).assign(draws=draws, seed=seed)
    scenarios = _scenarios(situation, drawn[0], finals) if with_scenarios else _no_scenarios()
    return ChampionshipForecast(forecast, pd.concat(positions, ignore_index=True), scenarios)


def _final(
    situation: Situation, kind: str, drawn: Sequence[RaceDraws], lots: np.random.Generator
) -> FinalDraws:
    """The end of the season by draw: points so far and drawn, counted and ranked by the rules."""
    scores, season = situation.scores[kind], situation.season
    racing = situation.line_up.drivers if kind == "driver" else situation.line_up.constructors
    entities = sorted({*scores.entities, *racing})
    held = [entities.index(name) for name in scores.entities]
    columns = [entities.index(name) for name in racing]
    draws = len(drawn[0].points)
    earned, keys = _earned(situation, kind, drawn)
    countback = np.zeros((2, draws, len(entities)), dtype=np.int64)
    countback[:, :, held] = scores.countback.T[:, None, :]
    countback[:, :, columns] += keys
    total = np.zeros((draws, len(entities)))
    if rules.drops_results(season, kind):
        before = scores.points.shape[1]
        by_race = np.zeros((draws, len(entities), before + len(drawn)))
        by_race[:, held, :before] = scores.points
        by_race[:, columns, before:] = np.stack(earned, axis=2)
        total = rules.counted(by_race, rules.parts(season, kind))
    else:
        total[:, held] = scores.points.sum(axis=1)
        total[:, columns] += sum(earned)
    total[:, held] -= scores.deducted
    total[:, [held[index] for index in np.flatnonzero(scores.excluded)]] = 0.0
    total = np.round(total, 6)
    order = np.lexsort((lots.random(total.shape), -countback[1], -countback[0], -total), axis=1)
    places = np.empty_like(order)
    np.put_along_axis(places, order, np.arange(1, len(entities) + 1)[None, :], axis=1)
    return FinalDraws(entities, total, places.astype(np.int64))


def _earned(situation: Situation, kind: str, drawn: Sequence[RaceDraws]) -> tuple[list[Floats], Ints]:
    """Points of the drawn races, by race where the rules need that, else their sum; and countback keys of all.

    Summed over the races first and over the cars then: the history of twelve seasons takes half the time.
    """
    weights = countback_weights(rules.countback_places(situation.season))
    of_race = [np.stack([key[countback_rows(race.positions)] for key in weights.T]) for race in drawn]
    points = [race.points for race in drawn]
    best_only = kind == "constructor" and situation.season in rules.BEST_CAR_ONLY
    if not (best_only or rules.drops_results(situation.season, kind)):
        points, of_race = [np.sum(points, axis=0)], [np.sum(of_race, axis=0)]
    if kind == "constructor":
        team, teams = situation.line_up.team, len(situation.line_up.constructors)
        cars = [np.flatnonzero(team == index) for index in range(teams)]
        best = np.max if best_only else np.sum
        points = [np.stack([best(one[:, own], axis=1) for own in cars], axis=1) for one in points]
        # The better place has the greater key. When only the best car scored, only the first six places were counted
        # back, which are all in the first key.
        of_race = [np.stack([best(one[:, :, own], axis=2) for own in cars], axis=2) for one in of_race]
    return points, np.sum(of_race, axis=0)


def _views(situation: Situation, kind: str, final: FinalDraws) -> tuple[pd.DataFrame, pd.DataFrame]:
    draws, entities = final.places.shape
    matrix = np.zeros((entities, entities))
    for index in range(entities):
        matrix[index] = np.bincount(final.places[:, index] - 1, minlength=entities) / draws
    scores = situation.scores[kind]
    so_far = dict(zip(scores.entities, total_points(scores, situation.season, kind).tolist(), strict=True))
    low, high = np.percentile(final.points, [5, 95], axis=0)
    rows = pd.DataFrame(
        {
            "race_key": situation.race_key,
            "kind": kind,
            "entity_id": final.entities,
            "points": [so_far.get(name, 0.0) for name in final.entities],
            "expected_points": final.points.mean(axis=0),
            "points_low": low,
            "points_high": high,
            "expected_position": final.places.mean(axis=0),
            "title_probability": matrix[:, 0],
            "top3_probability": np.minimum(matrix[:, :3].sum(axis=1), 1.0),
            "can_win": can_win(situation, kind, final.entities),
            "races_left": len(situation.to_come),
        }
    )
    positions = pd.DataFrame(
        {
            "race_key": situation.race_key,
            "kind": kind,
            "entity_id": np.repeat(final.entities, entities),
            "position": np.tile(np.arange(1, entities + 1), entities),
            "probability": matrix.ravel(),
        }
    )
    return rows, positions


def can_win(situation: Situation, kind: str, entities: Sequence[str]) -> list[bool]:
    """Whether each entity can still be champion by the points that are left, whoever drives and however likely.

    It can if all that is left takes it past what every other one is sure to keep; on level points wins decide.
    Who has left the line-up counts as able to come back: that is a fact of the rules, not of the forecast.
    """
    scores, season = situation.scores[kind], situation.season
    parts = rules.parts(season, kind)
    before, left = scores.points.shape[1], len(situation.to_come)
    held = {name: index for index, name in enumerate(scores.entities)}
    rows = [held.get(name, -1) for name in entities]
    known = np.vstack([scores.points, np.zeros((1, before))])[rows]
    deducted = np.append(scores.deducted, 0.0)[rows]
    keys = np.vstack([scores.countback, np.zeros((1, 2), dtype=np.int64)])[rows]
    excluded = np.append(scores.excluded, False)[rows]
    cars = 2 if kind == "constructor" and season not in rules.BEST_CAR_ONLY else 1
    most = np.array(
        [
            sum(race.points[:cars]) + sum(race.sprint_points[:cars]) + race.fastest_lap_point
            for race in situation.to_come
        ]
    )
    nothing = np.hstack([known, np.zeros((len(entities), left))])
    everything = np.hstack([known, np.tile(most, (len(entities), 1))])
    sure = np.round(rules.counted(nothing, parts) - deducted, 6)
    best = np.round(rules.counted(everything, parts) - deducted, 6)
    sure[excluded] = 0.0
    weights = countback_weights(rules.countback_places(season))
    best_keys = keys + left * weights[1 : cars + 1].sum(axis=0)
    possible = []
    for index in range(len(entities)):
        rivals = [
            (float(sure[other]), *keys[other].tolist()) for other in range(len(entities)) if other != index
        ]
        mine = (float(best[index]), *best_keys[index].tolist())
        possible.append(not excluded[index] and all(mine >= rival for rival in rivals))
    return possible


def _scenarios(situation: Situation, following: RaceDraws, finals: dict[str, FinalDraws]) -> pd.DataFrame:
    """Title probabilities given each place of each contender in the next race; place 0: not classified."""
    chance = dict(
        zip(finals["driver"].entities, (finals["driver"].places == 1).mean(axis=0).tolist(), strict=True)
    )
    racing = situation.line_up.drivers
    contenders = sorted(
        (name for name in racing if chance[name] >= CONTENDER_FROM), key=lambda name: (-chance[name], name)
    )
    champions = {kind: final.places == 1 for kind, final in finals.items()}
    listed = {
        kind: np.flatnonzero(champion.mean(axis=0) >= CONTENDER_FROM) for kind, champion in champions.items()
    }
    rows: list[tuple[Any, ...]] = []
    for name in contenders[:CONTENDERS]:
        place = following.positions[:, racing.index(name)]
        for result in np.unique(place).tolist():
            given = place == result
            if given.sum() < SCENARIO_DRAWS:
                continue
            for kind, champion in champions.items():
                title = champion[given].mean(axis=0)
                head = (situation.race_key, kind, name, result)
                rows += [
                    (*head, finals[kind].entities[index], given.mean(), title[index])
                    for index in listed[kind].tolist()
                ]
    return pd.DataFrame(rows, columns=_SCENARIO) if rows else _no_scenarios()


_SCENARIO = ["race_key", "kind", "driver_id", "position", "entity_id", "probability", "title_probability"]


def _no_scenarios() -> pd.DataFrame:
    return pd.DataFrame(columns=_SCENARIO)
