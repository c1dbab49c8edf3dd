"""Tables of versions: what was current before, what a live source said, and what features were computed from."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Boolean, Column, Index, Integer, String, Table, Text

from f1_pipeline.storage.schema.base import UtcDateTime, metadata, race_key

REVISED_TABLES = (
    "race_results",
    "sprint_results",
    "qualifying_results",
    "starting_grid",
    "driver_standings",
    "constructor_standings",
)
"""Race tables whose earlier versions are kept."""


def _version() -> list[Column[Any]]:
    return [
        Column("id", Integer, primary_key=True, autoincrement=True),
        Column("race_key", String(64), nullable=False),
        Column("table_name", String(64), nullable=False),
    ]


revisions = Table(
    "revisions",
    metadata,
    *_version(),
    Column("content_hash", String(64), nullable=False),
    Column("source", String(16), nullable=False),
    Column("release", String(64), nullable=False),
    Column("seen_at", UtcDateTime, nullable=False),
    Column("row_count", Integer, nullable=False),
    Column("rows", Text, nullable=False),
    Index("ix_revisions_race_key_table_name_id", "race_key", "table_name", "id"),
)

live_sessions = Table(
    "live_sessions",
    metadata,
    *_version(),
    # Of tables that hold several sessions; empty otherwise.
    Column("session", String(4), nullable=False),
    Column("content_hash", String(64), nullable=False),
    # Hash of the rows that the bulk source had then: what a correction corrects.
    Column("against", String(64), nullable=False),
    Column("source", String(16), nullable=False),
    Column("seen_at", UtcDateTime, nullable=False),
    Column("confirmed_at", UtcDateTime, nullable=False),
    Column("complete", Boolean, nullable=False),
    Column("row_count", Integer, nullable=False),
    Column("rows", Text, nullable=False),
    Index("ix_live_sessions_race_key_table_name_session_id", "race_key", "table_name", "session", "id"),
)

feature_marks = Table(
    "feature_marks",
    metadata,
    race_key(),
    Column("horizon", String(12), primary_key=True),
    Column("calendar_hash", String(64), nullable=False),
)
