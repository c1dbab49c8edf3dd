"""The latent world: who drives where, how strong they are, how often they retire.

The log-strength of a driver in a race is skill + team pace. Skill is a driver's for life; team pace
drifts a little from race to race and a lot over the winter.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt

from f1_pipeline.sources.simulated.calendar import ROUNDS
from f1_pipeline.sources.simulated.names import TEAMS, DriverName
from f1_pipeline.sources.simulated.streams import Stream, generator

FloatArray = npt.NDArray[np.float64]
LineUp = tuple[int, ...]
"""Driver numbers by seat; seats ``2 * i`` and ``2 * i + 1`` belong to team ``i``."""

SEATS = 2 * len(TEAMS)

MAX_SEASONS = 80
"""There are names for 360 drivers: 20 to begin with, and at most four new ones a season."""

# Spread of the strengths, on the log scale of the order of a race. Set so that the strongest entry of
# a season wins more than two races in five, and a perfect forecast scores about 1.6 nats before the weekend
# and 1.4 before the race: a little harder than real races (best 1.4 and 1.2), so nothing looks easy.
SKILL_SD = 0.7
PACE_SD = 1.7
RACE_STEP_SD = 0.1
SEASON_KEPT = 0.72
"""Share of a team's pace that survives the winter: what ratings of real teams find."""
_SEASON_STEP_SD = float(np.sqrt(PACE_SD**2 - SEASON_KEPT**2 * (PACE_SD**2 + ROUNDS * RACE_STEP_SD**2)))
"""The winter step that keeps the spread of the teams the same for ever."""

# Probability of retiring: driver + team, 2-6 % and 3-12 %, about one car in nine as in real seasons.
_DRIVER_HAZARD = (0.02, 0.06)
_TEAM_HAZARD = (0.03, 0.12)

# Careers, in seasons. The longest, with at most four new drivers a season and 98 car numbers to go
# round, is short enough that no two active drivers share a number.
_CAREER = (4, 15)
_MAX_LEAVING = 3
_CAR_NUMBERS = 98
_EXCHANGE_PROBABILITY = 0.7
_MID_SEASON_PROBABILITY = 0.5
_MID_SEASON_ROUNDS = (4, 11)
"""Rounds (first and last, inclusive) from which a change of drivers in mid-season can hold."""

_COUNTRIES = ("brazil", "canada", "denmark", "finland", "france", "germany", "ireland", "italy", "japan", "kenya", "mexico",
              "netherlands", "norway", "poland", "portugal", "spain", "sweden", "united-kingdom")  # fmt: skip


@dataclass(frozen=True)
class Driver:
    """A driver for life: names, car number, birth, skill (log-strength) and own retirement hazard."""

    name: DriverName
    number: int
    date_of_birth: date
    country_id: str
    skill: float
    hazard: float


def make_driver(seed: int, number: int, name: DriverName, debut: int) -> Driver:
    """Driver ``number``; ``debut`` is the year of the first race, from which the age follows."""
    rng = generator(seed, Stream.DRIVER, number)
    founding = number < SEATS
    age = timedelta(days=int(rng.integers(19 * 365, (34 if founding else 24) * 365)))
    return Driver(
        name=name,
        number=2 + number % _CAR_NUMBERS,
        date_of_birth=date(debut, 3, 1) - age,
        country_id=_COUNTRIES[int(rng.integers(len(_COUNTRIES)))],
        skill=float(rng.normal(0, SKILL_SD)),
        hazard=float(rng.uniform(*_DRIVER_HAZARD)),
    )


def team_hazards(seed: int, index: int) -> FloatArray:
    """Retirement hazard of each team in the season with this index, shape (teams,)."""
    return generator(seed, Stream.SEASON_PACE, index, 1).uniform(*_TEAM_HAZARD, size=len(TEAMS))


def team_paces(seed: int, seasons: int) -> FloatArray:
    """Pace of each team at each race: shape (seasons, rounds, teams), log-strength."""
    paces = np.empty((seasons, ROUNDS, len(TEAMS)))
    pace = np.zeros(len(TEAMS))
    for index in range(seasons):
        winter = generator(seed, Stream.SEASON_PACE, index, 0).normal(size=len(TEAMS))
        pace = winter * PACE_SD if index == 0 else SEASON_KEPT * pace + _SEASON_STEP_SD * winter
        for place in range(ROUNDS):
            step = generator(seed, Stream.RACE_PACE, index, place + 1).normal(size=len(TEAMS))
            pace = pace + RACE_STEP_SD * step
            paces[index, place] = pace
    return paces


def line_ups(seed: int, seasons: int) -> tuple[list[list[LineUp]], dict[int, int]]:
    """Line-up of every round of every season, and the season index of each driver's first race.

    Over the winter some careers end and new drivers take the seats; sometimes two drivers exchange
    teams. In mid-season (always in the first season) either a new driver takes a seat, or two exchange.
    """
    current = list(range(SEATS))
    debut = dict.fromkeys(current, 0)
    last = {number: int(generator(seed, Stream.LINE_UP, 0, number, 1).integers(1, 12)) for number in current}
    history: list[list[LineUp]] = []

    def hire(seat: int, index: int) -> None:
        number = len(debut)
        debut[number] = index
        career = generator(seed, Stream.LINE_UP, index, number, 1).integers(*_CAREER, endpoint=True)
        last[number] = index + int(career) - 1
        current[seat] = number

    for index in range(seasons):
        rng = generator(seed, Stream.LINE_UP, index)
        if index > 0:
            over = [seat for seat, number in enumerate(current) if last[number] < index]
            for seat in over[:_MAX_LEAVING]:
                hire(seat, index)
            if rng.random() < _EXCHANGE_PROBABILITY:
                _exchange(current, rng)
        rounds = [tuple(current)]
        change = index == 0 or rng.random() < _MID_SEASON_PROBABILITY
        first = int(rng.integers(*_MID_SEASON_ROUNDS, endpoint=True))
        for number in range(2, ROUNDS + 1):
            if change and number == first:
                if rng.random() < 0.5:
                    hire(int(rng.integers(SEATS)), index)
                else:
                    _exchange(current, rng)
            rounds.append(tuple(current))
        history.append(rounds)
    return history, debut


def _exchange(line_up: list[int], rng: np.random.Generator) -> None:
    """Let two drivers of different teams change places, in place."""
    first, second = rng.choice(len(TEAMS), 2, replace=False).tolist()
    a, b = 2 * first + int(rng.integers(2)), 2 * second + int(rng.integers(2))
    line_up[a], line_up[b] = line_up[b], line_up[a]
