"""Signs of life of the daemon, and which database answers."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import Connection, literal, select

from f1_app.records import Beat
from f1_pipeline.storage.schema import heartbeats


def beat(connection: Connection, name: str) -> Beat | None:
    """The newest sign of life of what runs by itself; None if it never gave one."""
    row = connection.execute(
        select(heartbeats.c.beat_at, heartbeats.c.every_seconds, heartbeats.c.host).where(
            heartbeats.c.name == name
        )
    ).first()
    return None if row is None else Beat(row[0], dt.timedelta(seconds=row[1]), row[2])


def database(connection: Connection) -> str:
    """Kind of the database that answers."""
    connection.execute(select(literal(1))).one()
    return connection.dialect.name
