"""The part of the page on data that says what runs: an alarm when the daemon is dead, and a line for each server."""

from __future__ import annotations

import datetime as dt
import time

import streamlit as st

from f1_app import queries
from f1_app.dashboard import data, health
from f1_app.dashboard.health import Part, State
from f1_pipeline.settings import get_settings

_MARKS = {State.UP: ":green[●]", State.DOWN: ":red[●]", State.OFF: ":gray[○]"}


@st.cache_data(ttl=10, show_spinner=False, max_entries=4)
def _servers(found: dict[str, str]) -> list[Part]:
    # Cached for everybody: readers who reload must not ask the servers each time.
    return health.look(found)


def _database() -> Part:
    began = time.perf_counter()
    kind = data.fresh(queries.health.database)
    took = (time.perf_counter() - began) * 1000
    names = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}
    return Part("Database", State.UP, f"({names.get(kind, kind)}) answered in {took:.0f} ms")


def daemon() -> Part:
    """The daemon as its signs of life say; an alarm where they stay away."""
    part = health.daemon(data.fresh(queries.health.beat, health.DAEMON), dt.datetime.now(dt.UTC))
    if part.state is State.DOWN:
        st.error(
            f"**The Dagster daemon is dead.** It {part.about}. Without it nothing updates by itself, and runs that were"
            " asked for wait. Start it with `f1 serve`, or go on with `f1 update` by hand."
        )
    return part


def parts(daemon: Part) -> None:
    """A line for each part: database, daemon, servers."""
    settings = get_settings()
    found = health.addresses(
        settings.servers,
        host=settings.host,
        dagster_port=settings.dagster_port,
        api_port=settings.api_port,
        mlflow_port=settings.mlflow_port,
        mlflow_uri=settings.mlflow_tracking_uri,
    )
    st.subheader("What runs", anchor=False)
    lines = [_database(), daemon, *_servers(found)]
    st.markdown("\n".join(f"- {_MARKS[part.state]} **{part.name}** {part.about}" for part in lines))
