"""What a page says when there is nothing to show, and what to do about it."""

from __future__ import annotations

import streamlit as st

from f1_app.dashboard import style
from f1_app.dashboard.data import State
from f1_app.database import DatabaseUnavailableError, Problem

_HOW_TO_FILL = "Run `make run` (everything at once) or `f1 update` (data, models and forecasts), then reload."


def unavailable(error: DatabaseUnavailableError) -> None:
    """There is no database to read."""
    if error.problem is Problem.MISSING:
        st.info(f"**No database yet.** Looked for `{error.detail}`.\n\n{_HOW_TO_FILL}")
    elif error.problem is Problem.NO_TABLES:
        st.info(f"**The database has no tables yet** (missing: {error.detail}).\n\n{_HOW_TO_FILL}")
    elif error.problem is Problem.SETTINGS:
        st.error(
            f"**A setting is not valid.** {error.detail}\n\nCorrect it in the environment or in `.env`,"
            " then start the dashboard again."
        )
    else:
        st.error(
            f"**The database does not answer.** {error.detail}\n\nThe page works again as soon as the"
            " database does: check that it runs, then reload."
        )


def nothing_loaded() -> None:
    """The tables exist and are empty."""
    st.info(f"**No data yet.** The tables are there, and empty.\n\n{_HOW_TO_FILL}")


def nothing(what: str, why: str) -> None:
    """One part of a page has nothing to show."""
    st.info(f"**{what}** {why}")


def no_forecasts() -> None:
    """Data are there, forecasts are not."""
    nothing("No forecasts yet.", _HOW_TO_FILL)


def late(state: State) -> None:
    """Say how old the data are when the next race of the data should already have been run.

    A simulated championship stands still: no update would bring its next result.
    """
    if not state.days_late or state.next is None or state.loaded.simulated:
        return
    ends = (
        f"The data end with the {state.newest.name} of {style.day(state.newest.date)},"
        f" {style.plural(state.days_since_newest or 0, 'day')} ago. "
        if state.newest
        else ""
    )
    st.warning(
        f"**These data are old.** {ends}The {state.next.name} was due"
        f" {style.plural(state.days_late, 'day')} ago and has no result here. `f1 update` fetches what is new."
    )
