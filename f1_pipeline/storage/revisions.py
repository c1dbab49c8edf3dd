"""Earlier versions of the rows of a race: results were changed months later, and twice (Monaco 2026).

The first version of a race's rows is in its table, its hash, source and time in ``data_loads``. Once another one comes, both are
written here with their rows, and from then on every version. History as it was first loaded is thus not kept twice, and of
whatever was replaced nothing is lost.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pandas as pd
from sqlalchemy import Connection, Engine, Table, func, insert, select

from f1_pipeline import clock
from f1_pipeline.sources.bundle import Origin
from f1_pipeline.storage.records import read_frame
from f1_pipeline.storage.row_text import rows_to_text, stored_text, text_to_rows
from f1_pipeline.storage.schema import REVISED_TABLES, data_loads, revisions

_KEYS_PER_STATEMENT = 400


@dataclass(frozen=True)
class Revision:
    """One version of the rows of a race: ``rows`` is the canonical frame, ``seen_at`` when it was taken in.

    ``number`` counts the versions that are kept of these rows, from 1.
    """

    race_key: str
    table: str
    number: int
    content_hash: str
    source: str
    release: str
    seen_at: datetime
    row_count: int
    rows: pd.DataFrame = field(repr=False, compare=False)


def keep_versions(
    connection: Connection,
    table: Table,
    rows: pd.DataFrame,
    hashes: Mapping[str, str],
    origin: Callable[[str], Origin],
) -> None:
    """Keep what is about to be replaced and what replaces it; before the old rows are deleted, in the same transaction.

    ``rows``: the new rows of the races of ``hashes``, their content hashes by race. Races that had no version before
    have none now.
    """
    if table.name not in REVISED_TABLES:
        return
    keys = list(hashes)
    before = {
        row["race_key"]: row
        for start in _starts(keys)
        for row in _last_loads(connection, table.name, keys[start : start + _KEYS_PER_STATEMENT])
    }
    replaced = [key for key in keys if key in before]
    if not replaced:
        return
    found: list[dict[str, Any]] = []
    for start in _starts(replaced):
        chunk = replaced[start : start + _KEYS_PER_STATEMENT]
        newest = _newest_hashes(connection, table.name, chunk)
        unkept = [key for key in chunk if newest.get(key) != before[key]["content_hash"]]
        text = stored_text(connection, table.name, unkept) if unkept else {}
        for key in unkept:
            old = before[key]
            stated = {name: old[name] for name in ("content_hash", "source", "release", "row_count")}
            found.append(
                {**_head(key, table), **stated, "seen_at": old["loaded_at"], "rows": text.get(key, "[]")}
            )
    new = rows[rows["race_key"].isin(replaced)]
    text, counts = rows_to_text(table.name, new), new["race_key"].value_counts().to_dict()
    now = clock.now()
    for key in replaced:
        found.append(
            {
                **_head(key, table),
                "content_hash": hashes[key],
                "source": origin(key).source,
                "release": origin(key).release,
                "row_count": int(counts.get(key, 0)),
                "seen_at": now,
                "rows": text.get(key, "[]"),
            }
        )
    connection.execute(insert(revisions), found)


def revisions_of(engine: Engine, race_key: str, table: str) -> list[Revision]:
    """All versions of a race's rows, oldest first; the last one is current. Empty where the race never had rows.

    Raises:
        ContractViolation: a version was written by a product with other columns.
    """
    query = (
        select(revisions)
        .where(revisions.c.race_key == race_key, revisions.c.table_name == table)
        .order_by(revisions.c.id)
    )
    with engine.connect() as connection:
        kept = [dict(row) for row in connection.execute(query).mappings()]
        if not kept:
            for load in _last_loads(connection, table, [race_key]):
                text = stored_text(connection, table, [race_key]).get(race_key, "[]")
                kept.append({**load, "rows": text, "seen_at": load["loaded_at"]})
    return [_revision(table, number, row) for number, row in enumerate(kept, start=1)]


def current_revision(engine: Engine, race_key: str, table: str) -> Revision | None:
    """The version that the table holds; None where the race never had rows."""
    found = revisions_of(engine, race_key, table)
    return found[-1] if found else None


def revised_races(engine: Engine) -> pd.DataFrame:
    """``race_key, table_name, versions, first_seen_at, last_seen_at``: what has more than one version, newest change first."""
    table = revisions
    last = func.max(table.c.seen_at)
    return read_frame(
        engine,
        select(
            table.c.race_key,
            table.c.table_name,
            func.count().label("versions"),
            func.min(table.c.seen_at).label("first_seen_at"),
            last.label("last_seen_at"),
        )
        .group_by(table.c.race_key, table.c.table_name)
        .order_by(func.max(table.c.id).desc()),
    )


def _starts(keys: Sequence[str]) -> range:
    return range(0, len(keys), _KEYS_PER_STATEMENT)


def _head(key: str, table: Table) -> dict[str, Any]:
    return {"race_key": key, "table_name": table.name}


def _last_loads(connection: Connection, table: str, keys: Sequence[str]) -> list[dict[str, Any]]:
    newest = (
        select(func.max(data_loads.c.id))
        .where(data_loads.c.table_name == table, data_loads.c.race_key.in_(keys))
        .group_by(data_loads.c.race_key)
    )
    return [
        dict(row)
        for row in connection.execute(select(data_loads).where(data_loads.c.id.in_(newest))).mappings()
    ]


def _newest_hashes(connection: Connection, table: str, keys: Sequence[str]) -> dict[str, str]:
    newest = (
        select(func.max(revisions.c.id))
        .where(revisions.c.table_name == table, revisions.c.race_key.in_(keys))
        .group_by(revisions.c.race_key)
    )
    query = select(revisions.c.race_key, revisions.c.content_hash).where(revisions.c.id.in_(newest))
    return {str(key): str(digest) for key, digest in connection.execute(query)}


def _revision(table: str, number: int, row: Mapping[str, Any]) -> Revision:
    return Revision(
        race_key=row["race_key"],
        table=table,
        number=number,
        content_hash=row["content_hash"],
        source=row["source"],
        release=row["release"],
        seen_at=row["seen_at"],
        row_count=row["row_count"],
        rows=text_to_rows(table, row["race_key"], row["rows"], row["source"]),
    )
