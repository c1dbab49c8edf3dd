"""Marks of features: which calendar they were computed from. Written with them, by ``writes.replace_races``."""

from __future__ import annotations

from sqlalchemy import Engine, insert, select

from f1_pipeline.forecasting.features.calendar_marks import calendar_marks
from f1_pipeline.storage import reads
from f1_pipeline.storage.engine import write_transaction
from f1_pipeline.storage.schema import feature_marks, feature_matrix


def outdated_races(engine: Engine) -> set[str]:
    """Races whose place in the calendar, or whose layout, is another one than their features were computed from.

    An update that died right after it had taken the calendar in left nothing else behind that says so.
    """
    now = calendar_marks(reads.calendar(engine))
    with engine.connect() as connection:
        rows = connection.execute(select(feature_marks.c.race_key, feature_marks.c.calendar_hash)).all()
    return {str(key) for key, mark in rows if now.get(str(key)) != mark}


def remember_marks(engine: Engine) -> None:
    """Give features without a mark, made before there were marks, that of the calendar as it is stored.

    To be called before another calendar is taken in; what lay between them and now is not known.
    """
    now = calendar_marks(reads.calendar(engine))
    with write_transaction(engine) as connection:
        marked = {(str(row[0]), str(row[1])) for row in connection.execute(select(feature_marks))}
        made = connection.execute(select(feature_matrix.c.race_key, feature_matrix.c.horizon).distinct())
        missing = [
            {"race_key": race, "horizon": horizon, "calendar_hash": now[race]}
            for race, horizon in made
            if (race, horizon) not in marked
        ]
        if missing:
            connection.execute(insert(feature_marks), missing)
