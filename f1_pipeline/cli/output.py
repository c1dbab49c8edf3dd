"""How the command prints: tables for people, JSON and CSV for programs."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Mapping
from datetime import date, datetime
from enum import StrEnum
from typing import Any

import pandas as pd
from rich import box
from rich.console import Console
from rich.table import Table

_WIDE = None if sys.stdout.isatty() else 140
"""Width where there is no terminal to ask (a pipe, a file): nothing is cut off."""

console = Console(highlight=False, width=_WIDE)
notices = Console(stderr=True, highlight=False)


class Format(StrEnum):
    """Output formats of commands that print rows."""

    table = "table"
    json = "json"
    csv = "csv"


class TableOrJson(StrEnum):
    """Output formats of commands whose answer is a summary."""

    table = "table"
    json = "json"


class CsvOrJson(StrEnum):
    """Output formats of the export."""

    csv = "csv"
    json = "json"


def plain(value: Any) -> Any:
    """A value as JSON knows it; missing becomes null, times ISO 8601."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if value is None or value is pd.NaT or (isinstance(value, float) and math.isnan(value)):
        return None
    if isinstance(value, pd.Timestamp | datetime | date):
        return value.isoformat()
    return value.item() if hasattr(value, "item") else value


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows of a frame as JSON-ready dictionaries."""
    return [{str(key): plain(value) for key, value in row.items()} for row in frame.to_dict("records")]


def print_json(value: Any) -> None:
    """Print JSON to standard output."""
    sys.stdout.write(json.dumps(plain(value), ensure_ascii=False, indent=2) + "\n")


def print_csv(frame: pd.DataFrame) -> None:
    """Print CSV with a header to standard output."""
    frame.to_csv(sys.stdout, index=False)


def print_table(
    frame: pd.DataFrame,
    title: str | None = None,
    percent: tuple[str, ...] = (),
    places: Mapping[str, int] | None = None,
) -> None:
    """Print a table for people; columns named in ``percent`` are shares of one, ``places`` are decimals other than 3."""
    table = Table(
        title=title,
        title_justify="left",
        header_style="bold",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        collapse_padding=True,
    )
    for name in frame.columns:
        number = pd.api.types.is_numeric_dtype(frame[name])
        table.add_column(str(name), justify="right" if number else "left", no_wrap=True)
    for row in frame.itertuples(index=False):
        cells = []
        for name, value in zip(frame.columns, row, strict=True):
            cells.append(_cell(value, name in percent, (places or {}).get(name, 3)))
        table.add_row(*cells)
    console.print(table)


def _cell(value: Any, percent: bool, places: int) -> str:
    value = plain(value)
    if value is None:
        return "-"
    if percent:
        return f"{100 * value:.1f} %"
    return f"{value:.{places}f}" if isinstance(value, float) else str(value)
