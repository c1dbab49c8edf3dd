"""Writing on SQLite and PostgreSQL: all or nothing, repeatable, and only what was asked for."""

from __future__ import annotations

import datetime as dt
import signal
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import (
    Boolean,
    Column,
    Date,
    Engine,
    Float,
    Integer,
    MetaData,
    String,
    Table,
    func,
    insert,
    select,
    text,
)
from sqlalchemy.exc import IntegrityError, StatementError

from f1_pipeline.errors import WorldsMixed, WriteRefused
from f1_pipeline.storage import reads, schema
from f1_pipeline.storage.engine import get_engine, only_update, write_transaction
from f1_pipeline.storage.models import add_version
from f1_pipeline.storage.records import read_frame, to_records
from f1_pipeline.storage.schema import UtcDateTime
from f1_pipeline.storage.writes import Load, replace_races, upsert_reference

ALPHA, BETA, GAMMA = "2026-alphaland", "2026-betaland", "2026-gammaland"
STANDINGS = schema.driver_standings
NOW = dt.datetime(2026, 3, 8, 4, tzinfo=dt.UTC)


def standings(*races: str, points: float = 25.0, drivers: int = 3) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "race_key": race,
                "display_order": place,
                "driver_id": f"driver-{place}",
                "position": place if place < drivers else None,
                "position_text": str(place),
                "points": points,
            }
            for race in races
            for place in range(1, drivers + 1)
        ]
    ).astype({"position": "Int64"})


def features(race: str, horizon: str, elo: float) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "race_key": race,
                "horizon": horizon,
                "driver_id": f"driver-{number}",
                "constructor_id": "nova",
                "cutoff": NOW,
                "current_elo": elo,
            }
            for number in (1, 2)
        ]
    )


def stored(engine: Engine, table: Table = STANDINGS, **equal: object) -> pd.DataFrame:
    return reads.read_table(engine, table, **equal)


def points_of(engine: Engine) -> dict[str, list[float]]:
    return {str(key): rows["points"].tolist() for key, rows in stored(engine).groupby("race_key")}


def loads(engine: Engine) -> list[tuple[str, str | None, str, int]]:
    table = schema.data_loads
    query = select(table.c.table_name, table.c.race_key, table.c.content_hash, table.c.row_count)
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(query.order_by(table.c.id))]


def load(source: str = "f1db", **hashes: str) -> Load:
    return Load(source, "v2026.1.0", {f"2026-{name}": value for name, value in hashes.items()})


# --- replacing races -------------------------------------------------------------------------------------


def test_replacing_twice_gives_the_same_rows(engine: Engine) -> None:
    frame = standings(ALPHA, BETA)
    written = replace_races(engine, STANDINGS, frame, [ALPHA, BETA])
    assert (written.races, written.changed, written.rows) == (2, (ALPHA, BETA), 6)
    first = stored(engine)
    assert replace_races(engine, STANDINGS, frame, [ALPHA, BETA]) == written
    pd.testing.assert_frame_equal(stored(engine), first)
    assert first["points"].tolist() == [25.0] * 6
    assert loads(engine) == []


def test_other_races_are_untouched(engine: Engine) -> None:
    replace_races(engine, STANDINGS, standings(ALPHA, BETA), [ALPHA, BETA])
    replace_races(engine, STANDINGS, standings(ALPHA, points=18.0, drivers=2), [ALPHA])
    assert points_of(engine) == {ALPHA: [18.0] * 2, BETA: [25.0] * 3}


def test_a_race_without_rows_loses_its_old_ones(engine: Engine) -> None:
    replace_races(engine, STANDINGS, standings(ALPHA, BETA), [ALPHA, BETA])
    replace_races(engine, STANDINGS, standings(BETA, points=1.0), [ALPHA, BETA])
    assert points_of(engine) == {BETA: [1.0] * 3}
    replace_races(engine, STANDINGS, standings(BETA).iloc[:0], [BETA])
    assert points_of(engine) == {}


