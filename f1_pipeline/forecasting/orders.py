"""One distribution over finishing orders; every published number of a forecast is a view of it.

So no two numbers can contradict each other: podium is at least win, positions sum to 1 by driver and by
place, the podium probabilities of a race sum to 3.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from f1_pipeline.forecasting.grouping import Floats

LOWER_PLACE_EXPONENTS = (0.7, 0.65)
"""Powers of the strengths for the second place and for all below (discounted Harville): the favourite that
does not win is less sure of second than a Plackett-Luce model says. The values of the study that this
product stands on; not fitted here."""


@dataclass(frozen=True)
class OrderDistribution:
    """Weighted finishing orders of one race.

    ``positions``: draws by drivers, place 1..n of each driver in each draw. ``weights``: one per draw, sum 1.
    """

    positions: NDArray[np.int64]
    weights: Floats

    def top(self, places: int) -> Floats:
        """Probability of each driver to be among the first ``places``; sums to ``min(places, n)``."""
        return self.weights @ (self.positions <= places)

    def win(self) -> Floats:
        """Win probability of each driver."""
        return self.top(1)

    def expected_position(self) -> Floats:
        """Mean place of each driver; sums to n(n+1)/2."""
        return self.weights @ self.positions

    def position_matrix(self) -> Floats:
        """Drivers by places: probability of each place; rows and columns sum to 1."""
        drivers = self.positions.shape[1]
        matrix = np.zeros((drivers, drivers))
        for driver in range(drivers):
            matrix[driver] = np.bincount(
                self.positions[:, driver] - 1, weights=self.weights, minlength=drivers
            )
        return matrix

    def head_to_head(self, first: int, second: int) -> float:
        """Probability that ``first`` is ahead of ``second`` (indices of drivers)."""
        return float(self.weights @ (self.positions[:, first] < self.positions[:, second]))


def draw_orders(win: Floats, draws: int, seed: int) -> OrderDistribution:
    """Draw finishing orders whose win probabilities are exactly ``win``.

    The winner is stratified: each driver gets draws in proportion to his probability (at least one), weighted
    so that the sum is exact. Below the winner, places are filled in turn in proportion to powers of the
    win probabilities (``LOWER_PLACE_EXPONENTS``), by the exponential-clock form of Plackett-Luce.

    Args:
        win: probabilities of the drivers, shape (n,), sum 1.
        draws: number of orders, at least n.
        seed: the same seed gives the same orders.
    """
    win = np.asarray(win, dtype=np.float64)
    drivers = len(win)
    counts = np.maximum(1, np.floor(win * draws).astype(np.int64))
    winner = np.repeat(np.arange(drivers), counts)
    weights = (win / counts)[winner]
    weights /= weights.sum()
    rng = np.random.default_rng(seed)
    log_win = np.log(np.maximum(win, 1e-12))
    rows = np.arange(len(winner))
    keys = rng.standard_exponential((len(winner), drivers))
    second_exponent, lower_exponent = LOWER_PLACE_EXPONENTS
    clocks = keys / np.exp(second_exponent * log_win)
    clocks[rows, winner] = np.inf
    second = clocks.argmin(axis=1) if drivers > 1 else winner
    clocks = rng.standard_exponential((len(winner), drivers)) / np.exp(lower_exponent * log_win)
    clocks[rows, second] = -1.0
    clocks[rows, winner] = -2.0
    order = clocks.argsort(axis=1)
    positions = np.empty_like(order)
    np.put_along_axis(positions, order, np.arange(1, drivers + 1)[None, :], axis=1)
    return OrderDistribution(positions.astype(np.int64), weights)
