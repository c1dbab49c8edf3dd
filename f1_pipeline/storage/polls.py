"""The record of questions to web sources, and what decisions about the next one have to know."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import Engine, delete, func, insert, select

from f1_pipeline.sources.bundle import LIVE
from f1_pipeline.sources.live import Slot
from f1_pipeline.storage.engine import write_transaction
from f1_pipeline.storage.reads import COMPLETED
from f1_pipeline.storage.schema import data_loads, live_sessions, source_polls

FINAL_SOURCE = "f1db"
"""The source whose results are final."""


@dataclass(frozen=True)
class Poll:
    """The newest question about a subject; see the table ``source_polls``."""

    subject: str
    asked_at: datetime
    outcome: str
    answered_at: datetime | None = None
    check_name: str | None = None
    message: str | None = None
    retry_at: datetime | None = None
    source: str = LIVE

    @property
    def asked(self) -> bool:
        """A request was really made: what our own limit stopped costs nothing and may be asked at once."""
        return self.outcome != "stopped"


def record(engine: Engine, poll: Poll) -> None:
    """Put a question in place of the one before about the same subject."""
    table = source_polls
    with write_transaction(engine) as connection:
        connection.execute(
            delete(table).where(table.c.source == poll.source, table.c.subject == poll.subject)
        )
        connection.execute(insert(table), [asdict(poll)])


def polls(engine: Engine, source: str = LIVE) -> dict[str, Poll]:
    """The newest question of each subject."""
    table = source_polls
    query = select(table).where(table.c.source == source).order_by(table.c.asked_at, table.c.subject)
    with engine.connect() as connection:
        return {row["subject"]: Poll(**row) for row in connection.execute(query).mappings()}


def forget_polls(engine: Engine, subjects: Collection[str], source: str = LIVE) -> None:
    """Remove questions from the record by their subjects."""
    table = source_polls
    with write_transaction(engine) as connection:
        for subject in subjects:
            connection.execute(delete(table).where(table.c.source == source, table.c.subject == subject))


def complete_versions(engine: Engine) -> dict[Slot, str]:
    """Content hash of the newest live version of each slot, where that one is complete."""
    table = live_sessions
    newest = select(func.max(table.c.id)).group_by(table.c.race_key, table.c.table_name, table.c.session)
    query = select(table.c.race_key, table.c.table_name, table.c.session, table.c.content_hash).where(
        table.c.id.in_(newest), table.c.complete
    )
    with engine.connect() as connection:
        return {Slot(*row[:3]): str(row[3]) for row in connection.execute(query)}


def final_races(engine: Engine, race_keys: Collection[str]) -> set[str]:
    """Of some races those whose result the bulk source has published, whoever has corrected it since."""
    table = data_loads
    query = select(table.c.race_key).where(
        table.c.table_name == "race_results",
        table.c.race_key.in_(list(race_keys)),
        table.c.source == FINAL_SOURCE,
        table.c.row_count > 0,
    )
    with engine.connect() as connection:
        return {str(key) for key in connection.scalars(query.distinct())}


def result_source(engine: Engine, race_key: str) -> str | None:
    """Whose the result of a race in the tables is; None without one."""
    table = data_loads
    query = (
        select(table.c.source)
        .where(table.c.table_name == "race_results", table.c.race_key == race_key, table.c.row_count > 0)
        .order_by(table.c.id.desc())
        .limit(1)
    )
    with engine.connect() as connection:
        value = connection.scalar(query)
    return None if value is None else str(value)


def completed_release(engine: Engine) -> str | None:
    """Release that was taken in completely last."""
    table = data_loads
    query = (
        select(table.c.release).where(table.c.table_name == COMPLETED).order_by(table.c.id.desc()).limit(1)
    )
    with engine.connect() as connection:
        value = connection.scalar(query)
    return None if value is None else str(value)


def newest_loads(engine: Engine) -> dict[str, datetime]:
    """When rows of each source were taken in last."""
    table = data_loads
    query = select(table.c.source, func.max(table.c.loaded_at)).group_by(table.c.source)
    with engine.connect() as connection:
        return {str(source): moment for source, moment in connection.execute(query)}
