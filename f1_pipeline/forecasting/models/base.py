"""The contract of a model: who wins, as a probability over the entries of each race.

Conventions follow scikit-learn's estimators: ``__init__`` only stores hyper-parameters under their own
names, ``fit`` returns self, what was learnt ends in ``_`` and a second fit forgets the first. One
conformance suite runs on every model.
"""

from __future__ import annotations

from typing import Any, ClassVar, Self

import pandas as pd
from sklearn.base import BaseEstimator

from f1_pipeline.forecasting.grouping import Floats, normalise


class WinModel(BaseEstimator):
    """Base of all models.

    ``name`` names the model in tables and in MLflow. ``learnt`` tells models whose versions are kept in the
    registry from frequency baselines, which are counted anew for every forecast. ``recipe`` is the version of the code
    that a fit depends on: it is raised with every change that makes the same rows and hyper-parameters give another
    model, because hyper-parameters alone would then call two models one.
    """

    name: ClassVar[str]
    learnt: ClassVar[bool] = True
    recipe: ClassVar[int] = 1

    def features(self) -> list[str]:
        """Columns of the feature matrix that the model reads."""
        raise NotImplementedError

    def fit(self, rows: pd.DataFrame) -> Self:
        """Learn from ``rows``: ``race_key``, ``finish`` (1 = winner) and the features; starters only."""
        raise NotImplementedError

    def strengths(self, rows: pd.DataFrame) -> Floats:
        """Non-negative strengths of the rows, proportional to the win probability within a race."""
        raise NotImplementedError

    def win_probability(self, rows: pd.DataFrame) -> Floats:
        """Win probability of each row; sums to 1 within each race. Row order does not matter."""
        return normalise(self.strengths(rows), rows["race_key"])

    def predict(self, rows: pd.DataFrame) -> Floats:
        """``win_probability`` under the name that generic tools (MLflow's pyfunc) call."""
        return self.win_probability(rows)

    def hyperparameters(self) -> dict[str, Any]:
        """Hyper-parameters as plain values, for the tables and MLflow."""
        return dict(self.get_params(deep=False))
