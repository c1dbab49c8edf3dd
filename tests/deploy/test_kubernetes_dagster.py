"""Values of Dagster's chart: the pods, the runs and the configuration that come of them."""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest import mock

import kubernetes.client
import kubernetes_validate
import pytest
import yaml
from dagster import DagsterInstance, DagsterInvalidConfigError
from dagster._config import process_config
from dagster._core.code_pointer import ModuleCodePointer
from dagster._core.instance import InstanceRef
from dagster._core.instance.config import PoolGranularity
from dagster._core.launcher import LaunchRunContext
from dagster._core.origin import JobPythonOrigin, RepositoryPythonOrigin
from dagster._core.test_utils import create_run_for_test

from f1_pipeline.dagster_store.kubernetes import StagesK8sRunLauncher
from f1_pipeline.settings import ROOT
from tests.deploy.manifests import FOLDER, GIVEN, LAUNCHER, LOCATION, MANIFESTS, VALUES, VERSIONS


@pytest.mark.parametrize("name", ["dagsterWebserver", "dagsterDaemon", "location"])
def test_what_the_chart_puts_into_pods_is_valid(name: str) -> None:
    part = LOCATION if name == "location" else VALUES[name]
    probe = {key: value for key, value in part.get("readinessProbe", {}).items() if key != "enabled"}
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "rendered", "labels": part["labels"]},
        "spec": {
            "securityContext": part["podSecurityContext"],
            "volumes": part.get("volumes", []),
            "containers": [
                {
                    "name": "dagster",
                    "image": "{repository}:{tag}".format(**part["image"]),
                    "imagePullPolicy": part["image"]["pullPolicy"],
                    "securityContext": part["securityContext"],
                    "resources": part["resources"],
                    "env": part.get("env", []),
                    "volumeMounts": part.get("volumeMounts", []),
                    **({"readinessProbe": probe} if probe else {}),
                }
            ],
        },
    }
    for version in VERSIONS:
        kubernetes_validate.validate(pod, version, strict=True)


def test_the_run_launcher_takes_its_configuration() -> None:
    """By the schema of the launcher itself: the chart passes on what stands in the values."""
    assert VALUES["runLauncher"]["type"] == "CustomRunLauncher"
    assert getattr(importlib.import_module(LAUNCHER["module"]), LAUNCHER["class"]) is StagesK8sRunLauncher
    found = process_config(StagesK8sRunLauncher.config_type(), LAUNCHER["config"])
    assert found.success, found.errors
    # What the chart would have filled in, and has elsewhere.
    assert LAUNCHER["config"]["postgres_password_secret"] == VALUES["global"]["postgresqlSecretName"]
    readme = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert f"{LAUNCHER['config']['service_account_name']} dagster/dagster --version" in readme
    (namespace,) = [one["metadata"]["name"] for one in MANIFESTS if one["kind"] == "Namespace"]
    assert LAUNCHER["config"]["job_namespace"] == namespace


@pytest.fixture
def launched(tmp_path: Path) -> dict[str, Any]:
    """The job of Kubernetes that a run becomes, made by the launcher itself from the values; a client that notes it down."""
    kubeconfig = tmp_path / "config"
    kubeconfig.write_text(
        yaml.safe_dump(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "clusters": [{"name": "none", "cluster": {"server": "http://127.0.0.1:9"}}],
                "contexts": [{"name": "none", "context": {"cluster": "none", "user": "none"}}],
                "users": [{"name": "none", "user": {}}],
                "current-context": "none",
            }
        )
    )
    batch = mock.Mock()
    launcher = StagesK8sRunLauncher(
        **{**LAUNCHER["config"], "load_incluster_config": False},
        kubeconfig_file=str(kubeconfig),
        k8s_client_batch_api=batch,
    )
    context: dict[str, Any] = (
        {"k8s": {"resources": LOCATION["resources"]}}
        if LOCATION["includeConfigInLaunchedRuns"]["enabled"]
        else {}
    )
    pointer = JobPythonOrigin(
        job_name="update",
        repository_origin=RepositoryPythonOrigin(
            executable_path="python",
            code_pointer=ModuleCodePointer("f1_pipeline.definitions", "defs"),
            container_image="f1-forecast:0.1.0",
            entry_point=["dagster"],
            container_context=context,
        ),
    )
    with DagsterInstance.ephemeral() as instance:
        run = create_run_for_test(instance, job_name="update", job_code_origin=pointer)
        launcher.register_instance(instance)
        with mock.patch.object(instance, "get_ref", return_value=InstanceRef.from_dir(str(tmp_path))):
            launcher.launch_run(LaunchRunContext(dagster_run=run, workspace=None))
    body = batch.create_namespaced_job.call_args.kwargs["body"]
    found: dict[str, Any] = kubernetes.client.ApiClient().sanitize_for_serialization(body)
    return found


