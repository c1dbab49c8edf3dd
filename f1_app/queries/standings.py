"""Standings of drivers and constructors after a race, and over a season, as the source published them.

Points are never added up here: dropped results, points taken away and an excluded driver are what the tables of
standings are for. Wins and podiums are counted from the results.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

import pandas as pd
from sqlalchemy import Connection, Select, Table, and_, exists, func, literal, or_, select

from f1_app.queries.shared import code_of_driver, frame_of, has_result, name_of_driver, name_of_team
from f1_pipeline.domain.championship_rules import KINDS
from f1_pipeline.storage.schema import (
    constructor_standings,
    constructors,
    data_loads,
    driver_standings,
    drivers,
    entries,
    race_results,
    races,
)

_TABLES: dict[str, Table] = dict(zip(KINDS, (driver_standings, constructor_standings), strict=True))


def standings_seasons(connection: Connection) -> list[int]:
    """Seasons with standings of drivers, newest first."""
    found = exists().where(driver_standings.c.race_key == races.c.race_key)
    return list(
        connection.scalars(select(races.c.season).where(found).distinct().order_by(races.c.season.desc()))
    )


def standings_races(connection: Connection, season: int, kind: str = "driver") -> pd.DataFrame:
    """Races of a season after which there are standings, newest first; none where the championship did not exist."""
    return frame_of(
        connection,
        select(races.c.race_key, races.c.round, races.c.name, races.c.date)
        .where(races.c.season == season, exists().where(_TABLES[kind].c.race_key == races.c.race_key))
        .order_by(races.c.date.desc(), races.c.race_key.desc()),
    )


def teams_of_drivers(connection: Connection, season: int, through: dt.date | None = None) -> pd.DataFrame:
    """For whom each driver of a season drove, by ``driver_id``.

    ``constructor_id`` and ``team`` are the newest, ``teams`` names all in the order in which he came to them.
    ``through``: the day of the last race that counts; a change of teams after it is not known yet.
    """
    statement = (
        select(entries.c.driver_id, entries.c.constructor_id, name_of_team(entries.c.constructor_id))
        .select_from(
            races.join(entries, entries.c.race_key == races.c.race_key).outerjoin(
                constructors, entries.c.constructor_id == constructors.c.constructor_id
            )
        )
        .where(races.c.season == season, races.c.is_cancelled.is_(False))
        .order_by(races.c.date, races.c.race_key)
    )
    if through is not None:
        statement = statement.where(races.c.date <= through)
    rows = frame_of(connection, statement)
    newest = rows.drop_duplicates("driver_id", keep="last").set_index("driver_id")
    names = rows.drop_duplicates(["driver_id", "constructor_id"]).groupby("driver_id")["team"].agg(", ".join)
    return newest.assign(teams=names.reindex(newest.index))


def _previous_positions(connection: Connection, race_key: str, kind: str) -> pd.DataFrame:
    """Who was where after the race before, if there was one in the season."""
    table = _TABLES[kind]
    here = races.alias("here")
    before = connection.scalar(
        select(races.c.race_key)
        .select_from(here.join(races, races.c.season == here.c.season))
        .where(
            here.c.race_key == race_key,
            or_(
                races.c.date < here.c.date,
                and_(races.c.date == here.c.date, races.c.race_key < here.c.race_key),
            ),
            exists().where(table.c.race_key == races.c.race_key),
        )
        .order_by(races.c.date.desc(), races.c.race_key.desc())
        .limit(1)
    )
    keys = ["driver_id"] if kind == "driver" else ["constructor_id", "engine_id"]
    return frame_of(
        connection,
        select(*(table.c[key] for key in keys), table.c.position.label("previous")).where(
            table.c.race_key == literal(before or "")
        ),
    )


def _top_three(connection: Connection, season: int, through: dt.date) -> pd.DataFrame:
    """Who was in the first three of each race so far; the two drivers of a shared car are two rows."""
    return frame_of(
        connection,
        select(
            race_results.c.race_key,
            race_results.c.driver_id,
            race_results.c.constructor_id,
            entries.c.engine_id,
            race_results.c.position,
        )
        .select_from(
            races.join(race_results, race_results.c.race_key == races.c.race_key).outerjoin(
                entries,
                and_(
                    entries.c.race_key == race_results.c.race_key,
                    entries.c.driver_id == race_results.c.driver_id,
                ),
            )
        )
        .where(races.c.season == season, races.c.date <= through, race_results.c.position <= 3)
        .order_by(races.c.date),
    )


def _counted(frame: pd.DataFrame, top: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """Add wins and podiums; a place counts once a race, also where two drivers shared the car."""
    places = top.drop_duplicates([*keys, "race_key", "position"])
    for name, first in (("wins", 1), ("podiums", 3)):
        count = places[places["position"] <= first].groupby(keys).size().rename(name).reset_index()
        frame = frame.merge(count, on=keys, how="left")
        frame[name] = frame[name].fillna(0).astype("int64")
    return frame


def _with_change(frame: pd.DataFrame, previous: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """Add ``change``: places gained by the race; empty where there was none before."""
    frame = frame.merge(previous, on=keys, how="left")
    position, before = frame["position"].astype("Int64"), frame["previous"].astype("Int64")
    return frame.assign(position=position, change=before - position).drop(columns="previous")


def _season_and_day(connection: Connection, race_key: str) -> tuple[int, dt.date] | None:
    row = connection.execute(
        select(races.c.season, races.c.date).where(races.c.race_key == race_key)
    ).one_or_none()
    return None if row is None else (row[0], row[1])


def drivers_after(connection: Connection, race_key: str) -> pd.DataFrame:
    """The drivers' standings after a race, in published order.

    Position, points, places gained by this race (``change``), wins and podiums so far, newest team and all teams. No rows
    where the race has no standings.
    """
    frame = frame_of(
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
    where = _season_and_day(connection, race_key)
    season, day = where or (0, dt.date.min)
    frame["code"] = frame["code"].fillna(frame["driver_id"].str[:3].str.upper())
    frame = _with_change(frame, _previous_positions(connection, race_key, "driver"), ["driver_id"])
    frame = _counted(frame, _top_three(connection, season, day), ["driver_id"])
    return frame.join(teams_of_drivers(connection, season, day), on="driver_id")


def constructors_after(connection: Connection, race_key: str) -> pd.DataFrame:
    """The constructors' standings after a race, in published order; columns as of ``drivers_after``.

    A constructor with two engines is two rows, as the rules had it.
    """
    frame = frame_of(
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
    where = _season_and_day(connection, race_key)
    keys = ["constructor_id", "engine_id"]
    frame = _with_change(frame, _previous_positions(connection, race_key, "constructor"), keys)
    return _counted(frame, _top_three(connection, *(where or (0, dt.date.min))), keys)


def points_over_season(
    connection: Connection, season: int, kind: str, through: dt.date | None = None
) -> pd.DataFrame:
    """Points and position of everybody after every race of a season, in calendar order.

    ``entity_id`` names a driver, or a constructor with its engine (``cooper-climax``).
    """
    table = _TABLES[kind]
    who: list[Any]
    if kind == "driver":
        who = [
            table.c.driver_id.label("entity_id"),
            func.coalesce(code_of_driver(), table.c.driver_id).label("code"),
            name_of_driver(table.c.driver_id).label("name"),
        ]
        source = table.outerjoin(drivers, table.c.driver_id == drivers.c.driver_id)
    else:
        who = [
            table.c.constructor_id,
            table.c.engine_id,
            name_of_team(table.c.constructor_id).label("name"),
        ]
        source = table.outerjoin(constructors, table.c.constructor_id == constructors.c.constructor_id)
    statement = (
        select(
            races.c.race_key,
            races.c.round,
            races.c.name.label("race"),
            races.c.date,
            *who,
            table.c.points,
            table.c.position,
        )
        .select_from(races.join(source, table.c.race_key == races.c.race_key))
        .where(races.c.season == season)
        .order_by(races.c.date, races.c.race_key, table.c.display_order)
    )
    if through is not None:
        statement = statement.where(races.c.date <= through)
    frame = frame_of(connection, statement)
    if kind == "constructor":
        frame["entity_id"] = frame["constructor_id"] + ("-" + frame["engine_id"].fillna("")).str.rstrip("-")
    return frame


def _with_standings(kind: str) -> Select[Any]:
    table = _TABLES[kind]
    return select(races.c.race_key).where(exists().where(table.c.race_key == races.c.race_key))


def newest_race(connection: Connection, kind: str, season: int | None, round_: int | None) -> str | None:
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
        .where(data_loads.c.table_name == _TABLES[kind].name, data_loads.c.race_key == race_key)
        .order_by(data_loads.c.id.desc())
        .limit(1)
    )
