"""Answers of the Ergast format as rows of the tables: written examples and laws."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from types import ModuleType
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from f1_pipeline.errors import ContractViolation, PermanentError
from f1_pipeline.sources.contracts import COLUMNS
from f1_pipeline.sources.jolpica import (
    constructor_standings,
    driver_standings,
    grid_after_race,
    qualifying_results,
    race_results,
    schedule,
    schedule_faults,
    sprint_results,
    to_canonical,
    with_race_keys,
    words,
)

SETTINGS = settings(max_examples=100, deadline=None, derandomize=True)
Finisher = Callable[..., dict[str, Any]]
Race = Callable[..., dict[str, Any]]


@pytest.fixture
def finisher(ergast: ModuleType) -> Finisher:
    return ergast.finisher  # type: ignore[no-any-return]


@pytest.fixture
def race(ergast: ModuleType) -> Race:
    return ergast.race  # type: ignore[no-any-return]


def values(frame: pd.DataFrame, column: str) -> list[Any]:
    return [None if pd.isna(value) else value for value in frame[column]]


class Known:
    """Ids of the examples; other words are unknown."""

    def driver(self, ref: str) -> str:
        return self._id(ref, "driver_")

    def constructor(self, ref: str) -> str:
        return self._id(ref, "team_")

    def circuit(self, ref: str) -> str:
        return self._id(ref, "circuit_")

    def _id(self, ref: str, prefix: str) -> str:
        if not ref.startswith(prefix):
            raise PermanentError(f"unknown: {ref}")
        return ref.replace("_", "-")


# --- words -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("nothing", ["", " ", "-", "None", "\\N", None])
def test_there_are_many_words_for_nothing(nothing: str | None) -> None:
    """Fault 13: empty fields, "-" positions, missing times; and Python's None, written out."""
    assert words.text(nothing) is None
    assert words.whole(nothing) is None
    assert words.number(nothing) is None
    assert words.milliseconds(nothing) is None
    assert words.gap(nothing) is None
    assert words.moment("2026-03-08", nothing) is None


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        ("1:25:33.607", 5_133_607),
        ("+5.155", 5_155),
        ("+1:07.667", 67_667),
        ("+1:02:03.004", 3_723_004),
        ("1:04.391", 64_391),
        ("58.79", 58_790),
        ("5.1", 5_100),
        ("1:05", 65_000),
    ],
)
def test_times(text: str, ms: int) -> None:
    assert words.milliseconds(text) == ms


@SETTINGS
@given(ms=st.integers(0, 5 * 3_600_000))
def test_a_written_time_is_read_back(ms: int) -> None:
    seconds, fraction = divmod(ms, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    long = f"{hours}:{minutes:02}:{seconds:02}.{fraction:03}"
    short = long.removeprefix("0:") if hours == 0 else long
    assert words.milliseconds(long) == words.milliseconds(short) == words.gap(f"+{long}") == ms


@pytest.mark.parametrize("text", ["1:2:3:4", "five", "1.2345", "+1 Lap", "1:25.", "-5.1"])
def test_what_is_no_time_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match="is no time"):
        words.milliseconds(text)


@pytest.mark.parametrize(
    ("position_text", "status", "expected"),
    [
        ("7", "Finished", "7"),
        ("17", "Collision", "17"),
        ("R", "Engine", "DNF"),
        ("R", "Retired", "DNF"),
        ("R", "+8 Laps", "NC"),
        ("R", "Lapped", "NC"),
        ("R", "Not classified", "NC"),
        ("N", "+8 Laps", "NC"),
        ("W", "Did not start", "DNS"),
        ("D", "Disqualified", "DSQ"),
        ("20", "Disqualified", "DSQ"),
        ("F", "Did not qualify", "DNQ"),
        ("F", "Did not prequalify", "DNPQ"),
        ("E", "Excluded", "EX"),
        (None, None, None),
    ],
)
def test_outcomes(position_text: str | None, status: str | None, expected: str | None) -> None:
    assert words.outcome(position_text, status) == expected


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        ("Engine", "Engine"),
        ("Retired", None),
        ("Finished", None),
        ("+1 Lap", None),
        ("Lapped", None),
        (None, None),
    ],
)
def test_reasons(status: str | None, reason: str | None) -> None:
    assert words.reason(status) == reason


