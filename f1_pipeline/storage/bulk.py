"""Inserting many rows the way each database takes them fastest: COPY on PostgreSQL, executemany on SQLite.

SQLAlchemy's own insert looks at every value of every row. Its processors of values are used here too, once a column,
so that what is stored is the same; ``benchmarks/bulk_write.py`` measures both ways (figures in ``docs/operations.md``).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import pandas as pd
from sqlalchemy import Column, Connection, Table, insert

from f1_pipeline.errors import WriteRefused
from f1_pipeline.storage.outages import name_server
from f1_pipeline.storage.records import to_columns

FAST_FROM = 200
"""Rows from which the fast path is taken: below it a statement is as quick, and its errors name the row."""


def insert_rows(connection: Connection, table: Table, frame: pd.DataFrame) -> None:
    """Insert the rows of a frame, in the transaction of the connection.

    Raises:
        WriteRefused: the frame lacks a column that gets its value from SQLAlchemy, which the fast path does not ask.
        sqlalchemy.exc.IntegrityError: a row breaks a constraint; of COPY it carries the server's own message.
    """
    if len(frame):
        insert_columns(connection, table, *to_columns(table, frame))


def insert_columns(
    connection: Connection, table: Table, names: Sequence[str], values: Sequence[list[Any]]
) -> None:
    """The same with plain Python values, a list for each column of ``names``; raises the same."""
    dialect = connection.dialect.name
    if len(values[0]) < FAST_FROM or dialect not in _FAST:
        records = [dict(zip(names, row, strict=True)) for row in zip(*values, strict=True)]
        connection.execute(insert(table), records)
        return
    _refuse_defaults(table, names)
    columns = [table.c[name] for name in names]
    rows = zip(
        *(_bound(connection, column, items) for column, items in zip(columns, values, strict=True)),
        strict=True,
    )
    _FAST[dialect](connection, table, names, rows)


def _refuse_defaults(table: Table, names: Sequence[str]) -> None:
    for column in table.columns:
        if column.name not in names and column.default is not None:
            raise WriteRefused(f"table {table.name}: column {column.name} has to be in the rows")


def _bound(connection: Connection, column: Column[Any], items: list[Any]) -> list[Any]:
    """Values of a column as the driver takes them."""
    implementation = column.type.dialect_impl(connection.dialect)
    process = implementation.bind_processor(connection.dialect)
    return items if process is None else [process(item) for item in items]


def _executemany(
    connection: Connection, table: Table, names: Sequence[str], rows: Iterable[tuple[Any, ...]]
) -> None:
    quote = connection.dialect.identifier_preparer.quote
    columns = ", ".join(quote(name) for name in names)
    marks = ", ".join("?" for _ in names)
    # Names of our own tables, quoted; the values are bound.
    statement = f"INSERT INTO {quote(table.name)} ({columns}) VALUES ({marks})"  # noqa: S608
    connection.exec_driver_sql(statement, list(rows))


def _copy(
    connection: Connection, table: Table, names: Sequence[str], rows: Iterable[tuple[Any, ...]]
) -> None:
    import psycopg
    from psycopg import sql
    from sqlalchemy.exc import DBAPIError

    driver: Any = connection.connection.driver_connection
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(table.name), sql.SQL(", ").join(map(sql.Identifier, names))
    )
    try:
        with driver.cursor() as cursor, cursor.copy(statement) as copy:
            for row in rows:
                copy.write_row(row)
    except psycopg.Error as error:
        name_server(error, connection.engine.url)
        # As SQLAlchemy reports the failure of any other statement.
        raise DBAPIError.instance(
            statement.as_string(driver), None, error, psycopg.Error, dialect=connection.dialect
        ) from error


_FAST = {"sqlite": _executemany, "postgresql": _copy}
