"""Manifests: valid by the schemas of Kubernetes, with few rights, and saying what docker-compose.yml says."""

from __future__ import annotations

import re
from types import ModuleType
from typing import Any

import kubernetes_validate
import pytest

from tests.deploy.manifests import (
    FOLDER,
    GIVEN,
    LOCATION,
    MANIFESTS,
    VALUES,
    VERSIONS,
    WORKLOADS,
    containers,
    label,
    pod_of,
)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("manifest", MANIFESTS, ids=label)
def test_manifests_are_valid(manifest: dict[str, Any], version: str) -> None:
    kubernetes_validate.validate(manifest, version, strict=True)


def test_the_validation_would_notice() -> None:
    broken = {**WORKLOADS[0], "spec": {**WORKLOADS[0]["spec"], "replica": 2}}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(broken, VERSIONS[-1], strict=True)


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
