"""`make clean-state`: what it removes, and that it leaves alone what is in use."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from f1_pipeline.clean_state import clean, main, users_of
from f1_pipeline.errors import NotReady
from f1_pipeline.settings import ROOT, get_settings
from f1_pipeline.turn import alone

KEPT = {"notes.txt", "limits", "update.lock"}


@pytest.fixture
def home() -> Path:
    home = get_settings().home
    for name in ("f1.db", "f1.db-wal", "mlflow.db", "backfill.json", "notes.txt"):
        home.mkdir(parents=True, exist_ok=True)
        (home / name).write_text("x")
    for name in ("dagster/history", "mlflow-artifacts/1", "downloads", "http-cache", "logs", "limits"):
        (home / name).mkdir(parents=True)
        (home / name / "file").write_text("x")
    return home


def _held(home: Path) -> set[str]:
    return {path.name for path in home.iterdir()}


def test_everything_that_an_update_made_is_removed(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    clean(home, asks=False)
    assert _held(home) == KEPT
    said = capsys.readouterr().out
    assert "backfill.json" in said
    assert said.endswith("Removed.\n")


@pytest.mark.parametrize(("answer", "removed"), [("yes\n", True), ("y\n", False), ("", False)])
def test_it_asks(home: Path, monkeypatch: pytest.MonkeyPatch, answer: str, removed: bool) -> None:
    before = _held(home)
    monkeypatch.setattr("sys.stdin", io.StringIO(answer))
    monkeypatch.setattr("sys.argv", ["clean_state"])
    if removed:
        main()
        assert _held(home) == KEPT
    else:
        with pytest.raises(SystemExit, match="Nothing was removed"):
            main()
        assert _held(home) - {"update.lock"} == before


def test_not_while_an_update_runs(home: Path) -> None:
    before = _held(home)
    with alone(get_settings(), print), pytest.raises(NotReady, match=r"is running\. Nothing was removed"):
        clean(home, asks=False)
    assert before <= _held(home)
    clean(home, asks=False)


@contextmanager
def _server(home: Path) -> Iterator[int]:
    """As the supervisor starts one, with its output in a log; it says when it is there."""
    command = [sys.executable, "-c", "import sys, time; sys.stderr.write('.'); time.sleep(600)"]
    with (home / "logs" / "api.log").open("ab") as log:
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.PIPE)
    assert process.stderr is not None
    process.stderr.read(1)
    try:
        yield process.pid
    finally:
        process.kill()
        process.wait()
        process.stderr.close()


def test_not_while_a_server_runs(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = _held(home)
    with _server(home) as pid:
        with pytest.raises(
            NotReady, match=rf"in use by .*\(process {pid}\): end that first. Nothing was removed"
        ):
            clean(home, asks=False)
        assert before <= _held(home)
        (home.parent / "another").mkdir()
        assert users_of(home.parent / "another") == []
    clean(home, asks=False)
    assert _held(home) == KEPT


def test_a_server_that_starts_while_it_is_asked(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with _server(home) as pid:
        looks = iter([[], [f"api (process {pid})"]])
        monkeypatch.setattr("f1_pipeline.clean_state.users_of", lambda _: next(looks))
        with pytest.raises(NotReady, match="in use by api"):
            clean(home, asks=False)
    assert (home / "f1.db").exists()


def test_what_is_no_state_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    clean(tmp_path / "nowhere", asks=False)
    assert "There is no state" in capsys.readouterr().out
    (tmp_path / "downloads").mkdir()
    with pytest.raises(NotReady, match="does not look like the state"):
        clean(tmp_path, asks=False)
    assert _held(tmp_path) == {"downloads"}


def test_make_does_it(home: Path) -> None:
    """The target of the Makefile, without the installation that it stands on."""
    command = ["make", "--silent", "--assume-old=.venv/.installed", f"PYTHON={sys.executable}", "clean-state"]
    refused = subprocess.run(
        command, cwd=ROOT, env=dict(os.environ), input="", capture_output=True, text=True, check=False
    )
    assert refused.returncode != 0
    assert "Nothing was removed." in refused.stderr
    assert (home / "f1.db").exists()
    done = subprocess.run(
        [*command, "YES=1"], cwd=ROOT, env=dict(os.environ), capture_output=True, text=True, check=True
    )
    assert done.stdout.endswith("Removed.\n")
    assert not (home / "f1.db").exists()