# --- results ---------------------------------------------------------------------------------------------


def test_a_result(finisher: Finisher, race: Race) -> None:
    rows = [
        finisher(1, grid="0", FastestLap={"rank": "2"}),
        finisher(2, FastestLap={"rank": "1"}, points="18.5"),
        finisher(3, status="Lapped", laps="49"),  # with a time that is earlier than the second's
        finisher(4, status="+2 Laps", laps="48", Time=None),
        finisher(5, status="Collision", laps="49"),
        finisher(6, positionText="R", status="+9 Laps", laps="41", Time=None),
        finisher(7, positionText="R", status="Engine", laps="12", number="None", points="0"),
        finisher(8, positionText="W", status="Withdrew", laps="0", grid="0"),
        finisher(9, positionText="D", status="Disqualified", grid="None"),
    ]
    frame = race_results([race(2026, 4, Results=rows)])
    assert values(frame, "display_order") == list(range(1, 10))
    assert values(frame, "position") == [1, 2, 3, 4, 5, None, None, None, None]
    assert values(frame, "position_text") == ["1", "2", "3", "4", "5", "NC", "DNF", "DNS", "DSQ"]
    assert values(frame, "time_ms") == [5_400_000, 5_402_500, None, None, None, None, None, None, 5_409_500]
    assert values(frame, "gap_ms") == [None, 2_500, None, None, None, None, None, None, 9_500]
    assert values(frame, "gap_laps") == [None, None, 1, 2, None, 9, None, None, None]
    assert values(frame, "laps") == [50, 50, 49, 48, 49, 41, 12, 0, 50]
    assert values(frame, "grid_position") == [None, 2, 3, 4, 5, 6, 7, None, None]
    assert values(frame, "grid_text") == ["PL", "2", "3", "4", "5", "6", "7", None, None]
    assert values(frame, "reason_retired") == [None] * 4 + ["Collision", None, "Engine", None, None]
    assert values(frame, "fastest_lap") == [False, True] + [False] * 7
    assert values(frame, "points")[:2] == [25.0, 18.5]
    assert values(frame, "car_number")[5:8] == ["16", None, "18"]
    assert values(frame, "penalty_ms") == values(frame, "pit_stops") == [None] * 9
    assert set(frame["season"]) == {2026}
    assert set(frame["date"]) == {pd.Timestamp("2026-05-04")}
    assert (frame["circuit_ref"].iloc[0], frame["driver_ref"].iloc[0]) == ("circuit_4", "driver_1")


def test_nobody_knows_the_fastest_lap_where_none_has_the_first_rank(finisher: Finisher, race: Race) -> None:
    frame = sprint_results([race(2026, 1, SprintResults=[finisher(1, FastestLap={"lap": "3"}), finisher(2)])])
    assert values(frame, "fastest_lap") == [None, None]


