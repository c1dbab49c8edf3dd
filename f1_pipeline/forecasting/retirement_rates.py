"""How often a car does not last: a decayed base rate by team, as of a race."""

from __future__ import annotations

import numpy as np
import pandas as pd

from f1_pipeline.forecasting.asof import training_rows
from f1_pipeline.forecasting.grouping import Floats

_HALF_LIFE = 12.0
"""Races after which a start counts half: about half a season, so that last year's engine is nearly forgotten."""
LOOK_BACK = 96
"""Races that are looked at: eight half-lives, beyond which a start weighs less than a hundredth."""
_PRIOR_STARTS = 30.0
"""Starts at the rate of the whole field that every team begins with; retirements are rare, and the field's rate says
most of what can be known."""


def retirement_rates(starters: pd.DataFrame, order: int, constructors: pd.Series) -> Floats:
    """Probability of each driver not to be classified in a race.

    Args:
        starters: of ``History``; those of the race ``order`` and later are not looked at.
        order: place of the race in the calendar.
        constructors: constructor of each driver of the line-up.

    Returns:
        Probabilities in the order of ``constructors``; 0.2 for all where there is no earlier race.
    """
    before = training_rows(starters, order)
    before = before[before["order"] >= order - LOOK_BACK]
    if before.empty:
        return np.full(len(constructors), 0.2)
    weight = np.power(0.5, (order - 1 - before["order"].to_numpy()) / _HALF_LIFE)
    frame = pd.DataFrame(
        {
            "team": before["constructor_id"].to_numpy(),
            "weight": weight,
            "out": weight * ~before["classified"].to_numpy(dtype=bool),
        }
    )
    field = frame["out"].sum() / frame["weight"].sum()
    sums = frame.groupby("team")[["weight", "out"]].sum().reindex(constructors.to_numpy()).fillna(0.0)
    rate = (sums["out"] + _PRIOR_STARTS * field) / (sums["weight"] + _PRIOR_STARTS)
    return rate.to_numpy(dtype=np.float64)
