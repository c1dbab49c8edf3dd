"""How good are we: every forecast that was ever scored, against what anyone could have said."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from f1_app import queries
from f1_app.dashboard import charts, data, scores, style
from f1_app.dashboard.components import messages
from f1_app.dashboard.components.picker import choose
from f1_app.dashboard.components.tables import full_height

PAGE = "accuracy"
ALL = "all"
# About a season, so that one odd race does not turn the line. (A comment, not a docstring: Streamlit
# would print a bare string of a page.)
WINDOW = 20


@st.cache_data(show_spinner=False, max_entries=64)
def _summary(frame: pd.DataFrame, metric: str, by: list[str]) -> pd.DataFrame:
    return scores.summary(frame, metric, by)


def _columns(metric: style.Metric) -> dict[str, Any]:
    number = st.column_config.NumberColumn
    return {
        "season": number("Season", format="%d", pinned=True),
        "model": st.column_config.TextColumn("Model", pinned=True),
        "races": number("Races", help="Races that were forecast and scored"),
        "mean": number(f"Mean {metric.label.lower()}", help=metric.help, format=metric.format),
        "low": number("95 % from", help="Lower end of the interval of the mean", format=metric.format),
        "high": number("95 % to", help="Upper end of the interval of the mean", format=metric.format),
    }


def _headline(table: pd.DataFrame, metric: style.Metric) -> None:
    """The best model and the best baseline: the one comparison that decides whether models earn it."""
    ranked = table.sort_values("mean", ascending=metric.lower_is_better)
    parts = []
    for label, rows in (
        ("Best model", ranked[~ranked["model"].isin(style.BASELINES)]),
        ("Best baseline", ranked[ranked["model"].isin(style.BASELINES)]),
    ):
        if not rows.empty:
            row = rows.iloc[0]
            spread = (
                f"{metric.format % row['low']} to {metric.format % row['high']} (95 %)"
                if pd.notna(row["low"])
                else None
            )
            parts.append(
                (
                    f"{label}: {style.MODELS.get(row['model'], row['model'])}",
                    metric.format % row["mean"],
                    spread,
                )
            )
    parts.append(("Races scored", str(int(table["races"].max())), None))
    for column, (label, value, spread) in zip(st.columns(3), parts, strict=False):
        column.metric(
            label, value, delta=spread, delta_color="off", delta_arrow="off", border=True, height="stretch"
        )


def _tables(frame: pd.DataFrame, name: str, metric: style.Metric) -> None:
    table = _summary(frame, name, ["model"])
    _headline(table, metric)
    st.subheader("By model", anchor=False)
    table = table.sort_values("mean", ascending=metric.lower_is_better)
    st.dataframe(
        table.assign(model=table["model"].map(style.model_label)),
        hide_index=True,
        width="stretch",
        height=full_height(len(table)),
        column_config=_columns(metric),
    )
    st.caption(
        f"{metric.help} {'Lower' if metric.lower_is_better else 'Higher'} is better. The interval says how far"
        f" the mean moves when the races are drawn again ({scores.RESAMPLES:,} times, with replacement)."
    )


def _over_time(frame: pd.DataFrame, name: str, metric: style.Metric, season: str) -> None:
    st.subheader("Over time", anchor=False)
    kind = choose(
        "Mean of",
        ["rolling", "cumulative"],
        page=PAGE,
        name="mean",
        default="rolling",
        show=lambda kind: f"the last {WINDOW} races" if kind == "rolling" else "all races so far",
        kind="radio",
    )
    if season == ALL:
        lines = scores.over_time(frame, name, WINDOW if kind == "rolling" else None)
    elif kind == "rolling":
        # The window reaches back into the season before: a season alone hardly fills it.
        lines = scores.over_time(frame, name, WINDOW)
        lines = lines[lines["season"] == int(season)]
    else:
        lines = scores.over_time(frame[frame["season"] == int(season)], name, None)
    names = style.in_order(lines["model"], style.MODELS)
    st.plotly_chart(
        charts.accuracy_chart(lines, names, metric),
        width="stretch",
        config=charts.CONFIG,
        key="accuracy-chart",
    )


def _by_season(frame: pd.DataFrame, name: str, metric: style.Metric) -> None:
    st.subheader("By season", anchor=False)
    table = _summary(frame, name, ["season", "model"])
    order = style.in_order(table["model"], style.MODELS)
    wide = table.pivot(index="season", columns="model", values="mean")[order].sort_index(ascending=False)
    races = table.groupby("season")["races"].max().rename("Races")
    wide = wide.join(races)[["Races", *order]].reset_index()
    number = st.column_config.NumberColumn
    st.dataframe(
        wide,
        hide_index=True,
        width="stretch",
        height=full_height(len(wide)),
        column_config={
            "season": number("Season", format="%d", pinned=True),
            **{model: number(style.MODELS.get(model, model), format=metric.format) for model in order},
        },
    )
    with st.expander("By season, with intervals"):
        table = table.sort_values(["season", "mean"], ascending=[False, metric.lower_is_better])
        st.dataframe(
            table.assign(model=table["model"].map(style.model_label)),
            hide_index=True,
            width="stretch",
            column_config=_columns(metric),
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
    frame = data.read(queries.scores.accuracy, horizon)
    with second:
        name = choose(
            "Score",
            list(style.METRICS),
            page=PAGE,
            name="metric",
            default="log_loss",
            show=lambda name: style.METRICS[name].label,
        )
    seasons = [str(season) for season in sorted(frame["season"].unique(), reverse=True)]
    with third:
        season = choose(
            "Season",
            [ALL, *seasons],
            page=PAGE,
            name="season",
            default=ALL,
            show=lambda season: "All seasons" if season == ALL else season,
        )
    metric = style.METRICS[name]
    shown = frame if season == ALL else frame[frame["season"] == int(season)]
    _tables(shown, name, metric)
    _over_time(frame, name, metric, season)
    if season == ALL:
        _by_season(frame, name, metric)


if __name__ == "__main__":
    render()
