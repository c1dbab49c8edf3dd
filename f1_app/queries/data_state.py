"""What the tables hold: how many rows, of which races, since when, from whom; and what changed.

Rows are counted by the database, over its smallest index: the largest table (218,000 rows of 13 seasons) takes 12 ms,
all 42 together 80 ms with the races in them, and the slowest single question, when the newest of 129,000 forecasts was
made, 60 ms (SQLite, 1.1 million rows).
"""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pandas as pd
from sqlalchemy import Connection, Select, Table, exists, func, literal, select

from f1_app.queries.shared import frame_of, has_result, name_of_driver
from f1_pipeline.storage import schema
from f1_pipeline.storage.schema import (
    constructors,
    data_loads,
    drivers,
    live_sessions,
    market_odds,
    model_accuracy,
    model_decisions,
    predictions,
    races,
    revisions,
    source_polls,
    weather_forecasts,
    weather_observed,
)

COMPLETED = "(completed)"
"""The mark in ``data_loads`` of a release that was taken in completely: no table."""

MADE_AT = {
    "accuracy_summaries": "computed_at",
    "championship_forecasts": "created_at",
    "data_loads": "loaded_at",
    "heartbeats": "beat_at",
    "live_sessions": "confirmed_at",
    "market_odds": "imported_at",
    "model_accuracy": "scored_at",
    "model_decisions": "decided_at",
    "models": "trained_at",
    "paired_differences": "computed_at",
    "predictions": "created_at",
    "reliability": "computed_at",
    "revisions": "seen_at",
    "source_polls": "asked_at",
    "sprint_accuracy": "scored_at",
    "sprint_predictions": "created_at",
    "weather_forecasts": "issued_at",
    "weather_observed": "issued_at",
}
"""The column that says when a row was made. Tables of the source have their times in ``data_loads``; what is missing here
and there (ratings, features, places, pairs, reasons) states none."""


def _count(table: Table) -> Select[Any]:
    made = MADE_AT.get(table.name)
    columns: list[Any] = [func.count().label("rows")]
    columns.append((func.max(table.c[made]) if made else literal(None)).label("updated"))
    return select(*columns).select_from(table)


def table_state(connection: Connection, name: str) -> dict[str, Any]:
    """One table: ``rows``, ``updated`` (UTC or None), ``races`` it has rows of and the ``newest`` of them by date.

    Races are looked up one by one in the index of the table; a table that is not kept per race has none of both.
    """
    table = schema.metadata.tables[name]
    row = connection.execute(_count(table)).one()
    state: dict[str, Any] = {"rows": row.rows, "updated": row.updated, "races": None, "newest": None}
    if "race_key" in table.c and table is not races and name not in ("data_loads", "models"):
        there = exists().where(table.c.race_key == races.c.race_key)
        state["races"] = connection.scalar(select(func.count()).select_from(races).where(there))
        state["newest"] = connection.scalar(
            select(races.c.race_key)
            .where(there)
            .order_by(races.c.date.desc(), races.c.race_key.desc())
            .limit(1)
        )
    return state


def newest_releases(connection: Connection) -> dict[str, str]:
    """Release of the data that the newest forecasts of each kind stand on, by table."""
    found = {}
    for table in (predictions, schema.sprint_predictions, schema.championship_forecasts):
        newest = (
            select(races.c.race_key)
            .where(exists().where(table.c.race_key == races.c.race_key))
            .order_by(races.c.date.desc(), races.c.race_key.desc())
            .limit(1)
            .scalar_subquery()
        )
        release = connection.scalar(
            select(table.c.data_release)
            .where(table.c.race_key == newest)
            .order_by(table.c.created_at.desc())
            .limit(1)
        )
        if release:
            found[table.name] = release
    return found


def sources(connection: Connection) -> pd.DataFrame:
    """Where the present rows of each table come from: per table, source and release the races, rows and newest load.

    Only the newest load of each race counts: what it replaced is gone from the table.
    """
    newest = select(func.max(data_loads.c.id)).group_by(data_loads.c.table_name, data_loads.c.race_key)
    return frame_of(
        connection,
        select(
            data_loads.c.table_name,
            data_loads.c.source,
            data_loads.c.release,
            func.count(data_loads.c.race_key).label("races"),
            func.sum(data_loads.c.row_count).label("rows"),
            func.max(data_loads.c.loaded_at).label("updated"),
        )
        .where(data_loads.c.id.in_(newest), data_loads.c.table_name != COMPLETED)
        .group_by(data_loads.c.table_name, data_loads.c.source, data_loads.c.release)
        .order_by(data_loads.c.table_name, func.max(data_loads.c.id).desc()),
    )


def loads(connection: Connection, limit: int = 200) -> pd.DataFrame:
    """What was taken in, newest first: loads of one table, source, release and race or of many races at once."""
    return frame_of(
        connection,
        select(
            func.max(data_loads.c.loaded_at).label("loaded_at"),
            data_loads.c.source,
            data_loads.c.release,
            data_loads.c.table_name,
            func.count(data_loads.c.race_key).label("races"),
            func.sum(data_loads.c.row_count).label("rows"),
            func.max(data_loads.c.message).label("message"),
        )
        .group_by(data_loads.c.source, data_loads.c.release, data_loads.c.table_name)
        .order_by(func.max(data_loads.c.id).desc())
        .limit(limit),
    )


