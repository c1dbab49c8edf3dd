"""Charts of one race's finishing orders: places, pairs of team-mates, and what moved the forecast."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from f1_app.dashboard import style
from f1_app.dashboard.charts import second_drivers
from f1_app.dashboard.colours import team_colours, text_on

_SHADE = "43, 140, 196"
_DEEPEST = 0.8
"""The scale goes from nothing to this much of a blue, so that it is right on light and on dark pages."""

_TEXT = {"light": "#1F2430", "dark": "#FFFFFF"}
"""Text in the cells: contrast 5 and above on the deepest blue of the page. Streamlit's colour for charts is a grey."""

_WRITTEN_FROM = 0.1
"""Places less likely than this are shaded and not written: a phone has 14 pixels for a cell."""

_ROW = 26


def _layout(figure: Any, height: int, **options: Any) -> Any:
    figure.update_layout(
        height=height,
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
        dragmode=False,
        hoverlabel={"namelength": -1},
        **options,
    )
    figure.update_xaxes(fixedrange=True)
    figure.update_yaxes(fixedrange=True)
    return figure


def places_chart(
    forecast: pd.DataFrame,
    places: pd.DataFrame,
    finish: dict[str, int] | None = None,
    theme: str | None = None,
) -> Any:
    """Heat-map of driver by place, who is expected in front on top; a ring where each driver really came in.

    Args:
        forecast: Rows of the drivers (``driver_id, code, driver, expected_position``).
        places: ``driver_id, position, probability``.
        finish: Place of each driver in the result, where there is one and the reader wants to see it.
        theme: ``light`` or ``dark``, what the reader's page is; None where it is not known.
    """
    who = forecast.sort_values(["expected_position", "driver_id"]).set_index("driver_id")
    wide = places.pivot(index="driver_id", columns="position", values="probability")
    wide = wide.reindex([driver for driver in who.index if driver in wide.index])
    codes = [str(who["code"][driver]) for driver in wide.index]
    values = wide.to_numpy(dtype="float64")
    figure = go.Figure(
        go.Heatmap(
            z=values * 100,
            x=list(wide.columns),
            y=codes,
            customdata=[[str(who["driver"][driver])] * values.shape[1] for driver in wide.index],
            hovertemplate="<b>%{customdata}</b><br>P%{x}: %{z:.1f} %<extra></extra>",
            colorscale=[
                [0, f"rgba({_SHADE}, 0)"],
                [0.02, f"rgba({_SHADE}, 0.05)"],
                [1, f"rgba({_SHADE}, {_DEEPEST})"],
            ],
            zmin=0,
            zmax=max(30.0, float(values.max() * 100)) if values.size else 30.0,
            showscale=False,
            xgap=1,
            ygap=1,
        )
    )
    written = [
        (wide.columns[column], codes[row], f"{100 * values[row, column]:.0f}")
        for row, column in zip(*np.nonzero(values >= _WRITTEN_FROM), strict=True)
    ]
    # Not the heat-map's own text: its colour is chosen for the opaque blue, and is lost on a dark page.
    figure.add_scatter(
        x=[place for place, _, _ in written],
        y=[code for _, code, _ in written],
        text=[text for _, _, text in written],
        mode="text",
        textfont={"size": 10, "color": _TEXT.get(theme or "")},
        hoverinfo="skip",
    )
    if finish:
        came = [(finish[d], c) for d, c in zip(wide.index, codes, strict=True) if d in finish]
        figure.add_scatter(
            x=[place for place, _ in came],
            y=[code for _, code in came],
            mode="markers",
            marker={"symbol": "circle-open", "size": 17, "color": "#E69F00", "line": {"width": 2.5}},
            hoverinfo="skip",
        )
    # Stated, because markers would widen the axes beyond the cells.
    figure.update_xaxes(
        range=[0.5, len(wide.columns) + 0.5],
        side="top",
        showgrid=False,
        zeroline=False,
        dtick=1,
        tickangle=0,
        title=None,
        tickfont={"size": 10},
    )
    figure.update_yaxes(range=[len(codes) - 0.5, -0.5], type="category", showgrid=False, dtick=1, title=None)
    return _layout(figure, _ROW * len(codes) + 40, showlegend=False)


def team_mates(forecast: pd.DataFrame, pairs: pd.DataFrame) -> pd.DataFrame:
    """Pairs of one team, the likelier one first (``team, constructor_id, ahead, behind, probability`` and ids)."""
    who = forecast.set_index("driver_id")
    rows = []
    for driver, rival, probability in pairs[["driver_id", "rival_id", "probability"]].itertuples(index=False):
        known = driver in who.index and rival in who.index
        if not known or who["constructor_id"][driver] != who["constructor_id"][rival]:
            continue
        if probability < 0.5:
            driver, rival, probability = rival, driver, 1 - probability
        rows.append(
            {
                "team": who["team"][driver],
                "constructor_id": who["constructor_id"][driver],
                "ahead_id": driver,
                "behind_id": rival,
                "ahead": who["code"][driver],
                "behind": who["code"][rival],
                "probability": float(probability),
            }
        )
    columns = ["team", "constructor_id", "ahead_id", "behind_id", "ahead", "behind", "probability"]
    frame = pd.DataFrame(rows, columns=columns)
    return frame.sort_values(["probability", "team"], ascending=[False, True]).reset_index(drop=True)


