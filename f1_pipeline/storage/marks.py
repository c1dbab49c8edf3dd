"""Marks of features: which calendar, and which code, they were computed from. Written with them, by ``writes.replace_races``."""

from __future__ import annotations

from sqlalchemy import Engine, and_, select

from f1_pipeline.forecasting.features.calendar_marks import calendar_marks
from f1_pipeline.storage import reads
from f1_pipeline.storage.schema import circuits, feature_marks, feature_matrix


def outdated_races(engine: Engine) -> set[str]:
    """Races whose features have no mark, or another one than would be given now.

    Their place in the calendar, layout or circuit is another one, or the code is. An update that died right after it had
    taken the calendar in left nothing else behind that says so.
    """
    now = calendar_marks(reads.calendar(engine), reads.read_table(engine, circuits))
    marks, made = feature_marks.c, feature_matrix.c
    unmarked = (
        select(made.race_key)
        .outerjoin(feature_marks, and_(made.race_key == marks.race_key, made.horizon == marks.horizon))
        .where(marks.race_key.is_(None))
        .distinct()
    )
    with engine.connect() as connection:
        rows = connection.execute(select(marks.race_key, marks.calendar_hash)).all()
        missing = set(connection.scalars(unmarked))
    return missing | {str(key) for key, mark in rows if mark != now.get(str(key))}
