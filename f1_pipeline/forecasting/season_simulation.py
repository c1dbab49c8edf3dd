"""The rest of a season, drawn many times: strengths, retirements, finishing orders and points of every race to come.

A draw begins with strengths from the posterior of the joint rating, lets them walk from race to race, and draws each
finishing order by Plackett-Luce (as the highest of score plus Gumbel noise). A weekend has noise of its own for each
team: a car suits a circuit or does not, and both its drivers feel it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from f1_pipeline.forecasting.grouping import Floats
from f1_pipeline.forecasting.sprint import RETIREMENT as SPRINT_RETIREMENT

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class SimulationConfig:
    """Parameters in per cent of a lap (standard deviations), per cent to log strength (``slope``), and as factors.

    ``team_doubt`` and ``driver_doubt`` narrow the posterior of the rating: its standard deviations hold what all have in
    common, which no order depends on. One factor for both (.3) gave drivers too much of it and teams too little: with bands of
    final points about as wide, the log loss of the champion of 2010-21 was .515 to .519 with it and .497 with the two. They,
    ``slope`` and ``driver_drift`` were chosen by ``benchmarks/championship.py`` on 2010 to 2021, with 2022-25 beside them; 1990
    to 2009 hardly tells them apart. A slope of 14 or a ``weekend`` of .27 is as good within .004.
    ``lower_places`` and ``team_drift`` lie within what the Plackett-Luce likelihood of the orders 0 to 14 races after a
    rating of 1990 to 2009 gave, fitted three to eight places deep (.53 to 1.28, .02 to .12). Twice the ``team_drift`` was .010
    worse for the champion of the drivers (slope 7), and better for that of the teams after 2021.
    """

    slope: float = 11.0
    lower_places: float = 0.7
    team_doubt: float = 0.4
    driver_doubt: float = 0.1
    team_drift: float = 0.05
    driver_drift: float = 0.01
    weekend: float = 0.2
    sprint_retirement: float = SPRINT_RETIREMENT


@dataclass(frozen=True)
class LineUp:
    """Who races to the end of the season, and what is believed about their strength before the next race.

    ``drivers`` and ``constructors``: names; ``team``: constructor of each driver (index). Means and standard deviations
    of the joint rating before the weekend, in per cent of a lap: by constructor and by driver.
    """

    drivers: tuple[str, ...]
    constructors: tuple[str, ...]
    team: Ints
    team_mean: Floats
    team_sd: Floats
    driver_mean: Floats
    driver_sd: Floats


@dataclass(frozen=True)
class RaceToCome:
    """What a coming race is worth: points by place of the race and of its sprint (empty: none), fastest lap."""

    race_key: str
    points: tuple[float, ...]
    sprint_points: tuple[float, ...] = ()
    fastest_lap_point: float = 0.0


@dataclass(frozen=True)
class RaceDraws:
    """One simulated race, draws by drivers: places (0: not classified), and points with those of the sprint."""

    race_key: str
    positions: Ints
    points: Floats


FASTEST_LAP_BY_PLACE = (0.35, 0.20, 0.10, 0.085, 0.045, 0.035, 0.035, 0.01, 0.02, 0.005)
"""How often the driver at each place had the fastest lap, 1990 to 2013 (413 races); in .12 it was somebody behind the
first ten or out of the race, who would not have had a point for it. (2019 to 2024: .29, .18, .09, .09, .06 ...)"""


def simulate_races(
    line_up: LineUp,
    races: Sequence[RaceToCome],
    retirement: Floats,
    config: SimulationConfig,
    draws: int,
    seed: int,
) -> Iterator[RaceDraws]:
    """Draw the coming races in turn; the same draw is the same season throughout.

    Args:
        line_up: who races, and the belief before the first of ``races``.
        races: in calendar order.
        retirement: probability of each driver not to be classified in a race, in the order of ``line_up.drivers``.
        draws: number of seasons.
        seed: the same seed gives the same seasons.

    Raises:
        ValueError: a probability of retirement is missing, or outside 0 to 1.
    """
    retirement = np.asarray(retirement, dtype=np.float64)
    if retirement.shape != (len(line_up.drivers),) or not ((retirement >= 0) & (retirement <= 1)).all():
        raise ValueError("one probability of retirement in [0, 1] is needed for each driver of the line-up")
    rng = np.random.default_rng(seed)
    shape = (draws, len(line_up.constructors)), (draws, len(line_up.drivers))
    team = line_up.team_mean + config.team_doubt * line_up.team_sd * rng.standard_normal(shape[0])
    driver = line_up.driver_mean + config.driver_doubt * line_up.driver_sd * rng.standard_normal(shape[1])
    for number, race in enumerate(races):
        if number:
            team += config.team_drift * rng.standard_normal(team.shape)
            driver += config.driver_drift * rng.standard_normal(driver.shape)
        form = team + config.weekend * rng.standard_normal(team.shape)
        score = config.slope * (form[:, line_up.team] + driver)
        points = np.zeros(score.shape)
        if race.sprint_points:
            places = _order(score, retirement * config.sprint_retirement, config, rng)
            points += _values(race.sprint_points, score.shape[1])[places]
        places = _order(score, retirement, config, rng)
        points += _values(race.points, score.shape[1])[places]
        if race.fastest_lap_point:
            limits = np.cumsum(FASTEST_LAP_BY_PLACE)
            holder = np.searchsorted(limits, rng.random(draws), side="right") + 1
            points += race.fastest_lap_point * (
                places == np.where(holder <= len(limits), holder, -1)[:, None]
            )
        yield RaceDraws(race.race_key, places, points)


def _order(score: Floats, out: Floats, config: SimulationConfig, rng: np.random.Generator) -> Ints:
    """Places 1..n of who is classified, 0 for the others; one finishing order per draw."""
    draws, drivers = score.shape
    retired = rng.random(score.shape) < out
    # The generator may give an exact zero, once in some billions.
    noise = -np.log(np.maximum(rng.standard_exponential((2, draws, drivers)), 1e-300))
    first = np.where(retired, -np.inf, score + noise[0]).argmax(axis=1)
    clock = config.lower_places * score + noise[1]
    clock[np.arange(draws), first] = np.inf
    clock[retired] = -np.inf
    order = (-clock).argsort(axis=1)
    places = np.empty_like(order)
    np.put_along_axis(places, order, np.arange(1, drivers + 1)[None, :], axis=1)
    places[retired] = 0
    return np.asarray(places, dtype=np.int64)


def _values(points: tuple[float, ...], drivers: int) -> Floats:
    """Points by place as an array to index with places; place 0 brings nothing."""
    values = np.zeros(max(drivers, len(points)) + 1)
    values[1 : len(points) + 1] = points
    return values
