"""Rows of a few races for tests that write, and what is stored of them."""

from __future__ import annotations

import datetime as dt

import pandas as pd
from sqlalchemy import Engine, Table, select

from f1_pipeline.storage import reads, schema
from f1_pipeline.storage.writes import Load, upsert_reference

ALPHA, BETA, GAMMA = "2026-alphaland", "2026-betaland", "2026-gammaland"
STANDINGS = schema.driver_standings
NOW = dt.datetime(2026, 3, 8, 4, tzinfo=dt.UTC)


def standings(*races: str, points: float = 25.0, drivers: int = 3) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "race_key": race,
                "display_order": place,
                "driver_id": f"driver-{place}",
                "position": place if place < drivers else None,
                "position_text": str(place),
                "points": points,
            }
            for race in races
            for place in range(1, drivers + 1)
        ]
    ).astype({"position": "Int64"})


def features(race: str, horizon: str, elo: float) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "race_key": race,
                "horizon": horizon,
                "driver_id": f"driver-{number}",
                "constructor_id": "nova",
                "cutoff": NOW,
                "current_elo": elo,
            }
            for number in (1, 2)
        ]
    )


def drivers(*names: str, code: str | None = None) -> pd.DataFrame:
    return pd.DataFrame({"driver_id": names, "name": [name.title() for name in names], "code": code})


def load(source: str = "f1db", **hashes: str) -> Load:
    return Load(source, "v2026.1.0", {f"2026-{name}": value for name, value in hashes.items()})


def upsert(
    engine: Engine,
    frame: pd.DataFrame,
    table: Table = schema.drivers,
    content_hash: str = "h",
    source: str = "f1db",
) -> bool:
    return upsert_reference(engine, table, frame, source=source, release="r", content_hash=content_hash)


def stored(engine: Engine, table: Table = STANDINGS, **equal: object) -> pd.DataFrame:
    return reads.read_table(engine, table, **equal)


def points_of(engine: Engine) -> dict[str, list[float]]:
    return {str(key): rows["points"].tolist() for key, rows in stored(engine).groupby("race_key")}


def loads(engine: Engine) -> list[tuple[str, str | None, str, int]]:
    table = schema.data_loads
    query = select(table.c.table_name, table.c.race_key, table.c.content_hash, table.c.row_count)
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(query.order_by(table.c.id))]
