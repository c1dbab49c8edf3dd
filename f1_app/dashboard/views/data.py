"""Data: what is here, since when and from whom, what changed, and what is late."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from f1_app import queries
from f1_app.dashboard import changes, data, servers, style
from f1_app.dashboard.components import health, holdings
from f1_pipeline.settings import get_settings


def _late(state: data.State, sources: pd.DataFrame, polls: pd.DataFrame) -> None:
    loaded = sources.loc[sources["table_name"] == "race_results", "updated"]
    key = state.next.race_key if state.next else None
    found = changes.late(
        state,
        data.read(queries.data_state.forecast_times, key) if key else {},
        has_grid=bool(key and data.read(queries.data_state.has_grid, key)),
        results_at=loaded.max() if len(loaded) else None,
        unscored=data.read(queries.data_state.unscored),
        polls=polls,
    )
    if found:
        st.warning(
            "**Late**\n\n"
            + "\n".join(f"- {line}" for line in found)
            + "\n\n`f1 update` asks for what is new."
        )
    else:
        st.success(
            "**Nothing is late.** Every race that was run has its result and its score, and the next race its forecast."
        )


def _cards(state: data.State, polls: pd.DataFrame) -> None:
    newest, following = state.newest, state.next
    asked = style.utc_minute(polls["asked_at"].max()) if len(polls) else "never"
    cards = [
        ("Release", state.loaded.release, f"newest load {style.utc_minute(state.loaded.loaded_at)}"),
        (
            "Newest result",
            f"{newest.name} {newest.season}" if newest else "none",
            f"{style.plural(state.days_since_newest or 0, 'day')} ago" if newest else "",
        ),
        (
            "Next race",
            f"{following.name} {following.season}" if following else "none",
            style.day(following.date) if following else "",
        ),
        (
            "Last question to a web source",
            asked,
            f"about {style.plural(len(polls), 'subject')}" if len(polls) else "",
        ),
    ]
    # Not st.metric: it cuts names that do not fit, and a release is one.
    for column, (label, value, below) in zip(st.columns(4), cards, strict=True):
        with column.container(border=True, height="stretch"):
            st.caption(label)
            st.markdown(f"**{value}**  \n{below}")


def _links() -> None:
    settings = get_settings()
    links = servers.server_links(
        st.context.url,
        host=settings.host,
        dagster_port=settings.dagster_port,
        mlflow_port=settings.mlflow_port,
        mlflow_uri=settings.mlflow_tracking_uri,
    )
    if not links:
        return
    with st.container(horizontal=True):
        for label, address in links.items():
            st.link_button(label, address)
    st.caption(
        "These open while `f1 serve` runs the servers. Checks of the assets, and the runs that failed, are in Dagster."
    )


def _revisions() -> None:
    st.subheader("What changed", anchor=False)
    revised = data.read(queries.data_state.revised)
    if revised.empty:
        st.markdown(
            "No row of a race was ever replaced by another: results, grids and standings are as they first came."
        )
        return
    wanted = sorted({*map(int, revised["id"]), *map(int, revised["before"])})
    rows = data.read(queries.data_state.versions, wanted)
    names = data.read(queries.data_state.names)
    found = {
        new: changes.differences(rows[old], rows[new], names)
        for new, old in zip(revised["id"].map(int), revised["before"].map(int), strict=True)
    }
    st.markdown(
        "Results, grids and standings that were there and came again with other values, newest first."
    )
    chosen = holdings.revision_choice(
        revised, {number: changes.in_words(frame) for number, frame in found.items()}
    )
    detail = found[chosen]
    if detail.empty:
        st.caption("The same values in another order.")
        return
    columns = {"who": "Who", "field": "Value", "before": "Before", "after": "After"}
    if detail["session"].any():
        columns = {"session": "Session", **columns}
    holdings.listing(detail.assign(field=detail["field"].str.replace("_", " ")), columns)


def _requests(polls: pd.DataFrame, live: pd.DataFrame) -> None:
    st.subheader("Questions to web sources", anchor=False)
    if polls.empty:
        st.markdown(
            "None was asked yet. F1DB releases are looked for by `f1 update`; the API of the weekend by `f1 serve`."
        )
    else:
        holdings.listing(
            polls,
            {
                "asked_at": holdings.moment("Asked"),
                "source": "Source",
                "subject": "About",
                "outcome": st.column_config.TextColumn(
                    "Outcome",
                    help="new, same, not yet, refused (breaks a law), failed (no answer), stopped (not asked)",
                ),
                "answered_at": holdings.moment("Last usable answer"),
                "check_name": "Failed check",
                "message": st.column_config.TextColumn("Why", width="large"),
                "retry_at": holdings.moment("Goes on"),
            },
        )
    if not live.empty:
        with st.expander("Sessions as the web source stated them"):
            holdings.listing(
                live.assign(complete=live["complete"].astype(bool)),
                {
                    "race_key": "Race",
                    "table_name": "Table",
                    "session": "Session",
                    "seen_at": holdings.moment("First seen"),
                    "confirmed_at": holdings.moment("Last confirmed"),
                    "complete": st.column_config.CheckboxColumn(
                        "Complete", help="Only complete sessions are used"
                    ),
                    "row_count": "Rows",
                    "source": "Source",
                },
            )


def _loads() -> None:
    loads = data.read(queries.data_state.loads)
    failed = loads[loads["message"].notna()]
    if not failed.empty:
        st.warning(
            "**Loads with a fault**: "
            + "; ".join(f"{row.table_name}: {row.message}" for row in failed.itertuples())
        )
    with st.expander("What was loaded"):
        holdings.listing(
            loads,
            {
                "loaded_at": holdings.moment("Loaded"),
                "source": "Source",
                "release": "Release",
                "table_name": "Table",
                "races": "Races",
                "rows": "Rows",
                "message": "What went wrong",
            },
        )


def _others() -> None:
    weather, prices = data.fresh(queries.data_state.weather), data.fresh(queries.data_state.prices)
    if not weather.empty:
        st.subheader("Weather", anchor=False)
        number = st.column_config.NumberColumn
        holdings.listing(
            weather,
            {
                "issued_at": holdings.moment("Taken"),
                "kind": "Kind",
                "race_key": "Race",
                "session": "Session",
                "provider": "Service",
                "temperature_c": number("°C", format="%.1f"),
                "precipitation_mm": number("Rain mm", format="%.1f"),
                "precipitation_probability": number("Chance of rain", format="percent"),
                "wind_kmh": number("Wind km/h", format="%.0f"),
            },
        )
    if not prices.empty:
        st.subheader("Market prices", anchor=False)
        holdings.listing(
            prices,
            {
                "source": "Source",
                "races": "Races",
                "rows": "Prices",
                "taken_at": holdings.moment("Newest price"),
                "imported_at": holdings.moment("Imported"),
            },
        )
    st.subheader("Which recipes forecast", anchor=False)
    decided = data.fresh(queries.data_state.decisions)
    if decided.empty:
        st.markdown("No recipe was decided about yet.")
    else:
        st.markdown(
            "A recipe comes into force only if it forecast the same races better than the one before it."
        )
        holdings.recipes(decided)


def render() -> None:
    """Draw the page."""
    st.title("Data", anchor=False)
    state = data.state()
    if state is None:  # The entry has said so.
        return
    sources = data.read(queries.data_state.sources)
    polls = data.fresh(queries.data_state.polls)
    daemon = health.daemon()
    _late(state, sources, polls)
    _cards(state, polls)
    _links()
    health.parts(daemon)
    st.subheader("Tables", anchor=False)
    names = [name for _, tables in holdings.GROUPS.values() for name in tables]
    states = {name: data.read(queries.data_state.table_state, name) for name in names}
    holdings.tables(holdings.table_rows(states, sources, data.read(queries.data_state.newest_releases)))
    _loads()
    _revisions()
    _requests(polls, data.fresh(queries.data_state.live))
    _others()


if __name__ == "__main__":
    render()
