"""`f1 doctor`: what a person would check first when something does not work."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version

from f1_pipeline.cli.output import console
from f1_pipeline.errors import F1Error
from f1_pipeline.settings import Settings
from f1_pipeline.snapshot import remembered
from f1_pipeline.storage import migrate

_PACKAGES = (
    "dagster",
    "fastapi",
    "mlflow",
    "pandas",
    "scikit-learn",
    "sqlalchemy",
    "streamlit",
    "xgboost-cpu",
)


def diagnose(settings: Settings) -> int:
    """Run every check and print a line for each; 1 when one of them failed."""
    checks: list[tuple[str, Callable[[Settings], str]]] = [
        ("Python", _python),
        ("packages", _packages),
        ("home", _home),
        ("database", _database),
        ("source", _source),
        ("ports", _ports),
    ]
    failed = 0
    for name, check in checks:
        try:
            console.print(f"[green]ok[/]    {name:<10} {check(settings)}", soft_wrap=True)
        except (F1Error, OSError) as error:
            failed = 1
            console.print(f"[red]wrong[/] {name:<10} {error}", soft_wrap=True)
    return failed


def _python(_: Settings) -> str:
    return sys.version.split()[0]


def _packages(_: Settings) -> str:
    found = []
    for name in _PACKAGES:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            raise F1Error(f"{name} is not installed: run `make install`") from None
    return ", ".join(found)


def _home(settings: Settings) -> str:
    settings.home.mkdir(parents=True, exist_ok=True)
    if not os.access(settings.home, os.W_OK):
        raise F1Error(f"{settings.home} cannot be written to: set F1_HOME")
    return str(settings.home)


def _database(settings: Settings) -> str:
    if settings.database_url is None and not (settings.home / "f1.db").is_file():
        return "none yet: `f1 update` makes it"
    found, wanted = migrate.current(settings.tables_url), migrate.head()
    if found != wanted:
        raise F1Error(f"tables are at revision {found or 'none'}, {wanted} is needed: run `f1 db upgrade`")
    return f"at revision {found}"


def _source(settings: Settings) -> str:
    if settings.f1db_archive is not None and not settings.f1db_archive.is_file():
        raise F1Error(f"F1_F1DB_ARCHIVE names {settings.f1db_archive}, which is not there")
    try:
        snapshot = remembered(settings)
    except F1Error:
        return f"nothing read yet; F1_SOURCE is {settings.source}"
    return f"{snapshot.source} {snapshot.release}"


def _ports(settings: Settings) -> str:
    taken = []
    for name in ("dashboard_port", "api_port", "dagster_port", "metrics_port", "mlflow_port"):
        port = int(getattr(settings, name))
        with socket.socket() as probe:
            probe.settimeout(0.5)
            if probe.connect_ex((settings.host, port)) == 0:
                taken.append(f"{port} (F1_{name.upper()})")
    if taken:
        return f"in use, by a running `f1 serve` or something else: {', '.join(taken)}"
    return "free"
