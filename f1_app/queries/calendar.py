"""The calendar of a season: every race with its state, its sessions and what there is about it."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pandas as pd
from sqlalchemy import Connection, func, select

from f1_app.queries.races import next_race
from f1_app.queries.shared import frame_of, has_forecast, has_result
from f1_app.records import CalendarStamp
from f1_pipeline.storage.schema import circuits, data_loads, races

DONE, NEXT, TO_COME, CANCELLED, NO_RESULT = "done", "next", "to come", "cancelled", "no result"
STATES = (DONE, NEXT, TO_COME, CANCELLED, NO_RESULT)
"""States of a race. ``no result``: a later race is the next one, and this one has no result and was not cancelled."""


def calendar_seasons(connection: Connection) -> list[int]:
    """Seasons that have a race in the calendar, newest first."""
    return list(connection.scalars(select(races.c.season).distinct().order_by(races.c.season.desc())))


def season_calendar(connection: Connection, season: int, now: dt.datetime | None = None) -> pd.DataFrame:
    """All races of a season in the order of their dates, cancelled ones too.

    ``state`` is one of ``STATES``, ``forecast`` says whether there is one. Starts of sessions are aware UTC datetimes or
    missing. ``now``: the clock, where it counts (as for ``races.next_race``).
    """
    frame = frame_of(
        connection,
        select(
            races.c.race_key,
            races.c.season,
            races.c.round,
            races.c.name,
            races.c.official_name,
            races.c.date,
            races.c.start_at,
            races.c.first_practice_at,
            races.c.qualifying_at,
            races.c.sprint_qualifying_at,
            races.c.sprint_at,
            races.c.is_sprint_weekend,
            races.c.is_cancelled,
            circuits.c.name.label("circuit"),
            circuits.c.place,
            circuits.c.country_id,
            circuits.c.time_zone,
            circuits.c.latitude,
            circuits.c.longitude,
            has_result().label("finished"),
            has_forecast().label("forecast"),
        )
        .select_from(races.outerjoin(circuits, races.c.circuit_id == circuits.c.circuit_id))
        .where(races.c.season == season)
        .order_by(races.c.date, races.c.race_key),
    )
    flags = ["is_sprint_weekend", "is_cancelled", "finished", "forecast"]
    times = ["start_at", "first_practice_at", "qualifying_at", "sprint_qualifying_at", "sprint_at"]
    frame = frame.astype({**dict.fromkeys(flags, "bool"), "round": "Int64"})
    for name in times:
        frame[name] = pd.to_datetime(frame[name], utc=True)
    following = next_race(connection, now)

    def state(row: pd.Series[Any]) -> str:
        if row["is_cancelled"]:
            return CANCELLED
        if row["finished"]:
            return DONE
        if following is None:
            return NO_RESULT
        here, there = (row["date"], row["race_key"]), (following.date, following.race_key)
        return NEXT if here == there else TO_COME if here > there else NO_RESULT

    frame["state"] = [state(row) for _, row in frame.iterrows()]
    return frame


def calendar_stamp(connection: Connection) -> CalendarStamp | None:
    """When the calendar last changed, and how often it has; None before the first load.

    A load of the calendar is recorded only when its content is another one, and none is ever removed: the count grows
    with every change, as a revision number of calendar entries must.
    """
    count, newest = connection.execute(
        select(func.count(), func.max(data_loads.c.loaded_at)).where(
            data_loads.c.table_name == "races", data_loads.c.race_key.is_(None)
        )
    ).one()
    return CalendarStamp(newest, int(count) - 1) if count else None
