"""Parts of the pages of drivers, teams and circuits: key figures, results, records."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from f1_app import summaries
from f1_app.dashboard.components.picker import choose
from f1_app.dashboard.components.tables import full_height
from f1_app.dashboard.style import percent
from f1_pipeline.domain.classification import RETIREMENT_CODES

ALL = "all"
TALLEST = 25
"""Rows that a long table shows at once; below, it scrolls inside itself."""

_ENDINGS = {1: "st", 2: "nd", 3: "rd"}

EXACT_BELOW = 10_000
"""From here on a card shows no fraction: it would not fit, and nobody misses it."""

OUTCOMES = {
    ALL: "Every result",
    "wins": "Wins",
    "podiums": "Podiums",
    "poles": "Starts from first",
    "points": "Points",
    "retired": "Retirements",
}


def figures(cards: Iterable[tuple[str, str, str | None]]) -> None:
    """Key figures side by side, as many in a row as fit: a phone shows two. A card is label, value and note."""
    with st.container(horizontal=True, gap="small"):
        for label, value, note in cards:
            st.metric(
                label,
                value,
                delta=note,
                delta_color="off",
                delta_arrow="off",
                border=True,
                width=160,
                height="stretch",
            )


def share(part: float, whole: float) -> str | None:
    """A part of a whole in per cent; None of nothing."""
    return percent(part / whole) if whole else None


def number(value: float) -> str:
    """Points and counts without needless digits: 26, 12.5, 5,187.5, 11,931."""
    if value >= EXACT_BELOW:
        return f"{value:,.0f}"
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.2f}".rstrip("0")


def span(first: int, last: int) -> str:
    """A span of seasons: 2007-2025, or 2007."""
    return str(first) if first == last else f"{first}\u2013{last}"


def ordinal(place: int) -> str:
    """A place as people say it: 1st, 2nd, 3rd, 11th."""
    if place % 100 in (11, 12, 13):
        return f"{place}th"
    return f"{place}{_ENDINGS.get(place % 10, 'th')}"


def championship_cards(standings: pd.DataFrame) -> list[tuple[str, str, str | None]]:
    """Titles, or the best place of a season that is over; and the place in a season that is not."""
    over = standings["finished"].astype(bool)
    done, now = standings[over], standings[~over].dropna(subset="position")
    cards: list[tuple[str, str, str | None]] = []
    titles = sorted({int(year) for year in done.loc[done["position"].eq(1).fillna(False), "season"]})
    best = done["position"].min()
    if titles:
        cards.append(("Championships", str(len(titles)), span(titles[0], titles[-1])))
    elif pd.notna(best):
        years = sorted({int(year) for year in done.loc[done["position"].eq(best).fillna(False), "season"]})
        cards.append(("Best championship", ordinal(int(best)), str(years[-1])))
    if not now.empty:
        row = now.sort_values(["season", "position"], ascending=[False, True]).iloc[0]
        cards.append((f"Championship {row['season']}", ordinal(int(row["position"])), "so far"))
    return cards


def _one_of(
    label: str, cars: pd.DataFrame, *, page: str, name: str, column: str, title: str, every: str
) -> str:
    """Choose among what occurs in a column of the results, the newest first."""
    found = cars.drop_duplicates(column)
    names = {str(key): str(value) for key, value in zip(found[column], found[title], strict=True)}
    return choose(
        label,
        [ALL, *names],
        page=page,
        name=name,
        default=ALL,
        show=lambda key: every if key == ALL else names.get(key, key),
    )


def filtered(cars: pd.DataFrame, page: str, *, other: tuple[str, str, str, str, str]) -> pd.DataFrame:
    """Results by season, circuit, outcome and one thing more, as the reader chooses and the address says.

    Args:
        cars: Rows of ``queries.drivers.results``.
        page: Name of the page.
        other: Label, query parameter, id column and name column of the fourth filter, and what "all" is called.
    """
    cars = cars.assign(season_id=cars["season"].astype(str))
    columns = st.columns(4)
    with columns[0]:
        season = _one_of(
            "Season",
            cars,
            page=page,
            name="season",
            column="season_id",
            title="season_id",
            every="All seasons",
        )
    label, name, column, title, every = other
    with columns[1]:
        chosen = _one_of(
            label,
            cars.sort_values(title, kind="stable") if column == "driver_id" else cars,
            page=page,
            name=name,
            column=column,
            title=title,
            every=every,
        )
    with columns[2]:
        circuit = _one_of(
            "Circuit",
            cars.dropna(subset="circuit_id").sort_values("circuit", kind="stable"),
            page=page,
            name="circuit",
            column="circuit_id",
            title="circuit",
            every="All circuits",
        )
    with columns[3]:
        outcome = choose(
            "Result",
            list(OUTCOMES),
            page=page,
            name="result",
            default=ALL,
            show=lambda key: OUTCOMES[key],
        )
    for key, value in (("season_id", season), (column, chosen), ("circuit_id", circuit)):
        if value != ALL:
            cars = cars[cars[key] == value]
    return cars[_having(cars, outcome)]


def _having(cars: pd.DataFrame, outcome: str) -> pd.Series:
    place = cars["position"]
    having = {
        "wins": place.eq(1),
        "podiums": place.le(3),
        "poles": cars["grid_position"].eq(1),
        "points": (cars["points"] + cars["sprint_points"].fillna(0)).gt(0),
        "retired": cars["position_text"].isin(RETIREMENT_CODES),
    }.get(outcome, pd.Series(True, index=cars.index))
    return having.fillna(False).astype(bool)


def _gained(cars: pd.DataFrame) -> pd.Series:
    """Places gained from the grid to the finish; empty from the pit lane, and for a car taken over from another."""
    return (cars["grid_position"] - cars["position"]).where(~cars["shared_car"].astype(bool))


def results_table(cars: pd.DataFrame, *, drivers: bool) -> None:
    """Results, newest first; with the driver (of a team) or the team (of a driver)."""
    grid = cars["grid_position"].astype("string").where(cars["grid_position"].notna(), cars["grid_text"])
    out = cars["position"].isna()
    table = pd.DataFrame(
        {
            "Date": cars["date"],
            "Race": cars["race"],
            **({"Driver": cars["driver"]} if drivers else {}),
            "Finish": cars["position"],
            "Grid": cars["grid_position"],
            "Start": grid.where(grid == "PL", None),
            "Qual.": cars["qualifying_position"],
            "Gained": _gained(cars),
            "Points": cars["points"],
            "Sprint": cars["sprint_position"],
            "Sprint pts": cars["sprint_points"],
            "Out": cars["reason_retired"].fillna(cars["position_text"]).where(out, None),
            **({} if drivers else {"Team": cars["team"]}),
            "Circuit": cars["circuit"],
        }
    )
    if cars["shared_car"].astype(bool).any():
        table.insert(len(table.columns) - 1, "Shared", cars["shared_car"].astype(bool))
    if table["Start"].isna().all():
        table = table.drop(columns="Start")
    if cars["sprint_position"].isna().all() and cars["sprint_points"].isna().all():
        table = table.drop(columns=["Sprint", "Sprint pts"])
    column = st.column_config
    st.dataframe(
        table,
        hide_index=True,
        placeholder="-",
        width="stretch",
        height=full_height(min(len(table), TALLEST)),
        column_config={
            "Date": column.DateColumn("Date", format="YYYY-MM-DD", width=92),
            "Race": column.TextColumn("Race", width=170),
            "Driver": column.TextColumn("Driver", width=130),
            "Finish": column.NumberColumn("Finish", help="Place in the classification", width=56),
            "Grid": column.NumberColumn("Grid", help="Starting place, penalties included", width=48),
            "Start": column.TextColumn("Start", help="PL: started from the pit lane", width=48),
            "Qual.": column.NumberColumn("Qual.", help="Place in qualifying, before penalties", width=52),
            "Gained": column.NumberColumn(
                "Gained",
                help="Places from the grid to the finish; less than 0 is lost",
                width=62,
            ),
            "Points": column.NumberColumn("Points", format="%.4g", width=60),
            "Sprint": column.NumberColumn("Sprint", help="Place in the sprint", width=56),
            "Sprint pts": column.NumberColumn("Sprint pts", format="%.4g", width=76),
            "Out": column.TextColumn("Not classified", help="Why there is no place", width=120),
            "Shared": column.CheckboxColumn(
                "Took over", help="Took the car over from another driver", width=74
            ),
            "Team": column.TextColumn("Team", width=110),
            "Circuit": column.TextColumn("Circuit", width=130),
        },
    )


def record_columns() -> dict[str, Any]:
    """How the columns of ``summaries.record`` are called and printed."""
    column = st.column_config.NumberColumn
    return {
        "season": column("Season", format="%d", width=64),
        "starts": column("Races", help="Races started", width=60),
        "wins": column("Wins", width=54),
        "podiums": column("Podiums", width=66),
        "poles": column("Poles", help="Starts from the first place of the grid", width=56),
        "retirements": column("Retired", help="Cars that retired or were not classified", width=64),
        "points": column("Points", help="Points scored, sprints included", format="%.6g", width=68),
        "best": column("Best", help="Best place", width=50),
        "mean_finish": column("Mean finish", help="Mean place of classified cars", format="%.1f", width=86),
        "mean_grid": column("Mean grid", help="Mean starting place", format="%.1f", width=80),
    }


def record_table(table: pd.DataFrame, first: dict[str, str], order: Sequence[str] = ()) -> None:
    """A table of ``summaries.record``.

    Args:
        table: Its rows, in the order to show.
        first: Columns that name a row, and how they are called.
        order: The columns of figures; all by default.
    """
    columns = [*first, *(order or summaries.RECORD_COLUMNS)]
    st.dataframe(
        table[columns],
        hide_index=True,
        placeholder="-",
        width="stretch",
        height=full_height(min(len(table), TALLEST)),
        column_config={
            **{name: st.column_config.TextColumn(label) for name, label in first.items()},
            **{
                name: config
                for name, config in record_columns().items()
                if name not in first or name == "season"
            },
            "place": st.column_config.TextColumn("Championship", width=104),
            "teams": st.column_config.TextColumn("Team"),
            "drivers": st.column_config.TextColumn("Drivers"),
        },
    )


def places(standings: pd.DataFrame) -> pd.Series:
    """The place in the championship by season, as text; of a season that is not over so far."""
    text = (
        standings["position"]
        .astype("string")
        .where(standings["position"].notna(), standings["position_text"])
    )
    text = text.where(standings["finished"].astype(bool), text + " so far")
    return text.groupby(standings["season"]).agg(" / ".join)
