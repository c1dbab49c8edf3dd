"""The four real archives: what is in them, and that from one to the next only what changed has another hash."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from sqlalchemy import Integer, String

from f1_pipeline.domain.points import (
    EXACT_FROM_SEASON,
    POINTS_EXCEPTIONS,
    expected_race_points,
    sprint_points,
)
from f1_pipeline.sources.bundle import SourceBundle, frame_hash
from f1_pipeline.sources.f1db import local_copy, parse_archive
from f1_pipeline.sources.f1db.parse import TABLES
from f1_pipeline.storage.schema import RACE_TABLES, REFERENCE_TABLES, metadata

pytestmark = pytest.mark.archive

NAMES = {
    "2026.10": "f1db-csv-2026.10.zip",
    "pre-race": "f1db-csv-2026.11-pre-race.zip",
    "2026.11": "f1db-csv-2026.11.zip",
    "newest": "f1db-csv.zip",
}
COMING = [
    "netherlands", "italy", "spain", "azerbaijan", "singapore", "united-states", "mexico", "sao-paulo",
    "las-vegas", "qatar", "abu-dhabi",
]  # fmt: skip
COMING_KEYS = {f"2026-{name}" for name in COMING}
HUNGARY, NETHERLANDS, BAHRAIN = "2026-hungary", "2026-netherlands", "2026-bahrain"
CHANGES: dict[tuple[str, str], dict[str, set[str]]] = {
    # Practice, qualifying and grid of Hungary. Its entry list is published, and carried over to later races.
    ("2026.10", "pre-race"): {
        "practice_results": {HUNGARY},
        "qualifying_results": {HUNGARY},
        "starting_grid": {HUNGARY},
        "entries": {HUNGARY, *COMING_KEYS},
    },
    # The race: those who are on the list took part.
    ("pre-race", "2026.11"): {
        "race_results": {HUNGARY},
        "pit_stops": {HUNGARY},
        "driver_standings": {HUNGARY},
        "constructor_standings": {HUNGARY},
        "entries": {HUNGARY, *COMING_KEYS},
    },
    # Two sessions of the Netherlands and new seats from there on; Bahrain is back.
    ("2026.11", "newest"): {
        "practice_results": {NETHERLANDS},
        "qualifying_results": {NETHERLANDS},
        "entries": {BAHRAIN, *COMING_KEYS},
    },
}
"""Races whose rows differ, by step and table; no other race of no other table may."""


@pytest.fixture(scope="module")
def bundles(archives: Path) -> dict[str, SourceBundle]:
    return {name: parse_archive(archives / "f1db" / file, name, name) for name, file in NAMES.items()}


@pytest.fixture(scope="module")
def newest(bundles: dict[str, SourceBundle]) -> SourceBundle:
    return bundles["newest"]


def test_all_races_are_there(newest: SourceBundle) -> None:
    races, results = newest.tables["races"], newest.tables["race_results"]
    assert len(races) == 1172
    assert races["race_key"].is_unique
    assert races["season"].agg(["min", "max"]).tolist() == [1950, 2026]
    assert results["race_key"].nunique() == 1160
    held = races[races["race_key"].isin(results["race_key"])].sort_values("date")
    assert held["race_key"].iloc[-1] == HUNGARY
    assert set(races["race_key"]) - set(results["race_key"]) == {BAHRAIN, *COMING_KEYS}


def test_the_day_of_a_race_is_that_of_the_track(newest: SourceBundle) -> None:
    """F1DB gives the day of UTC, which is another one in Las Vegas only; of 2023 it has no time."""
    races = newest.tables["races"].set_index("race_key")
    zones = races["circuit_id"].map(newest.tables["circuits"].set_index("circuit_id")["time_zone"])
    assert zones.notna().all()
    timed = races[races["start_at"].notna()]
    assert timed["season"].min() == 2024
    other = timed.index[timed["start_at"].dt.tz_localize(None).dt.normalize() != timed["date"]]
    assert sorted(other) == ["2024-las-vegas", "2025-las-vegas", "2026-las-vegas"]
    for key in other:
        assert races.loc[key, "date"].day_name() == "Saturday"
        assert zones[key] == "America/Los_Angeles"


def test_nothing_is_lost_on_the_way(archives: Path, newest: SourceBundle) -> None:
    """Rows of the canonical tables are the lines of the archive's files."""
    with zipfile.ZipFile(archives / "f1db" / NAMES["newest"]) as archive:
        lines = {table: len(pd.read_csv(archive.open(f"f1db-{table}.csv"), usecols=[0])) for table in TABLES}
    practice = sum(count for table, count in lines.items() if "practice" in table or "warming" in table)
    expected = {
        "seasons": lines["seasons"],
        "circuits": lines["circuits"],
        "drivers": lines["drivers"],
        "constructors": lines["constructors"],
        "races": lines["races"],
        "race_results": lines["races-race-results"],
        "sprint_results": lines["races-sprint-race-results"],
        "qualifying_results": lines["races-qualifying-results"] + lines["races-sprint-qualifying-results"],
        "practice_results": practice,
        "starting_grid": lines["races-starting-grid-positions"]
        + lines["races-sprint-starting-grid-positions"],
        "pit_stops": lines["races-pit-stops"],
        "driver_standings": lines["races-driver-standings"],
        "constructor_standings": lines["races-constructor-standings"],
    }
    assert {name: len(newest.tables[name]) for name in expected} == expected
    assert expected["race_results"] == 27533


