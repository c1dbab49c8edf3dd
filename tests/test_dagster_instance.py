"""Dagster's history is the same for everybody: for the product, for `dagster dev`, for children."""

import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._cli.utils import get_temporary_instance_for_cli
from dagster._core.scheduler.instigation import InstigatorStatus
from sqlalchemy.event import listen
from sqlalchemy.exc import OperationalError

from f1_pipeline.dagster_instance import CONFIG, dagster_environment, get_instance
from f1_pipeline.dagster_store.event_log import BatchingSqliteEventLogStorage
from f1_pipeline.settings import ROOT, get_settings
from tests.dagster_assets import PREVIEW, RACES, ratings, results, run_range

pytestmark = PREVIEW


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


def test_runs_and_schedules_are_asked_on_connections_that_stay_open() -> None:
    """Dagster opens one for each question, and compiles it anew."""
    opened: dict[str, int] = {"runs": 0, "schedules": 0}

    def count(name: str) -> None:
        opened[name] += 1

    with get_instance() as instance:
        stores: dict[str, Any] = {"runs": instance.run_storage, "schedules": instance.schedule_storage}
        for name, store in stores.items():
            listen(store._engine, "connect", lambda *_, name=name: count(name))
        run = run_range(instance)
        for state in (InstigatorStatus.RUNNING, InstigatorStatus.STOPPED):
            assert instance.schedule_storage.all_instigator_state(instigator_statuses={state}) == []
        assert opened == {"runs": 1, "schedules": 1}
        with ThreadPoolExecutor(4) as pool:  # as a web server asks
            found = list(pool.map(lambda _: instance.get_run_by_id(run).status, range(40)))  # type: ignore[union-attr]
        assert set(found) == {dg.DagsterRunStatus.SUCCESS}
    folders = [get_settings().dagster_home / name for name in ("history", "schedules")]
    left = [path for folder in folders for path in folder.rglob("*.db-wal")]
    assert left == [], "a connection was left open"


def test_a_history_that_was_put_in_its_place_is_read_at_once() -> None:
    """A backup that is restored under a server: Dagster, which opens the file for each question, sees it too."""
    with get_instance() as instance:
        first = run_range(instance)
    file = get_settings().dagster_home / "history" / "runs.db"
    backup = file.read_bytes()
    with get_instance() as instance:
        second = run_range(instance)
    with get_instance() as instance:
        assert instance.has_run(second)
        restored = file.with_name("restored")
        restored.write_bytes(backup)
        restored.replace(file)
        assert instance.has_run(first)
        assert not instance.has_run(second)
        file.unlink()
        with pytest.raises(OperationalError, match="no such table"):
            instance.has_run(first)


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
