"""Reading tables for the pipeline. Order is always stated: PostgreSQL gives rows in any order it likes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import pandas as pd
from sqlalchemy import Engine, Table, and_, case, exists, func, or_, select

from f1_pipeline.sources.bundle import LIVE
from f1_pipeline.storage import schema
from f1_pipeline.storage.records import read_frame
from f1_pipeline.storage.writes import last_hashes

HISTORY_TABLES = (
    "races",
    "circuits",
    "entries",
    "race_results",
    "sprint_results",
    "qualifying_results",
    "starting_grid",
    "driver_standings",
)
"""Tables that ratings and features are computed from."""

PRACTICE_COLUMNS = ("race_key", "session", "display_order", "driver_id", "constructor_id", "time_ms")
"""What the joint rating reads of practice."""

COMPLETED = "(completed)"
"""Name under which ``data_loads`` records that everything of a release was taken in."""


def read_table(
    engine: Engine,
    table: Table,
    race_keys: Sequence[str] | None = None,
    columns: Sequence[str] | None = None,
    **equal: object,
) -> pd.DataFrame:
    """All rows of a table, or of some races, in key order; ``equal`` narrows by column values.

    ``columns`` are read where not all are needed: the time goes by values, 15 us for a row of ``predictions``.
    """
    conditions = [table.c[name] == value for name, value in equal.items()]
    order = list(table.primary_key.columns)
    wanted = select(*(table.c[name] for name in columns)) if columns else select(table)
    if race_keys is None:
        return read_frame(engine, wanted.where(*conditions).order_by(*order))
    parts = [
        read_frame(
            engine,
            wanted.where(and_(table.c.race_key.in_(race_keys[i : i + 400]), *conditions)).order_by(*order),
        )
        for i in range(0, len(race_keys), 400)
    ]
    filled = [part for part in parts if len(part)] or parts[:1]
    return pd.concat(filled, ignore_index=True)


_history: dict[tuple[str, int], dict[str, pd.DataFrame]] = {}
"""The history tables that this process read last, by database and newest load."""


def read_history_tables(engine: Engine) -> dict[str, pd.DataFrame]:
    """The tables of ``HISTORY_TABLES``, whole; not to be changed in place.

    Every write of a source table leaves a row in ``data_loads``, so what was read stays true until there is a newer one.
    Reading takes .7 s, and an update has a dozen steps that stand on all races.
    """
    with engine.connect() as connection:
        newest = int(connection.scalar(select(func.coalesce(func.max(schema.data_loads.c.id), 0))) or 0)
    key = (str(engine.url), newest)
    if key not in _history:
        # The number was read first: rows of a load that comes in between are read again under its own number.
        tables = {name: read_table(engine, schema.metadata.tables[name]) for name in HISTORY_TABLES}
        _history.clear()
        _history[key] = tables
    return dict(_history[key])


def held_source(engine: Engine) -> str | None:
    """``f1db`` or ``simulated``: what the tables hold; None while they are empty."""
    with engine.connect() as connection:
        value = connection.scalar(
            select(schema.data_loads.c.source).order_by(schema.data_loads.c.id).limit(1)
        )
    return None if value is None else str(value)


def completed_digest(engine: Engine) -> str | None:
    """Digest of the newest release that was taken in completely."""
    with engine.connect() as connection:
        value = connection.scalar(
            select(schema.data_loads.c.content_hash)
            .where(schema.data_loads.c.table_name == COMPLETED)
            .order_by(schema.data_loads.c.id.desc())
            .limit(1)
        )
    return None if value is None else str(value)


def pending_races(engine: Engine) -> set[str]:
    """Races of which rows were taken in after the last update that was finished."""
    loads = schema.data_loads
    done = select(func.coalesce(func.max(loads.c.id), 0)).where(loads.c.table_name == COMPLETED)
    query = select(loads.c.race_key).where(loads.c.id > done.scalar_subquery(), loads.c.race_key.is_not(None))
    with engine.connect() as connection:
        return {str(key) for key in connection.scalars(query.distinct())}


def newest_release(engine: Engine) -> str:
    """What the tables know, for people: the release of the bulk source, and the newest live version that was taken in
    on top of it (``v2026.10.1 jolpica@2026-07-25T16:20Z``). Empty while the tables are empty."""
    loads = schema.data_loads
    bulk = bulk_release(engine)
    since = select(func.min(loads.c.id)).where(loads.c.release == bulk, loads.c.source != LIVE)
    live = (
        select(loads.c.release)
        .where(loads.c.source == LIVE, loads.c.id > since.scalar_subquery())
        .order_by(loads.c.id.desc())
        .limit(1)
    )
    with engine.connect() as connection:
        newest = connection.scalar(live)
    return bulk if newest is None else f"{bulk[: 63 - len(newest)]} {newest}"


def bulk_release(engine: Engine) -> str:
    """Release of the newest load from a bulk source; empty while the tables are empty."""
    loads = schema.data_loads
    with engine.connect() as connection:
        value = connection.scalar(
            select(loads.c.release).where(loads.c.source != LIVE).order_by(loads.c.id.desc()).limit(1)
        )
    return str(value or "")


def stored_hashes(engine: Engine, table_name: str, race_keys: Iterable[str]) -> dict[str, str]:
    """Content hash of each race's rows as last loaded."""
    with engine.connect() as connection:
        found = last_hashes(connection, table_name, race_keys)
    return {key: value for key, value in found.items() if key is not None}