def test_the_same_race_named_twice_is_one(engine: Engine) -> None:
    assert replace_races(engine, STANDINGS, standings(ALPHA), [ALPHA, ALPHA]).races == 1
    assert len(stored(engine)) == 3


def test_more_races_than_fit_into_one_statement(engine: Engine) -> None:
    keys = [f"2026-race-{number}" for number in range(900)]
    with engine.begin() as connection:
        connection.execute(
            insert(schema.races),
            [
                {
                    "race_key": key, "season": 2026, "grand_prix_id": key, "name": key, "date": NOW.date(),
                    "is_sprint_weekend": False,
                }
                for key in keys
            ],
        )  # fmt: skip
    for points in (1.0, 2.0):
        replace_races(engine, STANDINGS, standings(*keys, points=points, drivers=1), keys)
    assert stored(engine)["points"].tolist() == [2.0] * 900
    assert len(reads.read_table(engine, STANDINGS, keys[5:850])) == 845


def test_what_is_outside_the_scope_is_untouched(engine: Engine) -> None:
    table = schema.feature_matrix
    for horizon, elo in (("pre_weekend", 1500.0), ("pre_race", 1600.0), ("pre_race", 1700.0)):
        replace_races(engine, table, features(ALPHA, horizon, elo), [ALPHA], scope={"horizon": horizon})
    rows = stored(engine, table)
    assert rows.groupby("horizon")["current_elo"].agg(list).to_dict() == {
        "pre_race": [1700.0, 1700.0],
        "pre_weekend": [1500.0, 1500.0],
    }
    replace_races(engine, table, rows.iloc[:0], [ALPHA], scope={"horizon": "pre_race"})
    assert set(stored(engine, table)["horizon"]) == {"pre_weekend"}


@pytest.mark.parametrize("with_load", [False, True])
def test_refused_writes_change_nothing(engine: Engine, with_load: bool) -> None:
    table = schema.feature_matrix
    before = load(alphaland="a") if with_load else None
    replace_races(engine, STANDINGS, standings(ALPHA), [ALPHA], load=before)
    rows, recorded = points_of(engine), loads(engine)
    after = load(alphaland="b", betaland="b") if with_load else None
    with pytest.raises(WriteRefused, match="driver_standings: asked to replace no races"):
        replace_races(engine, STANDINGS, standings(ALPHA).iloc[:0], [], load=after)
    with pytest.raises(WriteRefused, match="no races"):
        replace_races(engine, STANDINGS, standings(ALPHA), [], load=after)
    with pytest.raises(WriteRefused, match=rf"driver_standings: rows of \['{BETA}'\]"):
        replace_races(engine, STANDINGS, standings(ALPHA, BETA, points=1.0), [ALPHA], load=after)
    with pytest.raises(WriteRefused, match="rows outside horizon='pre_weekend'"):
        replace_races(
            engine,
            table,
            features(ALPHA, "pre_race", 1.0),
            [ALPHA],
            scope={"horizon": "pre_weekend"},
            load=after,
        )
    assert points_of(engine) == rows
    assert loads(engine) == recorded
    assert stored(engine, table).empty


# --- hashes ----------------------------------------------------------------------------------------------


def test_the_same_hash_writes_nothing(engine: Engine) -> None:
    replace_races(engine, STANDINGS, standings(ALPHA), [ALPHA], load=load(alphaland="a"))
    recorded = loads(engine)
    assert recorded == [("driver_standings", ALPHA, "a", 3)]
    # Other rows under the same hash show that nothing was written.
    written = replace_races(
        engine, STANDINGS, standings(ALPHA, points=1.0), [ALPHA], load=load(alphaland="a")
    )
    assert (written.races, written.changed, written.rows) == (1, (), 0)
    assert points_of(engine) == {ALPHA: [25.0] * 3}
    assert loads(engine) == recorded


