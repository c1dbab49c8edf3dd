"""The batched event log writes what Dagster writes."""

import os
import sqlite3
import warnings
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, ClassVar
from unittest.mock import Mock

import dagster as dg
import pytest
from dagster._core.events.log import EventLogEntry
from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage
from sqlalchemy import Engine
from sqlalchemy.event import listen
from sqlalchemy.exc import OperationalError

from f1_pipeline.dagster_instance import get_instance
from f1_pipeline.dagster_store.event_log import BatchingSqliteEventLogStorage
from tests.dagster_assets import PREVIEW, RACES, checked, run_range

pytestmark = PREVIEW


def tables(folder: Path, shard: str) -> dict[str, list[tuple[Any, ...]]]:
    """Every table that events end up in, without the times at which SQLite wrote a row."""
    with sqlite3.connect(folder / f"{shard}.db") as conn:
        found = {}
        for name in ("event_logs", "asset_keys", "asset_event_tags", "asset_check_executions"):
            columns = [row[1] for row in conn.execute(f"PRAGMA table_info({name})")]
            kept = ", ".join(column for column in columns if column != "create_timestamp")
            found[name] = conn.execute(f"SELECT {kept} FROM {name} ORDER BY id").fetchall()  # noqa: S608
    conn.close()
    return found


class Recorder(BatchingSqliteEventLogStorage):
    """Keeps what Dagster hands over, and how."""

    calls: ClassVar[list[list[EventLogEntry]]] = []

    def store_event(self, event: EventLogEntry) -> None:
        self.calls.append([event])
        super().store_event(event)

    def store_event_batch(self, events: Sequence[EventLogEntry]) -> None:
        self.calls.append(list(events))
        super().store_event_batch(events)


@pytest.fixture(scope="module")
def recorded() -> list[list[EventLogEntry]]:
    """Everything that a range run with checks, observations and tags hands to the event log."""
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=dg.BetaWarning)
        patch.setattr("f1_pipeline.dagster_store.storage.BatchingSqliteEventLogStorage", Recorder)
        with get_instance() as instance:
            run_range(instance)
    assert max(map(len, Recorder.calls)) >= len(RACES), "Dagster no longer hands batches to the storage"
    return Recorder.calls


@pytest.mark.parametrize("together", [False, True], ids=["as Dagster batches", "one batch of everything"])
def test_batches_leave_the_same_rows_as_single_events(
    recorded: list[list[EventLogEntry]], tmp_path: Path, together: bool
) -> None:
    single = SqliteEventLogStorage(str(tmp_path / "single"))
    batched = BatchingSqliteEventLogStorage(str(tmp_path / "batched"))
    events = [event for call in recorded for event in call]
    for event in events:
        single.store_event(event)
    for call in [events] if together else recorded:
        batched.store_event_batch(call)
    for shard in ("index", events[0].run_id):
        expected, found = tables(tmp_path / "single", shard), tables(tmp_path / "batched", shard)
        assert found == expected
        assert len(found["event_logs"]) > 2 * len(RACES)
    index = tables(tmp_path / "batched", "index")
    assert len(index["asset_keys"]) == 2
    assert len(index["asset_event_tags"]) > 0
    assert len(index["asset_check_executions"]) >= len(RACES)


