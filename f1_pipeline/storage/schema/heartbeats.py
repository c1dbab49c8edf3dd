"""Signs of life of what runs by itself."""

from __future__ import annotations

from sqlalchemy import Column, Integer, String, Table

from f1_pipeline.storage.schema.base import UtcDateTime, metadata

heartbeats = Table(
    "heartbeats",
    metadata,
    Column("name", String(32), primary_key=True),
    Column("beat_at", UtcDateTime, nullable=False),
    # The next one is due after so many seconds; whoever reads knows from it what is late.
    Column("every_seconds", Integer, nullable=False),
    Column("host", String(255), nullable=False),
)
