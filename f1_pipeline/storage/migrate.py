"""Schema migrations (Alembic), for the command line, the pipeline and the tests."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from f1_pipeline.storage.engine import get_engine

_SCRIPTS = Path(__file__).parent / "migrations"


def _config(url: str) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS))
    config.attributes["url"] = url
    return config


def upgrade(url: str, revision: str = "head") -> None:
    """Bring the tables at ``url`` up to ``revision``; creates them in an empty database."""
    command.upgrade(_config(url), revision)


def downgrade(url: str, revision: str = "-1") -> None:
    """Take the tables at ``url`` back to ``revision`` (``base`` removes them all)."""
    command.downgrade(_config(url), revision)


def current(url: str) -> str | None:
    """Revision of the tables at ``url``; None for an empty database."""
    with get_engine(url).connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def head() -> str | None:
    """The newest revision this version of the code knows."""
    return ScriptDirectory.from_config(_config("sqlite://")).get_current_head()
