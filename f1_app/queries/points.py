"""Points tables: how the championships stood after a race."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Select, and_, exists, func, select

from f1_app.queries.shared import code_of_driver, has_result, name_of_driver, name_of_team, rows_of
from f1_pipeline.storage.schema import (
    constructor_standings,
    constructors,
    data_loads,
    driver_standings,
    drivers,
    race_results,
    races,
)

TABLES = {"driver": driver_standings, "constructor": constructor_standings}


def _with_standings(kind: str) -> Select[Any]:
    table = TABLES[kind]
    return select(races.c.race_key).where(exists().where(table.c.race_key == races.c.race_key))


def race_of(connection: Connection, kind: str, season: int | None, round_: int | None) -> str | None:
    """The newest race that has standings; of a season and of a round where they are given."""
    statement = _with_standings(kind).order_by(races.c.date.desc(), races.c.race_key.desc()).limit(1)
    if season is not None:
        statement = statement.where(races.c.season == season)
    if round_ is not None:
        statement = statement.where(races.c.round == round_)
    return connection.scalar(statement)


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


def after_race(connection: Connection, race_key: str, kind: str) -> list[dict[str, Any]]:
    """The championship after a race, in its order. Of a driver also the team of that race: the newest of his season."""
    if kind == "constructor":
        return rows_of(
            connection,
            select(
                constructor_standings.c.position,
                constructor_standings.c.position_text,
                constructor_standings.c.constructor_id,
                name_of_team(constructor_standings.c.constructor_id),
                constructor_standings.c.engine_id,
                constructor_standings.c.points,
            )
            .select_from(
                constructor_standings.outerjoin(
                    constructors, constructor_standings.c.constructor_id == constructors.c.constructor_id
                )
            )
            .where(constructor_standings.c.race_key == race_key)
            .order_by(constructor_standings.c.display_order),
        )
    found = rows_of(
        connection,
        select(
            driver_standings.c.position,
            driver_standings.c.position_text,
            driver_standings.c.driver_id,
            code_of_driver(),
            name_of_driver(driver_standings.c.driver_id),
            driver_standings.c.points,
        )
        .select_from(driver_standings.outerjoin(drivers, driver_standings.c.driver_id == drivers.c.driver_id))
        .where(driver_standings.c.race_key == race_key)
        .order_by(driver_standings.c.display_order),
    )
    teams = _teams(connection, race_key)
    nobody = {"constructor_id": None, "team": None}
    return [{**row, **teams.get(row["driver_id"], nobody)} for row in found]


def _teams(connection: Connection, race_key: str) -> dict[str, dict[str, Any]]:
    """The team that each driver of a season last drove for, up to a race."""
    this = races.alias("this")
    statement = (
        select(
            race_results.c.driver_id,
            race_results.c.constructor_id,
            name_of_team(race_results.c.constructor_id),
            func.max(races.c.date).label("last"),
        )
        .select_from(
            this.join(races, and_(races.c.season == this.c.season, races.c.date <= this.c.date))
            .join(race_results, race_results.c.race_key == races.c.race_key)
            .outerjoin(constructors, race_results.c.constructor_id == constructors.c.constructor_id)
        )
        .where(this.c.race_key == race_key)
        .group_by(race_results.c.driver_id, race_results.c.constructor_id, constructors.c.name)
        .order_by(func.max(races.c.date), race_results.c.constructor_id)
    )
    return {
        row["driver_id"]: {"constructor_id": row["constructor_id"], "team": row["team"]}
        for row in rows_of(connection, statement)
    }
