"""What was asked of a web source, and what came of it: the newest question of each subject."""

from __future__ import annotations

from sqlalchemy import Column, String, Table, Text

from f1_pipeline.storage.schema.base import UtcDateTime, metadata

source_polls = Table(
    "source_polls",
    metadata,
    Column("source", String(16), primary_key=True),
    # What the question is about, such as '2026-hungary race' or '2026 calendar'.
    Column("subject", String(96), primary_key=True),
    Column("asked_at", UtcDateTime, nullable=False),
    # When an answer that could be used came last.
    Column("answered_at", UtcDateTime),
    # 'new', 'same', 'not yet', 'refused' (the answer breaks a law), 'failed' (no answer), 'stopped' (not asked).
    Column("outcome", String(8), nullable=False),
    Column("check_name", String(24)),
    Column("message", Text),
    # Of what was stopped: when to go on.
    Column("retry_at", UtcDateTime),
)
