"""Signs of life of what runs by itself, for whoever cannot ask it: the dashboard knows no Dagster."""

from __future__ import annotations

import socket
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from sqlalchemy import Engine, delete, insert, select

from f1_pipeline.storage.engine import write_transaction
from f1_pipeline.storage.schema import heartbeats

DAEMON = "dagster-daemon"
"""What evaluates sensors and schedules and starts the runs that wait."""


@dataclass(frozen=True)
class Heartbeat:
    """The newest sign of life; see the table ``heartbeats``."""

    name: str
    beat_at: datetime
    every_seconds: int
    host: str


def beat(engine: Engine, name: str, every_seconds: int) -> None:
    """Put a sign of life in place of the one before.

    On the clock of the system, not on the pipeline's: it is a claim about this machine, also while a weekend of last
    year is played again.
    """
    made = Heartbeat(name, datetime.now(UTC), every_seconds, socket.gethostname()[:255])
    with write_transaction(engine) as connection:
        connection.execute(delete(heartbeats).where(heartbeats.c.name == name))
        connection.execute(insert(heartbeats), [asdict(made)])


def beats(engine: Engine) -> dict[str, Heartbeat]:
    """The newest sign of life of each that ever gave one, by name."""
    with engine.connect() as connection:
        rows = connection.execute(select(heartbeats).order_by(heartbeats.c.name)).mappings()
        return {row["name"]: Heartbeat(**row) for row in rows}
