"""How long the server works on each page of the dashboard, on a filled home.

    python benchmarks/pages.py HOME [--races 8]

Every page is run by Streamlit's own script runner (AppTest) on the state in HOME, which is only read: shown with
nothing cached, shown once more, then with every choice of the page changed once and, on *Any race*, with other races.
Beside it stand the seconds that the same queries take bare, on one connection without Streamlit or cache. AppTest also
takes apart what the page sent, so a server is a little quicker. Seconds of computing mean something on a machine that
others use too. Wanted are 2 s for a page and .5 s for another race; what is over it makes the exit code 1.
"""

from __future__ import annotations

import argparse
import logging
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from statistics import median
from typing import Any
from unittest.mock import patch

import streamlit as st
from streamlit.testing.v1 import AppTest

import f1_app.dashboard
from f1_app import queries
from f1_app.dashboard import data
from f1_app.database import reading

APP = Path(f1_app.dashboard.__file__).with_name("app.py")
START = "views/next_race.py"
RACE_CHOICE = "compare:race"
CHANGES = {
    "compare:horizon": "pre_weekend",
    "compare:model": "elo",
    "compare:season": "2021",
    "next:model": "rating",
}
"""Choices that are changed, and to what; AppTest wants values, and knows only how they are called."""
PAGE_SECONDS, RACE_SECONDS = 2.0, 0.5

Call = tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]


@contextmanager
def recorded() -> Iterator[list[Call]]:
    """What a page asks of the tables, each question once."""
    calls: list[Call] = []
    real = data.read

    def read(query: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        if (query, arguments, named) not in calls:
            calls.append((query, arguments, named))
        return real(query, *arguments, **named)

    with patch.object(data, "read", read):
        yield calls


def bare(calls: list[Call]) -> float:
    """Seconds that the queries take alone, with that of the data version."""
    began = time.perf_counter()
    with reading() as connection:
        queries.state.data_version(connection)
        for query, arguments, named in calls:
            query(connection, *arguments, **named)
    return time.perf_counter() - began


@dataclass(frozen=True, order=True)
class Spent:
    """Seconds of one run of a page on the clock, of computing, and of its queries bare."""

    clock: float
    computing: float
    queries: float


def run(at: AppTest) -> Spent:
    """Run a page and measure it."""
    with recorded() as calls:
        began, computed = time.perf_counter(), time.process_time()
        at.run()
        clock, computing = time.perf_counter() - began, time.process_time() - computed
    if at.exception:
        raise SystemExit(f"the page failed: {at.exception[0].message}")
    return Spent(clock, computing, bare(calls))


def line(what: str, spent: Spent, limit: float | None = None) -> bool:
    """Print one measurement; whether it is within its limit."""
    within = limit is None or spent.clock <= limit
    verdict = "" if limit is None else f"; wanted {limit:.1f} s: {'yes' if within else 'NO'}"
    print(
        f"  {what:<36} {spent.clock:5.2f} s ({spent.computing:.2f} s of computing), queries bare"
        f" {spent.queries:.3f} s{verdict}"
    )
    return within


def choices(at: AppTest) -> set[str]:
    """Keys of the widgets of a page that offer more than one thing."""
    return {widget.key for widget in [*at.selectbox, *at.radio] if widget.key and len(widget.options) > 1}


def other_races(at: AppTest, count: int) -> tuple[list[Spent], int]:
    """Measure other races of the season, none of which was shown yet."""
    widget = at.selectbox(key=RACE_CHOICE)
    with reading() as connection:
        season = int(str(widget.value).split("-")[0])
        keys = list(queries.forecasts.forecast_races(connection, season)["race_key"])
    spent = []
    for key in [key for key in keys if key != widget.value][:count]:
        at.selectbox(key=RACE_CHOICE).set_value(key)
        spent.append(run(at))
    return spent, season


def measure(page: str, races: int) -> bool:
    """Print what one page takes; whether all of it is within the limits."""
    print(page)
    at = AppTest.from_file(str(APP), default_timeout=120)
    at.run()
    if page != START:
        at.switch_page(page)
    st.cache_data.clear()
    good = line("first show, nothing cached", run(at), PAGE_SECONDS)
    line("shown again", run(at))
    if RACE_CHOICE in choices(at):
        spent, season = other_races(at, races)
        if spent:
            middle = Spent(*(median(getattr(one, field.name) for one in spent) for field in fields(Spent)))
            good &= line(f"another race of {season}, median of {len(spent)}", middle, RACE_SECONDS)
            line("  the slowest of them", max(spent))
    for key, value in CHANGES.items():
        if key in choices(at):
            next(widget for widget in [*at.selectbox, *at.radio] if widget.key == key).set_value(value)
            line(f"another {key.split(':')[-1]}: {value}", run(at))
    return good


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("home", type=Path)
    parser.add_argument("--races", type=int, default=8)
    parser.add_argument("--page", action="append", help="only this file of views/, such as compare.py")
    options = parser.parse_args()
    os.environ["F1_HOME"] = str(options.home.resolve())
    logging.getLogger("streamlit").setLevel(logging.ERROR)
    at = AppTest.from_file(str(APP), default_timeout=120)
    print("a new process")
    good = line("first page of all, with imports", run(at), PAGE_SECONDS)
    for file in sorted((APP.parent / "views").glob("[!_]*.py")):
        if not options.page or file.name in options.page:
            good &= measure(f"views/{file.name}", options.races)
    raise SystemExit(0 if good else 1)


if __name__ == "__main__":
    main()
