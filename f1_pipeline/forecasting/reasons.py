"""Why a forecast is what it is: what each group of features adds to the logarithm of a driver's chance to win."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from scipy.special import log_softmax, softmax

from f1_pipeline.forecasting.finishers import win_of_finishers
from f1_pipeline.forecasting.grouping import Floats

FLOOR = "floor"
"""Group of what the lowest probability that counts adds."""
FINISH = "retirement"
"""Group of what the chances to retire add, his own and those of the others."""
_FLOOR = 1e-6
"""As in the pool: a probability below it counts as this much."""


def pool_reasons(
    rows: pd.DataFrame, members: Mapping[str, pd.DataFrame | Floats], retirement: Floats
) -> pd.DataFrame:
    """Contributions to the logarithm of the pool's win probability, relative to the mean of the race.

    The pool's log strength is the mean of its members', so contributions of linear members add up exactly. What a
    member of another kind says is one contribution, under its name: its trees have no coefficients to read. The pool lets
    no member call anything less likely than a millionth: where that lifts a driver, it is a contribution of its own. So is what
    the chances to retire make of the strengths of who finishes.

    Args:
        rows: feature rows of one race.
        members: of each member the contributions of groups (columns) to its log strength, or its win probabilities.
        retirement: probability of each driver to retire, shape (n,).

    Returns:
        ``race_key, driver_id, feature_group, contribution``; those of a driver sum to the logarithm of his win probability
        minus its mean over the race.
    """
    total: dict[str, Floats] = {}
    for name, said in members.items():
        if isinstance(said, pd.DataFrame):
            parts = {str(group): said[group].to_numpy(dtype=np.float64) for group in said.columns}
            strength = np.asarray(sum(parts.values()))
            lifted = np.maximum(np.log(_FLOOR) - log_softmax(strength), 0.0)
            if lifted.any():
                parts[FLOOR] = lifted - lifted.mean()
        else:
            strength = np.log(np.maximum(said, _FLOOR))
            parts = {name: strength - strength.mean()}
        for group, values in parts.items():
            total[group] = total.get(group, np.zeros(len(rows))) + values / len(members)
    pooled = softmax(np.asarray(sum(total.values())))
    open_ = np.log(win_of_finishers(pooled, retirement) / pooled)
    total[FINISH] = open_ - open_.mean()
    head = rows[["race_key", "driver_id"]].reset_index(drop=True)
    return pd.concat(
        [head.assign(feature_group=group, contribution=values) for group, values in total.items()],
        ignore_index=True,
    )
