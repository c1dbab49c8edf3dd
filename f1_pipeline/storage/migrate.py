"""Schema migrations (Alembic), for the command line, the pipeline and the tests."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError
from sqlalchemy.exc import ProgrammingError

from f1_pipeline.errors import NotReady
from f1_pipeline.storage.collation import refuse_other_collation
from f1_pipeline.storage.engine import get_engine

_INSUFFICIENT_PRIVILEGE = "42501"
_SCRIPTS = Path(__file__).parent / "migrations"


def _config(url: str) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS))
    config.attributes["url"] = url
    return config


def upgrade(url: str, revision: str = "head") -> None:
    """Bring the tables at ``url`` up to ``revision``; creates them in an empty database.

    Every update begins with it, so nothing is written into a database that sorts text by another order.

    Raises:
        NotReady: there is something to change, and the role of the address may not change tables; the database does
            not sort text by its bytes; or there is no such revision.
    """
    with get_engine(url).connect() as connection:
        refuse_other_collation(connection)
    with _as_owner(url):
        command.upgrade(_config(url), revision)


def downgrade(url: str, revision: str = "-1") -> None:
    """Take the tables at ``url`` back to ``revision`` (``base`` removes them all).

    Raises:
        NotReady: the role of the address may not change tables.
    """
    with _as_owner(url):
        command.downgrade(_config(url), revision)


@contextmanager
def _as_owner(url: str) -> Iterator[None]:
    """In production the pipeline's role writes rows and leaves tables to their owner."""
    try:
        yield
    except CommandError as error:
        raise NotReady(f"migrations: {str(error).rstrip('.')}") from error
    except ProgrammingError as error:
        if getattr(error.orig, "sqlstate", None) != _INSUFFICIENT_PRIVILEGE:
            raise
        raise NotReady(
            f"tables are at revision {current(url) or 'none'}, the code knows {head()}, and this role may not change "
            "tables: run `f1 db upgrade` with F1_DATABASE_URL of their owner"
        ) from error


def current(url: str) -> str | None:
    """Revision of the tables at ``url``; None for an empty database."""
    with get_engine(url).connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def head() -> str | None:
    """The newest revision this version of the code knows."""
    return ScriptDirectory.from_config(_config("sqlite://")).get_current_head()
