"""Names that appear in tables, commands and pages. Kept apart from the code behind them: the learning libraries
take seconds to import, and a command that only prints must not wait for them."""

from __future__ import annotations

HORIZONS = ("pre_weekend", "pre_race")
"""What a forecast knew: the entry list only, or practice, qualifying and grid too."""

SPRINT_HORIZONS = ("pre_weekend", "pre_sprint")
"""What a forecast of a sprint knew: the entry list only, or the grid of the sprint too."""

ENSEMBLE_MEMBERS: tuple[str, ...] = ("linear", "random_forest", "xgboost", "elo")
"""The classic models, which the ensemble averages."""

TRAINED_MODELS = (*ENSEMBLE_MEMBERS, "rating", "plackett_luce", "xgboost_order")
"""Trained models of the winner."""

RETIREMENT = "retirement"
"""The model of who does not reach the finish; its forecast is part of every model's finishing orders."""

SPRINT_MODELS = (RETIREMENT,)
"""Registered models that forecasts of sprints load; the others that they ask are fitted for each sprint."""

REGISTERED = (*TRAINED_MODELS, RETIREMENT)
"""Everything that is trained, versioned and registered."""

ENSEMBLE = "ensemble"
"""Equal-weight average of ``ENSEMBLE_MEMBERS``."""

POOL = "pool"
"""Equal-weight logarithmic pool of ``POOL_MEMBERS``, of cars that may retire: the forecast that is shown first."""

POOL_MEMBERS: tuple[str, ...] = ("rating", "plackett_luce", "xgboost_order")
"""The members of the pool: the order models, a rating, a regression on all features and boosted trees."""

COMBINED: dict[str, tuple[str, ...]] = {ENSEMBLE: ENSEMBLE_MEMBERS, POOL: POOL_MEMBERS}
"""Models that are made of others: their members."""

BASELINES = {
    "pre_weekend": ("uniform", "elo_share", "standings_frequency"),
    "pre_race": ("uniform", "elo_share", "grid_frequency"),
}
"""Naive forecasts that every model has to beat, by horizon."""

ALL_MODELS = (
    POOL,
    *TRAINED_MODELS,
    ENSEMBLE,
    "uniform",
    "elo_share",
    "standings_frequency",
    "grid_frequency",
)
"""Every name that stands in the column ``model``."""

MARKET = "market"
"""What bookmakers' prices say, where a user has some. Scored beside the models; it is none of ``ALL_MODELS``, because
nothing forecasts with it."""
