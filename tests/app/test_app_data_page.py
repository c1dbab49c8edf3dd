"""The page on the data: what is held, what changed, what is late, where the servers are."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import create_engine, delete, insert, select

from f1_app import queries
from f1_app.dashboard import changes
from f1_app.dashboard.components.holdings import GROUPS
from f1_app.dashboard.data import State
from f1_app.dashboard.servers import server_links
from f1_app.database import reading
from f1_app.records import Loaded, Race
from f1_pipeline.storage import schema
from tests.app import scored
from tests.app.test_app_pages import show, texts

PAGE = "views/data.py"
NAMES = {"ada-arrow": "Ada Arrow", "bo-brake": "Bo Brake"}
NOW = dt.datetime(2026, 5, 4, 8, tzinfo=dt.UTC)


@pytest.fixture
def filled(database: Path) -> Path:
    scored.add(database)
    return database


def test_every_table_stands_in_one_group() -> None:
    found = [name for _, tables in GROUPS.values() for name in tables]
    assert sorted(found) == sorted(schema.metadata.tables)


def test_tables_say_what_they_hold_since_when_and_from_whom(filled: Path) -> None:
    table = show(PAGE).dataframe[0].value.set_index("Table")
    assert set(table.index) == set(schema.metadata.tables)
    assert (table.loc["races", "Rows"], table.loc["races", "Source"]) == (6, "f1db")
    assert table.loc["races", "Release"] == "v2026.5"
    assert table.loc["races", "Updated"] == pd.Timestamp("2026-05-04 07:00")
    assert table.loc["race_results", "Rows"] == 18
    assert table.loc["race_results", "Races"] == 3
    assert table.loc["race_results", "Newest race"] == "2026-testland"
    assert table.loc["predictions", "Newest race"] == "2026-betatown"
    assert table.loc["predictions", "Release"] == "v2026.5"
    assert table.loc["model_accuracy", "Updated"] == pd.Timestamp("2026-05-04 08:00")
    assert table.loc["pit_stops", "Rows"] == 0
    assert pd.isna(table.loc["elo_ratings", "Updated"])


def test_one_group_is_in_the_address(filled: Path) -> None:
    table = show(PAGE, tables="scores").dataframe[0].value
    assert list(table["Table"]) == list(GROUPS["scores"][1])
    assert "Group" not in table


def test_a_weekend_of_another_source_is_named_beside_it(filled: Path) -> None:
    with create_engine(f"sqlite:///{filled}").begin() as connection:
        load = connection.execute(select(schema.data_loads)).mappings().one()
        for key, source, rows in (
            ("2026-alphaville", "f1db", 6),
            (scored.KEY, "f1db", 5),
            (scored.KEY, "jolpica", 6),
        ):
            values = {**load, "id": None, "table_name": "race_results", "race_key": key}
            connection.execute(
                insert(schema.data_loads).values(
                    {**values, "source": source, "release": source, "row_count": rows}
                )
            )
    with reading() as connection:
        found = queries.data_state.sources(connection)
    found = found[found["table_name"] == "race_results"].set_index("source")
    assert found["rows"].to_dict() == {"jolpica": 6, "f1db": 6}, "what was replaced does not count"
    table = show(PAGE).dataframe[0].value.set_index("Table")
    assert table.loc["race_results", "Source"] == "jolpica + f1db"


def test_a_weekend_after_the_release_makes_the_data_younger(database: Path) -> None:
    with create_engine(f"sqlite:///{database}").begin() as connection:
        load = connection.execute(select(schema.data_loads)).mappings().one()
        moment = load["loaded_at"] + dt.timedelta(days=6)
        late = {"id": None, "source": "jolpica", "release": "2026-testland", "loaded_at": moment}
        connection.execute(insert(schema.data_loads).values({**load, **late}))
    with reading() as connection:
        assert queries.state.loaded(connection) == Loaded("f1db", "v2026.5", moment)
    assert "Release v2026.5, newest load 10 May 2026 07:00 UTC." in texts(show(PAGE))


def test_what_changed_is_told_value_by_value(filled: Path) -> None:
    at = show(PAGE)
    listed = next(frame.value for frame in at.dataframe if "what" in frame.value)
    assert list(listed["race_key"]) == [scored.KEY], "the first version of a race's rows is no change"
    assert listed["what"].iloc[0] == "position (2 rows), points (2 rows), 1 row added or removed"
    detail = next(frame.value for frame in at.dataframe if "before" in frame.value)
    told = {(row.who, row.field): (row.before, row.after) for row in detail.itertuples()}
    assert told == {
        ("Bo Brake", "position"): ("2", "1"),
        ("Bo Brake", "points"): ("18", "25"),
        ("Ada Arrow", "position"): ("1", "2"),
        ("Ada Arrow", "points"): ("25", "18"),
        ("Cy Camber", "(row)"): ("there", ""),
    }


def test_questions_weather_prices_and_decisions_show(filled: Path) -> None:
    at = show(PAGE)
    asked = next(frame.value for frame in at.dataframe if "outcome" in frame.value)
    assert list(asked["outcome"]) == ["refused", "same"], "newest first"
    assert asked["check_name"].iloc[0] == "content"
    assert (
        "jolpica, 2026-testland race**: refused at 4 May 2026 09:00 UTC: position 3 is there twice"
        in texts(at)
    )
    assert (
        next(frame.value for frame in at.dataframe if "provider" in frame.value)["temperature_c"].iloc[0]
        == 21.5
    )
    assert next(frame.value for frame in at.dataframe if "taken_at" in frame.value)["races"].iloc[0] == 1
    decided = next(frame.value for frame in at.dataframe if "decided_at" in frame.value)
    assert (decided["recipe"].iloc[0], decided["difference"].iloc[0]) == ("penalty 2", -0.05)


def test_a_new_question_shows_without_a_new_load(filled: Path) -> None:
    at = show(PAGE)
    with create_engine(f"sqlite:///{filled}").begin() as connection:
        connection.execute(delete(schema.source_polls))
    at.run()
    assert "None was asked yet" in texts(at)


def test_nothing_to_tell_is_said(database: Path) -> None:
    at = show(PAGE)
    assert at.success[0].value.startswith("**Nothing is late.**")
    assert "No row of a race was ever replaced" in texts(at)
    assert "None was asked yet" in texts(at)


def test_races_without_a_score_are_late(database: Path) -> None:
    with create_engine(f"sqlite:///{database}").begin() as connection:
        connection.execute(
            delete(schema.model_accuracy).where(schema.model_accuracy.c.race_key == scored.KEY)
        )
    assert f"**Scores** of 1 race that were forecast and run: {scored.KEY}." in texts(show(PAGE))


def test_the_grid_of_a_sprint_is_not_that_of_the_race(database: Path) -> None:
    row = {"race_key": "2026-betatown", "display_order": 1, "position_text": "1", "driver_id": "ada-arrow"}
    for session, known in (("S", False), ("R", True)):
        with create_engine(f"sqlite:///{database}").begin() as connection:
            values = {**row, "session": session, "constructor_id": "comet"}
            connection.execute(insert(schema.starting_grid).values(values))
        with reading() as connection:
            assert queries.data_state.has_grid(connection, "2026-betatown") is known


def _late(state: State, **more: Any) -> list[str]:
    given: dict[str, Any] = {
        "forecast_at": {"pre_weekend": NOW},
        "has_grid": False,
        "results_at": NOW - dt.timedelta(1),
        "unscored": [],
        "polls": pd.DataFrame(),
        **more,
    }
    return changes.late(state, given.pop("forecast_at"), **given)


def test_what_is_late() -> None:
    ahead = Race(
        *("2026-betatown", 2026, 4, "Betatown Grand Prix", None, dt.date(2026, 5, 10)),
        *(None, None, None, None, None, False, False, None, None, None),
    )
    state = State(Loaded("f1db", "v2026.5", NOW), None, ahead, NOW)
    assert _late(state) == []
    assert _late(state, forecast_at={}) == ["**Forecast of the Betatown Grand Prix**: there is none yet."]
    assert "after qualifying" in _late(state, has_grid=True)[0]
    assert _late(state, has_grid=True, forecast_at={"pre_race": NOW}) == []
    assert "before the newest results" in _late(state, results_at=NOW + dt.timedelta(1))[0]
    over = replace(state, now=dt.datetime(2026, 5, 13, 9, tzinfo=dt.UTC))
    assert "was due 2 days ago" in _late(over)[0]
    invented = replace(over, loaded=Loaded("simulated", "s", NOW))
    assert _late(invented) == [], "a simulated championship stands still"
    # Saturday night in Las Vegas is Sunday in UTC.
    start = dt.datetime(2026, 5, 11, 4, tzinfo=dt.UTC)
    night = replace(state, next=replace(ahead, start_at=start))
    for hours, days in ((-3, 0), (23, 0), (24, 1), (47, 1), (48, 2)):
        assert replace(night, now=start + dt.timedelta(hours=hours)).days_late == days


ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "session": st.sampled_from([None, "Q"]),
            "driver_id": st.sampled_from(["a", "b", "c"]),
            "points": st.one_of(st.none(), st.integers(0, 30)),
            "display_order": st.integers(1, 9),
        }
    ),
    max_size=6,
)


@given(ROWS, ROWS)
def test_differences_go_both_ways_and_nothing_differs_from_itself(
    before: list[dict[str, Any]], after: list[dict[str, Any]]
) -> None:
    assert changes.differences(before, before, {}).empty
    there, back = changes.differences(before, after, {}), changes.differences(after, before, {})
    assert sorted(there[["who", "field", "before", "after"]].itertuples(index=False, name=None)) == sorted(
        back[["who", "field", "after", "before"]].itertuples(index=False, name=None)
    )


def test_differences_in_words() -> None:
    found = changes.differences(scored.FIRST, scored.SECOND, NAMES)
    assert set(found["who"]) == {"Ada Arrow", "Bo Brake", "cy-camber"}
    again = [*reversed(scored.FIRST)]
    assert (
        changes.in_words(changes.differences(scored.FIRST, again, NAMES))
        == "the same values in another order"
    )
    flags = changes.differences([{"driver_id": "a", "x": True}], [{"driver_id": "a", "x": False}], {})
    assert (flags["before"].iloc[0], flags["after"].iloc[0]) == ("yes", "no")


@pytest.mark.parametrize(
    ("page", "host", "uri", "expected"),
    [
        (
            "http://127.0.0.1:8501/data",
            "127.0.0.1",
            None,
            ("http://127.0.0.1:3000/runs", "http://127.0.0.1:5000/#/models"),
        ),
        ("http://[::1]:8501/data", "::1", None, ("http://[::1]:3000/runs", "http://[::1]:5000/#/models")),
        ("http://box:8501/data", "0.0.0.0", None, ("http://box:3000/runs", "http://box:5000/#/models")),  # noqa: S104
        ("http://box:8501/data", "127.0.0.1", None, (None, None)),
        ("https://f1.example/data", "0.0.0.0", None, (None, None)),  # noqa: S104
        (None, "127.0.0.1", None, (None, None)),
        (
            "https://f1.example/data",
            "127.0.0.1",
            "https://me:secret@ml.example/x/",
            (None, "https://ml.example/x/#/models"),
        ),
        (
            "http://localhost:8501/",
            "127.0.0.1",
            "sqlite:////tmp/m.db",
            ("http://localhost:3000/runs", "http://localhost:5000/#/models"),
        ),
    ],
)
def test_links_are_shown_only_where_they_can_be_right(
    page: str | None, host: str, uri: str | None, expected: tuple[str | None, str | None]
) -> None:
    links = server_links(page, host=host, dagster_port=3000, mlflow_port=5000, mlflow_uri=uri)
    assert (links.get("Dagster: runs"), links.get("MLflow: models")) == expected
    assert "secret" not in str(links)


def test_nonsense_in_the_address_falls_back(filled: Path) -> None:
    at = show(PAGE, tables="<script>", change="<script>")
    assert at.query_params.get("tables") is None
    assert at.query_params["change"] == at.selectbox(key="data:change").value
    assert "<script>" not in texts(at)
