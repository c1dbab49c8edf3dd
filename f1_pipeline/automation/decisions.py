"""When the outside world is asked: pure functions of what exists, what was asked before, and the moment.

Nothing is asked when nothing is due. The API of the weekend allows a few hundred requests an hour for everybody behind one address,
and has lowered that without notice (fault 1); a result that is late is no reason to ask every minute (fault 4).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

Kind = Literal["race", "sprint", "qualifying", "driver_standings", "constructor_standings"]

KINDS: tuple[Kind, ...] = ("race", "sprint", "qualifying", "driver_standings", "constructor_standings")
"""What can be asked of a weekend, the most urgent first."""

Topic = Literal["calendar", "results", "standings"]
TOPICS: tuple[Topic, ...] = ("calendar", "results", "standings")
"""What can be asked for the whole season at once."""

CHECKS = {
    "answer": "Every answer was data of the API, of the race that was asked for.",
    "identity": "Every driver, team, circuit and race in an answer is one that the crosswalk knows.",
    "content": "Every field of an answer means something, and every classification is possible.",
    "calendar": "Every session of the calendar is before its race.",
}
"""Laws of the answers, by name."""

TABLES: dict[Kind, str] = {
    "race": "race_results",
    "sprint": "sprint_results",
    "qualifying": "qualifying_results",
    "driver_standings": "driver_standings",
    "constructor_standings": "constructor_standings",
}
"""The table that an answer is about."""

FIRST_ASKED: dict[Kind, timedelta] = {
    "race": timedelta(hours=2, minutes=5),
    "sprint": timedelta(minutes=50),
    "qualifying": timedelta(hours=1, minutes=5),
    "driver_standings": timedelta(hours=2, minutes=35),
    "constructor_standings": timedelta(hours=2, minutes=35),
}
"""From the scheduled start: the time a session takes (a race at most two hours of racing), and five minutes; standings half an hour
after the result."""

INTERVALS: tuple[tuple[timedelta, timedelta], ...] = (
    (timedelta(hours=1), timedelta(minutes=5)),
    (timedelta(hours=4), timedelta(minutes=15)),
    (timedelta(hours=12), timedelta(minutes=30)),
    (timedelta(hours=36), timedelta(hours=2)),
    (timedelta(days=5), timedelta(hours=12)),
)
"""How often an answer that is not there yet is asked for: until so long after the first time, so much between two questions. After
the last one the daily look at the whole season has to do: a race of which nothing came in five days was not run."""

UNTIL_FINAL = timedelta(hours=6)
"""How often a result that is there is asked for again until the bulk source has it: penalties come in the evening."""

CALENDAR_AGE = timedelta(hours=20)
"""Age from which the daily look at the calendar is due; less than a day, because yesterday's may have been late."""

CALENDAR_BEFORE_FORECAST = timedelta(minutes=30)
"""Age from which the calendar is read again before a forecast: a start has moved within 24 hours (fault 8)."""

RESULT_LATE = timedelta(hours=24)
"""A race whose result is not final this long after its start is late: the bulk source publishes on the Monday."""


@dataclass(frozen=True, order=True)
class Session:
    """One thing to ask of one weekend; ``starts_at`` (aware) is that of the session it comes from."""

    race_key: str
    kind: Kind
    starts_at: datetime

    @property
    def subject(self) -> str:
        """Names it in the record of what was asked."""
        return subject(self.race_key, self.kind)

    @property
    def first_asked(self) -> datetime:
        """The moment from which an answer can be expected."""
        return self.starts_at + FIRST_ASKED[self.kind]


@dataclass(frozen=True)
class Seen:
    """What is known of the weekends: ``complete`` are (race key, kind) that are there as a whole, ``final`` races whose result the
    bulk source has."""

    complete: Collection[tuple[str, Kind]] = ()
    final: Collection[str] = ()


def subject(race_key: str, kind: str) -> str:
    """Name of a question in the record."""
    return f"{race_key} {kind}"


def sessions_due(
    sessions: Iterable[Session], seen: Seen, asked: Mapping[str, datetime], now: datetime
) -> list[Session]:
    """The sessions to ask for now, the most urgent first.

    Args:
        sessions: of the season, with the starts that are known now.
        seen: what is there.
        asked: when each subject was asked for last (aware).
        now: the moment (aware).
    """
    due = [session for session in sessions if _due(session, seen, asked.get(session.subject), now)]
    return sorted(due, key=lambda session: (KINDS.index(session.kind), session.starts_at))


