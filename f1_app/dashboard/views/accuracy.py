"""How good are we: every forecast that was ever scored, against what anyone could have said."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from f1_app import queries
from f1_app.dashboard import data, scores, style
from f1_app.dashboard.components import honesty, messages
from f1_app.dashboard.components import scores as parts
from f1_app.dashboard.components.picker import choose

PAGE = parts.PAGE


# A period as the address has it: a plus sign would be read as a space.
def _address(period: str) -> str:
    return f"from-{period[:-1]}" if period.endswith("+") else period


def _period_label(address: str) -> str:
    if address == scores.ALL:
        return "All seasons"
    return f"{address.removeprefix('from-')} to today" if address.startswith("from-") else address


@st.cache_data(show_spinner=False, max_entries=64)
def _means(stored: pd.DataFrame, frame: pd.DataFrame, metric: str, wanted: list[str]) -> pd.DataFrame:
    return scores.means(stored, frame, metric, wanted)


def _choices(horizons: list[str]) -> tuple[str, str, str, list[str]]:
    """Horizon, score and period that the reader chose, and all periods."""
    first, second, third = st.columns([2, 1, 1], vertical_alignment="bottom")
    with first:
        horizon = choose(
            "What the forecasts knew",
            horizons,
            page=PAGE,
            name="horizon",
            default=horizons[0],
            show=style.horizon_label,
            kind="radio",
        )
    with second:
        name = choose(
            "Score",
            list(style.METRICS),
            page=PAGE,
            name="metric",
            default="log_loss",
            show=lambda name: style.METRICS[name].label,
        )
    seasons = data.read(queries.scores.accuracy, horizon)["season"].unique()
    periods = scores.periods(data.read(queries.scores.summary_periods, horizon), seasons)
    with third:
        addresses = {_address(period): period for period in periods}
        chosen = choose(
            "Season", list(addresses), page=PAGE, name="season", default=scores.ALL, show=_period_label
        )
    return horizon, name, addresses[chosen], periods


def _one_by_one(horizon: str, period: str, models: list[str]) -> None:
    st.subheader("Calibration", anchor=False)
    model = honesty.choose_model(models)
    honesty.calibration(data.read(queries.scores.reliability_of, horizon, period), model)
    st.subheader("The worst misses", anchor=False)
    st.markdown(f"Races whose winner had the least probability, by {style.model_label(model)}.")
    first, last = scores.seasons_of(period)
    honesty.misses(
        data.read(queries.scores.worst_races, horizon, model, first=first, last=last), horizon, model
    )


def render() -> None:
    """Draw the page."""
    st.title("How good are we", anchor=False)
    horizons = style.in_order(data.read(queries.scores.scored_horizons), style.HORIZONS)
    if not horizons:
        messages.nothing(
            "No forecast has been scored yet.",
            "Scores appear after the first forecast race has a result. Run `f1 update` to score what was forecast.",
        )
        return
    st.markdown(
        "Every forecast is kept, scored once the race is run, and compared with what could be said without"
        " a model. Each was made with nothing but what was known before its race."
    )
    horizon, name, period, periods = _choices(horizons)
    metric = style.METRICS[name]
    frame = data.read(queries.scores.accuracy, horizon)
    stored = data.read(queries.scores.summaries, horizon, name)
    differences = data.read(queries.scores.differences, horizon, period)
    means = _means(stored, frame, name, periods)
    table = means[means["period"] == period]
    if table.empty:
        messages.nothing(
            f"No {metric.label.lower()} here.",
            "`f1 update` computes it once races of this choice are scored.",
        )
    else:
        parts.headline(table, metric, differences)
        parts.by_model(table, metric)
    parts.all_scores(data.read(queries.scores.period_summaries, horizon, period))
    baselines = table[table["model"].isin(style.BASELINES)].sort_values("mean")["model"]
    parts.paired(differences, baselines.iloc[0] if name == "log_loss" and len(baselines) else None)
    models = style.in_order(scores.in_period(frame, period)["model"], style.MODELS)
    _one_by_one(horizon, period, models)
    if metric.per_race:
        parts.over_time(frame, name, metric, period)
    seasons = means[means["period"].str.fullmatch(r"\d{4}")]
    if not period.isdigit() and not seasons.empty:
        parts.by_season(
            scores.in_period(seasons.assign(season=seasons["period"].astype(int)), period), metric
        )
    honesty.sprints(data.read(queries.scores.sprint_scores), period)
    honesty.market(data.read(queries.scores.market_accuracy, horizon), differences, period)
    with st.expander("How this is measured"):
        st.markdown(honesty.METHOD)


if __name__ == "__main__":
    render()
