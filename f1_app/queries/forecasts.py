"""Forecasts of races, and the model versions that made them."""

from __future__ import annotations

import pandas as pd
from sqlalchemy import Connection, and_, select

from f1_app.queries.shared import (
    code_of_driver,
    frame_of,
    has_forecast,
    has_result,
    name_of_driver,
    name_of_team,
)
from f1_app.records import TrainedModel
from f1_pipeline.storage.schema import constructors, drivers, models, predictions, races


def forecast_seasons(connection: Connection) -> list[int]:
    """Seasons with at least one forecast, newest first."""
    return list(
        connection.scalars(
            select(races.c.season).where(has_forecast()).distinct().order_by(races.c.season.desc())
        )
    )


def forecast_races(connection: Connection, season: int) -> pd.DataFrame:
    """Races of a season that have a forecast, newest first, and whether each has a result."""
    return frame_of(
        connection,
        select(
            races.c.race_key,
            races.c.round,
            races.c.name,
            races.c.date,
            has_result().label("finished"),
        )
        .where(races.c.season == season, has_forecast())
        .order_by(races.c.date.desc(), races.c.race_key.desc()),
    )


def forecast_choices(connection: Connection, race_key: str) -> list[tuple[str, str]]:
    """The pairs of horizon and model that a race has forecasts of."""
    rows = connection.execute(
        select(predictions.c.horizon, predictions.c.model)
        .where(predictions.c.race_key == race_key)
        .distinct()
        .order_by(predictions.c.horizon, predictions.c.model)
    )
    return [(horizon, model) for horizon, model in rows]


def forecast(connection: Connection, race_key: str, horizon: str, model: str | None = None) -> pd.DataFrame:
    """Forecast of one race at one horizon, most likely winner first; of one model or of all."""
    statement = (
        select(
            predictions.c.model,
            predictions.c.driver_id,
            code_of_driver(),
            name_of_driver(predictions.c.driver_id),
            predictions.c.constructor_id,
            name_of_team(predictions.c.constructor_id),
            predictions.c.win_probability,
            predictions.c.interval_low,
            predictions.c.interval_high,
            predictions.c.podium_probability,
            predictions.c.points_probability,
            predictions.c.expected_position,
            predictions.c.retirement_probability,
            predictions.c.expected_points,
            predictions.c.draws,
            predictions.c.model_version,
            predictions.c.stood_in_for,
            predictions.c.cutoff,
            predictions.c.created_at,
            predictions.c.data_release,
        )
        .select_from(
            predictions.outerjoin(drivers, predictions.c.driver_id == drivers.c.driver_id).outerjoin(
                constructors, predictions.c.constructor_id == constructors.c.constructor_id
            )
        )
        .where(predictions.c.race_key == race_key, predictions.c.horizon == horizon)
        .order_by(
            predictions.c.model,
            predictions.c.win_probability.desc(),
            predictions.c.expected_position,
            predictions.c.driver_id,
        )
    )
    if model is not None:
        statement = statement.where(predictions.c.model == model)
    frame = frame_of(connection, statement)
    frame["code"] = frame["code"].fillna(frame["driver_id"].str[:3].str.upper())
    # All-empty columns arrive as objects; charts and tables want numbers.
    optional = ["interval_low", "interval_high", "retirement_probability", "expected_points", "draws"]
    frame[optional] = frame[optional].astype("float64")
    return frame


def trained_model(connection: Connection, model: str, horizon: str, version: int) -> TrainedModel | None:
    """Where a model version comes from; None for an ensemble or a baseline, which are not trained."""
    row = connection.execute(
        select(
            models.c.version,
            models.c.type,
            models.c.trained_at,
            models.c.trained_through,
            models.c.training_rows,
        ).where(and_(models.c.name == model, models.c.horizon == horizon, models.c.version == version))
    ).first()
    return None if row is None else TrainedModel(*row)
