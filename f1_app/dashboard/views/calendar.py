"""Calendar: every race of a season with its state and its sessions, and a file for one's own calendar."""

from __future__ import annotations

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import streamlit as st

from f1_app import ical, queries
from f1_app.dashboard import data, style
from f1_app.dashboard.components import messages
from f1_app.dashboard.components.picker import choose
from f1_app.dashboard.components.tables import full_height
from f1_app.queries.calendar import CANCELLED, NEXT

PAGE = "calendar"
SESSIONS = {
    "first_practice_at": "Practice 1",
    "sprint_qualifying_at": "Sprint qualifying",
    "sprint_at": "Sprint",
    "qualifying_at": "Qualifying",
    "start_at": "Race",
}
EVENTS = {"all": "Races and sessions", "races": "Races only"}


def _at_track(row: pd.Series[Any]) -> str:
    zone = style.zone(row["time_zone"] if pd.notna(row["time_zone"]) else None)
    if zone is None or pd.isna(row["start_at"]):
        return ""
    there = row["start_at"].astimezone(zone)
    return f"{there:%a} {there:%H:%M}"


def _table(calendar: pd.DataFrame, viewer: ZoneInfo | None) -> None:
    zone = viewer or dt.UTC
    # Without the zone, which pyarrow cannot take over without a warning; a download then says what the page shows.
    starts = {column: calendar[column].dt.tz_convert(zone).dt.tz_localize(None) for column in SESSIONS}
    table = pd.DataFrame(
        {
            "round": calendar["round"],
            "name": calendar["name"].str.removesuffix(" Grand Prix"),
            "state": calendar["state"],
            "date": calendar["date"],
            "start_at": starts["start_at"],
            "track": calendar.apply(_at_track, axis=1),
            "link": [
                f"compare?race={key}" if there else None
                for key, there in zip(calendar["race_key"], calendar["forecast"], strict=True)
            ],
            "sprint": calendar["is_sprint_weekend"],
            **{column: starts[column] for column in SESSIONS if column != "start_at"},
            "circuit": calendar["circuit"],
            "country": calendar["country_id"].map(style.words),
        }
    )
    # Starts are known from 2024 on, and sprints were invented in 2021: columns without a word are left out.
    empty = [column for column in table.columns if table[column].isna().all()]
    table = table.drop(columns=[*empty, *(["track"] if "start_at" in empty else [])])
    if not data.forecasts_shown():
        table = table.drop(columns="link", errors="ignore")
    if calendar["start_at"].notna().all():
        table = table.drop(columns="date")
    if not calendar["is_sprint_weekend"].any():
        table = table.drop(columns="sprint")

    def paint(row: pd.Series[Any]) -> list[str]:
        look = {
            NEXT: "font-weight: 700; background-color: rgba(31,111,196,0.22)",
            CANCELLED: "color: #8A909A",
        }
        return [look.get(row["state"], "")] * len(row)

    moment = {
        column: st.column_config.DatetimeColumn(label, format="ddd D MMM, HH:mm", width=130)
        for column, label in SESSIONS.items()
    }
    st.dataframe(
        table.style.apply(paint, axis=1),
        hide_index=True,
        width="stretch",
        height=full_height(len(table)),
        placeholder="-",
        column_config={
            "round": st.column_config.NumberColumn("#", help="Round", width=40),
            "name": st.column_config.TextColumn("Grand Prix", width=130),
            "state": st.column_config.TextColumn("State", width=76),
            "date": st.column_config.DateColumn(
                "Day", help="Day of the race at the track", format="ddd D MMM", width=92
            ),
            **moment,
            "track": st.column_config.TextColumn(
                "At the track", help="Start of the race at the track", width=92
            ),
            "sprint": st.column_config.CheckboxColumn("Sprint", help="Weekend with a sprint", width=60),
            "link": st.column_config.LinkColumn(
                "Forecast", help="The forecast and what came of it", display_text="show", width=76
            ),
            "circuit": st.column_config.TextColumn("Circuit"),
            "country": st.column_config.TextColumn("Country"),
        },
    )


def _download(calendar: pd.DataFrame, season: int, simulated: bool, events: str) -> None:
    """A button for the file; none before the calendar was loaded."""
    stamp = data.read(queries.calendar.calendar_stamp)
    if stamp is not None:
        st.download_button(
            f"Download {ical.file_name(season)}",
            ical.season_ics(calendar, season, stamp, simulated=simulated, with_sessions=events == "all"),
            file_name=ical.file_name(season),
            mime=ical.MEDIA_TYPE,
            on_click="ignore",
            width="stretch",
            help="For calendar programs (iCalendar). They show the starts in your time zone; taken in again later, the"
            " file moves and cancels what is already in your calendar.",
        )


def render() -> None:
    """Draw the page."""
    st.title("Calendar", anchor=False)
    state = data.state()
    seasons = [str(season) for season in data.read(queries.calendar.calendar_seasons)]
    if state is None or not seasons:
        messages.nothing_loaded()
        return
    ahead = str(state.next.season) if state.next else seasons[0]
    first, second, third = st.columns([2, 3, 2], vertical_alignment="bottom")
    with first:
        season = int(
            choose(
                "Season",
                seasons,
                page=PAGE,
                name="season",
                default=ahead if ahead in seasons else seasons[0],
                pinned=True,
            )
        )
    calendar = data.read(queries.calendar.season_calendar, season, data.read(queries.state.data_clock))
    with second:
        events = choose(
            "In the file for your calendar",
            list(EVENTS),
            page=PAGE,
            name="events",
            default="all",
            show=lambda key: EVENTS[key],
            kind="radio",
        )
    with third:
        _download(calendar, season, state.loaded.simulated, events)
    if state.next is not None and state.next.season == season:
        messages.late(state)
    viewer = style.zone(st.context.timezone)
    counts = calendar["state"].value_counts()
    parts = [style.plural(len(calendar) - int(counts.get(CANCELLED, 0)), "race")]
    parts += [
        f"{int(counts[name])} {name}" for name in queries.calendar.STATES if name != NEXT and counts.get(name)
    ]
    sprints = int((calendar["is_sprint_weekend"] & ~calendar["is_cancelled"]).sum())
    parts += [style.plural(sprints, "sprint weekend")] if sprints else []
    following = calendar[calendar["state"] == NEXT]
    st.markdown(" · ".join(parts) + "".join(f" · next: **{name}**" for name in following["name"]))
    _table(calendar, viewer)
    if calendar["start_at"].notna().any():
        st.caption(
            f"Sessions in your time zone ({viewer.key})."
            if viewer
            else "Sessions in UTC: your browser did not say where you are."
        )


if __name__ == "__main__":
    render()
