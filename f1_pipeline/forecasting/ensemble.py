"""Models made of others, the equal-weight average and the logarithmic pool; and intervals of win probabilities."""

from __future__ import annotations

import numpy as np
from scipy.special import stdtrit

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
    reach = float(stdtrit(count - 1, 0.975)) * members.std(axis=0, ddof=1) / np.sqrt(count)
    return mean, np.clip(mean - reach, 0.0, 1.0), np.clip(mean + reach, 0.0, 1.0)


def log_pool(members: Floats) -> tuple[Floats, Floats]:
    """Geometric mean of the members' probabilities, normalised; and how far they disagree.

    Pooling logarithms beat averaging probabilities: a member that is sure that a driver will not win is heard.

    Args:
        members: probabilities, shape (members, drivers); each row sums to 1.

    Returns:
        pool, and the standard error of its log odds over the members, each of shape (drivers,).
    """
    p = np.clip(members, _FLOOR, 1.0 - _FLOOR)
    pooled = np.exp(np.log(p).mean(axis=0))
    pooled = pooled / pooled.sum()
    if members.shape[0] < 2:
        return pooled, np.zeros(members.shape[1])
    log_odds = np.log(p) - np.log1p(-p)
    return pooled, log_odds.std(axis=0, ddof=1) / np.sqrt(members.shape[0])


def interval(win: Floats, covariance: Floats) -> tuple[Floats, Floats]:
    """95 % interval of win probabilities, given the covariance of the log strengths.

    The log odds of a driver are his log strength minus the logarithm of the sum of the others' strengths. Their
    variance follows by its gradient (delta method), so that an error that all share cancels out, as it should.
    """
    p = np.clip(win, _FLOOR, 1.0 - _FLOOR)
    others = np.tile(p, (len(p), 1))
    np.fill_diagonal(others, 0.0)
    gradient = np.eye(len(p)) - others / others.sum(axis=1, keepdims=True).clip(min=_FLOOR)
    variance = np.einsum("ij,jk,ik->i", gradient, covariance, gradient)
    reach = _NORMAL_95 * np.sqrt(np.maximum(variance, 0.0))
    centre = np.log(p) - np.log1p(-p)
    return 1.0 / (1.0 + np.exp(reach - centre)), 1.0 / (1.0 + np.exp(-reach - centre))


_NORMAL_95 = 1.959964
_FLOOR = 1e-6
"""Probabilities below it are lifted: no member may veto a driver."""
