"""Tables of the championship forecasts. A row's race is the one *before* which the forecast stands."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Float, Index, Integer, String, Table

from f1_pipeline.storage.schema.base import UtcDateTime, identifier, metadata, race_key

championship_forecasts = Table(
    "championship_forecasts",
    metadata,
    race_key(),
    Column("kind", String(12), primary_key=True),  # 'driver' or 'constructor'
    identifier("entity_id", primary_key=True),
    Column("points", Float, nullable=False),  # counted points so far
    Column("expected_points", Float, nullable=False),  # at the end of the season
    Column("points_low", Float, nullable=False),  # 5th and 95th percentile at the end
    Column("points_high", Float, nullable=False),
    Column("expected_position", Float, nullable=False),
    Column("title_probability", Float, nullable=False),
    Column("top3_probability", Float, nullable=False),
    # Whether the title is still possible by the points that are left, whatever the forecast says.
    Column("can_win", Boolean, nullable=False),
    Column("races_left", Integer, nullable=False),
    Column("draws", Integer, nullable=False),
    Column("seed", Integer, nullable=False),
    Column("cutoff", UtcDateTime, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("data_release", String(64), nullable=False),
    Index("ix_championship_forecasts_kind_entity_id", "kind", "entity_id"),
)

championship_positions = Table(
    "championship_positions",
    metadata,
    race_key(),
    Column("kind", String(12), primary_key=True),
    identifier("entity_id", primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("probability", Float, nullable=False),
)

championship_scenarios = Table(
    "championship_scenarios",
    metadata,
    race_key(),
    Column("kind", String(12), primary_key=True),
    # Who finishes where in the next race; 0 stands for "not classified".
    identifier("driver_id", primary_key=True),
    Column("position", Integer, primary_key=True),
    # Whose title chance is stated: a driver, or a constructor.
    identifier("entity_id", primary_key=True),
    Column("probability", Float, nullable=False),  # of that result
    Column("title_probability", Float, nullable=False),  # given that result
)
