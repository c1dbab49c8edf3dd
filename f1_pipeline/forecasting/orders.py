"""One distribution over finishing orders; every published number of a forecast is a view of it.

So no two numbers can contradict each other: podium is at least win, positions sum to 1 by driver and by
place, the podium probabilities of a race sum to 3.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from f1_pipeline.forecasting.grouping import Floats

LOWER_PLACE_EXPONENTS = (0.9, 0.85)
"""Powers of the strengths for the second place and for all below (discounted Harville): the favourite that does not
win is less sure of second than a Plackett-Luce model says. With retirements drawn beside them much of that is
explained: of .7 to 1, these give the best podium and points log loss on 2014-21 at both horizons."""

_MOST_CERTAIN = 0.97
"""Highest probability of a retirement among draws that somebody else has won."""


@dataclass(frozen=True)
class OrderDistribution:
    """Weighted finishing orders of one race.

    ``positions``: draws by drivers, place 1..n of each driver in each draw; who retires is behind who finishes.
    ``retired``: the same shape, who retires. ``weights``: one per draw, sum 1.
    """

    positions: NDArray[np.int64]
    retired: NDArray[np.bool_]
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

    def retirement(self) -> Floats:
        """Probability of each driver to retire."""
        return self.weights @ self.retired

    def scores(self, places: int) -> Floats:
        """Probability of each driver to be classified among the first ``places``: who retires scores nothing, however
        few are left before him."""
        return self.weights @ ((self.positions <= places) & ~self.retired)

    def points(self, by_place: Sequence[float]) -> Floats:
        """Points of each driver in each draw, draws by drivers; ``by_place``: what the first places are worth."""
        worth = np.zeros(self.positions.shape[1] + 1)
        worth[1 : 1 + len(by_place)] = by_place[: self.positions.shape[1]]
        return np.where(self.retired, 0.0, worth[self.positions])

    def position_matrix(self) -> Floats:
        """Drivers by places: probability of each place; rows and columns sum to 1."""
        drivers = self.positions.shape[1]
        matrix = np.zeros((drivers, drivers))
        for driver in range(drivers):
            matrix[driver] = np.bincount(
                self.positions[:, driver] - 1, weights=self.weights, minlength=drivers
            )
        return matrix

    def ahead(self) -> Floats:
        """Drivers by drivers: probability that the one of the row is ahead of the one of the column; 0 on the diagonal."""
        before = self.positions[:, :, None] < self.positions[:, None, :]
        return np.asarray(np.einsum("d,dij->ij", self.weights, before), dtype=np.float64)

    def head_to_head(self, first: int, second: int) -> float:
        """Probability that ``first`` is ahead of ``second`` (indices of drivers)."""
        return float(self.weights @ (self.positions[:, first] < self.positions[:, second]))


def draw_orders(
    win: Floats, draws: int, seed: int, retirement: Floats | None = None, lower: Floats | None = None
) -> OrderDistribution:
    """Draw finishing orders whose win probabilities are exactly ``win``.

    The winner is stratified: each driver gets draws in proportion to his probability (at least one), weighted
    so that the sum is exact. Of the others each retires or not, such that over all draws he retires with his
    probability; who is left fills the places in turn in proportion to powers of the win probabilities
    (``LOWER_PLACE_EXPONENTS``), by the exponential-clock form of Plackett-Luce. Who retires comes behind, in any order.

    Args:
        win: probabilities of the drivers, shape (n,), sum 1.
        draws: number of orders, at least n.
        seed: the same seed gives the same orders.
        retirement: probabilities of the drivers to retire, shape (n,); nobody retires when left out.
        lower: logarithms of the strengths for the places behind the winner, shape (n,); those of ``win`` when left out.
    """
    win = np.asarray(win, dtype=np.float64)
    drivers = len(win)
    counts = np.maximum(1, np.floor(win * draws).astype(np.int64))
    winner = np.repeat(np.arange(drivers), counts)
    weights = (win / counts)[winner]
    weights /= weights.sum()
    rng = np.random.default_rng(seed)
    shape = (len(winner), drivers)
    rows = np.arange(len(winner))
    retired = rng.random(shape) < _among_losers(win, retirement)
    retired[rows, winner] = False
    log_strength = np.log(np.maximum(win, 1e-12)) if lower is None else lower
    second_exponent, lower_exponent = LOWER_PLACE_EXPONENTS
    clocks = rng.standard_exponential(shape) / np.exp(second_exponent * log_strength)
    clocks[retired] = np.inf
    clocks[rows, winner] = np.inf
    second = clocks.argmin(axis=1) if drivers > 1 else winner
    clocks = rng.standard_exponential(shape) / np.exp(lower_exponent * log_strength)
    clocks = np.where(retired, _BEHIND * (1.0 + rng.random(shape)), clocks)
    # Where everybody else has retired, the search for the second found one of them: he waits with the others.
    found = ~retired[rows, second]
    clocks[rows[found], second[found]] = -1.0
    clocks[rows, winner] = -2.0
    order = clocks.argsort(axis=1)
    positions = np.empty_like(order)
    np.put_along_axis(positions, order, np.arange(1, drivers + 1)[None, :], axis=1)
    return OrderDistribution(positions.astype(np.int64), retired, weights)


_BEHIND = 1e15
"""A time later than every clock, as strengths are at least 1e-12. Who retires waits for this time and a share of it:
added to so large a number, a share of 1 is one of eight values, and ties went to who comes first in the alphabet."""


def _among_losers(win: Floats, retirement: Floats | None) -> Floats:
    """Probability to retire, given that somebody else wins: the winner never retires."""
    if retirement is None:
        return np.zeros(len(win))
    return np.minimum(retirement / np.maximum(1.0 - win, 1e-9), _MOST_CERTAIN)
