"""Random forest and gradient boosting on the win indicator, normalised over the race."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np
import pandas as pd
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer

from f1_pipeline.forecasting.features import names
from f1_pipeline.forecasting.grouping import Floats
from f1_pipeline.forecasting.models.base import WinModel

if TYPE_CHECKING:
    from xgboost import XGBClassifier

_FLOOR = 0.001
"""Lowest raw probability before normalising: a forest of 100 trees can say exactly 0, and a winner it
called impossible would cost an infinite log loss. Measured for XGBoost before the weekend, 2014-26: .0001 to .001 within
.004 of each other, .003 and more worse."""


_THREADS = 2
"""Trees of a forest that grow at once. Its fit is half the time of all fits for one race, and there is only one."""


class ForestWin(WinModel):
    """Random forest of 100 trees of depth 10 (the design's baseline)."""

    name: ClassVar[str] = "random_forest"

    def __init__(self, horizon: str = "pre_weekend", trees: int = 100, depth: int = 10, seed: int = 0):
        self.horizon = horizon
        self.trees = trees
        self.depth = depth
        self.seed = seed

    def features(self) -> list[str]:
        """All features known at the horizon."""
        return names(self.horizon, seen_by="classic")

    def fit(self, rows: pd.DataFrame) -> Self:
        """See ``WinModel.fit``. What is missing becomes the training median."""
        self.imputer_ = SimpleImputer(strategy="median", keep_empty_features=True)
        values = self.imputer_.fit_transform(rows[self.features()].to_numpy(dtype=float))
        self.learner_ = RandomForestClassifier(
            n_estimators=self.trees, max_depth=self.depth, random_state=self.seed, n_jobs=_THREADS
        )
        # Each thread of scikit-learn sets and restores the process's filters of warnings, and they undo each other's: 40 fits
        # of 40 left the process with others than before, most often none. Now they meet copies, that nobody sees afterwards;
        # what a thread says that finds its copy empty is kept from the log.
        with warnings.catch_warnings(record=True):
            warnings.simplefilter("ignore")
            self.learner_.fit(values, (rows["finish"] == 1).to_numpy(dtype=int))
        # Each tree has a seed of its own, so threads do not change a fit; they would change in which order a forecast
        # adds up the trees.
        self.learner_.n_jobs = 1
        return self

    def strengths(self, rows: pd.DataFrame) -> Floats:
        """See ``WinModel.strengths``."""
        values = self.imputer_.transform(rows[self.features()].to_numpy(dtype=float))
        return np.maximum(np.asarray(self.learner_.predict_proba(values)[:, 1], dtype=np.float64), _FLOOR)


class BoostedWin(WinModel):
    """XGBoost: 100 trees, learning rate 0.1, depth 6 (the design's baseline). Missing values stay missing."""

    name: ClassVar[str] = "xgboost"

    def __init__(
        self,
        horizon: str = "pre_weekend",
        trees: int = 100,
        learning_rate: float = 0.1,
        depth: int = 6,
        seed: int = 0,
    ):
        self.horizon = horizon
        self.trees = trees
        self.learning_rate = learning_rate
        self.depth = depth
        self.seed = seed

    def features(self) -> list[str]:
        """All features known at the horizon."""
        return names(self.horizon, seen_by="classic")

    def empty_learner(self) -> XGBClassifier:
        """The learner before training; a stored model is loaded into it."""
        from xgboost import XGBClassifier  # 4 s to import: only who fits or loads one pays

        return XGBClassifier(
            n_estimators=self.trees,
            learning_rate=self.learning_rate,
            max_depth=self.depth,
            tree_method="hist",
            n_jobs=1,
            random_state=self.seed,
        )

    def fit(self, rows: pd.DataFrame) -> Self:
        """See ``WinModel.fit``."""
        self.learner_ = self.empty_learner()
        self.learner_.fit(
            rows[self.features()].to_numpy(dtype=float), (rows["finish"] == 1).to_numpy(dtype=int)
        )
        return self

    def strengths(self, rows: pd.DataFrame) -> Floats:
        """See ``WinModel.strengths``."""
        raw = self.learner_.predict_proba(rows[self.features()].to_numpy(dtype=float))[:, 1]
        return np.maximum(np.asarray(raw, dtype=np.float64), _FLOOR)
