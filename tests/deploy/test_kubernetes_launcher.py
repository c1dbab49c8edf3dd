"""What the run monitor does with the stages of an update on a cluster; the API of Kubernetes is played."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any
from unittest.mock import MagicMock

import dagster as dg
import pytest
from dagster._core.events import DagsterEvent, DagsterEventType
from dagster._core.launcher.base import WorkerStatus
from dagster._core.test_utils import instance_for_test
from dagster._daemon.monitoring.run_monitoring import monitor_started_run
from dagster_k8s import K8sRunLauncher
from kubernetes import client
from kubernetes.client.exceptions import ApiException

from f1_pipeline.dagster_store.abandoned import process_tag
from f1_pipeline.dagster_store.kubernetes import StagesK8sRunLauncher


class Cluster:
    """The jobs that there are: name and state."""

    def __init__(self) -> None:
        self.jobs: dict[str, client.V1JobStatus] = {}

    def read_namespaced_job_status(self, name: str, namespace: str, **_: Any) -> client.V1Job:
        if name not in self.jobs:
            raise ApiException(404, "Not Found")
        return client.V1Job(status=self.jobs[name])


@dg.job
def nothing() -> None: ...


@pytest.fixture
def cluster() -> Cluster:
    return Cluster()


@pytest.fixture
def instance(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> Iterator[dg.DagsterInstance]:
    monkeypatch.setattr("dagster_k8s.launcher.load_kubernetes_config", lambda **_: None)
    with instance_for_test(overrides={"run_monitoring": {"enabled": True}}) as instance:
        instance._run_launcher = _launcher(StagesK8sRunLauncher, cluster, instance)
        yield instance


def _launcher(kind: type[K8sRunLauncher], cluster: Cluster, instance: dg.DagsterInstance) -> K8sRunLauncher:
    launcher = kind(
        service_account_name="dagster",
        instance_config_map="dagster-instance",
        dagster_home="/opt/dagster/dagster_home",
        job_namespace="f1",
        k8s_client_batch_api=cluster,
        k8s_client_core_api=MagicMock(),
    )
    launcher.register_instance(instance)
    return launcher


def _start(instance: dg.DagsterInstance, tags: dict[str, str]) -> str:
    run = instance.create_run_for_job(nothing, tags=tags)
    started = DagsterEvent(DagsterEventType.RUN_START.value, job_name=run.job_name)
    instance.report_dagster_event(started, run.run_id)
    return run.run_id


def _monitored(instance: dg.DagsterInstance, run_id: str) -> dg.DagsterRunStatus:
    """The status of a run after a look of Dagster's run monitor."""
    record = instance.get_run_record_by_id(run_id)
    assert record is not None
    monitor_started_run(instance, MagicMock(), record, logging.getLogger("test"))
    found = instance.get_run_by_id(run_id)
    assert found is not None
    return found.status


STARTED, FAILURE = dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.FAILURE


def test_a_stage_is_as_the_job_of_its_update_is(instance: dg.DagsterInstance, cluster: Cluster) -> None:
    update = _start(instance, {})
    stage = _start(instance, process_tag(update))
    cluster.jobs[f"dagster-run-{update}"] = client.V1JobStatus(active=1)
    assert _monitored(instance, update) == _monitored(instance, stage) == STARTED
    cluster.jobs[f"dagster-run-{update}"] = client.V1JobStatus(failed=1)
    assert _monitored(instance, stage) == _monitored(instance, update) == FAILURE


def test_a_stage_of_an_update_that_has_ended_is_failed(instance: dg.DagsterInstance) -> None:
    update = _start(instance, {})
    stage, of_unknown = _start(instance, process_tag(update)), _start(instance, process_tag("unknown"))
    instance.report_run_failed(instance.get_run_by_id(update))  # type: ignore[arg-type]
    assert _monitored(instance, stage) == _monitored(instance, of_unknown) == FAILURE


def test_a_stage_that_a_command_started_is_left_alone(instance: dg.DagsterInstance) -> None:
    stage = _start(instance, process_tag())
    assert _monitored(instance, stage) == STARTED
    assert instance.run_launcher.get_run_worker_debug_info(instance.get_run_by_id(stage)) is None  # type: ignore[arg-type]


def test_a_launched_run_without_its_job_is_failed(instance: dg.DagsterInstance) -> None:
    assert _monitored(instance, _start(instance, {})) == FAILURE


def test_the_launcher_of_dagster_would_fail_a_healthy_stage(
    instance: dg.DagsterInstance, cluster: Cluster
) -> None:
    """Why there is one of our own: when this fails, Dagster can do without."""
    update = _start(instance, {})
    stage = instance.get_run_by_id(_start(instance, process_tag(update)))
    cluster.jobs[f"dagster-run-{update}"] = client.V1JobStatus(active=1)
    theirs = _launcher(K8sRunLauncher, cluster, instance)
    assert theirs.check_run_worker_health(stage).status == WorkerStatus.UNKNOWN  # type: ignore[arg-type]