def test_known_winners(newest: SourceBundle) -> None:
    results = newest.tables["race_results"]
    winners = results[results["position"] == 1].groupby("race_key")["driver_id"].agg(list)
    assert winners[HUNGARY] == ["lando-norris"]
    assert winners["2024-monaco"] == ["charles-leclerc"]
    assert winners["1950-great-britain"] == ["nino-farina"]
    shared = winners[winners.str.len() > 1]
    assert set(shared.index) == {"1956-argentina", "1957-great-britain", "1951-france"}
    assert winners.explode().value_counts()["lewis-hamilton"] == 106


def test_points_agree_with_the_points_system(newest: SourceBundle) -> None:
    season = newest.tables["races"].set_index("race_key")["season"]
    results = newest.tables["race_results"]
    results = results.assign(season=results["race_key"].map(season))
    results = results[results["season"] >= EXACT_FROM_SEASON].reset_index(drop=True)
    differ = results[expected_race_points(results) != results["points"]]
    found = set(zip(differ["race_key"], differ["driver_id"], strict=True))
    assert found == POINTS_EXCEPTIONS
    assert len(results) > 20_000


def test_sprint_points_agree_with_the_points_system(newest: SourceBundle) -> None:
    season = newest.tables["races"].set_index("race_key")["season"]
    sprints = newest.tables["sprint_results"]
    for year, rows in sprints.groupby(sprints["race_key"].map(season)):
        scale = dict(enumerate(sprint_points(int(year)), start=1))
        assert (rows["position"].map(scale).fillna(0.0).astype("float64") == rows["points"]).all(), year
    assert sprints["race_key"].nunique() >= 25


def test_entries_of_the_next_race(newest: SourceBundle) -> None:
    entries = newest.tables["entries"]
    listed = entries[entries["race_key"] == NETHERLANDS].set_index("driver_id")
    assert len(listed) == 22
    assert set(listed["status"]) == {"listed"}
    assert listed.loc["liam-lawson", "constructor_id"] == "red-bull"
    assert listed.loc["yuki-tsunoda", "constructor_id"] == "racing-bulls"
    assert "isack-hadjar" not in listed.index
    assert listed["constructor_id"].value_counts().unique().tolist() == [2]


def test_entries_of_later_races_follow_the_next_one(newest: SourceBundle) -> None:
    entries = newest.tables["entries"]
    seats = {
        key: dict(zip(rows["driver_id"], rows["constructor_id"], strict=True))
        for key, rows in entries.groupby("race_key")
    }
    later = (COMING_KEYS | {BAHRAIN}) - {NETHERLANDS}
    assert all(seats[key] == seats[NETHERLANDS] for key in later)
    assert set(entries.loc[entries["race_key"].isin(later), "status"]) == {"projected"}
    assert set(entries.loc[~entries["race_key"].isin(later | {NETHERLANDS}), "status"]) == {"entered"}
    assert seats[HUNGARY]["liam-lawson"] == "racing-bulls"


