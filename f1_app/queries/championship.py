"""Forecasts of both championships, as they stood before each race."""

from __future__ import annotations

import pandas as pd
from sqlalchemy import Connection, exists, func, select

from f1_app.queries.shared import code_of_driver, frame_of, has_result, name_of_driver
from f1_app.queries.standings import standings_races, teams_of_drivers
from f1_pipeline.storage.schema import (
    championship_forecasts,
    championship_positions,
    championship_scenarios,
    constructor_standings,
    constructors,
    driver_standings,
    drivers,
    races,
)

NOT_CLASSIFIED = 0
"""Place of a driver in ``scenarios`` who does not reach the finish."""


def championship_seasons(connection: Connection) -> list[int]:
    """Seasons whose championships were forecast, newest first."""
    found = exists().where(championship_forecasts.c.race_key == races.c.race_key)
    return list(
        connection.scalars(select(races.c.season).where(found).distinct().order_by(races.c.season.desc()))
    )


def championship_races(connection: Connection, season: int) -> pd.DataFrame:
    """Races of a season before which there is a forecast, newest first, and whether each has a result."""
    return frame_of(
        connection,
        select(races.c.race_key, races.c.round, races.c.name, races.c.date, has_result().label("finished"))
        .where(
            races.c.season == season,
            exists().where(championship_forecasts.c.race_key == races.c.race_key),
        )
        .order_by(races.c.date.desc(), races.c.race_key.desc()),
    )


def _season_of(connection: Connection, race_key: str) -> int:
    return int(connection.scalar(select(races.c.season).where(races.c.race_key == race_key)) or 0)


def _named(
    connection: Connection, frame: pd.DataFrame, season: int, kind: str, race_key: str | None
) -> pd.DataFrame:
    """Add ``code``, ``name``, ``constructor_id`` and ``team`` of each ``entity_id``.

    A driver's team is that of the race ``race_key`` (None: the newest of the season): a forecast must not know of a later
    change of teams.
    """
    ids = [str(entity) for entity in frame["entity_id"].unique()]
    if kind == "constructor":
        names = frame_of(
            connection,
            select(constructors.c.constructor_id, constructors.c.name).where(
                constructors.c.constructor_id.in_(ids)
            ),
        ).set_index("constructor_id")["name"]
        name = frame["entity_id"].map(names)
        name = name.where(name.notna(), frame["entity_id"])
        return frame.assign(code=name, name=name, constructor_id=frame["entity_id"], team=name)
    who = frame_of(
        connection,
        select(
            drivers.c.driver_id, code_of_driver(), name_of_driver(drivers.c.driver_id).label("name")
        ).where(drivers.c.driver_id.in_(ids)),
    ).set_index("driver_id")
    day = connection.scalar(select(races.c.date).where(races.c.race_key == race_key)) if race_key else None
    teams = teams_of_drivers(connection, season, day)
    frame = frame.join(who, on="entity_id").join(teams[["constructor_id", "team"]], on="entity_id")
    return frame.assign(
        code=frame["code"].fillna(frame["entity_id"].str[:3].str.upper()),
        name=frame["name"].fillna(frame["entity_id"]),
    )


def championship(connection: Connection, race_key: str, kind: str) -> pd.DataFrame:
    """The forecast of a championship before a race, most likely champion on top.

    Every column of ``championship_forecasts``, with code, name and team of that time.
    """
    table = championship_forecasts
    frame = frame_of(
        connection,
        select(*(column for column in table.c if column.name not in ("race_key", "kind")))
        .where(table.c.race_key == race_key, table.c.kind == kind)
        .order_by(
            table.c.title_probability.desc(),
            table.c.expected_position,
            table.c.expected_points.desc(),
            table.c.entity_id,
        ),
    )
    return _named(connection, frame, _season_of(connection, race_key), kind, race_key)


def title_history(connection: Connection, season: int, kind: str) -> pd.DataFrame:
    """Title probability and expected points of everybody before each race of a season, in calendar order."""
    table = championship_forecasts
    frame = frame_of(
        connection,
        select(
            races.c.race_key,
            races.c.round,
            races.c.name.label("race"),
            races.c.date,
            table.c.entity_id,
            table.c.title_probability,
            table.c.expected_points,
            table.c.can_win,
        )
        .select_from(races.join(table, table.c.race_key == races.c.race_key))
        .where(races.c.season == season, table.c.kind == kind)
        .order_by(races.c.date, races.c.race_key, table.c.entity_id),
    )
    return _named(connection, frame, season, kind, None)


def final_positions(connection: Connection, race_key: str, kind: str) -> pd.DataFrame:
    """Probability of every final place as forecast before a race: ``entity_id``, ``position``, ``probability``."""
    table = championship_positions
    return frame_of(
        connection,
        select(table.c.entity_id, table.c.position, table.c.probability)
        .where(table.c.race_key == race_key, table.c.kind == kind)
        .order_by(table.c.entity_id, table.c.position),
    )


def scenarios(connection: Connection, race_key: str, kind: str) -> pd.DataFrame:
    """Title chances given each result of a leading driver in a race; no rows where none were made.

    ``position`` is the driver's place, 0 for not classified; ``entity_id`` whose ``title_probability`` it is.
    """
    table = championship_scenarios
    frame = frame_of(
        connection,
        select(
            table.c.driver_id,
            table.c.position,
            table.c.entity_id,
            table.c.probability,
            table.c.title_probability,
        )
        .where(table.c.race_key == race_key, table.c.kind == kind)
        .order_by(table.c.driver_id, table.c.position, table.c.entity_id),
    )
    return _named(connection, frame, _season_of(connection, race_key), kind, race_key)


def outcome(connection: Connection, season: int, kind: str) -> pd.DataFrame:
    """How the season ended, by ``entity_id``: final ``position`` and ``points``; no rows while it is not over.

    Over means that every race that was not cancelled has standings. A constructor with two engines is its better row,
    because a forecast has one entry for it.
    """
    table, key = (
        (driver_standings, driver_standings.c.driver_id)
        if kind == "driver"
        else (constructor_standings, constructor_standings.c.constructor_id)
    )
    planned = connection.scalar(
        select(func.count())
        .select_from(races)
        .where(races.c.season == season, races.c.is_cancelled.is_(False))
    )
    run = standings_races(connection, season, kind)
    last = str(run["race_key"].iloc[0]) if len(run) and len(run) == planned else ""
    frame = frame_of(
        connection,
        select(key.label("entity_id"), func.min(table.c.position), func.max(table.c.points))
        .where(table.c.race_key == last)
        .group_by(key),
    )
    frame.columns = pd.Index(["entity_id", "position", "points"])
    return frame.astype({"position": "Int64"}).set_index("entity_id")
