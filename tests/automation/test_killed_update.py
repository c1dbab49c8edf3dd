"""A launched update whose worker is killed (`kill -9`, out of memory) holds up none that come after it."""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from dagster import (
    DagsterEvent,
    DagsterEventType,
    DagsterInstance,
    DagsterRun,
    DagsterRunStatus,
    RunsFilter,
    job,
)
from dagster._cli.job import _create_run
from dagster._core.storage.tags import GRPC_INFO_TAG
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import WorkspaceFileTarget
from dagster._daemon.monitoring.concurrency import execute_concurrency_slots_iteration
from dagster._daemon.run_coordinator.queued_run_coordinator_daemon import QueuedRunCoordinatorDaemon

from f1_pipeline.dagster_instance import CONFIG, get_instance, prepare_home
from f1_pipeline.dagster_store.abandoned import OUTER_TAG, fail_abandoned_runs
from f1_pipeline.dagster_store.environment import LOCATION
from f1_pipeline.serve.children import Child, end_all
from f1_pipeline.serve.probes import is_ready
from f1_pipeline.serve.services import services, write_workspace
from f1_pipeline.settings import get_settings
from tests.quiet import QUIET_DAGSTER

pytestmark = QUIET_DAGSTER

QUEUED, FAILURE = DagsterRunStatus.QUEUED, DagsterRunStatus.FAILURE


def until(condition: Callable[[], Any], what: str, seconds: float = 90) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, what
        time.sleep(0.1)
    return found


@contextmanager
def code_server(scratch: Path) -> Iterator[None]:
    """As `f1 serve` runs it, but for the module."""
    code = services(get_settings(), scratch)["dagster"][0]
    argv = ["held_definitions" if word == f"{LOCATION}.definitions" else word for word in code.argv]
    code = replace(code, argv=argv)
    with (scratch / "log").open("wb") as log:
        process = subprocess.Popen(
            list(code.argv), env=dict(code.env), cwd=code.cwd, stdout=log, stderr=log, start_new_session=True
        )
    child = Child(code.name, process)
    try:
        until(lambda: is_ready(code.ready_url or ""), "the code server is not ready")
        yield
    finally:
        end_all([child], 5.0)


class Daemon:
    """What Dagster's daemon does at each of its looks, when the test says so."""

    def __init__(self, instance: DagsterInstance, workspace: WorkspaceProcessContext) -> None:
        self.instance, self._workspace = instance, workspace
        self._queue = QueuedRunCoordinatorDaemon(interval_seconds=1)

    def ask_for_an_update(self) -> str:
        context = self._workspace.create_request_context()
        location = context.get_code_location(LOCATION)
        (repository,) = location.get_repositories().values()
        job = repository.get_full_job("update")
        run = _create_run(self.instance, location, repository, job, {}, {}, None, None)
        self.instance.submit_run(run.run_id, context)
        return run.run_id

    def look_at_the_queue(self) -> None:
        assert [error for error in self._queue.run_iteration(self._workspace) if error] == []

    def free_places(self) -> None:
        logger = logging.getLogger("test")
        assert [
            error for error in execute_concurrency_slots_iteration(self._workspace, logger) if error
        ] == []

    def beat(self) -> str | None:
        """A tick of the sensor, evaluated by the code server."""
        context = self._workspace.create_request_context()
        location = context.get_code_location(LOCATION)
        (repository,) = location.get_repositories().values()
        nothing = (None,) * 5
        return location.get_sensor_execution_data(
            self.instance, repository.handle, "heartbeat", *nothing
        ).skip_message

    def status(self, run_id: str) -> DagsterRunStatus:
        return self.instance.get_run_by_id(run_id).status  # type: ignore[union-attr]

    def stage_of(self, update: str) -> DagsterRun | None:
        started = RunsFilter(tags={OUTER_TAG: update}, statuses=[DagsterRunStatus.STARTED])
        return next(iter(self.instance.get_runs(started)), None)


@pytest.fixture
def daemon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Daemon]:
    scratch = tmp_path / "s"
    (scratch / "held").mkdir(parents=True)
    for name, value in {
        "F1_SOURCE": "simulated",
        "F1_SIMULATED_SEASONS": "3",
        "PYTHONPATH": str(Path(__file__).parent),
        "HELD_IN": str(scratch / "held"),
    }.items():
        monkeypatch.setenv(name, value)
    get_settings.cache_clear()
    # The configuration of the product; only its minute is a second here.
    found = (prepare_home() / CONFIG).read_text()
    shorter = found.replace("free_slots_after_run_end_seconds: 60", "free_slots_after_run_end_seconds: 1")
    own = "".join(shorter.splitlines(keepends=True)[1:])  # without its first line it is nobody's copy
    (prepare_home() / CONFIG).write_text(own)
    write_workspace(scratch)
    with code_server(scratch), get_instance() as instance:
        assert instance.run_monitoring_enabled
        target = WorkspaceFileTarget([str(scratch / "workspace.yaml")])
        with WorkspaceProcessContext(instance, target) as workspace:
            yield Daemon(instance, workspace)


def _started(instance: DagsterInstance, tags: dict[str, str]) -> str:
    run = instance.create_run_for_job(_nothing, tags=tags)
    started = DagsterEvent(DagsterEventType.RUN_START.value, job_name=run.job_name)
    instance.report_dagster_event(started, run.run_id)
    return run.run_id


@job
def _nothing() -> None: ...


def test_a_killed_update_holds_up_no_other(daemon: Daemon, tmp_path: Path) -> None:
    held = tmp_path / "s" / "held"
    instance = daemon.instance
    first = daemon.ask_for_an_update()
    daemon.look_at_the_queue()
    until(lambda: list(held.iterdir()), "the update does not come to its first stage")
    stage = daemon.stage_of(first)
    assert stage is not None, "a stage does not say which run it is inside of"

    # Nobody disturbs what is well. What a code server does not know of is not.
    forgotten = _started(instance, {GRPC_INFO_TAG: json.dumps({"socket": str(tmp_path / "s" / "code.sock")})})
    assert fail_abandoned_runs(instance) == [forgotten]
    assert daemon.status(first) == daemon.status(stage.run_id) == DagsterRunStatus.STARTED

    (worker,) = held.iterdir()
    os.kill(int(worker.name), signal.SIGKILL)
    worker.unlink()
    until(lambda: daemon.status(first) == FAILURE, "the code server did not see that its worker is dead")
    second = daemon.ask_for_an_update()
    daemon.look_at_the_queue()
    assert daemon.status(second) == QUEUED, (
        "the stage of the dead update is still there: there is nothing to mend"
    )

    assert daemon.beat() == f"alive; marked as failed, since nobody executes them any more: {stage.run_id}"
    assert daemon.status(stage.run_id) == FAILURE
    time.sleep(1.5)
    daemon.free_places()
    assert instance.event_log_storage.get_concurrency_run_ids() == set(), "no place in a pool is taken"
    daemon.look_at_the_queue()
    assert daemon.status(second) == DagsterRunStatus.STARTING, "the next update is launched"
