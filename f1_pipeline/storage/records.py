"""Frames to database rows and back: the one place that knows NaN from NULL."""

from __future__ import annotations

from typing import Any

import pandas as pd
from sqlalchemy import Boolean, Date, Engine, Float, Integer, Select, Table

from f1_pipeline.storage.schema import UtcDateTime


def to_records(table: Table, frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows of a frame as dictionaries of plain Python values; missing of any kind becomes None."""
    names, columns = to_columns(table, frame)
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


def to_columns(table: Table, frame: pd.DataFrame) -> tuple[list[str], list[list[Any]]]:
    """Names of the columns of a frame, and for each the plain Python values of :func:`to_records`."""
    names = [str(name) for name in frame.columns]
    return names, [_plain(table, name, frame[name]) for name in names]


def _plain(table: Table, name: str, values: pd.Series) -> list[Any]:
    kind = table.c[name].type
    missing = values.isna().to_numpy()
    items: list[Any]
    if isinstance(kind, UtcDateTime):
        items = [None if pd.isna(value) else value.to_pydatetime() for value in pd.to_datetime(values)]
    elif isinstance(kind, Date):
        items = [None if pd.isna(value) else value.date() for value in pd.to_datetime(values)]
    elif isinstance(kind, Boolean):
        items = values.astype("object").tolist()
    elif isinstance(kind, Integer):
        # By way of Int64: int64 would cut a fraction off without a word.
        items = values.astype("object").where(~missing, 0).astype("Int64").tolist()
    elif isinstance(kind, Float):
        items = values.astype("float64").tolist()
    else:
        items = values.astype("object").tolist()
    return [None if gone else item for gone, item in zip(missing, items, strict=True)]


def read_frame(engine: Engine, query: Select[Any]) -> pd.DataFrame:
    """Run a select and return a frame whose types follow the table columns, also when it is empty.

    Integers and booleans with missing values become float64 (NaN); times are UTC; dates midnight.
    """
    with engine.connect() as connection:
        # Plain tuples: pandas asks every value of a SQLAlchemy row for an attribute, which takes 20 us each.
        rows = [tuple(row) for row in connection.execute(query)]
    frame = pd.DataFrame.from_records(rows, columns=[column.name for column in query.selected_columns])
    for column in query.selected_columns:
        values = frame[column.name]
        if isinstance(column.type, UtcDateTime):
            frame[column.name] = pd.to_datetime(values, utc=True).astype("datetime64[us, UTC]")
        elif isinstance(column.type, Date):
            frame[column.name] = pd.to_datetime(values).astype("datetime64[us]")
        elif isinstance(column.type, Boolean):
            if not values.isna().any():
                frame[column.name] = values.astype("bool")
            else:
                frame[column.name] = values.astype("float64")
        elif isinstance(column.type, Integer):
            frame[column.name] = values.astype("float64" if values.isna().any() else "int64")
        elif isinstance(column.type, Float):
            frame[column.name] = values.astype("float64")
    return frame
