"""What is wrong with a store, in words: a full disk, a lock that is not let go of, a server that went away.

The libraries below (SQLAlchemy, Dagster, MLflow) each say it in another way, and an error of a Dagster step arrives as text
alone. So it is told by the text of the error; the tests get the texts from the real databases.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import SQLAlchemyError

from f1_pipeline.errors import F1Error, StoreUnavailable

_AGAIN = "What was finished stays, the rest is as it was: run the same command again."
_LONGEST = 300
_OUTAGES = (
    (
        r"No space left on device|Disk quota exceeded|File too large|database or disk is full|could not extend file",
        "the disk is full. Make room (`f1 doctor` says where the state is).",
    ),
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
        r"|connection already closed|too many (clients|connections)",
        "the database server went away or refuses: it is restarted, or overloaded.",
    ),
)


def outage(text: str) -> str | None:
    """What is wrong with a store, and what to do, by the text of an error; None where the error is another one."""
    for pattern, words in _OUTAGES:
        if found := re.search(rf".*({pattern}).*", text):
            # The whole line of the driver: it says which server, or which file.
            return f"{words} {_AGAIN} ({found.group().strip()[:_LONGEST]})"
    return None


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
    return "\n".join(str(getattr(one, "orig", None) or one) for one in _chain(error))
