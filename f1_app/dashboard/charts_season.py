"""Charts of a season: lines from race to race, and final points with their bands."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from f1_app.dashboard import style
from f1_app.dashboard.colours import team_colours

DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
PATTERNS = ("", "/", "x", ".", "+", "-")
SYMBOLS = ("circle", "circle-open", "square", "square-open", "diamond", "diamond-open")
"""By place among the team-mates: two lines of one colour have to be told apart."""
LABEL_PIXELS = 14


def distinct_codes(frame: pd.DataFrame) -> dict[str, str]:
    """A label for every ``entity_id``: the code, and where two have the same one, more of the name.

    Two drivers of one code (PAN in 2004, three pairs in 1950) would share a row of a chart and be one bar.
    """
    who = frame.drop_duplicates("entity_id")
    shared = who["code"].duplicated(keep=False)
    labels = {
        str(row["entity_id"]): f"{row['code']} {str(row['name'])[0]}." if double else str(row["code"])
        for (_, row), double in zip(who.iterrows(), shared, strict=True)
    }
    counts = pd.Series(labels).value_counts()
    return {key: label if counts[label] == 1 else f"{label} {key}" for key, label in labels.items()}


def places_in_team(frame: pd.DataFrame) -> dict[str, int]:
    """Number of each ``entity_id`` among those of its team, from 0 on.

    In the order in which they came (rows of races in calendar order) and then by code: it must change neither with the
    results nor with who is called in later.
    """
    first = frame.assign(came=pd.factorize(frame["race_key"])[0] if "race_key" in frame else 0)
    who = first.drop_duplicates("entity_id").sort_values(["constructor_id", "came", "code", "entity_id"])
    return dict(zip(who["entity_id"], who.groupby("constructor_id", dropna=False).cumcount(), strict=True))


def spread(values: Sequence[float], gap: float, low: float) -> list[float]:
    """Heights of labels that stay at their values where there is room, and at least ``gap`` apart where not.

    Args:
        values: where the labels belong.
        gap: least distance of two.
        low: no label goes below, unless there are too many.
    """
    order = sorted(range(len(values)), key=lambda place: -values[place])
    placed = list(values)
    for upper, lower in pairwise(order):
        placed[lower] = min(placed[lower], placed[upper] - gap)
    floor = low
    for place in reversed(order):
        placed[place] = max(placed[place], floor)
        floor = placed[place] + gap
    return placed


def compact(figure: Any, height: int, right: int = 8, **options: Any) -> Any:
    """Narrow margins, nothing to drag, and no legend: lines and rows have their names beside them."""
    figure.update_layout(
        height=height,
        margin={"l": 8, "r": right, "t": 8, "b": 8},
        dragmode=False,
        hoverlabel={"namelength": -1},
        showlegend=False,
        **options,
    )
    return figure


def season_lines(
    frame: pd.DataFrame,
    season: int,
    ticks: Sequence[tuple[float, str]],
    *,
    title: str,
    suffix: str = "",
    hover: str = "%{y:.1f}",
    mark: float | None = None,
    top: float | None = None,
    mates: dict[str, int] | None = None,
) -> Any:
    """One line a driver or constructor over the races of a season, in team colours, team-mates by dash.

    Args:
        frame: ``entity_id``, ``code``, ``name``, ``constructor_id``, ``x`` (place of the race), ``y`` and ``when`` (race in
            words), in the order of ``x``.
        season: Season, for the colours.
        ticks: places and labels of the horizontal axis.
        title: what the horizontal axis counts.
        suffix: unit of ``y``.
        hover: format of ``y`` in the hover text.
        mark: place of a vertical line.
        top: upper end of the vertical axis; from the values if None.
        mates: of ``places_in_team``, where the frame holds not the whole field: nobody is to change his dash because
            a team-mate is not drawn.
    """
    colours = team_colours(season, frame["constructor_id"].dropna())
    labels, places = distinct_codes(frame), mates or places_in_team(frame)
    groups = {str(key): rows for key, rows in frame.groupby("entity_id", sort=False)}
    ends = {key: float(rows["y"].iloc[-1]) for key, rows in groups.items()}
    highest = top if top is not None else max(float(frame["y"].max()), 1.0)
    height = max(420, LABEL_PIXELS * len(groups) + 90)
    plot = height - 60
    figure = go.Figure()
    for key in sorted(groups, key=lambda key: ends[key]):
        rows = groups[key]
        figure.add_scatter(
            x=rows["x"],
            y=rows["y"],
            mode="lines+markers" if len(rows) < 2 else "lines",
            name=labels[key],
            line={
                "color": colours.get(rows["constructor_id"].iloc[-1], style.NEUTRAL),
                "width": 2.2,
                "dash": DASHES[places[key] % len(DASHES)],
            },
            customdata=list(zip(rows["name"], rows["when"], strict=True)),
            hovertemplate=f"<b>%{{customdata[0]}}</b><br>%{{customdata[1]}}<br>{hover}{suffix}<extra></extra>",
        )
    keys = list(groups)
    heights = spread([ends[key] for key in keys], highest * LABEL_PIXELS / plot, 0.0)
    last = float(frame["x"].max())
    first = float(frame["x"].min())
    figure.add_scatter(
        x=[last + max(last - first, 1) * 0.02] * len(keys),
        y=heights,
        mode="markers+text",
        text=[f" {labels[key]}" for key in keys],
        textposition="middle right",
        textfont={"size": 12},
        marker={
            "color": [colours.get(groups[key]["constructor_id"].iloc[-1], style.NEUTRAL) for key in keys],
            "symbol": [SYMBOLS[places[key] % len(SYMBOLS)] for key in keys],
            "size": 8,
            "line": {"width": 1.5},
        },
        hoverinfo="skip",
        cliponaxis=False,
    )
    if mark is not None:
        figure.add_vline(x=mark, line={"color": style.NEUTRAL, "width": 1.5, "dash": "dot"})
    span = max(last - first, 1)
    figure.update_xaxes(
        tickmode="array",
        tickvals=[place for place, _ in ticks],
        ticktext=[label for _, label in ticks],
        tickangle=0,
        title={"text": title, "standoff": 6},
        fixedrange=True,
        showgrid=False,
        range=[first - 0.01 * span, last + 0.02 * span],
    )
    ceiling = max(highest, *heights) if heights else highest
    figure.update_yaxes(
        ticksuffix=suffix,
        fixedrange=True,
        title=None,
        range=[-0.02 * highest, ceiling * 1.03],
        zeroline=False,
    )
    widest = max((len(label) for label in labels.values()), default=3)
    return compact(figure, height, right=20 + int(6.8 * widest), hovermode="closest")


def final_points_chart(frame: pd.DataFrame, season: int, final: pd.DataFrame, mates: dict[str, int]) -> Any:
    """Points so far as a bar, expected final points as a marker in their 90 % band, and what came of it once known.

    Args:
        frame: rows of ``queries.championship.championship``, best on top.
        season: Season, for the colours.
        final: ``points`` by ``entity_id`` at the end of the season; empty while it is not over.
        mates: of ``places_in_team``; all but the first of a team are hatched.
    """
    colours = team_colours(season, frame["constructor_id"].dropna())
    labels = distinct_codes(frame)
    rows = [labels[key] for key in frame["entity_id"]]
    paint = [colours.get(team, style.NEUTRAL) for team in frame["constructor_id"]]
    figure = go.Figure(
        go.Bar(
            x=frame["points"],
            y=rows,
            orientation="h",
            marker={
                "color": paint,
                "line": {"color": style.NEUTRAL, "width": 1},
                "pattern": {
                    "shape": [PATTERNS[mates.get(key, 0) % len(PATTERNS)] for key in frame["entity_id"]],
                    "fgcolor": "rgba(255,255,255,0.65)",
                    "fillmode": "overlay",
                    "size": 6,
                    "solidity": 0.35,
                },
            },
            customdata=list(frame["name"]),
            hovertemplate="<b>%{customdata}</b><br>%{x:g} points so far<extra></extra>",
        )
    )
    figure.add_scatter(
        x=frame["expected_points"],
        y=rows,
        mode="markers",
        marker={
            "symbol": "diamond",
            "size": 9,
            "color": paint,
            "line": {"color": style.NEUTRAL, "width": 1.5},
        },
        error_x={
            "type": "data",
            "symmetric": False,
            "array": (frame["points_high"] - frame["expected_points"]).clip(lower=0),
            "arrayminus": (frame["expected_points"] - frame["points_low"]).clip(lower=0),
            "color": style.NEUTRAL,
            "thickness": 2,
            "width": 5,
        },
        customdata=list(zip(frame["name"], frame["points_low"], frame["points_high"], strict=True)),
        hovertemplate="<b>%{customdata[0]}</b><br>%{x:.0f} points expected<br>90 %: %{customdata[1]:.0f} to"
        " %{customdata[2]:.0f}<extra></extra>",
    )
    if not final.empty:
        known = frame[frame["entity_id"].isin(final.index)]
        figure.add_scatter(
            x=[final["points"][key] for key in known["entity_id"]],
            y=[labels[key] for key in known["entity_id"]],
            mode="markers",
            marker={
                "symbol": "x-thin",
                "size": 11,
                "line": {"color": style.MODEL_COLOURS["pool"], "width": 3},
            },
            customdata=list(known["name"]),
            hovertemplate="<b>%{customdata}</b><br>%{x:g} points in the end<extra></extra>",
        )
    figure.update_xaxes(rangemode="tozero", fixedrange=True, title=None, nticks=7)
    figure.update_yaxes(
        autorange="reversed", type="category", fixedrange=True, title=None, showgrid=False, dtick=1
    )
    return compact(figure, 26 * len(frame) + 60, bargap=0.35)
