"""After which race the championships are asked for, and what their tables stand on."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Select, exists, select

from f1_app.queries.shared import has_result
from f1_pipeline.storage.schema import constructor_standings, data_loads, driver_standings, races

TABLES = {"driver": driver_standings, "constructor": constructor_standings}


def _with_standings(kind: str) -> Select[Any]:
    table = TABLES[kind]
    return select(races.c.race_key).where(exists().where(table.c.race_key == races.c.race_key))


def race_of(connection: Connection, kind: str, season: int | None, round_: int | None) -> str | None:
    """The newest race that has standings; of a season and of a round where they are given, of a
    round alone in the newest season that has any.
    """
    statement = _with_standings(kind).order_by(races.c.date.desc(), races.c.race_key.desc()).limit(1)
    if season is None and round_ is not None:
        season = connection.scalar(statement.with_only_columns(races.c.season))
    if season is not None:
        statement = statement.where(races.c.season == season)
    if round_ is not None:
        statement = statement.where(races.c.round == round_)
    found: str | None = connection.scalar(statement)
    return found


def has_later(connection: Connection, race_key: str) -> bool:
    """Whether a race after this one has a result: what stood after this one is then history."""
    day = select(races.c.date).where(races.c.race_key == race_key).scalar_subquery()
    return bool(connection.scalar(select(exists().where(races.c.date > day, has_result()))))


def release(connection: Connection, kind: str, race_key: str) -> str | None:
    """The release that the standings after a race were last loaded from."""
    return connection.scalar(
        select(data_loads.c.release)
        .where(data_loads.c.table_name == TABLES[kind].name, data_loads.c.race_key == race_key)
        .order_by(data_loads.c.id.desc())
        .limit(1)
    )
