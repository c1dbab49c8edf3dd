"""Files of Dagster's stores that stay open: its runs, and its schedules and sensors.

Dagster makes an engine for every question, and a connection that it closes: SQL is compiled anew each time, and the last one
that leaves a WAL file behind copies it into the database and waits for the disk. A run of one step, which asks 34 times,
took .12 s of computing; the daemon asks all day.

This is private API of the pinned version: what is overridden are ``connect`` and the questions of ``tables``.
``tests/test_dagster_instance.py`` counts connections.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from dagster._core.storage.runs.sqlite.sqlite_run_storage import SqliteRunStorage
from dagster._core.storage.schedules.sqlite.sqlite_schedule_storage import SqliteScheduleStorage
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS
from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy.event import listen
from sqlalchemy.pool import QueuePool

from f1_pipeline.dagster_store.tables import AsksOnceForColumns, AsksOnceForInstigators


def open_file(address: str) -> Engine:
    """An engine that keeps one connection open; those that threads need besides are closed after use."""
    engine = create_engine(
        address,
        poolclass=QueuePool,
        pool_size=1,
        max_overflow=-1,
        connect_args={"timeout": SQLITE_BUSY_TIMEOUT_SECONDS},
    )
    listen(engine, "connect", _configure)
    return engine


def _configure(connection: Any, _record: Any) -> None:
    # WAL from the first statement on: a new file gets its 30 tables and indexes one transaction each. NORMAL waits for
    # the disk at a checkpoint, not at every event: a power cut may take the last events, never the file.
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=NORMAL")
    cursor.close()


class _StaysOpen:
    """Comes before a class of Dagster among the bases of a store in one file."""

    def __init__(self, conn_string: str) -> None:
        self._engine = open_file(conn_string)
        super().__init__(conn_string)  # type: ignore[call-arg]  # of Dagster's class

    @contextmanager
    def connect(self) -> Iterator[Connection]:
        """A transaction."""
        with self._engine.begin() as connection:
            yield connection

    def dispose(self) -> None:
        """Close the connections, too."""
        super().dispose()  # type: ignore[misc]
        self._engine.dispose()


class OpenScheduleStorage(_StaysOpen, AsksOnceForInstigators, SqliteScheduleStorage):
    """Dagster's schedules and sensors, and their ticks."""


class OpenRunStorage(_StaysOpen, AsksOnceForColumns, SqliteRunStorage):
    """Dagster's runs. ``schedules`` are closed with them: an instance disposes of its runs and its events alone."""

    def __init__(self, conn_string: str, schedules: OpenScheduleStorage) -> None:
        self._schedules = schedules
        super().__init__(conn_string)

    def dispose(self) -> None:
        """Close the connections, too."""
        super().dispose()
        self._schedules.dispose()
