"""Where a circuit is: a piece of the world map, drawn from an outline that comes with the product.

Plotly's own maps fetch their outlines from the internet when they are shown; this one is a polygon on
plain axes. ``land.txt`` is Natural Earth's land at 1:110,000,000 (public domain), without the Antarctic
and with its lines thinned to .3 degrees: one ring a line, ``longitude,latitude`` in degrees.
"""

from __future__ import annotations

import math
from functools import lru_cache
from pathlib import Path
from typing import Any

import plotly.graph_objects as go

from f1_app.dashboard import style

LAND = Path(__file__).with_name("land.txt")

HALF_WIDTH = 26.0
"""Degrees of longitude to each side, at the equator: enough to know a coast by its shape."""

HALF_HEIGHT = 13.0

Ring = list[tuple[float, float]]


@lru_cache(maxsize=1)
def land() -> list[Ring]:
    """Rings of (longitude, latitude)."""
    rings = []
    for line in LAND.read_text(encoding="utf-8").splitlines():
        points = (point.split(",") for point in line.split())
        rings.append([(float(x), float(y)) for x, y in points])
    return rings


def locator(latitude: float, longitude: float, name: str) -> Any:
    """The land around a circuit, and a pin with its name.

    Distances are right at the circuit: a degree of longitude is drawn as long as it is at its latitude.
    """
    squeeze = max(0.3, math.cos(math.radians(latitude)))
    half = HALF_WIDTH / squeeze
    west, east = longitude - half, longitude + half
    south, north = latitude - HALF_HEIGHT, latitude + HALF_HEIGHT
    xs: list[float | None] = []
    ys: list[float | None] = []
    for ring in land():
        # The window may reach over the date line: the land is drawn once more on the other side.
        for shift in (-360.0, 0.0, 360.0):
            lons, lats = [x + shift for x, _ in ring], [y for _, y in ring]
            # Twice the window: a wide chart shows more of the world than was asked for.
            if max(lons) < west - half or min(lons) > east + half:
                continue
            if max(lats) < south - HALF_HEIGHT or min(lats) > north + HALF_HEIGHT:
                continue
            xs += [*lons, None]
            ys += [*lats, None]
    figure = go.Figure(
        go.Scatter(
            x=xs,
            y=ys,
            mode="lines",
            fill="toself",
            fillcolor="rgba(138, 144, 154, 0.28)",
            line={"color": style.NEUTRAL, "width": 1},
            hoverinfo="skip",
        )
    )
    figure.add_scatter(
        x=[longitude],
        y=[latitude],
        mode="markers+text",
        marker={"symbol": "circle", "size": 13, "color": "#D55E00", "line": {"color": "#FFFFFF", "width": 2}},
        text=[f"<b>{name}</b>"],
        textposition="top center",
        hovertemplate=f"{abs(latitude):.3f}° {'N' if latitude >= 0 else 'S'},"
        f" {abs(longitude):.3f}° {'E' if longitude >= 0 else 'W'}<extra></extra>",
    )
    hidden = {"visible": False, "fixedrange": True}
    figure.update_xaxes(range=[west, east], constrain="domain", **hidden)
    figure.update_yaxes(range=[south, north], scaleanchor="x", scaleratio=1 / squeeze, **hidden)
    figure.update_layout(
        height=250, margin={"l": 0, "r": 0, "t": 0, "b": 0}, dragmode=False, showlegend=False
    )
    return figure
