"""When and where a race is."""

from __future__ import annotations

import streamlit as st

from f1_app.dashboard import style
from f1_app.records import Race


def where(race: Race) -> str:
    """Round, circuit and distance in one line; what is not known is left out."""
    parts = [f"Round {race.round} of {race.season}" if race.round else f"Season {race.season}"]
    if race.circuit:
        town = f", {race.place}" if race.place and race.place not in race.circuit else ""
        parts.append(f"{race.circuit}{town}")
    if race.length_km:
        turns = f" with {race.turns} turns" if race.turns else ""
        laps = f"{race.laps} laps of " if race.laps else ""
        parts.append(f"{laps}{race.length_km:.3f} km{turns}")
    if race.is_sprint_weekend:
        parts.append("sprint weekend")
    if race.is_cancelled:
        parts.append("cancelled")
    return " · ".join(parts)


def race_header(race: Race) -> None:
    """Name, place and start of a race, the viewer's time first."""
    st.title(race.name if str(race.season) in race.name else f"{race.name} {race.season}", anchor=False)
    st.markdown(where(race))
    if race.start_at is None:
        st.markdown(f"**{style.day(race.date)}** · start time not published yet")
        return
    viewer = style.zone(st.context.timezone)
    main, beside = style.start_times(race.start_at, viewer, style.zone(race.time_zone))
    st.markdown(f"**{main}**" + (f" · {beside}" if beside else ""))
