"""What the database holds, of which release, and whether it changed."""

from __future__ import annotations

import datetime as dt
import re
import sqlite3

from sqlalchemy import Connection, String, cast, func, select

from f1_app.records import SIMULATED, Loaded
from f1_pipeline.storage.schema import (
    accuracy_summaries,
    championship_forecasts,
    constructor_predictions,
    data_loads,
    model_accuracy,
    predictions,
    sprint_accuracy,
    sprint_predictions,
    weather_forecasts,
)

BULK_SOURCES = ("f1db", SIMULATED)
"""Sources a whole database comes from; others (a late weekend, weather) only add to one of these."""


def data_version(connection: Connection) -> str:
    """A short text that changes whenever loads, forecasts of any kind, scores or the weather change.

    The counts are there because two runs may commit in another order than their time stamps say: the
    newest stamp alone would then hide the later commit. The means of the scores are written in a step after the scores,
    and with them differences and reliability, in one transaction. Views of a forecast (places, pairs, teams) carry no
    stamp and are written after it: the teams, the last and the fewest rows, stand for all of them. A forecast that is
    made again has as many; their points are squared because those of a race always sum to the same.
    """
    stamped = (
        predictions.c.created_at,
        sprint_predictions.c.created_at,
        model_accuracy.c.scored_at,
        sprint_accuracy.c.scored_at,
        accuracy_summaries.c.computed_at,
        championship_forecasts.c.created_at,
    )
    # One pass over each table for both: they are read at the begin of every page.
    both = (
        select(func.coalesce(cast(func.max(stamp), String), "-") + "#" + cast(func.count(), String))
        for stamp in stamped
    )
    teams = constructor_predictions.c
    row = connection.execute(
        select(
            select(func.max(data_loads.c.id)).scalar_subquery(),
            *(statement.scalar_subquery() for statement in both),
            select(func.count()).select_from(constructor_predictions).scalar_subquery(),
            select(func.sum(teams.expected_points * teams.expected_points)).scalar_subquery(),
            select(func.max(weather_forecasts.c.issued_at)).scalar_subquery(),
        )
    ).one()
    return "|".join("-" if value is None else str(value) for value in row)


def loaded(connection: Connection) -> Loaded | None:
    """The newest bulk source and release, and when data were taken in last of any source; None before the first load.

    A weekend that came after the release makes the data younger, though not the release: ``f1 status`` says the same.
    """
    newest = select(func.max(data_loads.c.loaded_at)).scalar_subquery()
    row = connection.execute(
        select(data_loads.c.source, data_loads.c.release, newest)
        .where(data_loads.c.source.in_(BULK_SOURCES))
        .order_by(data_loads.c.id.desc())
        .limit(1)
    ).first()
    return None if row is None else Loaded(*row)


def data_clock(connection: Connection) -> dt.datetime | None:
    """The time of day where the tables follow a source that is still published, else None: a local archive or a
    simulated season may end at any time."""
    found = loaded(connection)
    return dt.datetime.now(dt.UTC) if found and re.fullmatch(r"v\d{4}\.\d+\.\d+", found.release) else None


def change_mark(connection: Connection) -> str:
    """A short text that changes with every commit of anybody else, whatever it wrote; no table is read for it.

    It may change without a reason, and says nothing after a restart: for what is kept in memory, where
    ``data_version`` (20 ms with all of history) is too slow to be asked at every request. Of a SQLite file
    ``change_mark_of_file`` says it.
    """
    if connection.dialect.name == "postgresql":
        # Oldest and next transaction and those between: another text as soon as a transaction that writes ends.
        return str(connection.scalar(select(cast(func.pg_current_snapshot(), String))))
    return data_version(connection)


def change_mark_of_file(connection: sqlite3.Connection) -> int:
    """The same of a SQLite file: comparable on one connection, which must not be inside a transaction."""
    return int(connection.execute("PRAGMA data_version").fetchone()[0])
