"""Any race: every model beside the others and beside what happened."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
import streamlit as st

from f1_app import queries
from f1_app.dashboard import charts, data, style
from f1_app.dashboard.components import messages, spoilers
from f1_app.dashboard.components.distribution import distribution
from f1_app.dashboard.components.picker import choose
from f1_app.dashboard.components.provenance import provenance
from f1_app.dashboard.components.race_header import race_header
from f1_app.dashboard.components.sprint import sprint
from f1_app.dashboard.components.tables import comparison_table, forecast_table, outcome_table, score_table
from f1_app.records import Race

PAGE = "compare"


_HEADLINES = {
    "log_loss": "Log loss",
    "winner_probability": "Winner had",
    "top3_accuracy": "Podium named",
    "rank_error": "Rank error",
    "spearman": "Rank correlation",
}
"""Scores that stand above the table of a race, and how they are called there."""


@dataclass(frozen=True)
class _Known:
    """What the reader may know of a race."""

    result: pd.DataFrame
    scores: pd.DataFrame
    hidden: bool

    @property
    def finished(self) -> bool:
        return not self.result.empty


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


def _ordinal(number: int) -> str:
    ending = "th" if 10 < number % 100 < 20 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


def _score(scores: pd.DataFrame, model: str) -> None:
    """The scores of one model, and its rank among all of this race."""
    rows = scores.set_index("model")
    if model not in rows.index:
        return
    for column, (name, label) in zip(st.columns(len(_HEADLINES)), _HEADLINES.items(), strict=True):
        metric, value = style.METRICS[name], rows[name][model]
        if pd.isna(value):
            column.metric(label, "-", help=metric.help, border=True, height="stretch")
            continue
        better = rows[name].lt(value) if metric.lower_is_better else rows[name].gt(value)
        column.metric(
            label,
            style.percent(float(value)) if name == "winner_probability" else metric.format % value,
            delta=f"{_ordinal(int(better.sum()) + 1)} of {len(rows)}",
            delta_color="off",
            delta_arrow="off",
            help=metric.help,
            border=True,
            height="stretch",
        )


def _one_model(race: Race, horizon: str, model: str, forecast: pd.DataFrame, known: _Known) -> None:
    st.subheader("Forecast and result" if known.finished else "Forecast", anchor=False)
    provenance(forecast, horizon, model)
    if not known.finished:
        forecast_table(forecast, race.season)
    else:
        _score(known.scores, model)
        outcome_table(forecast, known.result, race.season)
    distribution(race, horizon, model, known.result)


def _all_models(race: Race, forecasts: pd.DataFrame, known: _Known) -> None:
    names = style.in_order(forecasts["model"], style.MODELS)
    st.subheader("Win probability by model", anchor=False)
    leading = forecasts[forecasts["model"] == names[0]]
    finish = {
        row["driver_id"]: f"P{int(row['position'])}"
        if pd.notna(row["position"])
        else str(row["position_text"])
        for _, row in known.result.iterrows()
    }
    st.plotly_chart(
        charts.comparison_chart(forecasts, list(leading["driver_id"]), names, finish),
        width="stretch",
        config=charts.CONFIG,
        key="comparison-chart",
    )
    comparison_table(forecasts, known.result, race.season, names)
    if known.hidden:
        return
    st.subheader("Scores of this race", anchor=False)
    if not known.scores.empty:
        score_table(known.scores)
        st.caption("One race is luck as much as skill: *How good are we* has the means over many races.")
    elif known.finished:
        messages.nothing("Not scored yet.", "Run `f1 update` to score the forecasts of this race.")
    else:
        messages.nothing("Not run yet.", "Scores appear here once the race has a result.")


def _compare(race: Race, hide: bool) -> None:
    choices = data.read(queries.forecasts.forecast_choices, race.race_key)
    horizons = style.in_order((horizon for horizon, _ in choices), style.HORIZONS)
    left, right = st.columns([3, 2], vertical_alignment="bottom")
    with left:
        horizon = choose(
            "What the forecasts knew",
            horizons,
            page=PAGE,
            name="horizon",
            default=horizons[0],
            show=style.horizon_label,
            kind="radio",
        )
    names = style.in_order((model for at, model in choices if at == horizon), style.MODELS)
    with right:
        model = choose("Model", names, page=PAGE, name="model", default=names[0], show=style.model_label)
    known = _known(race, horizon, hide)
    _podium(known.result)
    forecasts = data.read(queries.forecasts.forecast, race.race_key, horizon)
    # The index is that of the query: a chart that is given the rows of one model must find its own numbers.
    chosen = forecasts[forecasts["model"] == model].reset_index(drop=True)
    _one_model(race, horizon, model, chosen, known)
    sprint(race, with_result=not known.hidden)
    _all_models(race, forecasts, known)


def _known(race: Race, horizon: str, hide: bool) -> _Known:
    """Result and scores; empty while the reader does not want to see them."""
    result = data.read(queries.races.result, race.race_key)
    scores = data.read(queries.scores.race_scores, race.race_key, horizon)
    # A weekend whose race is still to come may have had its sprint: that is a result too.
    if hide and not (result.empty and not race.is_sprint_weekend) and not spoilers.ask(race.race_key):
        return _Known(result.head(0), scores.head(0), hidden=True)
    return _Known(result, scores, hidden=False)


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
    _compare(race, spoilers.switch(PAGE))


if __name__ == "__main__":
    render()
