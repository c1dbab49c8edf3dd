"""Circuits: what they are, how much the grid decides, who won, and what the models know of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from f1_app import queries, summaries
from f1_app.dashboard import charts, charts_circuits, data, scores, style
from f1_app.dashboard.components import messages, people
from f1_app.dashboard.components.picker import choose
from f1_app.dashboard.components.tables import badged, full_height
from f1_app.records import Circuit
from f1_pipeline.domain.classification import RETIREMENT_CODES

PAGE = "circuits"
VIEWS = {
    "grid": "Grid and racing",
    "winners": "Winners",
    "models": "What the models know",
    "all": "All circuits",
}
PERIODS = {"1950": "Since 1950", "1994": "Since 1994", "2014": "Since 2014", "2022": "Since 2022"}
TYPES = {"RACE": "permanent circuit", "STREET": "street circuit", "ROAD": "public roads"}
DIRECTIONS = {"CLOCKWISE": "clockwise", "ANTI_CLOCKWISE": "anti-clockwise"}
# A mean of fewer races says more of those races than of the circuit.
COMPARED_RACES = 3


@st.cache_data(show_spinner=False, max_entries=64)
def _by_race(cars: pd.DataFrame) -> pd.DataFrame:
    return summaries.by_race(cars)


def _header(circuit: Circuit, seasons: str) -> None:
    st.title(circuit.name, anchor=False)
    parts = []
    if circuit.full_name and circuit.full_name != circuit.name:
        parts.append(circuit.full_name)
    town = [circuit.place or "", style.words(circuit.country_id or "")]
    parts.append(", ".join(part for part in town if part))
    parts.append(f"Grands Prix {seasons}")
    st.markdown(" \u00b7 ".join(part for part in parts if part))
    facts = []
    if circuit.length_km:
        facts.append(
            f"{circuit.length_km:.3f} km" + (f" with {circuit.turns} turns" if circuit.turns else "")
        )
    if circuit.type:
        facts.append(TYPES.get(circuit.type, circuit.type.lower()))
    if circuit.direction:
        facts.append(DIRECTIONS.get(circuit.direction, circuit.direction.lower()))
    if circuit.elevation_m is not None:
        facts.append(f"{circuit.elevation_m:,.0f} m above the sea")
    if facts:
        st.markdown(" \u00b7 ".join(facts))


def _period(cars: pd.DataFrame) -> pd.DataFrame:
    first = choose(
        "Races",
        list(PERIODS),
        page=PAGE,
        name="period",
        default="1950",
        show=lambda key: PERIODS[key],
        kind="radio",
    )
    return cars[cars["season"] >= int(first)]


def _interval(values: pd.Series, text: str) -> str | None:
    low, high = scores.mean_interval(values.dropna().to_numpy(dtype="float64"))
    return f"{text % low} to {text % high} (95 %)" if np.isfinite(low) else None


def _grid(cars: pd.DataFrame) -> None:
    cars = _period(cars)
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


def _winners_view(cars: pd.DataFrame) -> None:
    cars = _period(cars)
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


def _models(circuit: Circuit) -> None:
    coefficients = data.read(queries.circuits.track_coefficients, circuit.circuit_id)
    if coefficients.empty:
        messages.nothing(
            "The models have no features of a race here yet.",
            "Features are made from the first season with enough history on: run `f1 update`, or choose a circuit with a race.",
        )
    else:
        _coefficients(circuit, coefficients)
    layouts = data.read(queries.circuits.layouts, circuit.circuit_id)
    if not layouts.empty:
        st.subheader("Layouts", anchor=False)
        number = st.column_config.NumberColumn
        st.dataframe(
            layouts,
            hide_index=True,
            placeholder="-",
            width="stretch",
            height=full_height(min(len(layouts), people.TALLEST)),
            column_config={
                "length_km": number("Length (km)", format="%.3f"),
                "turns": number("Turns"),
                "first_season": number("From", format="%d"),
                "last_season": number("To", format="%d"),
                "races": number("Races", help="Run or on the calendar"),
            },
        )


def _coefficients(circuit: Circuit, coefficients: pd.DataFrame) -> None:
    newest = coefficients.iloc[0]
    name = f"{newest['race']} {newest['season']}"
    cards: list[tuple[str, str, str | None]] = []
    if pd.notna(newest["retirement_circuit"]):
        more = float(np.expm1(newest["retirement_circuit"])) * 100
        cards.append(("Retirements", f"{more:+.1f} %", "vs. average circuit"))
    for label, column, text in (
        ("Length", "track_length_km", "%.2f km"),
        ("Turns", "turn_count", "%.0f"),
        ("Height", "elevation_m", "%.0f m"),
    ):
        if pd.notna(newest[column]):
            cards.append((label, text % newest[column], None))
    people.figures(cards)
    st.caption(
        f"As the models had it before the {name}. *Retirements* are those of the cars here over those expected of them, drawn towards"
        " average where there were few races; it moves the forecast of who reaches the finish. Length, turns and height"
        " are the same for everybody in a race: they matter only together with what sets drivers apart."
    )
    left, right = st.columns(2, gap="medium")
    with left:
        st.subheader("Retirements here, as known before each race", anchor=False)
        shown = coefficients.dropna(subset="retirement_circuit")
        if not shown.empty:
            st.plotly_chart(
                charts_circuits.retirement_chart(shown),
                width="stretch",
                config=charts.CONFIG,
                key="retirement-chart",
            )
    with right:
        _made_of(circuit)
    _drivers(str(newest["race_key"]), int(newest["season"]), name)


def _made_of(circuit: Circuit) -> None:
    """What the pool's forecasts after qualifying came from, here and everywhere."""
    reasons = data.read(queries.circuits.reasons, "pre_race")
    here = reasons[reasons["circuit_id"] == circuit.circuit_id]
    if here.empty:
        return
    first = int(here["season"].min())
    st.subheader("What forecasts here are made of", anchor=False)
    st.plotly_chart(
        charts_circuits.reasons_chart(
            summaries.spread_of_reasons(here),
            summaries.spread_of_reasons(reasons[reasons["season"] >= first]),
        ),
        width="stretch",
        config=charts.CONFIG,
        key="reasons-chart",
    )
    st.caption(
        f"Pool, after qualifying, {style.plural(here['race_key'].nunique(), 'race')} since {first}: how far each"
        " group of features set the drivers of a race apart, beside all circuits in the same seasons."
    )


