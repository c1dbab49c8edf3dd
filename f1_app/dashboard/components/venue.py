"""The circuit: where it is, what it is like, who won there."""

from __future__ import annotations

import streamlit as st

from f1_app import queries
from f1_app.dashboard import charts, charts_venue, data, style
from f1_app.dashboard.components.tables import winners_table
from f1_app.records import Race, Venue

_TYPES = {"RACE": "Permanent circuit", "STREET": "Street circuit", "ROAD": "Road circuit"}
_DIRECTIONS = {"CLOCKWISE": "clockwise", "ANTI_CLOCKWISE": "anti-clockwise"}


def facts(venue: Venue, laps: int | None) -> list[str]:
    """What is known of a circuit, one fact a line; what is not known is left out."""
    place = ", ".join(
        part
        for part in (
            venue.place,
            style.words(venue.country_id) if venue.country_id else None,
        )
        if part
    )
    lines = [f"**{venue.full_name or venue.name}**" + (f", {place}" if place else "")]
    kind = [part for part in (_TYPES.get(venue.type or ""), _DIRECTIONS.get(venue.direction or "")) if part]
    if kind:
        lines.append(", ".join(kind))
    if venue.length_km:
        length = f"{venue.length_km:.3f} km a lap"
        if venue.turns:
            length += f", {style.plural(venue.turns, 'turn')}"
        if laps:
            length += f", {style.plural(laps, 'lap')}"
        lines.append(length)
    if venue.elevation_m is not None:
        lines.append(f"{venue.elevation_m:.0f} m above the sea")
    return lines


def circuit(race: Race) -> None:
    """Map, facts and past winners of the circuit of a race."""
    venue = data.read(queries.venues.venue, race.race_key)
    winners = data.read(queries.venues.past_winners, race.race_key)
    if venue is None and winners.empty:
        return
    st.subheader("The circuit", anchor=False)
    left, right = st.columns([2, 3], gap="medium")
    with left:
        if venue is not None:
            st.markdown("  \n".join(facts(venue, race.laps)))
            if venue.latitude is not None and venue.longitude is not None:
                st.plotly_chart(
                    charts_venue.locator(venue.latitude, venue.longitude, venue.name),
                    width="stretch",
                    config=charts.CONFIG,
                    key="locator",
                )
                st.caption("Land: Natural Earth.")
    with right:
        if winners.empty:
            st.caption("No race was held here before, and the Grand Prix is new.")
        else:
            st.markdown("**Past winners**")
            winners_table(winners, style.words(race.race_key.split("-", 1)[1]))
