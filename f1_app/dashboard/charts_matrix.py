"""Matrices of probabilities: who ends where, and who is champion if."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from f1_app.dashboard import style
from f1_app.dashboard.charts_season import compact

CELL = "#1F6FC4"
"""Of matrices. Transparent at 0, so that it starts from the page, light or dark; white can be read on it at 1."""
STRONG = 0.8
"""Share of the cell's colour up to which dark numbers keep a contrast of 4.5 on it, on a light page."""


def matrix(
    values: pd.DataFrame, *, hover: str, dark_page: bool, row_pixels: int = 24, decimals: int = 0
) -> Any:
    """Probabilities as shaded cells with their per cent; what is below half of the last digit stays blank.

    Args:
        values: probabilities (0 to 1), rows and columns named as they are shown; NaN is an empty cell.
        hover: hover text with ``%{y}``, ``%{x}`` and ``%{customdata}`` (the probability in words).
        dark_page: Whether the reader's page is dark: pale cells let it through, and their numbers have to be read on it.
        row_pixels: height of a row.
        decimals: digits of the per cent.
    """
    cells = values.to_numpy(dtype=float)
    columns, rows = [str(name) for name in values.columns], [str(name) for name in values.index]
    rgb = ",".join(str(int(CELL[start : start + 2], 16)) for start in (1, 3, 5))
    figure = go.Figure(
        go.Heatmap(
            z=np.sqrt(np.nan_to_num(cells)),
            x=columns,
            y=rows,
            zmin=0,
            zmax=1,
            colorscale=[[0, f"rgba({rgb},0)"], [1, f"rgba({rgb},1)"]],
            showscale=False,
            xgap=1,
            ygap=1,
            customdata=[[style.percent(cell) if cell == cell else "" for cell in row] for row in cells],
            hovertemplate=hover + "<extra></extra>",
        )
    )
    for strong in (False, True):
        chosen = [
            (columns[j], rows[i], f"{cells[i, j] * 100:.{decimals}f}")
            for i, j in zip(*np.nonzero(cells >= 0.5 * 10.0 ** (-decimals - 2)), strict=True)
            if (np.sqrt(cells[i, j]) > STRONG) == strong
        ]
        figure.add_scatter(
            x=[column for column, _, _ in chosen],
            y=[row for _, row, _ in chosen],
            text=[text for _, _, text in chosen],
            mode="text",
            textfont={"size": 11, "color": "#FFFFFF" if strong or dark_page else "#1B2330"},
            hoverinfo="skip",
        )
    figure.update_xaxes(
        type="category",
        # A phone has no room for twenty numbers side by side.
        dtick=1 if len(columns) <= 12 else 2,
        categoryorder="array",
        categoryarray=columns,
        side="top",
        fixedrange=True,
        title=None,
        showgrid=False,
        tickangle=0,
    )
    figure.update_yaxes(
        type="category",
        categoryorder="array",
        categoryarray=rows,
        autorange="reversed",
        fixedrange=True,
        title=None,
        showgrid=False,
        dtick=1,
    )
    return compact(figure, row_pixels * len(rows) + 60)
