"""Schedules of the Ergast format as rows of the tables, and their faults."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from f1_pipeline.errors import ContractViolation
from f1_pipeline.sources.jolpica import schedule, schedule_faults
from tests.sources.ergast_parts import Race, at, start, values

SESSIONS = {"FirstPractice": at(1, 9), "Qualifying": at(2, 15), "Sprint": at(2, 11)}


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
