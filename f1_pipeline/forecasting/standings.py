"""Standings of a championship, computed from results by the rules of the season."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from f1_pipeline.domain import championship_rules as rules
from f1_pipeline.domain.points import race_points
from f1_pipeline.forecasting.grouping import Floats

Ints = NDArray[np.int64]

PLACES = 20
"""Places that are counted back, where all places are: two levels down to the twentieth place are level."""
_PER_KEY = 10
_BITS = 6
"""Counts of ten places fit into one integer of 64 bits: no one has 64 times the same place in a season."""


@dataclass(frozen=True)
class Scores:
    """Points and places of a season's races so far.

    ``entities``: drivers or constructors that have a result, sorted. ``points``: entities by races, in calendar order.
    ``countback``: entities by two, the keys of ``countback_weights``. ``deducted``: points taken away by a decision;
    ``excluded``: by a decision without points to the end of the season.
    """

    entities: list[str]
    points: Floats
    countback: Ints
    deducted: Floats
    excluded: NDArray[np.bool_]


def countback_weights(places: int | None) -> Ints:
    """What one result at each place adds to the two keys of the countback; shape (PLACES + 1, 2).

    More wins beat any number of second places, and so on: each place has its own bits. Row 0 (not classified,
    and ``countback_rows``) and places beyond ``places`` add nothing.
    """
    weights = np.zeros((PLACES + 1, 2), dtype=np.int64)
    for place in range(1, min(places or PLACES, PLACES) + 1):
        key, digit = divmod(place - 1, _PER_KEY)
        weights[place, key] = 1 << (_BITS * (_PER_KEY - 1 - digit))
    return weights


def countback_rows(places: Ints) -> Ints:
    """The row of ``countback_weights`` of each place: places beyond the last one count as none, not as the last."""
    return np.where(places > PLACES, 0, places)


def championship_points(results: pd.DataFrame, kind: str) -> pd.Series:
    """Points that each row of results brings to a driver, or to a constructor before its best car is chosen.

    ``results``: rows of ``race_results`` and ``sprint_results`` with ``season``.
    """
    points = results["points"].astype("float64")
    if kind == "driver":
        return points
    season = results["season"]
    early = season.isin(rules.NO_FASTEST_LAP_FOR_CONSTRUCTORS)
    values = dict(enumerate(race_points(rules.CONSTRUCTORS_FROM), start=1))
    # A shared car brought nothing from 1958 on; the source marks only the driver who took it over.
    shared = results.groupby(["race_key", "position"], dropna=False)["shared_car"].transform("max")
    own = results["position"].map(values).fillna(0.0).where(~shared.astype("bool"), 0.0)
    points = points.where(~early, own)
    points = points.where(season != 1961, points.clip(upper=rules.CONSTRUCTOR_WIN_1961))
    return points.where(~results["race_key"].isin(rules.NOT_FOR_CONSTRUCTORS), 0.0)


def season_scores(
    races: pd.DataFrame, sprints: pd.DataFrame, calendar: Sequence[str], kind: str, before: str | None = None
) -> Scores:
    """Points and places by race of one season.

    Args:
        races, sprints: rows of the season's results with ``season`` and ``entity_id``: the driver, or the constructor
            (until the 1980s with its engine, which made another championship entry).
        calendar: race keys of the season in calendar order.
        kind: ``driver`` or ``constructor``.
        before: results of this race and later ones are left out, and decisions that came later too; None: take all.

    Returns:
        Scores whose races are those of the calendar before ``before``.
    """
    keys = list(calendar) if before is None else list(calendar)[: list(calendar).index(before)]
    season = int(calendar[0][:4])
    place = {key: index for index, key in enumerate(keys)}
    both = pd.concat([races.assign(sprint=False), sprints.assign(sprint=True)], ignore_index=True)
    both = both[both["race_key"].isin(place)]
    both = both.assign(score=championship_points(both, kind))
    best_only = kind == "constructor" and season in rules.BEST_CAR_ONLY
    entities = sorted(both["entity_id"].unique())
    points = np.zeros((len(entities), len(keys)))
    row = {name: index for index, name in enumerate(entities)}
    grouped = both.groupby(["entity_id", "race_key"])["score"]
    score = (grouped.max() if best_only else grouped.sum()).reset_index()
    points[score["entity_id"].map(row), score["race_key"].map(place)] = score["score"]
    placed = both[~both["sprint"] & both["position"].notna()]
    if best_only:
        placed = placed.sort_values("position").drop_duplicates(["race_key", "entity_id"])
    weights = countback_weights(rules.countback_places(season))
    countback = np.zeros((len(entities), 2), dtype=np.int64)
    rows = placed["entity_id"].map(row).to_numpy(dtype=np.int64)
    position = placed["position"].to_numpy(dtype=np.int64)
    np.add.at(countback, rows, weights[countback_rows(position)])
    deducted, excluded = np.zeros(len(entities)), np.zeros(len(entities), dtype=bool)
    if kind == "constructor":
        for cut in rules.deductions(season, calendar, before):
            # The entity may carry its engine behind the name.
            for name in (name for name in entities if name.split("/")[0] == cut.constructor_id):
                void = points[row[name], : place.get(cut.known_from, len(keys))].sum()
                deducted[row[name]] = void if cut.points is None else cut.points
                excluded[row[name]] = cut.excluded
    return Scores(entities, points, countback, deducted, excluded)


def total_points(scores: Scores, season: int, kind: str) -> Floats:
    """Counted points of each entity, what was taken away subtracted."""
    total = rules.counted(scores.points, rules.parts(season, kind)) - scores.deducted
    return np.asarray(np.round(np.where(scores.excluded, 0.0, total), 6), dtype=np.float64)


def standings(scores: Scores, season: int, kind: str) -> pd.DataFrame:
    """``entity_id, points, position`` by the rules of the season, first place first.

    Who is level in points and in all places that are counted back shares the place.
    """
    total = total_points(scores, season, kind)
    order = np.lexsort((-scores.countback[:, 1], -scores.countback[:, 0], -total))
    keys = list(zip(total.tolist(), *scores.countback.T.tolist(), strict=True))
    position: dict[int, int] = {}
    for index, entity in enumerate(order.tolist()):
        level = index > 0 and keys[entity] == keys[int(order[index - 1])]
        position[entity] = position[int(order[index - 1])] if level else index + 1
    return pd.DataFrame(
        {
            "entity_id": [scores.entities[entity] for entity in order],
            "points": total[order],
            "position": [position[entity] for entity in order.tolist()],
        }
    )
