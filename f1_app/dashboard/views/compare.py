"""Any race: every model beside the others and beside what happened."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from f1_app import queries
from f1_app.dashboard import charts, data, style
from f1_app.dashboard.components import messages
from f1_app.dashboard.components.picker import choose
from f1_app.dashboard.components.race_header import race_header
from f1_app.dashboard.components.tables import comparison_table, score_table
from f1_app.records import Race

PAGE = "compare"


def _pick_race(seasons: list[int]) -> str:
    """Season and Grand Prix, newest first. A race key in the address names its season as well."""
    options = [str(season) for season in seasons]
    named = st.query_params.get("race", "").split("-")[0]
    left, right = st.columns([1, 3])
    with left:
        season = choose(
            "Season", options, page=PAGE, name="season", default=named if named in options else options[0]
        )
    calendar = data.read(queries.forecasts.forecast_races, int(season)).set_index("race_key")
    keys = [str(key) for key in calendar.index]
    finished = [key for key in keys if calendar["finished"][key]]

    def show(key: str) -> str:
        name, round_ = calendar["name"][key], calendar["round"][key]
        number = f"{round_:.0f}. " if pd.notna(round_) else ""
        return f"{number}{name}" + ("" if calendar["finished"][key] else " (not run yet)")

    with right:
        return choose(
            "Grand Prix",
            keys,
            page=PAGE,
            name="race",
            # The newest race that has something to compare with.
            default=finished[0] if finished else keys[0],
            show=show,
            pinned=True,
        )


def _podium(result: pd.DataFrame) -> None:
    first = result[result["position"].le(3)].drop_duplicates("position")
    if not first.empty:
        names = " · ".join(
            f"**P{int(row['position'])} {row['code']}** {row['driver']}" for _, row in first.iterrows()
        )
        st.markdown(f"Result: {names}")


def _compare(race: Race) -> None:
    choices = data.read(queries.forecasts.forecast_choices, race.race_key)
    horizons = style.in_order((horizon for horizon, _ in choices), style.HORIZONS)
    horizon = choose(
        "What the forecasts knew",
        horizons,
        page=PAGE,
        name="horizon",
        default=horizons[0],
        show=style.horizon_label,
        kind="radio",
    )
    forecasts = data.read(queries.forecasts.forecast, race.race_key, horizon)
    result = data.read(queries.races.result, race.race_key)
    scores = data.read(queries.scores.race_scores, race.race_key, horizon)
    names = style.in_order(forecasts["model"], style.MODELS)
    _podium(result)
    knows = style.HORIZON_KNOWS.get(horizon, style.horizon_label(horizon))
    st.caption(f"{knows}, cutoff {style.utc_minute(forecasts['cutoff'].max())}")

    st.subheader("Win probability by model", anchor=False)
    leading = forecasts[forecasts["model"] == names[0]]
    finish = {
        row["driver_id"]: f"P{int(row['position'])}"
        if pd.notna(row["position"])
        else str(row["position_text"])
        for _, row in result.iterrows()
    }
    st.plotly_chart(
        charts.comparison_chart(forecasts, list(leading["driver_id"]), names, finish),
        width="stretch",
        config=charts.CONFIG,
        key="comparison-chart",
    )
    comparison_table(forecasts, result, race.season, names)

    st.subheader("Scores of this race", anchor=False)
    if not scores.empty:
        score_table(scores)
        st.caption("One race is luck as much as skill: *How good are we* has the means over many races.")
    elif result.empty:
        messages.nothing("Not run yet.", "Scores appear here once the race has a result.")
    else:
        messages.nothing("Not scored yet.", "Run `f1 update` to score the forecasts of this race.")


def render() -> None:
    """Draw the page."""
    seasons = data.read(queries.forecasts.forecast_seasons)
    if not seasons:
        st.title("Any race", anchor=False)
        messages.no_forecasts()
        return
    race = data.read(queries.races.race, _pick_race(seasons))
    if race is None:
        messages.no_forecasts()
        return
    race_header(race)
    _compare(race)


if __name__ == "__main__":
    render()
