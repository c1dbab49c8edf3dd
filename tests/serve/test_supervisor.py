"""The supervisor, with real child processes."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import requests

from f1_pipeline.errors import NotReady
from f1_pipeline.serve import PortInUse, Service, Supervisor, serve, services
from f1_pipeline.serve.children import LOG_BYTES, open_log, tail
from f1_pipeline.serve.probes import is_ready, port_holder
from f1_pipeline.settings import ROOT, Settings

PATIENCE = 15.0

SUPERVISOR = """
import json, sys
from pathlib import Path
from f1_pipeline.serve.supervisor import Service, Supervisor
spec = json.load(open(sys.argv[1]))
found = [Service(**{"env": {}, **service}) for service in spec.pop("services")]
sys.exit(Supervisor(found, Path(spec.pop("logs")), **spec).run())
"""

SERVER = """
import http.server, json, os, signal, subprocess, sys, time
options = json.loads(sys.argv[1])
print("SIGINT is default:", signal.getsignal(signal.SIGINT) is signal.default_int_handler, flush=True)
if options.get("stubborn"):
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
if options.get("child"):
    time.sleep(options.get("delay", 0))
    child = subprocess.Popen(["/bin/sleep", "600"], start_new_session=True)
    print("child", child.pid, flush=True)
if options.get("fail"):
    sys.exit("a reason to die")
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(options.get("status", 200)); self.end_headers()
        self.wfile.write(str(os.getpid()).encode())
    def log_message(self, *args): pass
try:
    http.server.HTTPServer(("127.0.0.1", options["port"]), Handler).serve_forever()
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def server(name: str, **options: Any) -> dict[str, Any]:
    port = options.setdefault("port", free_port())
    url = f"http://127.0.0.1:{port}"
    argv = [sys.executable, "-S", "-E", "-c", SERVER, json.dumps(options)]
    return {"name": name, "argv": argv, "url": url, "ready_url": url, "port": port}


def pid_of(spec: dict[str, Any]) -> int:
    return int(requests.get(spec["url"], timeout=2).text)


