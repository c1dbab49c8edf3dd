"""Values on their way into the tables and back: times, gaps and every kind of column."""

from __future__ import annotations

import datetime as dt
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
)
from sqlalchemy.exc import StatementError

from f1_pipeline.storage import schema
from f1_pipeline.storage.engine import get_engine
from f1_pipeline.storage.records import read_frame, to_records
from f1_pipeline.storage.schema import UtcDateTime
from f1_pipeline.storage.writes import replace_races
from tests.storage.small_rows import ALPHA, NOW, features, stored


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
