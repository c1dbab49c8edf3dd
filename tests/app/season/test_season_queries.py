"""Queries of championships, standings and the calendar on the invented seasons."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from icalendar import Calendar
from sqlalchemy import event, insert, update

from f1_app import queries
from f1_app.database import engine_for, reading, tables_url
from f1_app.ical import season_ics
from f1_pipeline.storage import schema

NEXT = "2026-betatown"
RUN = ("2025-testland", "2026-alphaville", "2026-testland")
CUTOFF = dt.datetime(2026, 5, 8, 10, 30, tzinfo=dt.UTC)


def test_standings_after_a_race(season: Path) -> None:
    with reading() as connection:
        assert queries.standings.standings_seasons(connection) == [2026, 2025]
        assert list(queries.standings.standings_races(connection, 2026)["race_key"]) == [RUN[2], RUN[1]]
        frame = queries.standings.drivers_after(connection, RUN[2]).set_index("code")
        first = queries.standings.drivers_after(connection, RUN[1])
        assert queries.standings.drivers_after(connection, NEXT).empty
        assert queries.standings.constructors_after(connection, "nowhere").empty
    assert list(frame.index) == ["ARR", "BRA", "CAM", "DIF", "ENG", "FLA"]
    assert list(frame["change"]) == [1, -1, 0, 0, 0, 0]
    assert first["change"].isna().all(), "the season before says nothing about places gained"
    # Bo Brake won the first race of 2026, Ada Arrow the second; 2025 does not count.
    assert (frame.loc["ARR", "wins"], frame.loc["BRA", "wins"]) == (1, 1)
    assert (frame.loc["CAM", "podiums"], frame.loc["DIF", "podiums"]) == (2, 0)
    assert (frame.loc["DIF", "constructor_id"], frame.loc["DIF", "teams"]) == (
        "ferrari",
        "Team Nimbus, Ferrari",
    )
    assert first.set_index("code").loc["DIF", "teams"] == "Team Nimbus", "later changes are not known yet"


def test_constructors_with_two_engines_are_two(season: Path) -> None:
    with reading() as connection:
        frame = queries.standings.constructors_after(connection, RUN[2])
        points = queries.standings.points_over_season(connection, 2026, "constructor")
        through = queries.standings.points_over_season(connection, 2026, "driver", dt.date(2026, 4, 5))
        outcome = queries.championship.outcome(connection, 2025, "constructor")
    assert list(zip(frame["team"], frame["engine_id"], strict=True)) == [
        ("Comet Racing", "coventry-climax"),
        ("Ferrari", "ferrari"),
        ("Comet Racing", "brm"),
    ]
    assert list(frame["wins"]) == [2, 0, 0], "a win belongs to the engine it was won with"
    assert set(points["entity_id"]) == {"comet-coventry-climax", "ferrari-ferrari", "comet-brm"}
    assert set(through["race_key"]) == {RUN[1]}
    assert outcome["position"].to_dict() == {"comet": 1, "ferrari": 2}


def test_championship_before_a_race(season: Path) -> None:
    with reading() as connection:
        frame = queries.championship.championship(connection, NEXT, "driver")
        early = queries.championship.championship(connection, RUN[1], "driver").set_index("entity_id")
        teams = queries.championship.championship(connection, NEXT, "constructor")
        history = queries.championship.title_history(connection, 2026, "driver")
        assert queries.championship.championship_seasons(connection) == [2026, 2025]
        races = queries.championship.championship_races(connection, 2026)
        assert len(queries.championship.final_positions(connection, NEXT, "driver")) == 36
        assert queries.championship.outcome(connection, 2026, "driver").empty, "the season is not over"
        assert queries.championship.scenarios(connection, RUN[1], "driver").empty
    assert list(frame["code"]) == ["ARR", "BRA", "CAM", "DIF", "ENG", "FLA"]
    assert frame["title_probability"].sum() == pytest.approx(1)
    assert early.loc["di-diffuser", "team"] == "Team Nimbus"
    assert list(teams["name"]) == ["Comet Racing", "Ferrari", "Team Nimbus"]
    assert list(history["race_key"].unique()) == [RUN[1], NEXT]
    assert list(races["race_key"]) == [NEXT, RUN[1]]


def test_calendar_states(write: Callable[..., None]) -> None:
    with reading() as connection:
        frame = queries.calendar.season_calendar(connection, 2026).set_index("race_key")
        stamp = queries.calendar.calendar_stamp(connection)
        assert queries.calendar.calendar_seasons(connection) == [2026, 2025]
        assert queries.calendar.season_calendar(connection, 1899).empty
    assert frame["state"].to_dict() == {
        RUN[1]: "done",
        RUN[2]: "done",
        "2026-gammaford": "cancelled",
        NEXT: "next",
        "2026-deltaburg": "to come",
    }
    assert frame["forecast"].to_dict()[NEXT]
    assert not frame["forecast"].to_dict()["2026-deltaburg"]
    assert pd.isna(frame.loc["2026-deltaburg", "start_at"])
    assert stamp is not None
    assert stamp.revision == 0
    # A result of a later race: the one that was next has none and will get none.
    result = {
        "race_key": "2026-deltaburg",
        "display_order": 1,
        "driver_id": "ada-arrow",
        "constructor_id": "comet",
    }
    write(insert(schema.race_results).values(position_text="1", shared_car=False, points=25.0, **result))
    with reading() as connection:
        states = queries.calendar.season_calendar(connection, 2026).set_index("race_key")["state"]
    assert (states[NEXT], states["2026-deltaburg"]) == ("no result", "done")


def test_a_changed_calendar_is_a_new_revision_and_a_new_data_version(write: Callable[..., None]) -> None:
    with reading() as connection:
        before = queries.state.data_version(connection)
    write(update(schema.championship_forecasts).values(created_at=CUTOFF + dt.timedelta(days=1)))
    with reading() as connection:
        assert queries.state.data_version(connection) != before
    load = {"source": "f1db", "release": "v2026.6", "content_hash": "other", "row_count": 6}
    write(insert(schema.data_loads).values(table_name="races", loaded_at=CUTOFF, **load))
    with reading() as connection:
        stamp = queries.calendar.calendar_stamp(connection)
    assert stamp is not None
    assert (stamp.revision, stamp.changed_at) == (1, CUTOFF)


def test_one_race_or_season_never_reads_a_whole_table(season: Path) -> None:
    statements: list[tuple[str, Any]] = []
    engine = engine_for(tables_url())
    listener = lambda *args: statements.append((args[2], args[3]))  # noqa: E731
    event.listen(engine, "before_cursor_execute", listener)
    try:
        with reading() as connection:
            queries.standings.drivers_after(connection, RUN[2])
            queries.standings.constructors_after(connection, RUN[2])
            queries.standings.points_over_season(connection, 2026, "driver")
            queries.championship.championship(connection, NEXT, "driver")
            queries.championship.title_history(connection, 2026, "driver")
            queries.championship.final_positions(connection, NEXT, "driver")
            queries.championship.scenarios(connection, NEXT, "driver")
    finally:
        event.remove(engine, "before_cursor_execute", listener)
    assert len(statements) > 10
    with engine.connect() as connection:
        for text, parameters in statements:
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", parameters).fetchall()
            assert not [row[3] for row in plan if row[3].startswith("SCAN")], text


def test_the_file_of_the_page_is_the_calendar(season: Path) -> None:
    with reading() as connection:
        frame = queries.calendar.season_calendar(connection, 2026)
        stamp = queries.calendar.calendar_stamp(connection)
    assert stamp is not None
    found = {
        str(event["UID"]): str(event["STATUS"])
        for event in Calendar.from_ical(season_ics(frame, 2026, stamp)).walk("VEVENT")
    }
    assert len(found) == 5
    assert found["2026-gammaford-race@f1-forecast"] == "CANCELLED"
