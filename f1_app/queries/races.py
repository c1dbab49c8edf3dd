"""Races: one by its key, the next, the newest, and what happened in it."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pandas as pd
from sqlalchemy import Connection, Select, exists, func, literal, or_, select, true, tuple_

from f1_app.queries.cars import grid_position, on_grid
from f1_app.queries.shared import code_of_driver, frame_of, has_result, name_of_driver, name_of_team
from f1_app.records import Race
from f1_pipeline.domain import calendar
from f1_pipeline.storage.schema import (
    circuits,
    constructors,
    drivers,
    practice_results,
    qualifying_results,
    race_results,
    races,
    sprint_results,
    starting_grid,
)

_SESSIONS = (practice_results, qualifying_results, sprint_results, starting_grid)
"""Tables whose rows say that a weekend has begun."""


def _race_select() -> Select[Any]:
    return select(
        races.c.race_key,
        races.c.season,
        races.c.round,
        races.c.name,
        races.c.official_name,
        races.c.date,
        races.c.start_at,
        races.c.qualifying_at,
        races.c.laps,
        func.coalesce(races.c.course_length_km, circuits.c.length_km),
        func.coalesce(races.c.turns, circuits.c.turns),
        races.c.is_sprint_weekend,
        races.c.is_cancelled,
        circuits.c.name,
        circuits.c.place,
        circuits.c.time_zone,
    ).select_from(races.outerjoin(circuits, races.c.circuit_id == circuits.c.circuit_id))


def _one_race(connection: Connection, statement: Select[Any]) -> Race | None:
    row = connection.execute(statement.limit(1)).first()
    return None if row is None else Race(*row)


def race(connection: Connection, race_key: str) -> Race | None:
    """One race by its key."""
    return _one_race(connection, _race_select().where(races.c.race_key == race_key))


def next_race(connection: Connection, now: dt.datetime | None = None) -> Race | None:
    """The race that is to be forecast next, as ``domain.calendar.next_race`` says; ``now``: the clock, where it counts."""
    newest = newest_finished_race(connection)
    after = (
        true()
        if newest is None
        else tuple_(races.c.date, races.c.race_key) > tuple_(literal(newest.date), literal(newest.race_key))
    )
    begun = or_(*(exists().where(table.c.race_key == races.c.race_key) for table in _SESSIONS))
    rows = connection.execute(
        select(races.c.race_key, races.c.date, races.c.start_at, begun)
        .where(races.c.is_cancelled.is_(False), ~has_result(), after)
        .order_by(races.c.date, races.c.race_key)
    ).all()
    starts = {key: calendar.due_at(day, at) for key, day, at, _ in rows}
    found = calendar.next_race([row[0] for row in rows], (), [row[0] for row in rows if row[3]], starts, now)
    return None if found is None else race(connection, found)


def newest_finished_race(connection: Connection) -> Race | None:
    """The last race by date that has a result."""
    return _one_race(
        connection,
        _race_select().where(has_result()).order_by(races.c.date.desc(), races.c.race_key.desc()),
    )


def result(connection: Connection, race_key: str) -> pd.DataFrame:
    """The classification of a race in its official order; no rows before the race."""
    return frame_of(
        connection,
        select(
            race_results.c.driver_id,
            code_of_driver(),
            name_of_driver(race_results.c.driver_id),
            race_results.c.constructor_id,
            name_of_team(race_results.c.constructor_id),
            race_results.c.position,
            race_results.c.position_text,
            race_results.c.reason_retired,
            grid_position(),
            race_results.c.points,
        )
        .select_from(
            race_results.outerjoin(drivers, race_results.c.driver_id == drivers.c.driver_id)
            .outerjoin(constructors, race_results.c.constructor_id == constructors.c.constructor_id)
            .outerjoin(starting_grid, on_grid())
        )
        .where(race_results.c.race_key == race_key)
        .order_by(race_results.c.display_order),
    )
