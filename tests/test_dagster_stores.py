"""Dagster's stores on both databases: what they ask once, and what they add to a run."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from dagster import DagsterRun, RunsFilter
from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage
from dagster._core.storage.runs.sql_run_storage import SqlRunStorage
from dagster._core.storage.schedules.sql_schedule_storage import SqlScheduleStorage
from dagster._core.storage.tags import REPOSITORY_LABEL_TAG
from dagster._core.utils import make_new_run_id
from dagster_postgres.event_log import PostgresEventLogStorage
from sqlalchemy import text

from f1_pipeline.dagster_store.abandoned import PROCESS_TAG
from f1_pipeline.dagster_store.postgres import PooledPostgresStorage
from f1_pipeline.dagster_store.storage import HomeSqliteStorage
from f1_pipeline.settings import ROOT


@pytest.fixture(params=["sqlite", "postgresql"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Any]:
    found: Any
    if request.param == "sqlite":
        found = HomeSqliteStorage(str(tmp_path))
    else:
        new: Callable[..., str] = request.getfixturevalue("new_postgres")
        found = PooledPostgresStorage(new().replace("+psycopg:", "+psycopg2:"))
    yield found
    for part in (found.run_storage, found.schedule_storage, found.event_log_storage):
        part.dispose()


def test_tables_are_asked_for_once(storage: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    events = storage.event_log_storage
    (of_dagster,) = {SqliteEventLogStorage, PostgresEventLogStorage} & set(type(events).mro())
    asked: list[str] = []
    has_table = of_dagster.has_table
    monkeypatch.setattr(
        of_dagster, "has_table", lambda self, name: asked.append(name) or has_table(self, name)
    )
    assert events.has_table("event_logs")
    assert events.has_table("event_logs")
    assert not events.has_table("later")
    with events.index_connection() as conn:
        conn.execute(text("CREATE TABLE later (id INTEGER)"))
    assert events.has_table("later")
    assert asked == ["event_logs", "later", "later"]


def test_columns_are_asked_for_once(storage: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    there = False
    asked: list[str] = []
    for of_dagster, name in (
        (SqlRunStorage, "has_run_stats_index_cols"),
        (SqlRunStorage, "has_backfill_id_column"),
        (SqlScheduleStorage, "has_instigators_table"),
        (SqlScheduleStorage, "_has_instigators_table"),
    ):
        monkeypatch.setattr(of_dagster, name, lambda *_, name=name: asked.append(name) or there)
    runs, schedules = storage.run_storage, storage.schedule_storage

    def answers() -> list[bool]:
        return [
            runs.has_run_stats_index_cols(),
            runs.has_backfill_id_column(),
            schedules._has_instigators_table(None),
            schedules.has_instigators_table(),
        ]

    assert answers() == [False] * 4
    assert len(asked) == 4
    there = True
    assert answers() == answers() == [True] * 4
    assert len(asked) == 4 + 3, "both questions of a schedule are about one table"


def test_a_run_of_a_process_says_where_its_code_is(storage: Any) -> None:
    """Without that Dagster's first page, and the page of a job, show no run that a command has made."""
    runs = storage.run_storage
    runs.add_run(DagsterRun("score", make_new_run_id(), tags={PROCESS_TAG: "host/1/2"}))
    runs.add_run(DagsterRun("elsewhere", make_new_run_id()))
    (location,) = yaml.safe_load((ROOT / "workspace.yaml").read_text())["load_from"]
    found = {run.job_name: run for run in runs.get_runs()}
    origin = found["score"].remote_job_origin
    assert origin.job_name == "score"
    assert origin.location_name == location["python_module"]["location_name"]
    label = origin.repository_origin.get_label()
    listed = runs.get_runs(RunsFilter(tags={REPOSITORY_LABEL_TAG: label}))
    assert [run.job_name for run in listed] == ["score"], "as the page of a job asks"
    assert found["elsewhere"].remote_job_origin is None
