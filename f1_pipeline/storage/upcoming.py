"""Which race is next, as the tables say: one answer for the plan, the assets and the commands."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

import pandas as pd
from sqlalchemy import Engine

from f1_pipeline import clock
from f1_pipeline.domain.calendar import closed_weekends, next_race
from f1_pipeline.storage import reads

_PUBLISHED = re.compile(r"v\d{4}\.\d+\.\d+$")


@dataclass(frozen=True)
class CalendarNow:
    """The calendar without cancelled races, as ``domain.calendar.next_race`` wants to know it."""

    keys: list[str]
    finished: set[str]
    begun: set[str]
    starts: dict[str, datetime]
    weekends: dict[str, datetime]
    now: datetime | None

    @property
    def upcoming(self) -> str | None:
        """The race that is to be forecast next."""
        return next_race(self.keys, self.finished, self.begun, self.starts, self.now)

    @property
    def closed(self) -> set[str]:
        """Races whose forecasts before the weekend are closed: their cutoff has passed (``weekends``)."""
        return closed_weekends(self.weekends, self.begun, self.now)


def calendar_now(
    engine: Engine, calendar: pd.DataFrame | None = None, now: datetime | None = None
) -> CalendarNow:
    """Read it. ``calendar``: of ``reads.calendar``, where it is at hand; ``now``: the clock, else that of ``data_clock``."""
    # Here, because it brings the features along, which who only asks for a version of the tables does not need.
    from f1_pipeline.forecasting.features import cutoffs

    rows = reads.calendar(engine) if calendar is None else calendar
    held = rows.loc[~rows["is_cancelled"].astype("bool")]
    day = held["date"].dt.tz_localize("UTC") + timedelta(days=1)
    starts = held["start_at"].fillna(day)
    weekends = cutoffs(held, "pre_weekend")
    return CalendarNow(
        keys=held["race_key"].tolist(),
        finished=set(held.loc[held["finished"], "race_key"]),
        begun=set(held.loc[held["begun"], "race_key"]),
        starts={key: start.to_pydatetime() for key, start in zip(held["race_key"], starts, strict=True)},
        weekends={key: start.to_pydatetime() for key, start in zip(held["race_key"], weekends, strict=True)},
        now=now or data_clock(engine),
    )


def data_clock(engine: Engine) -> datetime | None:
    """The time of day where the tables follow a source that is still published; None for what stands still.

    A local archive may be of any age, and a simulated season is run by nobody: neither has a race that is overdue.
    """
    return clock.now() if is_published(reads.bulk_release(engine)) else None


def is_published(release: str) -> bool:
    """Whether a release is one of the bulk source's own (``v2026.11.0``), and no archive from a disk."""
    return _PUBLISHED.match(release) is not None
