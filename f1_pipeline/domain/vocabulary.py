"""Names that appear in tables, commands and pages. Kept apart from the code behind them: the learning libraries
take seconds to import, and a command that only prints must not wait for them."""

from __future__ import annotations

HORIZONS = ("pre_weekend", "pre_race")
"""What a forecast knew: the entry list only, or practice, qualifying and grid too."""

TRAINED_MODELS = ("linear", "random_forest", "xgboost", "elo")
"""Models that are trained, versioned and registered; the members of the ensemble."""

ENSEMBLE = "ensemble"
"""Equal-weight average of ``TRAINED_MODELS``."""

BASELINES = {
    "pre_weekend": ("uniform", "elo_share", "standings_frequency"),
    "pre_race": ("uniform", "elo_share", "grid_frequency"),
}
"""Naive forecasts that every model has to beat, by horizon."""

ALL_MODELS = (*TRAINED_MODELS, ENSEMBLE, "uniform", "elo_share", "standings_frequency", "grid_frequency")
"""Every name that stands in the column ``model``."""
