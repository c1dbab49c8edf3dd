"""Manifests and chart values: valid by the schemas of Kubernetes, and saying what docker-compose.yml says."""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest import mock
from urllib.parse import urlsplit

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

from f1_app.dashboard import health
from f1_pipeline.dagster_store.kubernetes import StagesK8sRunLauncher
from f1_pipeline.settings import ROOT

FOLDER = ROOT / "deploy" / "kubernetes"
VERSIONS = ("1.31", "1.34")
"""Versions of Kubernetes whose schemas have to accept the manifests."""
GIVEN = dict.fromkeys(("POSTGRES_PASSWORD", *(f"F1_{role}_PASSWORD" for role in ("OWNER", "PIPELINE", "APP", "DAGSTER", "MLFLOW"))), "x")  # fmt: skip


def read(path: Path) -> list[dict[str, Any]]:
    return [one for one in yaml.safe_load_all(path.read_text(encoding="utf-8")) if one]


VALUES: dict[str, Any] = read(FOLDER / "dagster-values.yaml")[0]
MANIFESTS = [one for path in sorted(FOLDER.glob("*.yaml")) if "values" not in path.name for one in read(path)]
WORKLOADS = [one for one in MANIFESTS if one["kind"] in ("Deployment", "Job")]
LAUNCHER = VALUES["runLauncher"]["config"]["customRunLauncher"]
LOCATION = VALUES["dagster-user-deployments"]["deployments"][0]


def label(one: dict[str, Any]) -> str:
    return f"{one['kind']}-{one['metadata']['name']}"


def pod_of(one: dict[str, Any]) -> dict[str, Any]:
    pod: dict[str, Any] = one["spec"]["template"]["spec"]
    return pod


def containers(one: dict[str, Any]) -> list[dict[str, Any]]:
    return [*pod_of(one).get("initContainers", []), *pod_of(one)["containers"]]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("manifest", MANIFESTS, ids=label)
def test_manifests_are_valid(manifest: dict[str, Any], version: str) -> None:
    kubernetes_validate.validate(manifest, version, strict=True)


def test_the_validation_would_notice() -> None:
    broken = {**WORKLOADS[0], "spec": {**WORKLOADS[0]["spec"], "replica": 2}}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(broken, VERSIONS[-1], strict=True)


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


@pytest.mark.parametrize("one", WORKLOADS, ids=label)
def test_containers_have_as_few_rights_as_can_be(one: dict[str, Any]) -> None:
    pod = pod_of(one)
    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] == 10001
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    for container in containers(one):
        rights = container["securityContext"]
        assert rights["readOnlyRootFilesystem"] is True
        assert rights["allowPrivilegeEscalation"] is False
        assert rights["capabilities"] == {"drop": ["ALL"]}
        assert set(container["resources"]) == {"requests", "limits"}
        assert all("memory" in part for part in container["resources"].values())
        for variable in container.get("env", []):
            assert not re.search(r"sql|://[^/\s]*@", str(variable.get("value"))), (
                "a password would stand there"
            )


@pytest.mark.parametrize("name", ["api", "dashboard", "mlflow", "metrics"])
def test_servers_are_run_as_compose_runs_them(compose: ModuleType, name: str) -> None:
    service = compose.load(GIVEN)["services"][name]
    (found,) = [one for one in WORKLOADS if one["metadata"]["name"] == name]
    (container,) = pod_of(found)["containers"]
    grace = re.compile("--timeout-graceful-shutdown")
    assert [word for word in container["command"] if not grace.match(word)] == [
        word for word in service["command"] if not grace.match(word)
    ]
    assert container["image"] == service["image"]
    assert {"startupProbe", "readinessProbe", "livenessProbe"} <= set(container)
    path = container["livenessProbe"]["httpGet"]["path"]
    assert f"{container['ports'][0]['containerPort']}{path}'" in service["healthcheck"]["test"][-1]


def test_migrations_are_those_of_compose(compose: ModuleType) -> None:
    services = compose.load(GIVEN)["services"]
    (job,) = [one for one in WORKLOADS if one["kind"] == "Job"]
    assert [one["command"] for one in containers(job)] == [
        services["roles"]["command"],
        services["migrations"]["command"],
    ]


def test_the_code_location_is_the_one_of_compose(compose: ModuleType) -> None:
    command = compose.load(GIVEN)["services"]["code"]["command"]
    given = LOCATION["dagsterApiGrpcArgs"]
    for option, value in zip(given[::2], given[1::2], strict=True):
        assert f"{option}={value}" in command
    variables = {one["name"]: one["value"] for one in LOCATION["env"]}
    assert variables.items() <= compose.load(GIVEN)["services"]["code"]["environment"].items()


