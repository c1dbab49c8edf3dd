"""One update, backfill or challenge of an installation at a time, on whatever machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from filelock import FileLock, Timeout

from f1_pipeline.errors import StoreUnavailable
from f1_pipeline.settings import Settings
from f1_pipeline.storage.engine import UpdateLock, get_engine, only_update
from f1_pipeline.storage.outages import outages_named

LOCK = "update.lock"
"""File in ``F1_HOME`` that whoever has the turn holds a lock on."""
_WAITING = "another update is running; waiting for its end ..."


@dataclass(frozen=True)
class Turn:
    """Who has it is the only one that starts runs of stages.

    ``outer``: id of the Dagster run that this happens in; None for a command.
    """

    lock: UpdateLock
    outer: str | None = None

    def check(self) -> None:
        """To be called before each stage.

        Raises:
            StoreUnavailable: the lock in the database is gone, and somebody else may be at work by now.
        """
        if not self.lock.is_held():
            # Taking it anew is no way out: somebody may have had a turn in between, and the plan of this one is of before.
            raise StoreUnavailable(
                "the database server went away, and with it the lock that keeps other updates out. "
                "What was finished stays: run the same command again."
            )


@contextmanager
def alone(settings: Settings, tell: Callable[[str], None], outer: str | None = None) -> Iterator[Turn]:
    """Wait for the turn and keep it: a schedule may start an update while somebody types `f1 update`.

    The system, or the database server, lets go of the lock when a process dies.

    Raises:
        StoreUnavailable: inside, a database or the disk did not go along.
    """
    with outages_named(), _alone(settings, tell) as lock:
        yield Turn(lock, outer)


@contextmanager
def _alone(settings: Settings, tell: Callable[[str], None]) -> Iterator[UpdateLock]:
    settings.home.mkdir(parents=True, exist_ok=True)
    file = FileLock(settings.home / LOCK)
    try:
        file.acquire(timeout=0)
    except Timeout:
        tell(_WAITING)
        file.acquire()
    try:
        # In a cluster, machines share tables and no files.
        with only_update(get_engine(settings.tables_url), lambda: tell(_WAITING)) as lock:
            yield lock
    finally:
        file.release()
