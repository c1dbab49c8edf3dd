"""docker-compose.yml and the Dockerfile: valid, pinned, without default passwords, and with as few rights as can be."""

from __future__ import annotations

import re
import subprocess
import sys
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from f1_app.dashboard.health import addresses
from f1_pipeline.dagster_store.postgres import PooledPostgresStorage
from f1_pipeline.settings import ROOT, Settings

ONE_SHOT = {"roles", "migrations"}
PASSWORDS = (
    "POSTGRES_PASSWORD",
    *(f"F1_{name}_PASSWORD" for name in ("OWNER", "PIPELINE", "APP", "DAGSTER", "MLFLOW")),
)
GIVEN = {name: f"p{number}" for number, name in enumerate(PASSWORDS)}
DOCKERFILE = ROOT / "deploy" / "Dockerfile"


@pytest.fixture
def services(compose: ModuleType) -> dict[str, Any]:
    found: dict[str, Any] = compose.load(GIVEN)["services"]
    return found


def test_the_file_follows_the_compose_specification() -> None:
    """By the schema of the specification that check-jsonschema carries (Apache-2.0); no network is needed."""
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec"]
    found = subprocess.run(
        [*command, "docker-compose.yml"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert found.returncode == 0, found.stdout + found.stderr


def test_the_services_are_those_of_the_product(services: dict[str, Any]) -> None:
    assert set(services) == {
        *(
            "postgres",
            "roles",
            "migrations",
            "code",
            "webserver",
            "daemon",
            "mlflow",
            "metrics",
            "dashboard",
            "api",
        )
    }


@pytest.mark.parametrize("name", PASSWORDS)
@pytest.mark.parametrize("given", [None, ""], ids=["not set", "empty"])
def test_it_does_not_start_without_a_password(compose: ModuleType, name: str, given: str | None) -> None:
    environment = {key: value for key, value in GIVEN.items() if key != name}
    if given is not None:
        environment[name] = given
    with pytest.raises(compose.Missing, match=f"{name}: set {name} in .env"):
        compose.load(environment)


def test_no_password_stands_in_a_file(compose: ModuleType) -> None:
    assert set(re.findall(r"\$\{(\w*PASSWORD)\b", compose.FILE.read_text())) == set(PASSWORDS)
    for service in compose.raw()["services"].values():
        for name, value in service.get("environment", {}).items():
            address = re.search(r"://\w+:([^@]*)@", str(value))
            if "PASSWORD" in name or address:
                secret = address[1] if address else value
                assert re.fullmatch(r"\$\{\w+_PASSWORD:\?[^}]+\}", secret), name
    example = (ROOT / "deploy" / "compose.env.example").read_text()
    assert [line for line in example.splitlines() if "PASSWORD" in line] == [f"{name}=" for name in PASSWORDS]
    assert not re.search(
        r"(?i)password|secret|key", (ROOT / "mlflow" / "server.env").read_text().split("=")[1]
    )


def test_only_web_ports_are_published_and_on_this_machine(services: dict[str, Any]) -> None:
    published = {name: service["ports"] for name, service in services.items() if "ports" in service}
    assert published == {
        "dashboard": ["127.0.0.1:8501:8501"],
        "api": ["127.0.0.1:8000:8000"],
        "webserver": ["127.0.0.1:3000:3000"],
        "mlflow": ["127.0.0.1:5000:5000"],
        "metrics": ["127.0.0.1:9108:9108"],
    }


def test_others_see_forecasts_without_seeing_what_can_change_them(compose: ModuleType) -> None:
    """F1_PUBLISH is for dashboard and API; Dagster, MLflow and the metrics ask nobody for a password."""
    services = compose.load({**GIVEN, "F1_PUBLISH": "192.0.2.1"})["services"]
    open_to_all = {name for name, one in services.items() if "192.0.2.1" in str(one.get("ports"))}
    assert open_to_all == {"dashboard", "api"}


def test_containers_have_as_few_rights_as_can_be(services: dict[str, Any]) -> None:
    for name, service in services.items():
        user = str(service["user"]).split(":")[0]
        assert user.isdigit(), name
        assert int(user) > 0, name
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert not {"privileged", "cap_add", "pid", "network_mode"} & set(service), name
        assert not any("docker.sock" in str(volume) for volume in service.get("volumes", [])), name


def test_images_are_pinned(services: dict[str, Any]) -> None:
    for name, service in services.items():
        tag = service["image"].partition(":")[2]
        assert re.match(r"\d+\.\d+", tag), name
    stages = re.findall(r"^FROM (\S+)", DOCKERFILE.read_text(), re.MULTILINE)
    assert len(set(stages)) == 1
    assert re.fullmatch(r"python:3\.1[123]\.\d+-slim-bookworm", stages[0])
    assert (
        re.search(r"uv==(\S+)", DOCKERFILE.read_text())[1]
        == re.search(  # type: ignore[index]
            r"UV_VERSION := (\S+)", (ROOT / "Makefile").read_text()
        )[1]
    )  # type: ignore[index]


def test_every_server_says_how_it_is_and_starts_after_what_it_needs(services: dict[str, Any]) -> None:
    for name, service in services.items():
        if name not in ONE_SHOT:
            assert service["healthcheck"]["test"][0] == "CMD", name
            assert service["restart"] == "unless-stopped", name
        for other, how in service.get("depends_on", {}).items():
            wanted = "service_completed_successfully" if other in ONE_SHOT else "service_healthy"
            assert how["condition"] == wanted, (name, other)
    after = {name: set(service.get("depends_on", {})) for name, service in services.items()}
    assert after == {
        "postgres": set(),
        "roles": {"postgres"},
        "migrations": {"roles"},
        "mlflow": {"roles"},
        "code": {"migrations", "mlflow"},
        "webserver": {"code"},
        "daemon": {"code"},
        "metrics": {"migrations", "webserver"},
        "dashboard": {"migrations"},
        "api": {"migrations"},
    }


def test_who_has_which_role(services: dict[str, Any]) -> None:
    """Dashboard and API hold no password but that of the role that can read."""
    for name in ("dashboard", "api"):
        held = str(services[name]["environment"])
        assert "f1_app:" + GIVEN["F1_APP_PASSWORD"] in held
        assert not any(re.search(rf":{value}@", held) for key, value in GIVEN.items() if "APP" not in key)
    metrics = services["metrics"]["environment"]
    assert "f1_app:" in metrics["F1_DATABASE_URL"]
    assert "f1_dagster:" in metrics["DAGSTER_POSTGRES_URL"], "Dagster's record has one role"
    assert metrics["PGOPTIONS"] == "-c default_transaction_read_only=on", "and here it only reads"
    assert services["metrics"]["volumes"] == ["state:/var/lib/f1:ro"]
    assert not re.search(rf":({GIVEN['F1_PIPELINE_PASSWORD']}|{GIVEN['F1_OWNER_PASSWORD']})@", str(metrics))
    assert "f1_pipeline:" in services["code"]["environment"]["F1_DATABASE_URL"]
    assert "f1_owner:" in services["migrations"]["environment"]["F1_DATABASE_URL"]
    for name in ("webserver", "daemon"):
        assert "F1_DATABASE_URL" not in services[name]["environment"]


def test_the_database_is_in_a_network_without_a_way_out(compose: ModuleType) -> None:
    content = compose.load(GIVEN)
    assert content["networks"]["store"] == {"internal": True}
    assert content["services"]["postgres"]["networks"] == ["store"]
    assert "ports" not in content["services"]["postgres"]


def test_variables_are_settings_or_written_down(compose: ModuleType) -> None:
    example = (ROOT / "deploy" / "compose.env.example").read_text()
    known = {f"F1_{name.upper()}" for name in Settings.model_fields}
    for name in re.findall(r"\$\{(\w+)", compose.FILE.read_text()):
        assert name in known or re.search(rf"^(# )?{name}=", example, re.MULTILINE), name


def test_what_the_example_names_reaches_a_container(compose: ModuleType) -> None:
    """A switch that stands in .env and reaches nobody does nothing: F1_ENABLE_PREDICTIONS is the first way back."""
    example = (ROOT / "deploy" / "compose.env.example").read_text()
    named = re.findall(r"^(?:# )?(\w+)=", example, re.MULTILINE)
    used = set(re.findall(r"\$\{(\w+)", compose.FILE.read_text()))
    assert set(named) == used
    assert len(named) == len(set(named))


@pytest.mark.parametrize(
    ("name", "value", "reaches"),
    [
        ("F1_ENABLE_PREDICTIONS", "false", {"dashboard", "api", "metrics"}),
        ("F1_API_TRUSTED_PROXIES", "10.0.0.5", {"api"}),
        ("F1_EXECUTOR", "multiprocess", {"code"}),
        ("F1_LOG_FORMAT", "json", {"code", "webserver", "daemon", "metrics", "dashboard", "api"}),
        ("F1_SERVERS", "API=http://api:8000/health/live", {"dashboard"}),
    ],
)
def test_a_setting_of_the_env_file_reaches_those_it_is_for(
    compose: ModuleType, name: str, value: str, reaches: set[str]
) -> None:
    services = compose.load({**GIVEN, name: value})["services"]
    found = {key for key, one in services.items() if one.get("environment", {}).get(name) == value}
    assert found == reaches


def test_defaults_of_the_file_are_values_that_the_settings_take(compose: ModuleType) -> None:
    for service in compose.load(GIVEN)["services"].values():
        given = {
            name.removeprefix("F1_").lower(): value
            for name, value in service.get("environment", {}).items()
            if name.startswith("F1_") and value != ""
        }
        Settings(**given)


def test_the_dashboard_asks_servers_that_exist_at_their_ports(services: dict[str, Any]) -> None:
    """And by the question of their own health checks, so that both say the same."""
    given = services["dashboard"]["environment"]["F1_SERVERS"]
    asked = addresses(given, host="", dagster_port=0, api_port=0, mlflow_port=0, mlflow_uri=None)
    assert set(asked) == set(
        addresses(None, host="", dagster_port=0, api_port=0, mlflow_port=0, mlflow_uri=None)
    )
    for address in asked.values():
        url = urlsplit(address)
        service = services[str(url.hostname)]
        assert f"127.0.0.1:{url.port}{url.path}'" in service["healthcheck"]["test"][-1]
        assert set(service["networks"]) & set(services["dashboard"]["networks"])


def test_the_dockerfile_is_linted() -> None:
    found = subprocess.run(
        ["hadolint", "--no-color", str(DOCKERFILE)],
        env={"PATH": f"{sys.prefix}/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 0, found.stdout + found.stderr


def test_the_image_runs_as_nobody_in_particular_and_holds_what_the_commands_need() -> None:
    text = DOCKERFILE.read_text()
    last = text[text.rindex("\nFROM ") :]
    assert re.search(r"^USER 10001:10001$", last, re.MULTILINE)
    assert last.index("USER 10001") < last.index("CMD"), (
        "nothing of the last stage is run as root at the start"
    )
    assert "HEALTHCHECK" in last
    context = (ROOT / ".dockerignore").read_text().splitlines()
    assert context[1] == "*", "what is not named stays out of the image: .env, .f1, .git"
    for source in re.findall(r"^COPY (?!--from)(.+) \S+$", text, re.MULTILINE):
        for path in source.split():
            assert (ROOT / path).exists(), path
            assert f"!{path}" in context, path


def test_dagster_configuration_for_containers_differs_in_its_store_only() -> None:
    """Limits, retention and monitoring are decided in one place."""

    def read(name: str) -> dict[str, Any]:
        found: dict[str, Any] = yaml.safe_load((ROOT / name).read_text())
        return found

    here, there = read("dagster.yaml"), read("deploy/dagster.yaml")
    stored = there.pop("storage")["custom"]
    assert (stored["module"], stored["class"]) == (
        PooledPostgresStorage.__module__,
        PooledPostgresStorage.__name__,
    )
    assert stored["config"] == {"postgres_url": {"env": "DAGSTER_POSTGRES_URL"}}
    here.pop("storage")
    here.pop("code_servers")  # no code server is started by web server or daemon
    assert there == here
