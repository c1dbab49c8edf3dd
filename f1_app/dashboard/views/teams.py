"""Teams: what their cars did, who drove them, how the drivers compare, and how the team is rated."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from f1_app import queries, summaries
from f1_app.dashboard import data, style
from f1_app.dashboard.components import messages, people
from f1_app.dashboard.components.picker import choose, choose_one_and_view
from f1_app.dashboard.components.ratings import ratings
from f1_app.dashboard.components.tables import full_height
from f1_app.records import Team
from f1_pipeline.domain.classification import started

PAGE = "teams"
VIEWS = {
    "seasons": "Seasons",
    "results": "Results",
    "drivers": "Drivers",
    "team-mates": "Team-mates",
    "circuits": "Circuits",
    "ratings": "Ratings",
}


def _header(team: Team, results: pd.DataFrame, standings: pd.DataFrame) -> None:
    st.title(team.name, anchor=False)
    parts = [team.full_name] if team.full_name and team.full_name != team.name else []
    if team.country_id:
        parts.append(style.words(team.country_id))
    parts.append(f"entered {people.span(team.first_season, team.last_season)}")
    st.markdown(" \u00b7 ".join(parts))
    career = summaries.career(results)
    if not career:
        messages.nothing("No race yet.", f"{team.name} was entered and has no result.")
        return
    starts = career["starts"]
    cards = [
        ("Races", people.number(starts), f"{people.number(career['retirements'])} retirements"),
        ("Wins", people.number(career["wins"]), people.share(career["wins"], starts)),
        (
            "Podiums",
            people.number(career["podiums"]),
            f"{career['podiums'] / starts:.2f} a race" if starts else None,
        ),
        ("First on the grid", people.number(career["poles"]), people.share(career["poles"], starts)),
        ("Points", people.number(round(career["points"], 2)), "of all its cars"),
    ]
    people.figures([*cards, *people.championship_cards(standings)])


def _seasons(results: pd.DataFrame, standings: pd.DataFrame) -> None:
    table = summaries.record(results, ["season"])
    drivers = (
        results[started(results)]
        .groupby("season")["driver"]
        .agg(lambda names: " / ".join(names.value_counts(sort=True).index))
    )
    table = table.assign(
        drivers=table["season"].map(drivers), place=table["season"].map(people.places(standings))
    ).sort_values("season", ascending=False)
    people.record_table(table, {"season": "Season"}, order=["place", *summaries.RECORD_COLUMNS, "drivers"])
    st.caption(
        "Points of all cars as scored: until 1978 only the best car of a race counted for the championship of"
        " constructors, which began in 1958. A team with two engines had a place for each."
    )


def _results(results: pd.DataFrame) -> None:
    chosen = people.filtered(results, PAGE, other=("Driver", "driver", "driver_id", "driver", "All drivers"))
    if chosen.empty:
        messages.nothing("No such result.", "Choose another season, driver, circuit or kind of result.")
        return
    people.results_table(chosen, drivers=True)
    st.caption(f"{style.plural(len(chosen), 'row')}. The grid is the starting grid, penalties included.")


def _drivers(results: pd.DataFrame) -> None:
    table = summaries.record(results, ["driver_id", "driver"])
    seasons = results.groupby("driver_id")["season"].agg(["min", "max"])
    table = table.assign(
        seasons=[
            people.span(first, last)
            for first, last in seasons.loc[table["driver_id"]].itertuples(index=False)
        ]
    )
    table = table[table["starts"] > 0].sort_values(
        ["wins", "podiums", "points", "starts"], ascending=False, kind="stable"
    )
    people.record_table(table, {"driver": "Driver", "seasons": "Seasons"})
    st.caption("Most wins for the team on top.")


def _team_mates(results: pd.DataFrame) -> None:
    seasons = [str(season) for season in sorted(results["season"].unique(), reverse=True)]
    season = choose("Season", seasons, page=PAGE, name="pair", default=seasons[0])
    both = summaries.pairs(results[results["season"] == int(season)])
    # Each pair once, the one with more points first.
    by = ["driver_id", "driver", "rival_driver_id", "rival_driver"]
    table = summaries.head_to_heads(both, by)
    ahead = (table["points"] > table["rival_points"]) | (
        (table["points"] == table["rival_points"]) & (table["driver_id"] < table["rival_driver_id"])
    )
    table = table[ahead]
    if table.empty:
        messages.nothing("No team-mates.", f"Nobody shared this team in a race of {season}.")
        return
    shown = pd.DataFrame(
        {
            "Driver": table["driver"],
            "Team-mate": table["rival_driver"],
            "Races": table["races"],
            "Race": _score(table["ahead"], table["behind"]),
            "Qualifying": _score(table["qualifying_ahead"], table["qualifying_behind"]),
            "Points": table["points"],
            "Their points": table["rival_points"],
        }
    )
    number = st.column_config.NumberColumn
    st.dataframe(
        shown,
        hide_index=True,
        width="stretch",
        height=full_height(min(len(shown), people.TALLEST)),
        column_config={
            "Races": number("Races", help="Races that both started"),
            "Race": st.column_config.TextColumn("Race", help="Who was ahead, where both were classified"),
            "Qualifying": st.column_config.TextColumn("Qualifying", help="Who had the better place"),
            "Points": number("Points", help="In the races both started, sprints included", format="%.6g"),
            "Their points": number("Their points", format="%.6g"),
        },
    )
    note = "Pairs that drove for the team in the same race; the one with more points comes first."
    if int(season) < 1965:
        note += " A team is a make of car here: private entries drove the same."
    st.caption(note)


def _score(ahead: pd.Series, behind: pd.Series) -> list[str]:
    return [f"{own} \u2013 {other}" for own, other in zip(ahead, behind, strict=True)]


def _circuits(results: pd.DataFrame) -> None:
    table = summaries.record(results.dropna(subset="circuit_id"), ["circuit_id", "circuit"])
    table = table[table["starts"] > 0].sort_values(
        ["wins", "podiums", "starts"], ascending=False, kind="stable"
    )
    people.record_table(table, {"circuit": "Circuit"})
    st.caption("Most wins on top. Every layout of a circuit counts as the same circuit.")


def render() -> None:
    """Draw the page."""
    everybody = data.read(queries.teams.teams_ever)
    if everybody.empty:
        st.title("Teams", anchor=False)
        messages.nothing("No teams yet.", "Run `f1 update`.")
        return
    about = {
        str(key): (str(name), people.span(first, last))
        for key, name, first, last in everybody[
            ["constructor_id", "team", "first_season", "last_season"]
        ].itertuples(index=False)
    }
    leader = data.read(queries.teams.leader)
    constructor_id, view = choose_one_and_view(
        "Team",
        list(about),
        VIEWS,
        page=PAGE,
        name="team",
        default=leader or "",
        show=lambda key: " \u00b7 ".join(about[key]),
    )
    team = data.read(queries.teams.team, constructor_id)
    if team is None:
        messages.nothing("Unknown team.", "The table of teams does not have it yet. Run `f1 update`.")
        return
    results = data.read(queries.teams.results, constructor_id)
    standings = data.read(queries.teams.standings, constructor_id)
    _header(team, results, standings)
    if view == "ratings":
        names = {key: (name, name) for key, (name, _) in about.items()}
        ratings("constructor", PAGE, constructor_id, names)
    elif results.empty:
        return
    elif view == "seasons":
        _seasons(results, standings)
    elif view == "results":
        _results(results)
    elif view == "drivers":
        _drivers(results)
    elif view == "team-mates":
        _team_mates(results)
    else:
        _circuits(results)


if __name__ == "__main__":
    render()
