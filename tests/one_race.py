"""Tables with one race and its ratings, for tests of stores that are full, locked or away."""

from __future__ import annotations

from typing import Any

import pandas as pd
from sqlalchemy import Engine, insert

from f1_pipeline.storage import reads, schema
from f1_pipeline.storage.engine import write_transaction
from f1_pipeline.storage.writes import replace_races

RACE = "2026-alpha"


def ratings(drivers: int, value: float) -> pd.DataFrame:
    """Rows of the race; many of them do not fit into the pages that are left."""
    return pd.DataFrame(
        {
            "race_key": RACE,
            "kind": "driver",
            "entity_id": [f"driver-{number:06d}" for number in range(drivers)],
            "value_before": value,
            "value_after": value,
        }
    )


def prepare(engine: Engine) -> None:
    """Take in the race, with ratings of 20 drivers."""
    circuit = {column.name: None for column in schema.circuits.c} | {"circuit_id": "x", "name": "x"}
    race: dict[str, Any] = {
        "race_key": RACE,
        "season": 2026,
        "grand_prix_id": "alpha",
        "name": "Alpha",
        "circuit_id": "x",
        "date": pd.Timestamp("2026-03-01").date(),
        "is_sprint_weekend": False,
        "is_cancelled": False,
    }
    with write_transaction(engine) as connection:
        connection.execute(insert(schema.seasons), [{"season": 2026}])
        connection.execute(insert(schema.circuits), [circuit])
        connection.execute(insert(schema.races), [race])
    replace_races(engine, schema.elo_ratings, ratings(20, 1500.0), [RACE])


def held_ratings(engine: Engine) -> pd.DataFrame:
    return reads.read_table(engine, schema.elo_ratings)
