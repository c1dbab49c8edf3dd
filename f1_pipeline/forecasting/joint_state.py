"""The state of the joint rating: what is known of teams and drivers at a moment, and how an event changes it.

Teams, drivers and the offsets of every team are one index space. The filter keeps their joint distribution, so it
knows that a driver was only compared with his team-mate, and how sure it is.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from f1_pipeline.domain.lineage import FORGOTTEN_SEASONS, REGULATION_YEARS
from f1_pipeline.forecasting.grouping import Floats
from f1_pipeline.forecasting.pace import RaceScale

Ints = NDArray[np.int64]

DRIVER, TEAM, IN_QUALIFYING, IN_PRACTICE, OF_WEEKEND = range(5)
"""Kinds of entities. The last three are offsets of a team: how much faster than in the race it is in qualifying, and in
practice, where some show more of their pace than others; and how much faster it is this weekend than elsewhere."""

OFFSETS = {"Q": IN_QUALIFYING, "SQ": IN_QUALIFYING, "P": IN_PRACTICE}
"""The offset that counts in a session, beside that of the weekend; race and sprint have none."""

_INTERCEPT_VARIANCE = 1e4
"""Variance of the intercept of an event: so wide that only differences within the event are learnt from."""


MOVED = 0.72
"""How far ratings move, of what the filter's standard deviations say. Against the mean of the field, and over one to eight
races of a season, squared moves on 1988-2009, the seasons of the fit, were .48 to .53 of what it expects (what it loses of its
variance, and its drift): the fit asks for quick learning, and pays for it with doubt. On 2010-26, after the fit, they were .38
to .46 (``scripts/measured.py``)."""


@dataclass(frozen=True)
class JointConfig:
    """Parameters, in per cent of a lap (standard deviations) and as factors.

    Fitted on races of 1988 to 2009, with a half-life of eight seasons, by ``benchmarks/fit_rating.py``: the likelihood of
    the first three places under a softmax of the rating, before the weekend and after qualifying. The fit begins from
    round values, so that no later season is in any of them, and all that is forecast lies after it. A pull to those values of
    .05 to .15 for a squared logarithm differs by .004 nats for the pool on 2010-21.

    Years of new regulations are set by hand, as there are three: the study's factor (.47), one and a half times the
    spread of an earlier fit (.46), and .5 for drivers, who take to a new kind of car differently (2014, the one such year
    to choose on: .008 better than .25 on 2014-21 before the weekend, .007 before the race, with earlier parameters).
    """

    noise_qualifying: float = 1.185
    noise_race: float = 0.563
    noise_sprint: float = 0.563
    noise_practice: float = 0.944
    huber: float = 1.085
    team_drift: float = 0.104
    driver_drift: float = 0.028
    team_start_mean: float = -0.507
    team_start: float = 0.711
    driver_start_mean: float = -0.1
    driver_start: float = 0.707
    season_keep: float = 0.586
    season_spread: float = 0.404
    offset_qualifying: float = 0.222
    offset_practice: float = 0.295
    offset_keep: float = 0.632
    weekend: float = 0.197
    scale: RaceScale = field(default_factory=RaceScale)

    regulation_keep: float = 0.47
    regulation_spread: float = 0.69
    regulation_driver_spread: float = 0.5

    def noise(self, session: str) -> float:
        """Standard deviation of an observation of a session."""
        return {
            "Q": self.noise_qualifying,
            "SQ": self.noise_qualifying,
            "S": self.noise_sprint,
            "P": self.noise_practice,
        }.get(session, self.noise_race)


@dataclass(frozen=True)
class Event:
    """One session: the observation of each row, and the entities (indices of names) that add up to it, one array of each kind."""

    session: str
    parts: tuple[Ints, ...]
    y: Floats


class JointState:
    """Mean and covariance of the entities that raced lately; ``kinds``: the kind of every entity there is."""

    def __init__(self, config: JointConfig, kinds: Ints):
        self.config, self.kinds = config, kinds
        self.slot = np.full(len(kinds), -1, dtype=np.int64)
        self.last = np.zeros(len(kinds), dtype=np.int64)
        self.members = np.zeros(0, dtype=np.int64)
        self.mean = np.zeros(0)
        self.cov = np.zeros((0, 0))

    def slots(self, entities: Ints, season: int) -> Ints:
        """Places of entities in the state; new ones are added with their prior."""
        new = np.unique(entities[self.slot[entities] < 0])
        if len(new):
            self._add(new)
        self.last[entities] = season
        return self.slot[entities]

    def _add(self, new: Ints) -> None:
        c, kinds = self.config, self.kinds[new]
        held = self.kinds[self.members] == TEAM
        centre = self.mean[held].mean() if held.any() else 0.0
        size, count = len(self.members), len(new)
        self.slot[new] = np.arange(size, size + count)
        self.members = np.append(self.members, new)
        means = np.array([c.driver_start_mean, centre + c.team_start_mean, 0.0, 0.0, 0.0])
        spreads = np.array([c.driver_start, c.team_start, c.offset_qualifying, c.offset_practice, c.weekend])
        self.mean = np.append(self.mean, means[kinds])
        cov = np.zeros((size + count, size + count))
        cov[:size, :size] = self.cov
        cov[range(size, size + count), range(size, size + count)] = spreads[kinds] ** 2
        self.cov = cov

    def drift(self) -> None:
        """Between two races. What a team was on the weekend before says nothing of the next."""
        over = np.flatnonzero(self.kinds[self.members] == OF_WEEKEND)
        self.mean[over] = 0.0
        self.cov[over] = 0.0
        self.cov[:, over] = 0.0
        steps = np.array([self.config.driver_drift, self.config.team_drift, 0.0, 0.0, self.config.weekend])
        self._doubt(steps)

    def new_season(self, season: int) -> None:
        """Winter: who has not raced for long leaves, teams are pulled towards their mean; under new regulations nobody's
        place is as sure as it was."""
        stay = season - self.last[self.members] <= FORGOTTEN_SEASONS
        self.slot[self.members[~stay]] = -1
        self.members, self.mean, self.cov = self.members[stay], self.mean[stay], self.cov[np.ix_(stay, stay)]
        self.slot[self.members] = np.arange(len(self.members))
        c, kinds = self.config, self.kinds[self.members]
        new = season in REGULATION_YEARS
        teams = kinds == TEAM
        recent = teams & (self.last[self.members] >= season - 1)
        # The state is known up to a constant: the mean of the field is taken as 0 from here on.
        self.mean = np.where(
            teams, self.mean - (self.mean[recent].mean() if recent.any() else 0.0), self.mean
        )
        kept = np.array([1.0, c.regulation_keep if new else c.season_keep, c.offset_keep, c.offset_keep, 1.0])
        factor = kept[kinds]
        self.mean = self.mean * factor
        self.cov = self.cov * np.outer(factor, factor)
        # An offset is as uncertain after years without a session as it was at first.
        renewed = np.sqrt(1.0 - c.offset_keep**2)
        self._doubt(
            np.array(
                [
                    c.regulation_driver_spread if new else 0.0,
                    c.regulation_spread if new else c.season_spread,
                    renewed * c.offset_qualifying,
                    renewed * c.offset_practice,
                    0.0,
                ]
            )
        )

    def _doubt(self, spreads: Floats) -> None:
        """Add variance to every entity: a standard deviation for each kind."""
        self.cov[np.diag_indices_from(self.cov)] += spreads[self.kinds[self.members]] ** 2

    def observe(self, event: Event, season: int) -> None:
        """Take in an event."""
        places = [self.slots(part, season) for part in event.parts]
        rows = sum((self.cov[place] for place in places[1:]), self.cov[places[0]])
        spread = sum((rows[:, place] for place in places[1:]), rows[:, places[0]])
        innovation = event.y - sum(self.mean[place] for place in places)
        noise = self.config.noise(event.session) ** 2
        # Robust weights: residuals around the event's own median, in units of their predicted spread.
        z = np.abs(innovation - np.median(innovation)) / np.sqrt(np.diag(spread) + noise)
        inflation = np.maximum(1.0, z / self.config.huber)
        total = spread + np.diag(noise * inflation) + _INTERCEPT_VARIANCE
        # One solution for mean and covariance.
        half = np.linalg.solve(np.linalg.cholesky(total), np.column_stack([innovation, rows]))
        change = half[:, 1:].T @ half
        self.mean = self.mean + change[:, 0]
        self.cov = self.cov - change[:, 1:]

    def rating(self, drivers: Ints, teams: Ints, weekend: Ints, season: int) -> tuple[Floats, ...]:
        """Mean and standard deviation of team, driver and their sum; and ``MOVED`` of that of the sum against the mean of the
        field.

        ``weekend``: the offset of the weekend of each row's team, which counts in the means of team and sum (0 before the
        first session). The standard deviations are of what lasts. No event says anything about the level of all: it is
        most of a standard deviation, and cancels in a race.
        """
        # All slots before any mean is read: a team that took part in no session of the weekend is added by them.
        d, t, w = (self.slots(names, season) for names in (drivers, teams, weekend))
        team = self.mean[t] + self.mean[w]
        variance = np.diag(self.cov)
        between = self.cov[np.ix_(d, t)]
        sums = self.cov[np.ix_(d, d)] + self.cov[np.ix_(t, t)] + between + between.T
        both = np.diag(sums)
        mean = sums.mean(axis=0)
        own = both - 2 * mean + mean.mean()
        return (
            team,
            np.sqrt(variance[t]),
            self.mean[d],
            np.sqrt(variance[d]),
            self.mean[d] + team,
            np.sqrt(both),
            MOVED * np.sqrt(np.maximum(own, 0.0)),
        )
