"""Charts of how good the forecasts were: means and differences with their intervals, and calibration."""

from __future__ import annotations

from typing import Any

import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from f1_app.dashboard import style

_ROW = 26
_BAND = "rgba(0, 114, 178, 0.3)"
_LINE = "#0072B2"


def _layout(figure: Any, height: int, **options: Any) -> Any:
    figure.update_layout(
        height=height,
        margin={"l": 8, "r": 12, "t": 8, "b": 8},
        dragmode=False,
        showlegend=False,
        hoverlabel={"namelength": -1},
        **options,
    )
    return figure


def _dots(table: pd.DataFrame, value: str, number: str) -> Any:
    """One dot a row with its interval, first row on top. Baselines are open grey symbols, as everywhere."""
    text = [
        number % mean + (f"<br>95 %: {number % low} to {number % high}" if pd.notna(low) else "")
        for mean, low, high in zip(table[value], table["low"], table["high"], strict=True)
    ]
    figure = go.Figure(
        go.Scatter(
            x=table[value],
            y=[style.MODELS.get(model, model) for model in table["model"]],
            mode="markers",
            marker={
                "color": [style.model_colour(model) for model in table["model"]],
                "symbol": [style.MODEL_SYMBOLS.get(model, "pentagon") for model in table["model"]],
                "size": 11,
                "line": {"width": 1, "color": style.NEUTRAL},
            },
            error_x={
                "type": "data",
                "symmetric": False,
                "array": (table["high"] - table[value]).clip(lower=0).fillna(0),
                "arrayminus": (table[value] - table["low"]).clip(lower=0).fillna(0),
                "color": style.NEUTRAL,
                "thickness": 1.5,
                "width": 4,
            },
            customdata=list(zip(text, table["races"], strict=True)),
            hovertemplate="<b>%{y}</b><br>%{customdata[0]}<br>%{customdata[1]} races<extra></extra>",
        )
    )
    figure.update_yaxes(
        autorange="reversed",
        type="category",
        fixedrange=True,
        title=None,
        dtick=1,
        showgrid=True,
        automargin=True,
    )
    return figure


def means_chart(table: pd.DataFrame, metric: style.Metric) -> Any:
    """Mean of a score per model with its interval, best on top."""
    figure = _dots(table, "mean", metric.format)
    figure.update_xaxes(title=metric.label, fixedrange=True, zeroline=False, nticks=7)
    return _layout(figure, _ROW * len(table) + 74)


def differences_chart(table: pd.DataFrame, reference: str) -> Any:
    """Difference of log loss to a reference per model, best on top; left of the line is better than the reference."""
    figure = _dots(table, "difference", "%+.3f")
    figure.add_vline(x=0, line={"color": style.NEUTRAL, "width": 2, "dash": "dash"})
    figure.update_xaxes(
        title=f"Log loss minus that of {style.MODELS.get(reference, reference)} (nats)",
        fixedrange=True,
        zeroline=False,
        nticks=7,
    )
    return _layout(figure, _ROW * len(table) + 74)


def calibration_chart(table: pd.DataFrame) -> Any:
    """What was forecast against what happened, with the band of chance; below it how many pairs stand behind a point."""
    figure = make_subplots(rows=2, cols=1, shared_xaxes=True, row_heights=[0.76, 0.24], vertical_spacing=0.05)
    forecast, observed = table["forecast"] * 100, table["observed"] * 100
    figure.add_scatter(
        x=[0, 100],
        y=[0, 100],
        mode="lines",
        line={"color": style.NEUTRAL, "width": 1.5, "dash": "dash"},
        hoverinfo="skip",
        row=1,
        col=1,
    )
    figure.add_scatter(
        x=[*forecast, *forecast[::-1]],
        y=[*(table["high"] * 100), *(table["low"] * 100)[::-1]],
        mode="lines",
        line={"width": 0},
        fill="toself",
        fillcolor=_BAND,
        hoverinfo="skip",
        row=1,
        col=1,
    )
    figure.add_scatter(
        x=forecast,
        y=observed,
        mode="lines+markers",
        line={"color": _LINE, "width": 2},
        marker={"size": 9, "color": _LINE},
        customdata=list(zip(table["count"], table["low"] * 100, table["high"] * 100, strict=True)),
        hovertemplate="forecast %{x:.1f} %<br>happened %{y:.1f} % (%{customdata[1]:.1f} to %{customdata[2]:.1f} %)"
        "<br>%{customdata[0]:,} pairs of race and driver<extra></extra>",
        row=1,
        col=1,
    )
    figure.add_bar(
        x=table["bin"] * 10 + 5,
        y=table["count"],
        width=9,
        marker={"color": style.NEUTRAL},
        hovertemplate="%{y:,} pairs<extra></extra>",
        row=2,
        col=1,
    )
    figure.update_xaxes(range=[0, 100], fixedrange=True, ticksuffix=" %", dtick=20)
    figure.update_xaxes(title="Forecast", row=2, col=1)
    figure.update_yaxes(title="Happened", range=[0, 100], fixedrange=True, ticksuffix=" %", row=1, col=1)
    # Most pairs are outsiders: on a plain scale the other bars could not be seen.
    figure.update_yaxes(title="Pairs", type="log", fixedrange=True, dtick=1, row=2, col=1)
    return _layout(figure, 460)
