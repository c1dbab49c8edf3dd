"""The calendar of a season as an iCalendar file (RFC 5545), for the dashboard and the API alike.

Pure: rows in, bytes out, the same bytes for the same rows, so that an answer can carry an ETag. What makes a file that
people subscribe to useful is that a race stays the same event whatever happens to it: UIDs come from race keys, which
no renumbering and no new date changes, and a cancelled race is said to be cancelled rather than left out, because
programs keep events that a file no longer names.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

import pandas as pd
from icalendar import STATUS, TRANSP, Calendar, Event

from f1_app.records import CalendarStamp

MEDIA_TYPE = "text/calendar"
PRODUCT = "-//f1-forecast//calendar//EN"
REFRESH = dt.timedelta(hours=12)
"""How often programs are asked to look again: starts move on the day before, rarely later."""


@dataclass(frozen=True, slots=True)
class Session:
    """A session of a weekend: column of its start, part of its UID, name, and the length that is reserved for it."""

    column: str
    word: str
    name: str
    length: dt.timedelta


RACE = Session("start_at", "race", "Race", dt.timedelta(hours=2))
SESSIONS = (
    Session("first_practice_at", "practice-1", "Practice 1", dt.timedelta(hours=1)),
    Session("sprint_qualifying_at", "sprint-qualifying", "Sprint qualifying", dt.timedelta(minutes=45)),
    Session("sprint_at", "sprint", "Sprint", dt.timedelta(hours=1)),
    Session("qualifying_at", "qualifying", "Qualifying", dt.timedelta(hours=1)),
)
"""Sessions besides the race whose starts the tables know. Lengths are the slots of the sporting regulations; a race is
given two hours, its longest duration without a stop."""


def file_name(season: int) -> str:
    """How the file of a season is called."""
    return f"f1-{season}.ics"


def season_ics(
    races: pd.DataFrame,
    season: int,
    stamp: CalendarStamp,
    *,
    simulated: bool = False,
    with_sessions: bool = True,
) -> bytes:
    """The calendar of a season as a file.

    Args:
        races: rows of ``queries.calendar.season_calendar``. A race without a start becomes an event of the whole day.
        season: Season, for the name of the calendar.
        stamp: becomes LAST-MODIFIED, DTSTAMP and SEQUENCE of every event. Programs take the event with the higher
            number; a number of the whole calendar grows with each change of a race, and that is all it has to do.
        simulated: invented races get a name that says so and UIDs that no real race has.
        with_sessions: also events for practice, qualifying and sprint, where their starts are known.

    Returns:
        The file in UTF-8. Times are in UTC: every program shows them in the zone of its reader.
    """
    calendar = Calendar.new(
        uid=_uid(f"{season}-calendar", simulated),
        prodid=PRODUCT,
        method="PUBLISH",
        name=f"Formula 1 {season}" if not simulated else f"Simulated championship {season}",
        description="Unofficial calendar of invented races"
        if simulated
        else "Unofficial calendar of races. Data: F1DB (CC BY 4.0)",
        last_modified=stamp.changed_at,
    )
    calendar.add("refresh-interval", REFRESH, parameters={"VALUE": "DURATION"})
    calendar.add("x-published-ttl", "PT12H")
    for _, race in races.iterrows():
        for session in (*(SESSIONS if with_sessions else ()), RACE):
            event = _event(race, session, stamp, simulated)
            if event is not None:
                calendar.add_component(event)
    return bytes(calendar.to_ical())


def _uid(name: str, simulated: bool) -> str:
    return f"{name}@{'simulated.' if simulated else ''}f1-forecast"


def _event(race: pd.Series[Any], session: Session, stamp: CalendarStamp, simulated: bool) -> Event | None:
    """One session of one race; None for a session whose start nobody knows, other than the race."""
    found = race[session.column]
    start: dt.date
    if pd.notna(found):
        start = pd.Timestamp(found).to_pydatetime()
        end: dt.date = start + session.length
    elif session is RACE:
        start, end = race["date"], race["date"] + dt.timedelta(days=1)
    else:
        return None
    is_cancelled = bool(race["is_cancelled"])
    words = ("Cancelled: " if is_cancelled else "") + str(race["name"])
    event = Event.new(
        uid=_uid(f"{race['race_key']}-{session.word}", simulated),
        summary=words if session is RACE else f"{words} · {session.name}",
        description=_description(race, simulated),
        location=_location(race),
        start=start,
        end=end,
        stamp=stamp.changed_at,
        last_modified=stamp.changed_at,
        sequence=stamp.revision,
        status=STATUS.CANCELLED if is_cancelled else STATUS.CONFIRMED,
        categories=["Formula 1", session.name],
        # A day without a time, or one that was taken out, is nothing to be busy for.
        transparency=TRANSP.TRANSPARENT
        if is_cancelled or not isinstance(start, dt.datetime)
        else TRANSP.OPAQUE,
    )
    if pd.notna(race["latitude"]) and pd.notna(race["longitude"]):
        event.add("geo", (float(race["latitude"]), float(race["longitude"])))
    return event


def _description(race: pd.Series[Any], simulated: bool) -> str:
    number = (
        f"Round {race['round']} of {race['season']}"
        if pd.notna(race["round"])
        else f"Season {race['season']}"
    )
    lines = [number + (" · sprint weekend" if race["is_sprint_weekend"] else "")]
    if pd.notna(race["official_name"]):
        lines.insert(0, str(race["official_name"]))
    if pd.notna(race["time_zone"]):
        lines.append(f"Time zone of the track: {race['time_zone']}")
    if simulated:
        lines.insert(0, "Simulated championship: this race is invented.")
    return "\n".join(lines)


def _location(race: pd.Series[Any]) -> str | None:
    """Circuit, town and country, without saying a word twice."""
    country = str(race["country_id"]).replace("-", " ").title() if pd.notna(race["country_id"]) else None
    parts: list[str] = []
    for part in (race["circuit"], race["place"], country):
        if part is not None and pd.notna(part) and not any(part in known for known in parts):
            parts.append(str(part))
    return ", ".join(parts) or None
