"""Forecasts as they were published: every row with what made it and what it knew."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import Connection, Select, exists, func, select

from f1_app.queries.shared import code_of_driver, name_of_driver, name_of_team, rows_of
from f1_pipeline.storage.schema import (
    championship_forecasts,
    constructors,
    drivers,
    joint_ratings,
    model_accuracy,
    position_probabilities,
    predictions,
    races,
)


def _forecasts(race_key: str) -> Select[Any]:
    return (
        select(
            predictions.c.horizon,
            predictions.c.model,
            predictions.c.model_version,
            predictions.c.stood_in_for,
            predictions.c.cutoff,
            predictions.c.created_at,
            predictions.c.data_release,
            predictions.c.driver_id,
            code_of_driver(),
            name_of_driver(predictions.c.driver_id),
            predictions.c.constructor_id,
            name_of_team(predictions.c.constructor_id),
            predictions.c.win_probability,
            predictions.c.interval_low,
            predictions.c.interval_high,
            predictions.c.podium_probability,
            predictions.c.top6_probability,
            predictions.c.points_probability,
            predictions.c.expected_position,
            predictions.c.expected_points,
            predictions.c.retirement_probability,
        )
        .select_from(
            predictions.outerjoin(drivers, predictions.c.driver_id == drivers.c.driver_id).outerjoin(
                constructors, predictions.c.constructor_id == constructors.c.constructor_id
            )
        )
        .where(predictions.c.race_key == race_key)
        .order_by(
            predictions.c.horizon,
            predictions.c.model,
            predictions.c.win_probability.desc(),
            predictions.c.expected_position,
            predictions.c.driver_id,
        )
    )


def rows(
    connection: Connection, race_key: str, horizon: str, model: str | None = None
) -> list[dict[str, Any]]:
    """The forecast of a race at a horizon, of one model or of all, most likely winner first within a model."""
    statement = _forecasts(race_key).where(predictions.c.horizon == horizon)
    if model is not None:
        statement = statement.where(predictions.c.model == model)
    return rows_of(connection, statement)


def scores(connection: Connection, race_key: str, horizon: str) -> dict[str, dict[str, Any]]:
    """Scores of the forecasts of a finished race, by model."""
    found = rows_of(
        connection,
        select(
            model_accuracy.c.model,
            model_accuracy.c.log_loss,
            model_accuracy.c.brier,
            model_accuracy.c.winner_probability,
            model_accuracy.c.winner_correct,
        ).where(model_accuracy.c.race_key == race_key, model_accuracy.c.horizon == horizon),
    )
    return {row.pop("model"): row for row in found}


def places(connection: Connection, race_key: str, horizon: str, model: str) -> dict[str, dict[int, float]]:
    """Probability of every finishing place, by driver; place 0 is not there: the places of a driver sum to one."""
    statement = select(
        position_probabilities.c.driver_id,
        position_probabilities.c.position,
        position_probabilities.c.probability,
    ).where(
        position_probabilities.c.race_key == race_key,
        position_probabilities.c.horizon == horizon,
        position_probabilities.c.model == model,
    )
    found: dict[str, dict[int, float]] = {}
    for driver_id, position, probability in connection.execute(statement):
        found.setdefault(driver_id, {})[position] = probability
    return found


def models_with_places(connection: Connection, race_key: str) -> list[tuple[str, str]]:
    """The pairs of horizon and model whose places of a race are kept."""
    statement = (
        select(position_probabilities.c.horizon, position_probabilities.c.model)
        .where(position_probabilities.c.race_key == race_key)
        .distinct()
    )
    return [(horizon, model) for horizon, model in connection.execute(statement)]


def newest_forecast_at(connection: Connection, race_key: str) -> dt.datetime | None:
    """When the newest forecast of a race was made; None without any."""
    found: dt.datetime | None = connection.scalar(
        select(func.max(predictions.c.created_at)).where(predictions.c.race_key == race_key)
    )
    return found


def championship_race(
    connection: Connection, kind: str, season: int | None, round_: int | None
) -> str | None:
    """The newest race before which the championship was forecast; of a season and of a round where they are given, of a
    round alone in the newest season that has any.
    """
    statement = (
        select(races.c.race_key)
        .where(
            exists().where(
                championship_forecasts.c.race_key == races.c.race_key, championship_forecasts.c.kind == kind
            )
        )
        .order_by(races.c.date.desc(), races.c.race_key.desc())
        .limit(1)
    )
    if season is None and round_ is not None:
        season = connection.scalar(statement.with_only_columns(races.c.season))
    if season is not None:
        statement = statement.where(races.c.season == season)
    if round_ is not None:
        statement = statement.where(races.c.round == round_)
    return connection.scalar(statement)


def rating_version(connection: Connection, race_key: str, horizon: str) -> int | None:
    """Version of the rating model that was in force for a race: the season is drawn from its ratings."""
    has_ratings = exists().where(joint_ratings.c.race_key == race_key, joint_ratings.c.horizon == horizon)
    return connection.scalar(
        select(predictions.c.model_version)
        .where(
            predictions.c.race_key == race_key,
            predictions.c.horizon == horizon,
            predictions.c.model == "rating",
            has_ratings,
        )
        .limit(1)
    )