def test_only_races_with_another_hash_are_rewritten(engine: Engine) -> None:
    both = [ALPHA, BETA]
    replace_races(engine, STANDINGS, standings(*both), both, load=load(alphaland="a", betaland="b"))
    frame = standings(*both, points=1.0, drivers=2)
    written = replace_races(engine, STANDINGS, frame, both, load=load(alphaland="a", betaland="b2"))
    assert (written.races, written.changed, written.rows) == (2, (BETA,), 2)
    assert points_of(engine) == {ALPHA: [25.0] * 3, BETA: [1.0] * 2}
    assert loads(engine)[2:] == [("driver_standings", BETA, "b2", 2)]
    assert reads.stored_hashes(engine, "driver_standings", both) == {ALPHA: "a", BETA: "b2"}


def test_the_newest_hash_counts(engine: Engine) -> None:
    for value in ("a", "b", "a"):
        written = replace_races(engine, STANDINGS, standings(ALPHA), [ALPHA], load=load(alphaland=value))
        assert written.changed == (ALPHA,)
    assert [row[2] for row in loads(engine)] == ["a", "b", "a"]


def test_hashes_of_another_table_do_not_count(engine: Engine) -> None:
    replace_races(engine, STANDINGS, standings(ALPHA), [ALPHA], load=load(alphaland="a"))
    teams = standings(ALPHA).rename(columns={"driver_id": "constructor_id"})
    table = schema.constructor_standings
    assert replace_races(engine, table, teams, [ALPHA], load=load(alphaland="a")).changed == (ALPHA,)


def test_a_race_whose_rows_were_taken_back(engine: Engine) -> None:
    """The source published and withdrew: the rows go, once; and come back, once."""
    none = standings(ALPHA).iloc[:0]
    assert replace_races(engine, STANDINGS, none, [ALPHA], load=load()).changed == ()
    replace_races(engine, STANDINGS, standings(ALPHA), [ALPHA], load=load(alphaland="a"))
    assert replace_races(engine, STANDINGS, none, [ALPHA], load=load()).changed == (ALPHA,)
    assert points_of(engine) == {}
    assert replace_races(engine, STANDINGS, none, [ALPHA], load=load()).changed == ()
    assert replace_races(engine, STANDINGS, standings(ALPHA), [ALPHA], load=load(alphaland="a")).changed == (
        ALPHA,
    )
    assert points_of(engine) == {ALPHA: [25.0] * 3}
    assert [row[2:] for row in loads(engine)] == [("a", 3), ("", 0), ("a", 3)]


# --- two worlds ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("first", "second"), [("f1db", "simulated"), ("simulated", "f1db")])
def test_worlds_are_never_mixed(engine: Engine, first: str, second: str) -> None:
    assert reads.held_source(engine) is None
    replace_races(engine, STANDINGS, standings(ALPHA), [ALPHA], load=load(first, alphaland="a"))
    assert reads.held_source(engine) == first
    recorded = loads(engine)
    with pytest.raises(WorldsMixed, match=f"holds {first} data and {second} data are about"):
        replace_races(engine, STANDINGS, standings(BETA), [BETA], load=load(second, betaland="b"))
    with pytest.raises(WorldsMixed):
        upsert(engine, drivers("ada"), source=second)
    assert points_of(engine) == {ALPHA: [25.0] * 3}
    assert stored(engine, schema.drivers).empty
    assert loads(engine) == recorded


# --- failures leave the old rows -------------------------------------------------------------------------


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


# --- reference tables ------------------------------------------------------------------------------------


def drivers(*names: str, code: str | None = None) -> pd.DataFrame:
    return pd.DataFrame({"driver_id": names, "name": [name.title() for name in names], "code": code})


def upsert(
    engine: Engine,
    frame: pd.DataFrame,
    table: Table = schema.drivers,
    content_hash: str = "h",
    source: str = "f1db",
) -> bool:
    return upsert_reference(engine, table, frame, source=source, release="r", content_hash=content_hash)


