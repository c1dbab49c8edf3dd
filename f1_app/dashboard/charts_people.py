"""Charts of drivers and teams: ratings over time, and team-mates against each other."""

from __future__ import annotations

from typing import Any, NamedTuple

import pandas as pd
import plotly.graph_objects as go

from f1_app.dashboard import style
from f1_app.dashboard.colours import team_colours

DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
"""Lines that share a colour are told apart by these, in this order."""

AWAY_DAYS = 300
"""A line is broken where somebody was away longer than a winter: it would claim ratings that nobody computed."""


_LABEL = 20
"""Height of a label at the end of a line, with the space around it (pixels)."""


class Line(NamedTuple):
    """One line: its key in the data, the short name at its end, the full one, and how it is drawn."""

    entity: str
    code: str
    name: str
    colour: str
    dash: str


def layout(figure: Any, height: int, **options: Any) -> Any:
    """Margins and behaviour that all charts share."""
    figure.update_layout(
        height=height,
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
        dragmode=False,
        hoverlabel={"namelength": -1},
        **options,
    )
    return figure


def unique_labels(codes: pd.Series, names: pd.Series) -> list[str]:
    """The codes, or the names where two have the same code: one category of an axis would take both."""
    twice = codes.duplicated(keep=False)
    return [str(name if double else code) for code, name, double in zip(codes, names, twice, strict=True)]


def spread(values: list[float], gap: float) -> list[float]:
    """Move values apart until neighbours are ``gap`` apart, in their order and around the same mean."""
    order = sorted(range(len(values)), key=values.__getitem__)
    blocks: list[list[int]] = []
    centres: list[float] = []
    for index in order:
        blocks.append([index])
        centres.append(values[index])
        # Two blocks that would overlap become one, around the mean of what is in it.
        while len(blocks) > 1 and centres[-1] - centres[-2] < gap * (len(blocks[-1]) + len(blocks[-2])) / 2:
            blocks[-2:] = [blocks[-2] + blocks[-1]]
            centres[-2:] = [sum(values[one] for one in blocks[-1]) / len(blocks[-1])]
    moved = list(values)
    for block, centre in zip(blocks, centres, strict=True):
        for place, index in enumerate(block):
            moved[index] = centre + gap * (place - (len(block) - 1) / 2)
    return moved


def lines_of(ratings: pd.DataFrame, order: list[str], names: dict[str, tuple[str, str]]) -> list[Line]:
    """Colour and dash of every driver or team, in the order given.

    Args:
        ratings: Rows with ``entity_id, season, constructor_id`` in order of time: the colour is that of the last team.
        order: Who is drawn.
        names: Short and full name by id.
    """
    lines: list[Line] = []
    used: dict[str, int] = {}
    for entity in order:
        rows = ratings[ratings["entity_id"] == entity]
        if rows.empty:
            continue
        last = rows.iloc[-1]
        team = str(last["constructor_id"]) if pd.notna(last["constructor_id"]) else entity
        colour = team_colours(int(last["season"]), [team])[team]
        dash = DASHES[used.get(colour, 0) % len(DASHES)]
        used[colour] = used.get(colour, 0) + 1
        code, name = names.get(entity, (entity[:3].upper(), entity))
        lines.append(Line(entity, code, name, colour, dash))
    return lines


