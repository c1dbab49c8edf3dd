"""What happened at a circuit, and at all of them: what the grid decided, who won."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st

from f1_app import queries, summaries
from f1_app.dashboard import charts, charts_circuits, data, scores
from f1_app.dashboard.components import messages, people
from f1_app.dashboard.components.picker import choose
from f1_app.dashboard.components.tables import full_height
from f1_pipeline.domain.classification import RETIREMENT_CODES

PERIODS = {"1950": "Since 1950", "1994": "Since 1994", "2014": "Since 2014", "2022": "Since 2022"}
COMPARED_RACES = 3
"""Races that a circuit is drawn from: a mean of fewer says more of those races than of the circuit."""


@st.cache_data(show_spinner=False, max_entries=64)
def _by_race(cars: pd.DataFrame) -> pd.DataFrame:
    return summaries.by_race(cars)


def _period(page: str, cars: pd.DataFrame) -> pd.DataFrame:
    first = choose(
        "Races",
        list(PERIODS),
        page=page,
        name="period",
        default="1950",
        show=lambda key: PERIODS[key],
        kind="radio",
    )
    return cars[cars["season"] >= int(first)]


def _interval(values: pd.Series, text: str) -> str | None:
    low, high = scores.mean_interval(values.dropna().to_numpy(dtype="float64"))
    return f"{text % low} to {text % high} (95 %)" if np.isfinite(low) else None


def grid(page: str, cars: pd.DataFrame) -> None:
    """How much the grid decides: key figures, charts and every race."""
    cars = _period(page, cars)
    races = _by_race(cars)
    if races.empty:
        messages.nothing("No race in these seasons.", "Choose a longer period.")
        return
    effect = summaries.grid_effect(races)
    people.figures(
        [
            ("Races", str(effect.races), None),
            (
                "First on the grid won",
                f"{effect.pole_share * 100:.0f} %" if effect.pole_races else "-",
                f"{effect.pole_wins} of {effect.pole_races}",
            ),
            (
                "Grid against finish",
                f"{effect.rank_correlation:.2f}",
                _interval(races["rank_correlation"], "%.2f"),
            ),
            ("Places moved", f"{effect.mean_move:.1f}", _interval(races["mean_move"], "%.1f")),
            (
                "Retired",
                f"{effect.retirement_share * 100:.0f} %" if effect.starters else "-",
                f"{effect.retired:,} of {effect.starters:,} cars",
            ),
        ]
    )
    st.caption(
        "*First on the grid* is who started from the first place, grid penalties included, not who was fastest in qualifying; who"
        " was first and did not take the start did not win. *Grid against finish* is Spearman's rank correlation, 1 where all finish"
        " as they started, mean over races. *Places moved* up or down is the mean over cars. Both are among the cars that were"
        " classified, so a place inherited from a retirement is none gained; the pit lane is behind the grid. What happens in"
        " the pits and at the start counts as much as overtaking on the track."
    )
    about = cars.drop_duplicates("race_key").set_index("race_key")[["date", "season", "race"]]
    table = races.join(about).join(_winners(cars))
    left, right = st.columns([2, 3], gap="medium")
    with left:
        st.subheader("Won from", anchor=False)
        st.plotly_chart(
            charts_circuits.winner_chart(summaries.winner_places(races)),
            width="stretch",
            config=charts.CONFIG,
            key="winner-chart",
        )
    with right:
        st.subheader("Race by race", anchor=False)
        st.plotly_chart(
            charts_circuits.order_chart(table), width="stretch", config=charts.CONFIG, key="order-chart"
        )
    _races_table(table)
    _reasons(cars)


def _winners(cars: pd.DataFrame) -> pd.DataFrame:
    """Winner, his team and who was first on the grid by race; two who shared the winning car stand together."""

    def joined(rows: pd.DataFrame, column: str) -> pd.Series:
        return rows.groupby("race_key")[column].agg(lambda names: " / ".join(dict.fromkeys(names)))

    first = cars[cars["position"].eq(1).fillna(False)]
    pole = cars[cars["grid_position"].eq(1).fillna(False)]
    return pd.DataFrame(
        {
            "winners": joined(first, "driver"),
            "team": joined(first, "team"),
            "pole": joined(pole, "driver"),
        }
    ).rename_axis("race_key")


def _races_table(table: pd.DataFrame) -> None:
    number = st.column_config.NumberColumn
    st.dataframe(
        table,
        hide_index=True,
        placeholder="-",
        width="stretch",
        height=full_height(min(len(table), 12)),
        column_order=[
            "season",
            "race",
            "winners",
            "winner_grid",
            "pole",
            "rank_correlation",
            "mean_move",
            "best_climb",
            "retired",
            "starters",
        ],
        column_config={
            "season": number("Season", format="%d", width=60),
            "race": st.column_config.TextColumn("Race", width=150),
            "winners": st.column_config.TextColumn("Winner", width=130),
            "winner_grid": number("From", help="Starting place of the winner", width=50),
            "pole": st.column_config.TextColumn("First on the grid", width=130),
            "rank_correlation": number(
                "Correlation", help="Spearman's, of grid and finish of the classified cars", format="%.2f"
            ),
            "mean_move": number(
                "Moved", help="Places up or down, mean of the classified cars", format="%.1f"
            ),
            "best_climb": number(
                "Best climb", help="Most places gained among the classified cars", format="%d"
            ),
            "retired": number("Retired", width=60),
            "starters": number("Started", width=60),
        },
    )


def _reasons(cars: pd.DataFrame) -> None:
    whole = cars[~cars["shared_car"].astype(bool) & cars["position_text"].isin(RETIREMENT_CODES)]
    counts = whole["reason_retired"].dropna().value_counts().head(8)
    if not counts.empty:
        st.markdown(
            "**Why cars retired:** "
            + " \u00b7 ".join(f"{reason} {count}" for reason, count in counts.items())
        )


def winners(page: str, cars: pd.DataFrame) -> None:
    """Who won how often, and every race."""
    cars = _period(page, cars)
    first = cars[cars["position"].eq(1).fillna(False)]
    if first.empty:
        messages.nothing("No winner in these seasons.", "Choose a longer period.")
        return
    columns = st.columns(2, gap="medium")
    for column, name, key in ((columns[0], "Drivers", "driver"), (columns[1], "Teams", "team")):
        ident = "driver_id" if key == "driver" else "constructor_id"
        won = first.drop_duplicates(["race_key", ident]).groupby([ident, key])["season"]
        table = won.agg(["size", "min", "max"]).reset_index()
        table = table.sort_values(["size", "max"], ascending=False)
        with column:
            st.subheader(name, anchor=False)
            st.dataframe(
                table[[key, "size", "min", "max"]],
                hide_index=True,
                width="stretch",
                height=full_height(min(len(table), 10)),
                column_config={
                    key: st.column_config.TextColumn(name[:-1]),
                    "size": st.column_config.NumberColumn("Wins", width=56),
                    "min": st.column_config.NumberColumn("First", format="%d", width=64),
                    "max": st.column_config.NumberColumn("Last", format="%d", width=64),
                },
            )
    st.subheader("Race by race", anchor=False)
    about = cars.drop_duplicates("race_key").set_index("race_key")[["date", "race"]]
    table = about.join(_winners(cars)).join(_by_race(cars)[["winner_grid"]])
    st.dataframe(
        table[["date", "race", "winners", "team", "winner_grid", "pole"]],
        hide_index=True,
        placeholder="-",
        width="stretch",
        height=full_height(min(len(table), people.TALLEST)),
        column_config={
            "date": st.column_config.DateColumn("Date", format="YYYY-MM-DD", width=92),
            "race": st.column_config.TextColumn("Race"),
            "winners": st.column_config.TextColumn("Winner"),
            "team": st.column_config.TextColumn("Team"),
            "winner_grid": st.column_config.NumberColumn(
                "From", help="Starting place of the winner", width=56
            ),
            "pole": st.column_config.TextColumn("First on the grid"),
        },
    )
    st.caption("Two who shared the winning car both won.")


def compared(page: str, circuit_id: str, names: dict[str, str]) -> None:
    """All circuits beside each other, the chosen one marked."""
    first = choose(
        "Races",
        list(PERIODS),
        page=page,
        name="since",
        default="2014",
        show=lambda key: PERIODS[key],
        kind="radio",
    )
    cars = data.read(queries.circuits.cars_of_all, int(first))
    cars = cars.dropna(subset="circuit_id")
    if cars.empty:
        messages.nothing("No race in these seasons.", "Choose a longer period.")
        return
    where = cars.drop_duplicates("race_key").set_index("race_key")["circuit_id"]
    rows = []
    for key, races in _by_race(cars).groupby(where):
        effect = summaries.grid_effect(races)
        rows.append(
            (
                key,
                names.get(str(key), str(key)),
                effect.races,
                effect.pole_share * 100,
                effect.rank_correlation,
                effect.mean_move,
                effect.retirement_share * 100,
            )
        )
    columns = ["circuit_id", "circuit", "races", "pole_share", "rank_correlation", "mean_move", "retired"]
    table = pd.DataFrame(rows, columns=columns).sort_values("rank_correlation", ascending=False)
    drawn = table[table["races"] >= COMPARED_RACES].dropna(subset=["rank_correlation", "pole_share"])
    if not drawn.empty:
        st.plotly_chart(
            charts_circuits.circuits_chart(drawn, circuit_id),
            width="stretch",
            config=charts.CONFIG,
            key="circuits-chart",
        )
        st.caption(f"Circuits with {COMPARED_RACES} races or more; few races move far by luck alone.")
    number = st.column_config.NumberColumn
    st.dataframe(
        table.drop(columns="circuit_id"),
        hide_index=True,
        placeholder="-",
        width="stretch",
        height=full_height(min(len(table), people.TALLEST)),
        column_config={
            "circuit": st.column_config.TextColumn("Circuit"),
            "races": number("Races", width=60),
            "pole_share": number("First won %", help="Races won by the first on the grid", format="%.0f"),
            "rank_correlation": number(
                "Correlation", help="Spearman's, of grid and finish; most on top", format="%.2f"
            ),
            "mean_move": number(
                "Moved", help="Places up or down, mean of the classified cars", format="%.1f"
            ),
            "retired": number("Retired %", help="Cars that started and retired", format="%.0f"),
        },
    )
