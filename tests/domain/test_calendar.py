"""Which race is next (it neither sticks nor flips early), and the day of a race at the track."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from f1_pipeline.domain.calendar import RESULT_WITHIN, closed_weekends, days_due, next_race, race_day

CALENDAR = ["bahrain", "china", "japan", "miami"]
FIRST = datetime(2026, 3, 1, 13, tzinfo=UTC)
STARTS = {key: FIRST + timedelta(days=14 * index) for index, key in enumerate(CALENDAR)}
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
SETTINGS = settings(max_examples=200, deadline=None, derandomize=True)


@pytest.mark.parametrize("clock", [True, False])
@pytest.mark.parametrize("since", [timedelta(0), HOUR, 3 * HOUR, 2 * DAY, RESULT_WITHIN])
def test_a_race_that_has_started_stays_next_until_it_has_a_result(clock: bool, since: timedelta) -> None:
    now = STARTS["china"] + since if clock else None
    assert next_race(CALENDAR, {"bahrain"}, {"bahrain", "china"}, STARTS, now) == "china"
    assert next_race(CALENDAR, {"bahrain", "china"}, {"bahrain", "china"}, STARTS, now) == "japan"


def test_an_abandoned_race_does_not_stick() -> None:
    """China never gets a result: the weekend after it is forecast before it begins."""
    before_japan = STARTS["japan"] - 4 * DAY
    assert next_race(CALENDAR, {"bahrain"}, {"bahrain", "china"}, STARTS, before_japan) == "japan"
    # Without a clock, once the next weekend has begun.
    assert next_race(CALENDAR, {"bahrain"}, {"china", "japan"}) == "japan"
    # And once a later race has a result, as ever.
    assert next_race(CALENDAR, {"bahrain", "japan"}) == "miami"


def test_where_the_data_end_before_today_it_is_the_first_without_a_result() -> None:
    late = STARTS["miami"] + 100 * DAY
    assert next_race(CALENDAR, {"bahrain"}, (), STARTS, late) == "china"
    assert next_race(CALENDAR, {"bahrain"}, (), STARTS, STARTS["japan"] + 10 * DAY) == "china"


def test_the_last_race_of_the_calendar_is_not_given_up_for_nothing() -> None:
    assert next_race(CALENDAR, set(CALENDAR[:3]), (), STARTS, STARTS["miami"] + 30 * DAY) == "miami"
    assert next_race(CALENDAR, set(CALENDAR), (), STARTS, STARTS["miami"]) is None
    assert next_race([], set()) is None


@pytest.mark.parametrize("begun", [set(), {"bahrain", "japan"}])
def test_a_weekend_is_closed_from_its_cutoff_on(begun: set[str]) -> None:
    cutoffs = {key: start - 2 * DAY for key, start in STARTS.items()}
    friday = cutoffs["china"]
    assert closed_weekends(cutoffs, begun, friday - HOUR) == {"bahrain"}
    assert closed_weekends(cutoffs, begun, friday) == {"bahrain", "china"}
    moved = {**cutoffs, "china": friday + 7 * DAY}
    assert closed_weekends(moved, begun, friday + DAY) == {"bahrain"}, "moved to a later day it is open again"
    assert closed_weekends(cutoffs, begun, None) == begun, (
        "without a clock the sessions that are there say it"
    )


def test_a_race_whose_start_is_not_known_is_not_overdue() -> None:
    starts = {key: start for key, start in STARTS.items() if key != "china"}
    assert next_race(CALENDAR, {"bahrain"}, (), starts, STARTS["japan"] - DAY) == "china"


@SETTINGS
@given(
    finished=st.sets(st.sampled_from(CALENDAR)),
    begun=st.sets(st.sampled_from(CALENDAR)),
    hours=st.integers(-500, 3000),
    clock=st.booleans(),
)
def test_the_next_race_comes_after_the_newest_result_and_has_none(
    finished: set[str], begun: set[str], hours: int, clock: bool
) -> None:
    now = FIRST + hours * HOUR if clock else None
    found = next_race(CALENDAR, finished, begun, STARTS, now)
    newest = max((CALENDAR.index(key) for key in finished), default=-1)
    if newest == len(CALENDAR) - 1:
        assert found is None
        return
    assert found is not None
    assert CALENDAR.index(found) > newest
    # Nothing that has begun is left for a race that has not, but for what is overdue.
    overdue = now is not None and now > STARTS[CALENDAR[newest + 1]] + RESULT_WITHIN
    if not overdue and not begun & set(CALENDAR[newest + 1 :]):
        assert CALENDAR.index(found) == newest + 1


@pytest.mark.parametrize(
    ("day", "start", "zone", "expected"),
    [
        # Saturday night in Las Vegas, Sunday in UTC (fault 9).
        (
            date(2026, 11, 22),
            datetime(2026, 11, 22, 4, tzinfo=UTC),
            "America/Los_Angeles",
            date(2026, 11, 21),
        ),
        (date(2026, 3, 8), datetime(2026, 3, 8, 4, tzinfo=UTC), "Australia/Melbourne", date(2026, 3, 8)),
        # The day of the change to summer time: an hour more or less must not move a day.
        (date(2026, 3, 29), datetime(2026, 3, 29, 13, tzinfo=UTC), "Europe/London", date(2026, 3, 29)),
        (date(1950, 5, 13), None, "Europe/London", date(1950, 5, 13)),
        (date(2026, 11, 22), datetime(2026, 11, 22, 4, tzinfo=UTC), None, date(2026, 11, 22)),
    ],
)
def test_the_day_at_the_track(day: date, start: datetime | None, zone: str | None, expected: date) -> None:
    assert race_day(day, start, zone) == expected


@pytest.mark.parametrize(
    ("day", "start", "now", "expected"),
    [
        # Las Vegas: the day is over in UTC, and the race has not started.
        (date(2026, 11, 21), datetime(2026, 11, 22, 4, tzinfo=UTC), datetime(2026, 11, 22, 3, tzinfo=UTC), 0),
        (date(2026, 11, 21), datetime(2026, 11, 22, 4, tzinfo=UTC), datetime(2026, 11, 23, 3, tzinfo=UTC), 0),
        (date(2026, 11, 21), datetime(2026, 11, 22, 4, tzinfo=UTC), datetime(2026, 11, 23, 4, tzinfo=UTC), 1),
        (date(2026, 11, 21), datetime(2026, 11, 22, 4, tzinfo=UTC), datetime(2026, 11, 2, tzinfo=UTC), 0),
        # Without a start it may take place until the day ends.
        (date(2026, 3, 8), None, datetime(2026, 3, 9, 23, tzinfo=UTC), 0),
        (date(2026, 3, 8), None, datetime(2026, 3, 11, tzinfo=UTC), 2),
    ],
)
def test_days_that_a_race_is_due(day: date, start: datetime | None, now: datetime, expected: int) -> None:
    assert days_due(day, start, now) == expected