def broken(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of one line with an empty one before every return from an absence."""
    days = pd.to_datetime(rows["date"])
    returns = (days.diff().dt.days > AWAY_DAYS).to_numpy()
    if not returns.any():
        return rows
    empty = rows[returns].copy()
    empty[["value", "low", "high"]] = float("nan")
    return pd.concat([empty, rows]).sort_values(["date", "value"], na_position="first", ignore_index=True)


def rating_chart(ratings: pd.DataFrame, lines: list[Line], title: str, number: str, *, bands: bool) -> Any:
    """A rating over time, one line a driver or team with its code at the end; with bands of 95 % where there are few.

    ``ratings`` has ``entity_id, date, race, season, team, value, low, high``.
    """
    figure = go.Figure()
    for line in lines:
        rows = broken(ratings[ratings["entity_id"] == line.entity])
        if bands and rows["low"].notna().any():
            for low, high in _bands(rows):
                figure.add_scatter(
                    x=[*high.index, *low.index[::-1]],
                    y=[*high, *low[::-1]],
                    fill="toself",
                    fillcolor=_faint(line.colour),
                    line={"width": 0},
                    mode="lines",
                    hoverinfo="skip",
                    showlegend=False,
                    legendgroup=line.entity,
                )
        figure.add_scatter(
            x=rows["date"],
            y=rows["value"],
            mode="lines+markers" if len(rows) <= 40 else "lines",
            name=f"{line.code} · {line.name}" if line.code != line.name else line.name,
            legendgroup=line.entity,
            connectgaps=False,
            marker={"size": 5},
            line={"color": line.colour, "width": 2, "dash": line.dash},
            customdata=list(zip(rows["race"], rows["season"], rows["team"], strict=True)),
            hovertemplate=f"<b>{line.name}</b> (%{{customdata[2]}})<br>%{{customdata[0]}} %{{customdata[1]}}"
            f"<br>%{{y:{number}}}<extra></extra>",
        )
    bottom, top = _range(ratings, bands=bands)
    height = 460 + 12 * len(lines)
    ends = [ratings[ratings["entity_id"] == line.entity].iloc[-1] for line in lines]
    gap = (top - bottom) * _LABEL / height
    for line, end, at in zip(lines, ends, spread([float(end["value"]) for end in ends], gap), strict=True):
        figure.add_annotation(
            x=end["date"],
            y=at,
            text=line.code,
            showarrow=False,
            xanchor="left",
            xshift=4,
            font={"size": 12, "color": style.NEUTRAL},
        )
    figure.update_xaxes(title=None, fixedrange=True)
    figure.update_yaxes(title=title, fixedrange=True, zeroline=False, range=[bottom, top])
    return layout(
        figure,
        height,
        hovermode="closest",
        showlegend=len(lines) > 1,
        legend={"orientation": "h", "yanchor": "top", "y": -0.12, "x": 0, "title": None},
    )


def _range(ratings: pd.DataFrame, *, bands: bool) -> tuple[float, float]:
    """Ends of the axis: every value, and all but the widest of the bands. The first race of a career says nothing of the
    rating, and its band would press everything else flat."""
    low, high = float(ratings["value"].min()), float(ratings["value"].max())
    if bands and ratings["low"].notna().any():
        low = min(low, float(ratings["low"].quantile(0.03)))
        high = max(high, float(ratings["high"].quantile(0.97)))
    margin = max((high - low) * 0.05, 0.01)
    return low - margin, high + margin


def _bands(rows: pd.DataFrame) -> list[tuple[pd.Series, pd.Series]]:
    """Lower and upper end of every unbroken part, by date."""
    parts = rows["value"].isna().cumsum()
    found = []
    for _, part in rows.dropna(subset=["low", "high"]).groupby(parts):
        part = part.set_index("date")
        found.append((part["low"], part["high"]))
    return found


def _faint(colour: str) -> str:
    red, green, blue = (int(colour[start : start + 2], 16) for start in (1, 3, 5))
    return f"rgba({red}, {green}, {blue}, 0.16)"


def duel_chart(table: pd.DataFrame, own: str) -> Any:
    """How often a driver was ahead of each team-mate, in per cent: races and qualifying.

    ``table`` has ``label, rival`` and the counts of ``summaries.head_to_heads``.
    """
    figure = go.Figure()
    # Colours and symbols of Okabe and Ito's that do not depend on each other.
    for name, ahead, behind, colour, symbol in (
        ("Races", "ahead", "behind", "#0072B2", "circle"),
        ("Qualifying", "qualifying_ahead", "qualifying_behind", "#E69F00", "diamond"),
    ):
        total = table[ahead] + table[behind]
        rows = table[total > 0]
        figure.add_scatter(
            x=(rows[ahead] / total[total > 0]) * 100,
            y=rows["label"],
            mode="markers",
            name=name,
            marker={
                "color": colour,
                "symbol": symbol,
                "size": 12,
                "line": {"width": 1, "color": style.NEUTRAL},
            },
            customdata=list(zip(rows["rival"], rows[ahead], rows[behind], strict=True)),
            hovertemplate=f"<b>{own} and %{{customdata[0]}}</b><br>{name}: %{{customdata[1]}} to %{{customdata[2]}}"
            "<extra></extra>",
        )
    figure.add_vline(x=50, line={"color": style.NEUTRAL, "dash": "dot", "width": 1.5})
    figure.update_xaxes(
        range=[-4, 104], ticksuffix=" %", fixedrange=True, title=None, nticks=6, zeroline=False
    )
    figure.update_yaxes(
        autorange="reversed",
        type="category",
        categoryorder="array",
        categoryarray=list(table["label"]),
        fixedrange=True,
        title=None,
        dtick=1,
    )
    height = 30 * len(table) + 110
    return layout(
        figure,
        height,
        legend={"orientation": "h", "yanchor": "top", "y": -45 / height, "x": 0, "title": None},
    )
