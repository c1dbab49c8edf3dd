"""Who retires does not win: win probabilities of cars that may not finish."""

from __future__ import annotations

import numpy as np

from f1_pipeline.forecasting.grouping import Floats

_TINY = 1e-12
"""Smallest strength that counts; also of the factor of a driver who cannot retire, which falls to 0 with time."""

_STEP = 0.2
_FIRST = -24.0
_LAST = 40.0
"""The integral is taken by the trapezoidal rule over the logarithm of the clock, which falls off at both ends at least
exponentially: between these ends (the last one in units of the slowest clock), with this step, its error is below 1e-8."""


_STEPS = 200
_CLOSE = 1e-9
_RELEVANT = 1e-8
"""Of a driver below it the integral itself is not exact enough to be met so closely."""


def win_of_finishers(strength: Floats, retirement: Floats) -> Floats:
    """Win probabilities where every driver retires on his own, and of those who finish each wins in proportion to his strength.

    Everyone has an exponential clock with his strength ``s`` as its rate, and the first of those who finish wins:
    ``(1 - r_i) * integral of s_i exp(-s_i t) * prod over the others of (r_j + (1 - r_j) exp(-s_j t)) dt``, given that
    somebody finishes. So nobody wins more often than he finishes (in a race that somebody finishes), however much faster he is.

    Args:
        strength: of the drivers of one race, shape (..., n), not negative; only ratios count.
        retirement: probability of each to retire, shape (n,), below 1.

    Returns:
        win probabilities of the shape of ``strength``; they sum to 1 over the drivers.
    """
    rate = np.maximum(strength / strength.max(axis=-1, keepdims=True), _TINY)
    log_t = np.arange(_FIRST, np.log(_LAST / rate.min()), _STEP)
    passed = np.exp(log_t)[:, None] * rate[..., None, :]
    home = (1.0 - retirement) * np.exp(-passed)
    log_open = np.log(np.maximum(retirement + home, _TINY))
    others = np.exp(log_open.sum(axis=-1, keepdims=True) - log_open)
    won = (home * passed * others).sum(axis=-2)
    return np.asarray(won / won.sum(axis=-1, keepdims=True), dtype=np.float64)


def strength_of_finishers(win: Floats, retirement: Floats) -> Floats:
    """The strengths, sum 1, that ``win_of_finishers`` makes these win probabilities of: what a stored forecast was drawn with.

    Each strength is multiplied by what its win probability is short of, until all are right to nine digits, at most 200 times. The
    fields of 2014-26 took 5 to 23 steps of .2 ms.

    Args:
        win: probabilities of the drivers, shape (n,), sum 1; of nobody more than he finishes.
        retirement: as for ``win_of_finishers``.
    """
    wanted = np.maximum(win, _TINY)
    strength = wanted / wanted.sum()
    for _ in range(_STEPS):
        short = wanted / np.maximum(win_of_finishers(strength, retirement), _TINY)
        strength = strength * short / (strength * short).sum()
        if np.abs(short[wanted > _RELEVANT] - 1.0).max() < _CLOSE:
            break
    return np.asarray(strength, dtype=np.float64)


def carried(bound: Floats, win: Floats, retirement: Floats) -> Floats:
    """What becomes of a bound of each driver's win probability, the others keeping their ratios.

    Args:
        bound: lower or upper bounds of ``win``, shape (n,), each inside (0, 1).
        win: probabilities without regard to retirements, shape (n,), sum 1.
        retirement: as for ``win_of_finishers``.
    """
    others = win[None, :] * ((1.0 - bound) / np.maximum(1.0 - win, _TINY))[:, None]
    np.fill_diagonal(others, bound)
    return np.diagonal(win_of_finishers(others, retirement)).copy()