def test_readers_are_served_while_a_node_is_emptied() -> None:
    for name in ("api", "dashboard"):
        (deployment,) = [one for one in WORKLOADS if one["metadata"]["name"] == name]
        (budget,) = [
            one
            for one in MANIFESTS
            if one["kind"] == "PodDisruptionBudget" and one["metadata"]["name"] == name
        ]
        assert deployment["spec"]["replicas"] > budget["spec"]["minAvailable"] >= 1
        assert budget["spec"]["selector"] == deployment["spec"]["selector"]
        assert deployment["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] == 0


def test_services_and_policies_select_pods_that_exist() -> None:
    labels = [one["spec"]["template"]["metadata"]["labels"] for one in WORKLOADS]
    labels += [part["labels"] for part in (VALUES["dagsterWebserver"], VALUES["dagsterDaemon"], LOCATION)]
    labels.append(LAUNCHER["config"]["labels"])
    names = {pair for one in labels for pair in one.items()}

    def selectors(value: Any) -> list[dict[str, Any]]:
        if isinstance(value, list):
            return [found for item in value for found in selectors(item)]
        if not isinstance(value, dict):
            return []
        own = [value["podSelector"]] if "podSelector" in value else []
        return own + [found for item in value.values() for found in selectors(item)]

    for one in MANIFESTS:
        if one["kind"] == "Service":
            assert set(one["spec"]["selector"].items()) <= names
        for selector in selectors(one) if one["kind"] == "NetworkPolicy" else []:
            assert set(selector.get("matchLabels", {}).items()) <= names
            for rule in selector.get("matchExpressions", []):
                assert all((rule["key"], value) in names for value in rule["values"])


def test_nothing_is_let_in_that_is_not_named() -> None:
    policies = {one["metadata"]["name"]: one["spec"] for one in MANIFESTS if one["kind"] == "NetworkPolicy"}
    assert policies["nothing"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    assert "ingress" not in policies["dagster"], "whoever reaches it can start runs"
    ports = {port["port"] for rule in policies["app"]["egress"] for port in rule["ports"]}
    assert ports == {5432}, "the API asks the database and nobody else"


def may_reach(source: dict[str, str], target: dict[str, str], port: int) -> bool:
    """Whether the policies let pods with the labels ``source`` ask those with ``target`` at ``port``, in this namespace."""
    policies = [one["spec"] for one in MANIFESTS if one["kind"] == "NetworkPolicy"]

    def selects(selector: dict[str, Any], labels: dict[str, str]) -> bool:
        return selector.get("matchLabels", {}).items() <= labels.items() and all(
            labels.get(rule["key"]) in rule["values"] for rule in selector.get("matchExpressions", [])
        )

    def allowed(kind: str, mine: dict[str, str], other: dict[str, str]) -> bool:
        peer = {"Ingress": "from", "Egress": "to"}[kind]
        rules = [
            rule
            for policy in policies
            if kind in policy["policyTypes"] and selects(policy["podSelector"], mine)
            for rule in policy.get(kind.lower(), [])
        ]
        return any(
            port in {one["port"] for one in rule["ports"]}
            and (
                peer not in rule
                or any("podSelector" in one and selects(one["podSelector"], other) for one in rule[peer])
            )
            for rule in rules
        )

    return allowed("Egress", source, target) and allowed("Ingress", target, source)


def labels_of(name: str) -> dict[str, str]:
    (found,) = [one for one in WORKLOADS if one["metadata"]["name"] == name]
    labels: dict[str, str] = found["spec"]["template"]["metadata"]["labels"]
    return labels


def test_the_dashboard_may_ask_whom_it_is_told_to_ask_and_the_api_may_not() -> None:
    (container,) = pod_of(next(one for one in WORKLOADS if one["metadata"]["name"] == "dashboard"))[
        "containers"
    ]
    (given,) = [one["value"] for one in container["env"] if one["name"] == "F1_SERVERS"]
    asked = health.addresses(given, host="", dagster_port=0, api_port=0, mlflow_port=0, mlflow_uri=None)
    assert list(asked) == ["Dagster UI", "API", "MLflow"]
    webserver = VALUES["dagsterWebserver"]
    # The chart names the service after the release (README.md: dagster) and this name.
    targets = {
        f"dagster-{webserver['nameOverride']}": (webserver["labels"], webserver["service"]["port"], {}),
    }
    for one in MANIFESTS:
        if one["kind"] == "Service":
            (port,) = one["spec"]["ports"]
            name = one["metadata"]["name"]
            (inside,) = pod_of(next(w for w in WORKLOADS if w["metadata"]["name"] == name))["containers"]
            targets[name] = (labels_of(name), port["port"], inside)
    for address in asked.values():
        url = urlsplit(address)
        labels, port, container = targets[str(url.hostname)]
        assert (url.port or 80) == port
        inner = container["ports"][0]["containerPort"] if container else port
        assert may_reach(labels_of("dashboard"), labels, inner), address
        if url.hostname != "api":
            assert not may_reach(labels_of("api"), labels, inner), "the API is open to everybody"
        assert not may_reach(labels_of("metrics"), labels, inner)
        probe = container["readinessProbe"] if container else webserver["readinessProbe"]
        assert url.path == probe["httpGet"]["path"]


def test_who_else_may_ask_whom() -> None:
    assert may_reach(LOCATION["labels"], labels_of("mlflow"), 5000)
    assert may_reach(VALUES["dagsterWebserver"]["labels"], LOCATION["labels"], 4000)
    assert not may_reach(labels_of("dashboard"), LOCATION["labels"], 4000)
    assert not may_reach(labels_of("dashboard"), labels_of("metrics"), 9108)
    assert not may_reach(labels_of("mlflow"), VALUES["dagsterWebserver"]["labels"], 8080)


def test_prometheus_finds_both_metrics_and_is_let_in() -> None:
    for name in ("api", "metrics"):
        (deployment,) = [one for one in WORKLOADS if one["metadata"]["name"] == name]
        (container,) = pod_of(deployment)["containers"]
        said = deployment["spec"]["template"]["metadata"]["annotations"]
        port = container["ports"][0]["containerPort"]
        assert said == {
            "prometheus.io/scrape": "true",
            "prometheus.io/port": str(port),
            "prometheus.io/path": "/metrics",
        }
        letting = [
            rule
            for one in MANIFESTS
            if one["kind"] == "NetworkPolicy"
            and one["spec"]["podSelector"] == {"matchLabels": {"app.kubernetes.io/name": name}}
            for rule in one["spec"].get("ingress", [])
            if {"kubernetes.io/metadata.name": "monitoring"}
            in [peer.get("namespaceSelector", {}).get("matchLabels") for peer in rule["from"]]
        ]
        assert [one["port"] for rule in letting for one in rule["ports"]] == [port]


def test_the_metrics_are_run_by_the_rights_of_compose(compose: ModuleType) -> None:
    environment = compose.load(GIVEN)["services"]["metrics"]["environment"]
    (deployment,) = [one for one in WORKLOADS if one["metadata"]["name"] == "metrics"]
    (container,) = pod_of(deployment)["containers"]
    values = {one["name"]: one["value"] for one in container["env"] if "value" in one}
    assert values.items() <= environment.items()
    secrets = {
        one["name"]: one["valueFrom"]["secretKeyRef"] for one in container["env"] if "valueFrom" in one
    }
    assert secrets["F1_DATABASE_URL"]["name"] == "f1-app"
    assert secrets["DAGSTER_POSTGRES_URL"] == {"name": "f1-dagster", "key": "DAGSTER_POSTGRES_URL"}
    assert {one["name"]: one.get("readOnly", False) for one in container["volumeMounts"]}["state"] is True


def test_every_secret_is_described_and_none_is_in_a_file() -> None:
    text = (FOLDER / "README.md").read_text(encoding="utf-8")
    everything = "\n".join(path.read_text(encoding="utf-8") for path in FOLDER.glob("*.yaml"))
    named = set(re.findall(r"(?:secretRef|secretKeyRef): \{ name: ([\w-]+)", everything))
    named |= {one["name"] for one in LOCATION["envSecrets"]} | {VALUES["global"]["postgresqlSecretName"]}
    assert named == {"f1-admin", "f1-owner", "f1-app", "f1-mlflow", "f1-pipeline", "f1-dagster"}
    assert all(f"`{name}`" in text for name in named)
    assert "kind: Secret" not in everything
    assert not re.search(r"(?i)password: *['\"]?\w", everything)


def test_the_chart_is_of_the_version_of_the_product() -> None:
    (version,) = re.findall(r'name = "dagster"\nversion = "([\d.]+)"', (ROOT / "uv.lock").read_text())
    for name in ("README.md", "dagster-values.yaml"):
        assert f"--version {version} " in (FOLDER / name).read_text(encoding="utf-8")
