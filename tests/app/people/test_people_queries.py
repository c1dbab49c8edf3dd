"""Queries of drivers, teams, circuits and ratings against the hand-written rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from sqlalchemy import create_engine, delete, event, update

from f1_app import queries, summaries
from f1_app.database import engine_for, reading, tables_url
from f1_pipeline.storage import schema

BIG = ("race_results", "starting_grid", "qualifying_results", "sprint_results", "entries", "elo_ratings")
BIG += ("joint_ratings", "feature_matrix", "prediction_reasons")


def test_results_of_a_driver_have_grid_qualifying_and_sprint(people: Path) -> None:
    with reading() as connection:
        rows = queries.drivers.results(connection, "bo-brake")
    assert list(rows["race_key"]) == ["2026-testland", "2026-alphaville", "2025-testland", "1955-oldland"]
    newest = rows.iloc[0]
    assert newest[["grid_position", "qualifying_position", "position"]].tolist() == [2, 2, 2]
    assert (newest["sprint_position"], newest["sprint_points"]) == (1, 8.0)
    assert rows["sprint_points"].isna().sum() == 3
    # Fastest or not: first on the grid is who started there.
    assert rows.iloc[1][["grid_position", "qualifying_position"]].tolist() == [1, 2]
    assert rows["position"].dtype == "Int64"


def test_a_driver_in_two_cars_has_two_rows_and_started_once(people: Path) -> None:
    with reading() as connection:
        rows = queries.drivers.results(connection, "gus-gasket")
        mates = queries.drivers.cars_of_team_mates(connection, "gus-gasket")
    assert list(rows["car_number"]) == ["2", "6"]
    assert list(rows["shared_car"]) == [True, False]
    career = summaries.career(rows)
    assert (career["starts"], career["wins"], career["poles"]) == (1, 1, 1)
    assert set(mates["driver_id"]) == {"ada-arrow", "bo-brake", "gus-gasket"}
    both = summaries.pairs(mates)
    duels = summaries.head_to_heads(both[both["driver_id"] == "gus-gasket"], ["rival_driver_id"])
    found = duels.set_index("rival_driver_id")[["races", "ahead", "behind", "level"]]
    assert found.loc["ada-arrow"].tolist() == [1, 0, 0, 1]
    assert found.loc["bo-brake"].tolist() == [1, 1, 0, 0]


def test_a_start_from_the_pit_lane_has_no_place_and_says_so(people: Path) -> None:
    with reading() as connection:
        row = queries.drivers.results(connection, "fay-flag").iloc[0]
    assert row["grid_text"] == "PL"
    assert row["grid_position"] is None or row.isna()["grid_position"]
    assert row["grid_order"] == 6


def test_every_page_has_the_same_grid(people: Path) -> None:
    """A penalty that the results leave out, a car that had to start from the pit lane, a grid that nobody published."""
    race, results, grid = "2026-testland", schema.race_results, schema.starting_grid
    of = results.c.race_key == race
    with create_engine(f"sqlite:///{people}").begin() as connection:
        connection.execute(update(results).where(of).values(grid_position=9, grid_text="9"))
        connection.execute(
            update(results).where(of, results.c.driver_id == "bo-brake").values(grid_text="PL")
        )
        connection.execute(delete(grid).where(grid.c.race_key == race, grid.c.driver_id == "cy-camber"))
    with reading() as connection:
        classified = queries.races.result(connection, race).set_index("driver_id")["grid_position"]
        at_circuit = queries.circuits.cars(connection, "testring")
        at_circuit = at_circuit[at_circuit["race_key"] == race].set_index("driver_id")
        every = queries.circuits.cars_of_all(connection, 2026)
        own = queries.drivers.results(connection, "bo-brake").set_index("race_key").loc[race]
        winner = queries.venues.past_winners(connection, "2026-betatown").set_index("race_key").loc[race]
    drivers = list(classified.index)
    said = [None if pd.isna(place) else int(place) for place in classified]
    assert said == [None if pd.isna(place) else int(place) for place in at_circuit["grid_position"][drivers]]
    assert sorted(place for place in said if place) == sorted(
        every.loc[every["race_key"] == race, "grid_position"].dropna()
    )
    assert pd.isna(classified["bo-brake"])
    assert (pd.isna(own["grid_position"]), own["grid_text"]) == (True, "PL")
    assert classified["cy-camber"] == at_circuit.loc["cy-camber", "grid_order"] == 9
    assert winner["grid_position"] == classified[winner["driver_id"]] != 9


def test_an_order_of_qualifying_is_no_grid(people: Path) -> None:
    with create_engine(f"sqlite:///{people}").begin() as connection:
        connection.execute(update(schema.starting_grid).values(is_provisional=True))
        connection.execute(update(schema.race_results).values(grid_position=None))
    with reading() as connection:
        assert queries.drivers.results(connection, "bo-brake")["grid_position"].isna().all()
        races = summaries.by_race(queries.circuits.cars(connection, "testring"))
    assert summaries.grid_effect(races).pole_races == 0


def test_who_there_was(people: Path) -> None:
    with reading() as connection:
        everybody = queries.drivers.drivers_ever(connection).set_index("driver_id")
        teams = queries.teams.teams_ever(connection).set_index("constructor_id")
        gus = queries.drivers.driver(connection, "gus-gasket")
        assert queries.drivers.driver(connection, "nobody") is None
        assert queries.teams.team(connection, "nobody") is None
        assert queries.circuits.circuit(connection, "nowhere") is None
        team = queries.teams.team(connection, "comet")
        assert queries.drivers.leader(connection) == "ada-arrow"
        assert queries.teams.leader(connection) == "comet"
    assert everybody.loc["ada-arrow", ["code", "first_season", "last_season", "races"]].tolist() == [
        "ARR",
        1955,
        2026,
        4,
    ]
    assert set(teams.index) == {"comet", "ferrari", "nimbus"}
    assert gus is not None
    assert (gus.code, gus.first_season, gus.last_season) == ("GAS", 1955, 1955)
    assert team is not None
    assert (team.first_season, team.last_season) == (1955, 2026)


def test_without_entries_the_results_say_who_there_was(people: Path) -> None:
    with create_engine(f"sqlite:///{people}").begin() as connection:
        connection.execute(delete(schema.entries))
    with reading() as connection:
        everybody = queries.drivers.drivers_ever(connection)
        assert "gus-gasket" in set(everybody["driver_id"])
        assert list(everybody["last_season"]) == sorted(everybody["last_season"], reverse=True)


def test_standings_are_those_of_the_last_race_of_each_season(people: Path) -> None:
    with reading() as connection:
        rows = queries.drivers.standings(connection, "bo-brake")
        team = queries.teams.standings(connection, "ferrari")
    assert rows[["season", "position", "points"]].values.tolist() == [[2026, 2, 48.0], [2025, 2, 48.0]]
    assert [bool(value) for value in rows["finished"]] == [False, True]
    assert team[["season", "position"]].values.tolist() == [[2026, 2], [2025, 2]]


def test_circuits_their_layouts_and_their_races(people: Path) -> None:
    with reading() as connection:
        every = queries.circuits.circuits_ever(connection).iloc[0]
        layouts = queries.circuits.layouts(connection, "testring")
        cars = queries.circuits.cars(connection, "testring")
        everywhere = queries.circuits.cars_of_all(connection, 1950)
        later = queries.circuits.cars_of_all(connection, 2026)
        assert queries.circuits.circuit_of(connection, "2026-betatown") == "testring"
    assert (every["circuit_id"], every["races"], every["first_season"]) == ("testring", 4, 1955)
    assert layouts["length_km"].tolist() == [5.25, 6.5]
    races = summaries.by_race(cars)
    assert races["pole_won"].to_dict() == {
        "2026-testland": 1.0,
        "2026-alphaville": 1.0,
        "2025-testland": 0.0,
        "1955-oldland": 1.0,
    }
    assert races.loc["1955-oldland", ["starters", "classified", "retired"]].tolist() == [4, 3, 1]
    assert summaries.by_race(everywhere).loc[races.index].equals(races)
    assert set(later["race_key"]) == {"2026-testland", "2026-alphaville"}


def test_what_the_models_know_of_a_circuit(people: Path) -> None:
    with reading() as connection:
        coefficients = queries.circuits.track_coefficients(connection, "testring")
        drivers = queries.circuits.driver_coefficients(connection, "2026-testland").set_index("driver_id")
        reasons = queries.circuits.reasons(connection)
    assert coefficients["retirement_circuit"].tolist() == pytest.approx([0.2, 0.1, 0.0])
    assert drivers.index[0] == "ada-arrow"
    assert drivers.loc["ada-arrow", ["driver_wins_at_circuit", "contribution"]].tolist() == [1.0, 0.05]
    assert summaries.spread_of_reasons(reasons).to_dict() == pytest.approx({"circuit": 0.05, "rating": 0.8})


def test_ratings_of_some_drivers_and_teams(people: Path) -> None:
    with reading() as connection:
        elo = queries.ratings.elo(connection, "driver", ("ada-arrow", "bo-brake"))
        joint = queries.ratings.joint_of_drivers(connection, ("ada-arrow",))
        teams = queries.ratings.joint_of_teams(connection, ("comet", "nimbus"))
        assert queries.ratings.elo(connection, "constructor", ("comet",))["team"].unique() == ["Comet Racing"]
        assert queries.ratings.elo(connection, "driver", ()).empty
    assert set(elo["entity_id"]) == {"ada-arrow", "bo-brake"}
    assert elo["value_after"].tolist() == [1510.0] * 2 + [1520.0] * 2 + [1530.0] * 2
    assert set(elo["constructor_id"]) == {"comet"}
    first = joint.iloc[0]
    # Of six entries two are of Comet (.5), and one driver is .3 better.
    assert first["mean"] - first["field_mean"] == pytest.approx(0.8 - (2 * 0.5 + 0.3) / 6)
    assert first["field_driver_mean"] == pytest.approx(0.05)
    assert len(teams) == 6
    assert teams["field_team_mean"].unique() == pytest.approx([1 / 6])


def test_one_driver_team_or_circuit_never_reads_a_whole_table(people: Path) -> None:
    statements: list[tuple[str, Any]] = []
    engine = engine_for(tables_url())
    listener = lambda *args: statements.append((args[2], args[3]))  # noqa: E731
    event.listen(engine, "before_cursor_execute", listener)
    try:
        with reading() as connection:
            queries.drivers.driver(connection, "bo-brake")
            queries.drivers.results(connection, "bo-brake")
            queries.drivers.cars_of_team_mates(connection, "bo-brake")
            queries.teams.team(connection, "comet")
            queries.teams.results(connection, "comet")
            queries.circuits.cars(connection, "testring")
            queries.circuits.driver_coefficients(connection, "2026-testland")
            queries.ratings.elo(connection, "driver", ("bo-brake",))
            queries.ratings.joint_of_drivers(connection, ("bo-brake",))
            queries.ratings.joint_of_teams(connection, ("comet",))
    finally:
        event.remove(engine, "before_cursor_execute", listener)
    assert len(statements) == 14
    with engine.connect() as connection:
        for text, parameters in statements:
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", parameters).fetchall()
            scans = [row[3] for row in plan if row[3].startswith("SCAN") and row[3].split()[1] in BIG]
            assert not scans, (text, scans)
