"""A database for each test, on SQLite and on the PostgreSQL server of the tests."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, insert

from f1_pipeline.storage import schema
from f1_pipeline.storage.engine import get_engine

RACES = ("2026-alphaland", "2026-betaland", "2026-gammaland")


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Address of an empty database."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'tables.db'}"
        yield url
        get_engine(url).dispose()
    else:
        url, drop = request.getfixturevalue("new_postgres")(), request.getfixturevalue("drop_postgres")
        yield url
        drop(url)


@pytest.fixture(params=["sqlite", "postgresql"])
def migrated_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Address of a database with all tables and no rows, copied from one that was migrated once."""
    if request.param == "sqlite":
        file = tmp_path / "migrated.db"
        shutil.copy(request.getfixturevalue("migrated_file"), file)
        url = f"sqlite:///{file}"
        yield url
        get_engine(url).dispose()
    else:
        url = request.getfixturevalue("new_postgres")(request.getfixturevalue("migrated_postgres"))
        drop = request.getfixturevalue("drop_postgres")
        yield url
        drop(url)


@pytest.fixture
def engine(migrated_url: str) -> Engine:
    """A database with all tables, and in it a season with the races of ``RACES``."""
    engine = get_engine(migrated_url)
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
