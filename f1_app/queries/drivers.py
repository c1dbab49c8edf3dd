"""Drivers: who there was, everything one of them did, and who drove beside him."""

from __future__ import annotations

from typing import Any

import pandas as pd
from sqlalchemy import Connection, Select, Subquery, Table, and_, exists, func, select, union

from f1_app.queries.cars import frame_of_cars, select_weekends
from f1_app.queries.shared import code_of_driver, frame_of, name_of_driver
from f1_app.records import Driver
from f1_pipeline.storage.schema import (
    driver_standings,
    drivers,
    entries,
    race_results,
    races,
)


def seen_of(column: str) -> Subquery:
    """Every race with those who were entered in it or have a result; either table may miss a race that the other has."""
    return union(
        select(entries.c.race_key, entries.c[column]),
        select(race_results.c.race_key, race_results.c[column]),
    ).subquery()


def seasons_of(connection: Connection, column: str, entity_id: str) -> tuple[int, int] | None:
    """First and last season somebody was entered in or has a result of; None for who never was."""
    seasons = [
        season
        for table in (entries, race_results)
        for season in connection.execute(
            select(func.min(races.c.season), func.max(races.c.season))
            .select_from(table.join(races, table.c.race_key == races.c.race_key))
            .where(table.c[column] == entity_id)
        ).one()
        if season is not None
    ]
    return (min(seasons), max(seasons)) if seasons else None


def drivers_ever(connection: Connection) -> pd.DataFrame:
    """Everybody who was ever entered, the newest first: ``driver_id, code, driver, first_season, last_season, races``."""
    seen = seen_of("driver_id")
    return frame_of(
        connection,
        select(
            seen.c.driver_id,
            code_of_driver(),
            name_of_driver(seen.c.driver_id),
            func.min(races.c.season).label("first_season"),
            func.max(races.c.season).label("last_season"),
            func.count().label("races"),
        )
        .select_from(
            seen.join(races, seen.c.race_key == races.c.race_key).outerjoin(
                drivers, seen.c.driver_id == drivers.c.driver_id
            )
        )
        .group_by(seen.c.driver_id, drivers.c.code, drivers.c.last_name, drivers.c.name)
        .order_by(func.max(races.c.season).desc(), name_of_driver(seen.c.driver_id), seen.c.driver_id),
    )


def leader(connection: Connection) -> str | None:
    """Who leads the championship after the newest race that has standings; None without any."""
    newest = (
        select(races.c.race_key)
        .where(exists().where(driver_standings.c.race_key == races.c.race_key))
        .order_by(races.c.date.desc(), races.c.race_key.desc())
        .limit(1)
        .scalar_subquery()
    )
    return connection.scalar(
        select(driver_standings.c.driver_id)
        .where(driver_standings.c.race_key == newest)
        .order_by(driver_standings.c.display_order)
        .limit(1)
    )


def driver(connection: Connection, driver_id: str) -> Driver | None:
    """One driver; None for somebody who was never entered."""
    seasons = seasons_of(connection, "driver_id", driver_id)
    row = connection.execute(
        select(
            drivers.c.driver_id,
            code_of_driver(),
            drivers.c.name,
            drivers.c.number,
            drivers.c.date_of_birth,
            drivers.c.country_id,
        ).where(drivers.c.driver_id == driver_id)
    ).first()
    return None if row is None or seasons is None else Driver(*row, *seasons)


def results(connection: Connection, driver_id: str) -> pd.DataFrame:
    """Every row of a driver in a classification, newest first, with grid, qualifying and sprint.

    ``grid_position`` is the place he started from, penalties included; empty for the pit lane (``grid_text`` ``PL``).
    """
    return frame_of_cars(
        connection,
        select_weekends()
        .where(race_results.c.driver_id == driver_id)
        .order_by(races.c.date.desc(), races.c.race_key.desc(), race_results.c.display_order),
    )


def final_races(standings: Table = driver_standings) -> Select[Any]:
    """Season and key of the newest race with standings of every season: what stands there is the final table, or the
    present one of a season that is not over."""
    ranked = (
        select(
            races.c.season,
            races.c.race_key,
            func.row_number()
            .over(partition_by=races.c.season, order_by=(races.c.date.desc(), races.c.race_key.desc()))
            .label("place"),
        )
        .where(exists().where(standings.c.race_key == races.c.race_key))
        .subquery()
    )
    ahead = races.alias()
    return select(
        ranked.c.season,
        ranked.c.race_key,
        (
            ~exists().where(
                ahead.c.season == ranked.c.season,
                ahead.c.is_cancelled.is_(False),
                ~exists().where(race_results.c.race_key == ahead.c.race_key),
            )
        ).label("finished"),
    ).where(ranked.c.place == 1)


def standings(connection: Connection, driver_id: str) -> pd.DataFrame:
    """Place and points in the championship of every season, newest first; ``finished``: the season is over."""
    final = final_races().subquery()
    return frame_of(
        connection,
        select(
            final.c.season,
            driver_standings.c.position,
            driver_standings.c.position_text,
            driver_standings.c.points,
            final.c.finished,
        )
        .select_from(driver_standings.join(final, driver_standings.c.race_key == final.c.race_key))
        .where(driver_standings.c.driver_id == driver_id)
        .order_by(final.c.season.desc()),
    ).astype({"position": "Int64", "points": "float64"})


def cars_of_team_mates(connection: Connection, driver_id: str) -> pd.DataFrame:
    """Rows of the driver and of all who drove for the same constructor in the same races, oldest first.

    The columns are those of ``results``; ``summaries.pairs`` makes team-mates of them.
    """
    own = (
        select(race_results.c.race_key, race_results.c.constructor_id)
        .where(race_results.c.driver_id == driver_id)
        .distinct()
        .subquery()
    )
    return frame_of_cars(
        connection,
        select_weekends()
        .join(
            own,
            and_(
                race_results.c.race_key == own.c.race_key,
                # Hidden from the index of constructors: going over every race of a team for each race of the driver
                # took 0.16 s for a career of 440 races, going over the cars of the race takes a tenth of it.
                func.coalesce(race_results.c.constructor_id, "") == own.c.constructor_id,
            ),
        )
        .order_by(races.c.date, races.c.race_key, race_results.c.display_order),
    )
