"""Manifests and chart values: valid by the schemas of Kubernetes, and saying what docker-compose.yml says."""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import kubernetes_validate
import pytest
import yaml
from dagster._config import process_config
from dagster_k8s import K8sRunLauncher

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
    launcher = getattr(importlib.import_module(LAUNCHER["module"]), LAUNCHER["class"])
    assert issubclass(launcher, K8sRunLauncher)
    found = process_config(launcher.config_type(), LAUNCHER["config"])
    assert found.success, found.errors
    # What the chart would have filled in, and has elsewhere.
    assert LAUNCHER["config"]["postgres_password_secret"] == VALUES["global"]["postgresqlSecretName"]
    readme = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert f"{LAUNCHER['config']['service_account_name']} dagster/dagster --version" in readme
    (namespace,) = [one["metadata"]["name"] for one in MANIFESTS if one["kind"] == "Namespace"]
    assert LAUNCHER["config"]["job_namespace"] == namespace


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
            assert "value" not in variable or "://" not in variable["value"], (
                "an address stands in a manifest"
            )


@pytest.mark.parametrize("name", ["api", "dashboard", "mlflow"])
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
    assert ports == {5432}, "dashboard and API ask the database and nobody else"


def test_places_in_pools_are_given_back_as_on_one_machine() -> None:
    here = yaml.safe_load((ROOT / "dagster.yaml").read_text())["run_monitoring"]
    there = VALUES["dagsterDaemon"]["runMonitoring"]
    assert there["freeSlotsAfterRunEndSeconds"] == here["free_slots_after_run_end_seconds"] > 0


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
