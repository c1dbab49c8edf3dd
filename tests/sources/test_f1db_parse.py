"""F1DB archive to canonical frames, on the small invented world, and what is refused on the way."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from f1_pipeline.errors import ArchiveCorrupt, ContractViolation
from f1_pipeline.sources.bundle import SourceBundle
from f1_pipeline.sources.contracts import COLUMNS
from f1_pipeline.sources.f1db.archive import read_archive, verify_archive
from f1_pipeline.sources.f1db.parse import TABLES, parse_archive
from f1_pipeline.sources.f1db.release import local_copy
from f1_pipeline.storage.schema import RACE_TABLES

World = Any
Parse = Callable[[World], SourceBundle]


@pytest.fixture
def world(small_world: Callable[[], World]) -> World:
    return small_world()


@pytest.fixture
def parse(tmp_path: Path) -> Parse:
    def parse(world: World) -> SourceBundle:
        return parse_archive(world.write(tmp_path / "world.zip"), "v2026.2.0", "digest")

    return parse


@pytest.fixture(scope="module")
def bundle(small_world: Callable[[], World], tmp_path_factory: pytest.TempPathFactory) -> SourceBundle:
    """The small world as it is; read only."""
    path = small_world().write(tmp_path_factory.mktemp("world") / "world.zip")
    return parse_archive(path, "v2026.2.0", "digest")


def of_race(bundle: SourceBundle, table: str, race: str) -> pd.DataFrame:
    frame = bundle.tables[table]
    return frame[frame["race_key"] == race].reset_index(drop=True)


def seats(bundle: SourceBundle, race: str) -> dict[str, str]:
    rows = of_race(bundle, "entries", race)
    return dict(zip(rows["driver_id"], rows["constructor_id"], strict=True))


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


def test_entries_of_a_race_that_was_held(bundle: SourceBundle) -> None:
    entries = of_race(bundle, "entries", "2026-alphaland")
    assert set(entries["status"]) == {"entered"}
    assert seats(bundle, "2026-alphaland") == {
        "ada-apex": "nova", "ben-brake": "nova", "cy-curb": "orbit", "dee-drift": "nova",
    }  # fmt: skip
    assert entries.set_index("driver_id")["car_number"]["ada-apex"] == "08"
    assert entries.set_index("driver_id")["engine_id"]["ada-apex"] == "nova-engines"


def test_a_driver_who_changes_teams_is_entered_where_he_drove(bundle: SourceBundle) -> None:
    """The result says where he drove, whatever the list says; Ben drove though listed as a test driver."""
    assert seats(bundle, "2026-betaland") == {
        "ada-apex": "nova", "ben-brake": "orbit", "cy-curb": "nova", "dee-drift": "orbit",
    }  # fmt: skip


def test_entries_of_a_race_with_a_published_list(bundle: SourceBundle) -> None:
    entries = of_race(bundle, "entries", "2026-gammaland")
    assert set(entries["status"]) == {"listed"}
    assert seats(bundle, "2026-gammaland") == {"ada-apex": "nova", "dee-drift": "orbit", "eve-edge": "nova"}
    assert entries["car_number"].isna().all()


@pytest.mark.parametrize("race", ["2026-deltaland", "2026-epsilonland"])
def test_entries_of_later_races_are_the_last_known_ones(bundle: SourceBundle, race: str) -> None:
    assert set(of_race(bundle, "entries", race)["status"]) == {"projected"}
    assert seats(bundle, race) == seats(bundle, "2026-gammaland")


def test_without_a_list_the_last_race_is_carried_over(world: World, parse: Parse) -> None:
    world.rows["seasons-entrants-drivers"] = []
    bundle = parse(world)
    entries = of_race(bundle, "entries", "2026-gammaland")
    assert set(entries["status"]) == {"projected"}
    assert seats(bundle, "2026-gammaland") == seats(bundle, "2026-betaland")


def test_a_line_up_is_not_carried_into_the_next_season(world: World, parse: Parse) -> None:
    world.add_race("2027-alphaland", "northring", "2027-03-07")
    assert of_race(parse(world), "entries", "2027-alphaland").empty


def test_a_shared_car(bundle: SourceBundle) -> None:
    results = of_race(bundle, "race_results", "1955-alphaland")
    assert results["position"].tolist()[:3] == [1, 1, 2]
    assert results["shared_car"].tolist() == [False, True, False, False]
    assert results["points"].tolist() == [4.5, 4.5, 6.0, 0.0]
    # Ben took over Eve's car; his entry is the one he came with.
    assert seats(bundle, "1955-alphaland") == {"ada-apex": "nova", "ben-brake": "nova", "eve-edge": "orbit"}
    entry = of_race(bundle, "entries", "1955-alphaland").set_index("driver_id").loc["ben-brake"]
    assert entry["car_number"] == "6"


def test_a_start_from_the_pit_lane(bundle: SourceBundle) -> None:
    grid = of_race(bundle, "starting_grid", "2026-alphaland").set_index("driver_id")
    assert grid.loc["cy-curb", "position_text"] == "PL"
    assert pd.isna(grid.loc["cy-curb", "position"])
    assert grid.loc["cy-curb", "qualifying_position"] == 2
    assert grid.loc["ben-brake", "penalty"] == "10 places"
    result = of_race(bundle, "race_results", "2026-alphaland").set_index("driver_id")
    assert result.loc["cy-curb", "grid_text"] == "PL"
    assert pd.isna(result.loc["cy-curb", "grid_position"])


def test_missing_values_stay_missing(bundle: SourceBundle) -> None:
    result = of_race(bundle, "race_results", "2026-alphaland").set_index("driver_id")
    assert result.loc["ada-apex", "time_ms"] == 5000000
    assert pd.isna(result.loc["cy-curb", "time_ms"])
    assert result.loc["cy-curb", "gap_ms"] == 1234
    assert result.loc["ben-brake", ["gap_laps", "penalty_ms"]].tolist() == [1, 5000]
    assert pd.isna(result.loc["ben-brake", "gap_ms"])
    # Nobody knows is not no: the fastest lap; nothing was given is no points.
    assert result.loc["ada-apex", "fastest_lap"] is True or result.loc["ada-apex", "fastest_lap"] == True  # noqa: E712
    assert not result.loc["cy-curb", "fastest_lap"]
    assert pd.isna(result.loc["ben-brake", "fastest_lap"])
    assert result.loc["dee-drift", "points"] == 0.0
    assert pd.isna(result.loc["dee-drift", "position"])
    assert result.loc["dee-drift", "position_text"] == "DNS"
    drivers = bundle.tables["drivers"].set_index("driver_id")
    assert drivers.loc["ada-apex", "number"] == "08"
    assert drivers.loc["ada-apex", "date_of_birth"] == pd.Timestamp("1999-02-28")
    assert drivers.loc["ben-brake", ["number", "date_of_birth"]].isna().all()
    assert pd.isna(drivers.loc["eve-edge", "code"])
    retired = of_race(bundle, "race_results", "1955-alphaland").iloc[-1]
    assert retired["reason_retired"] == "Engine, oil"


def test_words_that_look_missing_are_words(world: World, parse: Parse) -> None:
    """``NA``, ``None`` and ``nan`` are names to F1DB; only an empty cell is missing."""
    world.rows["drivers"][1] |= {"abbreviation": "NAN", "lastName": "None", "nationalityCountryId": "NA"}
    driver = parse(world).tables["drivers"].set_index("driver_id").loc["ben-brake"]
    assert driver[["code", "last_name", "country_id"]].tolist() == ["NAN", "None", "NA"]


def test_one_driver_twice_in_qualifying(bundle: SourceBundle) -> None:
    rows = of_race(bundle, "qualifying_results", "2026-alphaland")
    assert rows.loc[rows["driver_id"] == "ben-brake", "position_text"].tolist() == ["NC", "DSQ"]


def test_circuits_know_their_time_zone_and_altitude(bundle: SourceBundle) -> None:
    circuits = bundle.tables["circuits"].set_index("circuit_id")
    assert circuits["time_zone"].to_dict() == {"northring": "Europe/London", "zandvoort": "Europe/Amsterdam"}
    assert circuits.loc["zandvoort", "elevation_m"] == 6
    assert pd.isna(circuits.loc["northring", "elevation_m"])


def test_standings(bundle: SourceBundle) -> None:
    drivers = of_race(bundle, "driver_standings", "2026-alphaland")
    assert drivers["driver_id"].tolist() == ["ada-apex", "cy-curb", "ben-brake"]
    teams = of_race(bundle, "constructor_standings", "2026-alphaland")
    assert (teams["position_text"].tolist(), teams["points"].tolist()) == (["EX"], [40.5])
    assert teams["position"].isna().all()


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


# --- damaged archives ------------------------------------------------------------------------------------


def _flip_in_member(path: Path, member: str) -> None:
    with zipfile.ZipFile(path) as archive:
        info = archive.getinfo(member)
    data = bytearray(path.read_bytes())
    start = info.header_offset + 30 + int.from_bytes(data[info.header_offset + 28 : info.header_offset + 30], "little") + len(member)  # fmt: skip
    data[start + info.compress_size // 2] ^= 0xFF
    path.write_bytes(data)


def _truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _cut_tail(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def _damaged_stream(path: Path) -> None:
    """Damage that the decompressor itself trips over, before any checksum is compared."""
    with zipfile.ZipFile(path) as archive:
        info = archive.getinfo("f1db-races.csv")
    data = bytearray(path.read_bytes())
    start = info.header_offset + 30 + len("f1db-races.csv")
    data[start : start + 16] = b"\xff" * 16
    path.write_bytes(data)


DAMAGE: dict[str, Callable[[Path], object]] = {
    "truncated": _truncate,
    "one byte short": _cut_tail,
    "empty": lambda path: path.write_bytes(b""),
    "not a zip": lambda path: path.write_text("<html>rate limit exceeded</html>", encoding="utf-8"),
    "flipped byte": lambda path: _flip_in_member(path, "f1db-races-race-results.csv"),
    "flipped byte in the last one": lambda path: _flip_in_member(path, f"f1db-{TABLES[-1]}.csv"),
    "damaged stream": _damaged_stream,
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE.keys())
@pytest.mark.parametrize("use", ["parse", "verify", "local"])
def test_a_damaged_archive_is_refused(
    world: World, tmp_path: Path, damage: Callable[[Path], object], use: str
) -> None:
    path = world.write(tmp_path / "world.zip")
    damage(path)
    calls: dict[str, Callable[[], object]] = {
        "parse": lambda: parse_archive(path, "r", "d"),
        "verify": lambda: verify_archive(path),
        "local": lambda: local_copy(path),
    }
    with pytest.raises(ArchiveCorrupt, match=r"^f1db: .*world\.zip"):
        calls[use]()


@pytest.mark.parametrize("table", ["races", "races-pit-stops", TABLES[-1]])
def test_an_archive_without_a_table_is_refused(world: World, tmp_path: Path, table: str) -> None:
    path = world.write(tmp_path / "world.zip", without=table)
    with pytest.raises(ArchiveCorrupt, match=f"has no file f1db-{table}.csv"):
        parse_archive(path, "r", "d")
    with pytest.raises(ArchiveCorrupt, match=f"has no file f1db-{table}.csv"):
        local_copy(path)


def test_an_empty_member_is_refused(world: World, tmp_path: Path) -> None:
    path = world.write(tmp_path / "world.zip", without="circuits")
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("f1db-circuits.csv", "")
    with pytest.raises(ArchiveCorrupt, match=r"world\.zip"):
        parse_archive(path, "r", "d")


def test_a_member_of_other_columns_is_refused(world: World, tmp_path: Path) -> None:
    path = world.write(tmp_path / "world.zip", without="races-race-results")
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("f1db-races-race-results.csv", '"race","winner"\n1,"ada-apex"\n')
    with pytest.raises(ArchiveCorrupt, match="raceId"):
        parse_archive(path, "r", "d")


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArchiveCorrupt, match=r"no archive at .*gone\.zip"):
        local_copy(tmp_path / "gone.zip")
    with pytest.raises(ArchiveCorrupt, match=r"gone\.zip"):
        read_archive(tmp_path / "gone.zip", TABLES)


def test_a_sound_archive_is_not_refused(world: World, tmp_path: Path) -> None:
    path = world.write(tmp_path / "world.zip")
    verify_archive(path)
    copy = local_copy(path)
    assert copy.path == str(path)
    assert len(copy.digest) == 64
    assert copy.release == f"world@{copy.digest[:8]}"
    assert set(read_archive(path, ["races"])) == {"races"}


# --- impossible content ----------------------------------------------------------------------------------


def _row(world: World, table: str, race: str, place: int) -> dict[str, Any]:
    rows = [row for row in world.rows[table] if row["race"] == race]
    return rows[place - 1]


def _nobody_classified(world: World) -> None:
    for place in (1, 2, 3):
        _row(world, "races-race-results", "2026-betaland", place)["positionNumber"] = None


IMPOSSIBLE: dict[str, tuple[Callable[[World], object], str]] = {
    "position twice": (
        lambda world: _row(world, "races-race-results", "2026-betaland", 3).update(positionNumber=2),
        "table race_results, race 2026-betaland, field position: position 2 is given to two cars",
    ),
    "no winner": (
        lambda world: _row(world, "races-race-results", "2026-betaland", 1).update(positionNumber=None),
        "table race_results, race 2026-betaland, field position: nobody is first",
    ),
    "gap": (
        lambda world: _row(world, "races-race-results", "2026-betaland", 2).update(positionNumber=None),
        "table race_results, race 2026-betaland, field position: 2 places but the last is 3",
    ),
    "nobody classified": (
        _nobody_classified,
        "table race_results, race 2026-betaland, field position: nobody is classified",
    ),
    "sprint": (
        lambda world: _row(world, "races-sprint-race-results", "2025-betaland", 4).update(positionNumber=1),
        "table sprint_results, race 2025-betaland, field position: position 1 is given to two cars",
    ),
    "points below zero": (
        lambda world: _row(world, "races-race-results", "2026-betaland", 2).update(points=-18),
        "table race_results, race 2026-betaland, field points: value -18",
    ),
    "points in words": (
        lambda world: _row(world, "races-race-results", "2026-betaland", 2).update(points="many"),
        "table race_results, race 2026-betaland, field points: value 'many'",
    ),
    "position in words": (
        lambda world: _row(world, "races-qualifying-results", "2026-alphaland", 2).update(positionNumber="x"),
        "table qualifying_results, race 2026-alphaland, field position: value 'x'",
    ),
    "unknown driver": (
        lambda world: _row(world, "races-race-results", "2026-betaland", 2).update(driverId="ada-apex-2"),
        "race 2026-betaland, field driver_id: 'ada-apex-2' is not in drivers",
    ),
    "unknown race": (
        lambda world: _row(world, "races-pit-stops", "2026-alphaland", 1).update(race="2026-nowhere"),
        "table pit_stops, race nan, field race_key",
    ),
    "impossible day": (
        lambda world: world.calendar[-1].update(date="2026-02-30"),
        "table races, race 2026-epsilonland, field date: value '2026-02-30'",
    ),
    "impossible time": (
        lambda world: world.calendar[-1].update(time="25:99"),
        "table races, race 2026-epsilonland, field start_at: value '2026-07-05T25:99'",
    ),
    "unborn": (
        lambda world: world.rows["drivers"][0].update(dateOfBirth="soon"),
        "table drivers, race -, field date_of_birth: value 'soon'",
    ),
    "unknown grand prix": (
        lambda world: world.rows["grands-prix"].pop(4),
        "table races, race 2026-epsilonland, field name",
    ),
    "race held twice": (
        lambda world: world.calendar.append({**world.calendar[-1], "date": "2026-08-02"}),
        "table races, race 2026-epsilonland, field race_key",
    ),
}


@pytest.mark.parametrize(("spoil", "fault"), IMPOSSIBLE.values(), ids=IMPOSSIBLE.keys())
def test_impossible_content_is_refused_by_name(
    world: World, parse: Parse, spoil: Callable[[World], object], fault: str
) -> None:
    spoil(world)
    with pytest.raises(ContractViolation) as refused:
        parse(world)
    assert str(refused.value).startswith("f1db: ")
    assert fault in str(refused.value)