@pytest.mark.parametrize(
    ("time", "ms"),
    [
        ({"millis": "5133606", "time": "1:25:33.607"}, 5_133_607),
        ({"millis": "5133000", "time": "1:25"}, 5_133_000),
        ({"millis": "5133607"}, 5_133_607),
        ({"time": "1:25:33.607"}, 5_133_607),
        ({}, None),
        (None, None),
    ],
)
def test_the_time_of_the_winner(finisher: Finisher, race: Race, time: Any, ms: int | None) -> None:
    frame = race_results([race(2026, 1, Results=[finisher(1, Time=time), finisher(2)])])
    assert values(frame, "time_ms") == [ms, 5_402_500 if ms is None else ms + 2_500]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"positionText": "X"}, "positionText: 'X' is none of"),
        ({"laps": "many"}, "laps"),
        ({"points": "ten"}, "points"),
        ({"grid": "1st"}, "grid"),
        ({"Time": {"millis": "5", "time": "+x"}}, "Time.time"),
        ({"Time": "1:30"}, "Time.millis"),
        ({"Driver": {}}, "Driver.driverId: missing"),
        ({"Constructor": None}, "Constructor.constructorId: missing"),
    ],
)
def test_what_means_nothing_is_named(
    finisher: Finisher, race: Race, change: dict[str, Any], field: str
) -> None:
    with pytest.raises(ContractViolation, match=f"jolpica: race 2026 round 7, field {field}"):
        race_results([race(2026, 7, Results=[finisher(1, **change)])])


@pytest.mark.parametrize("change", [{"season": ""}, {"Circuit": {}}, {"date": "May"}, {"Results": None}])
def test_a_race_that_cannot_be_named_is_refused(race: Race, change: dict[str, Any]) -> None:
    with pytest.raises(ContractViolation, match=r"jolpica: race .* round 7, field "):
        race_results([{**race(2026, 7, Results=[]), **change}])


def test_the_grid_is_known_after_the_race(finisher: Finisher, race: Race) -> None:
    rows = [
        finisher(1, grid="3"),
        finisher(2, grid="0"),
        finisher(3, grid="1"),
        finisher(4, grid="None"),
        finisher(5, grid="0", positionText="W"),
    ]
    results = race_results([race(2026, 2, Results=rows), race(2026, 1, Results=rows[:1])])
    grid = grid_after_race(results, "R")
    assert values(grid, "round") == [1, 2, 2, 2]
    assert values(grid, "driver_ref") == ["driver_1", "driver_3", "driver_1", "driver_2"]
    assert values(grid, "display_order") == [1, 1, 2, 3]
    assert values(grid, "position") == [3, 1, 3, None]
    assert values(grid, "position_text") == ["3", "1", "3", "PL"]
    assert values(grid, "time_ms") == [None] * 4
    assert grid_after_race(race_results([]), "R").empty


# --- qualifying, standings, schedule -----------------------------------------------------------------------


def qualified(finisher: Finisher, place: int, *times: str) -> dict[str, Any]:
    keep = ("number", "position", "Driver", "Constructor")
    row = {name: value for name, value in finisher(place).items() if name in keep}
    return {**row, **{f"Q{part}": time for part, time in enumerate(times, 1)}}


def test_qualifying(finisher: Finisher, race: Race) -> None:
    """Fault 13: missing times, in all the ways that they are missing."""
    rows = [
        qualified(finisher, 1, "1:05.116", "1:04.951", "1:04.391"),
        qualified(finisher, 2, "1:05.577", "1:05.087", "1:04.439"),
        qualified(finisher, 3, "1:05.339", "1:04.975", ""),
        qualified(finisher, 4, "1:06.0"),
        qualified(finisher, 5, "", "-"),
        {**qualified(finisher, 6), "position": "-"},
    ]
    frame = qualifying_results([race(2026, 1, QualifyingResults=rows)])
    assert values(frame, "q1_ms") == [65_116, 65_577, 65_339, 66_000, None, None]
    assert values(frame, "q3_ms") == [64_391, 64_439, None, None, None, None]
    assert values(frame, "gap_ms") == [None, 48, None, None, None, None]
    assert values(frame, "time_ms") == [None] * 6
    assert values(frame, "position") == [1, 2, 3, 4, None, None]
    assert values(frame, "position_text") == ["1", "2", "3", "4", "NC", "NC"]
    assert set(frame["session"]) == {"Q"}


