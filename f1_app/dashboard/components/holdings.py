"""Parts of the page on data: what each table holds, what changed, what was asked, who decides."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd
import streamlit as st

from f1_app.dashboard import style
from f1_app.dashboard.components.picker import choose
from f1_app.dashboard.components.tables import full_height

PAGE = "data"
ALL = "all"

# What people look for together, stands together. A test compares this with the tables there are.
GROUPS: dict[str, tuple[str, tuple[str, ...]]] = {
    "source": (
        "From the sources",
        (
            *("seasons", "races", "circuits", "drivers", "constructors", "entries"),
            *("practice_results", "qualifying_results", "starting_grid", "sprint_results", "race_results"),
            *("pit_stops", "driver_standings", "constructor_standings"),
            *("weather_forecasts", "weather_observed"),
        ),
    ),
    "models": (
        "Ratings and models",
        ("elo_ratings", "joint_ratings", "feature_matrix", "models", "model_decisions"),
    ),
    "forecasts": (
        "Forecasts",
        (
            *("predictions", "position_probabilities", "head_to_head", "constructor_predictions"),
            *("prediction_reasons", "sprint_predictions"),
            *("championship_forecasts", "championship_positions", "championship_scenarios"),
        ),
    ),
    "scores": (
        "Scores",
        (
            *("model_accuracy", "sprint_accuracy", "accuracy_summaries", "paired_differences", "reliability"),
            "market_odds",
        ),
    ),
    "records": (
        "Bookkeeping",
        ("data_loads", "revisions", "live_sessions", "source_polls", "feature_marks", "heartbeats"),
    ),
}
_OTHER_SOURCES = {
    "weather_forecasts": "weather",
    "weather_observed": "weather",
    "market_odds": "your files",
    "live_sessions": "jolpica",
}


def moment(label: str, help: str | None = None) -> Any:
    """A column of moments, of a frame that ``local`` has seen."""
    return st.column_config.DatetimeColumn(label, help=help, format="D MMM YYYY, HH:mm")


def local(frame: pd.DataFrame) -> pd.DataFrame:
    """Moments on the reader's clock, without a zone: pyarrow, which brings tables to the browser, still takes the zone
    off with a call that pandas warns of."""
    zone = style.zone(st.context.timezone) or dt.UTC
    moments = frame.select_dtypes("datetimetz").columns
    return frame.assign(**{name: frame[name].dt.tz_convert(zone).dt.tz_localize(None) for name in moments})


def times_are_in() -> str:
    """Which clock the columns of this page show."""
    zone = style.zone(st.context.timezone)
    return f"Times are yours ({zone.key})." if zone else "Times are UTC."


def table_rows(
    states: Mapping[str, Mapping[str, Any]], sources: pd.DataFrame, releases: Mapping[str, str]
) -> pd.DataFrame:
    """One row a table: what it holds, since when, from whom. Columns as the page shows them, and ``group``."""
    loaded = dict(iter(sources.groupby("table_name", sort=False)))
    found = []
    for group, (label, tables) in GROUPS.items():
        for name in tables:
            state, origin = states[name], loaded.get(name)
            updated = state["updated"] if origin is None else max(origin["updated"])
            source: str | None
            release: str | None
            if origin is not None:
                # The newest first; a weekend that another source filled in is named beside it.
                source = " + ".join(dict.fromkeys(origin["source"]))
                release = origin["release"].iloc[0]
            elif group == "source":
                source, release = _OTHER_SOURCES.get(name) if state["rows"] else None, None
            else:
                source, release = _OTHER_SOURCES.get(name, "computed"), releases.get(name)
            found.append(
                (group, label, name, state["rows"], updated, source, release, state["races"], state["newest"])
            )
    columns = ["group", "Group", "Table", "Rows", "Updated", "Source", "Release", "Races", "Newest race"]
    frame = pd.DataFrame(found, columns=columns)
    frame["Updated"] = pd.to_datetime(frame["Updated"], utc=True)
    return frame.astype({"Races": "Int64"})


def tables(frame: pd.DataFrame) -> None:
    """The table of tables, of all or of one group."""
    group = choose(
        "Show",
        [ALL, *GROUPS],
        page=PAGE,
        name="tables",
        default=ALL,
        show=lambda name: "All" if name == ALL else GROUPS[name][0],
    )
    shown = frame if group == ALL else frame[frame["group"] == group]
    st.dataframe(
        local(shown.drop(columns=["group"] if group == ALL else ["group", "Group"])),
        hide_index=True,
        placeholder="-",
        width="stretch",
        height=full_height(len(shown)),
        column_order=["Table", "Rows", "Updated", "Source", "Release", "Races", "Newest race", "Group"],
        column_config={
            "Table": st.column_config.TextColumn("Table", width="medium"),
            "Rows": st.column_config.NumberColumn("Rows", format="localized"),
            "Updated": moment("Updated", "When its newest row was taken in or made"),
            "Release": st.column_config.TextColumn(
                "Release",
                help="Of the source. Of forecasts: the release that the newest one stands on",
                width="medium",
            ),
            "Races": st.column_config.NumberColumn("Races", help="Races that it has rows of", format="%d"),
            "Newest race": st.column_config.TextColumn("Newest race", help="The last of these races by date"),
        },
    )
    st.caption(
        f"{times_are_in()} Tables without a time are made with the forecasts and features beside them, and state none"
        " of their own. What each column means is in `docs/data-dictionary.md` of the project."
    )


def listing(frame: pd.DataFrame, columns: Mapping[str, Any], rows: int = 12) -> None:
    """A plain table of the columns named, with at most so many rows in sight."""
    st.dataframe(
        local(frame[list(columns)]),
        hide_index=True,
        placeholder="-",
        width="stretch",
        height=full_height(min(len(frame), rows)),
        column_config=dict(columns),
    )


def revision_choice(revised: pd.DataFrame, words: Mapping[int, str]) -> int:
    """The changes, newest first, and the one that the reader wants to see in detail."""
    shown = revised.assign(what=[words[number] for number in revised["id"]])
    listing(
        shown,
        {
            "seen_at": moment("Seen"),
            "race_key": "Race",
            "table_name": "Table",
            "what": st.column_config.TextColumn("What changed", width="large"),
            "source": "Source",
            "release": "Release",
        },
    )
    labels = {
        str(row["id"]): f"{row['race_key']}, {row['table_name']}, {style.utc_minute(row['seen_at'])}"
        for row in revised.to_dict("records")
    }
    options: Iterable[str] = labels
    chosen = choose(
        "In detail",
        list(options),
        page=PAGE,
        name="change",
        default=next(iter(labels)),
        show=labels.__getitem__,
        pinned=True,
    )
    return int(chosen)


def recipes(frame: pd.DataFrame) -> None:
    """Which recipe of a model is in force since when, and what was tried and stayed out."""
    number = st.column_config.NumberColumn
    table = frame.assign(
        name=frame["name"].map(style.model_label),
        horizon=frame["horizon"].map(style.horizon_label),
        promoted=frame["promoted"].astype(bool),
        recipe=[
            ", ".join(
                f"{name.replace('_', ' ')} {value:g}" if isinstance(value, int | float) else f"{name} {value}"
                for name, value in values.items()
            )
            for values in frame["hyperparameters"]
        ],
    )
    listing(
        table,
        {
            "decided_at": moment("Decided"),
            "name": "Model",
            "horizon": "Forecasts",
            "promoted": st.column_config.CheckboxColumn("Promoted", help="The recipe came into force"),
            "reason": st.column_config.TextColumn("Why", width="large"),
            "challenger_version": number("Version", format="%d"),
            "champion_version": number("Before", format="%d", help="Version in force until then"),
            "races": number("Races", help="Races compared"),
            "difference": number("Difference", help="Log loss against the champion (nats)", format="%+.3f"),
            "low": number("95 % from", format="%+.3f"),
            "high": number("95 % to", format="%+.3f"),
            "recipe": st.column_config.TextColumn("Recipe", width="medium"),
        },
        rows=16,
    )
