"""When the outside world is asked: examples, and the laws that hold for any season and any habit of a clock."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from f1_pipeline.automation.decisions import (
    INTERVALS,
    KINDS,
    UNTIL_FINAL,
    Seen,
    Session,
    calendar_due,
    changed,
    freshness,
    interval,
    next_due,
    run_key,
    sessions_due,
)

START = datetime(2026, 7, 26, 13, tzinfo=UTC)
RACE = Session("2026-hungary", "race", START)
QUALIFYING = Session("2026-hungary", "qualifying", START - timedelta(hours=23))
TABLE = Session("2026-hungary", "driver_standings", START)
WEEKEND = [QUALIFYING, RACE, TABLE]
NOTHING = Seen()
HOUR = timedelta(hours=1)


def due(now: datetime, seen: Seen = NOTHING, asked: dict[str, datetime] | None = None) -> list[str]:
    return [session.kind for session in sessions_due(WEEKEND, seen, asked or {}, now)]


def test_nothing_is_due_before_a_session_can_be_over() -> None:
    assert due(QUALIFYING.starts_at) == []
    assert due(QUALIFYING.starts_at + HOUR) == []
    assert due(QUALIFYING.starts_at + timedelta(hours=1, minutes=5)) == ["qualifying"]
    assert due(START + timedelta(hours=2), Seen({("2026-hungary", "qualifying")})) == []


def test_the_race_is_asked_for_before_what_is_older() -> None:
    assert due(START + 3 * HOUR) == ["race", "qualifying"]


def test_standings_wait_for_the_result() -> None:
    there = Seen({("2026-hungary", "race"), ("2026-hungary", "qualifying")})
    asked = {RACE.subject: START + 3 * HOUR}
    assert due(START + 3 * HOUR, there, asked) == ["driver_standings"]


def test_what_is_late_is_asked_for_at_a_rising_interval() -> None:
    """Fault 4: results are late."""
    asked: dict[str, datetime] = {}
    moments = []
    now = START
    while now < START + timedelta(days=8):
        if sessions_due([RACE], NOTHING, asked, now):
            asked[RACE.subject] = now
            moments.append(now)
        now += timedelta(minutes=1)
    gaps = [later - earlier for earlier, later in pairwise(moments)]
    assert gaps == sorted(gaps)
    assert (gaps[0], gaps[-1]) == (timedelta(minutes=5), timedelta(hours=12))
    assert len(moments) == 12 + 12 + 16 + 12 + 7, "requests for a race that never gets a result"


def test_a_result_that_is_there_is_looked_at_until_the_bulk_source_has_it() -> None:
    seen = Seen({("2026-hungary", "race")})
    asked = {RACE.subject: START + 3 * HOUR}
    assert not sessions_due([RACE], seen, asked, START + 3 * HOUR + UNTIL_FINAL - timedelta(seconds=1))
    assert sessions_due([RACE], seen, asked, START + 3 * HOUR + UNTIL_FINAL)
    assert not sessions_due([RACE], Seen(seen.complete, {"2026-hungary"}), asked, START + 24 * HOUR)


def test_a_race_that_was_not_run_is_given_up() -> None:
    assert sessions_due([RACE], NOTHING, {}, START + timedelta(days=5))
    assert not sessions_due([RACE], NOTHING, {}, RACE.first_asked + timedelta(days=5))
    assert interval(RACE, START + timedelta(days=6)) is None


def test_a_moved_start_is_asked_for_at_its_own_time() -> None:
    """Fault 8: what was asked before the start was moved does not count."""
    later = Session("2026-hungary", "race", START + 3 * HOUR)
    asked = {RACE.subject: RACE.first_asked}
    assert not sessions_due([later], NOTHING, asked, later.first_asked - timedelta(seconds=1))
    assert sessions_due([later], NOTHING, asked, later.first_asked)


def test_what_is_due_next() -> None:
    assert next_due(WEEKEND, NOTHING, {}, START - 48 * HOUR) == (QUALIFYING.first_asked, QUALIFYING)
    there = Seen({("2026-hungary", "qualifying")})
    assert next_due(WEEKEND, there, {}, START) == (RACE.first_asked, RACE)
    asked = {RACE.subject: RACE.first_asked}
    assert next_due(WEEKEND, there, asked, RACE.first_asked) == (
        RACE.first_asked + timedelta(minutes=5),
        RACE,
    )
    assert next_due(WEEKEND, Seen(final={"2026-hungary"}), {}, START) is None


def test_the_calendar_is_read_daily_and_before_a_forecast() -> None:
    """Fault 8."""
    assert calendar_due(None, START)
    assert not calendar_due(START - 2 * HOUR, START)
    assert calendar_due(START - 2 * HOUR, START, before_forecast=True)
    assert not calendar_due(START - timedelta(minutes=10), START, before_forecast=True)
    assert calendar_due(START - 24 * HOUR, START)


def test_a_run_key_names_the_content() -> None:
    """Fault 6: a correction runs, and so does the next one; the same again does not."""
    assert run_key("correction", "b", "a") == run_key("correction", "a", "b") == "correction:a:b"
    assert run_key("correction", "a") != run_key("correction", "c")
    with pytest.raises(ValueError, match="what is new"):
        run_key("correction")


def test_freshness() -> None:
    starts = [("2026-belgium", START - timedelta(days=7)), ("2026-hungary", START)]
    assert freshness(starts, (), (), START - timedelta(days=8)) is None
    during = freshness(starts, {"2026-belgium"}, {"2026-belgium"}, START + HOUR)
    assert during is not None
    assert (during.race_key, during.late) == ("2026-belgium", False)
    evening = freshness(starts, {"2026-hungary"}, (), START + 5 * HOUR)
    assert evening is not None
    assert not evening.late
    assert (
        str(evening) == "2026-hungary began 5 h ago and has a result that the bulk source has not confirmed"
    )
    tuesday = freshness(starts, {"2026-hungary"}, (), START + 30 * HOUR)
    assert tuesday is not None
    assert tuesday.late
    final = freshness(starts, {"2026-hungary"}, {"2026-hungary"}, START + 30 * HOUR)
    assert final is not None
    assert not final.late
    assert str(final) == "2026-hungary has its final result"


# --- laws --------------------------------------------------------------------------------------------------

minutes = st.integers(0, 60 * 24 * 21)
sessions = st.lists(
    st.builds(
        Session,
        st.sampled_from(["2026-alpha", "2026-beta", "2026-gamma"]),
        st.sampled_from(KINDS),
        minutes.map(lambda value: START + timedelta(minutes=value)),
    ),
    max_size=8,
    unique_by=lambda session: (session.race_key, session.kind),
)
complete = st.sets(
    st.tuples(st.sampled_from(["2026-alpha", "2026-beta", "2026-gamma"]), st.sampled_from(KINDS))
)
LAST = INTERVALS[-1][0]


@given(sessions, complete, minutes)
def test_nothing_is_due_in_a_quiet_week(found: list[Session], there: set, at: int) -> None:
    now = START + timedelta(minutes=at)
    quiet = [session for session in found if not session.first_asked <= now < session.first_asked + LAST]
    assert sessions_due(quiet, Seen(there), {}, now) == []


@given(sessions, complete, st.lists(st.integers(0, 600), max_size=120))
def test_never_two_questions_within_the_interval(found: list[Session], there: set, steps: list[int]) -> None:
    """Whatever the clock of whoever ticks does: fast, slow, or asleep for hours."""
    seen, asked, now = Seen(there), {}, START
    for step in steps:
        now += timedelta(minutes=step)
        for session in sessions_due(found, seen, asked, now):
            before = asked.get(session.subject)
            if before is not None:
                least = (
                    UNTIL_FINAL if (session.race_key, session.kind) in there else interval(session, before)
                )
                assert least is not None
                assert now - before >= least
            asked[session.subject] = now


@given(sessions, complete, minutes)
def test_asked_a_moment_ago_nothing_is_due_again(found: list[Session], there: set, at: int) -> None:
    now = START + timedelta(minutes=at)
    asked = {session.subject: now for session in sessions_due(found, Seen(there), {}, now)}
    assert [s for s in sessions_due(found, Seen(there), asked, now) if s.subject in asked] == []


@given(sessions, complete, minutes)
def test_what_is_final_is_never_asked_for(found: list[Session], there: set, at: int) -> None:
    final = {session.race_key for session in found}
    assert sessions_due(found, Seen(there, final), {}, START + timedelta(minutes=at)) == []


@given(sessions, complete, minutes)
def test_what_is_due_next_is_due_then_and_not_before(found: list[Session], there: set, at: int) -> None:
    now = START + timedelta(minutes=at)
    coming = next_due(found, Seen(there), {}, now)
    if coming is None:
        assert sessions_due(found, Seen(there), {}, now) == []
        return
    assert coming[1] in sessions_due(found, Seen(there), {}, coming[0])
    if coming[0] > now:
        assert sessions_due(found, Seen(there), {}, coming[0] - timedelta(seconds=1)) == []


@given(st.dictionaries(st.text(), st.text()), st.dictionaries(st.text(), st.text()))
def test_a_repeat_asks_for_nothing(before: dict[str, str], after: dict[str, str]) -> None:
    assert changed(before, before) == set()
    new = changed(before, after)
    assert new <= set(after)
    assert changed(before | after, after) == set()
    assert all(before.get(key) != after[key] for key in new)


def test_a_clock_that_was_ahead_keeps_nothing_away() -> None:
    """Set a year ahead for a moment, it leaves questions of next year in the record."""
    now, ahead = START + 3 * HOUR, START + timedelta(days=365)
    asked = {RACE.subject: ahead, QUALIFYING.subject: ahead}
    assert due(now, NOTHING, asked) == due(now) == ["race", "qualifying"]
    assert next_due(WEEKEND, NOTHING, asked, now) == next_due(WEEKEND, NOTHING, {}, now)
    assert calendar_due(ahead, now)
    assert calendar_due(ahead, now, before_forecast=True)
    assert not calendar_due(now, now, before_forecast=True)


@given(
    asked=st.timedeltas(timedelta(days=-400), timedelta(days=400)),
    now=st.timedeltas(timedelta(0), timedelta(days=4)),
)
def test_whatever_was_asked_when_a_session_is_due_within_the_longest_interval(
    asked: timedelta, now: timedelta
) -> None:
    """No stamp in the record makes a result stick: before the race is given up it is due again in 12 hours at the latest."""
    moment = RACE.first_asked + now
    found = next_due([RACE], NOTHING, {RACE.subject: moment + asked}, moment)
    assert found is not None
    assert found[0] <= moment + INTERVALS[-1][1]
