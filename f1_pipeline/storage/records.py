"""Frames to database rows and back: the one place that knows NaN from NULL."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from sqlalchemy import Boolean, Date, Engine, Float, Integer, Select, Table
from sqlalchemy.types import TypeEngine

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
    columns = list(query.selected_columns)
    with engine.connect() as connection:
        rows = connection.execute(query).fetchall()
    # Column by column: to make a frame of rows, and to type its columns then, took twice as long for the small tables, of
    # which an update reads hundreds.
    values = list(zip(*rows, strict=True)) if rows else [()] * len(columns)
    typed = zip(columns, values, strict=True)
    return pd.DataFrame({column.name: _typed(column.type, items) for column, items in typed})


def _typed(kind: TypeEngine[Any], items: tuple[Any, ...]) -> Any:
    """Values of a column as an array of the type that frames have for it."""
    if isinstance(kind, UtcDateTime):
        return pd.to_datetime(list(items), utc=True).as_unit("us")
    if isinstance(kind, Date):
        return pd.to_datetime(list(items)).as_unit("us")
    if isinstance(kind, Float):
        return np.array(items, dtype=np.float64)
    if isinstance(kind, Boolean | Integer):
        whole = np.bool_ if isinstance(kind, Boolean) else np.int64
        return np.array(items, dtype=np.float64 if None in items else whole)
    objects = np.fromiter(items, dtype=object, count=len(items))
    return pd.array(objects, dtype="str") if pd.api.types.infer_dtype(objects) == "string" else objects
