"""The list of servers: dashboard, API, Dagster (code server, webserver, daemon), metrics and MLflow.

Dagster's code is loaded once, in a code server that the webserver and the daemon share; left to themselves
each starts its own, and the definitions are imported twice and kept in memory twice.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from f1_pipeline.dagster_instance import dagster_environment, get_instance
from f1_pipeline.dagster_store.abandoned import fail_abandoned_runs
from f1_pipeline.dagster_store.environment import LOCATION
from f1_pipeline.errors import NotReady
from f1_pipeline.serve.supervisor import Service, Supervisor
from f1_pipeline.settings import ROOT, Settings


def serve(settings: Settings, only: list[str] | None = None) -> int:
    """Run the servers until Ctrl-C; 0 after a clean stop, 1 when none could be kept alive.

    ``only`` names groups to run: ``dashboard``, ``api``, ``dagster``, ``metrics``, ``mlflow``; all of them when None.

    Raises:
        PortInUse: a port is taken; nothing was started.
        NotReady: Dagster has no configuration, or ``only`` names something that is not there.
    """
    # The socket and workspace of this start lie in a directory of its own: a second `f1 serve` that finds its
    # ports taken must not touch what the first one uses. In /tmp, since a socket's path has 107 bytes at most.
    with tempfile.TemporaryDirectory(prefix="f1-serve-") as scratch:
        groups = services(settings, Path(scratch))
        if unknown := set(only or ()) - set(groups):
            raise NotReady(f"no such server: {', '.join(sorted(unknown))}; there are {', '.join(groups)}")
        chosen = [
            service for name, group in groups.items() if only is None or name in only for service in group
        ]
        supervisor = Supervisor(chosen, settings.logs_dir)
        supervisor.check()
        if only is None or "dagster" in only:
            write_workspace(Path(scratch))
            _fail_abandoned_runs()
        if only is None or "mlflow" in only:
            _make_mlflow_file(settings)
        return supervisor.run()


def services(settings: Settings, scratch: Path) -> dict[str, list[Service]]:
    """The servers by group; MLflow's group is empty when the tracking address is a server elsewhere.

    ``scratch`` holds the socket of the code server and the workspace file while they run.
    """
    settings.artifacts_dir.mkdir(parents=True, exist_ok=True)
    return {
        "dashboard": [_dashboard(settings)],
        "api": [_api(settings)],
        "dagster": _dagster(settings, scratch),
        "metrics": [_metrics(settings)],
        "mlflow": [] if settings.tracking_uri.startswith(("http:", "https:")) else [_mlflow(settings)],
    }


def _environment(settings: Settings, **more: str) -> dict[str, str]:
    # F1_HOME explicitly: a child in another directory would read another .env. Unbuffered, so that the last
    # words of a server that dies are in its log.
    return {**os.environ, "F1_HOME": str(settings.home), "PYTHONUNBUFFERED": "1", **more}


def _reachable(host: str) -> str:
    """The address to open in a browser for a server that binds to ``host``."""
    if host in ("0.0.0.0", "::"):  # noqa: S104 - compared, not bound
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host


def _dashboard(settings: Settings) -> Service:
    url = f"http://{_reachable(settings.host)}:{settings.dashboard_port}"
    app = ROOT / "f1_app" / "dashboard" / "app.py"
    options = {
        "server.address": settings.host,
        "server.port": settings.dashboard_port,
        "server.headless": "true",
        "server.fileWatcherType": "none",
        "browser.gatherUsageStats": "false",
    }
    return Service(
        name="dashboard",
        argv=[sys.executable, "-m", "streamlit", "run", str(app), *_flags(options)],
        env=_environment(settings),
        cwd=ROOT,
        url=url,
        ready_url=f"{url}/_stcore/health",
        host=settings.host,
        port=settings.dashboard_port,
        port_setting="F1_DASHBOARD_PORT",
    )


def _api(settings: Settings) -> Service:
    url = f"http://{_reachable(settings.host)}:{settings.api_port}"
    options = {
        "host": settings.host,
        "port": settings.api_port,
        "log-level": settings.log_level.lower(),
        "timeout-graceful-shutdown": 5,
    }
    return Service(
        name="api",
        argv=[
            *(sys.executable, "-m", "uvicorn", "--factory", "f1_app.api.app:create_app"),
            *_flags(options),
            # Whom to believe about a client is a setting of the app; who asked for what is nobody's business.
            *("--no-proxy-headers", "--no-server-header", "--no-access-log"),
        ],
        env=_environment(settings),
        url=f"{url}/api/v1/health",
        # Alive, not ready: before the first update it has nothing to answer with, and that is no fault of its own.
        ready_url=f"{url}/health/live",
        host=settings.host,
        port=settings.api_port,
        port_setting="F1_API_PORT",
    )


def _flags(options: Mapping[str, object]) -> list[str]:
    return [f"--{name}={value}" for name, value in options.items()]


def _dagster(settings: Settings, scratch: Path) -> list[Service]:
    environment = {**_environment(settings), **dagster_environment()}
    if settings.automation == "auto":
        environment["F1_AUTOMATION"] = "on"
    socket, workspace = scratch / "code.sock", scratch / "workspace.yaml"
    url = f"http://{_reachable(settings.host)}:{settings.dagster_port}"
    code = "dagster-code"
    form = ("--log-format", "json") if settings.log_format == "json" else ()
    return [
        Service(
            name=code,
            argv=[
                *(sys.executable, "-m", "dagster", "api", "grpc", "--socket", str(socket)),
                *("--module-name", f"{LOCATION}.definitions", "--working-directory", str(ROOT)),
                # Without it runs would be started with whatever `dagster` is first on the PATH.
                *("--location-name", LOCATION, "--use-python-environment-entry-point"),
                *form,
            ],
            env=environment,
            cwd=ROOT,
            ready_url=f"unix:{socket}",
        ),
        Service(
            name="dagster",
            argv=[
                *(sys.executable, "-m", "dagster_webserver", "--workspace", str(workspace)),
                *("--host", settings.host, "--port", str(settings.dagster_port), *form),
            ],
            env=environment,
            cwd=ROOT,
            url=url,
            ready_url=f"{url}/server_info",
            host=settings.host,
            port=settings.dagster_port,
            port_setting="F1_DAGSTER_PORT",
            after=[code],
        ),
        Service(
            name="dagster-daemon",
            argv=[sys.executable, "-m", "dagster._daemon", "run", "--workspace", str(workspace), *form],
            env=environment,
            cwd=ROOT,
            after=[code],
        ),
    ]


def _metrics(settings: Settings) -> Service:
    url = f"http://{_reachable(settings.host)}:{settings.metrics_port}/metrics"
    return Service(
        name="metrics",
        argv=[sys.executable, "-m", "f1_pipeline.metrics"],
        env={
            **dagster_environment(),
            **_environment(settings, F1_HOST=settings.host, F1_METRICS_PORT=str(settings.metrics_port)),
        },
        url=url,
        ready_url=url,
        host=settings.host,
        port=settings.metrics_port,
        port_setting="F1_METRICS_PORT",
    )


def write_workspace(scratch: Path) -> None:
    """The workspace of the supervised servers: ``workspace.yaml``, but with the code server they share."""
    server = {"socket": str(scratch / "code.sock"), "host": "localhost", "location_name": LOCATION}
    # JSON is YAML.
    content = json.dumps({"load_from": [{"grpc_server": server}]})
    (scratch / "workspace.yaml").write_text(content, encoding="utf-8")


def _fail_abandoned_runs() -> None:
    with get_instance() as instance:
        for run_id in fail_abandoned_runs(instance):
            print(f"Run {run_id} was cut off earlier; it is marked as failed.", flush=True)


def _make_mlflow_file(settings: Settings) -> None:
    """Before its server makes it: one that is ended while it does would leave half a file."""
    if settings.tracking_uri.startswith("sqlite:") and not (settings.home / "mlflow.db").exists():
        # Where that does not work the server does not either, and says why in its log.
        command = [sys.executable, "-m", "f1_pipeline.mlflow_file"]
        subprocess.run(command, env=_environment(settings), check=False)


def _mlflow(settings: Settings) -> Service:
    url = f"http://{_reachable(settings.host)}:{settings.mlflow_port}"
    options = {
        "host": settings.host,
        "port": settings.mlflow_port,
        "default-artifact-root": settings.artifacts_dir.as_uri(),
        "workers": 1,
    }
    return Service(
        name="mlflow",
        # The pipeline writes artefacts to files itself; the server shows them and passes none on.
        argv=[sys.executable, "-m", "mlflow", "server", *_flags(options), "--no-serve-artifacts"],
        # Without jobs: 2 processes and 0.5 GB instead of 15 and 1.9 GB, and no orphans when it ends.
        env=_environment(
            settings,
            # Not on the command line, which every user of the machine can read: it may hold a password.
            MLFLOW_BACKEND_STORE_URI=settings.tracking_uri,
            MLFLOW_SERVER_ENABLE_JOB_EXECUTION="false",
            MLFLOW_DISABLE_TELEMETRY="true",
        ),
        # Whatever MLflow leaves in its current directory belongs to the state, not to the checkout.
        cwd=settings.home,
        url=url,
        ready_url=f"{url}/health",
        ready_timeout=90.0,
        host=settings.host,
        port=settings.mlflow_port,
        port_setting="F1_MLFLOW_PORT",
    )