def test_reference_rows_are_added_and_updated_and_never_removed(engine: Engine) -> None:
    assert upsert(engine, drivers("ada", "ben"), content_hash="1")
    assert upsert(engine, drivers("ben", "cy", code="NEW"), content_hash="2")
    rows = stored(engine, schema.drivers).set_index("driver_id")
    assert rows.index.tolist() == ["ada", "ben", "cy"]
    assert rows["code"].isna().tolist() == [True, False, False]
    assert rows.loc["ben", "code"] == "NEW"
    assert loads(engine) == [("drivers", None, "1", 2), ("drivers", None, "2", 2)]


def test_a_value_that_the_source_takes_back_becomes_missing(engine: Engine) -> None:
    upsert(engine, drivers("ada", code="OLD"), content_hash="1")
    upsert(engine, drivers("ada"), content_hash="2")
    assert stored(engine, schema.drivers)["code"].isna().all()


def test_the_same_reference_table_writes_nothing(engine: Engine) -> None:
    assert upsert(engine, drivers("ada"))
    assert not upsert(engine, drivers("ada", code="NEW"))
    assert stored(engine, schema.drivers)["code"].isna().all()
    assert len(loads(engine)) == 1


def test_a_reference_table_of_keys_alone(engine: Engine) -> None:
    for content_hash in ("1", "2"):
        frame = pd.DataFrame({"season": pd.array([2025, 2026], dtype="Int64")})
        assert upsert(engine, frame, schema.seasons, content_hash)
    assert stored(engine, schema.seasons)["season"].tolist() == [2025, 2026]


def test_a_reference_table_that_is_refused_leaves_the_old_one(engine: Engine) -> None:
    upsert(engine, drivers("ada"), content_hash="1")
    with pytest.raises(IntegrityError):
        upsert(engine, drivers("ben", "ada", code="NEW").assign(name=["Ben", None]), content_hash="2")
    assert stored(engine, schema.drivers)[["driver_id", "name"]].values.tolist() == [["ada", "Ada"]]
    assert [row[2] for row in loads(engine)] == ["1"]


def test_a_race_that_others_hang_on_is_updated_in_place(engine: Engine) -> None:
    replace_races(engine, STANDINGS, standings(ALPHA), [ALPHA])
    frame = stored(engine, schema.races).assign(round=[3, 1, None], is_cancelled=[False, False, True])
    upsert(engine, frame, schema.races)
    calendar = reads.calendar(engine).set_index("race_key")
    assert calendar.loc[ALPHA, "round"] == 3
    assert pd.isna(calendar.loc[GAMMA, "round"])
    assert calendar["is_cancelled"].tolist() == [False, False, True]
    assert len(stored(engine)) == 3


# --- versions of models ----------------------------------------------------------------------------------


def version(**more: Any) -> dict[str, Any]:
    return {
        "name": "linear", "horizon": "pre_race", "type": "t", "race_key": ALPHA, "trained_at": NOW,
        "data_cutoff": NOW, "trained_through": ALPHA, "training_hash": "h", "training_rows": 1,
        "hyperparameters": {"a": [1, None]}, "metrics": {}, **more,
    }  # fmt: skip


def test_versions_count_up_by_name_and_horizon(engine: Engine) -> None:
    made = [
        add_version(engine, version(**more))
        for more in ({}, {}, {"horizon": "pre_weekend"}, {"name": "xgboost"}, {})
    ]
    assert made == [1, 2, 1, 1, 3]
    assert stored(engine, schema.models)["hyperparameters"].tolist() == [{"a": [1, None]}] * 5


# --- values there and back -------------------------------------------------------------------------------


def _cutoff(engine: Engine, moment: dt.datetime) -> None:
    row = {**features(ALPHA, "pre_race", 1.0).iloc[0].to_dict(), "cutoff": moment}
    with engine.begin() as connection:
        connection.execute(insert(schema.feature_matrix), [row])


