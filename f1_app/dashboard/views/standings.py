"""Standings: both championships after any race since 1950, and how the points came together."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from f1_app import queries
from f1_app.dashboard import charts, data, style
from f1_app.dashboard.charts_season import places_in_team, season_lines
from f1_app.dashboard.components import messages
from f1_app.dashboard.components.picker import choose
from f1_app.dashboard.components.season import by_key, pick_kind, race_label, standings_table, with_engines
from f1_pipeline.domain.championship_rules import CONSTRUCTORS_FROM, parts

PAGE = "standings"
LINES = {"10": "The first ten", "all": "Everybody"}


def _rule(season: int, kind: str) -> str:
    """Which results counted, where not all did: the points of a driver can then stand still after a win."""
    counting = parts(season, kind)
    if all(part.best is None for part in counting):
        return ""
    if len(counting) == 1:
        return f" Only the best {counting[0].best} results of {season} counted."
    first, second = counting
    return (
        f" In {season} the best {first.best} results of the first {first.rounds} races counted, and the best"
        f" {second.best} of the others."
    )


def _points_chart(season: int, kind: str, race: pd.Series[Any]) -> None:
    st.subheader("Points over the season", anchor=False)
    lines = data.read(queries.standings.points_over_season, season, kind, race["date"])
    which = choose(
        "Lines", list(LINES), page=PAGE, name="lines", default="10", show=lambda key: LINES[key], kind="radio"
    )
    order = {key: place for place, key in enumerate(lines["race_key"].unique(), start=1)}
    if kind == "driver":
        teams = data.read(queries.standings.teams_of_drivers, season, race["date"])
        lines = lines.join(teams[["constructor_id"]], on="entity_id")
    else:
        label = with_engines(lines, "name")
        lines = lines.assign(code=label, name=label)
    mates = places_in_team(lines)
    if which != "all":
        last = lines[lines["race_key"] == race["race_key"]]
        lines = lines[lines["entity_id"].isin(last["entity_id"].head(int(which)))]
    lines = lines.assign(x=lines["race_key"].map(order), y=lines["points"], when="after the " + lines["race"])
    rounds = lines.dropna(subset="round").drop_duplicates("x").set_index("x")["round"]
    # A driver who comes later had no points before; everybody starts the season with none.
    start = lines.drop_duplicates("entity_id")
    start = start.assign(x=start["x"] - 1, y=0.0, when="before")
    lines = pd.concat([start, lines])
    step = max(1, len(order) // 12)
    ticks = [
        (float(x), f"{rounds[x]:.0f}") for x in order.values() if x in rounds.index and (x - 1) % step == 0
    ]
    st.plotly_chart(
        season_lines(lines, season, ticks, title="After round", hover="%{y:g} points", mates=mates),
        width="stretch",
        config=charts.CONFIG,
        key="points-chart",
    )
    by_dash = " Team-mates share a colour and differ in the dash." if kind == "driver" else ""
    st.caption(f"Points that counted after each race, as published.{by_dash}")


def render() -> None:
    """Draw the page."""
    st.title("Standings", anchor=False)
    seasons = [str(season) for season in data.read(queries.standings.standings_seasons)]
    if not seasons:
        messages.nothing("No standings yet.", "They come with the first results: run `f1 update`.")
        return
    first, second, third = st.columns([3, 2, 4], vertical_alignment="bottom")
    with first:
        kind = pick_kind(PAGE)
    named = st.query_params.get("race", "").split("-")[0]
    with second:
        season = int(
            choose(
                "Season", seasons, page=PAGE, name="season", default=named if named in seasons else seasons[0]
            )
        )
    races = data.read(queries.standings.standings_races, season, kind)
    if races.empty:
        why = (
            f"The championship of constructors began in {CONSTRUCTORS_FROM}."
            if season < CONSTRUCTORS_FROM
            else "The source has none of this season."
        )
        messages.nothing(f"No standings of constructors in {season}.", why)
        return
    by_race = by_key(races)
    keys = list(by_race)
    with third:
        key = choose(
            "After",
            keys,
            page=PAGE,
            name="race",
            default=keys[0],
            show=lambda key: race_label(by_race[key]),
            pinned=True,
        )
    race = by_race[key]
    query = queries.standings.drivers_after if kind == "driver" else queries.standings.constructors_after
    st.markdown(
        f"After the {race['name']} of {style.day(race['date'])}"
        + (
            ""
            if key == keys[0]
            else f", {style.plural(keys.index(key), 'race')} before the newest standings of the season"
        )
    )
    standings_table(data.read(query, key), season, kind)
    st.caption("Wins and podiums are counted in the results so far." + _rule(season, kind))
    _points_chart(season, kind, race)


if __name__ == "__main__":
    render()
