"""What a forecast says beyond who wins: places, team-mates, and why."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from f1_app import queries
from f1_app.dashboard import charts, charts_race, data, style
from f1_app.records import Race
from f1_pipeline.domain.vocabulary import POOL


def distribution(race: Race, horizon: str, model: str, result: pd.DataFrame | None = None) -> None:
    """Heat-map of places, team-mates and reasons of the pool's forecast.

    Args:
        race: The race.
        horizon: What the forecast knew.
        model: Model that the page shows; only said where it is another one than the pool.
        result: Classification to mark in the heat-map; None or empty marks nothing.
    """
    forecast = data.read(queries.forecasts.forecast, race.race_key, horizon, POOL)
    places = data.read(queries.distributions.places, race.race_key, horizon)
    pairs = data.read(queries.distributions.pairs, race.race_key, horizon)
    reasons = data.read(queries.distributions.reasons, race.race_key, horizon)
    if forecast.empty or (places.empty and pairs.empty and reasons.empty):
        st.caption(
            "Places, team-mates and reasons are stored with the forecasts of the pool, and there are none of this race."
        )
        return
    if model != POOL:
        st.info(
            f"Places, team-mates and reasons are stored for the pool only: what follows is the"
            f" **{style.model_label(POOL)}**, not {style.model_label(model)}."
        )
    mates = charts_race.team_mates(forecast, pairs)
    left, right = st.columns([3, 2], gap="medium")
    if not places.empty:
        with left:
            st.subheader("Where everybody may finish", anchor=False)
            finish = _finish(result)
            st.plotly_chart(
                charts_race.places_chart(forecast, places, finish, st.context.theme.type),
                width="stretch",
                config=charts.CONFIG,
                key="places-chart",
            )
            st.caption(
                "Probability of every place in %, written from 10 on. Who retires is behind who finishes."
                + (" Rings: where they came in." if finish else "")
            )
    if not mates.empty:
        with right:
            st.subheader("Team-mates", anchor=False)
            st.plotly_chart(
                charts_race.team_mates_chart(forecast, mates, race.season),
                width="stretch",
                config=charts.CONFIG,
                key="mates-chart",
            )
            st.caption("Who of a team finishes ahead of the other, in % of the drawn races.")
    if not reasons.empty:
        st.subheader("Why", anchor=False)
        st.plotly_chart(
            charts_race.reasons_chart(forecast, reasons),
            width="stretch",
            config=charts.CONFIG,
            key="reasons-chart",
        )
        st.caption(
            "What lifts a driver over the average of this race (to the right) or pulls him below it, as a logarithm:"
            " +0.69 is twice the chances of an average car, -0.69 half of them. Parts that are learnt by trees come as one;"
            " the chances to retire are his own and those of the others."
        )


def _finish(result: pd.DataFrame | None) -> dict[str, int] | None:
    """Place by driver. Who was not classified stands behind who was, in the order of the result."""
    if result is None or result.empty:
        return None
    order = result.drop_duplicates("driver_id")
    return {str(driver): place for place, driver in enumerate(order["driver_id"], start=1)}