def test_a_naive_time_is_refused(engine: Engine) -> None:
    with pytest.raises(StatementError, match="naive datetime"):
        _cutoff(engine, dt.datetime(2026, 3, 8, 4))
    naive = features(ALPHA, "pre_race", 1.0).assign(cutoff=pd.Timestamp("2026-03-08 04:00"))
    with pytest.raises(StatementError, match="naive datetime"):
        replace_races(engine, schema.feature_matrix, naive, [ALPHA])
    assert stored(engine, schema.feature_matrix).empty


def test_a_time_of_another_zone_is_the_same_moment(engine: Engine) -> None:
    _cutoff(engine, NOW.astimezone(dt.timezone(dt.timedelta(hours=-7, minutes=-30))))
    with engine.connect() as connection:
        found = connection.scalar(select(schema.feature_matrix.c.cutoff))
        earlier = select(func.count()).where(schema.feature_matrix.c.cutoff <= NOW)
        assert connection.scalar(earlier) == 1
        earlier = select(func.count()).where(schema.feature_matrix.c.cutoff < NOW)
        assert connection.scalar(earlier) == 0
    assert found == NOW
    assert found is not None
    assert found.utcoffset() == dt.timedelta(0)
    frame = stored(engine, schema.feature_matrix)
    assert frame["cutoff"].tolist() == [pd.Timestamp(NOW)]
    assert str(frame["cutoff"].dtype) == "datetime64[us, UTC]"


VALUES = Table(
    "values_of_all_kinds",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("whole", Integer),
    Column("number", Float),
    Column("word", String(40)),
    Column("yes", Boolean),
    Column("day", Date),
    Column("moment", UtcDateTime),
)
DTYPES = {
    "id": ["Int64", "int64", "object"],
    "whole": ["Int64", "object"],
    "number": ["float64", "Float64", "object"],
    "word": ["str", "object", "string"],
    "yes": ["boolean", "object"],
    "day": ["datetime64[us]", "datetime64[ns]", "object"],
    "moment": ["datetime64[us, UTC]", "object"],
}
WORDS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=40)
ROW = st.fixed_dictionaries(
    {
        "whole": st.none() | st.integers(-(2**31), 2**31 - 1),
        "number": st.none() | st.floats(allow_nan=False, allow_infinity=False),
        "word": st.none() | WORDS | st.sampled_from(["", "nan", "None", "NULL"]),
        "yes": st.none() | st.booleans(),
        "day": st.none() | st.dates(dt.date(1900, 1, 1), dt.date(2199, 12, 31)),
        "moment": st.none()
        | st.datetimes(dt.datetime(1900, 1, 1), dt.datetime(2199, 1, 1), timezones=st.just(dt.UTC)),
    }
)


def _missing_as_none(frame: pd.DataFrame) -> list[dict[str, Any]]:
    rows = []
    for row in frame.to_dict("records"):
        plain = {name: None if pd.isna(value) else value for name, value in row.items()}
        for name in ("day", "moment"):
            if plain[name] is not None:
                plain[name] = plain[name].to_pydatetime() if name == "moment" else plain[name].date()
        rows.append(plain)
    return rows


@pytest.fixture
def values(database_url: str) -> Engine:
    engine = get_engine(database_url)
    VALUES.metadata.create_all(engine)
    return engine


