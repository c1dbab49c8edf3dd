"""Replacing races on SQLite and PostgreSQL: repeatable, only what was asked for, and only what is new."""

from __future__ import annotations

import pandas as pd
import pytest
from sqlalchemy import Engine, insert

from f1_pipeline.errors import WorldsMixed, WriteRefused
from f1_pipeline.storage import reads, schema
from f1_pipeline.storage.writes import replace_races
from tests.storage.small_rows import (
    ALPHA,
    BETA,
    NOW,
    STANDINGS,
    drivers,
    features,
    load,
    loads,
    points_of,
    standings,
    stored,
    upsert,
)

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
