"""The sprint of a weekend: its forecast, and what happened."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from f1_app import queries
from f1_app.dashboard import charts, data, style
from f1_app.dashboard.components.tables import forecast_table, outcome_table
from f1_app.records import Race


def sprint(race: Race, *, with_result: bool) -> None:
    """Forecast of the sprint with the newest knowledge; beside the result if it may be shown and there is one."""
    if not race.is_sprint_weekend:
        return
    found = style.in_order(data.read(queries.sprints.horizons, race.race_key), style.HORIZONS)
    result = data.read(queries.sprints.result, race.race_key) if with_result else pd.DataFrame()
    st.subheader("The sprint", anchor=False)
    if not found:
        st.caption("There is no forecast of this sprint.")
        return
    frame = data.read(queries.sprints.forecast, race.race_key, found[0])
    if result.empty:
        before = data.read(queries.sprints.forecast, race.race_key, found[1]) if len(found) > 1 else None
        chart, table = st.columns([1, 2], gap="medium")
        with chart:
            st.plotly_chart(
                charts.win_chart(frame, race.season),
                width="stretch",
                config=charts.CONFIG,
                key="sprint-chart",
            )
        with table:
            forecast_table(frame, race.season, before)
    else:
        outcome_table(frame, result, race.season)
    first = frame.iloc[0]
    st.caption(
        f"**{style.HORIZON_KNOWS.get(found[0], style.horizon_label(found[0]))}, cutoff"
        f" {style.utc_minute(first['cutoff'])}** · {style.model_label(queries.sprints.MODEL)} · data release"
        f" {first['data_release']} · made {style.utc_minute(first['created_at'])}"
    )
