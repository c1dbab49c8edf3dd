"""Reads of the dashboard, cached by data version.

``start_run`` asks the database once per page run for its data version; every read of that run is
cached under it. A new materialisation changes the version, so the next run of any page reads anew,
and while nothing changes nothing is read twice, by whomever.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Concatenate, ParamSpec, TypeVar, cast

import streamlit as st
from pydantic import ValidationError
from sqlalchemy import Connection

from f1_app import queries
from f1_app.database import reading, tables_url
from f1_app.records import Loaded, Race
from f1_pipeline.domain.calendar import days_due
from f1_pipeline.settings import get_settings

P = ParamSpec("P")
T = TypeVar("T")

_VERSION = "data_version"


@dataclass(frozen=True, slots=True)
class State:
    """What the database holds, and how old it is now."""

    loaded: Loaded
    newest: Race | None
    next: Race | None
    now: dt.datetime

    @property
    def days_late(self) -> int:
        """Whole days since the next race of the data was due; 0 while it lies ahead and on its first day."""
        return days_due(self.next.date, self.next.start_at, self.now) if self.next else 0

    @property
    def days_since_newest(self) -> int | None:
        """Days since the newest finished race."""
        return (self.now.date() - self.newest.date).days if self.newest else None


def forecasts_shown() -> bool:
    """Whether forecasts are to be shown. Yes where the settings are not valid: then the page says what is wrong there."""
    try:
        return get_settings().enable_predictions
    except ValidationError:
        return True


def start_run() -> None:
    """Take the data version that this run of a page reads under.

    Raises:
        DatabaseUnavailableError: there is nothing to read.
    """
    with reading() as connection:
        version = queries.state.data_version(connection)
    st.session_state[_VERSION] = f"{tables_url()}|{version}"


# The time limit is a second line of defence: should a change ever leave the version as it was, it
# still shows within the hour.
@st.cache_data(show_spinner=False, max_entries=512, ttl=3600)
def _cached(
    name: str, version: str, arguments: tuple[Any, ...], named: dict[str, Any], _query: Callable[..., Any]
) -> Any:
    del name, version  # They are only part of the key.
    with reading() as connection:
        return _query(connection, *arguments, **named)


def read(query: Callable[Concatenate[Connection, P], T], *arguments: P.args, **named: P.kwargs) -> T:
    """The answer of a query of ``f1_app.queries`` for the data version of this run.

    Raises:
        DatabaseUnavailableError: the database went away since the run began.
    """
    name = f"{query.__module__}.{getattr(query, '__qualname__', repr(query))}"
    return cast("T", _cached(name, st.session_state[_VERSION], arguments, named, query))


def state() -> State | None:
    """What the database holds; None before the first load."""
    loaded = read(queries.state.loaded)
    if loaded is None:
        return None
    return State(
        loaded=loaded,
        newest=read(queries.races.newest_finished_race),
        next=read(queries.races.next_race, read(queries.state.data_clock)),
        now=dt.datetime.now(dt.UTC),
    )


def fresh(query: Callable[Concatenate[Connection, P], T], *arguments: P.args, **named: P.kwargs) -> T:
    """The answer of a query now, not cached.

    For small tables that change without a load or a forecast (questions to sources, weather, decisions): they would
    otherwise have to be part of the data version, and every question to a source would throw all pages away.

    Raises:
        DatabaseUnavailableError: the database went away since the run began.
    """
    with reading() as connection:
        return query(connection, *arguments, **named)
