"""What is wrong with a store, in words: a full disk, a lock that is not let go of, a server that went away.

The libraries below (SQLAlchemy, Dagster, MLflow) each say it in another way, and an error of a Dagster step arrives as text
alone. So it is told by the text of the error; the tests get the texts from the real databases.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import URL, Engine, ExceptionContext, event
from sqlalchemy.exc import SQLAlchemyError

from f1_pipeline.errors import F1Error, StoreUnavailable

_AGAIN = "What was finished stays, the rest is as it was: run the same command again."
_LONGEST = 400
_FULL = r"No space left on device|Disk quota exceeded|File too large|database or disk is full|could not extend file"
_OUTAGES = (
    # Before the next: the state directory has nothing to do with a server's disk.
    (
        rf"(?:{_FULL}).*SQLSTATE|SQLSTATE 53100",
        "the disk of the database server is full. Make room there.",
    ),
    (_FULL, "the disk is full. Make room (`f1 doctor` says where the state is)."),
    (
        r"database is locked|database table is locked",
        "the database is locked by another program for longer than is waited.",
    ),
    (
        r"disk I/O error|unable to open database file|attempt to write a readonly database|Read-only file system",
        "the database file cannot be written.",
    ),
    (
        r"terminating connection|server closed the connection|the database system is|the connection is (lost|closed)"
        r"|connection failed|connection to server .* failed|consuming input failed|SSL connection has been closed"
        r"|connection already closed|too many (clients|connections)|SQLSTATE (57P0[123]|53300)",
        "the database server went away or refuses: it is restarted, or overloaded.",
    ),
)


def outage(text: str) -> str | None:
    """What is wrong with a store, and what to do, by the text of an error; None where the error is another one."""
    for pattern, words in _OUTAGES:
        if lines := [line for line in text.splitlines() if re.search(pattern, line)]:
            # The whole line of the driver, best the one that says which server.
            said = next((line for line in lines if "SQLSTATE" in line), lines[0])
            return f"{words} {_AGAIN} ({said.strip()[:_LONGEST]})"
    return None


def server_of(url: URL) -> str:
    """Which database on which server, without user and password."""
    hosts = [url.host] if url.host else url.query.get("host", "this machine")
    host = hosts if isinstance(hosts, str) else ",".join(hosts)
    return f"database {url.database} on {host}" + (f":{url.port}" if url.port else "")


def name_server(error: BaseException, url: URL) -> None:
    """Note on an error of a database server's driver which server it was, and the server's code for what is wrong.

    A server that is full says which file it could not extend, not where; there are three databases, which may be on three
    servers. And it says so in its own language, while the code is the same in all. A note, because those go
    along as text with the error of a Dagster step.
    """
    state = getattr(error, "sqlstate", None) or getattr(error, "pgcode", None) or "unknown"
    said = (str(error).strip().splitlines() or [""])[0]
    note = f"{said[: _LONGEST - 150]} [SQLSTATE {state}; {server_of(url)}]"
    if note not in getattr(error, "__notes__", ()) and outage(note):
        error.add_note(note)


@event.listens_for(Engine, "handle_error")
def _told(context: ExceptionContext) -> None:
    # Of every engine in the process: Dagster and MLflow make their own.
    error = context.original_exception
    if context.engine is not None and context.engine.dialect.name == "postgresql":
        name_server(error, context.engine.url)
    raised = context.sqlalchemy_exception
    if raised is not None and outage(_words(error)):
        # What was asked has nothing to do with it. Dagster prints it where its history is what is full: 2,000 rows.
        raised.statement = raised.params = None


@contextmanager
def outages_named() -> Iterator[None]:
    """Turn what a store that is away or full raises into one typed error.

    Raises:
        StoreUnavailable: transient; the message says what to do.
    """
    try:
        yield
    except F1Error:
        raise
    # Dagster and MLflow wrap the errors of their stores in their own.
    except Exception as error:
        words = outage(_texts(error)) if _of_a_store(error) else None
        if words is None:
            raise
        raise StoreUnavailable(words) from error


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: BaseException | None = error
    while seen is not None:
        yield seen
        seen = seen.__cause__ or seen.__context__


def _of_a_store(error: BaseException) -> bool:
    return any(isinstance(one, SQLAlchemyError | OSError) for one in _chain(error))


def _texts(error: BaseException) -> str:
    # Only the driver's own words: SQLAlchemy adds statement and rows, which may hold anything.
    return "\n".join(_words(getattr(one, "orig", None) or one) for one in _chain(error))


def _words(error: BaseException) -> str:
    return "\n".join([str(error), *getattr(error, "__notes__", ())])
