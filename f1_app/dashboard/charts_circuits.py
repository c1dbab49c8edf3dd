"""Charts of circuits: what the grid decided, and what the models know of the place."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from f1_app.dashboard import style
from f1_app.dashboard.charts import second_drivers
from f1_app.dashboard.charts_people import layout, unique_labels
from f1_app.dashboard.colours import team_colours

_BLUE = "#0072B2"
_ORANGE = "#E69F00"


def winner_chart(places: pd.Series) -> Any:
    """From which places of the grid races were won; ``places`` as ``summaries.winner_places`` gives them."""
    total = max(int(places.sum()), 1)
    share = places / total * 100
    figure = go.Figure(
        go.Bar(
            x=share,
            y=list(places.index),
            orientation="h",
            marker={"color": _BLUE, "line": {"color": style.NEUTRAL, "width": 1}},
            text=[f" {value:.0f} % ({count})" for value, count in zip(share, places, strict=True)],
            textposition="outside",
            cliponaxis=False,
            customdata=list(places),
            hovertemplate="Won from %{y}: %{customdata} races<extra></extra>",
        )
    )
    figure.update_xaxes(
        range=[0, max(float(share.max()), 1.0) * 1.25], ticksuffix=" %", fixedrange=True, title=None, nticks=5
    )
    figure.update_yaxes(autorange="reversed", type="category", fixedrange=True, title=None, dtick=1)
    return layout(figure, 300, showlegend=False, bargap=0.3)


def order_chart(races: pd.DataFrame) -> Any:
    """Rank correlation of grid and finish of every race; filled where the first on the grid won.

    ``races`` is ``summaries.by_race`` with ``date, race, season, winners``.
    """
    figure = go.Figure()
    for name, won, colour, symbol in (
        ("Won from first on the grid", 1.0, _ORANGE, "circle"),
        ("Won from another place", 0.0, _BLUE, "diamond-open"),
    ):
        rows = races[races["pole_won"].eq(won) & races["rank_correlation"].notna()]
        figure.add_scatter(
            x=rows["date"],
            y=rows["rank_correlation"],
            mode="markers",
            name=name,
            marker={"color": colour, "symbol": symbol, "size": 9, "line": {"width": 1.5}},
            customdata=list(
                zip(rows["race"], rows["season"], rows["winners"], rows["winner_grid"], strict=True)
            ),
            hovertemplate="<b>%{customdata[0]} %{customdata[1]}</b><br>%{customdata[2]} from place %{customdata[3]}"
            "<br>rank correlation %{y:.2f}<extra></extra>",
        )
    figure.update_xaxes(title=None, fixedrange=True)
    figure.update_yaxes(title="Rank correlation of grid and finish", fixedrange=True, range=[None, 1.05])
    return layout(
        figure,
        360,
        hovermode="closest",
        legend={"orientation": "h", "yanchor": "top", "y": -0.14, "x": 0, "title": None},
    )


def retirement_chart(coefficients: pd.DataFrame) -> Any:
    """Retirements over those expected of the cars, in per cent, as the models knew it before each race."""
    more = np.expm1(coefficients["retirement_circuit"]) * 100
    figure = go.Figure(
        go.Scatter(
            x=coefficients["date"],
            y=more,
            mode="lines+markers",
            line={"color": _BLUE, "width": 2},
            marker={"size": 6},
            customdata=list(zip(coefficients["race"], coefficients["season"], strict=True)),
            hovertemplate="Before the %{customdata[0]} %{customdata[1]}<br>%{y:+.1f} %<extra></extra>",
        )
    )
    figure.add_hline(y=0, line={"color": style.NEUTRAL, "dash": "dot", "width": 1.5})
    figure.update_xaxes(title=None, fixedrange=True)
    figure.update_yaxes(
        title="Retirements against an average circuit", ticksuffix=" %", fixedrange=True, zeroline=False
    )
    return layout(figure, 320, showlegend=False)


def reasons_chart(here: pd.Series, everywhere: pd.Series) -> Any:
    """What forecasts are made of at this circuit, beside all circuits; both by group of features."""
    order = [group for group in style.REASONS if group in everywhere.index]
    order += sorted(set(everywhere.index) - set(order))
    labels = [style.reason_label(group) for group in order]
    figure = go.Figure()
    for name, values, colour, pattern in (
        ("This circuit", here, _BLUE, ""),
        ("All circuits", everywhere, style.NEUTRAL, "/"),
    ):
        figure.add_bar(
            x=values.reindex(order),
            y=labels,
            orientation="h",
            name=name,
            marker={
                "color": colour,
                "line": {"color": style.NEUTRAL, "width": 1},
                "pattern": {
                    "shape": pattern,
                    "fgcolor": "rgba(255,255,255,0.65)",
                    "fillmode": "overlay",
                    "size": 6,
                },
            },
            hovertemplate="%{y}: %{x:.2f}<extra>%{fullData.name}</extra>",
        )
    figure.update_xaxes(title="Spread (log strength)", fixedrange=True)
    figure.update_yaxes(autorange="reversed", type="category", fixedrange=True, title=None, dtick=1)
    height = 44 * len(order) + 130
    return layout(
        figure,
        height,
        barmode="group",
        bargap=0.3,
        legend={"orientation": "h", "yanchor": "top", "y": -70 / height, "x": 0, "title": None},
    )


def driver_chart(drivers: pd.DataFrame, season: int) -> Any:
    """What his record at the circuit adds to the forecast of every driver (log strength), most on top."""
    colours = team_colours(season, drivers["constructor_id"])
    seconds = second_drivers(drivers)
    figure = go.Figure(
        go.Bar(
            x=drivers["contribution"],
            y=unique_labels(drivers["code"], drivers["driver"]),
            orientation="h",
            marker={
                "color": [colours[team] for team in drivers["constructor_id"]],
                "line": {"color": style.NEUTRAL, "width": 1},
                "pattern": {
                    "shape": ["/" if driver in seconds else "" for driver in drivers["driver_id"]],
                    "fgcolor": "rgba(255,255,255,0.65)",
                    "fillmode": "overlay",
                    "size": 6,
                    "solidity": 0.35,
                },
            },
            customdata=list(zip(drivers["driver"], drivers["team"], strict=True)),
            hovertemplate="<b>%{customdata[0]}</b><br>%{customdata[1]}<br>%{x:+.3f}<extra></extra>",
        )
    )
    figure.update_xaxes(fixedrange=True, title="Log strength", nticks=6)
    figure.update_yaxes(autorange="reversed", type="category", fixedrange=True, title=None, dtick=1)
    return layout(figure, 24 * len(drivers) + 80, showlegend=False, bargap=0.28)


def circuits_chart(table: pd.DataFrame, chosen: str) -> Any:
    """Every circuit: how much the grid decides, and how often its first wins; the chosen one marked.

    ``table`` has ``circuit_id, circuit, rank_correlation, pole_share`` (per cent) and ``races``.
    """
    figure = go.Figure()
    marked = table["circuit_id"].eq(chosen)
    for name, rows, colour, symbol, size in (
        ("Others", table[~marked], _BLUE, "circle", 9),
        ("This circuit", table[marked], _ORANGE, "star", 17),
    ):
        figure.add_scatter(
            x=rows["rank_correlation"],
            y=rows["pole_share"],
            mode="markers+text" if name == "This circuit" else "markers",
            name=name,
            text=rows["circuit"],
            textposition="top center",
            marker={
                "color": colour,
                "symbol": symbol,
                "size": size,
                "opacity": 0.8,
                "line": {"width": 1, "color": style.NEUTRAL},
            },
            customdata=list(zip(rows["circuit"], rows["races"], strict=True)),
            hovertemplate="<b>%{customdata[0]}</b><br>%{customdata[1]} races<br>rank correlation %{x:.2f}"
            "<br>first on the grid won %{y:.0f} %<extra></extra>",
        )
    figure.update_xaxes(title="Rank correlation of grid and finish", fixedrange=True)
    figure.update_yaxes(title="First on the grid won", ticksuffix=" %", fixedrange=True, rangemode="tozero")
    return layout(figure, 420, hovermode="closest", showlegend=False)
