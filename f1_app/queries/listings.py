"""Lists of what there is (races, drivers, constructors, circuits), a page at a time, and races by what people call them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import CompoundSelect, Connection, Select, exists, func, select, union

from f1_app.queries.shared import code_of_driver, has_forecast, has_result, page_of, rows_of
from f1_pipeline.storage.schema import circuits, constructors, drivers, entries, race_results, races

Page = tuple[int, list[dict[str, Any]]]
"""How many rows there are altogether, and those of the page."""


def _races() -> Select[Any]:
    return select(
        races.c.race_key,
        races.c.season,
        races.c.round,
        races.c.name,
        races.c.official_name,
        races.c.date,
        races.c.start_at,
        races.c.qualifying_at,
        races.c.sprint_at,
        races.c.is_sprint_weekend,
        races.c.is_cancelled,
        races.c.circuit_id,
        circuits.c.name.label("circuit"),
        circuits.c.place,
        circuits.c.time_zone,
        func.coalesce(races.c.course_length_km, circuits.c.length_km).label("length_km"),
        races.c.laps,
        has_result().label("finished"),
        has_forecast().label("prediction_available"),
    ).select_from(races.outerjoin(circuits, races.c.circuit_id == circuits.c.circuit_id))


def race_row(connection: Connection, race_key: str) -> dict[str, Any] | None:
    """One race by its key, with ``finished`` and ``prediction_available``."""
    found = rows_of(connection, _races().where(races.c.race_key == race_key))
    return found[0] if found else None


def race_key_of_round(connection: Connection, season: int, round_: int) -> str | None:
    """The race that has this round now; of several (a cancelled one keeps its number) the one that is held."""
    return connection.scalar(
        select(races.c.race_key)
        .where(races.c.season == season, races.c.round == round_)
        .order_by(races.c.is_cancelled, races.c.date, races.c.race_key)
        .limit(1)
    )


def season_races(connection: Connection, season: int) -> list[dict[str, Any]]:
    """The calendar of a season in its order, cancelled races among them."""
    return rows_of(
        connection, _races().where(races.c.season == season).order_by(races.c.date, races.c.race_key)
    )


def races_page(connection: Connection, season: int | None, limit: int, offset: int) -> Page:
    """Races, newest first; of one season or of all."""
    statement = _races().order_by(races.c.date.desc(), races.c.race_key.desc())
    if season is not None:
        statement = statement.where(races.c.season == season)
    return page_of(connection, statement, limit, offset)


def _took_part(season: int, column: str) -> CompoundSelect[Any]:
    """Ids of a column in the entries or the results of a season: a source may have results only."""
    # A list of the season's ids, not a question at each row: 3 ms in place of 90.
    return union(
        *(
            select(table.c[column]).where(table.c.race_key == races.c.race_key, races.c.season == season)
            for table in (entries, race_results)
        )
    )


def drivers_page(connection: Connection, season: int | None, limit: int, offset: int) -> Page:
    """Drivers by name; those who were entered in a season, or all."""
    statement = select(
        drivers.c.driver_id,
        code_of_driver(),
        drivers.c.name,
        drivers.c.number,
        drivers.c.date_of_birth,
        drivers.c.country_id,
    ).order_by(drivers.c.name, drivers.c.driver_id)
    if season is not None:
        statement = statement.where(drivers.c.driver_id.in_(_took_part(season, "driver_id")))
    return page_of(connection, statement, limit, offset)


def constructors_page(connection: Connection, season: int | None, limit: int, offset: int) -> Page:
    """Constructors by name; those who were entered in a season, or all."""
    statement = select(
        constructors.c.constructor_id,
        constructors.c.name,
        constructors.c.full_name,
        constructors.c.country_id,
    ).order_by(constructors.c.name, constructors.c.constructor_id)
    if season is not None:
        statement = statement.where(constructors.c.constructor_id.in_(_took_part(season, "constructor_id")))
    return page_of(connection, statement, limit, offset)


def _circuits() -> Select[Any]:
    return select(*circuits.c)


def circuits_page(connection: Connection, season: int | None, limit: int, offset: int) -> Page:
    """Circuits by name; those on the calendar of a season, or all."""
    statement = _circuits().order_by(circuits.c.name, circuits.c.circuit_id)
    if season is not None:
        statement = statement.where(
            exists().where(races.c.circuit_id == circuits.c.circuit_id, races.c.season == season)
        )
    return page_of(connection, statement, limit, offset)


def circuit_row(connection: Connection, circuit_id: str) -> dict[str, Any] | None:
    """One circuit."""
    found = rows_of(connection, _circuits().where(circuits.c.circuit_id == circuit_id))
    return found[0] if found else None


def driver_row(connection: Connection, driver_id: str) -> dict[str, Any] | None:
    """One driver: ``driver_id, code, name``."""
    found = rows_of(
        connection,
        select(drivers.c.driver_id, code_of_driver(), drivers.c.name).where(drivers.c.driver_id == driver_id),
    )
    return found[0] if found else None
