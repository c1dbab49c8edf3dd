"""Drivers: who somebody is, everything he did, against whom, where, and how he is rated."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from f1_app import queries, summaries
from f1_app.dashboard import charts, charts_people, data, style
from f1_app.dashboard.components import messages, people
from f1_app.dashboard.components.picker import choose_one_and_view
from f1_app.dashboard.components.ratings import ratings
from f1_app.dashboard.components.tables import full_height
from f1_app.records import Driver

PAGE = "drivers"
VIEWS = {
    "results": "Results",
    "seasons": "Seasons",
    "team-mates": "Team-mates",
    "circuits": "Circuits",
    "ratings": "Ratings",
}
# Team-mates of fewer races are in the table only: one race is ahead or behind, and says nothing.
DRAWN_RACES = 3
DRAWN_MATES = 16


def _header(driver: Driver, results: pd.DataFrame, standings: pd.DataFrame) -> None:
    st.title(driver.name, anchor=False)
    parts = [driver.code + (f" \u00b7 #{driver.number}" if driver.number else "")]
    if driver.country_id:
        parts.append(style.words(driver.country_id))
    if driver.date_of_birth:
        born = driver.date_of_birth
        parts.append(f"born {born.day} {born:%B %Y}")
    parts.append(f"entered {people.span(driver.first_season, driver.last_season)}")
    if not results.empty:
        parts.append(f"last for {results['team'].iloc[0]}")
    st.markdown(" \u00b7 ".join(parts))
    career = summaries.career(results)
    if not career:
        messages.nothing("No race yet.", f"{driver.name} was entered and has no result.")
        return
    starts = career["starts"]
    cards = [
        ("Races", people.number(starts), f"{people.number(career['retirements'])} retirements"),
        ("Wins", people.number(career["wins"]), people.share(career["wins"], starts)),
        ("Podiums", people.number(career["podiums"]), people.share(career["podiums"], starts)),
        ("First on the grid", people.number(career["poles"]), people.share(career["poles"], starts)),
        ("Points", people.number(round(career["points"], 2)), "sprints included"),
    ]
    people.figures([*cards, *people.championship_cards(standings)])


def _results(results: pd.DataFrame) -> None:
    chosen = people.filtered(results, PAGE, other=("Team", "team", "constructor_id", "team", "All teams"))
    if chosen.empty:
        messages.nothing("No such result.", "Choose another season, team, circuit or kind of result.")
        return
    people.results_table(chosen, drivers=False)
    st.caption(
        f"{style.plural(len(chosen), 'row')}. The grid is the starting grid, penalties included; *Gained* counts the places of"
        " cars that retired ahead."
    )


def _seasons(results: pd.DataFrame, standings: pd.DataFrame) -> None:
    table = summaries.record(results, ["season"])
    teams = results.groupby("season")["team"].agg(lambda names: " / ".join(dict.fromkeys(names[::-1])))
    table = table.assign(
        teams=table["season"].map(teams), place=table["season"].map(people.places(standings))
    ).sort_values("season", ascending=False)
    people.record_table(table, {"season": "Season"}, order=["place", *summaries.RECORD_COLUMNS, "teams"])
    st.caption(
        "Points as scored. Until 1990 only the best results counted for the championship, so it could be decided by fewer."
    )


def _team_mates(driver: Driver) -> None:
    cars = data.read(queries.drivers.cars_of_team_mates, driver.driver_id)
    both = summaries.pairs(cars)
    both = both[both["driver_id"] == driver.driver_id]
    if both.empty:
        messages.nothing(
            "No team-mates.", f"Nobody drove for the same team in the same race as {driver.name}."
        )
        return
    by = ["rival_driver_id", "rival_code", "rival_driver"]
    table = summaries.head_to_heads(both, by).rename(columns={"rival_code": "code", "rival_driver": "rival"})
    teams = both.groupby("rival_driver_id")["team"].agg(lambda names: " / ".join(dict.fromkeys(names)))
    table = table.assign(
        teams=table["rival_driver_id"].map(teams),
        label=[
            f"{code} {people.span(first, last)}"
            for code, first, last in zip(
                table["code"], table["first_season"], table["last_season"], strict=True
            )
        ],
    )
    drawn = table[table["races"] >= DRAWN_RACES].head(DRAWN_MATES)
    drawn = drawn.assign(label=charts_people.unique_labels(drawn["label"], drawn["rival"]))
    if not drawn.empty:
        st.subheader(f"How often {driver.name} was ahead", anchor=False)
        st.plotly_chart(
            charts_people.duel_chart(drawn, driver.name),
            width="stretch",
            config=charts.CONFIG,
            key="duel-chart",
        )
    number, text = st.column_config.NumberColumn, st.column_config.TextColumn
    st.dataframe(
        table,
        hide_index=True,
        width="stretch",
        height=full_height(min(len(table), people.TALLEST)),
        column_order=[
            "rival",
            "races",
            "ahead",
            "behind",
            "qualifying_ahead",
            "qualifying_behind",
            "points",
            "rival_points",
            "first_season",
            "last_season",
            "teams",
        ],
        column_config={
            "rival": text("Team-mate", width=140),
            "races": number("Races", help="Races that both started", width=60),
            "ahead": number("Ahead", help="Races in which both were classified, and he was ahead", width=60),
            "behind": number("Behind", help="The same, and the team-mate was ahead", width=64),
            "qualifying_ahead": number("Qual. ahead", help="Better place in qualifying", width=84),
            "qualifying_behind": number("Qual. behind", help="Worse place in qualifying", width=88),
            "points": number(
                "Points", help="In the races both started, sprints included", format="%.6g", width=64
            ),
            "rival_points": number("Their points", help="Of the team-mate", format="%.6g", width=86),
            "first_season": number("From", format="%d", width=54),
            "last_season": number("To", format="%d", width=54),
            "teams": text("Team"),
        },
    )
    notes = "Races count where both were classified; qualifying wherever both have a place."
    if both["season"].min() < 1965:
        notes += (
            " A team is a make of car here: in the 1950s and 1960s private entries drove the same. A car that two shared"
            " counts for neither."
        )
    st.caption(notes)


def _circuits(results: pd.DataFrame) -> None:
    table = summaries.record(results.dropna(subset="circuit_id"), ["circuit_id", "circuit"])
    table = table[table["starts"] > 0].sort_values(
        ["wins", "podiums", "starts"], ascending=False, kind="stable"
    )
    people.record_table(table, {"circuit": "Circuit"})
    st.caption("Most wins on top. Every layout of a circuit counts as the same circuit.")


def render() -> None:
    """Draw the page."""
    everybody = data.read(queries.drivers.drivers_ever)
    if everybody.empty:
        st.title("Drivers", anchor=False)
        messages.nothing("No drivers yet.", "Run `f1 update`.")
        return
    table = everybody.set_index("driver_id")
    about = {
        str(key): f"{name} \u00b7 {people.span(first, last)}"
        for key, name, first, last in zip(
            table.index, table["driver"], table["first_season"], table["last_season"], strict=True
        )
    }
    leader = data.read(queries.drivers.leader)
    driver_id, view = choose_one_and_view(
        "Driver",
        list(about),
        VIEWS,
        page=PAGE,
        name="driver",
        default=leader or "",
        show=lambda key: about[key],
    )
    driver = data.read(queries.drivers.driver, driver_id)
    if driver is None:
        messages.nothing("Unknown driver.", "The table of drivers does not have him yet. Run `f1 update`.")
        return
    results = data.read(queries.drivers.results, driver_id)
    standings = data.read(queries.drivers.standings, driver_id)
    _header(driver, results, standings)
    if view == "ratings":
        names = {
            str(key): (str(code), str(name))
            for key, code, name in zip(table.index, table["code"], table["driver"], strict=True)
        }
        ratings("driver", PAGE, driver_id, names)
    elif results.empty:
        return
    elif view == "results":
        _results(results)
    elif view == "seasons":
        _seasons(results, standings)
    elif view == "team-mates":
        _team_mates(driver)
    else:
        _circuits(results)


if __name__ == "__main__":
    render()
