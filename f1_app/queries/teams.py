"""Teams (constructors): who there was, and everything their cars did."""

from __future__ import annotations

import pandas as pd
from sqlalchemy import Connection, func, select

from f1_app.queries.cars import frame_of_cars, select_weekends
from f1_app.queries.drivers import final_races, seasons_of, seen_of
from f1_app.queries.shared import frame_of, name_of_team
from f1_app.records import Team
from f1_pipeline.storage.schema import constructor_standings, constructors, race_results, races


def teams_ever(connection: Connection) -> pd.DataFrame:
    """Every team that was ever entered, the newest first: ``constructor_id, team, first_season, last_season, races``."""
    seen = seen_of("constructor_id")
    return frame_of(
        connection,
        select(
            seen.c.constructor_id,
            name_of_team(seen.c.constructor_id),
            func.min(races.c.season).label("first_season"),
            func.max(races.c.season).label("last_season"),
            func.count().label("races"),
        )
        .select_from(
            seen.join(races, seen.c.race_key == races.c.race_key).outerjoin(
                constructors, seen.c.constructor_id == constructors.c.constructor_id
            )
        )
        .group_by(seen.c.constructor_id, constructors.c.name)
        .order_by(
            func.max(races.c.season).desc(), name_of_team(seen.c.constructor_id), seen.c.constructor_id
        ),
    )


def leader(connection: Connection) -> str | None:
    """Which team leads the championship after the newest race that has standings; None without any."""
    return connection.scalar(
        select(constructor_standings.c.constructor_id)
        .join(races, constructor_standings.c.race_key == races.c.race_key)
        .order_by(
            races.c.date.desc(),
            constructor_standings.c.race_key.desc(),
            constructor_standings.c.display_order,
        )
        .limit(1)
    )


def team(connection: Connection, constructor_id: str) -> Team | None:
    """One team; None for one that was never entered."""
    seasons = seasons_of(connection, "constructor_id", constructor_id)
    row = connection.execute(
        select(
            constructors.c.constructor_id,
            constructors.c.name,
            constructors.c.full_name,
            constructors.c.country_id,
        ).where(constructors.c.constructor_id == constructor_id)
    ).first()
    return None if row is None or seasons is None else Team(*row, *seasons)


def results(connection: Connection, constructor_id: str) -> pd.DataFrame:
    """Every row of a team in a classification, newest race first; the columns are those of ``drivers.results``."""
    return frame_of_cars(
        connection,
        select_weekends()
        .where(race_results.c.constructor_id == constructor_id)
        .order_by(races.c.date.desc(), races.c.race_key.desc(), race_results.c.display_order),
    )


def standings(connection: Connection, constructor_id: str) -> pd.DataFrame:
    """Place and points in the championship of every season, newest first; ``finished``: the season is over.

    A team with two engines was two rows (``engine_id``) until 1984, each with a place of its own.
    """
    final = final_races(constructor_standings).subquery()
    return frame_of(
        connection,
        select(
            final.c.season,
            constructor_standings.c.engine_id,
            constructor_standings.c.position,
            constructor_standings.c.position_text,
            constructor_standings.c.points,
            final.c.finished,
        )
        .select_from(constructor_standings.join(final, constructor_standings.c.race_key == final.c.race_key))
        .where(constructor_standings.c.constructor_id == constructor_id)
        .order_by(final.c.season.desc(), constructor_standings.c.display_order),
    ).astype({"position": "Int64", "points": "float64"})
