"""Single things that queries answer with. Frozen, so that a cache may hand the same one to everybody."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

SIMULATED = "simulated"
"""The source of the invented championship."""


@dataclass(frozen=True, slots=True)
class Race:
    """A race with what a page says about it."""

    race_key: str
    season: int
    round: int | None
    name: str
    official_name: str | None
    date: dt.date
    start_at: dt.datetime | None
    qualifying_at: dt.datetime | None
    laps: int | None
    length_km: float | None
    turns: int | None
    is_sprint_weekend: bool
    is_cancelled: bool
    circuit: str | None
    place: str | None
    time_zone: str | None


@dataclass(frozen=True, slots=True)
class Loaded:
    """The bulk source and release that the database stands on, and when data of any source were taken in last."""

    source: str
    release: str
    loaded_at: dt.datetime

    @property
    def simulated(self) -> bool:
        """Whether drivers and results are invented."""
        return self.source == SIMULATED


@dataclass(frozen=True, slots=True)
class TrainedModel:
    """Where a model version comes from."""

    version: int
    type: str
    trained_at: dt.datetime
    trained_through: str
    training_rows: int


@dataclass(frozen=True, slots=True)
class CalendarStamp:
    """When the calendar of races last changed (aware UTC), and its revision number from 0 on."""

    changed_at: dt.datetime
    revision: int


@dataclass(frozen=True, slots=True)
class Driver:
    """A driver, with the span of seasons he was entered in."""

    driver_id: str
    code: str
    name: str
    number: str | None
    date_of_birth: dt.date | None
    country_id: str | None
    first_season: int
    last_season: int


@dataclass(frozen=True, slots=True)
class Team:
    """A constructor, with the span of seasons it was entered in."""

    constructor_id: str
    name: str
    full_name: str | None
    country_id: str | None
    first_season: int
    last_season: int


@dataclass(frozen=True, slots=True)
class Circuit:
    """A circuit as it is today; layouts of other days are in the races."""

    circuit_id: str
    name: str
    full_name: str | None
    place: str | None
    country_id: str | None
    latitude: float | None
    longitude: float | None
    length_km: float | None
    turns: int | None
    elevation_m: float | None
    type: str | None
    direction: str | None


@dataclass(frozen=True, slots=True)
class Venue(Circuit):
    """A circuit as it was on the day of a race."""


@dataclass(frozen=True, slots=True)
class Beat:
    """A sign of life: when it was given, after how long the next one is due, and on which machine."""

    at: dt.datetime
    every: dt.timedelta
    host: str
