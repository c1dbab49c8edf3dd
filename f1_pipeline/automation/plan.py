"""What an update has to do: a pure function of what exists and what the source says.

Only what changed is done again. Ratings and features stand on all races before, so they are done again from the
first changed race on. A forecast of a finished race stays as it was made; its score is renewed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from f1_pipeline.domain.calendar import next_race

MAX_RUNS = 6
"""Ranges of changed races beyond this number are joined: a run costs more than a few unchanged races."""


@dataclass(frozen=True)
class KeyRange:
    """Races from ``start`` to ``end`` in calendar order, both included."""

    start: str
    end: str


@dataclass(frozen=True)
class State:
    """What exists.

    ``calendar``: race keys in calendar order, cancelled races left out. ``changed``: races whose source rows differ
    from the tables. ``featured``, ``forecast``: races that have rows, by horizon. ``scored``: result hash that each
    forecast was scored against, by (race, horizon). ``result_hashes``: of finished races, now. ``stale``: races whose
    source rows are in the tables already, but whose ratings and features may be older. ``repriced``: races that
    were scored before their newest market prices were imported. ``championship``: races that have a championship
    forecast. ``closed``: races whose forecasts before the weekend are not made again (``domain.calendar.closed_weekends``).
    ``sprint_ready``, ``sprint_forecast``: by horizon of a sprint, races whose sprint can be forecast, and those
    whose sprint is. ``sprints_unscored``: races whose sprint was not scored, or against another result. ``begun``, ``starts``, ``now``:
    see ``domain.calendar.next_race``.
    """

    calendar: Sequence[str]
    finished: Collection[str]
    has_grid: Collection[str]
    has_entries: Collection[str]
    forecast_from: str | None
    changed: Collection[str]
    featured: Mapping[str, Collection[str]]
    rated: Collection[str]
    forecast: Mapping[str, Collection[str]]
    scored: Mapping[tuple[str, str], str]
    result_hashes: Mapping[str, str]
    stale: Collection[str] = ()
    repriced: Collection[str] = ()
    championship: Collection[str] = ()
    closed: Collection[str] = ()
    sprint_ready: Mapping[str, Collection[str]] = field(default_factory=dict)
    sprint_forecast: Mapping[str, Collection[str]] = field(default_factory=dict)
    sprints_unscored: Collection[str] = ()
    begun: Collection[str] = ()
    starts: Mapping[str, datetime] = field(default_factory=dict)
    now: datetime | None = None

    @property
    def upcoming(self) -> str | None:
        """The race that is to be forecast next."""
        return next_race(self.calendar, self.finished, self.begun, self.starts, self.now)


@dataclass(frozen=True)
class Plan:
    """Ranges to materialise, stage by stage."""

    raw: list[KeyRange] = field(default_factory=list)
    derived: KeyRange | None = None
    forecasts: dict[str, list[KeyRange]] = field(default_factory=dict)
    sprints: list[KeyRange] = field(default_factory=list)
    championship: list[KeyRange] = field(default_factory=list)
    scores: list[KeyRange] = field(default_factory=list)

    def is_empty(self) -> bool:
        """Nothing to do."""
        return not (
            self.raw
            or self.derived
            or any(self.forecasts.values())
            or self.sprints
            or self.championship
            or self.scores
        )


def make_plan(state: State) -> Plan:
    """The plan of an update; see the module."""
    order = {key: index for index, key in enumerate(state.calendar)}
    touched = {key for key in state.changed if key in order}
    unrated = {key for key in state.has_entries if key in order and key not in state.rated}
    unfeatured = {
        key
        for horizon, rows in state.featured.items()
        for key in (state.has_grid if horizon == "pre_race" else state.has_entries)
        if key in order and key not in rows
    }
    stale = touched | unrated | unfeatured | {key for key in state.stale if key in order}
    derived = None
    if stale and state.calendar:
        derived = KeyRange(min(stale, key=order.__getitem__), state.calendar[-1])
    forecasts = {
        horizon: key_ranges(
            _to_forecast(state, horizon, ready, state.forecast.get(horizon, ()), order, derived),
            state.calendar,
        )
        for horizon, ready in (
            (name, state.has_grid if name == "pre_race" else state.has_entries) for name in state.featured
        )
    }
    return Plan(
        raw=key_ranges(touched, state.calendar),
        derived=derived,
        forecasts=forecasts,
        sprints=_sprints(state, order, derived),
        championship=key_ranges(
            _to_forecast(state, "pre_weekend", state.has_entries, state.championship, order, derived),
            state.calendar,
        ),
        scores=key_ranges(_to_score(state, forecasts, order), state.calendar),
    )


def _sprints(state: State, order: Mapping[str, int], derived: KeyRange | None) -> list[KeyRange]:
    """One range: weekends without a sprint in between cost nothing, another run costs seconds."""
    due = {
        key
        for horizon, ready in state.sprint_ready.items()
        for key in _to_forecast(state, horizon, ready, state.sprint_forecast.get(horizon, ()), order, derived)
    }
    if not due:
        return []
    return [KeyRange(min(due, key=order.__getitem__), max(due, key=order.__getitem__))]


def _to_forecast(
    state: State,
    horizon: str,
    ready: Collection[str],
    present: Collection[str],
    order: Mapping[str, int],
    derived: KeyRange | None,
) -> set[str]:
    """Races to forecast: of those that are ``ready``, finished ones without a forecast, and the next one if it has
    none or something it stands on is new. Before the weekend the latter only until the cutoff: what comes after it is
    not to be known by a forecast that states it."""
    if state.forecast_from is None:
        return set()
    upcoming = state.upcoming
    first = order[state.forecast_from]
    wanted = {
        key
        for key in ready
        if key in order and order[key] >= first and (key in state.finished or key == upcoming)
    }
    missing = {key for key in wanted if key not in present}
    closed = horizon == "pre_weekend" and upcoming in state.closed
    if derived is not None and upcoming in wanted and not closed:
        missing.add(upcoming)
    return missing


def _to_score(
    state: State, forecasts: Mapping[str, Sequence[KeyRange]], order: Mapping[str, int]
) -> set[str]:
    due: set[str] = set()
    for horizon, ranges in forecasts.items():
        new = {key for span in ranges for key in state.calendar[order[span.start] : order[span.end] + 1]}
        for key in new | set(state.forecast.get(horizon, ())):
            scored = state.scored.get((key, horizon))
            stale = scored != state.result_hashes.get(key) or key in state.repriced
            if key in state.finished and (key in new or stale):
                due.add(key)
    due |= {key for key in state.sprints_unscored if key in order and key in state.finished}
    return due


def key_ranges(keys: Iterable[str], calendar: Sequence[str]) -> list[KeyRange]:
    """The fewest contiguous ranges that hold the keys, joined across the smallest gaps to ``MAX_RUNS``."""
    order = {key: index for index, key in enumerate(calendar)}
    indices = sorted(order[key] for key in set(keys))
    spans: list[list[int]] = []
    for index in indices:
        if spans and index == spans[-1][1] + 1:
            spans[-1][1] = index
        else:
            spans.append([index, index])
    while len(spans) > MAX_RUNS:
        gaps = [spans[i + 1][0] - spans[i][1] for i in range(len(spans) - 1)]
        closest = gaps.index(min(gaps))
        spans[closest : closest + 2] = [[spans[closest][0], spans[closest + 1][1]]]
    return [KeyRange(calendar[start], calendar[end]) for start, end in spans]
