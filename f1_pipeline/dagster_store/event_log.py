"""A SQLite event log that writes a batch of events in one transaction, and keeps its connections open.

Dagster hands events of a range run over in batches when ``DAGSTER_EVENT_BATCH_SIZE`` is set, but its
SQLite storage stores them one by one: up to four transactions, each with its own connection and its own
sync to disk, for every partition of every asset. Measured for 12 assets over 1,172 races: 170 to 350 s
one by one, 14 s in batches. The PostgreSQL storage obeys the setting; drop this class when SQLite does.

It also opens a connection for every event and every question, and closes it: the last one that leaves a WAL file
behind copies it into the database and waits for the disk. Measured in an update with one race
more (480 events in nine runs): 5 of 40 s of computing, and more where the disk is slow. And it makes the file of each
run table by table and asks Alembic which version that is: .12 s of computing, where a copy of an empty one takes .003 s.

This is private API of the pinned version: what is overridden here are ``store_event_batch`` and ``_connect`` of
``SqliteEventLogStorage``, and ``tests/test_dagster_event_log.py`` compares the rows of both ways.
"""

from __future__ import annotations

import os
import secrets
import threading
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from dagster._core.events import ASSET_CHECK_EVENTS, ASSET_EVENTS, EVENT_TYPE_TO_PIPELINE_RUN_STATUS
from dagster._core.events.log import EventLogEntry
from dagster._core.storage.event_log.schema import AssetKeyTable, SqlEventLogStorageTable
from dagster._core.storage.event_log.sqlite.sqlite_event_log import INDEX_SHARD_NAME, SqliteEventLogStorage
from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from f1_pipeline.dagster_store.sqlite_files import open_file
from f1_pipeline.dagster_store.tables import AsksOnceForTables

_MIRRORED = ASSET_EVENTS | ASSET_CHECK_EVENTS | set(EVENT_TYPE_TO_PIPELINE_RUN_STATUS)
"""Events that Dagster copies from the file of their run into the index of all runs."""


