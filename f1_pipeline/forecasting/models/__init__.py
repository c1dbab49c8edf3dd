"""The models, and which of them forecast at which horizon."""

from __future__ import annotations

from f1_pipeline.domain.vocabulary import COMBINED, ENSEMBLE, POOL
from f1_pipeline.forecasting.models.base import Model, WinModel
from f1_pipeline.forecasting.models.baselines import EloShare, GridFrequency, StandingsFrequency, Uniform
from f1_pipeline.forecasting.models.elo_softmax import EloSoftmax
from f1_pipeline.forecasting.models.linear import LinearWin
from f1_pipeline.forecasting.models.order_boosted import BoostedOrder
from f1_pipeline.forecasting.models.order_linear import LinearOrder, PlackettLuceWin, RatingWin
from f1_pipeline.forecasting.models.retirement import RetirementModel
from f1_pipeline.forecasting.models.trees import BoostedWin, ForestWin

MODELS: dict[str, type[WinModel]] = {
    model.name: model
    for model in (LinearWin, ForestWin, BoostedWin, EloSoftmax, RatingWin, PlackettLuceWin, BoostedOrder)
}
"""Trained models of the winner."""

REGISTERED: dict[str, type[Model]] = {**MODELS, RetirementModel.name: RetirementModel}
"""Everything that is trained, versioned and registered."""


def baselines(horizon: str) -> dict[str, type[WinModel]]:
    """Naive forecasts of a horizon, by name."""
    places = GridFrequency if horizon == "pre_race" else StandingsFrequency
    return {model.name: model for model in (Uniform, EloShare, places)}


def make(name: str, horizon: str, seed: int) -> Model:
    """A new, unfitted model of a horizon; ``seed`` reaches those that use chance."""
    model = {**REGISTERED, **baselines(horizon)}[name](horizon=horizon)
    return model.set_params(seed=seed) if "seed" in model.get_params() else model


def make_win(name: str, horizon: str, seed: int) -> WinModel:
    """``make`` for a model of the winner."""
    model = make(name, horizon, seed)
    if not isinstance(model, WinModel):
        raise TypeError(f"{name} is not a model of the winner")
    return model


__all__ = [
    "COMBINED",
    "ENSEMBLE",
    "MODELS",
    "POOL",
    "REGISTERED",
    "LinearOrder",
    "Model",
    "RetirementModel",
    "WinModel",
    "baselines",
    "make",
    "make_win",
]
