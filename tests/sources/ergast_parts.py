"""What the tests of the Ergast format share: kinds of their fixtures, values of a column, times of a weekend."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pandas as pd

from f1_pipeline.sources.jolpica import JolpicaClient

Make = Callable[..., JolpicaClient]
Finisher = Callable[..., dict[str, Any]]
Race = Callable[..., dict[str, Any]]


def values(frame: pd.DataFrame, column: str) -> list[Any]:
    return [None if pd.isna(value) else value for value in frame[column]]


def at(day: int, hour: int) -> dict[str, str]:
    return {"date": f"2026-05-{day:02}", "time": f"{hour:02}:30:00Z"}


def start(day: int, hour: int) -> datetime:
    return datetime(2026, 5, day, hour, 30, tzinfo=UTC)
