"""Files of Dagster's stores that stay open.

Dagster makes an engine for every question to its runs, schedules and sensors, and a connection that it closes: SQL is compiled
anew each time, and the last one that leaves a WAL file behind copies it into the database and waits for the disk. A run of one
step asks its runs 17 times; it took .12 s of computing and takes .065. The daemon asks all day.

This is private API of the pinned version: overridden are ``connect``, ``dispose``, how a store is made, and the questions of
``tables``. Dagster reads every result to its end; one that was left half read would keep the connection in its past.
``tests/test_dagster_instance.py`` counts connections.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dagster._core.storage.runs.sqlite.sqlite_run_storage import SqliteRunStorage
from dagster._core.storage.schedules.sqlite.sqlite_schedule_storage import SqliteScheduleStorage
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS
from dagster._serdes import ConfigurableClassData
from sqlalchemy import Connection, Engine, create_engine, make_url
from sqlalchemy.event import listen
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.pool import QueuePool

from f1_pipeline.dagster_store.origin import SaysWhereItsCodeIs
from f1_pipeline.dagster_store.tables import AsksOnceForColumns, AsksOnceForInstigators


def open_file(address: str) -> Engine:
    """An engine that keeps one connection to a file open; those that threads need besides are closed after use.

    Where the file was removed or replaced, by a restored backup, the next question opens the one that is there.
    """
    file = str(make_url(address).database)
    engine = create_engine(
        address,
        poolclass=QueuePool,
        pool_size=1,
        max_overflow=-1,
        connect_args={"timeout": SQLITE_BUSY_TIMEOUT_SECONDS},
    )

    def opened(connection: Any, record: Any) -> None:
        # WAL from the first statement on: a new file gets its tables and indexes one transaction each. NORMAL waits for the
        # disk at a checkpoint, not at every event or run: a power cut may take the last of them, never the file.
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=NORMAL")
        cursor.close()
        record.info["file"] = _identity(file)

    def taken(_connection: Any, record: Any, _proxy: Any) -> None:
        if record.info["file"] != _identity(file):
            raise DisconnectionError(f"{file} is another one")

    listen(engine, "connect", opened)
    listen(engine, "checkout", taken)
    return engine


def _identity(file: str) -> tuple[int, int] | None:
    try:
        found = Path(file).stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


class _StaysOpen:
    """Comes before a class of Dagster among the bases of a store in one file."""

    def __init__(self, conn_string: str, inst_data: ConfigurableClassData | None = None) -> None:
        self._engine = open_file(conn_string)
        super().__init__(conn_string, inst_data)  # type: ignore[call-arg]  # of Dagster's class

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


class OpenRunStorage(_StaysOpen, SaysWhereItsCodeIs, AsksOnceForColumns, SqliteRunStorage):
    """Dagster's runs. ``schedules`` are closed with them: an instance disposes of its runs and its events alone."""

    schedules: OpenScheduleStorage | None = None

    def dispose(self) -> None:
        """Close the connections, too."""
        super().dispose()
        if self.schedules is not None:
            self.schedules.dispose()
