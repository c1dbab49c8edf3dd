"""Manifests and chart values of Kubernetes as they are read from their files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

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
