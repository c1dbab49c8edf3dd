"""Results, qualifying and standings of the Ergast format as rows of the tables."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from f1_pipeline.errors import ContractViolation
from f1_pipeline.sources.jolpica import (
    constructor_standings,
    driver_standings,
    qualifying_results,
    race_results,
    sprint_results,
)
from tests.sources.ergast_parts import Finisher, Race, values

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


def test_a_car_that_stopped_and_is_classified_has_no_gap(finisher: Finisher, race: Race) -> None:
    """Its laps are fewer, and the text of its gap can be below zero, where the source's clock ran to its last lap."""
    rows = [
        finisher(1),
        finisher(2),
        finisher(3, status="Retired", laps="48", Time={"millis": "5042470", "time": "+-1:52:09.781"}),
        finisher(4, status="Finished", laps="47", Time={"millis": "5042470", "time": "-7:50.218"}),
        finisher(5, status="Lapped", laps="49", Time=None),
    ]
    frame = race_results([race(2026, 4, Results=rows)])
    assert values(frame, "position") == [1, 2, 3, 4, 5]
    assert values(frame, "gap_laps") == [None, None, None, None, 1]
    assert values(frame, "gap_ms") == [None, 2_500, None, None, None]
    assert values(frame, "time_ms") == [5_400_000, 5_402_500, None, None, None]


# --- qualifying, standings -------------------------------------------------------------------------------


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
    """Fault 13: who is not ranked has "-" for a place, or none. Without points he is left out, as F1DB does: Alonso after
    two races of 2025, whose place of 2024 counts until then."""
    rows = [
        {"position": "1", "positionText": "1", "points": "25.5", "Driver": {"driverId": "driver_1"}},
        {"position": "2", "positionText": "D", "points": "10", "Driver": {"driverId": "driver_2"}},
        {"positionText": "-", "points": "0", "Driver": {"driverId": "driver_3"}},
        {"position": "None", "positionText": "", "points": "0", "Driver": {"driverId": "driver_4"}},
        {"positionText": "-", "points": "2", "Driver": {"driverId": "driver_5"}},
    ]
    frame = driver_standings([{"season": "2026", "round": "3", "DriverStandings": rows}])
    assert values(frame, "position") == [1, None, None]
    assert values(frame, "position_text") == ["1", "DSQ", "-"]
    assert values(frame, "points") == [25.5, 10.0, 2.0]
    teams = [
        {"position": "1", "positionText": "1", "points": "40", "Constructor": {"constructorId": "team_1"}}
    ]
    frame = constructor_standings([{"season": "2026", "round": "3", "ConstructorStandings": teams}])
    assert values(frame, "constructor_ref") == ["team_1"]
    with pytest.raises(ContractViolation, match="race 2026 round 3, field positionText: 'first' is no place"):
        driver_standings(
            [{"season": "2026", "round": "3", "DriverStandings": [{**rows[0], "positionText": "first"}]}]
        )
