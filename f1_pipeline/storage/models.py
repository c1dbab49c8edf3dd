"""The table of model versions."""

from __future__ import annotations

from typing import Any

import pandas as pd
from sqlalchemy import Connection, Engine, func, insert, select

from f1_pipeline.storage.engine import write_transaction
from f1_pipeline.storage.records import read_frame
from f1_pipeline.storage.schema import models

CHAMPION_ROLE, CHALLENGER_ROLE = "champion", "challenger"
"""A version in force for its race, and one that was compared and stayed out."""


def add_version(engine: Engine, record: dict[str, Any]) -> int:
    """Insert a version and return its number: one more than the newest of its name and horizon."""
    with write_transaction(engine) as connection:
        return insert_version(connection, record)


def insert_version(connection: Connection, record: dict[str, Any]) -> int:
    """``add_version`` inside a transaction that writes more than the version."""
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
    """The newest version trained for each race, as ``{race_key: row}``; challengers that stayed out are not in it."""
    return {str(row["race_key"]): row for row in _champions(rows)}


def champion(rows: pd.DataFrame) -> dict[str, Any] | None:
    """The version that the next forecast uses: in force for the latest race. None while there is none.

    By cutoff before number: a backfill of old seasons makes new versions for old races.
    """
    return max(_champions(rows), key=lambda row: (row["data_cutoff"], row["version"]), default=None)


def _champions(rows: pd.DataFrame) -> list[dict[str, Any]]:
    chosen = rows[rows["role"] == CHAMPION_ROLE]
    return [{str(name): value for name, value in row.items()} for row in chosen.to_dict("records")]
