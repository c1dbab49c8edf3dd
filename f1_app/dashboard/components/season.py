"""What the pages Championship and Standings share: who is looked at, how a race is called, and their tables."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from f1_app.dashboard import style
from f1_app.dashboard.charts_season import distinct_codes
from f1_app.dashboard.components.picker import choose
from f1_app.dashboard.components.tables import badged, full_height, percent_column
from f1_app.queries.championship import NOT_CLASSIFIED

KINDS = {"driver": "Drivers", "constructor": "Constructors"}
NOW = "Now"


def pick_kind(page: str) -> str:
    """Drivers or constructors."""
    return choose(
        "Championship of",
        list(KINDS),
        page=page,
        name="kind",
        default="driver",
        show=lambda kind: KINDS[kind],
        kind="radio",
    )


def on_dark_page() -> bool:
    """Whether the reader's page is dark; light where the browser has not said yet."""
    return st.context.theme.type == "dark"


def by_key(races: pd.DataFrame) -> dict[str, pd.Series[Any]]:
    """The rows of a frame of races by their key, in the order of the frame."""
    return {str(row["race_key"]): row for _, row in races.iterrows()}


def race_label(race: pd.Series[Any]) -> str:
    """A race in a list: its round and name."""
    return f"{race['round']:.0f}. {race['name']}" if pd.notna(race["round"]) else str(race["name"])


def with_engines(frame: pd.DataFrame, name: str) -> pd.Series[Any]:
    """Names of constructors, with the engine where one of them has two.

    Args:
        frame: ``constructor_id`` and ``engine_id``, and the name in the column ``name``.
        name: column of the name.
    """
    cars = frame.drop_duplicates(["constructor_id", "engine_id"])
    twice = set(cars.loc[cars["constructor_id"].duplicated(), "constructor_id"])
    plain = ~frame["constructor_id"].isin(twice)
    return frame[name].where(plain, frame[name] + " " + frame["engine_id"].map(style.words))


def championship_table(frame: pd.DataFrame, season: int, kind: str, final: pd.DataFrame) -> None:
    """The forecast of a championship as a table, most likely champion on top.

    Args:
        frame: rows of ``queries.championship.championship``.
        season: Season, for the colours.
        kind: ``driver`` or ``constructor``.
        final: how it ended, as ``queries.championship.outcome``; empty while it has not.
    """
    leader = float(frame["points"].max())
    table = pd.DataFrame(
        {
            "Code": frame["code"],
            "Driver": frame["name"],
            "Title": frame["title_probability"] * 100,
            "Can": frame["can_win"].astype(bool),
            "Points": frame["points"],
            "Gap": frame["points"] - leader,
            "Expected": frame["expected_points"],
            "Low": frame["points_low"],
            "High": frame["points_high"],
            "Place": frame["expected_position"],
            "Top 3": frame["top3_probability"] * 100,
            "Team": frame["team"],
        }
    )
    if kind == "constructor":
        table = table.drop(columns=["Driver", "Team"])
    if not final.empty:
        ended = final.reindex(frame["entity_id"])
        table.insert(len(table.columns), "Final", ended["points"].to_numpy())
        table.insert(len(table.columns), "Finished", ended["position"].array)
    number = st.column_config.NumberColumn
    st.dataframe(
        badged(table, season, frame["constructor_id"]),
        hide_index=True,
        width="stretch",
        height=full_height(len(table)),
        placeholder="-",
        column_config={
            "Code": st.column_config.TextColumn(
                "Code" if kind == "driver" else "Constructor", width=56 if kind == "driver" else 130
            ),
            "Driver": st.column_config.TextColumn("Driver", width=140),
            "Title": percent_column("Title %", "Probability to be champion"),
            "Can": st.column_config.CheckboxColumn(
                "Can win", help="The points that are left suffice for the title, whatever the forecast says"
            ),
            "Points": number("Points", help="Points that count so far", format="%g"),
            "Gap": number("Gap", help="Points behind who has most", format="%g"),
            "Expected": number("Expected", help="Mean of the final points", format="%.0f"),
            "Low": number("from", help="Lower end of the 90 % band of the final points", format="%.0f"),
            "High": number("to", help="Upper end of the 90 % band of the final points", format="%.0f"),
            "Place": number("Exp. place", help="Mean final place", format="%.1f"),
            "Top 3": percent_column("Top 3 %", "Probability of a final place in the first three"),
            "Team": st.column_config.TextColumn("Team", width=110),
            "Final": number("Final points", help="Points at the end of the season", format="%g"),
            "Finished": number("Final place", help="Place at the end of the season"),
        },
    )


