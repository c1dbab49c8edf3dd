"""That the app can read and nothing else, and notices what others write, on both databases."""

from __future__ import annotations

import contextlib
import datetime as dt
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, delete, insert, text, update
from sqlalchemy.exc import DBAPIError

from f1_app import database as app_database
from f1_app import queries
from f1_app.api.marks import SHARED_SECONDS
from f1_app.database import DatabaseUnavailableError, Problem, Watch, engine_for, reading, tables_url
from f1_pipeline.settings import get_settings
from f1_pipeline.storage import schema
from f1_pipeline.storage.engine import get_engine
from f1_pipeline.storage.migrate import upgrade

WRITES = [
    insert(schema.seasons).values(season=2042),
    update(schema.races).values(name="another"),
    delete(schema.predictions),
    text("CREATE TABLE intruder (id INTEGER)"),
    text("DROP TABLE races"),
]


@pytest.fixture(params=["sqlite", "postgresql"])
def tables(request: pytest.FixtureRequest, home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Address of migrated tables, which the settings point to, with a season in them."""
    if request.param == "sqlite":
        url = f"sqlite:///{home / 'f1.db'}"
    else:
        make, template = (request.getfixturevalue(name) for name in ("new_postgres", "migrated_postgres"))
        url = make(template)
        monkeypatch.setenv("F1_DATABASE_URL", url)
        get_settings.cache_clear()
    upgrade(url)
    commit(url, insert(schema.seasons).values(season=2026))
    yield url
    engine_for(tables_url()).dispose()
    get_engine(url).dispose()


def commit(url: str, statement: Any) -> None:
    engine = create_engine(url)
    try:
        with engine.begin() as connection:
            connection.execute(statement)
    finally:
        engine.dispose()


@pytest.mark.parametrize("statement", WRITES, ids=["insert", "update", "delete", "create", "drop"])
def test_every_write_is_refused_by_the_database(tables: str, statement: Any) -> None:
    with reading() as connection:
        with pytest.raises(DBAPIError, match=r"read-?\s?only"):
            connection.execute(statement)
        connection.rollback()
        assert connection.scalar(text("SELECT count(*) FROM seasons")) == 1


def test_one_answer_is_read_at_one_state(tables: str) -> None:
    with reading() as connection:
        assert connection.scalar(text("SELECT count(*) FROM seasons")) == 1
        commit(tables, insert(schema.seasons).values(season=2027))
        assert connection.scalar(text("SELECT count(*) FROM seasons")) == 1
    with reading() as connection:
        assert connection.scalar(text("SELECT count(*) FROM seasons")) == 2


def test_any_commit_changes_the_mark_and_a_read_does_not(tables: str) -> None:
    watch = Watch(tables_url())
    try:
        marks = [watch.mark()]
        for season in (2027, 2028):
            assert watch.mark() == marks[-1]
            with reading() as connection:
                queries.state.data_version(connection)
            commit(tables, insert(schema.seasons).values(season=season))
            marks.append(watch.mark())
        commit(tables, delete(schema.seasons).where(schema.seasons.c.season == 2028))
        marks.append(watch.mark())
        assert len(set(marks)) == 4
    finally:
        watch.close()


def test_a_process_whose_connections_are_all_busy_says_so(
    new_postgres: Callable[..., str], migrated_postgres: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It waited for 30 s and was an error that nobody had named."""
    monkeypatch.setattr(app_database, "BUSY_SECONDS", 1)
    monkeypatch.setenv("F1_DATABASE_URL", new_postgres(migrated_postgres))
    get_settings.cache_clear()
    with contextlib.ExitStack() as readers:
        for _ in range(15):
            readers.enter_context(reading())
        with pytest.raises(
            DatabaseUnavailableError, match="all connections of this process were busy"
        ) as busy:
            readers.enter_context(reading())
    assert busy.value.problem is Problem.UNREACHABLE
    with reading() as connection:
        assert connection.scalar(text("SELECT 1")) == 1


def test_answers_follow_the_tables_on_both(tables: str, serving: Any) -> None:
    with serving() as api:
        assert api("races").json()["total"] == 0
        assert api("health").json()["status"] == "empty"
        about = {"grand_prix_id": "x", "name": "X", "is_sprint_weekend": False, "is_cancelled": False}
        day = dt.date(2026, 5, 1)
        commit(tables, insert(schema.races).values(race_key="2026-x", season=2026, date=day, **about))
        time.sleep(SHARED_SECONDS)
        assert api("races").json()["items"][0]["race_key"] == "2026-x"
        assert api("drivers").json()["total"] == 0
        for path in ("predictions/next-race", "predictions/race/2026-x", "standings/drivers", "championship"):
            assert api(path).status_code == 404, path


def test_a_file_that_is_replaced_or_gone_is_noticed(database: Path) -> None:
    watch = Watch(tables_url())
    first = watch.mark()
    content = database.read_bytes()
    database.unlink()
    with pytest.raises(DatabaseUnavailableError) as gone:
        watch.mark()
    assert gone.value.problem is Problem.MISSING
    database.write_bytes(content)
    assert watch.mark() != first
    watch.close()
