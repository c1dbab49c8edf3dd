"""The spoiler switch: a reader who has not seen a race yet can look at its forecast without its result.

The switch is part of the address (``spoilers=hidden``) and goes with the reader from page to page. What was
shown by the button stays shown, for that race, until the browser's session ends.
"""

from __future__ import annotations

import streamlit as st

PARAMETER = "spoilers"
HIDDEN = "hidden"
_KEPT = "spoilers_hidden"
_SHOWN = "spoilers_shown"


def switch(page: str) -> bool:
    """Draw the switch; whether results are to be hidden."""
    key = f"{page}:{PARAMETER}"
    if key not in st.session_state:
        st.session_state[key] = st.query_params.get(PARAMETER) == HIDDEN or st.session_state.get(_KEPT, False)
    hidden = bool(
        st.toggle(
            "Hide results", key=key, help="Forecasts without results and scores, until you ask for them"
        )
    )
    st.session_state[_KEPT] = hidden
    if hidden:
        st.query_params[PARAMETER] = HIDDEN
    elif PARAMETER in st.query_params:
        del st.query_params[PARAMETER]
    return hidden


def ask(race_key: str) -> bool:
    """Offer to show the result of one race; whether the reader wants to see it."""
    shown: set[str] = st.session_state.setdefault(_SHOWN, set())
    if race_key in shown:
        return True
    if st.button("Show the result of this race", key=f"spoiler:{race_key}", icon=":material/visibility:"):
        shown.add(race_key)
        st.rerun()
    return False
