"""How a driver did and how he was rated, what a circuit is like, and how good the models were: for analysts."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, and_, select

from f1_app.queries.shared import name_of_team, page_of, rows_of
from f1_pipeline.domain.vocabulary import MARKET
from f1_pipeline.storage.schema import (
    accuracy_summaries,
    constructors,
    elo_ratings,
    feature_matrix,
    joint_ratings,
    model_accuracy,
    race_results,
    races,
)

Rows = list[dict[str, Any]]


def driver_races(connection: Connection, driver_id: str, season: int | None) -> Rows:
    """Results of a driver in the order of the races; two rows of a race where he drove two cars in it."""
    statement = (
        select(
            races.c.race_key,
            races.c.season,
            races.c.round,
            races.c.name,
            races.c.date,
            race_results.c.constructor_id,
            name_of_team(race_results.c.constructor_id),
            race_results.c.grid_position,
            race_results.c.position,
            race_results.c.position_text,
            race_results.c.reason_retired,
            race_results.c.points,
        )
        .select_from(
            race_results.join(races, race_results.c.race_key == races.c.race_key).outerjoin(
                constructors, race_results.c.constructor_id == constructors.c.constructor_id
            )
        )
        .where(race_results.c.driver_id == driver_id)
        .order_by(races.c.date, races.c.race_key, race_results.c.display_order)
    )
    if season is not None:
        statement = statement.where(races.c.season == season)
    return rows_of(connection, statement)


def driver_ratings(connection: Connection, driver_id: str, horizon: str, season: int | None) -> Rows:
    """Ratings of a driver before each race, and his Elo after it, in the order of the races.

    ``pace`` is his own part of the joint rating and ``pace_sd`` its uncertainty, in per cent of a lap, higher is faster.
    """
    joint = and_(
        joint_ratings.c.race_key == races.c.race_key,
        joint_ratings.c.driver_id == driver_id,
        joint_ratings.c.horizon == horizon,
    )
    statement = (
        select(
            races.c.race_key,
            races.c.season,
            races.c.round,
            races.c.name,
            races.c.date,
            elo_ratings.c.value_before.label("elo_before"),
            elo_ratings.c.value_after.label("elo_after"),
            joint_ratings.c.driver_mean.label("pace"),
            joint_ratings.c.driver_sd.label("pace_sd"),
        )
        .select_from(
            elo_ratings.join(races, elo_ratings.c.race_key == races.c.race_key).outerjoin(
                joint_ratings, joint
            )
        )
        .where(elo_ratings.c.kind == "driver", elo_ratings.c.entity_id == driver_id)
        .order_by(races.c.date, races.c.race_key)
    )
    if season is not None:
        statement = statement.where(races.c.season == season)
    return rows_of(connection, statement)


def circuit_results(connection: Connection, circuit_id: str, from_season: int) -> Rows:
    """Grid and place of every car that raced at a circuit since a season, in the order of the races."""
    return rows_of(
        connection,
        select(
            races.c.race_key,
            races.c.season,
            races.c.date,
            races.c.course_length_km,
            races.c.turns,
            races.c.laps,
            race_results.c.driver_id,
            race_results.c.display_order,
            race_results.c.grid_position,
            race_results.c.position,
            race_results.c.position_text,
        )
        .select_from(races.join(race_results, race_results.c.race_key == races.c.race_key))
        .where(races.c.circuit_id == circuit_id, races.c.season >= from_season)
        .order_by(races.c.date, races.c.race_key, race_results.c.display_order),
    )


def circuit_features(connection: Connection, circuit_id: str, horizon: str) -> dict[str, Any] | None:
    """What the models were told of a circuit at the newest race there that has features."""
    found = rows_of(
        connection,
        select(
            races.c.race_key,
            feature_matrix.c.cutoff,
            feature_matrix.c.track_length_km,
            feature_matrix.c.turn_count,
            feature_matrix.c.elevation_m,
            feature_matrix.c.retirement_field,
            feature_matrix.c.retirement_circuit,
        )
        .select_from(races.join(feature_matrix, feature_matrix.c.race_key == races.c.race_key))
        .where(races.c.circuit_id == circuit_id, feature_matrix.c.horizon == horizon)
        .order_by(races.c.date.desc(), races.c.race_key.desc(), feature_matrix.c.driver_id)
        .limit(1),
    )
    return found[0] if found else None


def accuracy_page(
    connection: Connection,
    model: str | None,
    season: int | None,
    horizon: str | None,
    limit: int,
    offset: int,
) -> tuple[int, Rows]:
    """Scores of forecasts of single races, newest race first. Bookmakers' prices only where they are asked for."""
    statement = (
        select(
            races.c.race_key,
            races.c.season,
            races.c.round,
            races.c.name,
            races.c.date,
            *(column for column in model_accuracy.c if column.name not in ("race_key", "result_hash")),
        )
        .select_from(model_accuracy.join(races, model_accuracy.c.race_key == races.c.race_key))
        .order_by(
            races.c.date.desc(), races.c.race_key.desc(), model_accuracy.c.horizon, model_accuracy.c.model
        )
    )
    statement = statement.where(
        model_accuracy.c.model == model if model is not None else model_accuracy.c.model != MARKET
    )
    if season is not None:
        statement = statement.where(races.c.season == season)
    if horizon is not None:
        statement = statement.where(model_accuracy.c.horizon == horizon)
    return page_of(connection, statement, limit, offset)


def accuracy_means(connection: Connection, period: str, model: str | None, horizon: str | None) -> Rows:
    """Means of the scores over the races of a period (``all``, ``2022+``, ``2026``) with their 95 % intervals."""
    table = accuracy_summaries
    statement = (
        select(
            table.c.model,
            table.c.horizon,
            table.c.score,
            table.c.races,
            table.c.mean,
            table.c.low,
            table.c.high,
        )
        .where(table.c.period == period)
        .order_by(table.c.horizon, table.c.model, table.c.score)
    )
    statement = statement.where(table.c.model == model if model is not None else table.c.model != MARKET)
    if horizon is not None:
        statement = statement.where(table.c.horizon == horizon)
    return rows_of(connection, statement)