def calendar(engine: Engine) -> pd.DataFrame:
    """Races in calendar order with ``finished`` (has a result), ``has_grid`` (race grid, provisional or not) and
    ``begun`` (has rows of any session)."""
    races, results, grid = schema.races, schema.race_results, schema.starting_grid
    sessions = (schema.practice_results, schema.qualifying_results, schema.sprint_results, grid)
    query = select(
        races,
        exists(select(1).where(results.c.race_key == races.c.race_key)).label("finished"),
        exists(select(1).where(grid.c.race_key == races.c.race_key, grid.c.session == "R")).label("has_grid"),
        or_(*(exists(select(1).where(table.c.race_key == races.c.race_key)) for table in sessions)).label(
            "begun"
        ),
    ).order_by(races.c.date, races.c.race_key)
    return read_frame(engine, query)


def race_keys_with(engine: Engine, table: Table, **equal: object) -> set[str]:
    """Races that have rows in a table."""
    conditions = [table.c[name] == value for name, value in equal.items()]
    with engine.connect() as connection:
        return {
            str(key) for key in connection.scalars(select(table.c.race_key).where(*conditions).distinct())
        }


def races_without_views(engine: Engine, horizon: str) -> set[str]:
    """Races whose forecast can be drawn again, but whose places, pairs and teams are not there: an update died between."""
    table = schema.predictions
    drawn = select(table.c.race_key).where(table.c.horizon == horizon, table.c.draws.is_not(None)).distinct()
    with engine.connect() as connection:
        forecast = {str(key) for key in connection.scalars(drawn)}
    return forecast - race_keys_with(engine, schema.constructor_predictions, horizon=horizon)


def sprint_hashes(engine: Engine) -> dict[str, str]:
    """Which result each forecast of a sprint was scored against, by race."""
    table = schema.sprint_accuracy
    with engine.connect() as connection:
        rows = connection.execute(select(table.c.race_key, table.c.result_hash).distinct())
        return {str(key): str(digest) for key, digest in rows}


def races_of_older_forecasts(engine: Engine) -> set[str]:
    """Races whose forecast was made before there were retirements in it; it stays as made."""
    table = schema.predictions
    query = select(table.c.race_key).where(table.c.retirement_probability.is_(None)).distinct()
    with engine.connect() as connection:
        return {str(key) for key in connection.scalars(query)}


def scored_hashes(engine: Engine) -> pd.DataFrame:
    """``race_key, horizon, result_hash``: which result each forecast was scored against.

    Empty where the scores were made before there were all of them (revision 0003): they count as out of date.
    """
    table = schema.model_accuracy
    against = case((table.c.binary_brier.is_(None), ""), else_=table.c.result_hash)
    return read_frame(
        engine, select(table.c.race_key, table.c.horizon, against.label("result_hash")).distinct()
    )


def predictions_between(
    engine: Engine, start_season: int, end_season: int, horizon: str | None = None, model: str | None = None
) -> pd.DataFrame:
    """Predictions with season, round, race name and driver code, in calendar order; of equals who is expected ahead first."""
    p, r, d = schema.predictions, schema.races, schema.drivers
    conditions: list[Any] = [r.c.season.between(start_season, end_season)]
    if horizon:
        conditions.append(p.c.horizon == horizon)
    if model:
        conditions.append(p.c.model == model)
    query = (
        select(
            r.c.season, r.c.round, r.c.date, d.c.code.label("driver_code"), d.c.name.label("driver_name"), p
        )
        .join(r, r.c.race_key == p.c.race_key)
        .join(d, d.c.driver_id == p.c.driver_id)
        .where(*conditions)
        .order_by(
            *(r.c.date, p.c.race_key, p.c.horizon, p.c.model),
            *(p.c.win_probability.desc(), p.c.expected_position, p.c.driver_id),
        )
    )
    return read_frame(engine, query)


def accuracy_between(engine: Engine, start_season: int, end_season: int, **equal: str | None) -> pd.DataFrame:
    """Rows of ``model_accuracy`` with season and date, in calendar order."""
    a, r = schema.model_accuracy, schema.races
    conditions: list[Any] = [r.c.season.between(start_season, end_season)]
    conditions += [a.c[name] == value for name, value in equal.items() if value]
    query = (
        select(r.c.season, r.c.date, a)
        .join(r, r.c.race_key == a.c.race_key)
        .where(*conditions)
        .order_by(r.c.date, a.c.race_key, a.c.horizon, a.c.model)
    )
    return read_frame(engine, query)


def row_counts(engine: Engine) -> dict[str, int]:
    """Rows of every table."""
    with engine.connect() as connection:
        return {
            name: int(connection.scalar(select(func.count()).select_from(table)) or 0)
            for name, table in schema.metadata.tables.items()
        }
