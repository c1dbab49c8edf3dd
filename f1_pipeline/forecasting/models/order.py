"""Order models: scores fitted to finishing orders, with a temperature fitted out of sample.

This module holds what they share; ``order`` models of two kinds stand on it, linear ones and boosted trees.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from f1_pipeline.forecasting.features import names
from f1_pipeline.forecasting.grouping import Floats, moments, race_codes, softmax
from f1_pipeline.forecasting.models.base import WinModel
from f1_pipeline.forecasting.plackett_luce import finishing_orders, fit_heat, heat

_BLOCKS = 3
"""Out-of-sample blocks that the temperature is fitted on."""
_BLOCK_SEASONS = 4
"""Seasons of a block: three refits over twelve seasons say as much as twelve refits, at a quarter of the time."""
_HALF_LIFE = 8.0
"""Seasons after which a race counts half for the temperature (the study's value)."""


class OrderModel(WinModel):
    """Base: a score per row, and a temperature.

    A subclass learns scores from finishing orders (``learn``, ``score``). A fit is too sure of itself, or too careful,
    on races it has not seen: a temperature is fitted on seasons that the scores had not seen. It depends on how sure the rating is, which is
    what makes the first races under new regulations open (measured: see the methodology).
    """

    horizon: str

    @abstractmethod
    def columns(self, rows: pd.DataFrame) -> pd.DataFrame:
        """The columns of the score, relative to the race."""

    @abstractmethod
    def learn(self, columns: pd.DataFrame, rows: pd.DataFrame) -> NDArray[np.generic]:
        """What there is to learn from the finishing orders of the rows, as an array that can be stored."""

    @abstractmethod
    def score(self, learnt: NDArray[np.generic], columns: pd.DataFrame) -> Floats:
        """Score of each row, by what was learnt."""

    def fit(self, rows: pd.DataFrame) -> Self:
        """See ``Model.fit``."""
        self.fit_columns(self.columns(rows), rows)
        return self

    def fit_columns(self, columns: pd.DataFrame, rows: pd.DataFrame) -> None:
        """Learn from the columns of the rows, which are made once for all that is learnt from them."""
        self.learnt_ = self.learn(columns, rows)
        self.doubt_ = float(_doubt(rows).mean())
        self.heat_ = self._fit_heat(columns, rows)

    def _fit_heat(self, columns: pd.DataFrame, rows: pd.DataFrame) -> Floats:
        season = rows["season"].to_numpy()
        scores = np.full(len(rows), np.nan)
        for block in range(_BLOCKS):
            last = season.max() - block * _BLOCK_SEASONS
            inside = (season <= last) & (season > last - _BLOCK_SEASONS)
            before = season <= last - _BLOCK_SEASONS
            # A short history (the simulated world) has fewer blocks, or none: then the scores stand as they are.
            if inside.any() and len(np.unique(season[before])) >= 2:
                learnt = self.learn(columns[before], rows[before])
                scores[inside] = self.score(learnt, columns[inside])
        known = ~np.isnan(scores)
        if not known.any():
            return np.zeros(2)
        age = season.max() - season[known]
        orders = finishing_orders(rows[known], 0.5 ** (age / _HALF_LIFE))
        return fit_heat(scores[known], _doubt(rows)[known] - self.doubt_, orders)

    def heat(self, rows: pd.DataFrame) -> Floats:
        """Factor on the score of each row: the same within a race."""
        return heat(self.heat_, _doubt(rows) - self.doubt_)

    def strengths(self, rows: pd.DataFrame) -> Floats:
        """See ``WinModel.strengths``."""
        return softmax(self.score(self.learnt_, self.columns(rows)) * self.heat(rows), rows["race_key"])


def _doubt(rows: pd.DataFrame) -> Floats:
    """Logarithm of the mean uncertainty of the rating in the race; missing counts as one per cent."""
    sd = rows["joint_rating_sd"].groupby(rows["race_key"].to_numpy()).transform("mean").fillna(1.0)
    return np.asarray(np.log(sd.clip(lower=0.05).to_numpy(dtype=np.float64)), dtype=np.float64)


def log_grid(rows: pd.DataFrame) -> pd.Series:
    """Minus the logarithm of the place on the grid; who is not on it stands behind everyone."""
    place = rows["grid_position"].to_numpy(dtype=np.float64, na_value=np.nan)
    codes = race_codes(rows["race_key"])
    last = np.full(int(codes.max(initial=-1)) + 1, -np.inf)
    np.fmax.at(last, codes, place)
    behind = np.where(np.isfinite(last), last, 1.0)[codes] + 1.0
    return pd.Series(-np.log(np.where(np.isnan(place), behind, place)), index=rows.index)


_FASTER = 10
"""Cars that count as the faster part of a field."""
_LONGEST = 4.0
"""Spreads of the field beyond which a column says nothing more: one lost season must not decide a race."""


def spreads(raw: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    """How far each column is spread in each race: root of the mean of two variances, of the field and of its ten faster cars.

    A tenth of a per cent decides in a close field and says little in a wide one. The faster cars count twice, because a
    few hopeless ones (1990, 2010, 2026) would make all others look alike. In place of the columns as they are,
    this brought the regression .010 before the weekend and .012 before the race on 2014-21, and .07 and .07 on 2010-13.
    """
    values, codes = raw.to_numpy(dtype=np.float64), race_codes(rows["race_key"])
    faster = (rows["joint_rating"].groupby(codes).rank(ascending=False) <= _FASTER).to_numpy()
    _, field = moments(values, codes)
    _, front = moments(np.where(faster[:, None], values, np.nan), codes)
    both = np.sqrt(0.5 * (field + np.where(np.isnan(front), field, front)) + 1e-9)
    return pd.DataFrame(np.where(np.isnan(both), 1.0, both), index=raw.index, columns=raw.columns)


def relative(raw: pd.DataFrame, rows: pd.DataFrame, measured: list[str]) -> pd.DataFrame:
    """Columns relative to their race, those of ``measured`` in spreads of it; what is missing is the race's average."""
    values = raw.to_numpy(dtype=np.float64)
    mean, _ = moments(values, race_codes(rows["race_key"]))
    apart, of = values - mean, raw.columns.isin(measured)
    apart[:, of] = np.clip(apart[:, of] / spreads(raw.loc[:, of], rows).to_numpy(), -_LONGEST, _LONGEST)
    return pd.DataFrame(np.nan_to_num(apart, nan=0.0), index=raw.index, columns=raw.columns)


_NO_STANDING = 25.0
"""Place of a driver without one: behind everyone."""
_GAP_CLIP = 4.0
"""Per cent beyond which a gap to pole is a spoilt lap, as in the rating."""


def all_columns(rows: pd.DataFrame, horizon: str) -> pd.DataFrame:
    """Every feature that order models see, with places on a logarithmic scale; not yet relative to the race."""
    seen = names(horizon, seen_by="order")
    frame = rows[seen].astype("float64")
    standing = frame["championship_position"].fillna(_NO_STANDING).to_numpy(dtype=np.float64)
    made = {"standing": -np.log(standing)}
    if horizon == "pre_race":
        grid = log_grid(rows).to_numpy()
        place = np.rint(np.exp(-grid))
        made |= {"grid": grid, "pole": (place == 1).astype(float), "front_row": (place <= 2).astype(float)}
    # Columns put into a frame one by one were a third of the time in which a model forecasts a race.
    values = np.column_stack([frame.to_numpy(), *made.values()])
    if horizon == "pre_race":
        gap = seen.index("gap_to_pole_pct")
        values[:, gap] = np.minimum(values[:, gap], _GAP_CLIP)
    return pd.DataFrame(values, index=rows.index, columns=[*seen, *made])
