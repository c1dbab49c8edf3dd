"""The app's connection to the product's tables: it can read them and nothing else.

Reading only is enforced by the database, not by good intentions: SQLite files are opened with
``mode=ro``, PostgreSQL sessions start with read-only transactions. What can go wrong on the way
(no file yet, no tables yet, server away) is one typed exception, so that every page and every API
answer can say what to do about it.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from sqlalchemy import URL, Connection, Engine, create_engine, event, inspect, make_url
from sqlalchemy.exc import ArgumentError, DatabaseError, NoSuchModuleError, SQLAlchemyError, TimeoutError
from sqlalchemy.pool import NullPool

from f1_app.queries.state import change_mark, change_mark_of_file
from f1_pipeline.settings import get_settings
from f1_pipeline.storage.engine import Engines

REQUIRED_TABLES = frozenset(
    {
        "championship_forecasts",
        "circuits",
        "constructor_standings",
        "constructors",
        "data_loads",
        "driver_standings",
        "drivers",
        "model_accuracy",
        "models",
        "predictions",
        "race_results",
        "races",
    }
)
"""Tables the app reads; without one of them the database was not migrated."""

BUSY_SECONDS = 5
"""How long a read waits for a lock or a connection before it gives up."""

STATEMENT_TIMEOUT_MS = 15_000
"""A page that takes longer than this is not worth the server's time (PostgreSQL)."""


class Problem(StrEnum):
    """Why there is no database to read."""

    SETTINGS = "settings"
    MISSING = "missing"
    NO_TABLES = "no_tables"
    UNREACHABLE = "unreachable"


class DatabaseUnavailableError(Exception):
    """The tables cannot be read; ``problem`` says why, ``detail`` is for the operator."""

    def __init__(self, problem: Problem, detail: str) -> None:
        super().__init__(f"{problem.value}: {detail}")
        self.problem = problem
        self.detail = detail


def tables_url() -> URL:
    """Address of the tables from the settings.

    Raises:
        DatabaseUnavailableError: the settings or the address in them are not valid.
    """
    try:
        return make_url(get_settings().tables_url)
    except ValidationError as error:
        faults = "; ".join(
            f"F1_{'.'.join(str(part) for part in fault['loc']).upper()}: {fault['msg']}"
            for fault in error.errors()
        )
        raise DatabaseUnavailableError(Problem.SETTINGS, faults) from error
    except ArgumentError as error:
        # The text of the error repeats the address, which may hold a password.
        raise DatabaseUnavailableError(
            Problem.SETTINGS, "F1_DATABASE_URL is not a SQLAlchemy address"
        ) from error


def _sqlite_file(url: URL) -> Path:
    if not url.database or url.database == ":memory:":
        raise DatabaseUnavailableError(
            Problem.SETTINGS, "a database in memory cannot be shared with the pipeline"
        )
    return Path(url.database.removeprefix("file:")).absolute()


def _open_read_only(file: Path, timeout: float) -> sqlite3.Connection:
    # `as_uri` quotes what a path may hold and a URI may not ('?', '#', '%').
    return sqlite3.connect(
        f"{file.as_uri()}?mode=ro",
        uri=True,
        timeout=timeout,
        check_same_thread=False,
        isolation_level=None,
    )


def _sqlite_engine(url: URL) -> Engine:
    file = _sqlite_file(url)

    def connect() -> sqlite3.Connection:
        return _open_read_only(file, BUSY_SECONDS)

    # No pool: opening a file is cheap, and a file that was removed and made again is noticed.
    engine = create_engine("sqlite://", creator=connect, poolclass=NullPool)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _begin_sqlite(connection: Connection) -> None:
    # All that one answer is made of is read at one state of the tables.
    driver: Any = connection.connection.driver_connection
    driver.execute("BEGIN")


