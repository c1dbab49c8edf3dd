"""How ratings of drivers and teams moved from race to race."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import pandas as pd
from sqlalchemy import Connection, and_, func, select

from f1_app.queries.shared import code_of_driver, frame_of, name_of_driver, name_of_team
from f1_pipeline.storage.schema import constructors, drivers, elo_ratings, entries, joint_ratings, races

Kind = Literal["driver", "constructor"]
BEFORE = "pre_weekend"
"""The horizon at which every race has a joint rating: what was known before its weekend."""


def elo(connection: Connection, kind: Kind, entity_ids: Sequence[str]) -> pd.DataFrame:
    """Elo of some drivers or teams before and after each race they entered, oldest first.

    Columns ``season, round, date, race_key, race, entity_id, constructor_id, team, value_before, value_after``;
    the last is empty where the race has no result yet. Of a driver the team is that of his entry.
    """
    entry = and_(
        entries.c.race_key == elo_ratings.c.race_key,
        entries.c.driver_id == elo_ratings.c.entity_id,
    )
    team = entries.c.constructor_id if kind == "driver" else elo_ratings.c.entity_id
    source = elo_ratings.join(races, elo_ratings.c.race_key == races.c.race_key)
    if kind == "driver":
        source = source.outerjoin(entries, entry)
    return frame_of(
        connection,
        select(
            races.c.season,
            races.c.round,
            races.c.date,
            races.c.race_key,
            races.c.name.label("race"),
            elo_ratings.c.entity_id,
            team.label("constructor_id"),
            name_of_team(team),
            elo_ratings.c.value_before,
            elo_ratings.c.value_after,
        )
        .select_from(source.outerjoin(constructors, team == constructors.c.constructor_id))
        .where(elo_ratings.c.kind == kind, elo_ratings.c.entity_id.in_(list(entity_ids)))
        .order_by(races.c.date, races.c.race_key, elo_ratings.c.entity_id),
    ).astype({"round": "Int64", "value_before": "float64", "value_after": "float64"})


def joint_of_drivers(
    connection: Connection, driver_ids: Sequence[str], horizon: str = BEFORE
) -> pd.DataFrame:
    """Joint rating of some drivers at each race they entered, oldest first, in per cent of a lap, higher is faster.

    ``mean`` is team and driver together, ``team_mean`` and ``driver_mean`` are its parts, each with its standard
    deviation. The zero moves from season to season (it is the mean of the teams at the last winter), so the means of
    all entries of the race are there as well: ``field_mean``, ``field_team_mean``, ``field_driver_mean``.
    """
    chosen = joint_ratings.c.driver_id.in_(list(driver_ids))
    field = (
        select(
            joint_ratings.c.race_key,
            func.avg(joint_ratings.c.mean).label("field_mean"),
            func.avg(joint_ratings.c.team_mean).label("field_team_mean"),
            func.avg(joint_ratings.c.driver_mean).label("field_driver_mean"),
        )
        .where(
            joint_ratings.c.horizon == horizon,
            joint_ratings.c.race_key.in_(select(joint_ratings.c.race_key).where(chosen)),
        )
        .group_by(joint_ratings.c.race_key)
        .subquery()
    )
    return frame_of(
        connection,
        select(
            races.c.season,
            races.c.round,
            races.c.date,
            races.c.race_key,
            races.c.name.label("race"),
            joint_ratings.c.driver_id.label("entity_id"),
            code_of_driver(),
            name_of_driver(joint_ratings.c.driver_id),
            joint_ratings.c.constructor_id,
            name_of_team(joint_ratings.c.constructor_id),
            joint_ratings.c.mean,
            joint_ratings.c.sd,
            joint_ratings.c.own_sd,
            joint_ratings.c.team_mean,
            joint_ratings.c.team_sd,
            joint_ratings.c.driver_mean,
            joint_ratings.c.driver_sd,
            field.c.field_mean,
            field.c.field_team_mean,
            field.c.field_driver_mean,
        )
        .select_from(
            joint_ratings.join(races, joint_ratings.c.race_key == races.c.race_key)
            .join(field, joint_ratings.c.race_key == field.c.race_key)
            .outerjoin(drivers, joint_ratings.c.driver_id == drivers.c.driver_id)
            .outerjoin(constructors, joint_ratings.c.constructor_id == constructors.c.constructor_id)
        )
        .where(chosen, joint_ratings.c.horizon == horizon)
        .order_by(races.c.date, races.c.race_key, joint_ratings.c.driver_id),
    ).astype({"round": "Int64", "own_sd": "float64"})


def joint_of_teams(
    connection: Connection, constructor_ids: Sequence[str], horizon: str = BEFORE
) -> pd.DataFrame:
    """The team's part of the joint rating at each race it entered, oldest first, with ``field_team_mean``."""
    # By the entries, which have an index of constructors; the ratings have one of drivers only.
    seen = (
        select(
            entries.c.race_key,
            entries.c.constructor_id,
            func.min(joint_ratings.c.team_mean).label("team_mean"),
            func.min(joint_ratings.c.team_sd).label("team_sd"),
        )
        .select_from(
            entries.join(
                joint_ratings,
                and_(
                    joint_ratings.c.race_key == entries.c.race_key,
                    joint_ratings.c.horizon == horizon,
                    joint_ratings.c.driver_id == entries.c.driver_id,
                ),
            )
        )
        .where(entries.c.constructor_id.in_(list(constructor_ids)))
        .group_by(entries.c.race_key, entries.c.constructor_id)
        .subquery()
    )
    field = (
        select(joint_ratings.c.race_key, func.avg(joint_ratings.c.team_mean).label("field_team_mean"))
        .where(joint_ratings.c.horizon == horizon, joint_ratings.c.race_key.in_(select(seen.c.race_key)))
        .group_by(joint_ratings.c.race_key)
        .subquery()
    )
    return frame_of(
        connection,
        select(
            races.c.season,
            races.c.round,
            races.c.date,
            races.c.race_key,
            races.c.name.label("race"),
            seen.c.constructor_id.label("entity_id"),
            seen.c.constructor_id,
            name_of_team(seen.c.constructor_id),
            seen.c.team_mean,
            seen.c.team_sd,
            field.c.field_team_mean,
        )
        .select_from(
            seen.join(races, seen.c.race_key == races.c.race_key)
            .join(field, seen.c.race_key == field.c.race_key)
            .outerjoin(constructors, seen.c.constructor_id == constructors.c.constructor_id)
        )
        .order_by(races.c.date, races.c.race_key, seen.c.constructor_id),
    ).astype({"round": "Int64"})
