"""Writes that fail, are killed or meet another writer: all of them or nothing."""

from __future__ import annotations

import signal
import subprocess
import sys

import pandas as pd
import pytest
from sqlalchemy import Engine, insert
from sqlalchemy.exc import IntegrityError

from f1_pipeline.storage import schema
from f1_pipeline.storage.engine import write_transaction
from f1_pipeline.storage.records import to_records
from f1_pipeline.storage.writes import replace_races
from tests.storage.small_rows import ALPHA, BETA, STANDINGS, load, loads, points_of, standings, stored


def test_a_row_that_the_database_refuses_leaves_the_old_rows(engine: Engine) -> None:
    both = [ALPHA, BETA]
    replace_races(engine, STANDINGS, standings(*both), both, load=load(alphaland="a", betaland="b"))
    before, recorded = stored(engine), loads(engine)
    bad = standings(*both, points=1.0)
    bad.loc[len(bad) - 1, "driver_id"] = None
    with pytest.raises(IntegrityError):
        replace_races(engine, STANDINGS, bad, both, load=load(alphaland="a2", betaland="b2"))
    pd.testing.assert_frame_equal(stored(engine), before)
    assert loads(engine) == recorded
    written = replace_races(
        engine, STANDINGS, standings(*both, points=2.0), both, load=load(alphaland="a2", betaland="b2")
    )
    assert written.changed == (ALPHA, BETA)


def test_an_unknown_race_leaves_the_old_rows(engine: Engine) -> None:
    replace_races(engine, STANDINGS, standings(ALPHA), [ALPHA])
    with pytest.raises(IntegrityError):
        replace_races(engine, STANDINGS, standings(ALPHA, "2026-nowhere"), [ALPHA, "2026-nowhere"])
    assert points_of(engine) == {ALPHA: [25.0] * 3}


def test_an_interrupt_leaves_the_old_rows(engine: Engine) -> None:
    replace_races(engine, STANDINGS, standings(ALPHA), [ALPHA])

    def interrupted() -> None:
        with write_transaction(engine) as connection:
            connection.execute(STANDINGS.delete())
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert points_of(engine) == {ALPHA: [25.0] * 3}


KILLED = """
import os, signal, sys
import pandas as pd
from sqlalchemy import event
from f1_pipeline.storage import schema
from f1_pipeline.storage.engine import get_engine
from f1_pipeline.storage.writes import Load, replace_races

url, race, at = sys.argv[1:]
engine, deleted = get_engine(url), []

@event.listens_for(engine, "before_cursor_execute")
def kill(connection, cursor, statement, parameters, context, executemany):
    if statement.startswith("DELETE FROM driver_standings"):
        deleted.append(statement)
    if deleted and statement.startswith("INSERT INTO " + at):
        gone = connection.exec_driver_sql("SELECT count(*) FROM driver_standings").scalar()
        print("rows inside:", gone, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)

frame = pd.DataFrame(
    {"race_key": race, "display_order": [1, 2], "driver_id": ["x", "y"], "position_text": "1", "points": 1.0}
)
replace_races(engine, schema.driver_standings, frame, [race], load=Load("f1db", "r", {race: "new"}))
print("not killed")
"""


@pytest.mark.parametrize(("at", "inside"), [("driver_standings", 3), ("data_loads", 5)])
def test_a_process_killed_in_the_middle_leaves_the_old_rows(engine: Engine, at: str, inside: int) -> None:
    """SIGKILL after the old rows of the race are deleted: before the new ones, and before the load record."""
    both = [ALPHA, BETA]
    replace_races(engine, STANDINGS, standings(*both), both, load=load(alphaland="a", betaland="b"))
    before, recorded = stored(engine), loads(engine)
    url = engine.url.render_as_string(hide_password=False)
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, url, ALPHA, at],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert killed.stdout == f"rows inside: {inside}\n"  # it was in the middle, the old rows were gone for it
    pd.testing.assert_frame_equal(stored(engine), before)
    assert loads(engine) == recorded
    # Nothing is locked or half done: the next write goes through.
    written = replace_races(
        engine, STANDINGS, standings(ALPHA, points=7.0), [ALPHA], load=load(alphaland="new")
    )
    assert written.changed == (ALPHA,)
    assert points_of(engine) == {ALPHA: [7.0] * 3, BETA: [25.0] * 3}


WRITER = """
import sys
import pandas as pd
from f1_pipeline.storage import schema
from f1_pipeline.storage.engine import get_engine
from f1_pipeline.storage.models import add_version
from f1_pipeline.storage.writes import Load, replace_races
import datetime as dt

url, race, name = sys.argv[1:]
engine = get_engine(url)
engine.connect().close()
print("ready", flush=True)
sys.stdin.readline()
for number in range(10):
    drivers = [f"{name}-{place}" for place in range(30)]
    frame = pd.DataFrame(
        {"race_key": race, "display_order": range(1, 31), "driver_id": drivers, "position_text": "1", "points": 1.0}
    )
    replace_races(engine, schema.driver_standings, frame, [race], load=Load("f1db", name, {race: f"{name}-{number}"}))
    add_version(engine, {
        "name": "linear", "horizon": "pre_race", "type": "t", "race_key": race, "trained_at": dt.datetime.now(dt.UTC),
        "data_cutoff": dt.datetime.now(dt.UTC), "trained_through": race, "training_hash": name, "training_rows": 1,
        "hyperparameters": {}, "metrics": {},
    })
"""


def test_two_processes_that_write_the_same_race(engine: Engine) -> None:
    url = engine.url.render_as_string(hide_password=False)
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, url, ALPHA, name],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for name in ("left", "right")
    ]  # fmt: skip
    for writer in writers:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write("go\n")
        writer.stdin.flush()
    errors = [writer.communicate(timeout=60)[1] for writer in writers]
    assert [writer.returncode for writer in writers] == [0, 0], errors
    rows = stored(engine)
    assert len(rows) == 30
    assert rows["driver_id"].str.split("-").str[0].nunique() == 1
    recorded = loads(engine)
    assert len(recorded) == 20
    # The newest record is the one of the rows that are there.
    assert recorded[-1][2].split("-")[0] == rows["driver_id"].iloc[0].split("-")[0]
    versions = stored(engine, schema.models)["version"].tolist()
    assert sorted(versions) == list(range(1, 21))


def test_a_reader_sees_all_of_a_write_or_nothing(engine: Engine) -> None:
    replace_races(engine, STANDINGS, standings(ALPHA), [ALPHA])
    with write_transaction(engine) as connection:
        connection.execute(STANDINGS.delete())
        assert points_of(engine) == {ALPHA: [25.0] * 3}
        connection.execute(insert(STANDINGS), to_records(STANDINGS, standings(ALPHA, points=9.0, drivers=1)))
        assert points_of(engine) == {ALPHA: [25.0] * 3}
    assert points_of(engine) == {ALPHA: [9.0]}
