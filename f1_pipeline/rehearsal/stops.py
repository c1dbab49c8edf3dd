"""When schedules tick between two moments."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dagster import Definitions

_ASLEEP = timedelta(hours=36)
"""After a longer pause between two moments the daemon counts as switched off: it then makes up the last tick of a schedule only."""


def missed(defs: Definitions, before: datetime, now: datetime) -> list[tuple[datetime, str]]:
    """Ticks of schedules after ``before`` and up to ``now``, in order; after a long pause only the last of each."""
    found = []
    for schedule in defs.schedules or ():
        times = _times(str(schedule.cron_schedule), before, now)  # type: ignore[union-attr]
        found += [(at, schedule.name) for at in (times if now - before <= _ASLEEP else times[-1:])]
    return sorted(found)


def last_tick(defs: Definitions, name: str, now: datetime) -> datetime:
    """The newest time of a schedule that is not after ``now``; all of them tick at least once a week."""
    cron = str(defs.resolve_schedule_def(name).cron_schedule)
    return _times(cron, now - timedelta(days=8), now)[-1]


def _times(cron: str, after: datetime, until: datetime) -> list[datetime]:
    from dagster._utils.schedules import cron_string_iterator

    found = []
    for at in cron_string_iterator(after.timestamp() + 1, cron, "UTC"):
        if at > until:
            break
        found.append(at)
    return found
