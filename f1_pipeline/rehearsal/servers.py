"""The servers of a rehearsal with the daemon: code server, daemon, and on request the Dagster UI."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from f1_pipeline.dagster_store.environment import LOCATION
from f1_pipeline.errors import F1Error
from f1_pipeline.rehearsal.performance import Tell
from f1_pipeline.serve.children import Child, end_all, open_log, tail
from f1_pipeline.serve.probes import is_ready
from f1_pipeline.serve.services import services, write_workspace
from f1_pipeline.serve.supervisor import Service, Supervisor
from f1_pipeline.settings import Settings

DEFINITIONS = f"{LOCATION}.definitions"
_READY_SECONDS = 180.0


class ServerDied(F1Error):
    """A server of a rehearsal ended, or never became ready; the message has the last lines of its log."""


@contextmanager
def daemon_running(settings: Settings, module: str, ui: bool, tell: Tell) -> Iterator[Callable[[], None]]:
    """Run the servers inside the ``with`` statement; gives a function that raises ``ServerDied`` once one is dead.

    They inherit the environment, and with it the clock. ``module`` holds the definitions.

    Raises:
        PortInUse: the port of the Dagster UI is taken; nothing was started.
        ServerDied: a server did not start.
    """
    logs = settings.logs_dir
    # In /tmp, since a socket's path has 107 bytes at most.
    with tempfile.TemporaryDirectory(prefix="f1-replay-") as scratch:
        code, web, daemon = services(settings, Path(scratch))["dagster"]
        code = replace(code, argv=[module if word == DEFINITIONS else word for word in code.argv])
        workspace = str(Path(scratch) / "workspace.yaml")
        daemon = replace(
            daemon, argv=[sys.executable, "-m", "f1_pipeline.rehearsal.daemon_process", workspace]
        )
        Supervisor([replace(web, after=())] if ui else [], logs).check()
        write_workspace(Path(scratch))
        started: list[Child] = []

        def check() -> None:
            for child in started:
                if child.poll() is not None:
                    raise _died(child.name, logs, f"ended with exit code {child.poll()}")

        try:
            for service in (code, web, daemon) if ui else (code, daemon):
                started.append(_start(service, logs))
                _wait(service, logs, check)
                tell(f"{service.name} is ready" + (f" at {service.url}" if service.url else ""))
            yield check
        finally:
            for child in started:
                if child.process.stdin is not None:
                    child.process.stdin.close()
            end_all(started, 10.0)


def _start(service: Service, logs: Path) -> Child:
    with open_log(logs, service.name) as log:
        process = subprocess.Popen(
            list(service.argv),
            env=dict(service.env),
            cwd=service.cwd,
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    return Child(service.name, process)


def _wait(service: Service, logs: Path, check: Callable[[], None]) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    while service.ready_url is not None and not is_ready(service.ready_url):
        check()
        if time.monotonic() > deadline:
            raise _died(service.name, logs, f"is not ready after {_READY_SECONDS:.0f} s")
        time.sleep(0.1)


def _died(name: str, logs: Path, how: str) -> ServerDied:
    lines = "\n".join(f"    {line}" for line in tail(logs / f"{name}.log"))
    return ServerDied(f"{name} {how}. The last lines of its log:\n{lines}")
