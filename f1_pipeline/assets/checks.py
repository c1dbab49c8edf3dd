"""The laws of the tables as pure functions: rows in, faults out."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

import numpy as np
import pandas as pd

from f1_pipeline.assets.common import Faults, TableCheck
from f1_pipeline.domain.classification import classification_faults
from f1_pipeline.domain.points import EXACT_FROM_SEASON, POINTS_EXCEPTIONS, expected_race_points
from f1_pipeline.errors import NotReady
from f1_pipeline.forecasting.standings_check import standings_faults

FIELD = range(10, 60)
"""Entries of a race: the smallest field was 10 (Argentina 1958), the largest 42 (Indianapolis 1954)."""


def _classification(frame: pd.DataFrame) -> Faults:
    return [(text.split(",")[0].removeprefix("race "), text) for text in classification_faults(frame)]


def _points(frame: pd.DataFrame) -> Faults:
    rows = frame.assign(season=frame["race_key"].str[:4].astype("int64"))
    rows = rows[rows["season"] >= EXACT_FROM_SEASON]
    if rows.empty:
        return []
    expected = expected_race_points(rows)
    wrong = rows[(expected - rows["points"]).abs() > 1e-6].assign(expected=expected)
    return [
        (str(row.race_key), f"{row.driver_id} has {row.points:g} points, his place brings {row.expected:g}")
        for row in wrong.itertuples()
        if (row.race_key, row.driver_id) not in POINTS_EXCEPTIONS
    ]


def _field_size(frame: pd.DataFrame) -> Faults:
    sizes = frame.groupby("race_key").size()
    return [(str(key), f"{size} entries") for key, size in sizes.items() if size not in FIELD]


def _references(frame: pd.DataFrame) -> Faults:
    columns = [name for name in ("driver_id", "constructor_id") if name in frame.columns]
    missing = frame[frame[columns].isna().any(axis=1)]
    return [(str(key), "a row without driver or constructor") for key in missing["race_key"]]


def _without_results(frame: pd.DataFrame) -> Faults:
    raise NotReady(f"{len(frame)} rows of standings, and no results to compare them with: see with_source")


def with_source(check: TableCheck, tables: Mapping[str, pd.DataFrame], keys: Collection[str]) -> TableCheck:
    """The check with what it compares with: drivers and constructors that exist, or results; others as they are.

    A driver under a new id must fail here by name: it would otherwise be a rookie without a past. ``keys``: races of
    the run, also those without rows.
    """
    if check in STANDINGS.values():
        kind = next(kind for kind, standings in STANDINGS.items() if standings is check)
        return replace(check, faults=lambda frame: standings_faults(kind, frame, tables, keys))
    if check.name != REFERENCES.name:
        return check
    known = {
        "driver_id": set(tables["drivers"]["driver_id"]),
        "constructor_id": set(tables["constructors"]["constructor_id"]),
    }

    def faults(frame: pd.DataFrame) -> Faults:
        found = _references(frame)
        for column, ids in known.items():
            if column in frame.columns:
                strangers = frame[frame[column].notna() & ~frame[column].isin(ids)]
                found += [
                    (str(race), f"{column} {value!r} is unknown")
                    for race, value in zip(strangers["race_key"], strangers[column], strict=True)
                ]
        return found

    return replace(check, faults=faults)


def _probabilities(frame: pd.DataFrame) -> Faults:
    faults: Faults = []
    for column in ("win_probability", "podium_probability", "points_probability"):
        outside = frame[~frame[column].between(0.0, 1.0 + 1e-9)]
        faults += [
            (str(row.race_key), f"{column} of {row.driver_id} by {row.model}") for row in outside.itertuples()
        ]
    # The table of the sprints has both horizons in one run.
    sums = frame.groupby(["race_key", "horizon", "model"])["win_probability"].sum().reset_index()
    faults += [
        (str(row.race_key), f"win probabilities by {row.model} sum to {row.win_probability:.6f}")
        for row in sums[~np.isclose(sums["win_probability"], 1.0, atol=1e-9)].itertuples()
    ]
    return faults


def _meant_versions(frame: pd.DataFrame) -> Faults:
    late = frame[frame["stood_in_for"].notna()]
    return [
        (
            str(race),
            f"forecast by versions of before: those for {meant} could not be entered, MLflow did not answer",
        )
        for race, meant in sorted({(row.race_key, row.stood_in_for) for row in late.itertuples()})
    ]


def _title_sums(frame: pd.DataFrame) -> Faults:
    sums = frame.groupby(["race_key", "kind"])["title_probability"].sum().reset_index()
    faults = [
        (str(row.race_key), f"{row.kind} title probabilities sum to {row.title_probability:.6f}")
        for row in sums[~np.isclose(sums["title_probability"], 1.0, atol=1e-9)].itertuples()
    ]
    impossible = frame[(frame["title_probability"] > 0) & ~frame["can_win"].astype("bool")]
    return faults + [
        (str(row.race_key), f"{row.entity_id} can no longer win and has a title probability")
        for row in impossible.itertuples()
    ]


def _position_sums(frame: pd.DataFrame) -> Faults:
    faults: Faults = []
    for column in ("entity_id", "position"):
        sums = frame.groupby(["race_key", "kind", column])["probability"].sum().reset_index()
        faults += [
            (str(row[0]), f"{row[1]} {row[2]}: probabilities of final places sum to {row[3]:.6f}")
            for row in sums[~np.isclose(sums["probability"], 1.0, atol=1e-9)].itertuples(index=False)
        ]
    return faults


def _place_sums(frame: pd.DataFrame) -> Faults:
    faults: Faults = []
    for column in ("driver_id", "position"):
        sums = frame.groupby(["race_key", "model", column])["probability"].sum().reset_index()
        faults += [
            (str(row[0]), f"{row[1]}, {row[2]}: probabilities of places sum to {row[3]:.6f}")
            for row in sums[~np.isclose(sums["probability"], 1.0, atol=1e-9)].itertuples(index=False)
        ]
    return faults


POSITIONS = TableCheck(
    "positions_unique", "Places are 1 to n among the classified, each given once.", _classification
)
POINTS = TableCheck(
    "points_agree",
    "Points are those of the place (from 1961 on; earlier points could be split). "
    "A race stopped early may rightly differ, so this warns.",
    _points,
    blocking=False,
)
FIELD_SIZE = TableCheck(
    "field_size", f"{FIELD.start} to {FIELD.stop - 1} entries in a race.", _field_size, blocking=False
)
REFERENCES = TableCheck("references", "Every driver and constructor named is one that exists.", _references)
STANDINGS = {
    kind: TableCheck(
        "agree_with_results",
        "Published points are those that the results so far make. A decision may be in one of them only, and sources have "
        "labelled standings with the next round, so this warns.",
        _without_results,
        blocking=False,
    )
    for kind in ("driver", "constructor")
}
PROBABILITIES = TableCheck(
    "probabilities", "Probabilities are in [0, 1] and a race's win probabilities sum to 1.", _probabilities
)
MEANT_VERSIONS = TableCheck(
    "meant_versions",
    "Forecasts are made by the versions that were trained for the race. While MLflow does not answer, the last champions "
    "stand in for them, so this warns.",
    _meant_versions,
    blocking=False,
)
PLACE_SUMS = TableCheck("place_sums", "Places sum to 1 by driver, and by place.", _place_sums)
TITLE_SUMS = TableCheck(
    "title_sums",
    "Title probabilities of a championship sum to 1, and nobody has one who can no longer win.",
    _title_sums,
)
POSITION_SUMS = TableCheck(
    "position_sums", "Final places sum to 1 by driver or constructor, and by place.", _position_sums
)
