"""Parts of the page on accuracy that rank models: means, differences on the same races, over time, by season."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from f1_app.dashboard import charts, charts_scores, scores, style
from f1_app.dashboard.components.picker import choose
from f1_app.dashboard.components.tables import full_height

PAGE = "accuracy"
# About a season, so that one odd race does not turn the line.
WINDOW = 20
# What the wide table shows of every model: the scores that people ask for by name.
WIDE = ("log_loss", "brier", "rps", "top3_accuracy", "winner_correct", "podium_log_loss", "calibration_error")


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


def _between(low: float, high: float, number: str) -> str | None:
    return f"{number % low} to {number % high} (95 %)" if pd.notna(low) else None


def headline(table: pd.DataFrame, metric: style.Metric, differences: pd.DataFrame) -> None:
    """The best model, the best baseline, and what lies between them: whether models earn their keep."""
    ranked = table.sort_values("mean", ascending=metric.lower_is_better)
    parts: list[tuple[str, str, str | None]] = []
    best = {}
    for label, rows in (
        ("model", ranked[~ranked["model"].isin(style.BASELINES)]),
        ("baseline", ranked[ranked["model"].isin(style.BASELINES)]),
    ):
        if not rows.empty:
            row = rows.iloc[0]
            best[label] = row["model"]
            name = style.MODELS.get(row["model"], row["model"])
            parts.append(
                (
                    f"Best {label}: {name}",
                    metric.format % row["mean"],
                    _between(row["low"], row["high"], metric.format),
                )
            )
    between = differences[
        (differences["model"] == best.get("model")) & (differences["reference"] == best.get("baseline"))
    ]
    if not between.empty and metric is style.METRICS["log_loss"]:
        row = between.iloc[0]
        parts.append(
            (
                "Difference on the same races",
                f"{row['difference']:+.3f}",
                _between(row["low"], row["high"], "%+.3f"),
            )
        )
    parts.append(("Races scored", str(int(table["races"].max())), None))
    for column, (label, value, spread) in zip(st.columns(len(parts)), parts, strict=True):
        column.metric(
            label, value, delta=spread, delta_color="off", delta_arrow="off", border=True, height="stretch"
        )


def by_model(table: pd.DataFrame, metric: style.Metric) -> None:
    """Mean of the chosen score per model, as a chart and as a table."""
    st.subheader("By model", anchor=False)
    table = table.sort_values("mean", ascending=metric.lower_is_better)
    st.plotly_chart(
        charts_scores.means_chart(table, metric), width="stretch", config=charts.CONFIG, key="accuracy-means"
    )
    st.caption(
        f"{metric.help} {'Lower' if metric.lower_is_better else 'Higher'} is better. Open grey marks are baselines. The"
        f" line through a mark says how far the mean moves when the races are drawn again ({scores.RESAMPLES:,} times,"
        " with replacement)."
    )
    st.dataframe(
        table[["model", "races", "mean", "low", "high"]].assign(model=table["model"].map(style.model_label)),
        hide_index=True,
        width="stretch",
        height=full_height(len(table)),
        column_config=_columns(metric),
    )


def all_scores(stored: pd.DataFrame) -> None:
    """Every score of every model in one table, without intervals."""
    rows = stored[stored["model"].isin([name for name in style.MODELS if name != "market"])]
    wide = rows.pivot(index="model", columns="score", values="mean").reindex(columns=list(WIDE))
    if wide.empty:
        return
    wide = wide.dropna(axis=1, how="all").sort_values("log_loss").reset_index()
    with st.expander("All scores of all models"):
        st.dataframe(
            wide.assign(model=wide["model"].map(style.model_label)),
            hide_index=True,
            placeholder="-",
            width="stretch",
            height=full_height(len(wide)),
            column_config={
                "model": st.column_config.TextColumn("Model", pinned=True),
                **{
                    name: st.column_config.NumberColumn(
                        style.METRICS[name].label,
                        help=style.METRICS[name].help,
                        format=style.METRICS[name].format,
                    )
                    for name in WIDE
                },
            },
        )


def paired(differences: pd.DataFrame, default: str | None) -> None:
    """Every model against one reference, race by race: what two intervals side by side cannot say."""
    references = style.in_order(set(differences["reference"]) - {"market"}, style.MODELS)
    if not references:
        return
    st.subheader("Differences on the same races", anchor=False)
    reference = choose(
        "Compared with",
        references,
        page=PAGE,
        name="against",
        default=default if default in references else references[0],
        show=style.model_label,
    )
    table = differences[(differences["reference"] == reference) & (differences["model"] != "market")]
    table = table.sort_values("difference")
    st.plotly_chart(
        charts_scores.differences_chart(table, reference),
        width="stretch",
        config=charts.CONFIG,
        key="accuracy-differences",
    )
    st.caption(
        "Left of the broken line is better than the reference. Where the line through a mark crosses it, the races do"
        " not tell the two apart."
    )
    number = st.column_config.NumberColumn
    with st.expander("As a table"):
        st.dataframe(
            table[["model", "races", "difference", "low", "high"]].assign(
                model=table["model"].map(style.model_label)
            ),
            hide_index=True,
            width="stretch",
            height=full_height(len(table)),
            column_config={
                "model": st.column_config.TextColumn("Model", pinned=True),
                "races": number("Races", help="Races that both were scored on"),
                "difference": number("Difference (nats)", format="%+.3f"),
                "low": number("95 % from", format="%+.3f"),
                "high": number("95 % to", format="%+.3f"),
            },
        )


def over_time(frame: pd.DataFrame, name: str, metric: style.Metric, period: str) -> None:
    """How the score moved: of the last races, or of all so far."""
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
    if kind == "rolling":
        # The window reaches back into the season before: a season alone hardly fills it.
        lines = scores.in_period(scores.over_time(frame, name, WINDOW), period)
    else:
        lines = scores.over_time(scores.in_period(frame, period), name, None)
    names = style.in_order(lines["model"], style.MODELS)
    st.plotly_chart(
        charts.accuracy_chart(lines, names, metric),
        width="stretch",
        config=charts.CONFIG,
        key="accuracy-chart",
    )


def by_season(table: pd.DataFrame, metric: style.Metric) -> None:
    """Means of the seasons, newest first; ``table`` has columns ``season, model, races, mean, low, high``."""
    st.subheader("By season", anchor=False)
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
            column_order=["season", "model", "races", "mean", "low", "high"],
            column_config=_columns(metric),
        )
