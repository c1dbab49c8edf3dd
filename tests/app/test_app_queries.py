"""Queries against the hand-written database: limited to what was asked, and right."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, create_engine, delete, event, insert, select, update
from sqlalchemy.exc import OperationalError

from f1_app import queries
from f1_app.database import DatabaseUnavailableError, Problem, engine_for, reading, tables_url
from f1_pipeline.settings import get_settings
from f1_pipeline.storage import schema
from f1_pipeline.storage.engine import get_engine
from f1_pipeline.storage.upcoming import calendar_now, data_clock
from tests.app import scored

KEY = "2026-testland"
GROWING = "predictions|race_results|model_accuracy"
both = pytest.mark.parametrize("backend", ["sqlite", "postgresql"])
"""Runs a test on both databases; see ``backend`` in conftest.py."""


@both
def test_next_race_is_the_first_without_a_result_that_was_not_cancelled(database: Path) -> None:
    with reading() as connection:
        race = queries.races.next_race(connection)
        newest = queries.races.newest_finished_race(connection)
    assert race is not None
    assert (race.race_key, race.round, race.is_sprint_weekend) == ("2026-betatown", 4, True)
    assert (race.circuit, race.time_zone, race.length_km) == ("Testring", "Australia/Sydney", 5.25)
    assert race.start_at.utcoffset() == dt.timedelta(0)
    assert newest is not None
    assert newest.race_key == KEY


@both
@pytest.mark.parametrize("days", [None, -300, -1, 0, 3, 5, 20, 400])
def test_the_pages_and_the_pipeline_name_the_same_next_race(database: Path, days: int | None) -> None:
    engine = get_engine(get_settings().tables_url)
    with reading() as connection:
        first = queries.races.next_race(connection)
        assert first is not None
        start = dt.datetime.combine(first.date, dt.time(13), dt.UTC)
        now = None if days is None else start + dt.timedelta(days=days)
        shown = queries.races.next_race(connection, now)
        clock = queries.state.data_clock(connection)
    try:
        found = calendar_now(engine, now=now)
        assert shown is not None
        assert (shown.race_key, clock is None) == (found.upcoming, data_clock(engine) is None)
    finally:
        engine.dispose()


@both
def test_forecast_is_of_one_race_one_horizon_and_one_model(database: Path) -> None:
    with reading() as connection:
        frame = queries.forecasts.forecast(connection, KEY, "pre_race", "ensemble")
        everything = queries.forecasts.forecast(connection, KEY, "pre_race")
    codes = ["ARR", "BRA", "CAM", "DIF", "ENG", "FLA"]  # the last has no code of its own
    assert list(frame["code"]) == codes
    assert frame["win_probability"].sum() == pytest.approx(1)
    assert frame["interval_low"].iloc[0] == pytest.approx(0.32)
    assert set(frame["model"]) == {"ensemble"}
    assert set(everything["model"]) == {"ensemble", "elo", "uniform"}
    assert everything["interval_low"].dtype == "float64"
    assert everything.groupby("model")["win_probability"].sum().tolist() == pytest.approx([1, 1, 1])


@both
def test_lists_of_what_there_is(database: Path) -> None:
    with reading() as connection:
        assert queries.forecasts.forecast_seasons(connection) == [2026, 2025]
        races = queries.forecasts.forecast_races(connection, 2026)
        assert list(races["race_key"]) == ["2026-betatown", KEY, "2026-alphaville"]
        assert [bool(value) for value in races["finished"]] == [False, True, True]
        found = queries.forecasts.forecast_choices(connection, "2026-betatown")
        assert found == [("pre_weekend", name) for name in ("elo", "ensemble", "uniform")]
        assert sorted(queries.scores.scored_horizons(connection)) == ["pre_race", "pre_weekend"]


@both
def test_result_and_scores_of_a_race(database: Path) -> None:
    with reading() as connection:
        result = queries.races.result(connection, "2026-alphaville")
        scores = queries.scores.race_scores(connection, "2026-alphaville", "pre_race")
        accuracy = queries.scores.accuracy(connection, "pre_race")
        trained = queries.forecasts.trained_model(connection, "elo", "pre_weekend", 7)
        assert queries.forecasts.trained_model(connection, "ensemble", "pre_weekend", 7) is None
        assert queries.races.result(connection, "2026-betatown").empty
    assert result["code"].iloc[0] == "BRA"
    assert result["reason_retired"].iloc[-1] == "Gearbox"
    assert list(scores["model"]) == ["ensemble", "elo", "uniform"]
    assert len(accuracy) == 9
    assert accuracy["date"].is_monotonic_increasing
    assert trained is not None
    assert trained.training_rows == 1234


@both
def test_unknown_race_is_none_and_never_part_of_a_statement(database: Path) -> None:
    with reading() as connection:
        assert queries.races.race(connection, "x' OR '1'='1") is None
        assert queries.forecasts.forecast(connection, "x' OR '1'='1", "pre_race").empty


@both
def test_one_race_never_reads_a_whole_table(database: Path) -> None:
    """The plan of the per-race queries searches an index wherever the table grows with the races."""
    statements: list[tuple[str, Any]] = []
    engine = engine_for(tables_url())
    listener = lambda *args: statements.append((args[2], args[3]))  # noqa: E731
    event.listen(engine, "before_cursor_execute", listener)
    try:
        with reading() as connection:
            queries.races.race(connection, KEY)
            queries.forecasts.forecast(connection, KEY, "pre_race", "elo")
            queries.forecasts.forecast_choices(connection, KEY)
            queries.races.result(connection, KEY)
            queries.scores.race_scores(connection, KEY, "pre_race")
    finally:
        event.remove(engine, "before_cursor_execute", listener)
    statements = [(text, parameters) for text, parameters in statements if text != "BEGIN"]
    assert len(statements) == 5
    with engine.connect() as connection:
        if connection.dialect.name == "postgresql":
            # A table of a dozen rows is read as a whole, whatever its indexes: so where there is a way around it.
            connection.exec_driver_sql("SET enable_seqscan = off")
        for text, parameters in statements:
            if connection.dialect.name == "sqlite":
                plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", parameters).fetchall()
                scans = [row[3] for row in plan if row[3].startswith("SCAN")]
            else:
                plan = connection.exec_driver_sql(f"EXPLAIN {text}", parameters).fetchall()
                # Of what grows with the races; circuits, drivers and teams may be hashed as a whole.
                scans = [row[0] for row in plan if re.search(rf"Seq Scan on ({GROWING})", row[0])]
            assert not scans, (text, scans)


@contextmanager
def _writer() -> Iterator[Connection]:
    engine = create_engine(get_settings().tables_url)
    with engine.begin() as connection:
        yield connection
    engine.dispose()


@both
def test_the_market_is_not_ranked_among_models_of_other_races(database: Path) -> None:
    with _writer() as connection:
        row = connection.execute(select(schema.model_accuracy).limit(1)).mappings().one()
        connection.execute(insert(schema.model_accuracy).values({**row, "model": "market"}))
    with reading() as connection:
        assert "market" not in set(queries.scores.accuracy(connection, row["horizon"])["model"])
        found = queries.scores.race_scores(connection, row["race_key"], row["horizon"])
        assert "market" not in set(found["model"])


@both
def test_data_version_changes_with_loads_predictions_and_scores(database: Path) -> None:
    def version() -> str:
        with reading() as connection:
            return queries.state.data_version(connection)

    means, sprints, teams = schema.accuracy_summaries, schema.sprint_accuracy, schema.constructor_predictions
    with _writer() as connection:
        load = connection.execute(select(schema.data_loads)).mappings().one()
        for table in (means, sprints):
            connection.execute(insert(table), scored.rows()[table])
        team = {"race_key": KEY, "horizon": "pre_race", "model": "pool"}
        team |= dict.fromkeys(("win_probability", "most_points_probability"), 0.5)
        for name, points in (("comet", 60.0), ("nimbus", 41.0)):
            connection.execute(insert(teams), {**team, "constructor_id": name, "expected_points": points})
    seen = [version()]
    assert version() == seen[0]
    changes = (
        insert(schema.data_loads).values({**load, "id": load["id"] + 1}),
        update(schema.predictions).values(created_at=dt.datetime(2026, 6, 1, tzinfo=dt.UTC)),
        delete(schema.predictions).where(schema.predictions.c.race_key == "2026-betatown"),
        update(schema.model_accuracy).values(scored_at=dt.datetime(2026, 6, 1, tzinfo=dt.UTC)),
        delete(schema.model_accuracy).where(schema.model_accuracy.c.race_key == KEY),
        update(means).values(computed_at=dt.datetime(2026, 6, 1, tzinfo=dt.UTC)),
        update(sprints).values(scored_at=dt.datetime(2026, 6, 1, tzinfo=dt.UTC)),
        update(teams).values(expected_points=50.5),  # made again: as many rows, and points of the same sum
    )
    for change in changes:
        with _writer() as connection:
            connection.execute(change)
        seen.append(version())
    assert len(set(seen)) == len(changes) + 1


@both
def test_the_database_refuses_to_be_written(database: Path) -> None:
    with pytest.raises(DatabaseUnavailableError, match=r"read.?only"), reading() as connection:
        connection.execute(delete(schema.predictions))
    with reading() as connection:
        assert len(queries.forecasts.forecast(connection, KEY, "pre_race")) == 18


@both
def test_loaded_names_the_bulk_source(make_database: Callable[..., Path]) -> None:
    make_database(source="simulated")
    with reading() as connection:
        state = queries.state.loaded(connection)
    assert state is not None
    assert (state.simulated, state.release) == (True, "v2026.5")


def test_missing_file_and_missing_tables_are_told_apart(f1_home: Path) -> None:
    with pytest.raises(DatabaseUnavailableError) as missing, reading():
        pass
    assert missing.value.problem is Problem.MISSING
    assert not (f1_home / "f1.db").exists()  # looking does not create it
    (f1_home / "f1.db").touch()
    with pytest.raises(DatabaseUnavailableError) as empty, reading() as connection:
        queries.state.data_version(connection)
    assert empty.value.problem is Problem.NO_TABLES
    assert "predictions" in empty.value.detail


def test_a_file_that_is_no_database_is_unreachable(f1_home: Path) -> None:
    (f1_home / "f1.db").write_bytes(b"this is not a database at all, and long enough to be read as one" * 20)
    with pytest.raises(DatabaseUnavailableError) as error, reading() as connection:
        queries.state.data_version(connection)
    assert error.value.problem is Problem.UNREACHABLE


def test_a_database_that_comes_back_is_read_again(make_database: Callable[..., Path]) -> None:
    file = make_database()
    with reading() as connection:
        assert queries.state.loaded(connection) is not None
    file.unlink()
    with pytest.raises(DatabaseUnavailableError), reading() as connection:
        queries.state.loaded(connection)
    make_database(source="simulated")
    with reading() as connection:
        state = queries.state.loaded(connection)
    assert state is not None
    assert state.simulated


@pytest.mark.parametrize(
    ("variable", "value", "hidden"),
    [
        ("F1_DATABASE_URL", "no address with secret", "secret"),
        ("F1_DATABASE_URL", "sqlite://", None),
        ("F1_DATABASE_URL", "nosuchdatabase://user:secret@host/name", "secret"),
        ("F1_SEED", "-1", None),
    ],
)
def test_bad_settings_are_named_without_their_secrets(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, hidden: str | None
) -> None:
    monkeypatch.setenv(variable, value)
    get_settings.cache_clear()
    with pytest.raises(DatabaseUnavailableError) as error, reading():
        pass
    assert error.value.problem is Problem.SETTINGS
    assert hidden is None or hidden not in str(error.value)


def test_paths_may_hold_what_a_uri_may_not(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    odd = database.parent / "50% a+b #1"
    odd.mkdir()
    database.rename(odd / "f1.db")
    monkeypatch.setenv("F1_HOME", str(odd))
    get_settings.cache_clear()
    with reading() as connection:
        assert queries.races.next_race(connection) is not None


def test_postgresql_is_asked_to_be_read_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(
        "F1_DATABASE_URL", "postgresql+psycopg://reader:secret@127.0.0.1:9/f1?options=-csearch_path%3Df1"
    )
    get_settings.cache_clear()
    given: dict[str, object] = {}

    def connect(_dialect: object, _record: object, _args: object, parameters: dict[str, object]) -> None:
        given.update(parameters)
        raise OperationalError("connect", {}, Exception("stopped by the test"))

    engine = engine_for(tables_url())
    event.listen(engine, "do_connect", connect)
    try:
        with pytest.raises(DatabaseUnavailableError) as error, reading():
            pass
    finally:
        event.remove(engine, "do_connect", connect)
    assert error.value.problem is Problem.UNREACHABLE
    assert "default_transaction_read_only=on" in str(given["options"])
    assert "search_path=f1" in str(given["options"])
