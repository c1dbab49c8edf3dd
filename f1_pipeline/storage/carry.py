"""Carrying the product's tables from one database to another: from a laptop's file to a server, or back.

Forecasts as they were published, weather forecasts and market prices come from nowhere else: whoever outgrows SQLite
must not have to leave them behind. Whatever Dagster and MLflow keep stays: runs are history, models are trained anew.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from sqlalchemy import Connection, Engine, Table, func, make_url, select, text

from f1_pipeline.errors import NotReady, WriteRefused
from f1_pipeline.storage import migrate
from f1_pipeline.storage.bulk import insert_columns
from f1_pipeline.storage.engine import address_of, get_engine, write_transaction
from f1_pipeline.storage.schema import heartbeats, metadata

LEFT_BEHIND = frozenset({heartbeats.name})
"""Signs of life of processes that do not know the other database."""

ROWS_AT_A_TIME = 50_000
"""Of a table with 100 columns that is 100 MB."""


def carry_over(source: str, target: str, tell: Callable[[str], None]) -> dict[str, int]:
    """Copy all rows of ``source`` into the empty tables of ``target``; the number of rows by table.

    Both are addresses; ``source`` may also be the path of a SQLite file. It is read at one state, and not changed.
    ``target`` is brought up to the newest revision first. All rows arrive, or none.

    Raises:
        NotReady: no tables at ``source``, or of another revision than this code's.
        WriteRefused: ``target`` has rows already, or is ``source``.
    """
    source = _address(source)
    name = make_url(source).render_as_string()
    if make_url(source) == make_url(target):
        raise WriteRefused(f"{name}: is the database that F1_DATABASE_URL names: nothing to carry over")
    _refuse_unready(source, name)
    migrate.upgrade(target)
    carried: dict[str, int] = {}
    with _one_state(get_engine(source)) as reading, write_transaction(get_engine(target)) as writing:
        tables = [table for table in metadata.sorted_tables if table.name not in LEFT_BEHIND]
        _refuse_filled(writing, tables, make_url(target).render_as_string())
        for table in tables:
            carried[table.name] = _carry(reading, writing, table)
            if carried[table.name]:
                tell(f"{table.name}: {carried[table.name]:,} rows")
    return carried


def _address(source: str) -> str:
    """An address as it is, of a path the address of the file; NotReady where there is neither."""
    if "://" in source:
        url = address_of(source)
        if url.get_backend_name() != "sqlite":
            return source
        source = url.database or ""
    file = Path(source).expanduser().resolve()
    if not file.is_file():
        raise NotReady(f"{file}: no such file to carry over from")
    return f"sqlite:///{file}"


def _refuse_unready(source: str, name: str) -> None:
    found, known = migrate.current(source), migrate.head()
    if found != known:
        raise NotReady(
            f"{name}: tables are at revision {found or 'none'}, the code knows {known}: bring them up with "
            "`f1 db upgrade` where they are"
        )


def _refuse_filled(connection: Connection, tables: list[Table], name: str) -> None:
    for table in tables:
        if connection.execute(select(table).limit(1)).first() is not None:
            raise WriteRefused(
                f"{name}: table {table.name} has rows already: rows are carried into empty tables only"
            )


def _one_state(engine: Engine) -> Connection:
    """A connection on which every query sees the same state."""
    level = "REPEATABLE READ" if engine.dialect.name == "postgresql" else None
    connection = engine.connect()
    return connection.execution_options(isolation_level=level) if level else connection


def _carry(reading: Connection, writing: Connection, table: Table) -> int:
    names = [column.name for column in table.columns]
    query = select(table).order_by(*table.primary_key.columns)
    result = reading.execution_options(yield_per=ROWS_AT_A_TIME).execute(query)
    read = 0
    for rows in result.partitions():
        insert_columns(writing, table, names, [list(values) for values in zip(*rows, strict=True)])
        read += len(rows)
    written = writing.scalar(select(func.count()).select_from(table))
    if written != read:
        raise WriteRefused(f"table {table.name}: {read} rows were read and {written} arrived")
    _count_on(writing, table)
    return read


def _count_on(connection: Connection, table: Table) -> None:
    """Let PostgreSQL number the next row after those that came with their numbers."""
    counted = table.autoincrement_column
    if counted is None or connection.dialect.name != "postgresql":
        return
    sequence = connection.scalar(
        text("SELECT pg_get_serial_sequence(:table, :column)"), {"table": table.name, "column": counted.name}
    )
    if sequence and (highest := connection.scalar(select(func.max(counted)))) is not None:
        connection.execute(
            text("SELECT setval(:sequence, :highest)"), {"sequence": sequence, "highest": highest}
        )
