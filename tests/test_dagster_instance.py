"""Dagster's history: the batched event log writes what Dagster writes, and everybody shares it."""

import json
import os
import shutil
import socket
import sqlite3
import subprocess
import time
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import dagster as dg
import psutil
import pytest
from dagster._cli.utils import get_temporary_instance_for_cli
from dagster._core.events import DagsterEvent, DagsterEventType
from dagster._core.events.log import EventLogEntry
from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage
from dagster._core.storage.tags import GRPC_INFO_TAG
from sqlalchemy import Engine, text
from sqlalchemy.event import listen

from f1_pipeline.dagster_instance import CONFIG, dagster_environment, get_instance
from f1_pipeline.dagster_store import abandoned
from f1_pipeline.dagster_store.abandoned import PROCESS_TAG, fail_abandoned_runs, process_tag
from f1_pipeline.dagster_store.checks import log_check_evaluations
from f1_pipeline.dagster_store.event_log import BatchingSqliteEventLogStorage
from f1_pipeline.runs import Report, Runs, UpdateFailed
from f1_pipeline.settings import ROOT, get_settings
from f1_pipeline.storage.engine import UpdateLock
from f1_pipeline.turn import Turn

RACES = [f"2026-race-{number:02d}" for number in range(1, 8)]
races = dg.DynamicPartitionsDefinition(name="races")

# Ranges in one run are beta and partitioned checks preview: while collecting, and in each test.
pytestmark = pytest.mark.filterwarnings("ignore::dagster.BetaWarning", "ignore::dagster.PreviewWarning")
warnings.filterwarnings("ignore", category=dg.BetaWarning)
warnings.filterwarnings("ignore", category=dg.PreviewWarning)


@dg.asset(partitions_def=races, backfill_policy=dg.BackfillPolicy.single_run(), tags={"kind": "raw"})
def results(context: dg.AssetExecutionContext) -> dg.Output[None]:
    for key in context.partition_keys:
        context.add_asset_metadata({"rows": 20}, partition_key=key)
    return dg.Output(None, data_version=dg.DataVersion("1"), tags={"world": "test"})