class BatchingSqliteEventLogStorage(AsksOnceForTables, SqliteEventLogStorage):
    """Dagster's SQLite event log, with ``store_event_batch`` in two transactions instead of thousands, on connections
    that stay open: to the index, and to the file of the run that was used last."""

    def __init__(self, base_dir: str) -> None:
        # Before the parent: its constructor opens the index to create and migrate it.
        self._open_index = threading.local()
        self._engines: dict[str, Engine] = {}
        super().__init__(base_dir)

    @contextmanager
    def _connect(self, shard: str) -> Iterator[Connection]:
        """A transaction in the file of a run or of the index."""
        with self._db_lock:
            engine = self._engine(shard)
            if shard not in self._initialized_dbs:
                if not self._made_as_copy(shard):
                    self._initdb(engine)
                self._initialized_dbs.add(shard)
            with engine.begin() as conn:
                yield conn

    def _engine(self, shard: str) -> Engine:
        if shard not in self._engines:
            # A web server looks at many runs: only the newest keeps its file open.
            for old in set(self._engines) - {INDEX_SHARD_NAME}:
                self._engines.pop(old).dispose()
            self._engines[shard] = open_file(self.conn_string_for_shard(shard))
        return self._engines[shard]

    def _made_as_copy(self, shard: str) -> bool:
        """Make the file of a run that is not there yet. False: it has to be made, or looked at, in Dagster's way."""
        file = Path(self.path_for_shard(shard))
        if file.exists():
            return False
        draft = file.with_name(f".{shard}-{secrets.token_hex(4)}")
        try:
            with draft.open("xb") as written:
                written.write(self._empty)
                written.flush()
                os.fsync(written.fileno())
            os.link(draft, file)
        except (OSError, SQLAlchemyError):
            # Another process was as quick, or a disk is full or knows no links: Dagster's own way says what is wrong.
            return False
        finally:
            draft.unlink(missing_ok=True)
        return True

    @cached_property
    def _empty(self) -> bytes:
        """The file of a run without events, as Dagster makes it."""
        with TemporaryDirectory() as folder:
            file = Path(folder) / "empty.db"
            engine = create_engine(f"sqlite:///{file}", poolclass=NullPool)
            self._initdb(engine)
            engine.dispose()
            return file.read_bytes()

    def dispose(self) -> None:
        """Close the connections, too."""
        with self._db_lock:
            while self._engines:
                self._engines.popitem()[1].dispose()
        super().dispose()

    def store_event_batch(self, events: Sequence[EventLogEntry]) -> None:
        """Store events of one run: one transaction in the file of the run, one in the index.

        All or nothing: when the index refuses, the rows in the file of the run go too, because Dagster
        then stores the same events again one by one and would count them twice. Events of several runs
        (Dagster makes no such batch) are stored one by one.
        """
        if len(events) < 2 or len({event.run_id for event in events}) > 1:
            super().store_event_batch(events)
            return
        rows = [self._event_to_row(event) for event in events]
        with self.run_connection(events[0].run_id) as conn:
            run_ids = _insert(conn, rows)
        mirrored = [
            (event, row)
            for event, row in zip(events, rows, strict=True)
            if event.is_dagster_event and event.dagster_event_type in _MIRRORED
        ]
        if not mirrored:
            return
        try:
            with self._index_held_open() as conn:
                ids = _insert(conn, [row for _, row in mirrored])
                self._after_mirroring(conn, [event for event, _ in mirrored], ids)
        except BaseException:
            with self.run_connection(events[0].run_id) as conn:
                conn.execute(
                    SqlEventLogStorageTable.delete().where(
                        SqlEventLogStorageTable.c.id.between(min(run_ids), max(run_ids))
                    )
                )
            raise

    def _after_mirroring(self, conn: Connection, events: Sequence[EventLogEntry], ids: Sequence[int]) -> None:
        """What Dagster derives from the mirrored events: tags, the table of assets, check executions."""
        pairs = list(zip(events, ids, strict=True))
        assets = [pair for pair in pairs if pair[0].dagster_event_type in ASSET_EVENTS]
        if assets:
            self._store_asset_event_tags(conn, [event for event, _ in assets], [id_ for _, id_ in assets])
            self._store_last_events(conn, assets)
        for event, event_id in pairs:
            if event.dagster_event_type in ASSET_CHECK_EVENTS:
                self.store_asset_check_event(event, event_id)

    def _store_last_events(self, conn: Connection, pairs: Sequence[tuple[EventLogEntry, int]]) -> None:
        """Update the row of each asset once, with what storing its events in turn would have left there.

        Each kind of event sets certain columns, always the same ones: the last event of each kind of an
        asset, in order, gives the same row as all of them, and only those few are serialised.
        """
        last: dict[tuple[str, object], tuple[EventLogEntry, int]] = {}
        for event, event_id in pairs:
            key = event.get_dagster_event().asset_key
            if key is not None:
                slot = (key.to_string(), event.dagster_event_type)
                last.pop(slot, None)  # so that the order is that of the last event, not of the first
                last[slot] = (event, event_id)
        indexed = self._has_asset_key_index_cols_on_connection(conn)
        changes: dict[str, dict[str, Any]] = {}
        for (asset, _), (event, event_id) in last.items():
            values = self._get_asset_entry_values(event, event_id, indexed)
            changes.setdefault(asset, {}).update(values)
        for asset, values in changes.items():
            if not values:
                continue
            update = AssetKeyTable.update().values(**values).where(AssetKeyTable.c.asset_key == asset)
            if conn.execute(update).rowcount == 0:
                conn.execute(AssetKeyTable.insert().values(asset_key=asset, **values))

    @contextmanager
    def _index_held_open(self) -> Iterator[Connection]:
        """Make every use of the index in this thread share one connection and one transaction."""
        with super().index_connection() as conn:
            self._open_index.conn = conn
            try:
                yield conn
            finally:
                self._open_index.conn = None

    def index_connection(self) -> AbstractContextManager[Connection]:
        """The connection of the batch that this thread is writing, or a new one."""
        conn = getattr(self._open_index, "conn", None)
        return super().index_connection() if conn is None else nullcontext(conn)


def _insert(conn: Connection, rows: Sequence[dict[str, Any]]) -> list[int]:
    """Insert rows into the event log table; their ids in the order of the rows."""
    table = SqlEventLogStorageTable
    insert = table.insert().returning(table.c.id, sort_by_parameter_order=True)
    return list(conn.execute(insert, list(rows)).scalars())
