"""Which race is the next one, for how long it has been due, and on which day a race is at the track."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

RESULT_WITHIN = timedelta(days=4)
"""A race without a result this long after its start has none to come: sources have it within hours, the bulk source
within two days. Shorter than from one race to the next, so that the forecast of the following weekend is not missed."""


def next_race(
    calendar: Sequence[str],
    finished: Collection[str],
    begun: Collection[str] = (),
    starts: Mapping[str, datetime] | None = None,
    now: datetime | None = None,
) -> str | None:
    """The race that is to be forecast next: the first one after the newest result that is not given up.

    A race that has started and has no result yet stays the next one: it must not flip early. It is given up, and does
    not stick, when a later weekend has begun (``begun``: races that have rows of a session), or when it is the only one
    that should have had a result long ago (``RESULT_WITHIN``) and there is one after it. Where several should
    have, the data simply end before ``now``: then it is the first without a result.

    Args:
        calendar: race keys in calendar order, cancelled races left out.
        finished: races that have a result.
        begun: races that have practice, qualifying, sprint or grid.
        starts: start of each race that ``now`` is compared with (aware).
        now: the clock; None where the data are not those of today (a local archive, a simulated championship).
    """
    newest = max((index for index, key in enumerate(calendar) if key in finished), default=-1)
    later = list(calendar[newest + 1 :])
    under_way = max((index for index, key in enumerate(later) if key in begun), default=0)
    later = later[under_way:]
    if now is not None and starts is not None:
        overdue = [key for key in later if key in starts and starts[key] + RESULT_WITHIN < now]
        if overdue == later[:1] and len(later) > 1:
            later = later[1:]
    return later[0] if later else None


def due_at(day: date, start_at: datetime | None) -> datetime:
    """When a race starts; where that is not known, the end of its day in UTC."""
    return start_at or datetime.combine(day, time(), UTC) + timedelta(days=1)


def days_due(day: date, start_at: datetime | None, now: datetime) -> int:
    """Whole days since a race was to start, 0 before; where its start is not known, since the end of its day in UTC.

    Not the days between two dates: a race on Saturday night in Las Vegas starts on the next day in UTC, and would be a day
    late before it has begun.
    """
    return max(0, (now - due_at(day, start_at)).days)


def closed_weekends(
    cutoffs: Mapping[str, datetime], begun: Collection[str], now: datetime | None
) -> set[str]:
    """Races whose forecasts before the weekend are not made again: their cutoff has passed.

    On a Saturday a reserve takes a seat, the entries follow, and a forecast made anew would know of him under the cutoff of
    Friday. What the market said is held to that cutoff, so the two could not be compared any more.

    Args:
        cutoffs: of each race before its weekend (aware). A race that is moved to a later day is open again.
        begun: races that have practice, qualifying, sprint or grid; they count where there is no clock.
        now: the clock; None where the data are not those of today.
    """
    if now is None:
        return set(begun)
    return {race for race, cutoff in cutoffs.items() if cutoff <= now}


def race_day(day: date, start_at: datetime | None, time_zone: str | None) -> date:
    """The day of a race at the track; ``day`` where start or zone are not known.

    Las Vegas starts on Saturday night, when it is Sunday in UTC, and the sources give the date of UTC.
    """
    if start_at is None or time_zone is None:
        return day
    return start_at.astimezone(ZoneInfo(time_zone)).date()
