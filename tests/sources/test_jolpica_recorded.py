"""Every recorded answer of the Ergast format is read, and says what F1DB says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from f1_pipeline.sources.bundle import SourceBundle
from f1_pipeline.sources.f1db import local_copy, parse_archive
from f1_pipeline.sources.jolpica import (
    constructor_standings,
    driver_standings,
    is_complete,
    qualifying_results,
    race_results,
    schedule,
    schedule_faults,
    sprint_results,
)

READ = {
    "races": ("RaceTable", "Races", None, schedule),
    "results": ("RaceTable", "Races", "Results", race_results),
    "sprint": ("RaceTable", "Races", "SprintResults", sprint_results),
    "qualifying": ("RaceTable", "Races", "QualifyingResults", qualifying_results),
    "driverstandings": ("StandingsTable", "StandingsLists", "DriverStandings", driver_standings),
    "constructorstandings": (
        "StandingsTable",
        "StandingsLists",
        "ConstructorStandings",
        constructor_standings,
    ),
}


def items_of(path: Path, kind: str) -> list[dict[str, Any]]:
    table, items, _, _ = READ[kind]
    return json.loads(path.read_text(encoding="utf-8"))["MRData"][table][items]  # type: ignore[no-any-return]


def values(frame: pd.DataFrame, column: str) -> list[Any]:
    return [None if pd.isna(value) else value for value in frame[column]]


@pytest.mark.archive
@pytest.mark.parametrize("kind", READ)
def test_every_recorded_answer_is_read(archives: Path, kind: str) -> None:
    files = sorted((archives / "jolpica" / kind).iterdir())
    assert len(files) >= 6
    _, _, rows, read = READ[kind]
    for path in files:
        items = items_of(path, kind)
        frame = read(items)
        assert len(frame) == sum(1 if rows is None else len(item[rows]) for item in items), path.name


@pytest.fixture(scope="module")
def f1db(archives: Path) -> SourceBundle:
    copy = local_copy(archives / "f1db" / "f1db-csv.zip")
    return parse_archive(Path(copy.path), copy.release, copy.digest)


def differences(found: pd.DataFrame, table: pd.DataFrame, columns: list[str]) -> dict[str, int]:
    """How many rows differ, by column; both frames hold the same rows in the same order."""
    assert len(found) == len(table)
    pairs = {name: zip(values(found, name), values(table, name), strict=True) for name in columns}
    counts = {name: sum(ours != theirs for ours, theirs in pair) for name, pair in pairs.items()}
    return {name: count for name, count in counts.items() if count}


@pytest.mark.archive
def test_a_recorded_result_says_what_f1db_says(archives: Path, f1db: SourceBundle) -> None:
    """Austria 2023. F1DB knows more of the three cars from the pit lane and of the one retirement."""
    frame = race_results(items_of(archives / "jolpica" / "results" / "2023@9@results.json", "results"))
    table = f1db.tables["race_results"].query("race_key == '2023-austria'")
    shared = [
        *(
            "display_order",
            "car_number",
            "position",
            "position_text",
            "shared_car",
            "laps",
            "time_ms",
            "gap_ms",
        ),
        *("gap_laps", "reason_retired", "points", "grid_position", "grid_text", "fastest_lap"),
    ]
    expected = {"grid_position": 3, "grid_text": 3, "reason_retired": 1}
    assert differences(frame, table, shared) == expected
    assert is_complete(frame, set(frame["driver_ref"]))


@pytest.mark.archive
def test_a_recorded_qualifying_says_what_f1db_says(archives: Path, f1db: SourceBundle) -> None:
    path = archives / "jolpica" / "qualifying" / "2023@13@qualifying.json"
    frame = qualifying_results(items_of(path, "qualifying"))
    table = f1db.tables["qualifying_results"].query("race_key == '2023-netherlands' and session == 'Q'")
    shared = ["display_order", "car_number", "position", "position_text", "q1_ms", "q2_ms", "q3_ms", "gap_ms"]
    assert differences(frame, table, shared) == {}


@pytest.mark.archive
def test_a_recorded_schedule_says_what_f1db_says(archives: Path, f1db: SourceBundle) -> None:
    frame = schedule(items_of(archives / "jolpica" / "races" / "2023.json", "races"))
    table = f1db.tables["races"].query("season == 2023").sort_values("round")
    assert differences(frame, table, ["round", "date", "is_sprint_weekend"]) == {}
    # F1DB has the times of sessions from 2024 on only.
    assert frame["sprint_qualifying_at"].notna().equals(frame["sprint_at"].notna())
    assert frame[["start_at", "qualifying_at", "first_practice_at"]].notna().all(axis=None)
    assert schedule_faults(frame) == []


@pytest.mark.archive
def test_recorded_standings_say_what_f1db_says(archives: Path, f1db: SourceBundle) -> None:
    path = archives / "jolpica" / "driverstandings" / "2023@22@driverstandings.json"
    frame = driver_standings(items_of(path, "driverstandings"))
    table = f1db.tables["driver_standings"].query("race_key == '2023-abu-dhabi'")
    assert differences(frame, table, ["display_order", "position", "points"]) == {}
