"""Next race and any race with all that the tables can hold of a race, under AppTest; and their queries."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from sqlalchemy import create_engine, event, insert, select
from streamlit.testing.v1 import AppTest

import f1_app.dashboard
from f1_app import queries
from f1_app.dashboard.components.tables import forecast_rows
from f1_app.database import engine_for, reading, tables_url
from f1_pipeline.storage import schema

APP = Path(f1_app.dashboard.__file__).with_name("app.py")
COMPARE = "views/compare.py"
SMALL = {"SCAN CONSTANT ROW", "SCAN anon_1"}
"""What a plan may read whole: no table at all, or a few rows of a subquery that was limited to the race."""
NEXT, DONE = "2026-betatown", "2026-alphaville"


def show(page: str | None = None, **query: str) -> AppTest:
    at = AppTest.from_file(str(APP), default_timeout=60)
    if page:
        at.run()
        at.switch_page(page)
    for name, value in query.items():
        at.query_params[name] = value
    at.run()
    assert not at.exception, at.exception[0].message
    return at


def texts(at: AppTest) -> str:
    parts = [*at.title, *at.markdown, *at.caption, *at.info, *at.warning, *at.subheader]
    return "\n".join(str(part.value) for part in parts)


def table(at: AppTest, *columns: str) -> pd.DataFrame:
    """The first table that has these columns."""
    return next(part.value for part in at.dataframe if set(columns) <= set(part.value.columns))


def headings(at: AppTest) -> list[str]:
    return [str(part.value) for part in at.subheader]


def test_next_race_shows_all_of_the_forecast(race_database: Path) -> None:
    at = show()
    assert headings(at) == [
        "Who wins",
        "Forecast",
        "Where everybody may finish",
        "Team-mates",
        "Why",
        "The sprint",
        "The weekend",
        "The circuit",
    ]
    rows = table(at, "Win", "Retires")
    assert list(rows["Win"]) == pytest.approx([50, 20, 12, 10, 5, 3])
    assert rows["Retires"].iloc[1] == pytest.approx(6)
    assert rows["Expected points"].iloc[0] == pytest.approx(20)
    assert "Change" not in rows, "there is nothing before the weekend to compare with"
    assert "10,000 races drawn" in texts(at)
    assert not [part.value for part in at.info], "the pool is shown, so nothing has to be said about it"


def test_next_race_shows_sprint_weekend_and_circuit(race_database: Path) -> None:
    at = show()
    sprint = at.dataframe[1].value
    assert list(sprint["Win"]) == pytest.approx([35, 30, 15, 10, 6, 4])
    weekend = table(at, "Session")
    assert list(weekend["Session"]) == [
        "First practice",
        "Sprint qualifying",
        "Sprint",
        "Qualifying",
        "Race",
    ]
    assert weekend["At the track"].iloc[-1] == "Sun 6 Sep 15:00"
    assert weekend["°C"].iloc[-1] == 19, "the newest forecast, not the warmer one of the day before"
    assert weekend["°C"].isna().tolist() == [True, True, True, False, False]
    text = texts(at)
    assert "A wet race is forecast. Weather forecast of 3 September 2026 12:00 UTC by [Open-Meteo]" in text
    assert "**Testring of Testford**, Testford, Australia" in text
    assert "Street circuit, anti-clockwise" in text
    assert "12 m above the sea" in text
    winners = table(at, "Winner")
    assert list(winners["Season"]) == [2026, 2026, 2025]
    assert list(winners["Code"]) == ["ARR", "BRA", "ARR"]
    assert "Circuit" not in winners, "all of them were here"


def test_another_model_says_that_places_are_those_of_the_pool(race_database: Path) -> None:
    at = show(model="elo")
    assert "stored for the pool only" in at.info[0].value
    assert "not Elo" in at.info[0].value
    assert "Where everybody may finish" in headings(at)


def test_a_provisional_grid_is_called_so(race_database: Path) -> None:
    with create_engine(f"sqlite:///{race_database}").begin() as connection:
        row = (
            connection.execute(
                select(schema.predictions).where(schema.predictions.c.race_key == NEXT).limit(1)
            )
            .mappings()
            .one()
        )
        connection.execute(insert(schema.predictions).values({**row, "horizon": "pre_race"}))
        grid = {
            "race_key": NEXT,
            "session": "R",
            "display_order": 1,
            "driver_id": "ada-arrow",
            "constructor_id": "comet",
            "position": 1,
            "position_text": "1",
            "is_provisional": True,
        }
        connection.execute(insert(schema.starting_grid).values(grid))
    assert "The grid is provisional" in texts(show())
    assert "The grid is provisional" not in texts(show(horizon="pre_weekend"))


def test_any_race_shows_forecast_result_and_score_of_the_model(race_database: Path) -> None:
    at = show(COMPARE, race=DONE, model="elo")
    text = texts(at)
    assert "Result: **P1 BRA** Bo Brake · **P2 ARR** Ada Arrow" in text
    # -ln .2; elo gave the winner less than the ensemble, more than uniform.
    assert (at.metric[0].label, at.metric[0].value, at.metric[0].delta) == ("Log loss", "1.609", "2nd of 3")
    assert (at.metric[1].label, at.metric[1].value) == ("Winner had", "20.0 %")
    rows = table(at, "Finish", "Forecast")
    assert list(rows["Code"]) == ["BRA", "ARR", "CAM", "DIF", "ENG", "FLA"]
    assert list(rows["Forecast"]) == [2, 1, 3, 4, 5, 6]
    assert rows["Out"].iloc[-1] == "Gearbox"
    sprint = at.dataframe[1].value
    assert list(sprint["Code"]) == ["BRA", "ARR", "CAM", "DIF", "ENG", "FLA"]
    assert list(sprint["Win"]) == pytest.approx([6, 4, 10, 15, 30, 35]), "of after sprint qualifying"
    assert list(sprint["Scored"]) == [8, 7, 6, 5, 4, 3]


def test_any_race_says_how_the_forecast_changed_before_it_was_run(race_database: Path) -> None:
    with reading() as connection:
        before = queries.forecasts.forecast(connection, DONE, "pre_weekend", "pool")
        after = queries.forecasts.forecast(connection, DONE, "pre_race", "pool")
    rows = forecast_rows(after, before)
    assert list(rows["Change"]) == pytest.approx([20, -10, -10, 0, 0, 0])
    without = forecast_rows(after, before[before["driver_id"] != "bo-brake"])
    assert without["Change"].isna().tolist() == [False, True, False, False, False, False]


def test_spoilers_are_hidden_until_asked_for(race_database: Path) -> None:
    at = show(COMPARE, race=DONE, spoilers="hidden")
    assert at.toggle(key="compare:spoilers").value is True
    text = texts(at)
    assert "Result:" not in text
    assert not at.metric
    assert "Scores of this race" not in headings(at)
    for part in at.dataframe:
        assert not {"Finish", "Scored", "Out", "log_loss"} & set(part.value.columns)
    assert at.dataframe[0].value["Code"].iloc[0] == "ARR", "by probability, not in the order of the result"
    at.button(key=f"spoiler:{DONE}").click().run()
    assert "Result: **P1 BRA** Bo Brake" in texts(at)
    assert "Finish" in at.dataframe[0].value
    # Only that race: another one is still hidden.
    at.selectbox(key="compare:race").set_value("2026-testland").run()
    assert "Result:" not in texts(at)
    assert "hidden" in at.query_params["spoilers"]
    at.toggle(key="compare:spoilers").set_value(False).run()
    assert "Result:" in texts(at)
    assert "spoilers" not in at.query_params


def test_a_race_without_these_tables_says_so_and_goes_on(database: Path) -> None:
    at = show()
    assert "there are none of this race" in texts(at)
    assert "There is no forecast of this sprint" in texts(at)
    assert "No weather forecast was taken" in texts(at)
    assert at.metric[0].value == "40.0 %"


def test_queries_of_a_race_are_limited_to_it_and_use_an_index(race_database: Path) -> None:
    statements: list[tuple[str, Any]] = []
    engine = engine_for(tables_url())

    def note(*told: Any) -> None:
        statements.append((told[2], told[3]))

    event.listen(engine, "before_cursor_execute", note)
    try:
        with reading() as connection:
            assert len(queries.distributions.places(connection, NEXT, "pre_weekend")) == 36
            assert len(queries.distributions.pairs(connection, NEXT, "pre_weekend")) == 15
            assert len(queries.distributions.reasons(connection, NEXT, "pre_weekend")) == 12
            assert queries.sprints.horizons(connection, NEXT) == ["pre_weekend"]
            assert len(queries.sprints.forecast(connection, NEXT, "pre_weekend")) == 6
            assert queries.sprints.result(connection, NEXT).empty
            assert len(queries.weekends.sessions(connection, NEXT)) == 5
            assert list(queries.weekends.weather(connection, NEXT)["session"]) == ["Q", "R"]
            assert not queries.weekends.grid_is_provisional(connection, NEXT)
            assert len(queries.venues.past_winners(connection, NEXT)) == 3
            venue = queries.venues.venue(connection, NEXT)
    finally:
        event.remove(engine, "before_cursor_execute", note)
    assert venue is not None
    assert (venue.length_km, venue.turns, venue.country_id) == (5.25, 15, "australia")
    with engine.connect() as connection:
        for text, parameters in statements:
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", parameters).fetchall()
            scans = [row[3] for row in plan if row[3].startswith("SCAN") and row[3] not in SMALL]
            assert not scans, (text, scans)


def test_past_winners_are_of_circuit_or_grand_prix_and_of_before(race_database: Path) -> None:
    with create_engine(f"sqlite:///{race_database}").begin() as connection:
        connection.execute(insert(schema.circuits).values(circuit_id="elsewhere", name="Elsewhere"))
        race = (
            connection.execute(select(schema.races).where(schema.races.c.race_key == "2025-testland"))
            .mappings()
            .one()
        )
        moved = {**race, "race_key": "2024-testland", "season": 2024, "circuit_id": "elsewhere"}
        stranger = {**moved, "race_key": "2023-nowhere", "season": 2023, "grand_prix_id": "nowhere"}
        connection.execute(insert(schema.seasons), [{"season": 2023}, {"season": 2024}])
        connection.execute(
            insert(schema.races),
            [{**moved, "date": dt.date(2024, 5, 5)}, {**stranger, "date": dt.date(2023, 5, 5)}],
        )
        winner = (
            connection.execute(
                select(schema.race_results).where(
                    schema.race_results.c.race_key == "2025-testland", schema.race_results.c.position == 1
                )
            )
            .mappings()
            .one()
        )
        connection.execute(
            insert(schema.race_results),
            [{**winner, "race_key": key} for key in ("2024-testland", "2023-nowhere")],
        )
    with reading() as connection:
        found = queries.venues.past_winners(connection, "2026-testland")
        assert list(found["race_key"]) == [DONE, "2025-testland", "2024-testland"]
        assert found["same_circuit"].tolist() == [True, True, False]
        assert len(queries.venues.past_winners(connection, "2026-testland", limit=2)) == 2
        assert queries.venues.past_winners(connection, "2999-nowhere").empty
        assert queries.venues.venue(connection, "2999-nowhere") is None
