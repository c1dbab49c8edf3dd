"""Writing tables: one race, or a range of races, is replaced in one transaction or not at all.

Every write is repeatable (same input, same rows) and leaves the old rows on any failure, a killed
process included: delete and insert are one transaction, with the load record in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
from sqlalchemy import Connection, Engine, Table, and_, delete, func, insert, select
from sqlalchemy.dialects import postgresql, sqlite

from f1_pipeline import clock
from f1_pipeline.errors import WorldsMixed, WriteRefused
from f1_pipeline.sources.bundle import REAL_SOURCES, Origin
from f1_pipeline.storage.bulk import insert_rows
from f1_pipeline.storage.engine import write_transaction
from f1_pipeline.storage.records import to_records
from f1_pipeline.storage.revisions import keep_versions
from f1_pipeline.storage.schema import data_loads, feature_marks

_KEYS_PER_STATEMENT = 400
"""Bound parameters per statement stay well below SQLite's old limit of 999."""


@dataclass(frozen=True)
class Load:
    """Where rows come from, and the content hash of each race: what `data_loads` remembers.

    ``origins``: source and release of the races whose rows are another source's.
    """

    source: str
    release: str
    hashes: Mapping[str, str]
    origins: Mapping[str, Origin] = field(default_factory=dict)

    def origin(self, race_key: str) -> Origin:
        """Source and release of the rows of a race."""
        return self.origins.get(race_key) or Origin(self.source, self.release)


@dataclass(frozen=True)
class Written:
    """What a write did: races looked at, races whose rows changed, rows written."""

    races: int
    changed: tuple[str, ...]
    rows: int


def replace_races(
    engine: Engine,
    table: Table,
    frame: pd.DataFrame,
    race_keys: Sequence[str],
    *,
    scope: Mapping[str, object] | None = None,
    load: Load | None = None,
    marks: Mapping[str, str] | None = None,
) -> Written:
    """Replace the rows of ``race_keys`` by those of ``frame``, in one transaction.

    ``scope`` narrows what belongs to the writer (``{"horizon": "pre_race"}``). With ``load``, races whose
    content hash is the one of their last load are left alone, and every change is recorded; of the tables of
    ``REVISED_TABLES`` the version before and the new one are kept. A race without rows in ``frame`` is legal: its rows are
    removed (a grid that is not published yet). ``marks``: of features, by race, the hash of the calendar they stand on.

    Raises:
        WriteRefused: no races given, or the frame holds rows of another race or scope. An empty set
            of keys must not pass silently: Dagster runs an empty partition range successfully.
        WorldsMixed: the tables hold another source's data.
    """
    keys = list(dict.fromkeys(race_keys))
    _refuse_foreign(table, frame, keys, scope or {})
    with write_transaction(engine) as connection:
        changed = keys
        if load is not None:
            refuse_mixing(connection, load.source)
            last = last_hashes(connection, table.name, keys)
            changed = [key for key in keys if load.hashes.get(key, "") != last.get(key, "")]
        rows = frame if len(changed) == len(keys) else frame[frame["race_key"].isin(changed)]
        if load is not None and changed:
            keep_versions(
                connection, table, rows, {key: load.hashes.get(key, "") for key in changed}, load.origin
            )
        for chunk in _chunks(changed):
            connection.execute(delete(table).where(_owned(table, chunk, scope or {})))
        insert_rows(connection, table, rows)
        if load is not None and changed:
            _record_loads(connection, table.name, load, rows, changed)
        if marks:
            _mark(connection, str((scope or {})["horizon"]), marks)
    return Written(len(keys), tuple(changed), len(rows))


def replace_tables(engine: Engine, frames: Mapping[Table, pd.DataFrame]) -> None:
    """Replace all rows of tables that are computed from others, together in one transaction.

    For what is a summary over races and has no part that stays when one race changes. Several tables that say the
    same in different words are replaced together, so that no reader sees them disagree.

    Raises:
        WriteRefused: a table is kept race by race; to empty it as a whole would throw other races away.
    """
    for table in frames:
        if "race_key" in table.columns:
            raise WriteRefused(f"table {table.name}: is replaced race by race, not as a whole")
    with write_transaction(engine) as connection:
        for table, frame in frames.items():
            connection.execute(delete(table))
            insert_rows(connection, table, frame)


