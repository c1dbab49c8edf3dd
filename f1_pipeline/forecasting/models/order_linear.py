"""Linear order models: Plackett-Luce regressions, whose reasons and uncertainty can be stated exactly."""

from __future__ import annotations

from typing import ClassVar, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from f1_pipeline.forecasting.features import FEATURES, names
from f1_pipeline.forecasting.grouping import Floats, centred
from f1_pipeline.forecasting.models.order import OrderModel, all_columns, log_grid
from f1_pipeline.forecasting.plackett_luce import curvature, finishing_orders, fit_weights

_TEAM_SHARE = 0.6
"""Share of the variance of a rating that both cars of a team have in common, as in the joint ratings since 2014."""


class LinearOrder(OrderModel):
    """Base: a linear score on columns that a subclass names.

    ``penalty``: L2 weight on the coefficients of scaled columns. 5 and 40 were compared on 2014-21: 5 was .008 better
    before the weekend and .011 before the race.
    """

    def __init__(self, horizon: str = "pre_weekend", penalty: float = 5.0):
        self.horizon = horizon
        self.penalty = penalty

    def raw_columns(self, rows: pd.DataFrame) -> pd.DataFrame:
        """The columns of the score as they are in the matrix."""
        raise NotImplementedError

    def columns(self, rows: pd.DataFrame) -> pd.DataFrame:
        """See ``OrderModel.columns``; what is missing is the race's average."""
        raw = self.raw_columns(rows)
        return centred(raw, list(raw.columns), rows["race_key"])

    def fit(self, rows: pd.DataFrame) -> Self:
        """See ``Model.fit``; keeps the covariance of the coefficients beside them."""
        columns = self.columns(rows)
        deviation = columns.to_numpy().std(axis=0)
        self.scale_ = np.where(deviation > 1e-9, deviation, 1.0)
        super().fit(rows)
        design, orders = columns.to_numpy() / self.scale_, finishing_orders(rows)
        information = curvature(design, design @ self._coefficients(), orders)
        self.covariance_ = np.linalg.inv(information + 2 * self.penalty * np.eye(len(self.scale_)))
        return self

    def learn(self, columns: pd.DataFrame, rows: pd.DataFrame) -> NDArray[np.generic]:
        """Coefficients of the scaled columns."""
        return fit_weights(columns.to_numpy() / self.scale_, finishing_orders(rows), self.penalty)

    def score(self, learnt: NDArray[np.generic], columns: pd.DataFrame) -> Floats:
        """See ``OrderModel.score``."""
        return np.asarray(columns.to_numpy() / self.scale_ @ learnt.astype(np.float64), dtype=np.float64)

    def _coefficients(self) -> Floats:
        return np.asarray(self.learnt_, dtype=np.float64)

    def contributions(self, rows: pd.DataFrame) -> pd.DataFrame:
        """What each group of features adds to the log strength of each row, relative to the mean of its race.

        Exact, as the score is a sum. Columns are the groups of the catalogue; the sum over them is the log strength.
        """
        columns = self.columns(rows)
        parts = columns.to_numpy() / self.scale_ * self._coefficients() * self.heat(rows)[:, None]
        by_column = pd.DataFrame(parts, columns=columns.columns, index=rows.index)
        groups = [_group(name) for name in columns.columns]
        summed = by_column.T.groupby(groups, sort=True).sum().T
        return centred(summed, list(summed.columns), rows["race_key"])

    def covariance(self, rows: pd.DataFrame) -> Floats:
        """Covariance of the log strengths of one race, shape (n, n): of coefficients and of ratings.

        Coefficients: the Laplace approximation of their posterior. Ratings: their standard deviations without the
        level of the field, of which team-mates share a part; the coefficients of rating, team and driver carry them on.
        """
        columns = self.columns(rows)
        design = columns.to_numpy() / self.scale_
        of_coefficients = design @ self.covariance_ @ design.T
        slope = pd.Series(self._coefficients() / self.scale_, index=columns.columns)
        team = float(slope.get("joint_rating", 0.0) + slope.get("team_rating", 0.0))
        driver = float(slope.get("joint_rating", 0.0) + slope.get("driver_rating", 0.0))
        variance = rows["joint_rating_own_sd"].fillna(1.0).to_numpy(dtype=np.float64) ** 2
        mates = rows["constructor_id"].to_numpy()[:, None] == rows["constructor_id"].to_numpy()[None, :]
        shared = _TEAM_SHARE * np.sqrt(np.outer(variance, variance)) * mates
        of_ratings = team**2 * shared + driver**2 * np.diag((1.0 - _TEAM_SHARE) * variance)
        factor = self.heat(rows)
        return np.asarray(np.outer(factor, factor) * (of_coefficients + of_ratings), dtype=np.float64)


_GROUPS = {feature.name: feature.group for feature in FEATURES} | {
    "standing": "driver",
    "grid": "weekend",
    "pole": "weekend",
    "front_row": "weekend",
}


def _group(column: str) -> str:
    return _GROUPS[column]


class RatingWin(LinearOrder):
    """Softmax of the joint rating; before the race also of minus the logarithm of the grid position."""

    name: ClassVar[str] = "rating"
    recipe: ClassVar[int] = 2

    def features(self) -> list[str]:
        """The rating, its uncertainty, and the grid where it is known."""
        grid = ["grid_position"] if self.horizon == "pre_race" else []
        return ["joint_rating", "joint_rating_sd", *grid]

    def raw_columns(self, rows: pd.DataFrame) -> pd.DataFrame:
        """See ``LinearOrder.raw_columns``."""
        frame = rows[["joint_rating"]].astype("float64")
        return frame if self.horizon == "pre_weekend" else frame.assign(grid=log_grid(rows))


class PlackettLuceWin(LinearOrder):
    """Plackett-Luce regression on all features, with places on a logarithmic scale."""

    name: ClassVar[str] = "plackett_luce"
    recipe: ClassVar[int] = 2

    def features(self) -> list[str]:
        """All features known at the horizon, the joint rating included."""
        return names(self.horizon, seen_by="order")

    def raw_columns(self, rows: pd.DataFrame) -> pd.DataFrame:
        """See ``LinearOrder.raw_columns``."""
        return all_columns(rows, self.horizon)
