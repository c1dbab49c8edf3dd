"""Linear order models: Plackett-Luce regressions, whose reasons and uncertainty can be stated exactly."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from f1_pipeline.forecasting.features import FEATURES, names
from f1_pipeline.forecasting.grouping import Floats, centred
from f1_pipeline.forecasting.models.order import OrderModel, all_columns, log_grid, relative, spreads
from f1_pipeline.forecasting.plackett_luce import Orders, curvature, finishing_orders, fit_weights

_TEAM_SHARE = 0.65
"""Share of the variance of a rating that both cars of a team have in common: the team's of both in the joint ratings since
2014 (.651 before the weekend, .643 before the race)."""


MOST_DOUBT = 0.54
"""Most that an interval takes a rating to be in doubt, in per cent of lap time. The rating begins newcomers and years of new
regulations with a little more (.57 and .61 against the mean of the field), so that it learns fast. The 148 newcomers of 1980 to
2009 with eleven races had moved by .54 after ten; the fields of 2014, 2022 and 2026 by .55, .44 and .71 after eight. With the
1.74 that an earlier fit began newcomers with, an interval of Antonelli's first race went from 0 to 99 %."""


class LinearOrder(OrderModel):
    """Base: a linear score on columns that a subclass names.

    ``penalty``: L2 weight on the coefficients of scaled columns. 5 and 40 were compared on 2014-21: 5 was .008 better
    before the weekend and .011 before the race. ``half_life``: seasons after which a race counts half; 0: all alike.
    """

    def __init__(self, horizon: str = "pre_weekend", penalty: float = 5.0, half_life: float = 0.0):
        self.horizon = horizon
        self.penalty = penalty
        self.half_life = half_life

    @abstractmethod
    def raw_columns(self, rows: pd.DataFrame) -> pd.DataFrame:
        """The columns of the score as they are in the matrix."""

    @abstractmethod
    def in_spreads(self, columns: list[str]) -> list[str]:
        """The columns that are measured in spreads of the race (``order.spreads``)."""

    def columns(self, rows: pd.DataFrame) -> pd.DataFrame:
        """See ``OrderModel.columns``; what is missing is the race's average."""
        raw = self.raw_columns(rows)
        return relative(raw, rows, self.in_spreads(list(raw.columns)))

    def fit_columns(self, columns: pd.DataFrame, rows: pd.DataFrame) -> None:
        """See ``OrderModel.fit_columns``; keeps the covariance of the coefficients beside them."""
        deviation = columns.to_numpy().std(axis=0)
        self.scale_ = np.where(deviation > 1e-9, deviation, 1.0)
        super().fit_columns(columns, rows)
        design = columns.to_numpy() / self.scale_
        information = curvature(design, design @ self._coefficients(), self._orders(rows))
        self.covariance_ = np.linalg.inv(information + 2 * self.penalty * np.eye(len(self.scale_)))

    def learn(self, columns: pd.DataFrame, rows: pd.DataFrame) -> NDArray[np.generic]:
        """Coefficients of the scaled columns."""
        return fit_weights(columns.to_numpy() / self.scale_, self._orders(rows), self.penalty)

    def _orders(self, rows: pd.DataFrame) -> Orders:
        if not self.half_life:
            return finishing_orders(rows)
        age = rows["season"].max() - rows["season"].to_numpy(dtype=np.float64)
        return finishing_orders(rows, 0.5 ** (age / self.half_life))

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
        level of the field, ``MOST_DOUBT`` at the most, of which team-mates share a part; the coefficients of
        rating, team and driver carry them on.
        """
        columns = self.columns(rows)
        design = columns.to_numpy() / self.scale_
        of_coefficients = design @ self.covariance_ @ design.T
        raw = self.raw_columns(rows)
        measured = self.in_spreads(list(raw.columns))
        slope = pd.Series(self._coefficients() / self.scale_, index=columns.columns)
        slope[measured] /= spreads(raw[measured], rows).iloc[0]
        team = float(slope.get("joint_rating", 0.0) + slope.get("team_rating", 0.0))
        driver = float(slope.get("joint_rating", 0.0) + slope.get("driver_rating", 0.0))
        doubt = rows["joint_rating_own_sd"].fillna(MOST_DOUBT).clip(upper=MOST_DOUBT)
        variance = doubt.to_numpy(np.float64) ** 2
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
    """Softmax of the joint rating; before the race also of minus the logarithm of the grid position.

    Before the race the rating counts in spreads of the field: .005 better on 2014-21 and .020 on 2010-13. Before the
    weekend, where it stands alone, a per cent is a per cent (in spreads .002 and .019 worse).
    """

    name: ClassVar[str] = "rating"
    recipe: ClassVar[int] = 3

    def features(self) -> list[str]:
        """The rating, its uncertainty, and the grid where it is known."""
        grid = ["grid_position"] if self.horizon == "pre_race" else []
        return ["joint_rating", "joint_rating_sd", *grid]

    def raw_columns(self, rows: pd.DataFrame) -> pd.DataFrame:
        """See ``LinearOrder.raw_columns``."""
        frame = rows[["joint_rating"]].astype("float64")
        return frame if self.horizon == "pre_weekend" else frame.assign(grid=log_grid(rows))

    def in_spreads(self, columns: list[str]) -> list[str]:
        """See ``LinearOrder.in_spreads``."""
        return [name for name in columns if name == "joint_rating" and self.horizon == "pre_race"]


class SprintRatingWin(RatingWin):
    """The rating as sprints are forecast from it: in per cent at both horizons.

    On the grid of the sprint, spreads of the field were .05 nats worse on the 12 sprints of 2021-23 (and .03 on the 16 after
    them): in a third of the distance the faster car of a close field has as little time as that of a wide one.
    """

    def in_spreads(self, columns: list[str]) -> list[str]:
        """See ``LinearOrder.in_spreads``: none of them."""
        return columns[:0]


_PLACES = 18
"""Places that the strengths behind the podium are learnt from: a field without those who never finish."""


class PlackettLuceWin(LinearOrder):
    """Plackett-Luce regression on all features, with places on a logarithmic scale, in spreads of the race.

    ``half_life``: 12 seasons were .001 before the weekend and .006 before the race better on 2014-21 than all
    races alike. A second set of coefficients is learnt from the whole order of those who were classified: who is tenth is
    another question than who wins.
    """

    name: ClassVar[str] = "plackett_luce"
    recipe: ClassVar[int] = 4

    def __init__(self, horizon: str = "pre_weekend", penalty: float = 5.0, half_life: float = 12.0):
        super().__init__(horizon, penalty, half_life)

    def features(self) -> list[str]:
        """All features known at the horizon, the joint rating included."""
        return names(self.horizon, seen_by="order")

    def raw_columns(self, rows: pd.DataFrame) -> pd.DataFrame:
        """See ``LinearOrder.raw_columns``."""
        return all_columns(rows, self.horizon)

    def in_spreads(self, columns: list[str]) -> list[str]:
        """See ``LinearOrder.in_spreads``."""
        return columns

    def fit_columns(self, columns: pd.DataFrame, rows: pd.DataFrame) -> None:
        """See ``OrderModel.fit_columns``."""
        super().fit_columns(columns, rows)
        # Not those who did not retire: a disqualified car stands last in the order, and was not slow.
        finished = rows["position"].notna().to_numpy()
        design = columns.to_numpy()[finished] / self.scale_
        orders = self._orders(rows[finished])
        self.places_learnt_ = fit_weights(design, orders, self.penalty, (1.0,) * _PLACES)

    def place_strengths(self, rows: pd.DataFrame) -> Floats:
        """Log strengths of the drivers of one race for the places behind the podium, among those who finish; mean 0."""
        return np.asarray(self.columns(rows).to_numpy() / self.scale_ @ self.places_learnt_, dtype=np.float64)
