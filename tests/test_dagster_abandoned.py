"""Runs whose process is gone, and stages inside of them."""

import json
import socket
import subprocess
import time
from pathlib import Path

import dagster as dg
import psutil
import pytest
from dagster._core.events import DagsterEvent, DagsterEventType
from dagster._core.storage.tags import GRPC_INFO_TAG

from f1_pipeline.dagster_instance import get_instance
from f1_pipeline.dagster_store import abandoned
from f1_pipeline.dagster_store.abandoned import PROCESS_TAG, fail_abandoned_runs, process_tag
from f1_pipeline.runs import Report, Runs, UpdateFailed
from f1_pipeline.storage.engine import UpdateLock
from f1_pipeline.turn import Turn
from tests.dagster_assets import DEFS, PREVIEW

pytestmark = PREVIEW


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


def test_a_stage_whose_process_was_killed_before_its_start_is_failed() -> None:
    """It would stand on "not started" for ever. One that is to be launched has no process yet."""
    dead = {PROCESS_TAG: f"{socket.gethostname()}/99999999/1.00"}
    with get_instance() as instance:
        job = DEFS.resolve_implicit_global_asset_job_def()
        made = [instance.create_run_for_job(job, tags=tags).run_id for tags in (dead, process_tag(), {})]
        assert fail_abandoned_runs(instance) == made[:1]
        statuses = [instance.get_run_by_id(run_id).status for run_id in made]  # type: ignore[union-attr]
        assert [status.value for status in statuses] == ["FAILURE", "NOT_STARTED", "NOT_STARTED"]


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
