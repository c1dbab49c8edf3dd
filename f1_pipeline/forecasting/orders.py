"""One distribution over finishing orders; every published number of a forecast is a view of it.

So no two numbers can contradict each other: podium is at least win, positions sum to 1 by driver and by
place, the podium probabilities of a race sum to 3.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from f1_pipeline.forecasting.finishers import strength_of_finishers
from f1_pipeline.forecasting.grouping import Floats


@dataclass(frozen=True)
class Drawing:
    """How finishing orders are drawn from win probabilities.

    ``second``, ``lower``: powers of the win probabilities for the second place and for all below (discounted Harville: a
    favourite who does not win is less sure of second than proportional strengths would say). ``trouble``: share
    of the cars that lose their race without ending it (a puncture, a spin, a broken wing, a penalty), and ``delay``, what is
    then taken off their log strength. ``places``: share of the strengths for the place ``places_from`` and below that comes
    from a regression on the whole order, times ``slope``. ``even``: chances are spread evenly over the draws. ``finishers``: the
    win probabilities know who may retire, and behind the winner it is the strengths of who finishes that count: with the win
    probabilities in their place, a car's retirements would count twice.
    """

    second: float
    lower: float
    trouble: float = 0.0
    delay: float = 0.0
    places: float = 0.0
    places_from: int = 3
    slope: float = 1.0
    even: bool = False
    finishers: bool = False


DRAWINGS = {
    1: Drawing(second=0.9, lower=0.85),
    2: Drawing(1.0, 0.95, trouble=0.15, delay=3.0, places=0.3, places_from=4, slope=1.2, even=True),
    3: Drawing(1.0, 0.95, trouble=0.15, delay=4.0, places=0.3, places_from=4, slope=1.2, even=True),
    4: Drawing(1.0, 1.0, trouble=0.15, delay=4.0, places=0.3, places_from=3, slope=1.2, even=True),
    5: Drawing(
        1.0, 1.0, trouble=0.15, delay=4.0, places=0.3, places_from=3, slope=1.2, even=True, finishers=True
    ),
}
"""Every way that stored forecasts were drawn in; a forecast names its own, so that its orders can be drawn again.

