"""Tables of what happened, as the source tells it, and the record of the loads."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    Date,
    Float,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from f1_pipeline.storage.schema.base import UtcDateTime, identifier, metadata, race_key

seasons = Table("seasons", metadata, Column("season", Integer, primary_key=True))

circuits = Table(
    "circuits",
    metadata,
    identifier("circuit_id", primary_key=True),
    Column("name", String(128), nullable=False),
    Column("full_name", String(256)),
    Column("place", String(128)),
    identifier("country_id"),
    Column("latitude", Float),
    Column("longitude", Float),
    Column("time_zone", String(64)),
    Column("length_km", Float),
    Column("turns", Integer),
    Column("elevation_m", Float),
    Column("type", String(16)),
    Column("direction", String(24)),
)

drivers = Table(
    "drivers",
    metadata,
    identifier("driver_id", primary_key=True),
    Column("code", String(3)),
    Column("name", String(128), nullable=False),
    Column("first_name", String(64)),
    Column("last_name", String(64)),
    Column("number", String(4)),
    Column("date_of_birth", Date),
    identifier("country_id"),
)

constructors = Table(
    "constructors",
    metadata,
    identifier("constructor_id", primary_key=True),
    Column("name", String(128), nullable=False),
    Column("full_name", String(256)),
    identifier("country_id"),
)

races = Table(
    "races",
    metadata,
    identifier("race_key", primary_key=True),
    Column("season", Integer, ForeignKey("seasons.season"), nullable=False),
    Column("round", Integer),
    identifier("grand_prix_id", nullable=False),
    Column("name", String(128), nullable=False),
    Column("official_name", String(256)),
    identifier("circuit_id"),
    Column("date", Date, nullable=False),
    Column("start_at", UtcDateTime),
    Column("first_practice_at", UtcDateTime),
    Column("qualifying_at", UtcDateTime),
    Column("sprint_qualifying_at", UtcDateTime),
    Column("sprint_at", UtcDateTime),
    Column("laps", Integer),
    Column("course_length_km", Float),
    Column("turns", Integer),
    Column("qualifying_format", String(24)),
    Column("is_sprint_weekend", Boolean, nullable=False),
    Column("is_cancelled", Boolean, nullable=False, default=False),
    UniqueConstraint("season", "grand_prix_id"),
    Index("ix_races_date", "date"),
)


def _competitor() -> list[Column[Any]]:
    return [
        identifier("driver_id", nullable=False),
        identifier("constructor_id", nullable=False),
        Column("car_number", String(8)),
    ]


entries = Table(
    "entries",
    metadata,
    race_key(),
    identifier("driver_id", primary_key=True),
    identifier("constructor_id", nullable=False),
    Column("car_number", String(8)),
    identifier("engine_id"),
    # 'entered': took part; 'listed': on the published entry list; 'projected': carried over from
    # the last known line-up, because the source has not listed the race yet.
    Column("status", String(12), nullable=False),
    Index("ix_entries_driver_id", "driver_id"),
    Index("ix_entries_constructor_id", "constructor_id"),
)


def _classification() -> list[Any]:
    return [
        Column("position", Integer),
        Column("position_text", String(8), nullable=False),
        Column("shared_car", Boolean, nullable=False),
        Column("laps", Integer),
        Column("time_ms", Integer),
        Column("gap_ms", Integer),
        Column("gap_laps", Integer),
        Column("penalty_ms", Integer),
        Column("reason_retired", String(128)),
        Column("points", Float, nullable=False),
        Column("grid_position", Integer),
        Column("grid_text", String(8)),
        Column("fastest_lap", Boolean),
        Column("pit_stops", Integer),
    ]


race_results = Table(
    "race_results",
    metadata,
    race_key(),
    Column("display_order", Integer, primary_key=True),
    *_competitor(),
    *_classification(),
    Index("ix_race_results_driver_id", "driver_id"),
    Index("ix_race_results_constructor_id", "constructor_id"),
)

sprint_results = Table(
    "sprint_results",
    metadata,
    race_key(),
    Column("display_order", Integer, primary_key=True),
    *_competitor(),
    *_classification(),
    Index("ix_sprint_results_driver_id", "driver_id"),
)

qualifying_results = Table(
    "qualifying_results",
    metadata,
    race_key(),
    # 'Q' qualifying, 'SQ' sprint qualifying (shootout).
    Column("session", String(4), primary_key=True),
    Column("display_order", Integer, primary_key=True),
    *_competitor(),
    Column("position", Integer),
    Column("position_text", String(8), nullable=False),
    Column("time_ms", Integer),
    Column("q1_ms", Integer),
    Column("q2_ms", Integer),
    Column("q3_ms", Integer),
    Column("gap_ms", Integer),
    Column("laps", Integer),
    Index("ix_qualifying_results_driver_id", "driver_id"),
)

practice_results = Table(
    "practice_results",
    metadata,
    race_key(),
    # 'FP1' to 'FP4', 'WU' warm-up.
    Column("session", String(4), primary_key=True),
    Column("display_order", Integer, primary_key=True),
    *_competitor(),
    Column("position", Integer),
    Column("time_ms", Integer),
    Column("gap_ms", Integer),
    Column("laps", Integer),
    Index("ix_practice_results_driver_id", "driver_id"),
)

starting_grid = Table(
    "starting_grid",
    metadata,
    race_key(),
    # 'R' race, 'S' sprint.
    Column("session", String(4), primary_key=True),
    Column("display_order", Integer, primary_key=True),
    *_competitor(),
    Column("position", Integer),
    Column("position_text", String(8), nullable=False),
    Column("qualifying_position", Integer),
    Column("penalty", String(64)),
    Column("time_ms", Integer),
    # The order of qualifying, in place of a grid that is not published yet; empty in a published grid.
    Column("is_provisional", Boolean),
    Index("ix_starting_grid_driver_id", "driver_id"),
)

pit_stops = Table(
    "pit_stops",
    metadata,
    race_key(),
    Column("display_order", Integer, primary_key=True),
    *_competitor(),
    Column("stop", Integer, nullable=False),
    Column("lap", Integer),
    Column("time_ms", Integer),
    Index("ix_pit_stops_driver_id", "driver_id"),
)

driver_standings = Table(
    "driver_standings",
    metadata,
    race_key(),
    Column("display_order", Integer, primary_key=True),
    identifier("driver_id", nullable=False),
    Column("position", Integer),
    Column("position_text", String(8), nullable=False),
    Column("points", Float, nullable=False),
    Index("ix_driver_standings_driver_id", "driver_id"),
)

constructor_standings = Table(
    "constructor_standings",
    metadata,
    race_key(),
    Column("display_order", Integer, primary_key=True),
    identifier("constructor_id", nullable=False),
    identifier("engine_id"),
    Column("position", Integer),
    Column("position_text", String(8), nullable=False),
    Column("points", Float, nullable=False),
    Index("ix_constructor_standings_constructor_id", "constructor_id"),
)

data_loads = Table(
    "data_loads",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("table_name", String(64), nullable=False),
    # Null for a table that is not kept per race (drivers, circuits, the calendar).
    Column("race_key", String(64)),
    Column("source", String(16), nullable=False),
    Column("release", String(64), nullable=False),
    Column("content_hash", String(64), nullable=False),
    Column("row_count", Integer, nullable=False),
    Column("loaded_at", UtcDateTime, nullable=False),
    Column("message", Text),
    Index("ix_data_loads_table_name_race_key_id", "table_name", "race_key", "id"),
)

REFERENCE_TABLES = ("seasons", "circuits", "drivers", "constructors", "races")
"""Tables replaced as a whole by a load; rows that are no longer in the source are kept."""

RACE_TABLES = (
    "entries",
    "race_results",
    "qualifying_results",
    "sprint_results",
    "practice_results",
    "starting_grid",
    "pit_stops",
    "driver_standings",
    "constructor_standings",
)
"""Source tables kept per race: one race is replaced in one transaction."""
