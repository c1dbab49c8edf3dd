"""Races, sessions and circuits of an F1DB archive as canonical frames, on the small invented world."""

from __future__ import annotations

import pandas as pd

from f1_pipeline.sources.bundle import SourceBundle
from f1_pipeline.sources.contracts import COLUMNS
from f1_pipeline.storage.schema import RACE_TABLES
from tests.sources.bundles import Parse, World, of_race


def test_every_table_is_there_in_canonical_columns(bundle: SourceBundle) -> None:
    assert (bundle.source, bundle.release, bundle.digest) == ("f1db", "v2026.2.0", "digest")
    assert {name: list(frame.columns) for name, frame in bundle.tables.items()} == {
        name: list(columns) for name, columns in COLUMNS.items()
    }
    empty = {name for name, frame in bundle.tables.items() if frame.empty}
    assert empty == set()


def test_races_are_named_by_season_and_grand_prix(bundle: SourceBundle) -> None:
    races = bundle.tables["races"].set_index("race_key")
    assert races.loc["2026-gammaland", ["season", "round"]].tolist() == [2026, 3]
    assert races.loc["2026-gammaland", "name"] == "Gammaland Grand Prix"
    assert races.loc["2026-gammaland", "official_name"] == "2026 gammaland Cup"
    assert races.loc["2026-gammaland", "date"] == pd.Timestamp("2026-05-03")
    assert races.loc["1955-alphaland", ["laps", "course_length_km"]].tolist() == [70, 4.649]
    assert not races["is_cancelled"].any()


def test_session_times_are_utc(bundle: SourceBundle) -> None:
    races = bundle.tables["races"].set_index("race_key")
    first = races.loc["2026-alphaland"]
    assert first["start_at"] == pd.Timestamp("2026-03-08T04:00Z")
    assert first["first_practice_at"] == pd.Timestamp("2026-03-06T23:30Z")
    assert first["qualifying_at"] == pd.Timestamp("2026-03-07T05:00Z")
    assert pd.isna(first["sprint_at"])
    sprint = races.loc["2025-betaland"]
    assert sprint["sprint_qualifying_at"] == pd.Timestamp("2025-05-30T14:30Z")
    assert sprint["sprint_at"] == pd.Timestamp("2025-05-31T10:00Z")
    for column in ("start_at", "first_practice_at", "qualifying_at", "sprint_qualifying_at", "sprint_at"):
        assert str(races[column].dtype) == "datetime64[us, UTC]"


def test_a_day_without_a_time_is_no_moment(bundle: SourceBundle) -> None:
    races = bundle.tables["races"].set_index("race_key")
    assert pd.isna(races.loc["2026-deltaland", "start_at"])
    assert races.loc["2026-deltaland", "date"] == pd.Timestamp("2026-06-07")


def test_a_season_without_any_sprint_or_time(world: World, parse: Parse) -> None:
    """A column without a single value is read as one of numbers; there are no times in it, and no words."""
    for race in world.calendar:
        for name in [name for name in race if name.endswith(("time", "Time")) or name.startswith("sprint")]:
            del race[name]
    for driver in world.rows["drivers"]:
        driver |= {"dateOfBirth": None, "abbreviation": None}
    for row in world.rows["seasons-entrants-drivers"]:
        row["races"] = []
    bundle = parse(world)
    assert bundle.tables["races"][["start_at", "sprint_at", "qualifying_at"]].isna().all(axis=None)
    # Of the sprints of 2021 and 2022 the calendar says nothing; their results do.
    races, sprints = bundle.tables["races"], bundle.tables["sprint_results"]
    assert set(races.loc[races["is_sprint_weekend"], "race_key"]) == set(sprints["race_key"]) != set()
    assert bundle.tables["drivers"][["code", "date_of_birth"]].isna().all(axis=None)


def test_sprint_weekends(bundle: SourceBundle) -> None:
    races = bundle.tables["races"].set_index("race_key")
    assert races.index[races["is_sprint_weekend"]].tolist() == ["2025-betaland"]
    sprint = of_race(bundle, "sprint_results", "2025-betaland")
    assert sprint["points"].tolist() == [8, 7, 6, 5]
    assert set(of_race(bundle, "qualifying_results", "2025-betaland")["session"]) == {"SQ"}
    assert set(of_race(bundle, "starting_grid", "2025-betaland")["session"]) == {"S"}


def test_a_sprint_date_alone_makes_a_sprint_weekend(world: World, parse: Parse) -> None:
    world.calendar[-1]["sprintRaceDate"] = "2026-07-04"
    races = parse(world).tables["races"].set_index("race_key")
    assert races.loc["2026-epsilonland", "is_sprint_weekend"]
    assert pd.isna(races.loc["2026-epsilonland", "sprint_at"])


def test_sessions_of_practice_are_told_apart(bundle: SourceBundle) -> None:
    practice = bundle.tables["practice_results"]
    assert set(zip(practice["race_key"], practice["session"], strict=True)) == {
        ("2026-alphaland", "FP1"), ("2026-alphaland", "FP2"), ("1955-alphaland", "WU"),
    }  # fmt: skip


def test_circuits_know_their_time_zone_and_altitude(bundle: SourceBundle) -> None:
    circuits = bundle.tables["circuits"].set_index("circuit_id")
    assert circuits["time_zone"].to_dict() == {"northring": "Europe/London", "zandvoort": "Europe/Amsterdam"}
    assert circuits.loc["zandvoort", "elevation_m"] == 6
    assert pd.isna(circuits.loc["northring", "elevation_m"])


def test_parsing_twice_gives_the_same_frames(world: World, parse: Parse, bundle: SourceBundle) -> None:
    again = parse(world)
    for table, frame in bundle.tables.items():
        pd.testing.assert_frame_equal(again.tables[table], frame)


def test_a_renumbered_race_keeps_its_hashes(world: World, parse: Parse, bundle: SourceBundle) -> None:
    """A race in the middle of the calendar moves ids and rounds of those behind it, and nothing else."""
    world.add_race("2026-zetaland", "northring", "2026-04-19", before="2026-gammaland")
    world.add_race("1956-alphaland", "northring", "1956-05-08", before="2025-betaland")
    moved = parse(world)
    rounds = moved.tables["races"].set_index("race_key")["round"]
    assert rounds[["2026-zetaland", "2026-gammaland", "2026-epsilonland"]].tolist() == [3, 4, 6]
    for table in RACE_TABLES:
        before, after = bundle.race_hashes(table), moved.race_hashes(table)
        new = {"2026-zetaland"} if table == "entries" else set()
        assert set(after) == set(before) | new
        assert {key: after[key] for key in before} == before, table
    old_races = bundle.tables["races"].drop(columns="round").set_index("race_key")
    new_races = moved.tables["races"].drop(columns="round").set_index("race_key")
    pd.testing.assert_frame_equal(new_races.loc[old_races.index], old_races)


def test_a_corrected_cell_changes_the_hash_of_its_race_alone(
    world: World, parse: Parse, bundle: SourceBundle
) -> None:
    row = next(row for row in world.rows["races-race-results"] if row["race"] == "2026-betaland")
    row["timeMillis"] = 5123456
    before, after = bundle.race_hashes("race_results"), parse(world).race_hashes("race_results")
    assert {key for key in before if before[key] != after[key]} == {"2026-betaland"}
