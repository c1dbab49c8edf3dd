"""Next race: when, where, who is likely to win, and what the forecast knew."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from f1_app import queries
from f1_app.dashboard import charts, data, style
from f1_app.dashboard.components import messages
from f1_app.dashboard.components.distribution import distribution
from f1_app.dashboard.components.picker import choose
from f1_app.dashboard.components.provenance import provenance
from f1_app.dashboard.components.race_header import race_header
from f1_app.dashboard.components.sprint import sprint
from f1_app.dashboard.components.tables import forecast_table
from f1_app.dashboard.components.venue import circuit
from f1_app.dashboard.components.weekend import weekend
from f1_app.records import Race

PAGE = "next"


def _favourites(frame: pd.DataFrame) -> None:
    for column, (_, row) in zip(st.columns(3), frame.head(3).iterrows(), strict=False):
        interval = (
            f"95 % interval {row['interval_low'] * 100:.0f} to {row['interval_high'] * 100:.0f} %"
            if pd.notna(row["interval_low"]) and pd.notna(row["interval_high"])
            else None
        )
        column.metric(
            f"{row['code']} · {row['driver']}",
            style.percent(row["win_probability"]),
            delta=interval,
            delta_color="off",
            delta_arrow="off",
            border=True,
            height="stretch",
        )


def _forecast(race: Race) -> None:
    choices = data.read(queries.forecasts.forecast_choices, race.race_key)
    if not choices:
        messages.nothing(
            "No forecast of this race yet.",
            "Run `f1 update`; forecasts need an entry list or a known line-up.",
        )
        return
    horizons = style.in_order((horizon for horizon, _ in choices), style.HORIZONS)
    left, right = st.columns([3, 2], vertical_alignment="bottom")
    with left:
        horizon = choose(
            "What the forecast knew",
            horizons,
            page=PAGE,
            name="horizon",
            default=horizons[0],
            show=style.horizon_label,
            kind="radio",
        )
    models = style.in_order((model for at, model in choices if at == horizon), style.MODELS)
    with right:
        model = choose("Model", models, page=PAGE, name="model", default=models[0], show=style.model_label)
    frame = data.read(queries.forecasts.forecast, race.race_key, horizon, model)
    # Knowledge grows from the end of the list to its beginning.
    earlier = [at for at in horizons[horizons.index(horizon) + 1 :] if (at, model) in choices]
    before = data.read(queries.forecasts.forecast, race.race_key, earlier[0], model) if earlier else None
    provenance(frame, horizon, model)
    if horizon == "pre_race" and data.read(queries.weekends.grid_is_provisional, race.race_key):
        st.caption("The grid is provisional: the order of qualifying, without penalties.")
    _favourites(frame)
    chart, table = st.columns([1, 2], gap="medium")
    with chart:
        st.subheader("Who wins", anchor=False)
        st.plotly_chart(
            charts.win_chart(frame, race.season),
            width="stretch",
            config=charts.CONFIG,
            key="win-chart",
        )
        st.caption(
            "Bars in team colours, the second driver of a team hatched."
            + (" Whiskers: 95 % interval." if frame["interval_low"].notna().any() else "")
        )
    with table:
        st.subheader("Forecast", anchor=False)
        forecast_table(frame, race.season, before)
        if earlier:
            st.caption(
                f"Change: of the win probability since *{style.horizon_label(earlier[0]).lower()}*, in percentage points."
            )
    distribution(race, horizon, model)


def render() -> None:
    """Draw the page."""
    state = data.state()
    if state is None:
        messages.nothing_loaded()
        return
    if state.next is None:
        st.title("Next race", anchor=False)
        newest = (
            f" The newest result is the {state.newest.name} of {state.newest.season}." if state.newest else ""
        )
        messages.nothing(
            "No race lies ahead in the data.",
            f"The season may be over, or its calendar not published yet.{newest} Every race that was forecast is"
            " on the page *Any race*.",
        )
        return
    messages.late(state)
    race_header(state.next)
    if data.forecasts_shown():
        _forecast(state.next)
        sprint(state.next, with_result=True)
    weekend(state.next)
    circuit(state.next)


if __name__ == "__main__":
    render()