def _open(url: URL) -> Engine:
    """A read-only engine.

    Raises:
        DatabaseUnavailableError: no driver for the address, or a database in memory.
    """
    if url.get_backend_name() == "sqlite":
        return _sqlite_engine(url)
    try:
        if url.get_backend_name() == "postgresql":
            given = url.query.get("options", ())
            options = [given] if isinstance(given, str) else list(given)
            options.append("-c default_transaction_read_only=on")
            options.append(f"-c statement_timeout={STATEMENT_TIMEOUT_MS}")
            return create_engine(
                url,
                pool_pre_ping=True,
                pool_timeout=BUSY_SECONDS,
                isolation_level="REPEATABLE READ",
                connect_args={"options": " ".join(options), "connect_timeout": BUSY_SECONDS},
            )
        return create_engine(url, pool_pre_ping=True)
    except (NoSuchModuleError, ImportError) as error:
        raise DatabaseUnavailableError(Problem.SETTINGS, str(error)) from error


engine_for = Engines(_open)
"""The read-only engine of an address."""


@contextmanager
def _asking(url: URL) -> Iterator[None]:
    """Turn what goes wrong in a read into its cause."""
    if url.get_backend_name() == "sqlite" and not (file := _sqlite_file(url)).exists():
        raise DatabaseUnavailableError(Problem.MISSING, str(file))
    try:
        yield
    except DatabaseError as error:
        raise _diagnose(url, error) from error
    except TimeoutError as error:
        cause = f"all connections of this process were busy for {BUSY_SECONDS} s"
        raise DatabaseUnavailableError(Problem.UNREACHABLE, cause) from error


def _diagnose(url: URL, error: SQLAlchemyError) -> DatabaseUnavailableError:
    """Turn a failed read into its cause: only then is the list of tables worth asking for."""
    cause = str(getattr(error, "orig", None) or error).strip()
    try:
        found = set(inspect(engine_for(url)).get_table_names())
    except SQLAlchemyError:
        return DatabaseUnavailableError(Problem.UNREACHABLE, cause)
    missing = sorted(REQUIRED_TABLES - found)
    if missing:
        return DatabaseUnavailableError(Problem.NO_TABLES, ", ".join(missing))
    return DatabaseUnavailableError(Problem.UNREACHABLE, cause)


@contextmanager
def reading() -> Iterator[Connection]:
    """A connection for one read.

    Raises:
        DatabaseUnavailableError: there is no database, it has no tables, or it does not answer.
    """
    url = tables_url()
    with _asking(url), engine_for(url).connect() as connection:
        yield connection


@dataclass
class Watch:
    """Tells at every request whether anybody has committed since, without reading a table.

    On SQLite one connection is kept open and a look takes 7 µs; elsewhere it is one short question to the server.
    Not for use by several threads at a time.
    """

    url: URL
    _connection: sqlite3.Connection | None = None
    _file: tuple[int, int] | None = None
    _opened: int = 0

    @property
    def is_quick(self) -> bool:
        """Whether a look is short enough for an event loop."""
        return self.url.get_backend_name() == "sqlite"

    def mark(self) -> str:
        """A text that is another one as soon as something was committed.

        Raises:
            DatabaseUnavailableError: there is no database, or it does not answer.
        """
        if self.is_quick:
            return self._mark_of_file()
        with _asking(self.url), engine_for(self.url).connect() as connection:
            return change_mark(connection)

    def _mark_of_file(self) -> str:
        path = self._path
        try:
            # A file that was removed and made again is another one.
            status = os.stat(path)  # noqa: PTH116 - pathlib takes longer than the rest together
            if self._connection is None or self._file != (status.st_dev, status.st_ino):
                self.close()
                # No wait for a lock: whoever looks is an event loop.
                self._connection = _open_read_only(Path(path), 0)
                self._file = (status.st_dev, status.st_ino)
                self._opened += 1
            return f"{self._opened}-{change_mark_of_file(self._connection)}"
        except FileNotFoundError:
            self.close()
            raise DatabaseUnavailableError(Problem.MISSING, path) from None
        except sqlite3.Error as error:
            self.close()
            raise DatabaseUnavailableError(Problem.UNREACHABLE, str(error)) from error

    @cached_property
    def _path(self) -> str:
        return str(_sqlite_file(self.url))

    def close(self) -> None:
        """Give the connection back."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
