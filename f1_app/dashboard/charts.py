"""The charts. Axes, bars and markers only: texts around them belong to the pages.

Colours of text and background are Streamlit's (it knows whether the reader's page is light or dark);
what is set here is readable on both.
"""

from __future__ import annotations

from typing import Any

import pandas as pd
import plotly.graph_objects as go

from f1_app.dashboard import style
from f1_app.dashboard.colours import team_colours

CONFIG = {"displaylogo": False, "displayModeBar": False, "scrollZoom": False}
"""No toolbar: it covers the chart on a phone, and the tables have the numbers."""

_BOTTOM_LEGEND = {"orientation": "h", "yanchor": "top", "y": -0.12, "x": 0, "title": None}


def _layout(figure: Any, height: int, **options: Any) -> Any:
    figure.update_layout(
        height=height,
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
        dragmode=False,
        hoverlabel={"namelength": -1},
        **options,
    )
    return figure


def second_drivers(frame: pd.DataFrame) -> set[str]:
    """Drivers who are drawn in the pattern of their team.

    By code, not by probability: a driver must not change places with the team-mate between horizons.
    """
    ordered = frame.sort_values(["constructor_id", "code", "driver_id"])
    return set(ordered.loc[ordered.duplicated("constructor_id"), "driver_id"])


def win_chart(frame: pd.DataFrame, season: int) -> Any:
    """Win probability per driver in team colours, leader on top, with the 95 % interval where stated."""
    colours = team_colours(season, frame["constructor_id"])
    seconds = second_drivers(frame)
    percents = frame["win_probability"] * 100
    # Forecasts of sprints state no interval at all.
    bounds = frame.reindex(columns=["interval_low", "interval_high"]).astype("float64") * 100
    low, high = bounds["interval_low"], bounds["interval_high"]
    has_interval = bool(low.notna().any())
    texts = [style.percent(value) for value in frame["win_probability"]]
    intervals = [
        f"<br>95 % interval {a:.1f} to {b:.1f} %" if pd.notna(a) and pd.notna(b) else ""
        for a, b in zip(low, high, strict=True)
    ]
    figure = go.Figure(
        go.Bar(
            x=percents,
            y=frame["code"],
            orientation="h",
            marker={
                "color": [colours[team] for team in frame["constructor_id"]],
                "line": {"color": style.NEUTRAL, "width": 1},
                "pattern": {
                    "shape": ["/" if driver in seconds else "" for driver in frame["driver_id"]],
                    "fgcolor": "rgba(255,255,255,0.65)",
                    "fillmode": "overlay",
                    "size": 6,
                    "solidity": 0.35,
                },
            },
            error_x={
                "type": "data",
                "symmetric": False,
                "array": (high - percents).clip(lower=0).fillna(0),
                "arrayminus": (percents - low).clip(lower=0).fillna(0),
                "color": style.NEUTRAL,
                "thickness": 1.5,
                "width": 4,
                "visible": has_interval,
            },
            customdata=list(zip(frame["driver"], frame["team"], texts, intervals, strict=True)),
            hovertemplate="<b>%{customdata[0]}</b><br>%{customdata[1]}<br>%{customdata[2]} to win%{customdata[3]}<extra></extra>",
        )
    )
    # Beside the whisker, not on it.
    ends = high.where(high.notna(), percents)
    figure.add_scatter(
        x=ends,
        y=frame["code"],
        mode="text",
        text=[f" {text}" for text in texts],
        textposition="middle right",
        hoverinfo="skip",
        cliponaxis=False,
    )
    top = float(max(ends.max(), 1.0))
    figure.update_xaxes(
        range=[0, top * 1.18], ticksuffix=" %", rangemode="tozero", fixedrange=True, title=None, nticks=6
    )
    # Code for code, and P1 on top.
    figure.update_yaxes(
        autorange="reversed", type="category", fixedrange=True, title=None, showgrid=False, dtick=1
    )
    return _layout(figure, 30 * len(frame) + 56, showlegend=False, bargap=0.28)


def comparison_chart(
    forecasts: pd.DataFrame, order: list[str], names: list[str], finish: dict[str, str]
) -> Any:
    """One row a driver, one marker a model: agreement and dispute at a glance."""
    who = forecasts.drop_duplicates("driver_id").set_index("driver_id")
    labels = {
        driver: f"{who['code'][driver]} · {finish[driver]}" if driver in finish else str(who["code"][driver])
        for driver in order
    }
    figure = go.Figure()
    # Baselines first: they are drawn below the models.
    for name in [*reversed(names)]:
        rows = (
            forecasts[forecasts["model"] == name]
            .set_index("driver_id")
            .reindex(order)
            .dropna(subset="win_probability")
        )
        baseline = name in style.BASELINES
        figure.add_scatter(
            x=rows["win_probability"] * 100,
            y=[labels[driver] for driver in rows.index],
            mode="markers",
            name=style.model_label(name),
            marker={
                "color": style.model_colour(name),
                "symbol": style.MODEL_SYMBOLS.get(name, "pentagon"),
                "size": 13 if name == "pool" else 8 if baseline else 10,
                "opacity": 0.75 if baseline else 0.95,
                "line": {"width": 1.5 if baseline else 0.5, "color": style.NEUTRAL},
            },
            customdata=list(zip(rows["driver"], rows["team"], strict=True)),
            hovertemplate="<b>%{customdata[0]}</b> (%{customdata[1]})<br>%{x:.1f} %<extra>%{fullData.name}</extra>",
        )
    figure.update_xaxes(
        ticksuffix=" %", rangemode="tozero", fixedrange=True, title=None, nticks=6, zeroline=False
    )
    figure.update_yaxes(
        categoryorder="array",
        categoryarray=[labels[driver] for driver in order],
        autorange="reversed",
        fixedrange=True,
        title=None,
        showgrid=True,
        dtick=1,
    )
    return _layout(
        figure,
        26 * len(order) + 150,
        legend={**_BOTTOM_LEGEND, "traceorder": "reversed", "y": -50 / (26 * len(order) + 150)},
    )


def accuracy_chart(lines: pd.DataFrame, names: list[str], metric: style.Metric) -> Any:
    """A score over time, one line a model; baselines thin, grey and broken."""
    figure = go.Figure()
    for name in [*reversed(names)]:
        rows = lines[lines["model"] == name]
        baseline = name in style.BASELINES
        figure.add_scatter(
            x=rows["date"],
            y=rows["value"],
            mode="lines",
            name=style.model_label(name),
            line={
                "color": style.model_colour(name),
                "width": 1 if baseline else 3 if name == "pool" else 1.8,
                "dash": style.BASELINE_DASHES.get(name, "solid"),
            },
            customdata=list(zip(rows["name"], rows["season"], rows["races"], strict=True)),
            hovertemplate="%{customdata[0]} %{customdata[1]}<br>%{y:.3f} over %{customdata[2]} races<extra>%{fullData.name}</extra>",
        )
    figure.update_xaxes(title=None, fixedrange=True)
    figure.update_yaxes(
        title=metric.label + (" (lower is better)" if metric.lower_is_better else " (higher is better)"),
        fixedrange=True,
    )
    return _layout(figure, 440, hovermode="closest", legend={**_BOTTOM_LEGEND, "traceorder": "reversed"})
