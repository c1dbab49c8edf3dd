"""Dagster's history on PostgreSQL: the same as on Dagster's own storage, on a connection that stays open."""

import shutil
import subprocess
import time
from collections.abc import Callable
from typing import Any

import pytest
from dagster._core.storage.event_log.schema import SqlEventLogStorageTable
from dagster_postgres.storage import DagsterPostgresStorage
from sqlalchemy import create_engine, text
from sqlalchemy.event import listen

from f1_pipeline.dagster_instance import get_instance
from f1_pipeline.dagster_store.environment import dagster_home
from f1_pipeline.dagster_store.postgres import PooledPostgresStorage
from f1_pipeline.settings import ROOT
from tests.dagster_assets import PREVIEW, RACES, run_range

pytestmark = PREVIEW


@pytest.fixture
def address(new_postgres: Callable[..., str]) -> str:
    return new_postgres().replace("+psycopg:", "+psycopg2:")


def _connections(address: str) -> int:
    """How many there are to this database beside the one that asks."""
    engine = create_engine(address)
    with engine.connect() as conn:
        others = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        found = int(conn.execute(text(others)).scalar_one())
    engine.dispose()
    return found


def test_the_configuration_of_containers_runs_on_one_connection(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Dagster's own storage opens one for each question: some hundreds in this small run."""
    monkeypatch.setenv("DAGSTER_POSTGRES_URL", address)
    dagster_home().mkdir(parents=True)
    shutil.copy(ROOT / "deploy" / "dagster.yaml", dagster_home())
    with get_instance() as instance:
        parts: list[Any] = [instance.run_storage, instance.event_log_storage, instance.schedule_storage]
        engines = {part._engine for part in parts}
        assert len(engines) == 1
        opened: list[object] = []
        listen(engines.pop(), "connect", lambda connection, _: opened.append(connection))
        run = run_range(instance)
        assert 1 <= len(opened) <= 3
        assert _connections(address) == 1
    deadline = time.monotonic() + 30
    while _connections(address):  # the process of a closed one ends in its own time
        assert time.monotonic() < deadline, "a connection was left open"

    own = DagsterPostgresStorage(address)
    assert own.run_storage.has_run(run)
    assert own.event_log_storage.get_dynamic_partitions("races") == RACES
    with own.event_log_storage.index_connection() as conn:
        rows = conn.execute(SqlEventLogStorageTable.select()).fetchall()
    assert len(rows) > 2 * len(RACES)
    own.event_log_storage.dispose()


def test_a_server_that_was_restarted_is_asked_again(
    own_postgres: tuple[list[str], str], caplog: pytest.LogCaptureFixture
) -> None:
    restart, address = own_postgres
    storage = PooledPostgresStorage(address.replace("+psycopg:", "+psycopg2:"))
    assert storage.run_storage.get_runs() == []
    subprocess.run(restart, check=True, capture_output=True)
    assert storage.run_storage.get_runs() == []
    assert not caplog.records, "the dead connection was used"
    storage.event_log_storage.dispose()
