"""What live sources said: every version of every slot, so that a run goes on with the versions it began with."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Engine, delete, func, insert, select, update

from f1_pipeline.sources.live import LIVE_TABLES, LiveSession, Slot, check_session
from f1_pipeline.storage.engine import write_transaction
from f1_pipeline.storage.row_text import rows_to_text, text_to_rows
from f1_pipeline.storage.schema import live_sessions


class LiveMark(NamedTuple):
    """A remembered version: its number, and what decides about merging it (``LiveSession.mark``)."""

    id: int
    mark: str


def remember(engine: Engine, session: LiveSession) -> bool:
    """Remember what a live source says now; True where it is another version than the newest one of the slot.

    The same rows again only move ``confirmed_at``: what a version was seen against stays as it was.

    Raises:
        ContractViolation: impossible rows; nothing was remembered.
    """
    session = replace(session, rows=check_session(session))
    table, slot = live_sessions, session.slot
    with write_transaction(engine) as connection:
        newest = connection.execute(
            select(table.c.id, table.c.content_hash, table.c.complete)
            .where(
                table.c.race_key == slot.race_key,
                table.c.table_name == slot.table,
                table.c.session == slot.session,
            )
            .order_by(table.c.id.desc())
            .limit(1)
        ).first()
        if newest is not None and (newest.content_hash, bool(newest.complete)) == (
            session.content_hash,
            session.complete,
        ):
            connection.execute(
                update(table).where(table.c.id == newest.id).values(confirmed_at=session.seen_at)
            )
            return False
        connection.execute(
            insert(table),
            [
                {
                    "race_key": slot.race_key,
                    "table_name": slot.table,
                    "session": slot.session,
                    "content_hash": session.content_hash,
                    "against": session.against,
                    "source": session.source,
                    "seen_at": session.seen_at,
                    "confirmed_at": session.seen_at,
                    "complete": session.complete,
                    "row_count": len(session.rows),
                    "rows": rows_to_text(slot.table, session.rows)[slot.race_key],
                }
            ],
        )
    return True


def newest_marks(engine: Engine) -> tuple[LiveMark, ...]:
    """The newest complete version of each slot: what a state of the source is merged with.

    A half answer after a whole one takes nothing back: sources have outages in the middle of an answer. Of tables that no
    live source speaks of (any more) there is none: an older release remembered the grids that results state.
    """
    table = live_sessions
    by = (table.c.race_key, table.c.table_name, table.c.session)
    wanted = table.c.complete & table.c.table_name.in_(LIVE_TABLES)
    newest = select(func.max(table.c.id)).where(wanted).group_by(*by)
    query = (
        select(
            table.c.id,
            table.c.race_key,
            table.c.table_name,
            table.c.session,
            table.c.content_hash,
            table.c.against,
            table.c.source,
        )
        .where(table.c.id.in_(newest))
        .order_by(table.c.id)
    )
    with engine.connect() as connection:
        return tuple(LiveMark(int(row[0]), " ".join(row[1:])) for row in connection.execute(query))


def read_sessions(engine: Engine, numbers: Sequence[int]) -> dict[Slot, LiveSession]:
    """Remembered versions by their numbers.

    Raises:
        ContractViolation: written by a product with other columns.
    """
    table = live_sessions
    found: dict[Slot, LiveSession] = {}
    with engine.connect() as connection:
        for start in range(0, len(numbers), 400):
            query = select(table).where(table.c.id.in_(numbers[start : start + 400])).order_by(table.c.id)
            for row in connection.execute(query):
                slot = Slot(row.race_key, row.table_name, row.session)
                rows = text_to_rows(row.table_name, row.race_key, row.rows, row.source)
                found[slot] = LiveSession(
                    slot, rows, row.seen_at, bool(row.complete), row.against, row.source
                )
    return found


def last_asked(engine: Engine) -> dict[Slot, datetime]:
    """When each slot was last confirmed by its source: what a page says about the age of live data."""
    table = live_sessions
    query = select(
        table.c.race_key, table.c.table_name, table.c.session, func.max(table.c.confirmed_at)
    ).group_by(table.c.race_key, table.c.table_name, table.c.session)
    with engine.connect() as connection:
        return {Slot(*row[:3]): row[3] for row in connection.execute(query)}


def all_versions(engine: Engine) -> list[tuple[int, Slot, bool, datetime]]:
    """Number, slot, whether it is complete, and last confirmation of every version that is kept."""
    table = live_sessions
    query = select(
        table.c.id,
        table.c.race_key,
        table.c.table_name,
        table.c.session,
        table.c.complete,
        table.c.confirmed_at,
    ).order_by(table.c.id)
    with engine.connect() as connection:
        return [(int(row[0]), Slot(*row[1:4]), bool(row[4]), row[5]) for row in connection.execute(query)]


def forget_versions(engine: Engine, numbers: Collection[int]) -> None:
    """Remove versions by their numbers."""
    wanted = sorted(numbers)
    with write_transaction(engine) as connection:
        for start in range(0, len(wanted), 400):
            connection.execute(
                delete(live_sessions).where(live_sessions.c.id.in_(wanted[start : start + 400]))
            )