def test_a_batch_writes_in_two_transactions(
    recorded: list[list[EventLogEntry]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = BatchingSqliteEventLogStorage(str(tmp_path / "counted"))
    opened: list[str] = []
    connect = BatchingSqliteEventLogStorage._connect
    monkeypatch.setattr(
        BatchingSqliteEventLogStorage,
        "_connect",
        lambda self, shard: opened.append(shard) or connect(self, shard),
    )
    events = [event for call in recorded for event in call]
    storage.store_event_batch(events)
    assert opened == [events[0].run_id, "index"]


def test_connections_stay_open_for_the_index_and_the_newest_run(
    recorded: list[list[EventLogEntry]], tmp_path: Path
) -> None:
    storage = BatchingSqliteEventLogStorage(str(tmp_path / "open"))
    opened: list[str] = []
    engine_of = storage._engine

    def counted(shard: str) -> Engine:
        known = shard in storage._engines
        engine = engine_of(shard)
        if not known:
            listen(engine, "connect", lambda *_: opened.append(shard))
        return engine

    storage._engine = counted  # type: ignore[method-assign]
    events = [event for call in recorded for event in call]
    run = events[0].run_id
    for event in events:
        storage.store_event(event)
    assert opened == [run], "the file of the run is a copy; the index was open before"
    files = {shard: tmp_path / "open" / f"{shard}.db-wal" for shard in ("index", run)}
    assert all(file.exists() for file in files.values())
    # Another process sees every event at once, also those that only the WAL file has.
    other = BatchingSqliteEventLogStorage(str(tmp_path / "open"))
    assert len(other.get_logs_for_run(run)) == len(events)
    other.dispose()
    assert storage.get_logs_for_run("another-run") == []
    assert set(storage._engines) == {"index", "another-run"}, "a server would keep the file of every run open"
    assert not files[run].exists()
    storage.dispose()
    assert not files["index"].exists(), "a connection was left open"
    assert len(storage.get_logs_for_run(run)) == len(events)
    storage.dispose()


def _layout(file: Path) -> list[Any]:
    """Tables, indexes, version and journal of a file."""
    with closing(sqlite3.connect(file)) as conn:
        asked = ("SELECT type, name, sql FROM sqlite_master ORDER BY name", "PRAGMA journal_mode")
        return [conn.execute(query).fetchall() for query in (*asked, "SELECT * FROM alembic_version")]


@pytest.mark.parametrize("trouble", [None, "no links", "no room for the original"])
def test_the_file_of_a_run_is_as_dagster_makes_it(
    tmp_path: Path, trouble: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = SqliteEventLogStorage(str(tmp_path / "plain"))
    ours = BatchingSqliteEventLogStorage(str(tmp_path / "ours"))
    made = []
    initdb = ours._initdb

    def counted(engine: Engine) -> None:
        here = str(tmp_path / "ours") in str(engine.url)
        if trouble == "no room for the original" and not here:
            raise OperationalError("CREATE TABLE", {}, sqlite3.OperationalError("database or disk is full"))
        made.append(here)
        initdb(engine)

    monkeypatch.setattr(ours, "_initdb", counted)
    if trouble == "no links":
        monkeypatch.setattr("os.link", Mock(side_effect=PermissionError))
    for storage in (plain, ours):
        for run in ("one", "two"):
            assert storage.get_logs_for_run(run) == []
    ours.dispose()
    for run in ("one", "two"):
        here, there = (tmp_path / name / f"{run}.db" for name in ("ours", "plain"))
        assert _layout(here) == _layout(there)
        assert here.stat().st_mode == there.stat().st_mode, "another user's server could not read the run"
    assert sum(made) == (2 if trouble else 0)
    assert not list((tmp_path / "ours").glob(".*"))


def test_a_file_that_another_process_has_made_stays(
    recorded: list[list[EventLogEntry]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    events = [event for call in recorded for event in call]
    first, second = (BatchingSqliteEventLogStorage(str(tmp_path)) for _ in range(2))
    link = os.link

    def too_late(draft: Path, file: Path) -> None:
        monkeypatch.setattr(os, "link", link)
        first.store_event_batch(events)
        link(draft, file)

    monkeypatch.setattr(os, "link", too_late)
    assert len(second.get_logs_for_run(events[0].run_id)) == len(events)
    first.dispose()
    second.dispose()


def test_a_batch_that_fails_halfway_leaves_nothing(
    recorded: list[list[EventLogEntry]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Dagster stores the events of a failed batch again one by one; they must not be there twice."""
    storage = BatchingSqliteEventLogStorage(str(tmp_path / "failing"))
    first, rest = recorded[0][0], [event for call in recorded for event in call][1:]
    storage.store_event(first)
    before = [tables(tmp_path / "failing", shard) for shard in (first.run_id, "index")]
    with monkeypatch.context() as patch:
        patch.setattr(storage, "_store_asset_event_tags", lambda *_: (_ for _ in ()).throw(OSError("full")))
        with pytest.raises(OSError, match="full"):
            storage.store_event_batch(rest)
    assert [tables(tmp_path / "failing", shard) for shard in (first.run_id, "index")] == before
    storage.store_event_batch(rest)
    assert len(tables(tmp_path / "failing", first.run_id)["event_logs"]) == 1 + len(rest)


@pytest.mark.parametrize("ours", [True, False], ids=["our storage", "another storage"])
def test_checks_logged_together_are_as_those_logged_alone(ours: bool, tmp_path: Path) -> None:
    with get_instance() if ours else dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
        instance.add_dynamic_partitions("races", RACES)
        tags = {
            "dagster/asset_partition_range_start": RACES[0],
            "dagster/asset_partition_range_end": RACES[-1],
        }
        job = dg.Definitions(
            assets=[checked], executor=dg.in_process_executor
        ).resolve_implicit_global_asset_job_def()
        result = job.execute_in_process(instance=instance, tags=tags)
        records = {
            name: {
                (
                    record.partition,
                    record.status.value,
                    str(record.event and record.event.dagster_event.event_specific_data.metadata),
                )  # type: ignore[union-attr]
                for record in instance.event_log_storage.get_asset_check_execution_history(
                    dg.AssetCheckKey(checked.key, name), limit=100
                )
                if record.partition
            }
            for name in ("one", "all")
        }
        assert records["all"] == records["one"]
        assert sum(status == "FAILED" for _, status, _ in records["all"]) == 1
        assert sum(status == "SUCCEEDED" for _, status, _ in records["all"]) == len(RACES) - 1
        assert len(result.get_asset_check_evaluations()) == 2 * len(RACES) + 2
