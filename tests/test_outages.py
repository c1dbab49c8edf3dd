"""Stores that are full, locked or away: nothing is half written, and the error says what to do."""

from __future__ import annotations

import errno
import sqlite3
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from sqlalchemy import Engine, event, func, select, text

from f1_app import database as app
from f1_pipeline.cli import main
from f1_pipeline.errors import StoreUnavailable, TransientError, WriteRefused
from f1_pipeline.runs import Report, UpdateFailed, UpdateInterrupted, open_runs
from f1_pipeline.settings import Settings, get_settings
from f1_pipeline.storage import reads, schema
from f1_pipeline.storage.engine import get_engine, write_transaction
from f1_pipeline.storage.migrate import upgrade
from f1_pipeline.storage.outages import outage, outages_named
from f1_pipeline.storage.writes import replace_races
from f1_pipeline.turn import alone
from f1_pipeline.update import run_update
from tests.one_race import RACE, held_ratings, prepare, ratings


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("F1_SOURCE", "simulated")
    get_settings.cache_clear()
    return get_settings()


@pytest.fixture
def tables(tmp_path: Path, migrated_file: Path) -> Engine:
    file = tmp_path / "tables.db"
    file.write_bytes(migrated_file.read_bytes())
    engine = get_engine(f"sqlite:///{file}")
    prepare(engine)
    return engine


# --- disk full -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("pages", [0, 1, 7, 40])
def test_a_full_disk_leaves_the_race_as_it_was(tables: Engine, pages: int) -> None:
    before = held_ratings(tables)
    with tables.connect() as connection:
        held = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
    tables.dispose()

    def limit(connection: Any, _: Any) -> None:
        connection.execute(f"PRAGMA max_page_count={held + pages}")

    event.listen(tables, "connect", limit)
    with pytest.raises(StoreUnavailable, match=r"the disk is full\. Make room"), outages_named():
        replace_races(tables, schema.elo_ratings, ratings(20_000, 1600.0), [RACE])
    pd.testing.assert_frame_equal(held_ratings(tables), before, check_exact=True)
    event.remove(tables, "connect", limit)
    tables.dispose()
    replace_races(tables, schema.elo_ratings, ratings(20_000, 1600.0), [RACE])
    assert len(held_ratings(tables)) == 20_000