def next_due(
    sessions: Iterable[Session], seen: Seen, asked: Mapping[str, datetime], now: datetime
) -> tuple[datetime, Session] | None:
    """The next moment at which a session is due (``now``, if one is), and which one; None if none will be."""
    found = [
        (max(at, now), session)
        for session in sessions
        if (at := _due_at(session, seen, asked.get(session.subject), now)) is not None
    ]
    return min(found, key=lambda pair: (pair[0], KINDS.index(pair[1].kind))) if found else None


def interval(session: Session, now: datetime) -> timedelta | None:
    """Time between two questions for something that is not there yet; None before its time and long after it."""
    waited = now - session.first_asked
    if waited < timedelta(0):
        return None
    return next((between for until, between in INTERVALS if waited < until), None)


def _due(session: Session, seen: Seen, asked: datetime | None, now: datetime) -> bool:
    at = _due_at(session, seen, asked, now)
    return at is not None and at <= now


def _due_at(session: Session, seen: Seen, asked: datetime | None, now: datetime) -> datetime | None:
    if session.race_key in seen.final or now >= session.first_asked + INTERVALS[-1][0]:
        return None
    # A question of before the start was moved counts as none: it was about another time.
    # So does one in the future: a clock that was ahead for a minute would keep the result away until then.
    last = asked if asked is not None and session.first_asked <= asked <= now else None
    if (session.race_key, session.kind) in seen.complete:
        # Only the race itself changes after it was complete; the rest is what it is until the bulk source comes.
        return None if session.kind != "race" or last is None else last + UNTIL_FINAL
    if session.kind.endswith("standings") and (session.race_key, "race") not in seen.complete:
        return None
    if last is None:
        return session.first_asked
    return last + (interval(session, last) or INTERVALS[-1][1])


def calendar_due(read_at: datetime | None, now: datetime, before_forecast: bool = False) -> bool:
    """Whether the calendar is to be read again; ``read_at`` is when it was read last."""
    if read_at is None or read_at > now:  # by a clock that was ahead
        return True
    return now - read_at >= (CALENDAR_BEFORE_FORECAST if before_forecast else CALENDAR_AGE)


@dataclass(frozen=True)
class Freshness:
    """The newest race that is run by now, how long ago it began, and whether its result is final."""

    race_key: str
    since: timedelta
    has_result: bool
    final: bool

    @property
    def late(self) -> bool:
        """It should be final by now."""
        return not self.final and self.since > RESULT_LATE

    def __str__(self) -> str:
        hours = self.since.total_seconds() / 3600
        if self.final:
            return f"{self.race_key} has its final result"
        state = "a result that the bulk source has not confirmed" if self.has_result else "no result"
        return f"{self.race_key} began {hours:.0f} h ago and has {state}"


def freshness(
    starts: Sequence[tuple[str, datetime]],
    finished: Collection[str],
    final: Collection[str],
    now: datetime,
) -> Freshness | None:
    """How long the last race that was run has been without a final result; None before the first race.

    Args:
        starts: race key and start (aware) of each race that is held, in calendar order.
        finished: races with a result from whatever source.
        final: races whose result the bulk source has.
        now: the moment (aware).
    """
    run = [(key, start) for key, start in starts if start + FIRST_ASKED["race"] <= now]
    if not run:
        return None
    key, start = run[-1]
    return Freshness(key, now - start, key in finished, key in final)


def run_key(why: str, *parts: str) -> str:
    """The key of a requested run: the same reason with the same content is the same run, and is not run twice.

    ``parts`` say what is new, by content (hashes, a release): a correction brings another key, a repeat the same one.
    """
    if not parts:
        raise ValueError(
            "a run key needs what is new: without it the second correction would be taken for the first"
        )
    return ":".join((why, *sorted(parts)))


def changed(before: Mapping[str, str], after: Mapping[str, str]) -> set[str]:
    """Keys whose content hash is another one than before, or that are new. What is gone is no change: sources hide rounds."""
    return {key for key, digest in after.items() if before.get(key) != digest}
