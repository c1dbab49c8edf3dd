"""What stands around every page: the mark of a simulated championship, and where the data are from."""

from __future__ import annotations

import streamlit as st

from f1_app.dashboard import style
from f1_app.dashboard.data import State

DISCLAIMER = (
    "Unofficial, and not associated in any way with the Formula 1 companies. F1, FORMULA ONE, FORMULA 1,"
    " FIA FORMULA ONE WORLD CHAMPIONSHIP, GRAND PRIX and related marks are trade marks of Formula One"
    " Licensing B.V."
)


def banner(state: State | None) -> None:
    """Mark invented data on top of the page, where nobody can overlook it."""
    if state is not None and state.loaded.simulated:
        st.warning(
            "**Simulated championship — invented drivers and results.** No real data were within reach, so"
            " nothing on this page says anything about Formula 1."
        )


def footer(state: State | None) -> None:
    """Name the source and its licence, the release and its age."""
    st.divider()
    lines = []
    if state is not None:
        if state.loaded.simulated:
            lines.append("Data: simulated championship, invented drivers and results.")
        else:
            lines.append(
                "Data: [F1DB](https://github.com/f1db/f1db), licensed under"
                " [CC BY 4.0](https://creativecommons.org/licenses/by/4.0/); forecasts computed from it."
            )
        newest = f" Newest result: {state.newest.name} {state.newest.season}." if state.newest else ""
        lines.append(
            f"Release {state.loaded.release}, newest load {style.utc_minute(state.loaded.loaded_at)}.{newest}"
        )
    else:
        lines.append(
            "Data source: [F1DB](https://github.com/f1db/f1db), licensed under"
            " [CC BY 4.0](https://creativecommons.org/licenses/by/4.0/)."
        )
    lines.append(DISCLAIMER)
    st.caption("  \n".join(lines))
