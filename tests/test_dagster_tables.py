"""Both stores of Dagster's events ask once for a table that is there, and again for one that is not."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage
from dagster_postgres.event_log import PostgresEventLogStorage
from sqlalchemy import text

from f1_pipeline.dagster_store.event_log import BatchingSqliteEventLogStorage
from f1_pipeline.dagster_store.postgres import PooledPostgresStorage


@pytest.mark.parametrize("on", ["sqlite", "postgresql"])
def test_tables_are_asked_for_once(
    on: str, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage: Any
    if on == "sqlite":
        storage, of_dagster = BatchingSqliteEventLogStorage(str(tmp_path)), SqliteEventLogStorage
    else:
        new: Callable[..., str] = request.getfixturevalue("new_postgres")
        address = new().replace("+psycopg:", "+psycopg2:")
        storage, of_dagster = PooledPostgresStorage(address).event_log_storage, PostgresEventLogStorage
    asked: list[str] = []
    has_table = of_dagster.has_table
    monkeypatch.setattr(
        of_dagster, "has_table", lambda self, name: asked.append(name) or has_table(self, name)
    )
    assert storage.has_table("event_logs")
    assert storage.has_table("event_logs")
    assert not storage.has_table("later")
    with storage.index_connection() as conn:
        conn.execute(text("CREATE TABLE later (id INTEGER)"))
    assert storage.has_table("later")
    assert asked == ["event_logs", "later", "later"]
    storage.dispose()
