"""Models made of others: the equal-weight average and the logarithmic pool, with an interval from disagreement."""

from __future__ import annotations

import numpy as np
from scipy.stats import t as student

from f1_pipeline.forecasting.grouping import Floats


def combine(members: Floats) -> tuple[Floats, Floats, Floats]:
    """Mean of the members' probabilities and its 95 % interval.

    The members are taken as a sample of forecasts that could have been made: the interval is that of their
    mean (Student's t with ``m - 1`` degrees of freedom), cut at 0 and 1. Equal weights, because fitted weights
    scored .003 nats worse in the study this product stands on.

    Args:
        members: probabilities, shape (members, drivers); each row sums to 1.

    Returns:
        mean, low, high, each of shape (drivers,).
    """
    count = members.shape[0]
    mean = members.mean(axis=0)
    mean = mean / mean.sum()
    if count < 2:
        return mean, mean, mean
    reach = float(student.ppf(0.975, count - 1)) * members.std(axis=0, ddof=1) / np.sqrt(count)
    return mean, np.clip(mean - reach, 0.0, 1.0), np.clip(mean + reach, 0.0, 1.0)


def log_pool(members: Floats) -> tuple[Floats, Floats, Floats]:
    """Geometric mean of the members' probabilities, normalised, and its 95 % interval.

    Pooling logarithms beat averaging probabilities: a member that is sure that a driver will not win is heard. The
    interval is that of the mean log odds over the members (Student's t).

    Args:
        members: probabilities, shape (members, drivers); each row sums to 1.
    """
    count = members.shape[0]
    p = np.clip(members, _FLOOR, 1.0 - _FLOOR)
    pooled = np.exp(np.log(p).mean(axis=0))
    pooled = pooled / pooled.sum()
    if count < 2:
        return pooled, pooled, pooled
    log_odds = np.log(p) - np.log1p(-p)
    reach = float(student.ppf(0.975, count - 1)) * log_odds.std(axis=0, ddof=1) / np.sqrt(count)
    centre = np.log(pooled) - np.log1p(-np.clip(pooled, _FLOOR, 1.0 - _FLOOR))
    return pooled, 1.0 / (1.0 + np.exp(reach - centre)), 1.0 / (1.0 + np.exp(-reach - centre))


_FLOOR = 1e-6
"""Probabilities below it are lifted: no member may veto a driver."""