1: exponents of .7 to 1 were compared on 2014-21. It stated podium and points of favourites too high: above 80 %, .87 came
true .78 times of a podium before the weekend. 2: what exponents below 1 stood for is mostly cars that ran into trouble.
Shares of .06 to .2, delays of 1.5 to 4 and exponents of .7 to 1.1 were compared on 2014-21; log loss of the podium and of
points .002 to .004 lower at both horizons, and the places behind by up to .002 of a rank correlation closer. 3: since the
rating reads practice, a delay of 4 is better than 3: on 2014-21 podium .0005 and .0008 lower, points .0009 and .0000; 5 and
6 make points worse, and so do more cars in trouble. 4: nothing is left of the exponents, and the regression has its say from the
third place on. On 2010-21 that is the same for the podium and .0003 to .0007 better for points, with one step
less. 5: the same for win probabilities of cars that may retire; on 2014-21 podium and points stay within .0005."""

DRAWING = 4
"""The drawing of new forecasts by models that ask who wins, and no more."""

DRAWING_OF_FINISHERS = 5
"""The drawing of new forecasts by the pool, whose winner has to finish."""

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
    win: Floats,
    draws: int,
    seed: int,
    retirement: Floats | None = None,
    places: Floats | None = None,
    drawing: int = DRAWING,
) -> OrderDistribution:
    """Draw finishing orders whose win probabilities are exactly ``win``.

    The winner is stratified: each driver gets draws in proportion to his probability (at least one), weighted
    so that the sum is exact. Of the others each retires or not, such that over all draws he retires with his
    probability, and in the same way runs into trouble or not; who is left fills the places in turn in proportion to his strength
    (``Drawing``), by the exponential-clock form of Plackett-Luce. Who retires comes behind, in any order.

    Args:
        win: probabilities of the drivers, shape (n,), sum 1.
        draws: number of orders, at least n.
        seed: the same seed gives the same orders.
        retirement: probabilities of the drivers to retire, shape (n,); nobody retires when left out.
        places: log strengths for the places that are not the winner's or the second's (``Drawing.places_from``), shape (n,);
            those of ``win`` alone when left out.
        drawing: the way to draw, one of ``DRAWINGS``.
    """
    how = DRAWINGS[drawing]
    win = np.asarray(win, dtype=np.float64)
    drivers = len(win)
    counts = np.maximum(1, np.floor(win * draws).astype(np.int64))
    winner = np.repeat(np.arange(drivers), counts)
    weights = (win / counts)[winner]
    weights /= weights.sum()
    chance = _Chance(np.random.default_rng(seed), (len(winner), drivers), how.even)
    rows = np.arange(len(winner))
    retired = chance.uniform() < _among_losers(win, retirement)
    retired[rows, winner] = False
    if how.finishers and retirement is not None:
        strength = np.log(strength_of_finishers(win, retirement))
    else:
        strength = np.log(np.maximum(win, 1e-12))
    late: Floats | float = 0.0
    if how.trouble:
        troubled = chance.uniform() < _among_losers(win, np.full(drivers, how.trouble))
        late = np.where(troubled, how.delay, 0.0)
    running = ~retired
    running[rows, winner] = False

    def next_home(clocks: Floats) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Who of those who run comes next, and in which draws somebody is left."""
        first = np.where(running, clocks, np.inf).argmin(axis=1)
        found = rows[running[rows, first]]
        running[found, first[found]] = False
        return found, first[found]

    ahead = [next_home(chance.clocks(how.second * strength - late))]
    behind = how.lower * strength
    if places is not None and how.places:
        if how.places_from == 4:
            ahead.append(next_home(chance.clocks(behind - late)))
        behind = (1 - how.places) * behind + how.places * how.slope * places
    clocks = chance.clocks(behind - late)
    clocks = np.where(retired, _BEHIND * (1.0 + chance.random()), clocks)
    for place, (found, who) in enumerate(ahead):
        clocks[found, who] = place - len(ahead)
    clocks[rows, winner] = -len(ahead) - 1.0
    order = clocks.argsort(axis=1)
    positions = np.empty_like(order)
    np.put_along_axis(positions, order, np.arange(1, drivers + 1)[None, :], axis=1)
    return OrderDistribution(positions.astype(np.int64), retired, weights)


class _Chance:
    """Random numbers, draws by drivers.

    ``even``: those of a driver are spread evenly over the draws (a Latin hypercube). Mean places of 2,000 draws are
    then as close to their limit as those of 10,000: rank correlations are .001 higher for it.
    """

    def __init__(self, rng: np.random.Generator, shape: tuple[int, int], even: bool):
        self.rng, self.shape, self.even = rng, shape, even

    def random(self) -> Floats:
        """Independent and uniform in [0, 1)."""
        return self.rng.random(self.shape)

    def uniform(self) -> Floats:
        """Uniform in [0, 1), even where that is asked for."""
        if not self.even:
            return self.random()
        draws = self.shape[0]
        return self.rng.permuted((np.arange(draws)[:, None] + self.random()) / draws, axis=0)

    def clocks(self, strength: Floats) -> Floats:
        """Exponential times at rates ``exp(strength)``: the smallest comes first, in proportion to the rates."""
        waits = -np.log1p(-self.uniform()) if self.even else self.rng.standard_exponential(self.shape)
        return np.asarray(waits / np.exp(strength), dtype=np.float64)


_BEHIND = 1e15
"""A time later than every clock, as strengths are at least 1e-12. Who retires waits for this time and a share of it:
added to so large a number, a share of 1 is one of eight values, and ties went to who comes first in the alphabet."""


def _among_losers(win: Floats, retirement: Floats | None) -> Floats:
    """Probability of what never happens to a winner (to retire, trouble), given that somebody else wins."""
    if retirement is None:
        return np.zeros(len(win))
    return np.minimum(retirement / np.maximum(1.0 - win, 1e-9), _MOST_CERTAIN)
