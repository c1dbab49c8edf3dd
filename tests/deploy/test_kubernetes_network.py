"""Who may ask whom on a cluster: services, network policies, and the ports that are asked."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from f1_app.dashboard import health
from tests.deploy.manifests import LAUNCHER, LOCATION, MANIFESTS, VALUES, WORKLOADS, pod_of


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