def test_an_update_on_a_full_disk_says_so_and_goes_on_later(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_text", full)  # the first file that an update writes: what it found
        with pytest.raises(StoreUnavailable, match="the disk is full"):
            run_update(settings, lambda line: None)
    with alone(settings, lambda line: None):  # the lock was let go of
        assert reads.newest_release(get_engine(settings.tables_url)) == ""


# --- locked ----------------------------------------------------------------------------------------------


def test_tables_that_stay_locked(tables: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    before = held_ratings(tables)
    tables.dispose()
    event.listen(tables, "connect", lambda connection, _: connection.execute("PRAGMA busy_timeout=50"))
    holder = sqlite3.connect(str(tables.url.database), isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailable, match="locked by another program"), outages_named():
        replace_races(tables, schema.elo_ratings, ratings(3, 1.0), [RACE])
    pd.testing.assert_frame_equal(held_ratings(tables), before, check_exact=True)
    holder.execute("ROLLBACK")
    holder.close()
    replace_races(tables, schema.elo_ratings, ratings(3, 1.0), [RACE])
    assert len(held_ratings(tables)) == 3


# --- two writers of one partition ------------------------------------------------------------------------


@pytest.mark.parametrize("on", ["sqlite", "postgresql"])
def test_two_writers_of_one_race_leave_the_rows_of_one(
    on: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    if on == "sqlite":
        engine: Engine = request.getfixturevalue("tables")
    else:
        new: Callable[..., str] = request.getfixturevalue("new_postgres")
        engine = get_engine(new(request.getfixturevalue("migrated_postgres")))
        prepare(engine)
    torn: list[str] = []
    done = threading.Event()

    def write(value: float, size: int) -> None:
        for _ in range(15):
            replace_races(engine, schema.elo_ratings, ratings(size, value), [RACE])

    def look() -> None:
        while not done.is_set():
            rows = held_ratings(engine)
            if (len(rows), *rows["value_before"].unique()) not in ((20, 1500.0), (300, 1.0), (401, 2.0)):
                torn.append(f"{len(rows)} rows of {rows['value_before'].unique()}")

    writers = [threading.Thread(target=write, args=args) for args in ((1.0, 300), (2.0, 401))]
    reader = threading.Thread(target=look)
    for thread in (reader, *writers):
        thread.start()
    for thread in writers:
        thread.join()
    done.set()
    reader.join()
    assert not torn
    assert len(held_ratings(engine)) in (300, 401)
    engine.dispose()


# --- server restarted ------------------------------------------------------------------------------------


def test_a_restart_of_the_server_under_writers_and_readers(
    own_postgres: tuple[list[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    restart, address = own_postgres
    monkeypatch.setenv("F1_DATABASE_URL", address)
    get_settings.cache_clear()
    upgrade(address)
    engine = get_engine(address)
    prepare(engine)
    said: Counter[str] = Counter()
    others: list[BaseException] = []
    done = threading.Event()

    def read() -> None:
        while not done.is_set():
            try:
                with app.reading() as connection:
                    rows = connection.execute(
                        select(
                            func.count(),
                            func.min(schema.elo_ratings.c.value_before),
                            func.max(schema.elo_ratings.c.value_before),
                        )
                    ).one()
                assert rows[0] in (20, 900), rows
                assert rows[1] == rows[2], rows
                said["read"] += 1
            except app.DatabaseUnavailableError as error:
                said[error.problem.value] += 1
                time.sleep(0.01)
            except BaseException as error:
                others.append(error)

    def write() -> None:
        size = 0
        while not done.is_set():
            size = 900 if size == 20 else 20
            try:
                with outages_named():
                    replace_races(engine, schema.elo_ratings, ratings(size, float(size)), [RACE])
                said["written"] += 1
            except StoreUnavailable as error:
                said["refused" if "server went away" in str(error) else str(error)] += 1
                time.sleep(0.01)
            except BaseException as error:
                others.append(error)

    threads = [threading.Thread(target=work) for work in (read, read, write, write)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(2):
            time.sleep(0.5)
            subprocess.run(restart, check=True, stdout=subprocess.DEVNULL, timeout=60)
        held = dict(said)
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline and (
            said["read"] < held.get("read", 0) + 5 or said["written"] < held.get("written", 0) + 5
        ):
            time.sleep(0.05)
    finally:
        done.set()
        for thread in threads:
            thread.join()
    assert not others
    assert said["read"] >= held.get("read", 0) + 5, "readers go on by themselves"
    assert said["written"] >= held.get("written", 0) + 5, "writers too"
    assert said["unreachable"] + said["refused"] > 0, "nobody noticed: the restart was no fault"
    assert set(said) <= {"read", "written", "unreachable", "refused"}, "away, not empty or misconfigured"
    engine.dispose()


def test_an_update_whose_server_went_away_can_be_tried_again(
    own_postgres: tuple[list[str], str], settings: Settings
) -> None:
    restart, address = own_postgres
    chosen = settings.model_copy(update={"database_url": address})
    engine = get_engine(address)

    def interrupted() -> None:
        with alone(chosen, print), write_transaction(engine) as connection:
            connection.execute(text("SELECT 1"))
            subprocess.run(restart, check=True, stdout=subprocess.DEVNULL, timeout=60)
            connection.execute(text("SELECT 1"))

    with pytest.raises(StoreUnavailable, match="the database server went away"):
        interrupted()
    with alone(chosen, print):  # neither lock is left behind
        pass
    engine.dispose()


def test_no_stage_begins_when_the_lock_is_lost(
    own_postgres: tuple[list[str], str], settings: Settings
) -> None:
    """The connection of the lock alone is cut; the database answers all along, so nothing else would notice."""
    chosen = settings.model_copy(update={"database_url": own_postgres[1]})
    engine = get_engine(own_postgres[1])
    report = Report("", "", None)
    with alone(chosen, print) as turn, open_runs(report, print, turn) as runs:
        turn.check()
        with engine.connect() as connection:
            locks = text("SELECT pg_terminate_backend(pid, 5000) FROM pg_locks WHERE locktype = 'advisory'")
            assert connection.execute(locks).scalars().all() == [True]
        with pytest.raises(StoreUnavailable, match=r"went away.*the lock.*run the same command again"):
            runs.run("score", "score", None)
        assert runs.instance.get_runs_count() == 0
        assert report.seconds == {}
        # Another home stands for another machine: it does not wait.
        elsewhere = chosen.model_copy(update={"home": chosen.home / "elsewhere"})
        with alone(elsewhere, lambda line: pytest.fail(line)) as other:
            other.check()
    engine.dispose()


# --- what it is called -----------------------------------------------------------------------------------


def test_other_errors_stay_what_they_are() -> None:
    assert outage("UNIQUE constraint failed: races.race_key") is None
    with pytest.raises(WriteRefused), outages_named():
        raise WriteRefused("the disk is fine; No space left on device is only quoted")
    with pytest.raises(ValueError, match="disk is full"), outages_named():
        raise ValueError("database or disk is full")  # not from a store
    with pytest.raises(OSError, match="Permission"), outages_named():
        raise OSError(errno.EACCES, "Permission denied")
    assert issubclass(UpdateInterrupted, UpdateFailed)
    assert issubclass(UpdateInterrupted, TransientError)


def test_a_command_says_it_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("F1_DATABASE_URL", "postgresql+psycopg://nobody@127.0.0.1:9/none")
    get_settings.cache_clear()
    monkeypatch.setattr("sys.argv", ["f1", "status"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 1
    said = capsys.readouterr().err
    assert "the database server went away or refuses" in said
    assert "Traceback" not in said