def test_qualifying_of_one_part(finisher: Finisher, race: Race) -> None:
    frame = qualifying_results([race(1999, 1, QualifyingResults=[qualified(finisher, 1, "1:30.462")])])
    assert (values(frame, "time_ms"), values(frame, "q1_ms")) == ([90_462], [None])


def test_places_without_any_time_are_not_taken_away(finisher: Finisher, race: Race) -> None:
    rows = [qualified(finisher, 1), qualified(finisher, 2)]
    assert values(qualifying_results([race(2026, 1, QualifyingResults=rows)]), "position") == [1, 2]


def test_standings() -> None:
    """Fault 13: who is not ranked has "-" for a place, or none."""
    rows = [
        {"position": "1", "positionText": "1", "points": "25.5", "Driver": {"driverId": "driver_1"}},
        {"position": "2", "positionText": "D", "points": "10", "Driver": {"driverId": "driver_2"}},
        {"positionText": "-", "points": "0", "Driver": {"driverId": "driver_3"}},
        {"position": "None", "positionText": "", "points": "0", "Driver": {"driverId": "driver_4"}},
    ]
    frame = driver_standings([{"season": "2026", "round": "3", "DriverStandings": rows}])
    assert values(frame, "position") == [1, None, None, None]
    assert values(frame, "position_text") == ["1", "DSQ", "-", "-"]
    assert values(frame, "points") == [25.5, 10.0, 0.0, 0.0]
    teams = [
        {"position": "1", "positionText": "1", "points": "40", "Constructor": {"constructorId": "team_1"}}
    ]
    frame = constructor_standings([{"season": "2026", "round": "3", "ConstructorStandings": teams}])
    assert values(frame, "constructor_ref") == ["team_1"]
    with pytest.raises(ContractViolation, match="race 2026 round 3, field positionText: 'first' is no place"):
        driver_standings(
            [{"season": "2026", "round": "3", "DriverStandings": [{**rows[0], "positionText": "first"}]}]
        )


def at(day: int, hour: int) -> dict[str, str]:
    return {"date": f"2026-05-{day:02}", "time": f"{hour:02}:30:00Z"}


SESSIONS = {"FirstPractice": at(1, 9), "Qualifying": at(2, 15), "Sprint": at(2, 11)}


def start(day: int, hour: int) -> datetime:
    return datetime(2026, 5, day, hour, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("season", "sessions", "second", "sprint_qualifying"),
    [
        (2026, {**SESSIONS, "SprintQualifying": at(1, 13)}, None, start(1, 13)),
        (2023, {**SESSIONS, "SprintShootout": at(1, 13)}, None, start(1, 13)),
        (2023, {**SESSIONS, "SecondPractice": at(1, 13)}, None, start(1, 13)),
        (2022, {**SESSIONS, "SecondPractice": at(1, 13)}, start(1, 13), None),
        (2026, {"FirstPractice": at(1, 9), "SecondPractice": at(1, 13)}, start(1, 13), None),
        (2026, SESSIONS, None, None),
    ],
    ids=["2026", "2023", "2023-ergast", "2022", "no-sprint", "not-said"],
)
def test_sprint_weekends_have_other_names_each_year(
    race: Race,
    season: int,
    sessions: dict[str, Any],
    second: datetime | None,
    sprint_qualifying: datetime | None,
) -> None:
    """Fault 14."""
    frame = schedule([race(season, 4, **sessions)])
    assert values(frame, "second_practice_at") == [second]
    assert values(frame, "sprint_qualifying_at") == [sprint_qualifying]
    assert values(frame, "sprint_at") == [start(2, 11) if "Sprint" in sessions else None]
    assert values(frame, "is_sprint_weekend") == ["Sprint" in sessions]
    assert values(frame, "first_practice_at") == [start(1, 9)]
    assert values(frame, "start_at") == [datetime(season, 5, 4, 13, tzinfo=UTC)]


