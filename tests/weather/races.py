"""What tests of the weather say of races: moments, their rows of features, and how they are moved."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pandas as pd
from sqlalchemy import Engine, update

from f1_pipeline.storage import reads, schema

FEATURES = ["temperature_c", "precipitation_mm", "wind_kmh", "is_wet"]
TIMES = ["start_at", "first_practice_at", "qualifying_at", "sprint_qualifying_at", "sprint_at"]
HOUR, DAY = dt.timedelta(hours=1), dt.timedelta(days=1)
KEY = "s3cret-key"


def now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def matrix(engine: Engine, race: str) -> pd.DataFrame:
    return reads.read_table(engine, schema.feature_matrix, [race], horizon="pre_weekend")


def move(engine: Engine, race: str, **values: Any) -> None:
    table = schema.races
    with engine.begin() as connection:
        connection.execute(update(table).where(table.c.race_key == race).values(**values))
