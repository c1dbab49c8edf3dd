"""The joint rating: pace of the team and skill of the driver as one linear Gaussian state, filtered race by race.

An event says ``y = intercept + team + driver + offsets + noise`` (``pace``, ``joint_state``). Noise is robust (Huber): a
spoilt lap or a long stop counts, but not with its square. Between races teams and drivers drift; at a new season a team
is pulled towards the mean, further when the regulations change. Offsets are what a team does better in qualifying, or
shows less of in practice, than in a race, and what it is this weekend more than elsewhere: pace of the race is what is
rated, and of the weekend once a session has told something of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from f1_pipeline.domain.lineage import lineage
from f1_pipeline.forecasting.grouping import Floats
from f1_pipeline.forecasting.joint_state import (
    DRIVER,
    IN_PRACTICE,
    IN_QUALIFYING,
    OF_WEEKEND,
    OFFSETS,
    TEAM,
    Event,
    Ints,
    JointConfig,
    JointState,
)
from f1_pipeline.forecasting.pace import RaceScale, practice_pace, qualifying_pace, race_pace

_SESSION_ORDER = {"P": 0, "SQ": 1, "S": 2, "Q": 3, "R": 4}
_SESSION_ORDER_2021 = {"P": 0, "SQ": 1, "Q": 1, "S": 2, "R": 3}
"""In 2021 and 2022 qualifying gave the grid of the sprint, and the sprint that of the race."""
_SESSION_ORDER_2023 = {"P": 0, "Q": 1, "SQ": 2, "S": 3, "R": 4}
"""In 2023 qualifying was on Friday, and Saturday had a qualifying of its own for the sprint (Azerbaijan: Friday 13:00,
Saturday 09:30 and 13:30 UTC). Since 2024 the sprint comes first with all that is its own."""


def session_order(season: int, session: str) -> int:
    """Place of a session in its weekend; all free practice is one event, before everything else."""
    if season in (2021, 2022):
        return _SESSION_ORDER_2021[session]
    return (_SESSION_ORDER_2023 if season == 2023 else _SESSION_ORDER)[session]


def sets_sprint_grid(weekend: Weekend, session: str) -> bool:
    """Whether a session gave the grid of the sprint."""
    if weekend.season in (2021, 2022):
        return session == "Q" and any(event.session == "S" for event in weekend.events)
    return session == "SQ"


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
        self._before = pd.concat(
            [
                practice_pace(_before_qualifying(tables["practice_results"], races)),
                qualifying_pace(tables["qualifying_results"]),
            ],
            ignore_index=True,
        )
        self._season = races.set_index("race_key")["season"].astype("int64").to_dict()
        self._order = {str(key): index for index, key in enumerate(races["race_key"])}
        # In the order of their names: the order of rows in a source must not reach the arithmetic.
        names = {
            name
            for frame in (self.entries, self._before, results)
            for column in self._names(frame)
            for name in column
        }
        names |= {_offset(kind, name) for name in names if name.startswith("team:") for kind in _OFFSET_KINDS}
        self._codes = {name: code for code, name in enumerate(sorted(names))}
        self._offsets = {kind: self._offsets_of_teams(kind) for kind in _OFFSET_KINDS}
        self._entry_codes = self._encode(self.entries)

    def kinds(self) -> Ints:
        """The kind of each entity (``joint_state``)."""
        return np.array([_KINDS[name.partition(":")[0]] for name in self._codes], dtype=np.int64)

    def offset(self, kind: int, teams: Ints) -> Ints:
        """The offset of a kind of each team."""
        return self._offsets[kind][teams]

    def _offsets_of_teams(self, kind: int) -> Ints:
        """The offset of each team, by its index; -1 for what is no team."""
        offsets = np.full(len(self._codes), -1, dtype=np.int64)
        for name, code in self._codes.items():
            if name.startswith("team:"):
                offsets[code] = self._codes[_offset(kind, name)]
        return offsets

    def weekends(self, scale: RaceScale) -> list[Weekend]:
        """Every race in calendar order, with observations on the given scale."""
        events = pd.concat([self._before, race_pace(self._results, scale)], ignore_index=True)
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
            session, at = str(sessions[start]), teams[start:end]
            of_session = [self.offset(OFFSETS[session], at)] if session in OFFSETS else []
            parts = (drivers[start:end], at, self.offset(OF_WEEKEND, at), *of_session)
            by_race.setdefault(int(key[start]) // 10, []).append(Event(session, parts, y[start:end]))
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


def _before_qualifying(practice: pd.DataFrame, races: pd.DataFrame) -> pd.DataFrame:
    """Without the second practice of the six sprint weekends of 2021 and 2022: it was on Saturday, after the qualifying that
    set the grid of the sprint, and the forecast of the sprint does not wait for it."""
    sprint = races["is_sprint_weekend"].astype("bool") & races["season"].isin((2021, 2022))
    late = practice["race_key"].isin(races.loc[sprint, "race_key"]) & (practice["session"] == "FP2")
    return practice[~late]


_OFFSET_KINDS = (IN_QUALIFYING, IN_PRACTICE, OF_WEEKEND)
_KINDS = {
    "driver": DRIVER,
    "team": TEAM,
    "in qualifying": IN_QUALIFYING,
    "in practice": IN_PRACTICE,
    "of weekend": OF_WEEKEND,
}
_PREFIX = {kind: prefix for prefix, kind in _KINDS.items()}


def _offset(kind: int, team: str) -> str:
    """Name of an offset of a team."""
    return f"{_PREFIX[kind]}:{team.partition(':')[2]}"


_HORIZONS = ("pre_weekend", "pre_sprint", "pre_race")
"""In the order in which a weekend comes to them."""

COLUMNS = ("team_mean", "team_sd", "driver_mean", "driver_sd", "mean", "sd", "own_sd")


def joint_ratings(championships: Championships, config: JointConfig) -> pd.DataFrame:
    """Rating of the field before the weekend and before the race.

    Returns:
        ``race_key, horizon, driver_id, constructor_id, team_mean, team_sd, driver_mean, driver_sd, mean, sd, own_sd`` in per
        cent of a lap, higher is faster: ``pre_weekend`` for every entry; ``pre_sprint`` and ``pre_race``, after the
        sessions before sprint and race, where there were any but practice (or the grid has names that are not entered).
    """
    # The last digits of a product of matrices depend on how many threads share it, and with them every hash of training rows:
    # with one, a machine with other cores does not train all models anew. It is no slower for matrices of this size.
    with threadpool_limits(1, user_api="blas"):
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
    state, season = JointState(config, championships.kinds()), 0

    def rating(field: Weekend) -> tuple[Floats, ...]:
        offset = championships.offset(OF_WEEKEND, field.teams)
        return state.rating(field.drivers, field.teams, offset, season)

    for weekend in weekends:
        if weekend.season != season:
            if season:
                state.new_season(weekend.season)
            season = weekend.season
        state.drift()
        entered, at_sprint, at_race = (weekend.at(horizon) for horizon in _HORIZONS)
        if len(entered.entry_ids):
            yield entered, "pre_weekend", rating(entered)
        before = [event for event in weekend.events if event.session != "R"]
        ran = any(event.session != "P" for event in before)
        for event in before:
            state.observe(event, season)
            if len(at_sprint.entry_ids) and sets_sprint_grid(weekend, event.session):
                yield at_sprint, "pre_sprint", rating(at_sprint)
        if len(at_race.entry_ids) and (ran or len(at_race.entry_ids) > len(entered.entry_ids)):
            yield at_race, "pre_race", rating(at_race)
        for event in weekend.events[len(before) :]:
            state.observe(event, season)
