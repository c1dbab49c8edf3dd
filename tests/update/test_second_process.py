"""Updates with a second process: the same rows, and nothing is lost whichever of the two fails or is killed."""

from __future__ import annotations

import functools
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
from dagster import DagsterRun, DagsterRunStatus, RunsFilter
from sqlalchemy import text

from f1_pipeline.companion import CompanionGone
from f1_pipeline.dagster_instance import get_instance
from f1_pipeline.dagster_store.abandoned import PROCESS_TAG
from f1_pipeline.runs import UpdateFailed
from f1_pipeline.settings import Settings, get_settings
from f1_pipeline.sources import simulated
from f1_pipeline.storage.engine import write_transaction
from f1_pipeline.update import run_update
from tests.quiet import QUIET
from tests.small_updates import ONCE
from tests.update.world import AFTER_NEXT, MOMENTS, NEWEST, NEXT, Built, both, dump, engine_of, same, use

pytestmark = QUIET
STARTED = DagsterRunStatus.STARTED


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> None:
    """One round later, with a second process."""
    monkeypatch.setattr(simulated, "simulate", functools.partial(ONCE, finished_rounds=9))
    monkeypatch.setenv("F1_PROCESSES", "2")
    get_settings.cache_clear()


def companions() -> list[psutil.Process]:
    """Second processes of this one."""
    found = []
    for child in psutil.Process().children():
        with suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
            if "f1_pipeline.companion" in child.cmdline():
                found.append(child)
    return found


def is_running(process: psutil.Process) -> bool:
    """Whether it is there and alive: whoever gets the children of a killed process may not look at how they ended."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def runs_of(job: str) -> list[DagsterRun]:
    with get_instance() as instance:
        return [run for run in instance.get_runs() if run.job_name == job]


def pid_of(run: DagsterRun) -> int:
    return int(run.tags[PROCESS_TAG].split("/")[1])


def without_moments(tables: dict[str, Any]) -> dict[str, Any]:
    """Tables without the columns that say when, and in which MLflow run, rows were made."""
    kept = {}
    for name, frame in tables.items():
        if name == "data_loads":
            continue
        moments = [
            column
            for column in frame.columns
            if column.endswith("_at") or column in ("mlflow_run_id", *MOMENTS.get(name, []))
        ]
        kept[name] = frame.drop(columns=moments)
    return kept


@both
def test_the_rows_are_those_of_one_process(
    home: Settings, on: str, built: Built, tmp_path: Path, later: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    report = run_update(home, told.append)
    assert report.next_race == AFTER_NEXT
    here, beside = (runs_of(f"forecast_{horizon}")[0] for horizon in ("pre_weekend", "pre_race"))
    assert pid_of(here) == psutil.Process().pid != pid_of(beside)
    assert here.is_success
    assert beside.is_success
    assert not psutil.pid_exists(pid_of(beside)), "it ends with the update"
    begun, done = (
        [number for number, line in enumerate(told) if line.startswith("train") and line.endswith(ending)]
        for ending in ("...", "s")
    )
    assert len(begun) == len(done) == 2
    assert max(begun) < min(done), "both at once"
    if on == "postgresql":
        return  # whose rows are those of the file in any update: test_update_on_postgres

    together = dump(home)
    shutil.copytree(built.home, tmp_path / "alone", ignore=shutil.ignore_patterns("mlflow-artifacts"))
    monkeypatch.setenv("F1_PROCESSES", "1")
    alone = use(monkeypatch, tmp_path / "alone")
    run_update(alone, lambda line: None)
    same(without_moments(dump(alone)), without_moments(together))


def test_a_failure_of_the_second_process_is_told_and_the_first_finishes(home: Settings, later: None) -> None:
    refuse = (
        "CREATE TRIGGER refuse BEFORE INSERT ON predictions WHEN NEW.horizon = 'pre_race'"
        " BEGIN SELECT RAISE(ABORT, 'not on a Sunday'); END"
    )
    with write_transaction(engine_of(home)) as connection:
        connection.execute(text(refuse))
    with pytest.raises(UpdateFailed, match=r"predictions/pre_race: .*not on a Sunday"):
        run_update(home, lambda line: None)
    assert not companions()
    made = dump(home, "predictions")["predictions"]
    assert AFTER_NEXT in set(made.query("horizon == 'pre_weekend'")["race_key"]), "what was finished stays"
    assert NEXT not in set(made.query("horizon == 'pre_race'")["race_key"])


def test_a_second_process_that_is_killed_holds_up_nobody(home: Settings, later: None) -> None:
    """As the system does it where memory is short."""

    def kill_in_its_stage() -> None:
        deadline = time.monotonic() + 120
        with get_instance() as instance:
            while time.monotonic() < deadline:
                for run in instance.get_runs(RunsFilter(job_name="forecast_pre_race", statuses=[STARTED])):
                    psutil.Process(pid_of(run)).kill()
                    return
                time.sleep(0.05)

    killer = threading.Thread(target=kill_in_its_stage)
    killer.start()
    with pytest.raises(CompanionGone, match=r"in the middle of a stage \(signal SIGKILL\).*F1_PROCESSES=1"):
        run_update(home, lambda line: None)
    killer.join()
    assert runs_of("forecast_pre_weekend")[0].is_success
    report = run_update(home, lambda line: None)
    assert report.next_race == AFTER_NEXT
    assert [run.status.value for run in runs_of("forecast_pre_race")][:2] == ["SUCCESS", "FAILURE"]
    assert NEXT in set(dump(home, "model_accuracy")["model_accuracy"]["race_key"])
    assert run_update(home, lambda line: None).idle


FIRST = """
import signal

from f1_pipeline.automation.plan import KeyRange
from f1_pipeline.runs import Report, forecast, open_runs
from f1_pipeline.storage.engine import UpdateLock
from f1_pipeline.turn import Turn

signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell in the background has it ignored
race = KeyRange("RACE", "RACE")
with open_runs(Report("", "", None), print, Turn(UpdateLock())) as runs:
    runs.both(*([forecast(horizon, race, remake=True)] for horizon in ("pre_weekend", "pre_race")))
"""


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_the_second_process_ends_with_the_first(home: Settings, later: None, how: signal.Signals) -> None:
    """It has no turn of its own: whoever comes next would write beside it."""
    known = len(runs_of("forecast_pre_race"))
    first = subprocess.Popen(
        [sys.executable, "-c", FIRST.replace("RACE", NEWEST)], env=os.environ, start_new_session=True
    )
    second = None
    deadline = time.monotonic() + 120
    while second is None and time.monotonic() < deadline:
        time.sleep(0.05)
        runs = runs_of("forecast_pre_race")
        if len(runs) > known and runs[0].status.value == "STARTED":
            second = psutil.Process(pid_of(runs[0]))
    assert second is not None
    assert second.ppid() == first.pid
    first.send_signal(how)
    assert first.wait(30) != 0
    deadline = time.monotonic() + 10
    while is_running(second) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not is_running(second)
    status = runs_of("forecast_pre_race")[0].status.value
    if how == signal.SIGINT:
        assert status in ("FAILURE", "CANCELED"), "Dagster's history says that it was ended"
    else:
        assert status == "STARTED", "as of any process that was killed: who comes next finds it"
