"""Circuits: what they are, how much the grid decides, who won, and what the models know of them."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from f1_app import queries
from f1_app.dashboard import data, style
from f1_app.dashboard.components import circuit_models, circuit_races, messages, people
from f1_app.dashboard.components.picker import choose_one_and_view
from f1_app.records import Circuit

PAGE = "circuits"
VIEWS = {
    "grid": "Grid and racing",
    "winners": "Winners",
    "models": "What the models know",
    "all": "All circuits",
}
TYPES = {"RACE": "permanent circuit", "STREET": "street circuit", "ROAD": "public roads"}
DIRECTIONS = {"CLOCKWISE": "clockwise", "ANTI_CLOCKWISE": "anti-clockwise"}


def _header(circuit: Circuit, seasons: str) -> None:
    st.title(circuit.name, anchor=False)
    parts = []
    if circuit.full_name and circuit.full_name != circuit.name:
        parts.append(circuit.full_name)
    town = [circuit.place or "", style.words(circuit.country_id or "")]
    parts.append(", ".join(part for part in town if part))
    parts.append(f"Grands Prix {seasons}")
    st.markdown(" \u00b7 ".join(part for part in parts if part))
    facts = []
    if circuit.length_km:
        facts.append(
            f"{circuit.length_km:.3f} km" + (f" with {circuit.turns} turns" if circuit.turns else "")
        )
    if circuit.type:
        facts.append(TYPES.get(circuit.type, circuit.type.lower()))
    if circuit.direction:
        facts.append(DIRECTIONS.get(circuit.direction, circuit.direction.lower()))
    if circuit.elevation_m is not None:
        facts.append(f"{circuit.elevation_m:,.0f} m above the sea")
    if facts:
        st.markdown(" \u00b7 ".join(facts))


def _default(about: pd.DataFrame) -> str:
    """Where the next race is, else the newest."""
    state = data.state()
    race = state and (state.next or state.newest)
    found = data.read(queries.circuits.circuit_of, race.race_key) if race else None
    return found if found is not None and found in about.index else str(about.index[0])


def render() -> None:
    """Draw the page."""
    about = data.read(queries.circuits.circuits_ever).set_index("circuit_id")
    if about.empty:
        st.title("Circuits", anchor=False)
        messages.nothing("No circuits yet.", "Run `f1 update`.")
        return
    names = {str(key): str(name) for key, name in about["circuit"].items()}
    circuit_id, view = choose_one_and_view(
        "Circuit",
        list(names),
        VIEWS,
        page=PAGE,
        name="circuit",
        default=_default(about),
        show=lambda key: f"{names[key]} \u00b7 {style.plural(int(about['races'][key]), 'race')}",
    )
    circuit = data.read(queries.circuits.circuit, circuit_id)
    if circuit is None:
        messages.nothing("Unknown circuit.", "The table of circuits does not have it yet. Run `f1 update`.")
        return
    _header(
        circuit,
        people.span(int(about["first_season"][circuit_id]), int(about["last_season"][circuit_id])),
    )
    if view == "models":
        circuit_models.models(circuit)
        return
    if view == "all":
        circuit_races.compared(PAGE, circuit_id, names)
        return
    cars = data.read(queries.circuits.cars, circuit_id)
    if cars.empty:
        messages.nothing("No race was run here yet.", "The first result will show on this page.")
    elif view == "grid":
        circuit_races.grid(PAGE, cars)
    else:
        circuit_races.winners(PAGE, cars)


if __name__ == "__main__":
    render()
