"""What the models know of a circuit: its coefficients, what forecasts there are made of, its layouts."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from f1_app import queries, summaries
from f1_app.dashboard import charts, charts_circuits, data, style
from f1_app.dashboard.components import messages, people
from f1_app.dashboard.components.tables import badged, full_height
from f1_app.records import Circuit


def models(circuit: Circuit) -> None:
    """Coefficients, contributions and layouts of a circuit."""
    coefficients = data.read(queries.circuits.track_coefficients, circuit.circuit_id)
    if coefficients.empty:
        messages.nothing(
            "The models have no features of a race here yet.",
            "Features are made from the first season with enough history on: run `f1 update`, or choose a circuit with a race.",
        )
    else:
        _coefficients(circuit, coefficients)
    layouts = data.read(queries.circuits.layouts, circuit.circuit_id)
    if not layouts.empty:
        st.subheader("Layouts", anchor=False)
        number = st.column_config.NumberColumn
        st.dataframe(
            layouts,
            hide_index=True,
            placeholder="-",
            width="stretch",
            height=full_height(min(len(layouts), people.TALLEST)),
            column_config={
                "length_km": number("Length (km)", format="%.3f"),
                "turns": number("Turns"),
                "first_season": number("From", format="%d"),
                "last_season": number("To", format="%d"),
                "races": number("Races", help="Run or on the calendar"),
            },
        )


def _coefficients(circuit: Circuit, coefficients: pd.DataFrame) -> None:
    newest = coefficients.iloc[0]
    name = f"{newest['race']} {newest['season']}"
    cards: list[tuple[str, str, str | None]] = []
    if pd.notna(newest["retirement_circuit"]):
        more = float(np.expm1(newest["retirement_circuit"])) * 100
        cards.append(("Retirements", f"{more:+.1f} %", "vs. average circuit"))
    for label, column, text in (
        ("Length", "track_length_km", "%.2f km"),
        ("Turns", "turn_count", "%.0f"),
        ("Height", "elevation_m", "%.0f m"),
    ):
        if pd.notna(newest[column]):
            cards.append((label, text % newest[column], None))
    people.figures(cards)
    st.caption(
        f"As the models had it before the {name}. *Retirements* are those of the cars here over those expected of them, drawn towards"
        " average where there were few races; it moves the forecast of who reaches the finish. Length, turns and height"
        " are the same for everybody in a race: they matter only together with what sets drivers apart."
    )
    left, right = st.columns(2, gap="medium")
    with left:
        shown = coefficients.dropna(subset="retirement_circuit")
        # One point is on the card already.
        if len(shown) > 1:
            st.subheader("Retirements here, as known before each race", anchor=False)
            st.plotly_chart(
                charts_circuits.retirement_chart(shown),
                width="stretch",
                config=charts.CONFIG,
                key="retirement-chart",
            )
    with right:
        _made_of(circuit)
    _drivers(str(newest["race_key"]), int(newest["season"]), name)


def _made_of(circuit: Circuit) -> None:
    """What the pool's forecasts after qualifying came from, here and everywhere."""
    if not data.forecasts_shown():
        return
    reasons = data.read(queries.circuits.reasons, "pre_race")
    here = reasons[reasons["circuit_id"] == circuit.circuit_id]
    if here.empty:
        return
    first = int(here["season"].min())
    st.subheader("What forecasts here are made of", anchor=False)
    st.plotly_chart(
        charts_circuits.reasons_chart(
            summaries.spread_of_reasons(here),
            summaries.spread_of_reasons(reasons[reasons["season"] >= first]),
        ),
        width="stretch",
        config=charts.CONFIG,
        key="reasons-chart",
    )
    st.caption(
        f"Pool, after qualifying, {style.plural(here['race_key'].nunique(), 'race')} since {first}: how far each"
        " group of features set the drivers of a race apart, beside all circuits in the same seasons."
    )


def _drivers(race_key: str, season: int, name: str) -> None:
    """What the models know of the drivers of the newest race here."""
    drivers = data.read(queries.circuits.driver_coefficients, race_key)
    if drivers.empty:
        return
    st.subheader(f"Drivers at this circuit, before the {name}", anchor=False)
    known = drivers.dropna(subset="contribution")
    right = st.container()
    if not known.empty:
        left, right = st.columns([2, 3], gap="medium")
        with left:
            st.plotly_chart(
                charts_circuits.driver_chart(known, season),
                width="stretch",
                config=charts.CONFIG,
                key="driver-chart",
            )
    table = pd.DataFrame(
        {
            "Code": drivers["code"].fillna(drivers["driver_id"].str[:3].str.upper()),
            "Driver": drivers["driver"],
            "Wins": drivers["driver_wins_at_circuit"],
            "Mean finish": drivers["driver_avg_finish_at_circuit"],
            "Adds": drivers["contribution"],
            "Team": drivers["team"],
        }
    )
    if known.empty:
        table = table.drop(columns="Adds")
    number: Any = st.column_config.NumberColumn
    with right:
        st.dataframe(
            badged(table, season, drivers["constructor_id"]),
            hide_index=True,
            placeholder="-",
            width="stretch",
            height=full_height(len(table)),
            column_config={
                "Code": st.column_config.TextColumn("Code", width=56),
                "Wins": number("Wins", help="Wins at this circuit before", format="%d", width=56),
                "Mean finish": number(
                    "Mean finish", help="Mean finishing rank here, retirements behind", format="%.1f"
                ),
                "Adds": number("Adds", help="Log strength; 0.69 doubles a car's strength", format="%+.3f"),
            },
        )
    if known.empty:
        return
    st.caption(
        "*Adds*: what the record at this circuit does to the forecast before the weekend, in log strength against the mean of"
        " the race: 0.1 makes a driver about 10 % stronger."
    )
