"""MLflow's record in a SQLite file is made whole, or it is not there.

MLflow makes its tables by some fifty migrations, of which SQLite commits parts by themselves. A process that was killed in
between, in the first update of an installation, left a file with which no later one could go on ("table secrets already
exists"): every update failed from then on. Found by ``benchmarks/soak.py``. On PostgreSQL a migration is one transaction.
"""

from __future__ import annotations

import logging
import sqlite3
from contextlib import closing
from pathlib import Path

from filelock import FileLock

from f1_pipeline.settings import get_settings

_SCHEME = "sqlite:///"


def make_whole(tracking_uri: str) -> None:
    """Make the file of a tracking address, beside its place, and move it there once it is complete.

    A file that holds anything is left alone. One that broke off before it held anything is made anew, as earlier
    versions could leave it. Addresses of servers have no file.

    Raises:
        OSError, sqlalchemy.exc.SQLAlchemyError: it could not be made (disk full); nothing is there then.
    """
    if not tracking_uri.startswith(_SCHEME):
        return
    file = Path(tracking_uri.removeprefix(_SCHEME))
    if _holds_something(file):
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    # Update and server may start together.
    with FileLock(file.with_name(f"{file.name}.lock")):
        if not _holds_something(file) and not _is_complete(file):
            _make(file)


def _holds_something(file: Path) -> bool:
    """Whether there is an experiment: MLflow makes its first one after all tables."""
    if not file.exists():
        return False
    with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as connection:
        known = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'experiments'").fetchone()
        return bool(known) and connection.execute("SELECT 1 FROM experiments").fetchone() is not None


def _is_complete(file: Path) -> bool:
    if not file.exists():
        return False
    from mlflow.store.db import utils

    engine = utils.create_sqlalchemy_engine(f"{_SCHEME}{file}")
    try:
        return bool(utils._get_schema_version(engine) == utils._get_latest_schema_revision())
    finally:
        engine.dispose()


def _make(file: Path) -> None:
    # Private names of the pinned version; its public way opens a store, which stays open for as long as the process lives.
    from mlflow.store.db import utils

    logging.getLogger("alembic").setLevel(logging.WARNING)
    making = file.with_name(f"{file.name}.making")
    _remove(making)
    engine = utils.create_sqlalchemy_engine(f"{_SCHEME}{making}")
    try:
        utils._initialize_tables(engine)
    finally:
        engine.dispose()
    with closing(sqlite3.connect(making)) as connection:
        # As our own tables are. MLflow commits 18 times for a version, and a rollback journal waits for the disk each time.
        connection.execute("PRAGMA journal_mode=WAL")
    _remove(file)
    making.replace(file)


def _remove(file: Path) -> None:
    for ending in ("-journal", "-wal", "-shm", ""):
        file.with_name(file.name + ending).unlink(missing_ok=True)


if __name__ == "__main__":  # for servers: the library would stay in the memory of whoever starts them
    make_whole(get_settings().tracking_uri)
