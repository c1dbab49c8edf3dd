"""How a PostgreSQL database sorts text, and the refusal of one that sorts it by another order than SQLite does.

The order of rows decides ties: two drivers of equal rating are drawn, and shown, in the order in which they were read. By
the rules of a language ("é" beside "e", capitals between small letters) forecasts would be others than on SQLite, others on
another machine, and others after an upgrade of its C library, which also damages indexes.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, func, literal_column, select, table

from f1_pipeline.errors import NotReady

_PROVIDERS = {"b": "builtin", "c": "libc", "i": "icu"}
_BY_BYTES = {"C", "POSIX", "C.UTF-8", "C.UTF8"}
"""Names of the C library for sorting by code point, which for UTF-8 is the order of the bytes."""


def refuse_other_collation(connection: Connection) -> None:
    """Refuse a PostgreSQL database that does not sort text by bytes; any other database passes.

    Raises:
        NotReady: it sorts by something else; the message names the database, its collation and what to do.
    """
    if connection.dialect.name != "postgresql":
        return
    # As JSON, since the columns are others in each version: 14 has no provider, 15 and 16 have another name for its locale.
    row: Any = connection.scalar(
        select(func.to_jsonb(literal_column("d")))
        .select_from(table("pg_database").alias("d"))
        .where(literal_column("d.datname") == func.current_database())
    )
    provider = _PROVIDERS.get(row.get("datlocprovider", "c"), "unknown")
    collation = row["datcollate"]
    if provider == "builtin" or (provider == "libc" and collation.upper() in _BY_BYTES):
        return
    if provider == "icu":
        collation = row.get("datlocale") or row.get("daticulocale") or collation
    raise NotReady(
        f"database {row['datname']} sorts text by {collation} ({provider}) instead of by its bytes, and the order of rows "
        "decides ties: dump it, make it anew by `f1 db roles` (or CREATE DATABASE ... TEMPLATE template0 ENCODING 'UTF8' "
        "LOCALE 'C') under another name or after dropping it, and restore the rows"
    )