def test_every_value_fits_its_database_column(newest: SourceBundle) -> None:
    """SQLite takes any length and number; PostgreSQL does not."""
    for table in (*REFERENCE_TABLES, *RACE_TABLES):
        frame = newest.tables[table]
        for column in metadata.tables[table].columns:
            values = frame[column.name].dropna()
            if isinstance(column.type, String) and column.type.length and len(values):
                assert values.str.len().max() <= column.type.length, f"{table}.{column.name}"
                assert not values.str.contains("\x00").any()
            elif isinstance(column.type, Integer) and len(values):
                assert values.abs().max() < 2**31, f"{table}.{column.name}"


@pytest.mark.parametrize("step", CHANGES, ids=" to ".join)
def test_only_what_changed_has_another_hash(bundles: dict[str, SourceBundle], step: tuple[str, str]) -> None:
    before, after = bundles[step[0]], bundles[step[1]]
    changed: dict[str, set[str]] = {}
    for table in RACE_TABLES:
        old, new = before.race_hashes(table), after.race_hashes(table)
        assert set(old) <= set(new), f"{table}: races are lost"
        different = {key for key in new if old.get(key) != new[key]}
        if different:
            changed[table] = different
    assert changed == CHANGES[step]


def test_a_race_that_moves_back_keeps_what_it_had(bundles: dict[str, SourceBundle]) -> None:
    """Bahrain comes in as round 16: the seven races behind it move, and no race but it is new."""
    before = bundles["2026.11"].tables["races"].set_index("race_key")
    after = bundles["newest"].tables["races"].set_index("race_key")
    assert (before.loc["2026-singapore", "round"], after.loc["2026-singapore", "round"]) == (16, 17)
    assert after.loc[BAHRAIN, "round"] == 16
    assert set(after.index) - set(before.index) == {BAHRAIN}
    moved = after.loc[before.index, "round"] - before["round"]
    assert set(moved.index[moved != 0]) == {
        "2026-singapore", "2026-united-states", "2026-mexico", "2026-sao-paulo", "2026-las-vegas",
        "2026-qatar", "2026-abu-dhabi",
    }  # fmt: skip
    assert set(moved[moved != 0]) == {1}
    pd.testing.assert_frame_equal(
        after.loc[before.index].drop(columns="round"), before.drop(columns="round"), check_dtype=False
    )


@pytest.mark.parametrize("step", CHANGES, ids=" to ".join)
def test_reference_tables_change_only_with_the_calendar(
    bundles: dict[str, SourceBundle], step: tuple[str, str]
) -> None:
    before, after = bundles[step[0]], bundles[step[1]]
    changed = {
        table
        for table in REFERENCE_TABLES
        if frame_hash(before.tables[table]) != frame_hash(after.tables[table])
    }
    assert changed == ({"races"} if step[1] == "newest" else set())


@pytest.mark.parametrize("name", NAMES)
def test_archives_are_sound(archives: Path, name: str) -> None:
    assert local_copy(archives / "f1db" / NAMES[name]).release.startswith(
        NAMES[name].removesuffix(".zip") + "@"
    )


def test_the_small_world_has_the_columns_of_the_real_one(
    archives: Path, small_world: Callable[[], Any], tmp_path: Path
) -> None:
    invented = small_world().write(tmp_path / "world.zip")
    with (
        zipfile.ZipFile(archives / "f1db" / NAMES["newest"]) as real,
        zipfile.ZipFile(invented) as small,
    ):
        assert {f"f1db-{table}.csv" for table in TABLES} == set(small.namelist()) <= set(real.namelist())
        for member in small.namelist():
            theirs = real.open(member).readline().decode().strip().split(",")
            ours = small.open(member).readline().decode().strip().split(",")
            assert [name for name in theirs if name in ours] == ours, member
