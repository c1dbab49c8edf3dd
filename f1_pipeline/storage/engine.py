"""Database engines. SQLite by default (WAL), PostgreSQL in production; the same code on both."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, Generic, TypeVar

from sqlalchemy import URL, Connection, Engine, QueuePool, create_engine, event, func, make_url, select, text
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError

from f1_pipeline.errors import NotReady

_WRITE = "f1_write"
_BUSY_SECONDS = 60
"""How long a writer waits for another one on SQLite before it gives up."""
_WRITERS = 0x66315F66
"""Number of the lock that writers hold on PostgreSQL until the end of their transaction."""

_UPDATES = 0x66315F75
"""Number of the lock that an update holds on PostgreSQL while it runs."""


Address = TypeVar("Address", bound=Hashable)


class Engines(Generic[Address]):
    """One engine per address and process, made when it is first asked for and kept.

    Not a cache that forgets the oldest: an engine that is forgotten takes its pool of open connections with it, and
    psycopg complains of each when the collector finds it, in whatever happens to run then.
    """

    def __init__(self, make: Callable[[Address], Engine]) -> None:
        self._make = make
        self._engines: dict[Address, Engine] = {}
        self._lock = threading.Lock()

    def __call__(self, address: Address) -> Engine:
        """The engine of an address."""
        with self._lock:
            if address not in self._engines:
                self._engines[address] = self._make(address)
            return self._engines[address]

    def close(self) -> None:
        """Close the connections that nobody uses right now.

        A pool without any is left alone: a new one for each of a thousand addresses took longer than the tests that they
        were of.
        """
        with self._lock:
            for engine in self._engines.values():
                if not isinstance(engine.pool, QueuePool) or engine.pool.checkedin():
                    engine.dispose()


DRIVERS = {"sqlite": "pysqlite", "postgresql": "psycopg"}
"""The databases that the tables are made for, and the driver whose COPY and transactions the code relies on."""


def address_of(url: str) -> URL:
    """The parts of an address of tables.

    Raises:
        NotReady: it is no address, or of another database or driver. The message does not repeat it: there may be a
            password in it, and what cannot be read as an address cannot be read as one without it either.
    """
    form = "postgresql+psycopg://user:password@host/database or sqlite:////path/of/file.db"
    try:
        parsed = make_url(url)
        found = (parsed.get_backend_name(), parsed.get_driver_name())
    except (ArgumentError, NoSuchModuleError, ValueError) as error:  # the last: a port that is no number
        raise NotReady(f"the address of the tables (F1_DATABASE_URL) is none: write {form}") from error
    if found not in DRIVERS.items():
        raise NotReady(f"the tables (F1_DATABASE_URL) cannot be kept by {'+'.join(found)}: write {form}")
    return parsed


def _open(url: str) -> Engine:
    parsed = address_of(url)
    if parsed.get_backend_name() != "sqlite":
        return create_engine(url, pool_pre_ping=True)
    if parsed.database and parsed.database != ":memory:":
        Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(url, connect_args={"timeout": _BUSY_SECONDS})
    event.listen(engine, "connect", _configure_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


get_engine = Engines(_open)
"""The engine of an address of tables, to read and to write."""


@lru_cache(maxsize=8)
def write_ahead(url: str) -> None:
    """Put a SQLite file that another library opens into write-ahead mode, as ours are; the file keeps to it.

    MLflow commits 18 times for a version. With a rollback journal each of them waits for the disk three times. A file
    that is not there yet is not made: whoever makes it has to know whether it is whole.
    """
    if not Path(str(make_url(url).database)).exists():
        return
    engine = get_engine(url)
    with engine.connect():  # the mode is set when a connection is opened
        pass
    engine.dispose()


def _configure_sqlite(connection: Any, _record: Any) -> None:
    # The driver's own transaction handling begins late and commits early; SQLAlchemy takes over.
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=NORMAL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    # A writer takes the lock at once: a deferred transaction that reads first and writes later
    # fails with "database is locked" when somebody wrote in between, however long it waits.
    writes = connection.get_execution_options().get(_WRITE, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


@contextmanager
def write_transaction(engine: Engine) -> Iterator[Connection]:
    """A transaction that will write: committed at the end, rolled back on any exception.

    Writers come one after another on both databases. Without that, two that replace the same race on
    PostgreSQL would each delete the old rows and both insert theirs: the second one fails on the key.
    """
    with engine.connect() as connection:
        connection = connection.execution_options(**{_WRITE: True})
        with connection.begin():
            if engine.dialect.name == "postgresql":
                connection.execute(select(func.pg_advisory_xact_lock(_WRITERS)))
            yield connection


class UpdateLock:
    """The lock of :func:`only_update`, to be asked whether it is still there.

    The server lets go of it when its connection ends, and tells nobody: after ``pg_terminate_backend`` or a restart a second
    update came in beside the first, which wrote on.
    """

    def __init__(self, connection: Connection | None = None) -> None:
        self._connection = connection

    def is_held(self) -> bool:
        """Whether nobody else can have come in; always, where there is no lock in the database (SQLite)."""
        if self._connection is None:
            return True
        # A connection that is gone is replaced by a new one, which holds nothing, when it is used again.
        if self._connection.invalidated:
            return False
        try:
            return bool(self._connection.scalar(_OWN_LOCKS, {"number": _UPDATES}))
        except DBAPIError as error:
            if not error.connection_invalidated:
                raise
            return False


# A number of 64 bits is shown in two halves; the upper one of ours is 0.
_OWN_LOCKS = text(
    "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted AND pid = pg_backend_pid()"
    " AND classid = 0 AND objid = :number AND objsubid = 1"
)


@contextmanager
def only_update(engine: Engine, waits: Callable[[], None]) -> Iterator[UpdateLock]:
    """One update of these tables at a time, on whatever machine: ``waits`` is called where another one is running.

    On PostgreSQL only. Updates of a SQLite file are on its machine, where a lock file does. The server lets go of the
    lock when the connection ends, so that a pod that was killed holds up nobody; and so that whoever holds it has to ask, between
    two things that it does, whether it still does.
    """
    if engine.dialect.name != "postgresql":
        yield UpdateLock()
        return
    # Without a transaction, which would keep the server from clearing old rows away for as long as an update takes.
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if not connection.scalar(select(func.pg_try_advisory_lock(_UPDATES))):
            waits()
            connection.execute(select(func.pg_advisory_lock(_UPDATES)))
        try:
            yield UpdateLock(connection)
        finally:
            try:
                if not connection.invalidated:
                    connection.execute(select(func.pg_advisory_unlock(_UPDATES)))
            except DBAPIError as error:
                if not error.connection_invalidated:  # a connection that is gone took the lock with it
                    raise
