"""Tables of weather: what was forecast before a session, and what was observed. Two tables, so that they never mix."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Boolean, Column, Float, String, Table

from f1_pipeline.storage.schema.base import UtcDateTime, metadata, race_key


def _session() -> list[Column[Any]]:
    return [
        race_key(),
        # 'R' race, 'Q' qualifying, 'S' sprint.
        Column("session", String(4), primary_key=True),
        Column("provider", String(16), primary_key=True),
    ]


def _conditions() -> list[Column[Any]]:
    return [
        Column("temperature_c", Float),
        Column("precipitation_mm", Float),
        Column("precipitation_probability", Float),
        Column("wind_kmh", Float),
        Column("is_wet", Boolean),
        Column("valid_from", UtcDateTime, nullable=False),
        Column("valid_until", UtcDateTime, nullable=False),
    ]


weather_forecasts = Table(
    "weather_forecasts",
    metadata,
    *_session(),
    # When it was taken. Every forecast is kept: what counts is the newest one before a cutoff.
    Column("issued_at", UtcDateTime, primary_key=True),
    *_conditions(),
)

weather_observed = Table(
    "weather_observed",
    metadata,
    *_session(),
    *_conditions(),
    Column("issued_at", UtcDateTime, nullable=False),  # when it was taken, after the session
)
