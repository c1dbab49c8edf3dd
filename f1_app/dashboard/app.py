"""Entry of the dashboard: ``streamlit run f1_app/dashboard/app.py``.

Only what every page shares is here: navigation, the data version of this run, the mark of simulated
data, the footer, and what to say when there is no database.
"""

from __future__ import annotations

from pathlib import Path

import streamlit as st
from pydantic import ValidationError

from f1_app.dashboard import data
from f1_app.dashboard.components import frame, messages
from f1_app.database import DatabaseUnavailableError
from f1_pipeline import logs
from f1_pipeline.settings import get_settings

# A file of our own: for an emoji the browser would ask a font server on the internet.
ICON = Path(__file__).with_name("icon.svg")

FORECAST_PAGES = ("compare", "championship", "accuracy")
"""Addresses of the pages that show nothing without forecasts; they go when forecasts are turned off."""


@st.cache_resource(show_spinner=False)
def _log() -> None:
    """Log lines as the settings want them, once for the process. For people Streamlit's own will do."""
    try:
        if logs.is_json(settings := get_settings()):
            logs.configure(settings, "dashboard")
    except ValidationError:
        return  # The page says what is wrong.


def main() -> None:
    """Show the page that the address names."""
    _log()
    st.set_page_config(page_title="F1 forecast", page_icon=ICON, layout="wide")
    pages = [
        st.Page("views/next_race.py", title="Next race", default=True),
        st.Page("views/compare.py", title="Any race", url_path="compare"),
        st.Page("views/championship.py", title="Championship", url_path="championship"),
        st.Page("views/standings.py", title="Standings", url_path="standings"),
        st.Page("views/calendar.py", title="Calendar", url_path="calendar"),
        st.Page("views/drivers.py", title="Drivers", url_path="drivers"),
        st.Page("views/teams.py", title="Teams", url_path="teams"),
        st.Page("views/circuits.py", title="Circuits", url_path="circuits"),
        st.Page("views/accuracy.py", title="How good are we", url_path="accuracy"),
        st.Page("views/data.py", title="Data", url_path="data"),
    ]
    if not data.forecasts_shown():
        pages = [page for page in pages if page.url_path not in FORECAST_PAGES]
    page = st.navigation(pages, position="top")
    state: data.State | None = None
    try:
        data.start_run()
        state = data.state()
        if state is None:
            st.title(page.title, anchor=False)
            messages.nothing_loaded()
        else:
            frame.banner(state)
            page.run()
    except DatabaseUnavailableError as error:
        messages.unavailable(error)
    frame.footer(state)


if __name__ == "__main__":
    main()
