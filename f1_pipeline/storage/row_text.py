"""Canonical rows of one race as text, for tables that keep versions: lossless, so that a version has its hash for ever."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from typing import Any

import pandas as pd
from sqlalchemy import Connection, Date, select

from f1_pipeline.storage import schema
from f1_pipeline.storage.records import to_records
from f1_pipeline.storage.schema import UtcDateTime


def rows_to_text(table: str, frame: pd.DataFrame) -> dict[str, str]:
    """JSON of the rows of each race of a frame, in their order; the race key is left out."""
    by_race: dict[str, list[dict[str, Any]]] = {}
    for row in to_records(schema.metadata.tables[table], frame):
        by_race.setdefault(str(row.pop("race_key")), []).append(row)
    return {key: _text(rows) for key, rows in by_race.items()}


def stored_text(connection: Connection, table: str, race_keys: Sequence[str]) -> dict[str, str]:
    """The same of the rows that a table holds now."""
    target = schema.metadata.tables[table]
    query = select(target).where(target.c.race_key.in_(race_keys)).order_by(*target.primary_key.columns)
    by_race: dict[str, list[dict[str, Any]]] = {}
    for found in connection.execute(query).mappings():
        row = dict(found)
        by_race.setdefault(str(row.pop("race_key")), []).append(row)
    return {key: _text(rows) for key, rows in by_race.items()}


def text_to_rows(table: str, race_key: str, text: str, source: str) -> pd.DataFrame:
    """The canonical frame of such a text.

    Raises:
        ContractViolation: written by a version of the product with other columns.
    """
    from f1_pipeline.sources.contracts import COLUMNS, conform  # pandera takes a second to import

    frame = pd.DataFrame(json.loads(text), columns=[name for name in COLUMNS[table] if name != "race_key"])
    for column in schema.metadata.tables[table].columns:
        if isinstance(column.type, UtcDateTime):
            frame[column.name] = pd.to_datetime(frame[column.name], utc=True, format="ISO8601")
        elif isinstance(column.type, Date):
            frame[column.name] = pd.to_datetime(frame[column.name], format="ISO8601")
    return conform(table, frame.assign(race_key=race_key), source)


def _text(rows: list[dict[str, Any]]) -> str:
    return json.dumps(rows, ensure_ascii=False, separators=(",", ":"), default=_moment)


def _moment(value: object) -> str:
    if isinstance(value, dt.date):
        return value.isoformat()
    raise TypeError(f"{value!r} is no value of a canonical row")