def scenario_frame(rows: pd.DataFrame, frame: pd.DataFrame) -> pd.DataFrame:
    """Title chances by result of one driver: rows are who may be champion, columns ``Now`` and the results.

    Args:
        rows: the scenarios of one driver, as ``queries.championship.scenarios``.
        frame: the forecast before that race, for the chances as they stand.
    """
    labels = distinct_codes(frame)
    places = rows.drop_duplicates("position").set_index("position")["probability"]
    ordered = sorted(places.index, key=lambda place: (place == NOT_CLASSIFIED, place))

    def column(place: int) -> str:
        word = "Out" if place == NOT_CLASSIFIED else f"P{place}"
        return f"{word}<br>({places[place] * 100:.0f} %)"

    wide = rows.pivot(index="entity_id", columns="position", values="title_probability")[ordered]
    wide.columns = pd.Index([column(int(place)) for place in ordered])
    now = frame.set_index("entity_id")["title_probability"]
    wide.insert(0, NOW, now.reindex(wide.index))
    wide = wide.sort_values(NOW, ascending=False)
    return wide.rename(index=lambda key: labels.get(str(key), str(key)))


def standings_table(frame: pd.DataFrame, season: int, kind: str) -> None:
    """The standings after a race, leader on top.

    Args:
        frame: rows of ``queries.standings.drivers_after`` or ``constructors_after``.
        season: Season, for the colours.
        kind: ``driver`` or ``constructor``.
    """
    table = pd.DataFrame(
        {
            "Pos": frame["position_text"],
            "Change": frame["change"],
            "Code": frame["code"] if kind == "driver" else with_engines(frame, "team"),
            "Points": frame["points"],
            "Gap": frame["points"] - frame["points"].max(),
            "Wins": frame["wins"],
            "Podiums": frame["podiums"],
        }
    )
    table["Pos"] = pd.to_numeric(table["Pos"], errors="coerce").astype("Int64")
    if kind == "driver":
        table.insert(3, "Driver", frame["driver"])
        table["Team"] = frame["teams"]
    else:
        table["Engine"] = frame["engine_id"].map(style.words)
    if frame["position"].isna().any():
        table["Note"] = frame["position_text"].where(frame["position"].isna(), "")
    number = st.column_config.NumberColumn
    st.dataframe(
        badged(table, season, frame["constructor_id"]),
        hide_index=True,
        width="stretch",
        height=full_height(len(table)),
        placeholder="-",
        column_config={
            "Pos": number("Pos", width=44),
            "Change": number("+/-", help="Places gained by this race", format="%+d", width=44),
            "Code": st.column_config.TextColumn(
                "Code" if kind == "driver" else "Constructor", width=56 if kind == "driver" else 130
            ),
            "Driver": st.column_config.TextColumn("Driver", width=150),
            "Points": number("Points", format="%g", width=64),
            "Gap": number("Gap", help="Points behind who has most", format="%g", width=56),
            "Wins": number("Wins", width=56),
            "Podiums": number("Podiums", help="Races in the first three", width=72),
            "Team": st.column_config.TextColumn("Team", help="Teams of the season so far, in their order"),
            "Note": st.column_config.TextColumn("Note", help="Why there is no position"),
        },
    )