@dg.asset(
    partitions_def=races,
    backfill_policy=dg.BackfillPolicy.single_run(),
    deps=[results],
    check_specs=[dg.AssetCheckSpec("finite", asset="ratings", partitions_def=races)],
)
def ratings(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
    context.log_event(dg.AssetObservation("results", partition=RACES[0], metadata={"seen": 1}))
    for key in RACES[:-1]:
        context.log_event(
            dg.AssetCheckEvaluation(
                asset_key=dg.AssetKey("ratings"), check_name="finite", passed=True, metadata={}, partition=key
            )
        )
    verdict = dg.AssetCheckResult(passed=False, severity=dg.AssetCheckSeverity.WARN)
    return dg.MaterializeResult(check_results=[verdict])


DEFS = dg.Definitions(assets=[results, ratings], executor=dg.in_process_executor)


def run_range(instance: dg.DagsterInstance) -> str:
    instance.add_dynamic_partitions("races", RACES)
    tags = {"dagster/asset_partition_range_start": RACES[0], "dagster/asset_partition_range_end": RACES[-1]}
    job = DEFS.resolve_implicit_global_asset_job_def()
    result = job.execute_in_process(instance=instance, tags=tags)
    assert result.success
    return result.run_id


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
    assert opened == [run, run], "two at once to make the file of the run; the index was open before"
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


def test_a_table_that_is_not_there_yet_is_looked_for_again(tmp_path: Path) -> None:
    storage = BatchingSqliteEventLogStorage(str(tmp_path / "tables"))
    assert storage.has_table("event_logs")
    assert not storage.has_table("later")
    with storage.index_connection() as conn:
        conn.execute(text("CREATE TABLE later (id INTEGER)"))
    assert storage.has_table("later")
    storage.dispose()


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


def summary(instance: dg.DagsterInstance, run_id: str) -> dict[str, Any]:
    """What the product asks of the history."""
    keys = [results.key, ratings.key]
    latest = {
        (key.to_user_string(), partition): (event.run_id, event.asset_materialization.metadata)
        for key in keys
        for partition in RACES
        if (event := instance.get_latest_data_version_record(key, partition_key=partition)) is not None
        and event.asset_materialization is not None
    }
    checks = instance.event_log_storage.get_asset_check_execution_history(
        dg.AssetCheckKey(ratings.key, "finite"), limit=100
    )
    return {
        "partitions": {key: instance.get_materialized_partitions(key) for key in keys},
        "latest": {slot: metadata for slot, (run, metadata) in latest.items() if run == run_id},
        "checks": sorted((str(check.partition), check.status.value) for check in checks),
        "status": instance.get_run_by_id(run_id).status,  # type: ignore[union-attr]
        "events": len(instance.all_logs(run_id)),
    }


def test_instance_answers_as_dagsters_own(tmp_path: Path) -> None:
    with get_instance() as instance:
        ours = summary(instance, run_range(instance))
    (tmp_path / "stock").mkdir()
    with dg.DagsterInstance.local_temp(str(tmp_path / "stock")) as instance:
        theirs = summary(instance, run_range(instance))
    assert ours == theirs
    assert ours["partitions"][ratings.key] == set(RACES)
    assert len(ours["latest"]) == 2 * len(RACES)
    assert ("2026-race-01", "SUCCEEDED") in ours["checks"]


def test_dagster_dev_shares_the_history(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``dagster dev`` without DAGSTER_HOME makes a temporary instance from the dagster.yaml before it."""
    with get_instance() as instance:
        run_id = run_range(instance)
        logs = instance.storage_directory()
    checkout = tmp_path / "checkout"
    checkout.mkdir()
    shutil.copy(ROOT / CONFIG, checkout)
    monkeypatch.chdir(checkout)
    with get_temporary_instance_for_cli("dagster dev") as dev:
        assert dev.get_run_by_id(run_id) is not None
        assert dev.get_materialized_partitions(results.key) == set(RACES)
        assert dev.storage_directory() == logs
        dev.add_dynamic_partitions("races", ["2026-race-99"])
        second = run_range(dev)
    with get_instance() as instance:
        assert instance.get_run_by_id(second) is not None
        assert "2026-race-99" in instance.get_dynamic_partitions("races")
    assert [path.name for path in checkout.iterdir()] == [CONFIG]


def test_children_find_the_same_home_and_flags() -> None:
    environment = dagster_environment()
    home = get_settings().dagster_home
    assert environment["DAGSTER_HOME"] == str(home)
    assert environment["DAGSTER_EVENT_BATCH_SIZE"] == "2000"
    assert (home / CONFIG).read_text().endswith((ROOT / CONFIG).read_text())
    with get_instance() as instance:
        assert isinstance(instance.event_log_storage, BatchingSqliteEventLogStorage)
        assert instance.telemetry_enabled is False
        assert instance.nux_enabled is False


def test_flags_of_the_environment_win(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAGSTER_EVENT_BATCH_SIZE", "7")
    get_instance().dispose()
    assert os.environ["DAGSTER_EVENT_BATCH_SIZE"] == "7"
    assert dagster_environment()["DAGSTER_EVENT_BATCH_SIZE"] == "7"


def test_configuration_in_the_home_is_refreshed_only_when_it_is_a_copy() -> None:
    target = get_settings().dagster_home / CONFIG
    dagster_environment()
    copied = target.read_text()
    target.write_text(copied + "# old\n")
    dagster_environment()
    assert target.read_text() == copied
    target.write_text("telemetry:\n  enabled: false\n")
    dagster_environment()
    assert target.read_text() == "telemetry:\n  enabled: false\n"


def test_dagster_home_is_obeyed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "elsewhere"))
    with get_instance() as instance:
        run_range(instance)
    assert (tmp_path / "elsewhere" / "history" / "runs.db").exists()
    assert not get_settings().dagster_home.exists()


def start_run(instance: dg.DagsterInstance, tags: dict[str, str]) -> str:
    run = instance.create_run_for_job(DEFS.resolve_implicit_global_asset_job_def(), tags=tags)
    started = DagsterEvent(DagsterEventType.RUN_START.value, job_name=run.job_name)
    instance.report_dagster_event(started, run.run_id)
    return run.run_id


def test_runs_whose_process_is_gone_are_failed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(abandoned, "PATIENCE_SECONDS", 1)
    mine = process_tag()
    host, pid, _ = mine[PROCESS_TAG].split("/")
    killed = subprocess.Popen(["sleep", "60"])
    born = psutil.Process(killed.pid).create_time()
    killed.kill()
    while psutil.Process(killed.pid).status() != psutil.STATUS_ZOMBIE:
        time.sleep(0.01)
    with get_instance() as instance, socket.socket(socket.AF_UNIX) as server, socket.socket() as bound:
        # It is there and does not answer: what it executes is not known.
        server.bind(str(tmp_path / "alive.sock"))
        server.listen()
        bound.bind(("127.0.0.1", 0))  # nobody listens, and nobody else can
        nowhere = {"host": "127.0.0.1", "port": bound.getsockname()[1]}
        unnamed = {"host": "code.invalid", "port": 4000}
        kept = [
            start_run(instance, mine),
            start_run(instance, {}),
            start_run(instance, {PROCESS_TAG: f"elsewhere.{host}/{pid}/1.00"}),
            start_run(instance, {GRPC_INFO_TAG: json.dumps({"socket": str(tmp_path / "alive.sock")})}),
            start_run(instance, {GRPC_INFO_TAG: json.dumps(unnamed)}),
        ]
        gone = [
            start_run(instance, {PROCESS_TAG: f"{host}/{pid}/1.00"}),
            start_run(instance, {PROCESS_TAG: f"{host}/99999999/1.00"}),
            start_run(instance, {PROCESS_TAG: f"{host}/{killed.pid}/{born:.2f}"}),
            start_run(instance, {GRPC_INFO_TAG: json.dumps({"socket": str(tmp_path / "dead.sock")})}),
            start_run(instance, {GRPC_INFO_TAG: json.dumps(nowhere)}),
        ]
        assert sorted(fail_abandoned_runs(instance)) == sorted(gone)
        statuses = {run.run_id: run.status for run in instance.get_runs()}
        assert {statuses[run_id] for run_id in kept} == {dg.DagsterRunStatus.STARTED}
        assert {statuses[run_id] for run_id in gone} == {dg.DagsterRunStatus.FAILURE}
        assert fail_abandoned_runs(instance) == []
        # Who has the turn knows that nobody else executes a stage, on whatever machine.
        assert fail_abandoned_runs(instance, alone=True) == [kept[2]]
    killed.wait()


def test_a_stage_ends_with_the_run_that_it_is_inside_of(tmp_path: Path) -> None:
    """On any machine, and in the same look: the update is found dead first, then its stages."""
    with get_instance() as instance:
        running, ended = start_run(instance, {}), start_run(instance, {})
        dead = start_run(instance, {GRPC_INFO_TAG: json.dumps({"socket": str(tmp_path / "dead.sock")})})
        instance.report_run_failed(instance.get_run_by_id(ended))  # type: ignore[arg-type]
        elsewhere = {PROCESS_TAG: "another-machine/17/1.00"}

        def stage(outer: str, tags: dict[str, str]) -> str:
            return start_run(instance, {**process_tag(outer), **tags})

        kept = [stage(running, {}), stage(running, elsewhere)]
        gone = [dead, *(stage(outer, tags) for outer in (ended, dead, "unknown") for tags in ({}, elsewhere))]
        assert sorted(fail_abandoned_runs(instance)) == sorted(gone)
        assert {instance.get_run_by_id(run_id).status for run_id in kept} == {dg.DagsterRunStatus.STARTED}  # type: ignore[union-attr]


def test_an_update_whose_run_was_ended_starts_no_more_stages() -> None:
    """As the run monitor does after four hours, or somebody in the Dagster UI, though the process may go on."""
    with get_instance() as instance:
        update = start_run(instance, {})
        runs = Runs(instance, Report("", "", None), print, Turn(UpdateLock(), update))
        instance.report_run_failed(instance.get_run_by_id(update))  # type: ignore[arg-type]
        with pytest.raises(UpdateFailed, match=f"the run {update} was ended"):
            runs.run("score", "score", None)
        assert instance.get_runs_count() == 1


def test_a_run_that_ends_while_it_is_asked_about_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    with get_instance() as instance:
        run_id = start_run(instance, {})

        def asked(instance: dg.DagsterInstance, run: dg.DagsterRun, alone: bool) -> bool:
            instance.report_dagster_event(
                DagsterEvent(DagsterEventType.RUN_SUCCESS.value, job_name=run.job_name), run.run_id
            )
            return True

        monkeypatch.setattr(abandoned, "_is_gone", asked)
        assert fail_abandoned_runs(instance) == []
        assert instance.get_run_by_id(run_id).is_success  # type: ignore[union-attr]


@dg.asset(
    partitions_def=races,
    backfill_policy=dg.BackfillPolicy.single_run(),
    check_specs=[dg.AssetCheckSpec(name, asset="checked", partitions_def=races) for name in ("one", "all")],
)
def checked(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
    found = {
        name: [
            dg.AssetCheckEvaluation(
                dg.AssetKey("checked"), name, passed=key != RACES[2], metadata={"race": key}, partition=key
            )
            for key in context.partition_keys
        ]
        for name in ("one", "all")
    }
    for evaluation in found["one"]:
        context.log_event(evaluation)
    log_check_evaluations(context, found["all"])
    verdicts = [dg.AssetCheckResult(check_name=name, passed=False) for name in found]
    return dg.MaterializeResult(check_results=verdicts)


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
