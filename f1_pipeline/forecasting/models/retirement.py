"""Who does not reach the finish: a logistic regression around the rates of field, team, driver and circuit."""

from __future__ import annotations

from typing import ClassVar, Self

import numpy as np
import pandas as pd

from f1_pipeline.forecasting.grouping import Floats, centred
from f1_pipeline.forecasting.models.base import Model
from f1_pipeline.forecasting.models.order import log_grid
from f1_pipeline.forecasting.reliability import COLUMNS

_STEPS = 12
"""Newton steps; six are enough on the real races, a singular world needs none of them."""
_HALF_LIFE = 16.0
"""Seasons after which a race counts half. 8, 16 and 40 differ by .0001 on 2014-21."""
_MIDDLE = 10.0
"""The middle of a grid: there first laps end early."""


class RetirementModel(Model):
    """Probability to start and not be classified (codes DNF, NC), by row.

    The sum of the four rates (``forecasting.reliability``) is an offset; the coefficients only correct it, so that a
    model with an infinite penalty is the rates themselves. Faster cars retire less often; before the race the place
    on the grid says more than that.

    ``penalty``: L2 weight on coefficients of scaled columns. 10 and 100 differ by .0001 on 2014-21.
    """

    name: ClassVar[str] = "retirement"

    def __init__(self, horizon: str = "pre_weekend", penalty: float = 30.0):
        self.horizon = horizon
        self.penalty = penalty

    def features(self) -> list[str]:
        """The rates and the rating; the grid where it is known."""
        grid = ["grid_position", "gap_to_pole_pct"] if self.horizon == "pre_race" else []
        return [*COLUMNS, "joint_rating", *grid]

    def fit(self, rows: pd.DataFrame) -> Self:
        """Learn from ``rows``: the features, ``race_key``, ``season`` and ``retired`` of starters."""
        columns = self._columns(rows).to_numpy()
        self.mean_, deviation = columns.mean(axis=0), columns.std(axis=0)
        self.scale_ = np.where(deviation > 1e-9, deviation, 1.0)
        design, offset = self._design(rows), _offset(rows)
        y = rows["retired"].to_numpy(dtype=np.float64)
        age = rows["season"].max() - rows["season"].to_numpy(dtype=np.float64)
        weight = 0.5 ** (age / _HALF_LIFE)
        ridge = np.full(design.shape[1], self.penalty)
        ridge[0] = 0.01  # the level is free
        coefficients = np.zeros(design.shape[1])
        for _ in range(_STEPS):
            p = _sigmoid(offset + design @ coefficients)
            gradient = design.T @ (weight * (p - y)) + ridge * coefficients
            hessian = (design * (weight * p * (1 - p))[:, None]).T @ design + np.diag(ridge)
            coefficients = coefficients - np.linalg.solve(hessian, gradient)
        self.coefficients_ = coefficients
        return self

    def predict(self, rows: pd.DataFrame) -> Floats:
        """Probability of a retirement, given that the car starts; row order does not matter."""
        return _sigmoid(_offset(rows) + self._design(rows) @ self.coefficients_)

    def training_metrics(self, rows: pd.DataFrame) -> dict[str, float]:
        """Mean log loss over the rows."""
        p, y = self.predict(rows), rows["retired"].to_numpy(dtype=np.float64)
        return {"training_log_loss": float(-(y * np.log(p) + (1 - y) * np.log1p(-p)).mean())}

    def _design(self, rows: pd.DataFrame) -> Floats:
        scaled = (self._columns(rows).to_numpy() - self.mean_) / self.scale_
        return np.column_stack([np.ones(len(rows)), scaled])

    def _columns(self, rows: pd.DataFrame) -> pd.DataFrame:
        frame = rows[["retirement_team", "retirement_circuit"]].fillna(0.0)
        frame = frame.assign(pace=centred(rows, ["joint_rating"], rows["race_key"])["joint_rating"])
        if self.horizon == "pre_race":
            grid = log_grid(rows)
            place = np.exp(-grid)
            frame = frame.assign(
                grid=grid,
                place=place,
                middle=(place - _MIDDLE).abs(),
                gap=_gap(rows),
            )
        return frame.astype("float64")


_GAP_CLIP = 6.0
"""Per cent beyond which a gap to pole says nothing more; who has no time is put there."""


_USUAL_GAP = 2.4
"""Mean gap to pole since 1990, per cent: for a race without any times (with the grid of a sprint there are none)."""


def _gap(rows: pd.DataFrame) -> pd.Series:
    gap = rows["gap_to_pole_pct"].clip(upper=_GAP_CLIP)
    without_times = gap.isna().groupby(rows["race_key"].to_numpy()).transform("all")
    return gap.fillna(_GAP_CLIP).where(~without_times, _USUAL_GAP)


def _offset(rows: pd.DataFrame) -> Floats:
    missing = rows["retirement_field"].isna()
    if missing.any():
        # A missing rate of the field would count as even odds; a missing ratio to it is an average car.
        race, driver = rows.loc[missing, ["race_key", "driver_id"]].iloc[0]
        raise ValueError(
            f"race {race}, driver {driver}: retirement_field is missing in {int(missing.sum())} rows"
        )
    return np.asarray(rows[list(COLUMNS)].fillna(0.0).sum(axis=1).to_numpy(), dtype=np.float64)


def _sigmoid(values: Floats) -> Floats:
    return np.asarray(1.0 / (1.0 + np.exp(-values)), dtype=np.float64)