def test_every_session_is_optional(race: Race) -> None:
    """Fault 14: of old races only the day is known, of sessions sometimes that too."""
    frame = schedule([race(1950, 1, time=None), race(2026, 2, Qualifying={"date": "2026-05-02"}, Sprint={})])
    sessions = [column for column in frame.columns if column.endswith("_at")]
    assert len(sessions) == 7
    assert [value for name in sessions[1:] for value in values(frame, name)] == [None] * 12
    assert values(frame, "start_at")[0] is None
    assert values(frame, "is_sprint_weekend") == [False, True]


def test_a_race_before_its_own_qualifying_is_told(race: Race) -> None:
    """As published for Las Vegas 2024 (the local day with the hour in UTC) and for Monaco 2026 (a month early)."""
    frame = schedule(
        [
            race(2026, 3, Qualifying=at(2, 15)),
            race(2026, 4, Qualifying={"date": "2026-05-04", "time": "13:00:00Z"}),
            race(2026, 5, Qualifying={"date": "2026-06-06", "time": "14:00:00Z"}, FirstPractice=at(1, 9)),
            race(2026, 6, time=None, Sprint=at(9, 9)),
        ]
    )
    assert schedule_faults(frame) == [
        "jolpica: race 2026 round 4, field qualifying_at: not before the race (2026-05-04 13:00 UTC)",
        "jolpica: race 2026 round 5, field qualifying_at: not before the race (2026-05-05 13:00 UTC)",
    ]


def test_a_time_without_a_zone_is_no_time_in_utc(race: Race) -> None:
    with pytest.raises(ContractViolation, match=r"2026 round 1, field Qualifying: .* has no time zone"):
        schedule([race(2026, 1, Qualifying={"date": "2026-05-02", "time": "15:00:00"})])


# --- ids -------------------------------------------------------------------------------------------------


def test_with_our_ids_the_rows_keep_the_contracts_of_the_tables(ergast: ModuleType, race: Race) -> None:
    item = ergast.result(2026, 3)
    rows = item["Results"]
    keys = {(2026, 3): "2026-japan"}
    results = race_results([item])
    frames = {
        "race_results": results,
        "sprint_results": sprint_results([race(2026, 3, SprintResults=rows)]),
        "starting_grid": grid_after_race(results, "R"),
        "qualifying_results": qualifying_results(
            [race(2026, 3, QualifyingResults=[{**row, "Q1": "1:30.1"} for row in rows])]
        ),
        "driver_standings": driver_standings([{"season": "2026", "round": "3", "DriverStandings": rows}]),
        "constructor_standings": constructor_standings(
            [{"season": "2026", "round": "3", "ConstructorStandings": rows[:1]}]
        ),
        "races": schedule([race(2026, 3, Sprint=at(2, 11))]),
    }
    for table, frame in frames.items():
        found = with_race_keys(table, to_canonical(frame, Known()), keys)
        assert list(found.columns) == list(COLUMNS[table])
        assert set(found["race_key"]) == {"2026-japan"}
        assert len(found) == len(frame)
        empty = with_race_keys(table, to_canonical(frame.iloc[:0], Known()), keys)
        assert list(empty.columns) == list(COLUMNS[table])
    races = with_race_keys("races", to_canonical(frames["races"], Known()), keys)
    assert values(races, "grand_prix_id") == ["japan"]
    assert values(races, "circuit_id") == ["circuit-3"]
    assert values(races, "sprint_at") == [start(2, 11)]


def test_an_unknown_word_is_an_error(ergast: ModuleType) -> None:
    item = ergast.result(2026, 3)
    with pytest.raises(
        ContractViolation, match="table race_results, race 2026 round 3, field race_key: unknown"
    ):
        with_race_keys("race_results", to_canonical(race_results([item]), Known()), {(2026, 4): "2026-japan"})
    item["Results"][4]["Driver"]["driverId"] = "somebody"
    with pytest.raises(PermanentError, match="unknown: somebody"):
        to_canonical(race_results([item]), Known())