def test_a_run_has_what_it_needs_and_no_right_beyond(launched: dict[str, Any]) -> None:
    for version in VERSIONS:
        kubernetes_validate.validate(launched, version, strict=True)
    pod = launched["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert container["image"] == "f1-forecast:0.1.0"
    assert container["resources"] == LAUNCHER["config"]["resources"]
    assert container["resources"] != LOCATION["resources"], (
        "those of the code location are for answering sensors"
    )
    assert container["securityContext"] == LOCATION["securityContext"]
    assert pod["securityContext"] == LOCATION["podSecurityContext"]
    assert launched["spec"]["template"]["metadata"]["labels"].items() >= LOCATION["labels"].items()
    assert {one["secretRef"]["name"] for one in container["envFrom"]} == {"f1-pipeline"}
    assert {"name": "state", "mountPath": "/var/lib/f1"} in container["volumeMounts"]
    assert {"name": "state", "persistentVolumeClaim": {"claimName": "f1-state"}} in pod["volumes"]
    limit = yaml.safe_load((ROOT / "deploy" / "dagster.yaml").read_text())["run_monitoring"]
    assert launched["spec"]["activeDeadlineSeconds"] == limit["max_runtime_seconds"]
    variables = {one["name"]: one.get("value") for one in container["env"]}
    for one in LOCATION["env"]:
        if one["name"] not in ("F1_AUTOMATION", "DAGSTER_GRPC_SHUTDOWN_GRACE_PERIOD"):
            assert variables[one["name"]] == one["value"], "a run is set as the code location is"


def test_dagster_takes_what_the_chart_writes_for_it(tmp_path: Path) -> None:
    """`dagster.yaml` as the chart composes it of these values; limits and retention are those of containers."""
    monitoring = VALUES["dagsterDaemon"]["runMonitoring"]
    written = {
        "run_launcher": LAUNCHER,
        "compute_logs": {
            "module": "dagster._core.storage.noop_compute_log_manager",
            "class": "NoOpComputeLogManager",
        },
        "run_monitoring": {
            "enabled": monitoring["enabled"],
            "start_timeout_seconds": monitoring["startTimeoutSeconds"],
            "cancel_timeout_seconds": monitoring["cancelTimeoutSeconds"],
            "poll_interval_seconds": monitoring["pollIntervalSeconds"],
            "free_slots_after_run_end_seconds": monitoring["freeSlotsAfterRunEndSeconds"],
        },
        "telemetry": VALUES["telemetry"],
        "retention": {
            name: {"purge_after_days": VALUES["retention"][name]["purgeAfterDays"]}
            for name in ("sensor", "schedule")
        },
        **VALUES["additionalInstanceConfig"],
    }
    assert VALUES["dagsterDaemon"]["runCoordinator"] == {"enabled": False}, "or it would write limits too"
    (tmp_path / "dagster.yaml").write_text(yaml.safe_dump(written))
    with DagsterInstance.from_ref(InstanceRef.from_dir(str(tmp_path))) as instance:
        assert type(instance.run_coordinator).__name__ == "QueuedRunCoordinator"
        found = instance.get_concurrency_config()
        assert found.run_queue_config is not None
        assert found.run_queue_config.max_concurrent_runs == 1
        assert found.pool_config.default_pool_limit == 1
        assert found.pool_config.pool_granularity is PoolGranularity.OP
        assert instance.run_monitoring_enabled
    other = yaml.safe_load((ROOT / "deploy" / "dagster.yaml").read_text())
    assert written["concurrency"] == other["concurrency"]
    assert written["nux"] == other["nux"]
    assert written["telemetry"] == other["telemetry"]
    for name in ("start_timeout_seconds", "cancel_timeout_seconds", "free_slots_after_run_end_seconds"):
        assert written["run_monitoring"][name] == other["run_monitoring"][name]
    sensor = dict(written["retention"]["sensor"]["purge_after_days"])
    assert sensor.pop("started") == 90
    assert sensor == other["retention"]["sensor"]["purge_after_days"]
    assert written["retention"]["schedule"] == other["retention"]["schedule"]


def test_limits_beside_a_coordinator_of_the_chart_would_be_refused(tmp_path: Path) -> None:
    """Why `runCoordinator` is off: the chart writes `max_concurrent_runs` for it, whatever its value."""
    written = {
        "run_coordinator": {
            "module": "dagster.core.run_coordinator",
            "class": "QueuedRunCoordinator",
            "config": {"max_concurrent_runs": 1},
        },
        **VALUES["additionalInstanceConfig"],
    }
    (tmp_path / "dagster.yaml").write_text(yaml.safe_dump(written))
    with pytest.raises(DagsterInvalidConfigError, match="incompatible"):
        InstanceRef.from_dir(str(tmp_path))


def test_the_code_location_is_the_one_of_compose(compose: ModuleType) -> None:
    command = compose.load(GIVEN)["services"]["code"]["command"]
    given = LOCATION["dagsterApiGrpcArgs"]
    for option, value in zip(given[::2], given[1::2], strict=True):
        assert f"{option}={value}" in command
    variables = {one["name"]: one["value"] for one in LOCATION["env"]}
    assert variables.items() <= compose.load(GIVEN)["services"]["code"]["environment"].items()


def test_the_chart_is_of_the_version_of_the_product() -> None:
    (version,) = re.findall(r'name = "dagster"\nversion = "([\d.]+)"', (ROOT / "uv.lock").read_text())
    for name in ("README.md", "dagster-values.yaml"):
        assert f"--version {version} " in (FOLDER / name).read_text(encoding="utf-8")