@settings(
    deadline=None, max_examples=40, database=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(rows=st.lists(ROW, max_size=5), data=st.data())
def test_values_survive_the_way_there_and_back(
    values: Engine, rows: list[dict[str, Any]], data: st.DataObject
) -> None:
    rows = [{"id": number, **row} for number, row in enumerate(rows)]
    kinds = {name: data.draw(st.sampled_from(options), label=name) for name, options in DTYPES.items()}
    frame = pd.DataFrame(rows, columns=list(DTYPES), dtype="object").astype(kinds)
    with values.begin() as connection:
        connection.execute(VALUES.delete())
        if rows:
            connection.execute(insert(VALUES), to_records(VALUES, frame))
    found = read_frame(values, select(VALUES).order_by(VALUES.c.id))
    assert _missing_as_none(found) == rows
    # What was read can be written again: nullable whole numbers and booleans have become floats by then.
    with values.begin() as connection:
        connection.execute(VALUES.delete())
        if rows:
            connection.execute(insert(VALUES), to_records(VALUES, found))
    assert _missing_as_none(read_frame(values, select(VALUES).order_by(VALUES.c.id))) == rows


def test_an_empty_table_has_the_types_of_its_columns(values: Engine) -> None:
    frame = read_frame(values, select(VALUES))
    assert frame.empty
    kinds = {name: str(frame[name].dtype) for name in ("whole", "number", "yes", "day", "moment")}
    assert kinds == {
        "whole": "int64", "number": "float64", "yes": "bool", "day": "datetime64[us]",
        "moment": "datetime64[us, UTC]",
    }  # fmt: skip


@pytest.mark.parametrize("fraction", [1.5, np.inf])
def test_a_fraction_is_no_whole_number(fraction: float) -> None:
    with pytest.raises((ValueError, TypeError, OverflowError)):
        to_records(VALUES, pd.DataFrame({"id": [1], "whole": [fraction]}))


def test_frames_need_not_have_every_column() -> None:
    rows: Sequence[dict[str, Any]] = to_records(VALUES, pd.DataFrame({"id": [1], "word": [np.nan]}))
    assert rows == [{"id": 1, "word": None}]


# --- one update at a time --------------------------------------------------------------------------------


def test_an_update_on_another_machine_is_waited_for(postgres: str) -> None:
    """Two processes that share the tables and no directory; the lock of one that was killed is free at once."""
    url = postgres
    script = (
        "import sys, time\n"
        "from f1_pipeline.storage.engine import get_engine, only_update\n"
        "with only_update(get_engine(sys.argv[1]), lambda: print('waits', flush=True)):\n"
        "    print('holds', flush=True)\n"
        "    time.sleep(float(sys.argv[2]))\n"
    )

    def start(seconds: float) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", script, url, str(seconds)]
        return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

    first = start(600)
    assert first.stdout is not None
    assert first.stdout.readline() == "holds\n"
    second = start(0)
    assert second.stdout is not None
    assert second.stdout.readline() == "waits\n"
    first.send_signal(signal.SIGKILL)
    assert second.stdout.readline() == "holds\n"
    assert second.wait(30) == 0
    first.wait(30)
    for process in (first, second):
        assert process.stdout is not None
        process.stdout.close()


def test_the_lock_of_an_update_is_given_back(database_url: str) -> None:
    engine, waited = get_engine(database_url), []
    for _ in range(2):
        with pytest.raises(RuntimeError, match="pulled"), only_update(engine, lambda: waited.append(1)):
            raise RuntimeError("pulled the plug")
    assert waited == []


def test_a_lock_that_is_lost_is_noticed(database_url: str) -> None:
    engine = get_engine(database_url)
    with only_update(engine, lambda: None) as lock:
        assert lock.is_held()
        assert lock.is_held(), "asking takes nothing away"
        if engine.dialect.name == "postgresql":
            _end_who_holds_it(engine)
            assert not lock.is_held()
            with only_update(engine, lambda: pytest.fail("it is free")) as other:
                assert other.is_held()
                assert not lock.is_held(), "what somebody else holds does not count"
    with only_update(engine, lambda: pytest.fail("it was not given back")) as lock:
        assert lock.is_held()


def _end_who_holds_it(engine: Engine) -> None:
    """As an administrator, a failover or an idle timeout of the server does."""
    with engine.connect() as connection:
        found = connection.execute(
            text(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_locks JOIN pg_database ON pg_database.oid = database"
                " WHERE locktype = 'advisory' AND objsubid = 1 AND datname = current_database()"
            )
        )
        assert found.scalars().all() == [True]
