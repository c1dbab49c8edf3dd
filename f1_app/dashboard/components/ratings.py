"""Ratings over time of a driver or a team, beside any others."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from f1_app import queries
from f1_app.dashboard import charts, charts_people, data
from f1_app.dashboard.components import messages
from f1_app.dashboard.components.picker import choose, choose_many
from f1_app.dashboard.components.tables import full_height
from f1_app.queries.ratings import Kind

LIMIT = 12
"""Lines in one chart: more cannot be told apart."""
BANDS = 3
"""Lines up to which the 95 % bands are drawn: more cover one another."""
EVER = "all"

ELO = "elo"
RATINGS = {
    "driver": {ELO: "Elo", "joint": "Joint rating", "part": "Joint rating: driver only"},
    "constructor": {ELO: "Elo", "part": "Joint rating: team only"},
}

_HELP = {
    ELO: "Elo after each race: every pair of a race is a game, K 32. It credits a driver with his car.",
    "joint": "Pace of driver and car together before each race, in per cent of a lap, against the mean of the entries of"
    " that race. Higher is faster.",
    "part": "What of the joint rating belongs to {who}, in per cent of a lap, against the mean of the entries of that"
    " race. Higher is faster. How well it can be told apart from {other} shows in the band.",
}


def _elo(kind: Kind, ids: tuple[str, ...]) -> pd.DataFrame:
    frame = data.read(queries.ratings.elo, kind, ids)
    # The race to come has no rating after it: the line ends with the last race run.
    frame = frame.dropna(subset="value_after")
    return frame.assign(value=frame["value_after"], low=float("nan"), high=float("nan"))


def _joint(kind: Kind, ids: tuple[str, ...], which: str) -> pd.DataFrame:
    if kind == "driver":
        frame = data.read(queries.ratings.joint_of_drivers, ids)
        if which == "joint":
            value, field = frame["mean"], frame["field_mean"]
            sd = frame["own_sd"].fillna(frame["sd"])
        else:
            value, field, sd = frame["driver_mean"], frame["field_driver_mean"], frame["driver_sd"]
    else:
        frame = data.read(queries.ratings.joint_of_teams, ids)
        value, field, sd = frame["team_mean"], frame["field_team_mean"], frame["team_sd"]
    value = value - field
    frame = frame.assign(value=value, low=value - 1.96 * sd, high=value + 1.96 * sd)
    state = data.state()
    if state is None or state.next is None:
        return frame
    # Races after the next one are rated by what is known now: a flat line into the future.
    return frame[frame["date"] <= state.next.date]


def ratings(kind: Kind, page: str, chosen: str, names: dict[str, tuple[str, str]]) -> None:
    """Draw the ratings of the one chosen and of all that the reader adds.

    Args:
        kind: Drivers or teams.
        page: Name of the page.
        chosen: Id of whose page it is; always drawn.
        names: Short and full name of everybody by id.
    """
    who, noun = ("the driver", "drivers") if kind == "driver" else ("the team", "teams")
    left, middle, right = st.columns([3, 2, 1], vertical_alignment="bottom")
    with left:
        others = choose_many(
            f"Compare with other {noun}",
            [key for key in names if key != chosen],
            page=page,
            name="with",
            limit=LIMIT - 1,
            show=lambda key: names[key][1],
            placeholder=f"Add {noun}",
        )
    with middle:
        which = choose(
            "Rating",
            list(RATINGS[kind]),
            page=page,
            name="rating",
            default=ELO,
            show=lambda key: RATINGS[kind][key],
        )
    ids = (chosen, *others)
    frame = _elo(kind, ids) if which == ELO else _joint(kind, ids, which)
    found = [str(season) for season in sorted(set(frame["season"]), reverse=True)]
    with right:
        since = choose(
            "From season",
            [EVER, *found],
            page=page,
            name="since",
            default=EVER,
            show=lambda key: "The first" if key == EVER else key,
        )
    if since != EVER:
        frame = frame[frame["season"] >= int(since)]
    lines = charts_people.lines_of(frame, list(ids), names)
    if not lines:
        messages.nothing(
            "No ratings here.",
            "They are computed race by race: run `f1 update`, or choose an earlier season.",
        )
        return
    bands = which != ELO and len(lines) <= BANDS
    st.plotly_chart(
        charts_people.rating_chart(
            frame,
            lines,
            "Elo" if which == ELO else "Per cent of a lap against the field",
            ".0f" if which == ELO else ".2f",
            bands=bands,
        ),
        width="stretch",
        config=charts.CONFIG,
        key=f"{page}-ratings",
    )
    other = "the car" if kind == "driver" else "its drivers"
    text = _HELP[which].format(who=who, other=other)
    text += " Colours are those of the last team; lines of one colour differ in their dashes."
    st.caption(text + (" Band: 95 %." if bands else ""))
    _now(frame, lines)


def _now(frame: pd.DataFrame, lines: list[charts_people.Line]) -> None:
    """Highest and newest rating of every line: what the chart cannot be read for."""
    rows = []
    for line in lines:
        mine = frame[frame["entity_id"] == line.entity]
        best, last = mine.iloc[int(mine["value"].to_numpy().argmax())], mine.iloc[-1]
        rows.append(
            (
                line.name,
                last["value"],
                f"{last['race']} {last['season']}",
                best["value"],
                f"{best['race']} {best['season']}",
                len(mine),
            )
        )
    st.dataframe(
        pd.DataFrame(rows, columns=["Name", "Newest", "at", "Highest", "reached at", "Races"]),
        hide_index=True,
        width="stretch",
        height=full_height(len(rows)),
        column_config={
            name: st.column_config.NumberColumn(
                name, format="%.0f" if frame["value"].abs().max() > 100 else "%+.2f"
            )
            for name in ("Newest", "Highest")
        },
    )
