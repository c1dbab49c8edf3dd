"""The calendar file: one event for ever for each session, in a form that programs read."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from icalendar import Calendar

from f1_app import ical
from f1_app.records import CalendarStamp

UTC = dt.UTC
STAMP = CalendarStamp(dt.datetime(2026, 5, 4, 7, tzinfo=UTC), 3)


def race(key: str = "2026-betatown", **more: Any) -> dict[str, Any]:
    return {
        "race_key": key,
        "season": 2026,
        "round": 4,
        "name": "Betatown Grand Prix",
        "official_name": None,
        "date": dt.date(2026, 6, 7),
        "start_at": dt.datetime(2026, 6, 7, 13, tzinfo=UTC),
        "first_practice_at": None,
        "qualifying_at": dt.datetime(2026, 6, 6, 14, tzinfo=UTC),
        "sprint_qualifying_at": None,
        "sprint_at": None,
        "is_sprint_weekend": False,
        "is_cancelled": False,
        "circuit": "Testring",
        "place": "Testford",
        "country_id": "new-zealand",
        "time_zone": "Pacific/Auckland",
        "latitude": -36.8,
        "longitude": 174.7,
        **more,
    }


def events(*races: dict[str, Any], stamp: CalendarStamp = STAMP, **options: Any) -> dict[str, Any]:
    """The events of the file by UID, read back by the library."""
    content = ical.season_ics(pd.DataFrame(races), 2026, stamp, **options)
    parsed = Calendar.from_ical(content)
    found = {str(event["UID"]): event for event in parsed.walk("VEVENT")}
    assert len(found) == len(parsed.walk("VEVENT")), "UIDs are unique"
    return found


def test_a_weekend_is_an_event_for_each_session_whose_start_is_known() -> None:
    found = events(race())
    assert set(found) == {"2026-betatown-race@f1-forecast", "2026-betatown-qualifying@f1-forecast"}
    event = found["2026-betatown-race@f1-forecast"]
    assert event["SUMMARY"] == "Betatown Grand Prix"
    assert event.start == dt.datetime(2026, 6, 7, 13, tzinfo=UTC)
    assert event.end - event.start == dt.timedelta(hours=2)
    assert event["LOCATION"] == "Testring, Testford, New Zealand"
    assert event["STATUS"] == "CONFIRMED"
    assert "Round 4 of 2026" in event["DESCRIPTION"]
    qualifying = found["2026-betatown-qualifying@f1-forecast"]
    assert qualifying["SUMMARY"] == "Betatown Grand Prix · Qualifying"
    assert set(events(race(), with_sessions=False)) == {"2026-betatown-race@f1-forecast"}


def test_a_sprint_weekend_has_its_sessions() -> None:
    start = dt.datetime(2026, 6, 5, 10, tzinfo=UTC)
    found = events(
        race(
            is_sprint_weekend=True,
            first_practice_at=start,
            sprint_qualifying_at=start + dt.timedelta(hours=4),
            sprint_at=start + dt.timedelta(days=1),
        )
    )
    assert {uid.split("@")[0].removeprefix("2026-betatown-") for uid in found} == {
        *("practice-1", "sprint-qualifying", "sprint", "qualifying", "race")
    }
    assert "sprint weekend" in found["2026-betatown-race@f1-forecast"]["DESCRIPTION"]


def test_a_race_that_moves_is_renumbered_or_cancelled_stays_the_same_event() -> None:
    moved = race(
        round=None,
        name="Grand Prix of Betatown",
        date=dt.date(2026, 7, 1),
        start_at=None,
        qualifying_at=None,
        is_cancelled=True,
    )
    later = CalendarStamp(STAMP.changed_at + dt.timedelta(days=1), STAMP.revision + 1)
    before = events(race())["2026-betatown-race@f1-forecast"]
    after = events(moved, stamp=later)["2026-betatown-race@f1-forecast"]
    assert (before["STATUS"], after["STATUS"]) == ("CONFIRMED", "CANCELLED")
    assert after["SEQUENCE"] > before["SEQUENCE"]
    assert after["LAST-MODIFIED"].dt > before["LAST-MODIFIED"].dt
    assert after["SUMMARY"].startswith("Cancelled: ")
    assert after["TRANSP"] == "TRANSPARENT"


def test_without_a_start_it_is_the_whole_day() -> None:
    (event,) = events(race(start_at=pd.NaT, qualifying_at=pd.NaT)).values()
    assert (event.start, event.end) == (dt.date(2026, 6, 7), dt.date(2026, 6, 8))
    assert event["TRANSP"] == "TRANSPARENT"


def test_invented_races_are_never_taken_for_real_ones() -> None:
    (real,) = events(race(), with_sessions=False)
    (invented,) = events(race(), with_sessions=False, simulated=True)
    assert real != invented
    content = ical.season_ics(pd.DataFrame([race()]), 2026, STAMP, simulated=True).decode()
    assert "X-WR-CALNAME:Simulated championship 2026" in content
    assert "F1DB" not in content


def test_what_is_not_known_is_left_out() -> None:
    nothing = dict.fromkeys(("circuit", "place", "country_id", "time_zone", "latitude", "longitude", "round"))
    (event,) = events(race(**nothing), with_sessions=False).values()
    assert "LOCATION" not in event
    assert "GEO" not in event
    assert "nan" not in str(event["DESCRIPTION"]).lower()
    assert "None" not in str(event["DESCRIPTION"])


def test_the_same_rows_are_the_same_bytes_in_lines_that_programs_accept() -> None:
    rows = pd.DataFrame([race(name="Großer Preis, mit Komma; und\nZeile " * 5), race("2026-alphaville")])
    content = ical.season_ics(rows, 2026, STAMP)
    assert content == ical.season_ics(rows, 2026, STAMP)
    lines = content.split(b"\r\n")
    assert lines[0] == b"BEGIN:VCALENDAR"
    assert lines[-1] == b""
    assert max(map(len, lines)) <= 75
    assert b"\n" not in content.replace(b"\r\n", b"")


@settings(max_examples=40, deadline=None)
@given(
    name=st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=60),
    start=st.datetimes(dt.datetime(1950, 1, 1), dt.datetime(2050, 1, 1), timezones=st.just(UTC)),
    is_cancelled=st.booleans(),
)
def test_whatever_a_race_is_called_it_is_read_back(name: str, start: dt.datetime, is_cancelled: bool) -> None:
    start = start.replace(microsecond=0)
    row = race(name=name, start_at=start, is_cancelled=is_cancelled)
    event = events(row, with_sessions=False)["2026-betatown-race@f1-forecast"]
    assert event["SUMMARY"] == ("Cancelled: " if is_cancelled else "") + name
    assert event.start == start


def test_file_name() -> None:
    assert ical.file_name(1950) == "f1-1950.ics"


@pytest.mark.parametrize("session", ical.SESSIONS, ids=lambda session: session.word)
def test_words_of_sessions_are_fit_for_a_uid(session: ical.Session) -> None:
    assert session.word == session.word.lower()
    assert " " not in session.word
