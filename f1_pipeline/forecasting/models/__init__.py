"""The models, and which of them forecast at which horizon."""

from __future__ import annotations

from f1_pipeline.domain.vocabulary import COMBINED, ENSEMBLE, POOL
from f1_pipeline.forecasting.models.base import WinModel
from f1_pipeline.forecasting.models.baselines import EloShare, GridFrequency, StandingsFrequency, Uniform
from f1_pipeline.forecasting.models.elo_softmax import EloSoftmax
from f1_pipeline.forecasting.models.linear import LinearWin
from f1_pipeline.forecasting.models.order import PlackettLuceWin, RatingWin
from f1_pipeline.forecasting.models.trees import BoostedWin, ForestWin

MODELS: dict[str, type[WinModel]] = {
    model.name: model for model in (LinearWin, ForestWin, BoostedWin, EloSoftmax, RatingWin, PlackettLuceWin)
}
"""Models that are trained, versioned and registered."""


def baselines(horizon: str) -> dict[str, type[WinModel]]:
    """Naive forecasts of a horizon, by name."""
    places = GridFrequency if horizon == "pre_race" else StandingsFrequency
    return {model.name: model for model in (Uniform, EloShare, places)}


def make(name: str, horizon: str, seed: int) -> WinModel:
    """A new, unfitted model of a horizon; ``seed`` reaches those that use chance."""
    model = {**MODELS, **baselines(horizon)}[name](horizon=horizon)
    return model.set_params(seed=seed) if "seed" in model.get_params() else model


__all__ = ["COMBINED", "ENSEMBLE", "MODELS", "POOL", "WinModel", "baselines", "make"]
