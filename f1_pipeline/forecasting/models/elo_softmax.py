"""Elo as a forecast: softmax of the driver's and the constructor's rating, with fitted temperature."""

from __future__ import annotations

from typing import ClassVar, Self

import numpy as np
import pandas as pd
from scipy.optimize import minimize

from f1_pipeline.forecasting.features import names
from f1_pipeline.forecasting.grouping import Floats, centred, softmax
from f1_pipeline.forecasting.models.base import WinModel

_SCALE = 400.0
"""Elo's own unit: 400 points are odds of ten to one."""


class EloSoftmax(WinModel):
    """``p`` proportional to ``exp(a * driver_elo + b * constructor_elo)``, before the race also ``-c * ln(grid)``.

    The weights are temperatures: fitted by maximum likelihood of the winners (conditional logit) with a
    small penalty. The literal ``rating / sum of ratings`` is kept as the baseline ``elo_share`` and scores
    more than a nat worse, because ratings around 1,500 differ by a few per cent only.

    ``penalty``: weight of the squared coefficients (per 400 points) in the summed log loss; 1 is far below
    the information in 1,000 races and only keeps short histories finite.
    """

    name: ClassVar[str] = "elo"

    def __init__(self, horizon: str = "pre_weekend", penalty: float = 1.0):
        self.horizon = horizon
        self.penalty = penalty

    def features(self) -> list[str]:
        """The two ratings, and the grid where it is known."""
        ratings = ["current_elo", "constructor_elo"]
        return ratings + (["grid_position"] if "grid_position" in names(self.horizon) else [])

    def fit(self, rows: pd.DataFrame) -> Self:
        """See ``WinModel.fit``."""
        values, race = self._design(rows), rows["race_key"]
        winners = (rows["finish"] == 1).to_numpy()

        def loss(weights: Floats) -> tuple[float, Floats]:
            p = softmax(values @ weights, race)
            gradient = values.T @ (p - winners) + 2 * self.penalty * weights
            return float(-np.log(p[winners]).sum() + self.penalty * weights @ weights), gradient

        self.weights_ = minimize(loss, np.zeros(values.shape[1]), jac=True, method="L-BFGS-B").x
        return self

    def strengths(self, rows: pd.DataFrame) -> Floats:
        """See ``WinModel.strengths``."""
        return softmax(self._design(rows) @ self.weights_, rows["race_key"])

    def _design(self, rows: pd.DataFrame) -> Floats:
        frame = pd.DataFrame(
            {name: rows[name] / _SCALE for name in ("current_elo", "constructor_elo")}, index=rows.index
        )
        if "grid_position" in self.features():
            # A starter without a place on the published grid (before 1960) counts as the last one.
            last = rows["grid_position"].groupby(rows["race_key"].to_numpy()).transform("max").fillna(1.0)
            frame["grid_position"] = -np.log(rows["grid_position"].fillna(last + 1.0))
        return centred(frame, list(frame.columns), rows["race_key"]).to_numpy()
