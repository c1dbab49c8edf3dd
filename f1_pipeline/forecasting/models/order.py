"""Order models: linear scores fitted to finishing orders, with a temperature fitted out of sample."""

from __future__ import annotations

from typing import ClassVar, Self

import numpy as np
import pandas as pd

from f1_pipeline.forecasting.features import names
from f1_pipeline.forecasting.grouping import Floats, centred, softmax
from f1_pipeline.forecasting.models.base import WinModel
from f1_pipeline.forecasting.plackett_luce import finishing_orders, fit_heat, fit_weights, heat

_BLOCKS = 3
"""Out-of-sample blocks that the temperature is fitted on."""
_BLOCK_SEASONS = 4
"""Seasons of a block: three refits over twelve seasons say as much as twelve refits, at a quarter of the time."""
_HALF_LIFE = 8.0
"""Seasons after which a race counts half for the temperature (the study's value)."""


class OrderModel(WinModel):
    """Plackett-Luce regression on columns that a subclass names.

    Scores are relative to the race, scaled by the training rows. The fit is too sure of itself out of sample, so a
    temperature is fitted on seasons that the scores had not seen; it depends on how sure the rating is, which is
    what makes the first races under new regulations open (measured: see the methodology).

    ``penalty``: L2 weight on the coefficients of scaled columns. 5 and 40 were compared on 2014-21: 5 was .008 better
    before the weekend and .011 before the race.
    """

    def __init__(self, horizon: str = "pre_weekend", penalty: float = 5.0):
        self.horizon = horizon
        self.penalty = penalty

    def columns(self, rows: pd.DataFrame) -> pd.DataFrame:
        """The raw columns of the score."""
        raise NotImplementedError

    def fit(self, rows: pd.DataFrame) -> Self:
        """See ``WinModel.fit``."""
        values = centred(self.columns(rows), list(self.columns(rows).columns), rows["race_key"]).to_numpy()
        self.scale_ = np.where(values.std(axis=0) > 1e-9, values.std(axis=0), 1.0)
        design = values / self.scale_
        self.weights_ = fit_weights(design, finishing_orders(rows), self.penalty)
        self.doubt_ = float(_doubt(rows).mean())
        self.heat_ = self._fit_heat(design, rows)
        return self

    def _fit_heat(self, design: Floats, rows: pd.DataFrame) -> Floats:
        season = rows["season"].to_numpy()
        scores = np.full(len(rows), np.nan)
        for block in range(_BLOCKS):
            last = season.max() - block * _BLOCK_SEASONS
            inside = (season <= last) & (season > last - _BLOCK_SEASONS)
            before = season <= last - _BLOCK_SEASONS
            # A short history (the simulated world) has fewer blocks, or none: then the scores stand as they are.
            if inside.any() and len(np.unique(season[before])) >= 2:
                weights = fit_weights(design[before], finishing_orders(rows[before]), self.penalty)
                scores[inside] = design[inside] @ weights
        known = ~np.isnan(scores)
        if not known.any():
            return np.zeros(2)
        age = season.max() - season[known]
        orders = finishing_orders(rows[known], 0.5 ** (age / _HALF_LIFE))
        return fit_heat(scores[known], _doubt(rows)[known] - self.doubt_, orders)

    def strengths(self, rows: pd.DataFrame) -> Floats:
        """See ``WinModel.strengths``."""
        columns = self.columns(rows)
        design = centred(columns, list(columns.columns), rows["race_key"]).to_numpy() / self.scale_
        return softmax(
            design @ self.weights_ * heat(self.heat_, _doubt(rows) - self.doubt_), rows["race_key"]
        )


class RatingWin(OrderModel):
    """Softmax of the joint rating; before the race also of minus the logarithm of the grid position."""

    name: ClassVar[str] = "rating"

    def features(self) -> list[str]:
        """The rating, its uncertainty, and the grid where it is known."""
        grid = ["grid_position"] if self.horizon == "pre_race" else []
        return ["joint_rating", "joint_rating_sd", *grid]

    def columns(self, rows: pd.DataFrame) -> pd.DataFrame:
        """See ``OrderModel.columns``."""
        frame = rows[["joint_rating"]].astype("float64")
        return frame if self.horizon == "pre_weekend" else frame.assign(grid=_log_grid(rows))


class PlackettLuceWin(OrderModel):
    """Plackett-Luce regression on all features, with places on a logarithmic scale."""

    name: ClassVar[str] = "plackett_luce"

    def features(self) -> list[str]:
        """All features known at the horizon, the joint rating included."""
        return names(self.horizon, seen_by="order")

    def columns(self, rows: pd.DataFrame) -> pd.DataFrame:
        """See ``OrderModel.columns``."""
        frame = rows[self.features()].astype("float64")
        frame = frame.assign(
            standing=-np.log(frame["championship_position"].fillna(_NO_STANDING).to_numpy(dtype=np.float64))
        )
        if self.horizon == "pre_race":
            grid = _log_grid(rows)
            place = np.rint(np.exp(-grid))
            frame = frame.assign(
                grid=grid,
                pole=(place == 1).astype(float),
                front_row=(place <= 2).astype(float),
                gap_to_pole_pct=frame["gap_to_pole_pct"].clip(upper=_GAP_CLIP),
            )
        return frame


_NO_STANDING = 25.0
"""Place of a driver without one: behind everyone."""
_GAP_CLIP = 4.0
"""Per cent beyond which a gap to pole is a spoilt lap, as in the rating."""


def _log_grid(rows: pd.DataFrame) -> pd.Series:
    last = rows["grid_position"].groupby(rows["race_key"].to_numpy()).transform("max").fillna(1.0)
    place = rows["grid_position"].fillna(last + 1.0).to_numpy(dtype=np.float64)
    return pd.Series(-np.log(place), index=rows.index)


def _doubt(rows: pd.DataFrame) -> Floats:
    """Logarithm of the mean uncertainty of the rating in the race; missing counts as one per cent."""
    sd = rows["joint_rating_sd"].groupby(rows["race_key"].to_numpy()).transform("mean").fillna(1.0)
    return np.asarray(np.log(sd.clip(lower=0.05).to_numpy(dtype=np.float64)), dtype=np.float64)