def _drivers(race_key: str, season: int, name: str) -> None:
    """What the models know of the drivers of the newest race here."""
    drivers = data.read(queries.circuits.driver_coefficients, race_key)
    if drivers.empty:
        return
    st.subheader(f"Drivers at this circuit, before the {name}", anchor=False)
    known = drivers.dropna(subset="contribution")
    left, right = st.columns([2, 3], gap="medium")
    if not known.empty:
        with left:
            st.plotly_chart(
                charts_circuits.driver_chart(known, season),
                width="stretch",
                config=charts.CONFIG,
                key="driver-chart",
            )
    table = pd.DataFrame(
        {
            "Code": drivers["code"].fillna(drivers["driver_id"].str[:3].str.upper()),
            "Driver": drivers["driver"],
            "Wins": drivers["driver_wins_at_circuit"],
            "Mean finish": drivers["driver_avg_finish_at_circuit"],
            "Adds": drivers["contribution"],
            "Team": drivers["team"],
        }
    )
    number: Any = st.column_config.NumberColumn
    with right:
        st.dataframe(
            badged(table, season, drivers["constructor_id"]),
            hide_index=True,
            placeholder="-",
            width="stretch",
            height=full_height(len(table)),
            column_config={
                "Code": st.column_config.TextColumn("Code", width=56),
                "Wins": number("Wins", help="Wins at this circuit before", format="%d", width=56),
                "Mean finish": number(
                    "Mean finish", help="Mean finishing rank here, retirements behind", format="%.1f"
                ),
                "Adds": number("Adds", help="Log strength; 0.69 doubles a car's strength", format="%+.3f"),
            },
        )
    st.caption(
        "*Adds*: what the record at this circuit does to the forecast before the weekend, in log strength against the mean of"
        " the race: 0.1 makes a driver about 10 % stronger."
    )


def _all(circuit_id: str, names: dict[str, str]) -> None:
    first = choose(
        "Races",
        list(PERIODS),
        page=PAGE,
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


def _default(about: pd.DataFrame) -> str:
    """Where the next race is, else the newest."""
    state = data.state()
    race = state and (state.next or state.newest)
    found = data.read(queries.circuits.circuit_of, race.race_key) if race else None
    return found if found is not None and found in about.index else str(about.index[0])


def render() -> None:
    """Draw the page."""
    about = data.read(queries.circuits.circuits_ever).set_index("circuit_id")
    if about.empty:
        st.title("Circuits", anchor=False)
        messages.nothing("No circuits yet.", "Run `f1 update`.")
        return
    names = {str(key): str(name) for key, name in about["circuit"].items()}
    left, right = st.columns([2, 3], vertical_alignment="bottom")
    with left:
        circuit_id = choose(
            "Circuit",
            list(names),
            page=PAGE,
            name="circuit",
            default=_default(about),
            show=lambda key: f"{names[key]} \u00b7 {style.plural(int(about['races'][key]), 'race')}",
            pinned=True,
            help="Type a part of the name. The newest are on top.",
        )
    with right:
        view = choose(
            "Show",
            list(VIEWS),
            page=PAGE,
            name="view",
            default="grid",
            show=lambda key: VIEWS[key],
            kind="radio",
        )
    circuit = data.read(queries.circuits.circuit, circuit_id)
    if circuit is None:
        messages.nothing("Unknown circuit.", "The table of circuits does not have it yet. Run `f1 update`.")
        return
    _header(
        circuit,
        people.span(int(about["first_season"][circuit_id]), int(about["last_season"][circuit_id])),
    )
    if view == "models":
        _models(circuit)
        return
    if view == "all":
        _all(circuit_id, names)
        return
    cars = data.read(queries.circuits.cars, circuit_id)
    if cars.empty:
        messages.nothing("No race was run here yet.", "The first result will show on this page.")
    elif view == "grid":
        _grid(cars)
    else:
        _winners_view(cars)


if __name__ == "__main__":
    render()
