"""The contract of a model, and of those that say who wins: a probability over the entries of each race.

Conventions follow scikit-learn's estimators: ``__init__`` only stores hyper-parameters under their own
names, ``fit`` returns self, what was learnt ends in ``_`` and a second fit forgets the first. One
conformance suite runs on every model.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator

from f1_pipeline.forecasting.grouping import Floats, normalise


class Model(BaseEstimator, ABC):
    """Base of all models.

    ``name`` names the model in tables and in MLflow. ``learnt`` tells models whose versions are kept in the
    registry from frequency baselines, which are counted anew for every forecast. ``recipe`` is the version of the code
    that a fit depends on: it is raised with every change that makes the same rows and hyper-parameters give another
    model, because hyper-parameters alone would then call two models one.
    """

    name: ClassVar[str]
    learnt: ClassVar[bool] = True
    recipe: ClassVar[int] = 1

    @abstractmethod
    def features(self) -> list[str]:
        """Columns of the feature matrix that the model reads."""

    @abstractmethod
    def fit(self, rows: pd.DataFrame) -> Self:
        """Learn from ``rows`` of starters: ``race_key``, the outcome (``finish``, ``retired``) and the features."""

    @abstractmethod
    def predict(self, rows: pd.DataFrame) -> Floats:
        """The probability that the model is about, of each row; generic tools (MLflow's pyfunc) call it."""

    @abstractmethod
    def training_metrics(self, rows: pd.DataFrame) -> dict[str, float]:
        """How well it fits the rows it has learnt from."""

    def hyperparameters(self) -> dict[str, Any]:
        """Hyper-parameters as plain values, for the tables and MLflow."""
        return dict(self.get_params(deep=False))


class WinModel(Model):
    """Base of the models of the winner: ``fit`` reads ``finish`` (1 = winner)."""

    @abstractmethod
    def strengths(self, rows: pd.DataFrame) -> Floats:
        """Non-negative strengths of the rows, proportional to the win probability within a race."""

    def win_probability(self, rows: pd.DataFrame) -> Floats:
        """Win probability of each row; sums to 1 within each race. Row order does not matter."""
        return normalise(self.strengths(rows), rows["race_key"])

    def predict(self, rows: pd.DataFrame) -> Floats:
        """``win_probability``."""
        return self.win_probability(rows)

    def training_metrics(self, rows: pd.DataFrame) -> dict[str, float]:
        """Mean log loss of the winner over the races."""
        won = (rows["finish"] == 1).to_numpy()
        return {"training_log_loss": float(-np.log(self.win_probability(rows)[won]).mean())}
