"""Linear regression on the win indicator, normalised over the race: the first baseline everyone tries."""

from __future__ import annotations

from typing import ClassVar, Self

import numpy as np
import pandas as pd
from sklearn.linear_model import LinearRegression

from f1_pipeline.forecasting.features import names
from f1_pipeline.forecasting.grouping import Floats, centred
from f1_pipeline.forecasting.models.base import WinModel


class LinearWin(WinModel):
    """Ordinary least squares of "won" on the features, each taken relative to the mean of its race.

    A linear model cannot see the opponents otherwise: relative features brought the winner log loss of
    2014-26 from 1.73 to 1.64 before the weekend and from 1.69 to 1.58 before the race.

    ``floor``: predictions below it are lifted to it before they are normalised, since a regression line
    goes below zero. Measured on 2010-26 before the features were made relative: .0001 to .002 differ by .008, from
    .004 on it is worse.
    """

    name: ClassVar[str] = "linear"

    def __init__(self, horizon: str = "pre_weekend", floor: float = 0.001):
        self.horizon = horizon
        self.floor = floor

    def features(self) -> list[str]:
        """All features known at the horizon."""
        return names(self.horizon, seen_by="classic")

    def fit(self, rows: pd.DataFrame) -> Self:
        """See ``WinModel.fit``."""
        columns = self.features()
        learner = LinearRegression()
        learner.fit(
            centred(rows, columns, rows["race_key"]).to_numpy(), (rows["finish"] == 1).to_numpy(dtype=float)
        )
        self.learner_ = learner
        return self

    def strengths(self, rows: pd.DataFrame) -> Floats:
        """See ``WinModel.strengths``."""
        values = self.learner_.predict(centred(rows, self.features(), rows["race_key"]).to_numpy())
        return np.maximum(np.asarray(values, dtype=np.float64), self.floor)
