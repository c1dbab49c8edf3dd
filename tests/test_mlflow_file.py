"""MLflow's file is whole or not there, wherever the process that makes it is killed."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event

from f1_pipeline import mlflow_file
from f1_pipeline.errors import RegistryUnavailable
from f1_pipeline.mlflow_file import make_whole
from f1_pipeline.registry import Registry
from f1_pipeline.serve.services import _make_mlflow_file
from f1_pipeline.settings import get_settings
from f1_pipeline.storage.engine import write_ahead
from tests.quiet import QUIET_MLFLOW

pytestmark = QUIET_MLFLOW


class Killed(BaseException):
    """As a kill, for SQLite: what is not committed is rolled back, and nothing else is done."""


@pytest.fixture(scope="module", autouse=True)
def utils() -> Any:
    """Of MLflow: how it makes its tables."""
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of MLflow's own imports
        import mlflow  # noqa: F401
        from mlflow.store.db import utils
    return utils


@pytest.fixture(autouse=True)
def _made_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mlflow_file, "_make", mlflow_file._make.__wrapped__)  # type: ignore[attr-defined]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "home" / "mlflow.db"


@pytest.fixture
def killed_at(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Has the process killed at a statement, once."""
    state: dict[str, Any] = {"moment": None, "seen": 0, "last": ""}

    def one(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        state["seen"] += 1
        moment = state["moment"]
        if moment == state["seen"] or (isinstance(moment, str) and moment in state["last"]):
            raise Killed
        state["last"] = statement

    def at(moment: int | str | None) -> None:
        """Before the statement of this number, or after the one with this text; None: at none."""
        state.update(moment=moment, seen=0, last="")

    event.listen(Engine, "before_cursor_execute", one)
    yield at
    event.remove(Engine, "before_cursor_execute", one)


def _address(file: Path) -> str:
    return f"sqlite:///{file}"


def _works(file: Path) -> None:
    registry = Registry(_address(file), file.parent / "artifacts")
    registry.require()
    assert registry._experiment("f1-test")
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_killed_while_it_is_made(file: Path, killed_at: Any) -> None:
    for moment in (1, 40, 250, 700):
        killed_at(moment)
        with pytest.raises(Killed):
            make_whole(_address(file))
        assert not file.exists(), moment
    killed_at(None)
    _works(file)
    assert not list(file.parent.glob("*.making*"))


def test_half_a_file_of_an_earlier_version_is_made_anew(file: Path, killed_at: Any, utils: Any) -> None:
    file.parent.mkdir()
    engine = utils.create_sqlalchemy_engine(_address(file))
    killed_at("CREATE TABLE secrets")
    with pytest.raises(Killed):
        utils._initialize_tables(engine)
    killed_at(None)
    with pytest.raises(Exception, match="already exists"):  # what MLflow makes of it
        utils._initialize_tables(engine)
    engine.dispose()
    _works(file)


def test_a_file_with_something_in_it_is_left_alone(file: Path) -> None:
    make_whole(_address(file))
    made = file.stat().st_ino
    make_whole(_address(file))  # complete, and nothing in it yet
    assert file.stat().st_ino == made
    _works(file)
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = 'of another MLflow'")
        connection.commit()
    make_whole(_address(file))
    assert file.stat().st_ino == made


def test_two_that_make_it_at_once(file: Path) -> None:
    threads = [threading.Thread(target=make_whole, args=(_address(file),)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    _works(file)


def test_two_that_open_an_empty_database_server_at_once(new_postgres: Callable[..., str]) -> None:
    """Both horizons of a first update: without a lock one of them found tables that the other was about to make."""
    address = new_postgres().replace("+psycopg:", "+psycopg2:")
    code = (
        "import warnings; warnings.simplefilter('ignore')\n"
        "from f1_pipeline.mlflow_client import connect\n"
        f"print([one.name for one in connect({address!r}).search_experiments()])"
    )
    both = [
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, encoding="utf-8")
        for _ in range(2)
    ]
    assert [one.communicate()[0].strip() for one in both] == ["['Default']"] * 2


def test_the_servers_have_it_made_before_theirs_is_started() -> None:
    settings = get_settings()
    settings.home.mkdir(parents=True)
    _make_mlflow_file(settings)
    _works(settings.home / "mlflow.db")


def test_write_ahead_makes_no_file(file: Path) -> None:
    write_ahead(_address(file))
    assert not file.exists()


def test_a_file_that_cannot_be_made_is_no_answer(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr("mlflow.store.db.utils._initialize_tables", full)
    with pytest.raises(RegistryUnavailable, match="disk is full"):
        Registry(_address(file), file.parent).require()
    assert not file.exists()