def runs(pid: int) -> bool:
    """Not so for a zombie: in a container nobody may care for the orphans of others."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def until(condition: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"not within {PATIENCE:.0f} s: {what}"
        time.sleep(0.05)


class Running:
    """A supervisor in a process of its own."""

    def __init__(
        self, folder: Path, *specs: dict[str, Any], ignore_sigint: bool = False, **options: Any
    ) -> None:
        self.logs = folder / "logs"
        self.output = folder / "output.txt"
        settings = {"services": specs, "logs": str(self.logs), "grace": 2.0, "backoff": [0.1, 0.1], **options}
        (folder / "spec.json").write_text(json.dumps(settings))
        previous = signal.signal(signal.SIGINT, signal.SIG_IGN) if ignore_sigint else None
        try:
            with self.output.open("w") as output:
                self.process = subprocess.Popen(
                    [sys.executable, "-c", SUPERVISOR, str(folder / "spec.json")],
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                    cwd=ROOT,
                )
        finally:
            if previous is not None:
                signal.signal(signal.SIGINT, previous)
        self.seen: set[int] = set()

    @property
    def text(self) -> str:
        return self.output.read_text()

    def wait_for(self, pattern: str, count: int = 1) -> None:
        def found() -> bool:
            assert self.process.poll() is None or re.search(pattern, self.text), self.text
            return len(re.findall(pattern, self.text)) >= count

        until(found, f"{pattern!r} in the output")
        self.note()

    def note(self) -> None:
        if self.process.poll() is None:
            self.seen |= {child.pid for child in psutil.Process(self.process.pid).children(recursive=True)}

    def stop(self, number: int = signal.SIGINT) -> int:
        self.note()
        self.process.send_signal(number)
        return self.process.wait(PATIENCE)

    def orphans(self) -> list[int]:
        return [pid for pid in self.seen if runs(pid)]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Running]]:
    running: list[Running] = []

    def begin(*specs: dict[str, Any], **options: Any) -> Running:
        running.append(Running(tmp_path, *specs, **options))
        return running[-1]

    yield begin
    for one in running:
        one.note()
        one.process.kill()
        one.process.wait()
        for pid in one.orphans():
            os.kill(pid, signal.SIGKILL)


def test_one_dies_is_restarted_and_the_others_go_on(start: Callable[..., Running]) -> None:
    first, second = server("first"), server("second")
    supervisor = start(first, second)
    supervisor.wait_for("All ready")
    assert f"first is ready at {first['url']}" in supervisor.text
    victim, other = pid_of(first), pid_of(second)
    os.kill(victim, signal.SIGKILL)
    supervisor.wait_for("first is ready", count=2)
    assert "first ended unexpectedly (signal SIGKILL)" in supervisor.text
    assert "SIGINT is default" in supervisor.text, "the last lines of its log are shown"
    assert pid_of(first) != victim
    assert pid_of(second) == other
    assert supervisor.stop() == 0
    assert supervisor.orphans() == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_ends_everything_cleanly(start: Callable[..., Running], number: int) -> None:
    """Started with SIGINT ignored, as a shell starts a background job; the servers get it back."""
    supervisor = start(server("web", child=True), ignore_sigint=True, grace=10.0)
    supervisor.wait_for("All ready")
    log = supervisor.logs / "web.log"
    sleeper = int(re.search(r"child (\d+)", log.read_text()).group(1))  # type: ignore[union-attr]
    began = time.monotonic()
    assert supervisor.stop(number) == 0
    assert time.monotonic() - began < 4.5, "SIGINT was enough; nobody had to wait for SIGTERM"
    assert "SIGINT is default: True" in log.read_text()
    assert "interrupted" in log.read_text()
    assert not runs(sleeper), "also what started a session of its own"
    assert supervisor.orphans() == []


def test_who_ignores_signals_is_killed(start: Callable[..., Running]) -> None:
    supervisor = start(server("stubborn", stubborn=True, child=True), server("polite"), grace=1.0)
    supervisor.wait_for("All ready")
    assert supervisor.stop() == 0
    assert supervisor.orphans() == []


def test_children_of_a_dead_server_are_ended_before_it_starts_again(start: Callable[..., Running]) -> None:
    """Also what it had started between two looks, which are seconds apart: the last one is when it is ready."""
    spec = server("web", child=True, delay=1.0)
    supervisor = start(spec)
    supervisor.wait_for("web is ready")
    sleeper = int(re.search(r"child (\d+)", (supervisor.logs / "web.log").read_text()).group(1))  # type: ignore[union-attr]
    os.kill(pid_of(spec), signal.SIGKILL)
    supervisor.wait_for("web is ready", count=2)
    assert not runs(sleeper)
    assert supervisor.stop() == 0
    assert supervisor.orphans() == []


def test_who_always_fails_is_given_up_and_the_others_go_on(start: Callable[..., Running]) -> None:
    good = server("good")
    supervisor = start(server("bad", fail=True), good)
    supervisor.wait_for("bad is given up after 2 restarts")
    assert supervisor.text.count("a reason to die") == 3
    assert pid_of(good)
    assert supervisor.stop() == 0


def test_no_server_left_is_a_failure(start: Callable[..., Running]) -> None:
    supervisor = start(server("bad", fail=True), {**server("missing"), "argv": ["/does/not/exist"]})
    assert supervisor.process.wait(PATIENCE) == 1
    assert "missing cannot be started" in supervisor.text


def test_slow_server_is_reported_and_waited_for(start: Callable[..., Running]) -> None:
    supervisor = start({**server("ill", status=503), "ready_timeout": 0.3})
    supervisor.wait_for(r"ill is not ready after 0 s; still waiting. Its log: .*ill\.log")
    assert "ill is ready" not in supervisor.text
    assert supervisor.stop() == 0


def test_a_service_waits_for_those_it_needs(start: Callable[..., Running]) -> None:
    needed, user = server("needed"), {**server("user"), "after": ["needed"]}
    supervisor = start(user, needed)
    supervisor.wait_for("All ready")
    assert supervisor.text.index("needed is ready") < supervisor.text.index("user is ready")


def test_port_in_use_is_said_before_anything_starts(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        first = Service("first", ["/bin/true"], {})
        second = Service("web", ["/bin/true"], {}, port=port, port_setting="F1_DASHBOARD_PORT")
        with pytest.raises(PortInUse, match=rf"Port {port}.*web.*process {os.getpid()}.*F1_DASHBOARD_PORT"):
            Supervisor([first, second], tmp_path, backoff=()).run()
    assert port_holder("127.0.0.1", port) is None
    assert list(tmp_path.iterdir()) == []
    assert psutil.Process().children() == []


def test_two_services_with_one_port_or_name_are_refused(tmp_path: Path) -> None:
    port = free_port()
    pair = [Service(name, [], {}, port=port, port_setting="F1_X") for name in ("a", "b")]
    with pytest.raises(PortInUse, match=f"a and b both want port {port}"):
        Supervisor(pair, tmp_path).run()
    with pytest.raises(ValueError, match="same name"):
        Supervisor([Service("a", [], {}), Service("a", [], {})], tmp_path).run()
    with pytest.raises(ValueError, match="unknown services"):
        Supervisor([Service("a", [], {}, after=["b"])], tmp_path).run()


def test_unix_socket_is_probed(tmp_path: Path) -> None:
    path = tmp_path / "s"
    assert not is_ready(f"unix:{path}")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        assert is_ready(f"unix:{path}")


def test_large_log_moves_away(tmp_path: Path) -> None:
    with open_log(tmp_path, "web") as log:
        log.write(b"x\n" * LOG_BYTES)
    with open_log(tmp_path, "web") as log:
        log.write(b"fresh\n")
    assert tail(tmp_path / "web.log") == ["fresh"]
    assert (tmp_path / "web.log.1").stat().st_size > LOG_BYTES
    assert tail(tmp_path / "none.log") == []


def test_the_servers_of_the_product(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings()
    groups = services(settings, tmp_path)
    found = {service.name: service for group in groups.values() for service in group}
    assert list(groups) == ["dashboard", "api", "dagster", "metrics", "mlflow"]
    names = ["dashboard", "api", "dagster-code", "dagster", "dagster-daemon", "metrics", "mlflow"]
    assert list(found) == names
    for service in found.values():
        assert service.env["F1_HOME"] == str(settings.home)
        assert service.host == "127.0.0.1"
    for name, attribute in (
        ("dashboard", "dashboard_port"),
        ("api", "api_port"),
        ("dagster", "dagster_port"),
        ("metrics", "metrics_port"),
        ("mlflow", "mlflow_port"),
    ):
        assert found[name].port == getattr(settings, attribute)
        assert found[name].port_setting == f"F1_{attribute.upper()}"
        told = [*found[name].argv, found[name].env.get(f"F1_{attribute.upper()}", "")]
        assert str(found[name].port) in " ".join(told)
    assert found["mlflow"].env["MLFLOW_SERVER_ENABLE_JOB_EXECUTION"] == "false"
    assert found["dagster"].env["DAGSTER_HOME"] == str(settings.dagster_home)
    with pytest.raises(NotReady, match="no such server: dash"):
        serve(settings, ["dash"])
    monkeypatch.setenv("F1_MLFLOW_TRACKING_URI", "http://mlflow.example:5000")
    assert services(Settings(), tmp_path)["mlflow"] == []
