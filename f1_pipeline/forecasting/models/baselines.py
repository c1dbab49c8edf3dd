"""Naive forecasts that every model has to beat, kept in the accuracy tables under their own names."""

from __future__ import annotations

from typing import ClassVar, Self

import numpy as np
import pandas as pd

from f1_pipeline.forecasting.grouping import Floats
from f1_pipeline.forecasting.models.base import WinModel


class Uniform(WinModel):
    """Everyone is equally likely to win."""

    name: ClassVar[str] = "uniform"
    learnt: ClassVar[bool] = False

    def __init__(self, horizon: str = "pre_weekend"):
        self.horizon = horizon

    def features(self) -> list[str]:
        """None."""
        return []

    def fit(self, rows: pd.DataFrame) -> Self:  # noqa: ARG002
        """Nothing to learn."""
        return self

    def strengths(self, rows: pd.DataFrame) -> Floats:
        """One for each row."""
        return np.ones(len(rows))


class EloShare(Uniform):
    """The literal ``rating / sum of ratings``, which many published systems use."""

    name: ClassVar[str] = "elo_share"

    def features(self) -> list[str]:
        """The driver's rating."""
        return ["current_elo"]

    def strengths(self, rows: pd.DataFrame) -> Floats:
        """The rating; a rating below 1 counts as 1."""
        ratings: Floats = rows["current_elo"].to_numpy(dtype=np.float64)
        return np.maximum(ratings, 1.0)


class PlaceFrequency(WinModel):
    """How often the holder of a place has won, in the races before.

    ``pre_weekend`` reads the championship position (``standings_frequency``), ``pre_race`` the grid position
    (``grid_frequency``). ``prior``: wins added per place, so that a place that never won stays possible; .1 of
    a win among 600 races is the order of the true frequency of the rear rows.
    """

    learnt: ClassVar[bool] = False
    column: ClassVar[str]

    def __init__(self, horizon: str = "pre_weekend", prior: float = 0.1):
        self.horizon = horizon
        self.prior = prior

    def features(self) -> list[str]:
        """The place."""
        return [self.column]

    def fit(self, rows: pd.DataFrame) -> Self:
        """Count wins and starts by place; drivers without a place are one more class."""
        place = rows[self.column].fillna(_NO_PLACE)
        won = (rows["finish"] == 1).astype(float)
        starts = place.value_counts()
        wins = won.groupby(place).sum().reindex(starts.index).fillna(0.0)
        self.frequency_ = ((wins + self.prior) / (starts + self.prior)).to_dict()
        self.rare_ = min(self.frequency_.values(), default=1.0)
        return self

    def strengths(self, rows: pd.DataFrame) -> Floats:
        """Win frequency of the place; one that was never seen counts as the rarest."""
        place = rows[self.column].fillna(_NO_PLACE)
        known = place.map(self.frequency_).fillna(self.rare_)
        return np.asarray(known.to_numpy(), dtype=np.float64)


class StandingsFrequency(PlaceFrequency):
    """Win frequency of the championship position."""

    name: ClassVar[str] = "standings_frequency"
    column: ClassVar[str] = "championship_position"


class GridFrequency(PlaceFrequency):
    """Win frequency of the grid position."""

    name: ClassVar[str] = "grid_frequency"
    column: ClassVar[str] = "grid_position"


_NO_PLACE = -1.0
