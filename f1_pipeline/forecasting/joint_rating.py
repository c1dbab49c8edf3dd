"""The joint rating: pace of the team and skill of the driver as one linear Gaussian state, filtered race by race.

An event says ``y = intercept + team + driver + noise`` (``pace``). The filter keeps the joint distribution of all teams
and drivers that raced lately, so it knows that a driver was only compared with his team-mate, and how sure it is.
Noise is robust (Huber): a spoilt lap or a long stop counts, but not with its square. Between races teams and drivers
drift; at a new season a team is pulled towards the mean, further when the regulations change.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import pairwise

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from f1_pipeline.domain.lineage import FORGOTTEN_SEASONS, REGULATION_YEARS, lineage
from f1_pipeline.forecasting.grouping import Floats
from f1_pipeline.forecasting.pace import RaceScale, qualifying_pace, race_pace

Ints = NDArray[np.int64]

_INTERCEPT_VARIANCE = 1e4
"""Variance of the intercept of an event: so wide that only differences within the event are learnt from."""


@dataclass(frozen=True)
class JointConfig:
    """Parameters, in per cent of a lap (standard deviations) and as factors.

    Fitted on races of 2000 to 2021, with a half-life of eight seasons, by ``benchmarks/fit_rating.py``: the likelihood
    of the first three places under a softmax of the rating, before the weekend and after qualifying. The same fit on
    seasons to 2009 was used before; in the years after, the order of the teams lasts longer than it did then, and its
    pool before the weekend was .013 nats worse on 2014-21 and .011 on 2022-26, which the fit has not seen. The values for years
    of new regulations are set by hand, as there are three such years: the study's factor (.47), one and a half times
    the spread of that earlier fit (.46), and .5 for drivers, who take to a
    new kind of car differently (2014, the one such year to choose on: .008 better than .25 on 2014-21 before the weekend, .007 before the race).
    """

    noise_qualifying: float = 0.93
    noise_race: float = 0.6
    noise_sprint: float = 0.6
    huber: float = 1.06
    team_drift: float = 0.067
    driver_drift: float = 0.022
    team_start_mean: float = -0.39
    team_start: float = 0.7
    driver_start_mean: float = -0.045
    driver_start: float = 1.74
    season_keep: float = 0.58
    season_spread: float = 0.34
    regulation_keep: float = 0.47
    regulation_spread: float = 0.69
    regulation_driver_spread: float = 0.5
    scale: RaceScale = field(default_factory=RaceScale)

    def noise(self, session: str) -> float:
        """Standard deviation of an observation of a session."""
        return {"Q": self.noise_qualifying, "SQ": self.noise_qualifying, "S": self.noise_sprint}.get(
            session, self.noise_race
        )


_SESSION_ORDER = {"SQ": 0, "S": 1, "Q": 2, "R": 3}
_SESSION_ORDER_2021 = {"SQ": 0, "Q": 0, "S": 1, "R": 2}
"""In 2021 and 2022 qualifying gave the grid of the sprint, and the sprint that of the race."""
_SESSION_ORDER_2023 = {"Q": 0, "SQ": 1, "S": 2, "R": 3}
"""In 2023 qualifying was on Friday, and Saturday had a qualifying of its own for the sprint (Azerbaijan: Friday 13:00,
Saturday 09:30 and 13:30 UTC). Since 2024 the sprint comes first with all that is its own."""


def session_order(season: int, session: str) -> int:
    """Place of a session in its weekend."""
    if season in (2021, 2022):
        return _SESSION_ORDER_2021[session]
    return (_SESSION_ORDER_2023 if season == 2023 else _SESSION_ORDER)[session]


def sets_sprint_grid(weekend: Weekend, session: str) -> bool:
    """Whether a session gave the grid of the sprint."""
    if weekend.season in (2021, 2022):
        return session == "Q" and any(event.session == "S" for event in weekend.events)
    return session == "SQ"


@dataclass(frozen=True)
class Event:
    """One session: entities (indices of names) of each row and its observation."""

    session: str
    drivers: Ints
    teams: Ints
    y: Floats


@dataclass(frozen=True)
class Weekend:
    """One race: its field as entities, and its sessions in order.

    ``known_from``: place in ``_HORIZONS`` of the first horizon that knows of each of the field.
    """

    race_key: str
    season: int
    entry_ids: Ints
    drivers: Ints
    teams: Ints
    known_from: Ints
    events: list[Event]

    def at(self, horizon: str) -> Weekend:
        """The weekend with the field that a horizon knows: how sure a rating is in comparison depends on who is compared."""
        known = self.known_from <= _HORIZONS.index(horizon)
        if known.all():
            return self
        return replace(
            self,
            entry_ids=self.entry_ids[known],
            drivers=self.drivers[known],
            teams=self.teams[known],
            known_from=self.known_from[known],
        )


class JointState:
    """Mean and covariance of the entities that raced lately; teams and drivers are one index space."""

    def __init__(self, config: JointConfig, is_team: NDArray[np.bool_]):
        self.config, self.is_team = config, is_team
        self.slot = np.full(len(is_team), -1, dtype=np.int64)
        self.last = np.zeros(len(is_team), dtype=np.int64)
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
        c, team = self.config, self.is_team[new]
        held = self.is_team[self.members]
        centre = self.mean[held].mean() if held.any() else 0.0
        size, count = len(self.members), len(new)
        self.slot[new] = np.arange(size, size + count)
        self.members = np.append(self.members, new)
        self.mean = np.append(self.mean, np.where(team, centre + c.team_start_mean, c.driver_start_mean))
        cov = np.zeros((size + count, size + count))
        cov[:size, :size] = self.cov
        cov[range(size, size + count), range(size, size + count)] = (
            np.where(team, c.team_start, c.driver_start) ** 2
        )
        self.cov = cov

    def drift(self) -> None:
        """Between two races."""
        step = np.where(self.is_team[self.members], self.config.team_drift, self.config.driver_drift)
        self.cov[np.diag_indices_from(self.cov)] += step**2

    def new_season(self, season: int) -> None:
        """Winter: who has not raced for long leaves, teams are pulled towards their mean; under new regulations nobody's
        place is as sure as it was."""
        stay = season - self.last[self.members] <= FORGOTTEN_SEASONS
        self.slot[self.members[~stay]] = -1
        self.members, self.mean, self.cov = self.members[stay], self.mean[stay], self.cov[np.ix_(stay, stay)]
        self.slot[self.members] = np.arange(len(self.members))
        c = self.config
        new = season in REGULATION_YEARS
        share = c.regulation_keep if new else c.season_keep
        spread = c.regulation_spread if new else c.season_spread
        teams = self.is_team[self.members]
        recent = teams & (self.last[self.members] >= season - 1)
        centre = self.mean[recent].mean() if recent.any() else 0.0
        # The state is known up to a constant: the mean of the field is taken as 0 from here on.
        self.mean = np.where(teams, share * (self.mean - centre), self.mean)
        factor = np.where(teams, share, 1.0)
        self.cov = self.cov * np.outer(factor, factor)
        driver_spread = c.regulation_driver_spread if new else 0.0
        self.cov[np.diag_indices_from(self.cov)] += np.where(teams, spread, driver_spread) ** 2

    def observe(self, event: Event, season: int) -> None:
        """Take in an event."""
        d, t = self.slots(event.drivers, season), self.slots(event.teams, season)
        rows = self.cov[d] + self.cov[t]
        spread = rows[:, d] + rows[:, t]
        innovation = event.y - self.mean[d] - self.mean[t]
        noise = self.config.noise(event.session) ** 2
        # Robust weights: residuals around the event's own median, in units of their predicted spread.
        z = np.abs(innovation - np.median(innovation)) / np.sqrt(np.diag(spread) + noise)
        inflation = np.maximum(1.0, z / self.config.huber)
        total = spread + np.diag(noise * inflation) + _INTERCEPT_VARIANCE
        chol = np.linalg.cholesky(total)
        white = np.linalg.solve(chol, innovation)
        half = np.linalg.solve(chol, rows)
        self.mean = self.mean + half.T @ white
        self.cov = self.cov - half.T @ half

    def rating(self, drivers: Ints, teams: Ints, season: int) -> tuple[Floats, ...]:
        """Mean and standard deviation of team, driver and their sum; and that of the sum against the mean of the field.

        No event says anything about the level of all: it is most of a standard deviation, and cancels in a race.
        """
        d, t = self.slots(drivers, season), self.slots(teams, season)
        variance = np.diag(self.cov)
        between = self.cov[np.ix_(d, t)]
        sums = self.cov[np.ix_(d, d)] + self.cov[np.ix_(t, t)] + between + between.T
        both = np.diag(sums)
        mean = sums.mean(axis=0)
        own = both - 2 * mean + mean.mean()
        return (
            self.mean[t],
            np.sqrt(variance[t]),
            self.mean[d],
            np.sqrt(variance[d]),
            self.mean[d] + self.mean[t],
            np.sqrt(both),
            np.sqrt(np.maximum(own, 0.0)),
        )


class Championships:
    """All weekends as arrays, for one or many runs of the filter."""

    def __init__(self, races: pd.DataFrame, entries: pd.DataFrame, tables: dict[str, pd.DataFrame]):
        """``races``: ``race_key, season`` in calendar order; ``tables``: canonical frames; ``entries``: one too, known from
        the beginning of the weekend, or ``History.field``."""
        self.entries = entries.reset_index(drop=True)
        known = self.entries.get("known_from", pd.Series(_HORIZONS[0], self.entries.index))
        self._known_from = known.map(_HORIZONS.index).to_numpy(dtype=np.int64)
        results = pd.concat(
            [tables["race_results"].assign(session="R"), tables["sprint_results"].assign(session="S")]
        )
        self._results = results
        self._qualifying = qualifying_pace(tables["qualifying_results"])
        self._season = races.set_index("race_key")["season"].astype("int64").to_dict()
        self._order = {str(key): index for index, key in enumerate(races["race_key"])}
        # In the order of their names: the order of rows in a source must not reach the arithmetic.
        names = {
            name
            for frame in (self.entries, self._qualifying, results)
            for column in self._names(frame)
            for name in column
        }
        self._codes = {name: code for code, name in enumerate(sorted(names))}
        self._entry_codes = self._encode(self.entries)

    def is_team(self) -> NDArray[np.bool_]:
        """For each entity: team (else driver)."""
        return np.array([name.startswith("team:") for name in self._codes], dtype=bool)

    def weekends(self, scale: RaceScale) -> list[Weekend]:
        """Every race in calendar order, with observations on the given scale."""
        events = pd.concat([self._qualifying, race_pace(self._results, scale)], ignore_index=True)
        events = events[events["race_key"].isin(self._order.keys())]
        events = events.assign(
            # Types are stated: where no field was large enough for an event, there are no rows to take them from.
            order=events["race_key"].map(self._order).astype("int64"),
            place=np.array(
                [
                    session_order(self._season[race], session)
                    for race, session in zip(events["race_key"], events["session"], strict=True)
                ],
                dtype=np.int64,
            ),
        ).sort_values(["order", "place", "driver_id"], kind="stable")
        drivers, teams = self._encode(events)
        y = events["y"].to_numpy(dtype=np.float64)
        key = (events["order"] * 10 + events["place"]).to_numpy()
        sessions = events["session"].to_numpy()
        bounds = np.flatnonzero(np.r_[True, key[1:] != key[:-1], True]) if len(key) else key
        by_race: dict[int, list[Event]] = {}
        for start, end in pairwise(bounds.tolist()):
            event = Event(str(sessions[start]), drivers[start:end], teams[start:end], y[start:end])
            by_race.setdefault(int(key[start]) // 10, []).append(event)
        groups = self.entries.groupby("race_key").indices
        rows = {str(race): np.asarray(index, dtype=np.int64) for race, index in groups.items()}
        none = np.zeros(0, dtype=np.int64)
        return [
            Weekend(
                race,
                self._season[race],
                rows.get(race, none),
                self._entry_codes[0][rows.get(race, none)],
                self._entry_codes[1][rows.get(race, none)],
                self._known_from[rows.get(race, none)],
                by_race.get(order, []),
            )
            for race, order in self._order.items()
        ]

    def _names(self, frame: pd.DataFrame) -> tuple[list[str], list[str]]:
        """Names of driver and team of each row; rows of races outside the calendar count as season 0."""
        seasons = frame["race_key"].map(self._season).fillna(0)
        teams = [
            f"team:{lineage(str(name), int(season))}"
            for name, season in zip(frame["constructor_id"], seasons, strict=True)
        ]
        return [f"driver:{name}" for name in frame["driver_id"]], teams

    def _encode(self, frame: pd.DataFrame) -> tuple[Ints, Ints]:
        drivers, teams = self._names(frame)
        codes = self._codes
        return (
            np.array([codes[name] for name in drivers], dtype=np.int64),
            np.array([codes[name] for name in teams], dtype=np.int64),
        )


_HORIZONS = ("pre_weekend", "pre_sprint", "pre_race")
"""In the order in which a weekend comes to them."""

COLUMNS = ("team_mean", "team_sd", "driver_mean", "driver_sd", "mean", "sd", "own_sd")


def joint_ratings(championships: Championships, config: JointConfig) -> pd.DataFrame:
    """Rating of the field before the weekend and before the race.

    Returns:
        ``race_key, horizon, driver_id, constructor_id, team_mean, team_sd, driver_mean, driver_sd, mean, sd, own_sd`` in per
        cent of a lap, higher is faster: ``pre_weekend`` for every entry; ``pre_sprint`` and ``pre_race``, after the
        sessions before sprint and race, where there were any (or the grid has names that are not entered).
    """
    states = list(run_filter(championships, config))
    entry = np.concatenate([weekend.entry_ids for weekend, _, _ in states])
    who = championships.entries.loc[entry, ["race_key", "driver_id", "constructor_id"]].reset_index(drop=True)
    horizons = [horizon for weekend, horizon, _ in states for _ in weekend.entry_ids]
    # Column by column: a frame for each of 2,300 states takes longer than the filter.
    values = zip(*(rating for _, _, rating in states), strict=True)
    columns = {name: np.concatenate(parts) for name, parts in zip(COLUMNS, values, strict=True)}
    return who.assign(horizon=horizons, **columns)


def run_filter(
    championships: Championships, config: JointConfig
) -> Iterator[tuple[Weekend, str, tuple[Floats, ...]]]:
    """Go through all weekends; ratings of the entries at each horizon, as they stood then."""
    weekends = championships.weekends(config.scale)
    state, season = JointState(config, championships.is_team()), 0
    for weekend in weekends:
        if weekend.season != season:
            if season:
                state.new_season(weekend.season)
            season = weekend.season
        state.drift()
        entered, at_sprint, at_race = (weekend.at(horizon) for horizon in _HORIZONS)
        if len(entered.entry_ids):
            yield entered, "pre_weekend", state.rating(entered.drivers, entered.teams, season)
        before = [event for event in weekend.events if event.session != "R"]
        for event in before:
            state.observe(event, season)
            if len(at_sprint.entry_ids) and sets_sprint_grid(weekend, event.session):
                yield at_sprint, "pre_sprint", state.rating(at_sprint.drivers, at_sprint.teams, season)
        if len(at_race.entry_ids) and (before or len(at_race.entry_ids) > len(entered.entry_ids)):
            yield at_race, "pre_race", state.rating(at_race.drivers, at_race.teams, season)
        for event in weekend.events[len(before) :]:
            state.observe(event, season)
