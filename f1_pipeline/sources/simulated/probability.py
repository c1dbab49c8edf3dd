"""The law of a race, and the true win probabilities that follow from it.

Qualifying: Plackett-Luce on sharpened strengths. Grid: qualifying order, penalties, pit-lane starts.
Race: every driver retires independently with a known hazard; the others finish in Plackett-Luce
order of ``strength - GRID_EFFECT * ln(place on the grid)``. A race that all retire from is run again.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from f1_pipeline.sources.simulated.world import FloatArray

IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

QUALIFYING_SHARPNESS = 1.2
"""Strengths count for more over one lap than over a race: there is less that can happen."""

GRID_EFFECT = 1.1
"""Log-strength lost per unit of ln(place on the grid): the tenth starts 2.5 behind pole."""

SPRINT_HAZARD_SHARE = 0.3
"""A sprint is a third of the distance of a race, and so is the risk not to finish it."""

# About one entry in twenty-five has a grid penalty, one in a hundred starts from the pit lane; places
# and their shares are roughly those of real grids since 2023.
_PENALTY_PROBABILITY = 0.04
_PENALTY_PLACES = np.array([3, 5, 10])
_PENALTY_SHARES = np.array([0.5, 0.25, 0.25])
_PIT_LANE_PROBABILITY = 0.01

TRUTH_DRAWS = 8_000
"""Draws of qualifying and grid behind a pre-weekend truth; the standard error is 0.003, never above 0.006."""

# Trapezoid over the logarithm of the race clock. The integrand is analytic and falls off at both ends
# at least exponentially, so a step of 0.2 and these ends leave an error below 1e-9 (tested against
# the sum over all sets of finishers).
_LOG_STEP = 0.2
_LOG_START = -24.0
_LAST_CLOCK = 40.0


def draw_order(log_weight: FloatArray, rng: np.random.Generator) -> tuple[IntArray, FloatArray]:
    """Draw a Plackett-Luce order from log-weights, shape (n,).

    Returns the indices from first to last, and the log-clock of each (lower is faster): the order is
    that of independent exponential clocks with these rates.
    """
    clock = np.log(rng.standard_exponential(log_weight.shape)) - log_weight
    return np.argsort(clock, kind="stable"), clock


def draw_penalties(shape: tuple[int, ...], rng: np.random.Generator) -> tuple[IntArray, BoolArray]:
    """Grid penalty in places (0 = none) and pit-lane start, per entry, of the given shape."""
    uniform = rng.random(shape)
    edges = np.cumsum(_PENALTY_PROBABILITY * _PENALTY_SHARES)
    places = np.append(_PENALTY_PLACES, 0)[np.searchsorted(edges, uniform, side="right")]
    pit_lane = uniform > 1 - _PIT_LANE_PROBABILITY
    return places.astype(np.int64), pit_lane


def starting_places(qualified: IntArray, penalty: IntArray, pit_lane: BoolArray) -> IntArray:
    """Place on the grid, from 1, by qualifying position: all shapes (..., n).

    A penalised entry goes back so many places, behind who is there by right; starters from the pit
    lane come after everybody, in qualifying order.
    """
    n = qualified.shape[-1]
    key = qualified + penalty + np.where(penalty > 0, 0.5, 0.0) + qualified / (10.0 * n)
    key = np.where(pit_lane, 2.0 * n + 10 + qualified, key)
    return ranks(key)


def ranks(key: npt.NDArray[np.floating]) -> IntArray:
    """Ranks from 1 along the last axis, lowest first; keys must differ."""
    order = np.argsort(key, axis=-1)
    places = np.empty(order.shape, dtype=np.int64)
    np.put_along_axis(places, order, np.broadcast_to(np.arange(1, key.shape[-1] + 1), key.shape), axis=-1)
    return places


def race_log_strength(strength: FloatArray, place: IntArray) -> FloatArray:
    """Log-strength in the race from a place on the grid (from 1; pit lane counts as its place)."""
    result: FloatArray = strength - GRID_EFFECT * np.log(place)
    return result


def pre_race_win_probability(log_strength: FloatArray, hazard: FloatArray) -> FloatArray:
    """Exact win probability given the grid, shape (n,); sums to 1.

    With exponential clocks of rates ``w``, driver ``i`` wins if it finishes and no other finisher's
    clock is earlier: ``(1-h_i) * integral of w_i exp(-w_i t) * prod_j (h_j + (1-h_j) exp(-w_j t)) dt``,
    given that somebody finishes. The integral is taken to about 1e-9.
    """
    rate = np.exp(log_strength - log_strength.max())
    log_t = np.arange(_LOG_START, np.log(_LAST_CLOCK / rate.min()), _LOG_STEP)
    product = np.exp(log_t)[:, None] * rate
    alive = (1 - hazard) * np.exp(-product)
    # The factor of a driver who is no longer alive and cannot retire is zero; its logarithm must exist.
    log_factor = np.log(np.maximum(hazard + alive, 1e-300))
    others = np.exp(log_factor.sum(axis=1, keepdims=True) - log_factor)
    mass: FloatArray = (alive * product * others).sum(axis=0) * _LOG_STEP
    result: FloatArray = mass / mass.sum()
    return result


def pre_weekend_win_probability(
    strength: FloatArray, hazard: FloatArray, rng: np.random.Generator, draws: int = TRUTH_DRAWS
) -> FloatArray:
    """Win probability before qualifying, shape (n,); sums to 1.

    Monte Carlo over qualifying, grid and who retires; given those the win probability is exact (the
    share of the finishers' weight), so the standard error is well below that of counting winners.
    """
    n = len(strength)
    clock = rng.standard_exponential((draws, n)) * np.exp(-QUALIFYING_SHARPNESS * strength)
    place = starting_places(ranks(clock), *draw_penalties((draws, n), rng))
    by_place = np.arange(1, n + 1, dtype=np.float64) ** -GRID_EFFECT
    weight = np.exp(strength - strength.max()) * by_place[place - 1] * (rng.random((draws, n)) >= hazard)
    total = weight.sum(axis=1, keepdims=True)
    finished = total[:, 0] > 0  # a race that all retire from is run again
    mean = (weight[finished] / total[finished]).mean(axis=0)
    result: FloatArray = mean / mean.sum()
    return result
