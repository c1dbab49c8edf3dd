"""Secrets stay secrets: no log, error, report or command line shows one; and nothing is un-pickled from a store."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import SecretStr

from f1_pipeline.errors import RegistryUnavailable
from f1_pipeline.registry import Registry
from f1_pipeline.secrecy import passwords, without_passwords, without_secrets
from f1_pipeline.serve.services import services
from f1_pipeline.settings import ROOT, Settings, get_settings

SECRET = "hunter2-very-secret"
ADDRESS = f"postgresql+{{driver}}://somebody:{SECRET}@127.0.0.1:1/f1"
"""Nobody listens there: what is tried fails, and is reported."""


def with_secrets(home: Path) -> dict[str, str]:
    """The environment of a process in which everything that can be a secret is one."""
    found = {
        f"F1_{name.upper()}": SECRET
        for name, field in Settings.model_fields.items()
        if "SecretStr" in str(field.annotation)
    }
    assert len(found) >= 7
    return {
        **os.environ,
        **found,
        "F1_HOME": str(home),
        "F1_SOURCE": "simulated",
        "F1_DATABASE_URL": ADDRESS.format(driver="psycopg"),
        "F1_MLFLOW_TRACKING_URI": ADDRESS.format(driver="psycopg2"),
        "F1_FAILURE_WEBHOOK": f"http://127.0.0.1:1/{SECRET}",
        "F1_LOG_LEVEL": "DEBUG",
    }


@pytest.mark.parametrize(
    "command",
    [
        "status",
        "update",
        "doctor",
        "db upgrade",
        "db roles",
        "forecast",
        "predictions --start-season 2026 --end-season 2026",
    ],
)
def test_a_command_that_fails_shows_no_secret(command: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [str(Path(sys.executable).with_name("f1")), *command.split()],
        env=with_secrets(tmp_path),
        capture_output=True,
        text=True,
        check=False,
    )
    said = done.stdout + done.stderr
    assert done.returncode == 1
    assert "Traceback" not in said
    assert "127.0.0.1" in said, "it has to say who does not answer"
    assert SECRET not in said
    for path in (path for path in tmp_path.rglob("*") if path.is_file()):
        assert SECRET.encode() not in path.read_bytes(), path


def test_settings_show_no_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in with_secrets(tmp_path).items():
        monkeypatch.setenv(name, value)
    get_settings.cache_clear()
    settings = get_settings()
    secrets = [value for value in vars(settings).values() if isinstance(value, SecretStr)]
    assert len(secrets) >= 7
    shown = " ".join(map(repr, secrets)) + " ".join(map(str, secrets))
    assert SECRET not in shown


@pytest.mark.parametrize(
    ("address", "found"),
    [
        ("postgresql+psycopg://f1:simple@db/f1", ["simple"]),
        (
            "postgresql+psycopg://f1:ab/cd+EF#g?h@db/f1",
            ["ab/cd+EF#g?h"],
        ),  # as `openssl rand -base64` makes them
        ("postgresql+psycopg://f1:[half@db/f1", ["[half"]),
        ("http://f1:first@second@host:5000", ["first@second", "first", "second"]),
        ("http://f1:col:on@host", ["col:on"]),
        ("http://f1@host:5000/path", []),
        ("http://host:5000/path", []),
        ("sqlite:////var/lib/f1.db", []),
    ],
)
def test_passwords_of_an_address(address: str, found: list[str]) -> None:
    """One that the standard library does not take for a password was in every line of the log, or ended each of them."""
    assert list(dict.fromkeys(passwords(address))) == found
    shown = without_passwords(address)
    assert shown == (address.replace(f":{found[0]}@", ":***@") if found else address)
    settings = Settings(database_url=address)
    line = without_secrets(settings, f"cannot reach {address}")
    assert not any(piece in line for piece in found)
    assert "host" in line or "db" in line


def test_mlflow_that_is_away_is_named_without_its_password(tmp_path: Path) -> None:
    registry = Registry(ADDRESS.format(driver="psycopg2"), tmp_path)
    with pytest.raises(RegistryUnavailable) as error:
        registry.require()
    assert SECRET not in str(error.value)
    assert "somebody:***@127.0.0.1:1/f1" in str(error.value)


def test_no_command_line_of_a_server_has_a_password(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in with_secrets(tmp_path).items():
        monkeypatch.setenv(name, value)
    get_settings.cache_clear()
    groups = services(get_settings(), tmp_path)
    started = [service for group in groups.values() for service in group]
    assert {"mlflow", "dashboard", "dagster-daemon"} <= {service.name for service in started}
    for service in started:
        assert SECRET not in " ".join(service.argv), service.name


UNPICKLES = {"pickle", "cPickle", "cloudpickle", "dill", "joblib", "shelve", "marshal"}


def test_nothing_is_unpickled() -> None:
    """Loading a pickle runs whatever is in it. Models are skops with a closed list of types, or UBJSON."""
    for path in [*(ROOT / "f1_pipeline").rglob("*.py"), *(ROOT / "f1_app").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names: list[str] = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            elif isinstance(node, ast.Attribute):
                names = [node.attr] if node.attr in ("read_pickle", "unsafe_load") else []
            used = {name.split(".")[0] for name in names} & (UNPICKLES | {"read_pickle", "unsafe_load"})
            assert not used, (path, used)


def test_statements_are_bound_not_pasted() -> None:
    """A statement in words is a constant; what comes from outside goes to the driver beside it."""
    seen = 0
    for path in [*(ROOT / "f1_pipeline").rglob("*.py"), *(ROOT / "f1_app").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            name = getattr(node.func, "id", None) or getattr(node.func, "attr", None)
            if name in ("text", "exec_driver_sql", "literal_column"):
                seen += 1
                pasted = isinstance(node.args[0], ast.JoinedStr | ast.BinOp)
                assert not pasted, f"{path}:{node.lineno}: a statement is put together from text"
    assert seen > 5
