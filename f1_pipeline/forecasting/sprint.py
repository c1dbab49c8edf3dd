"""Forecasts of sprints: the models of the race, asked about a shorter one.

There have been too few sprints to learn from alone (28 by the middle of 2026). The rating and what it is worth in races are
asked; before the weekend that is all there is, after the session that sets the grid of the sprint that grid counts.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol

import numpy as np
import pandas as pd

from f1_pipeline.domain.points import sprint_points
from f1_pipeline.errors import ContractViolation
from f1_pipeline.forecasting.features import feature_matrix
from f1_pipeline.forecasting.grouping import Floats
from f1_pipeline.forecasting.history import History
from f1_pipeline.forecasting.orders import draw_orders

BASE_HORIZON = {"pre_weekend": "pre_weekend", "pre_sprint": "pre_race"}
"""The horizon of the race whose models are asked."""

HEAT = {"pre_weekend": 1.0, "pre_sprint": 1.15}
"""Power of the win probabilities. With the grid known, a third of the distance leaves less to happen: of .8 to 1.5 on
the 12 sprints of 2021-23, 1.15 was best; 1.1 to 1.25 are within .006 of each other. It is .976 against .987 nats for 1 on
them, and .863 against .909 on the 16 after them, which would have asked for more."""

RETIREMENT = 0.4
"""Retirements of a sprint for one of a race: 5.2 % of the starts of 28 sprints, against 11.4 % in the races since 2021
(29 of 563 and 284 of 2,498): so few do not tell .45 from .4."""


class Predicts(Protocol):
    """A fitted model of the race: the probability of a win or of a retirement of each row."""

    def predict(self, rows: pd.DataFrame) -> Floats:
        """Of the feature rows of one race."""
        ...


def sprint_features(
    rows: pd.DataFrame, horizon: str, ratings: pd.DataFrame, grid: pd.DataFrame
) -> pd.DataFrame:
    """Feature rows of a sprint: those of its weekend, with the rating and the grid of the sprint in place.

    Args:
        rows: feature rows of the weekend before it began, one race.
        horizon: one of ``SPRINT_HORIZONS``.
        ratings: of ``joint_ratings``, that race.
        grid: of ``starting_grid``, session S, that race.

    Returns:
        Rows sorted by driver; before the sprint those who stand on its grid.

    Raises:
        ContractViolation: somebody stands on the grid whom neither rows nor ratings know; names source, race and field.
    """
    rows = rows.sort_values("driver_id", kind="stable").reset_index(drop=True)
    if horizon == "pre_weekend":
        return rows
    places = grid.drop_duplicates("driver_id").set_index("driver_id")["position"].astype("float64")
    # The pit lane has no place: behind everyone.
    places = places.fillna(float(len(places)))
    rows = rows[rows["driver_id"].isin(places.index)].reset_index(drop=True)
    known = ratings[ratings["horizon"] == "pre_sprint"].set_index("driver_id")
    described = rows.assign(
        joint_rating=known["mean"].reindex(rows["driver_id"]).to_numpy(),
        joint_rating_sd=known["sd"].reindex(rows["driver_id"]).to_numpy(),
        grid_position=places.loc[rows["driver_id"]].to_numpy(),
        gap_to_pole_pct=np.nan,
    ).fillna({"joint_rating": rows["joint_rating"], "joint_rating_sd": rows["joint_rating_sd"]})
    known_of = set(described.loc[described["joint_rating"].notna(), "driver_id"])
    strangers = sorted(set(places.index) - known_of)
    if strangers:
        race = grid["race_key"].iloc[0] if "race_key" in grid else "-"
        raise ContractViolation(
            f"table starting_grid, race {race}, field driver_id: {', '.join(strangers)} on the grid of the sprint, but "
            "neither among the entries nor in a session that set the grid"
        )
    return described


def with_reserves(
    rows: pd.DataFrame, history: History, elo: pd.DataFrame, ratings: pd.DataFrame, grid: pd.DataFrame
) -> pd.DataFrame:
    """Feature rows of a weekend, and of those who stand on the grid of its sprint without being entered.

    Args:
        rows: feature rows of the weekend before it began, one race.
        history: of all races.
        elo: of ``elo_ratings``, that race.
        ratings: of ``joint_ratings``, that race; of a reserve the one that has seen the session that set the grid.
        grid: of ``starting_grid``, session S, that race.
    """
    missing = set(grid["driver_id"]) - set(rows["driver_id"])
    if not missing:
        return rows
    known = ratings[ratings["horizon"] == "pre_sprint"].assign(horizon="pre_weekend")
    everybody = feature_matrix(replace(history, entries=history.field), elo, known, "pre_weekend")
    here = everybody["race_key"].isin(grid["race_key"]) & everybody["driver_id"].isin(missing)
    made = everybody.loc[here, [name for name in rows.columns if name in everybody]]
    return pd.concat([rows, made], ignore_index=True)


def sprint_forecast(
    rows: pd.DataFrame, horizon: str, wins: dict[str, Predicts], retirement: Predicts, draws: int, seed: int
) -> pd.DataFrame:
    """The rows of ``sprint_predictions`` of one sprint and horizon, but for when and from what they were made.

    ``rows``: of ``sprint_features``; ``wins``: models of the winner by name.
    """
    points = sprint_points(int(rows["season"].iloc[0]))
    out = np.asarray(retirement.predict(rows), dtype=np.float64) * RETIREMENT
    parts = []
    for name, model in wins.items():
        sharpened = np.asarray(model.predict(rows), dtype=np.float64) ** HEAT[horizon]
        win = sharpened / sharpened.sum()
        orders = draw_orders(win, draws, seed, out)
        parts.append(
            rows[["race_key", "driver_id", "constructor_id"]].assign(
                horizon=horizon,
                model=name,
                win_probability=win,
                podium_probability=np.minimum(orders.top(3), 1.0),
                points_probability=np.minimum(orders.scores(len(points)), 1.0),
                expected_position=orders.expected_position(),
                retirement_probability=out,
                expected_points=orders.weights @ orders.points(points),
                seed=seed,
            )
        )
    return pd.concat(parts, ignore_index=True)


def sprint_cutoff(race: pd.Series, horizon: str, weekend: pd.Timestamp) -> pd.Timestamp:
    """The moment up to which a forecast of a sprint knows the world, in UTC.

    ``weekend``: the cutoff before the weekend. The sprint's is its start; where the source has no time, midnight of the
    day before the race.
    """
    if horizon == "pre_weekend":
        return weekend
    start = race["sprint_at"]
    if not pd.isna(start):
        return pd.Timestamp(start)
    return pd.Timestamp(race["date"]).tz_localize("UTC") - pd.Timedelta(days=1)
