"""Forecasts of sprints, and what happened in them."""

from __future__ import annotations

import pandas as pd
from sqlalchemy import Connection, select

from f1_app.queries.cars import grid_position, on_grid
from f1_app.queries.shared import code_of_driver, frame_of, name_of_driver, name_of_team
from f1_pipeline.storage.schema import (
    constructors,
    drivers,
    sprint_predictions,
    sprint_results,
    starting_grid,
)

MODEL = "rating"
"""The model that forecasts sprints; the other names in the table are baselines."""


def horizons(connection: Connection, race_key: str) -> list[str]:
    """Horizons at which the sprint of a weekend was forecast; none where there is no sprint."""
    return list(
        connection.scalars(
            select(sprint_predictions.c.horizon)
            .where(sprint_predictions.c.race_key == race_key, sprint_predictions.c.model == MODEL)
            .distinct()
        )
    )


def forecast(connection: Connection, race_key: str, horizon: str, model: str = MODEL) -> pd.DataFrame:
    """Forecast of one sprint at one horizon, most likely winner first."""
    table = sprint_predictions
    frame = frame_of(
        connection,
        select(
            table.c.driver_id,
            code_of_driver(),
            name_of_driver(table.c.driver_id),
            table.c.constructor_id,
            name_of_team(table.c.constructor_id),
            table.c.win_probability,
            table.c.podium_probability,
            table.c.points_probability,
            table.c.expected_position,
            table.c.retirement_probability,
            table.c.expected_points,
            table.c.cutoff,
            table.c.created_at,
            table.c.data_release,
        )
        .select_from(
            table.outerjoin(drivers, table.c.driver_id == drivers.c.driver_id).outerjoin(
                constructors, table.c.constructor_id == constructors.c.constructor_id
            )
        )
        .where(table.c.race_key == race_key, table.c.horizon == horizon, table.c.model == model)
        .order_by(table.c.win_probability.desc(), table.c.expected_position, table.c.driver_id),
    )
    frame["code"] = frame["code"].fillna(frame["driver_id"].str[:3].str.upper())
    return frame


def result(connection: Connection, race_key: str) -> pd.DataFrame:
    """The classification of a sprint in its official order; no rows before it."""
    table = sprint_results
    return frame_of(
        connection,
        select(
            table.c.driver_id,
            code_of_driver(),
            name_of_driver(table.c.driver_id),
            table.c.constructor_id,
            name_of_team(table.c.constructor_id),
            table.c.position,
            table.c.position_text,
            table.c.reason_retired,
            grid_position(table),
            table.c.points,
        )
        .select_from(
            table.outerjoin(drivers, table.c.driver_id == drivers.c.driver_id)
            .outerjoin(constructors, table.c.constructor_id == constructors.c.constructor_id)
            .outerjoin(starting_grid, on_grid(table, "S"))
        )
        .where(table.c.race_key == race_key)
        .order_by(table.c.display_order),
    )
