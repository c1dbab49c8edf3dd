"""Every service's command as docker-compose.yml has it, against a local PostgreSQL.

What is replaced are addresses that exist between containers only: names of services, ports, and the two directories of
the image. Commands, variables, roles, the order and the questions of the health checks are those of the file.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import psutil
import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.exc import DBAPIError

from f1_app.dashboard import health
from f1_pipeline.settings import ROOT
from f1_pipeline.sources.budget import Budget

PATIENCE = 240.0
"""Seconds for a server to be ready, on a machine that does other things too."""
PASSWORDS = (
    "POSTGRES_PASSWORD",
    *(f"F1_{name}_PASSWORD" for name in ("OWNER", "PIPELINE", "APP", "DAGSTER", "MLFLOW")),
)
ROLES = ("f1_owner", "f1_pipeline", "f1_app", "f1_dagster", "f1_mlflow")
INSIDE = {"code": 4000, "mlflow": 5000, "webserver": 3000, "dashboard": 8501, "api": 8000, "metrics": 9108}
"""Ports of the servers in their containers."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Here:
    """The services, with the addresses of this machine."""

    services: dict[str, Any]
    ports: dict[str, int]
    folder: Path
    postgres: str

    def text(self, value: str) -> str:
        """A text of the file with the addresses of this machine."""
        server = make_url(self.postgres)
        value = re.sub(
            r"@postgres:5432/(\w+)", lambda found: f"@/{found[1]}?host={server.query['host']}", value
        )
        value = value.replace("//postgres:", f"//{server.username}:")
        value = value.replace("0.0.0.0", "127.0.0.1")  # noqa: S104
        value = value.replace("/opt/f1/deploy/workspace.yaml", str(self.folder / "workspace.yaml"))
        value = value.replace("/var/lib", str(self.folder)).replace("/opt/f1", str(ROOT))
        for name, port in INSIDE.items():
            value = re.sub(rf"(?<!\d){port}(?!\d)", str(self.ports[name]), value)
            value = value.replace(f"//{name}:", "//127.0.0.1:")
        return value

    def command(self, name: str) -> list[str]:
        program, *arguments = self.services[name]["command"]
        return [*self.program(program), *map(self.text, arguments)]

    def program(self, name: str) -> list[str]:
        return [sys.executable] if name == "python" else [str(Path(sys.executable).with_name(name))]

    def environment(self, name: str) -> dict[str, str]:
        """The variables of a service and of the image; none of this machine but the path."""
        service = self.services[name]
        found = {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(self.folder),
            "F1_HOME": "/var/lib/f1",
            "DAGSTER_DISABLE_TELEMETRY": "yes",
            "MLFLOW_DISABLE_TELEMETRY": "true",
        }
        for file in service.get("env_file", []):
            for line in (ROOT / file).read_text().splitlines():
                if line and not line.startswith("#"):
                    key, _, value = line.partition("=")
                    found[key] = value
        found |= service.get("environment", {})
        return {key: self.text(str(value)) for key, value in found.items()}

    def once(self, name: str) -> str:
        """Run a service that ends; what it said."""
        done = subprocess.run(
            self.command(name),
            env=self.environment(name),
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        said = done.stdout + done.stderr
        assert done.returncode == 0, f"{name}: {said}"
        return said

    def is_healthy(self, name: str) -> bool:
        """The health check of a service, as it is written."""
        program, *arguments = self.services[name]["healthcheck"]["test"][1:]
        done = subprocess.run(
            [*self.program(program), *map(self.text, arguments)],
            env=self.environment(name),
            cwd=ROOT,
            capture_output=True,
            timeout=60,
            check=False,
        )
        return done.returncode == 0


@pytest.fixture(scope="module")
def here(compose: ModuleType, postgres: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Here]:
    """Roles made and tables migrated by the two services that do so."""
    folder = tmp_path_factory.mktemp("containers")
    services = compose.load({name: f"secret{number}" for number, name in enumerate(PASSWORDS)})["services"]
    found = Here(services, {name: free_port() for name in INSIDE}, folder, postgres)
    for volume in ("f1/dagster", "mlflow"):
        (folder / volume).mkdir(parents=True)
    shutil.copy(ROOT / "deploy" / "dagster.yaml", folder / "f1" / "dagster")
    workspace = found.text((ROOT / "deploy" / "workspace.yaml").read_text())
    (folder / "workspace.yaml").write_text(
        workspace.replace("host: code", "host: 127.0.0.1"), encoding="utf-8"
    )
    said = found.once("roles")
    assert all(role in said for role in ROLES)
    assert "secret" not in said
    found.once("migrations")
    yield found
    admin = create_engine(postgres, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        for database in ("f1", "dagster", "mlflow"):
            connection.execute(text(f"DROP DATABASE {database} WITH (FORCE)"))
        for role in ROLES:
            connection.execute(text(f"DROP ROLE {role}"))
    admin.dispose()


@pytest.fixture(scope="module")
def running(here: Here) -> Iterator[dict[str, psutil.Popen]]:
    """All servers, each started when those it waits for are healthy."""
    waiting = [
        name for name, service in here.services.items() if "healthcheck" in service and name != "postgres"
    ]
    started: dict[str, psutil.Popen] = {}
    healthy = {"postgres", "roles", "migrations"}
    with ExitStack() as stack:
        # As in a container. A shell that runs the tests in the background lets them ignore SIGINT, servers inherit that, and
        # Dagster's code server does at SIGTERM what it does at SIGINT: nothing.
        stack.callback(signal.signal, signal.SIGINT, signal.signal(signal.SIGINT, signal.default_int_handler))
        deadline = time.monotonic() + PATIENCE
        while set(started) - healthy or waiting:
            for name in [one for one in waiting if set(here.services[one].get("depends_on", {})) <= healthy]:
                waiting.remove(name)
                log = stack.enter_context((here.folder / f"{name}.log").open("w"))
                started[name] = psutil.Popen(
                    here.command(name),
                    env=here.environment(name),
                    cwd=here.folder if here.services[name].get("working_dir") else ROOT,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    stdin=subprocess.DEVNULL,
                    start_new_session=True,
                )
                stack.callback(stop, started[name])
            for name, process in started.items():
                said = here.folder / f"{name}.log"
                assert process.poll() is None, f"{name} ended: {said.read_text()[-3000:]}"
                assert time.monotonic() < deadline, f"{name} is not healthy: {said.read_text()[-3000:]}"
                if name not in healthy and here.is_healthy(name):
                    healthy.add(name)
            time.sleep(0.3)
        yield started


def stop(process: psutil.Popen) -> None:
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(30)
        except psutil.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(10)


def test_every_server_becomes_healthy(here: Here, running: dict[str, psutil.Popen]) -> None:
    assert all(process.is_running() for process in running.values())
    assert {"code", "webserver", "daemon", "mlflow", "metrics", "dashboard"} <= set(running)


def test_the_web_server_has_loaded_the_code_location(here: Here, running: dict[str, psutil.Popen]) -> None:
    query = """{ workspaceOrError { ... on Workspace { locationEntries { name loadStatus locationOrLoadError {
        __typename ... on RepositoryLocation { repositories { assetNodes { id } } } } } } } }"""
    url = f"http://127.0.0.1:{here.ports['webserver']}/graphql"
    entries = requests.post(url, json={"query": query}, timeout=60).json()["data"]["workspaceOrError"]
    (location,) = entries["locationEntries"]
    assert (location["name"], location["loadStatus"]) == ("f1_pipeline", "LOADED")
    assert len(location["locationOrLoadError"]["repositories"][0]["assetNodes"]) > 40


def test_mlflow_answers_under_its_name_and_no_other(here: Here, running: dict[str, psutil.Popen]) -> None:
    """The host header is what a browser sends that was led here by a foreign web page."""
    url = f"http://127.0.0.1:{here.ports['mlflow']}/api/2.0/mlflow/experiments/search"

    def asked(host: str) -> int:
        body = {"max_results": 1}
        return requests.post(url, json=body, headers={"Host": host}, timeout=30).status_code

    assert asked(f"mlflow:{here.ports['mlflow']}") == 200
    assert asked("localhost:18000") == 200
    assert asked("evil.example.org") == 403


def test_an_artefact_is_stored_through_the_server(here: Here, running: dict[str, psutil.Popen]) -> None:
    """Artefacts go to the server and lie in its volume; the pipeline reaches no directory of it."""
    environment = here.environment("code")
    assert environment["F1_MLFLOW_TRACKING_URI"] == f"http://127.0.0.1:{here.ports['mlflow']}"
    program = (
        "import mlflow, pathlib; c = mlflow.MlflowClient(); e = c.create_experiment('kept');"
        "r = c.create_run(e); c.log_dict(r.info.run_id, {'a': 1}, 'model/a.json');"
        "print(c.get_experiment(e).artifact_location, mlflow.artifacts.load_dict(r.info.artifact_uri + '/model/a.json'))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**environment, "MLFLOW_TRACKING_URI": environment["F1_MLFLOW_TRACKING_URI"]},
        cwd=here.folder,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("mlflow-artifacts:/")
    assert "{'a': 1}" in done.stdout
    assert list((here.folder / "mlflow").rglob("a.json"))


def test_the_dashboard_holds_a_role_that_cannot_write(here: Here, running: dict[str, psutil.Popen]) -> None:
    engine = create_engine(here.environment("dashboard")["F1_DATABASE_URL"])
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT current_user")) == "f1_app"
        assert connection.scalar(text("SELECT count(*) FROM races")) == 0
        assert not connection.scalar(text("SELECT has_table_privilege('races', 'INSERT')"))
    engine.dispose()


def test_the_metrics_read_all_that_they_are_to_tell(here: Here, running: dict[str, psutil.Popen]) -> None:
    """Tables, Dagster's record and the count of requests, each by the rights of the service."""
    before = {path.name for path in (ROOT / "deploy").iterdir()}
    # The folder may be there already, without a request in it: who looks first makes it.
    Budget(here.folder / "f1" / "limits", "jolpica").acquire()
    deadline = time.monotonic() + 60
    while True:
        text_ = requests.get(f"http://127.0.0.1:{here.ports['metrics']}/metrics", timeout=30).text
        found = {
            sample.name + "".join(sample.labels.values()): sample.value
            for family in text_string_to_metric_families(text_)
            for sample in family.samples
        }
        # The daemon of Dagster notes that it lives when it is started, and each of its parts a little later; and what was
        # read a moment ago, before the request, is told again.
        counted = found.get("f1_source_requests_last_hourjolpica", 0) >= 1
        if (counted and "f1_daemon_heartbeat_age_secondsSENSOR" in found) or time.monotonic() > deadline:
            break
        time.sleep(1)
    assert {name: value for name, value in found.items() if name.startswith("f1_readable")} == {
        "f1_readabletables": 1,
        "f1_readabledagster": 1,
        "f1_readablerequests": 1,
    }
    assert found["f1_source_requests_last_hourjolpica"] >= 1
    assert found["f1_runs_openwaiting"] == 0
    assert found["f1_daemon_heartbeat_age_secondsSENSOR"] < 600
    assert {path.name for path in (ROOT / "deploy").iterdir()} == before, "it makes nothing in its image"


@pytest.mark.parametrize(
    ("address", "table"), [("F1_DATABASE_URL", "races"), ("DAGSTER_POSTGRES_URL", "runs")]
)
def test_the_metrics_cannot_write(
    here: Here, running: dict[str, psutil.Popen], address: str, table: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = here.environment("metrics")
    monkeypatch.setenv("PGOPTIONS", environment["PGOPTIONS"])
    engine = create_engine(environment[address])
    with engine.connect() as connection:
        connection.execute(text(f"SELECT count(*) FROM {table}"))  # noqa: S608
        with pytest.raises(DBAPIError, match="read-only transaction"):
            connection.execute(text(f"DELETE FROM {table}"))  # noqa: S608
    engine.dispose()


def test_the_dashboard_finds_every_server_it_asks(here: Here, running: dict[str, psutil.Popen]) -> None:
    """By the addresses of the file, with the dashboard's own way of asking."""
    given = here.environment("dashboard")["F1_SERVERS"]
    asked = health.addresses(given, host="", dagster_port=0, api_port=0, mlflow_port=0, mlflow_uri=None)
    # A second's patience is for a machine that does not start seven servers at the same time.
    for _ in range(20):
        parts = health.look(asked)
        if all(part.state is health.State.UP for part in parts):
            break
        time.sleep(1)
    assert [(part.name, part.state) for part in parts] == [
        (name, health.State.UP) for name in ("Dagster UI", "API", "MLflow")
    ]


def test_no_password_reaches_a_log_or_a_command_line(here: Here, running: dict[str, psutil.Popen]) -> None:
    for name, process in running.items():
        for one in [process, *process.children(recursive=True)]:
            assert "secret" not in " ".join(one.cmdline()), f"{name}: whoever lists processes can read it"
        assert not re.search(r"secret\d", (here.folder / f"{name}.log").read_text()), name


def test_the_code_server_waits_for_calls_no_longer_than_it_may(here: Here) -> None:
    grace = int(here.services["code"]["stop_grace_period"].removesuffix("s"))
    # It waits five seconds more for its own threads.
    assert int(here.environment("code")["DAGSTER_GRPC_SHUTDOWN_GRACE_PERIOD"]) + 5 < grace


def test_they_end_when_they_are_asked_to(here: Here, running: dict[str, psutil.Popen]) -> None:
    """Last in this file. Within the time that Compose leaves them, all of their own processes with them."""
    families = {name: [one, *one.children(recursive=True)] for name, one in running.items()}
    for process in running.values():
        os.killpg(process.pid, signal.SIGTERM)
    for name, family in families.items():
        grace = int(here.services[name]["stop_grace_period"].removesuffix("s"))
        _, alive = psutil.wait_procs(family, timeout=grace)
        assert not [one for one in alive if one.status() != psutil.STATUS_ZOMBIE], name
