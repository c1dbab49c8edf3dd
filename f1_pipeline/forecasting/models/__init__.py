"""The models, and which of them forecast at which horizon."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from f1_pipeline.domain.vocabulary import COMBINED, ENSEMBLE, POOL
from f1_pipeline.errors import RecipeInvalid
from f1_pipeline.forecasting.models.base import Model, WinModel
from f1_pipeline.forecasting.models.baselines import EloShare, GridFrequency, StandingsFrequency, Uniform
from f1_pipeline.forecasting.models.elo_softmax import EloSoftmax
from f1_pipeline.forecasting.models.linear import LinearWin
from f1_pipeline.forecasting.models.order_boosted import BoostedOrder
from f1_pipeline.forecasting.models.order_linear import (
    LinearOrder,
    PlackettLuceWin,
    RatingWin,
    SprintRatingWin,
)
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


def make(name: str, horizon: str, seed: int, parameters: Mapping[str, Any] | None = None) -> Model:
    """A new, unfitted model of a horizon; ``seed`` reaches those that use chance.

    ``parameters``: hyper-parameters as a version or a decision stores them; without, the code's defaults. What the
    code does not know (any more) is left out, what is not stored has its default.
    """
    model = {**REGISTERED, **baselines(horizon)}[name](horizon=horizon)
    if parameters:
        model.set_params(**recipe_parameters(name, parameters))
    return model.set_params(seed=seed) if "seed" in model.get_params() else model


def make_win(name: str, horizon: str, seed: int, parameters: Mapping[str, Any] | None = None) -> WinModel:
    """``make`` for a model of the winner."""
    model = make(name, horizon, seed, parameters)
    if not isinstance(model, WinModel):
        raise TypeError(f"{name} is not a model of the winner")
    return model


def recipe_parameters(name: str, stored: Mapping[str, Any]) -> dict[str, Any]:
    """All hyper-parameters of a recipe: the stored ones, and the code's defaults for the others.

    Horizon and seed are no part of a recipe: one is whose champion it is, the other a setting.
    """
    params = REGISTERED[name]().get_params(deep=False)
    defaults = {key: value for key, value in params.items() if key not in ("horizon", "seed")}
    return {key: stored.get(key, default) for key, default in defaults.items()}


def checked(name: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """The hyper-parameters of a challenger: those given, and the code's defaults for the others.

    Raises:
        RecipeInvalid: the model is unknown, has no hyper-parameter of that name, or the value has another type.
    """
    if name not in MODELS:
        raise RecipeInvalid(f"no trained model {name!r}: there are {', '.join(MODELS)}")
    defaults = recipe_parameters(name, {})
    values = dict(given)
    for key, value in given.items():
        if key not in defaults:
            raise RecipeInvalid(f"{name} has no hyper-parameter {key!r}: there are {', '.join(defaults)}")
        default = defaults[key]
        if type(default) is float and type(value) is int:
            values[key] = value = float(value)
        wrong = type(value) is not type(default) and default is not None
        if wrong or (isinstance(value, float) and not math.isfinite(value)):
            raise RecipeInvalid(
                f"{name}: {key}={value!r} is no {type(default).__name__}; the default is {default!r}"
            )
    return recipe_parameters(name, values)


__all__ = [
    "COMBINED",
    "ENSEMBLE",
    "MODELS",
    "POOL",
    "REGISTERED",
    "LinearOrder",
    "Model",
    "PlackettLuceWin",
    "RetirementModel",
    "SprintRatingWin",
    "WinModel",
    "baselines",
    "checked",
    "make",
    "make_win",
    "recipe_parameters",
]