def polls(connection: Connection) -> pd.DataFrame:
    """The newest question about each subject to a web source, newest first."""
    return frame_of(
        connection, select(source_polls).order_by(source_polls.c.asked_at.desc(), *source_polls.primary_key)
    )


def live(connection: Connection, limit: int = 50) -> pd.DataFrame:
    """Versions of sessions that a live source stated, the last seen first; without their rows."""
    table = live_sessions
    return frame_of(
        connection,
        select(
            table.c.race_key,
            table.c.table_name,
            table.c.session,
            table.c.source,
            table.c.seen_at,
            table.c.confirmed_at,
            table.c.complete,
            table.c.row_count,
        )
        .order_by(table.c.id.desc())
        .limit(limit),
    )


def weather(connection: Connection, limit: int = 50) -> pd.DataFrame:
    """Weather of sessions, forecast and observed, newest first."""
    parts = []
    for kind, table in (("forecast", weather_forecasts), ("observed", weather_observed)):
        parts.append(
            frame_of(
                connection,
                select(
                    literal(kind).label("kind"),
                    *(column for column in table.columns if column.name not in ("valid_from", "valid_until")),
                )
                .order_by(table.c.issued_at.desc(), *table.primary_key)
                .limit(limit),
            )
        )
    frame = pd.concat([part for part in parts if len(part)] or parts[:1], ignore_index=True)
    return frame.sort_values("issued_at", ascending=False, kind="stable")


def prices(connection: Connection) -> pd.DataFrame:
    """Market prices that a user imported, per source."""
    table = market_odds
    return frame_of(
        connection,
        select(
            table.c.source,
            func.count(table.c.race_key.distinct()).label("races"),
            func.count().label("rows"),
            func.max(table.c.taken_at).label("taken_at"),
            func.max(table.c.imported_at).label("imported_at"),
        )
        .group_by(table.c.source)
        .order_by(table.c.source),
    )


def decisions(connection: Connection, limit: int = 200) -> pd.DataFrame:
    """Decisions which recipe forecasts, newest first."""
    frame = frame_of(connection, select(model_decisions).order_by(model_decisions.c.id.desc()).limit(limit))
    frame = frame.astype(dict.fromkeys(("difference", "low", "high"), "float64"))
    return frame.astype(dict.fromkeys(("challenger_version", "champion_version"), "Int64"))


def unscored(connection: Connection, limit: int = 50) -> list[str]:
    """Races that were forecast and run and have no score, newest first."""
    return list(
        connection.scalars(
            select(races.c.race_key)
            .where(
                has_result(),
                exists().where(predictions.c.race_key == races.c.race_key),
                ~exists().where(model_accuracy.c.race_key == races.c.race_key),
            )
            .order_by(races.c.date.desc(), races.c.race_key.desc())
            .limit(limit)
        )
    )


def forecast_times(connection: Connection, race_key: str) -> dict[str, dt.datetime]:
    """When the forecasts of a race were made, by horizon."""
    rows = connection.execute(
        select(predictions.c.horizon, func.max(predictions.c.created_at))
        .where(predictions.c.race_key == race_key)
        .group_by(predictions.c.horizon)
    )
    return {row[0]: row[1] for row in rows}


def has_grid(connection: Connection, race_key: str) -> bool:
    """Whether the starting grid of a race is known, which a forecast after qualifying needs; that of its sprint is not it."""
    grid = schema.starting_grid.c
    return bool(connection.scalar(select(exists().where(grid.race_key == race_key, grid.session == "R"))))


def revised(connection: Connection, limit: int = 100) -> pd.DataFrame:
    """Changes of rows that were there before, newest first: ``id`` of the new version and ``before`` of the old one.

    The first version of a race's rows is no change, and not among them.
    """
    old = revisions.alias("old")
    before = (
        select(func.max(old.c.id))
        .where(
            old.c.race_key == revisions.c.race_key,
            old.c.table_name == revisions.c.table_name,
            old.c.id < revisions.c.id,
        )
        .scalar_subquery()
    )
    return frame_of(
        connection,
        select(
            revisions.c.id,
            before.label("before"),
            revisions.c.seen_at,
            revisions.c.race_key,
            revisions.c.table_name,
            revisions.c.source,
            revisions.c.release,
            revisions.c.row_count,
        )
        .where(before.is_not(None))
        .order_by(revisions.c.id.desc())
        .limit(limit),
    )


def versions(connection: Connection, ids: list[int]) -> dict[int, list[dict[str, Any]]]:
    """Rows of some versions, by the id of the version."""
    found = connection.execute(select(revisions.c.id, revisions.c.rows).where(revisions.c.id.in_(ids)))
    return {number: json.loads(text) for number, text in found}


def names(connection: Connection) -> dict[str, str]:
    """Names of all drivers and teams by their id: some 1,100 short rows."""
    found = connection.execute(
        select(drivers.c.driver_id, name_of_driver(drivers.c.driver_id)).union_all(
            select(constructors.c.constructor_id, constructors.c.name)
        )
    )
    return {row[0]: row[1] for row in found}