def team_mates_chart(forecast: pd.DataFrame, mates: pd.DataFrame, season: int) -> Any:
    """Who of a team is ahead of whom: one bar a team, parted where the chances are, the clearest pair on top."""
    colours = team_colours(season, forecast["constructor_id"])
    seconds = second_drivers(forecast)
    # Teams can have several pairs (three cars in old seasons), so a row is named by its pair.
    rows = [f"{a} {b}" for a, b in zip(mates["ahead"], mates["behind"], strict=True)]
    figure = go.Figure()
    for side in ("ahead", "behind"):
        share = mates["probability"] if side == "ahead" else 1 - mates["probability"]
        paint = [colours[team] for team in mates["constructor_id"]]
        figure.add_bar(
            x=share * 100,
            y=rows,
            orientation="h",
            text=[f"<b>{code}</b> {value:.0%}" for code, value in zip(mates[side], share, strict=True)],
            textposition="inside",
            insidetextanchor="start" if side == "ahead" else "end",
            textangle=0,
            constraintext="none",
            textfont={"color": [text_on(colour) for colour in paint], "size": 12},
            marker={
                "color": paint,
                "line": {"color": style.NEUTRAL, "width": 1},
                "pattern": {
                    "shape": ["/" if driver in seconds else "" for driver in mates[f"{side}_id"]],
                    "fgcolor": "rgba(255,255,255,0.28)",
                    "fillmode": "overlay",
                    "size": 6,
                    "solidity": 0.3,
                },
            },
            customdata=list(zip(mates["team"], mates["ahead"], mates["behind"], share, strict=True)),
            hovertemplate="%{customdata[0]}: <b>"
            + (
                "%{customdata[1]}</b> ahead of %{customdata[2]}"
                if side == "ahead"
                else "%{customdata[2]}</b> ahead of %{customdata[1]}"
            )
            + " in %{customdata[3]:.1%} of the drawn races<extra></extra>",
        )
    figure.add_vline(x=50, line={"color": style.NEUTRAL, "width": 2, "dash": "dot"})
    figure.update_xaxes(range=[0, 100], ticksuffix=" %", showgrid=False, dtick=50, title=None)
    figure.update_yaxes(
        autorange="reversed",
        type="category",
        showgrid=False,
        title=None,
        tickvals=rows,
        ticktext=list(mates["team"]),
    )
    return _layout(figure, 32 * len(rows) + 44, barmode="stack", bargap=0.18, showlegend=False)


def reasons_chart(forecast: pd.DataFrame, reasons: pd.DataFrame) -> Any:
    """What lifts a driver over the average car of the race (to the right) or pulls him below it, by group.

    A contribution is a logarithm: .69 doubles the chances to win against an average car.
    """
    who = forecast.drop_duplicates("driver_id").set_index("driver_id")
    wide = reasons.pivot(index="driver_id", columns="feature_group", values="contribution")
    wide = wide.loc[[driver for driver in wide.index if driver in who.index]]
    total = wide.sum(axis=1).sort_values(ascending=False)
    wide = wide.loc[total.index]
    codes = [str(who["code"][driver]) for driver in wide.index]
    names = [str(who["driver"][driver]) for driver in wide.index]
    figure = go.Figure()
    for group in style.in_order(wide.columns, style.REASONS):
        values = wide[group].astype("float64")
        figure.add_bar(
            x=values,
            y=codes,
            orientation="h",
            name=style.reason_label(group),
            marker={
                "color": style.REASONS[group][1] if group in style.REASONS else style.OTHER,
                "line": {"width": 0},
            },
            customdata=list(zip(names, np.exp(values), strict=True)),
            hovertemplate="<b>%{customdata[0]}</b><br>%{x:+.2f}, chances times %{customdata[1]:.2f}<extra>%{fullData.name}</extra>",
        )
    figure.add_scatter(
        x=total,
        y=codes,
        mode="markers",
        name="All together",
        marker={"symbol": "diamond", "size": 9, "color": "#FFFFFF", "line": {"color": "#202020", "width": 2}},
        customdata=names,
        hovertemplate="<b>%{customdata}</b><br>all together %{x:+.2f}<extra></extra>",
    )
    height = _ROW * len(codes) + 150
    figure.update_xaxes(title=None, zeroline=True, zerolinecolor=style.NEUTRAL, zerolinewidth=2, nticks=8)
    figure.update_yaxes(autorange="reversed", type="category", showgrid=False, dtick=1, title=None)
    return _layout(
        figure,
        height,
        barmode="relative",
        bargap=0.25,
        legend={"orientation": "h", "yanchor": "top", "y": -40 / height, "x": 0, "title": None},
    )
