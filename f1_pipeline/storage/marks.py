"""Marks of features: which calendar they were computed from. Written with them, by ``writes.replace_races``."""

from __future__ import annotations

import pandas as pd
from sqlalchemy import Engine, insert, select, update

from f1_pipeline.forecasting.features.calendar_marks import calendar_marks
from f1_pipeline.storage import reads
from f1_pipeline.storage.engine import write_transaction
from f1_pipeline.storage.schema import circuits, feature_marks, feature_matrix


def outdated_races(engine: Engine) -> set[str]:
    """Races whose place in the calendar, layout or circuit is another one than their features were computed from.

    An update that died right after it had taken the calendar in left nothing else behind that says so.
    """
    now, before = _marks(engine), _old_marks(engine)
    with engine.connect() as connection:
        rows = connection.execute(select(feature_marks.c.race_key, feature_marks.c.calendar_hash)).all()
    return {str(key) for key, mark in rows if mark not in (now.get(str(key)), before.get(str(key)))}


def remember_marks(engine: Engine) -> None:
    """Give features without a mark, made before there were marks, that of the calendar as it is stored; and marks that
    did not look at circuits those of the circuits as they are stored.

    To be called before another calendar is taken in; what lay between them and now is not known.
    """
    now, before = _marks(engine), _old_marks(engine)
    table = feature_marks
    with write_transaction(engine) as connection:
        marked = {(str(row[0]), str(row[1])): str(row[2]) for row in connection.execute(select(table))}
        made = connection.execute(select(feature_matrix.c.race_key, feature_matrix.c.horizon).distinct())
        missing = [
            {"race_key": race, "horizon": horizon, "calendar_hash": now[race]}
            for race, horizon in made
            if (race, horizon) not in marked
        ]
        if missing:
            connection.execute(insert(table), missing)
        for race in sorted({race for (race, _), mark in marked.items() if mark == before.get(race)}):
            connection.execute(
                update(table)
                .where(table.c.race_key == race, table.c.calendar_hash == before[race])
                .values(calendar_hash=now[race])
            )


def _marks(engine: Engine) -> dict[str, str]:
    return calendar_marks(reads.calendar(engine), _circuits(engine))


def _old_marks(engine: Engine) -> dict[str, str]:
    return calendar_marks(reads.calendar(engine), None)


def _circuits(engine: Engine) -> pd.DataFrame:
    return reads.read_table(engine, circuits)