def upsert_reference(
    engine: Engine, table: Table, frame: pd.DataFrame, *, source: str, release: str, content_hash: str
) -> bool:
    """Insert or update the rows of a reference table; rows that the source no longer has are kept.

    Returns whether anything was written: the same content hash as last time writes nothing.

    Raises:
        WorldsMixed: the tables hold another source's data.
    """
    with write_transaction(engine) as connection:
        refuse_mixing(connection, source)
        if last_hashes(connection, table.name, [None]).get(None) == content_hash:
            return False
        dialect = sqlite if engine.dialect.name == "sqlite" else postgresql
        statement = dialect.insert(table)
        keys = [column.name for column in table.primary_key]
        others = {name: statement.excluded[name] for name in map(str, frame.columns) if name not in keys}
        if others:
            statement = statement.on_conflict_do_update(index_elements=keys, set_=others)
        else:
            statement = statement.on_conflict_do_nothing(index_elements=keys)
        connection.execute(statement, to_records(table, frame))
        load = Load(source, release, {})
        _insert_load(connection, [_load_row(table.name, None, load, content_hash, len(frame))])
    return True


def last_hashes(connection: Connection, table_name: str, keys: Iterable[str | None]) -> dict[str | None, str]:
    """Content hash of the newest load of each race (None: the table as a whole) that has one."""
    newest = (
        select(func.max(data_loads.c.id))
        .where(data_loads.c.table_name == table_name)
        .group_by(data_loads.c.race_key)
    )
    rows = connection.execute(
        select(data_loads.c.race_key, data_loads.c.content_hash).where(data_loads.c.id.in_(newest))
    )
    wanted = set(keys)
    return {key: content_hash for key, content_hash in rows if key in wanted}


def refuse_mixing(connection: Connection, source: str) -> None:
    """Raise ``WorldsMixed`` when the tables hold rows of another source than ``source``."""
    world = REAL_SOURCES if source in REAL_SOURCES else (source,)
    other = connection.scalar(select(data_loads.c.source).where(data_loads.c.source.not_in(world)).limit(1))
    if other is not None:
        raise WorldsMixed(
            f"this database holds {other} data and {source} data are about to be written. Real and simulated "
            "races are never mixed: point F1_HOME (or F1_DATABASE_URL) at another place, or remove this one."
        )


def _refuse_foreign(
    table: Table, frame: pd.DataFrame, keys: Sequence[str], scope: Mapping[str, object]
) -> None:
    if not keys:
        raise WriteRefused(f"table {table.name}: asked to replace no races at all")
    foreign = set(frame["race_key"]) - set(keys)
    if foreign:
        raise WriteRefused(f"table {table.name}: rows of {sorted(foreign)[:3]} were not asked for")
    for column, value in scope.items():
        if len(frame) and not (frame[column] == value).all():
            raise WriteRefused(f"table {table.name}: rows outside {column}={value!r}")


def _owned(table: Table, keys: Sequence[str], scope: Mapping[str, object]) -> Any:
    return and_(table.c.race_key.in_(keys), *(table.c[name] == value for name, value in scope.items()))


def _chunks(keys: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(keys), _KEYS_PER_STATEMENT):
        yield keys[start : start + _KEYS_PER_STATEMENT]


def _record_loads(
    connection: Connection, table_name: str, load: Load, rows: pd.DataFrame, changed: Sequence[str]
) -> None:
    counts = rows["race_key"].value_counts().to_dict()
    _insert_load(
        connection,
        [
            _load_row(table_name, key, load, load.hashes.get(key, ""), int(counts.get(key, 0)))
            for key in changed
        ],
    )


def _load_row(table_name: str, key: str | None, load: Load, content_hash: str, count: int) -> dict[str, Any]:
    origin = Origin(load.source, load.release) if key is None else load.origin(key)
    return {
        "table_name": table_name,
        "race_key": key,
        "source": origin.source,
        "release": origin.release,
        "content_hash": content_hash,
        "row_count": count,
        "loaded_at": clock.now(),
    }


def _insert_load(connection: Connection, rows: list[dict[str, Any]]) -> None:
    connection.execute(insert(data_loads), rows)


def _mark(connection: Connection, horizon: str, marks: Mapping[str, str]) -> None:
    for chunk in _chunks(list(marks)):
        connection.execute(
            delete(feature_marks).where(
                feature_marks.c.race_key.in_(chunk), feature_marks.c.horizon == horizon
            )
        )
    connection.execute(
        insert(feature_marks),
        [{"race_key": key, "horizon": horizon, "calendar_hash": mark} for key, mark in marks.items()],
    )
