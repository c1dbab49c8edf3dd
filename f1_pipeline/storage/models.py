"""The table of model versions."""

from __future__ import annotations

from typing import Any

import pandas as pd
from sqlalchemy import Engine, func, insert, select

from f1_pipeline.storage.engine import write_transaction
from f1_pipeline.storage.records import read_frame
from f1_pipeline.storage.schema import models


def add_version(engine: Engine, record: dict[str, Any]) -> int:
    """Insert a version and return its number: one more than the newest of its name and horizon."""
    with write_transaction(engine) as connection:
        newest = connection.scalar(
            select(func.max(models.c.version)).where(
                models.c.name == record["name"], models.c.horizon == record["horizon"]
            )
        )
        version = int(newest or 0) + 1
        connection.execute(insert(models), [{**record, "version": version}])
    return version


def versions(engine: Engine, name: str, horizon: str) -> pd.DataFrame:
    """Versions of one model at one horizon, oldest first."""
    return read_frame(
        engine,
        select(models).where(models.c.name == name, models.c.horizon == horizon).order_by(models.c.version),
    )


def in_force(rows: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """The newest version trained for each race, as ``{race_key: row}``."""
    records: list[dict[str, Any]] = [
        {str(name): value for name, value in row.items()} for row in rows.to_dict("records")
    ]
    return {str(row["race_key"]): row for row in records}
