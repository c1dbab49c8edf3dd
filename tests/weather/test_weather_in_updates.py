"""Weather in an update and in the feature matrix: what is used, and what happens without it."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
from sqlalchemy import Engine, insert

from f1_pipeline import update as updating
from f1_pipeline import weather
from f1_pipeline.automation.plan import KeyRange, Plan
from f1_pipeline.runs import Runs
from f1_pipeline.settings import Settings, get_settings
from f1_pipeline.snapshot import Snapshot
from f1_pipeline.sources.weather import Conditions, make_row, rows_frame
from f1_pipeline.storage import reads, schema
from f1_pipeline.storage import weather as stored
from f1_pipeline.update import run_update
from tests.quiet import QUIET_DAGSTER
from tests.weather.races import DAY, FEATURES, HOUR, matrix, move, now

pytestmark = QUIET_DAGSTER


def test_an_update_takes_weather_before_it_makes_features(
    engine: Engine,
    settings: Settings,
    runs: Runs,
    calendar: tuple[list[str], str, str],
    weather_service: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _, last, coming = calendar
    move(engine, last, start_at=now() - 10 * DAY, qualifying_at=now() - 11 * DAY)
    with engine.begin() as connection:
        done = {"table_name": reads.COMPLETED, "source": "f1db", "release": "r", "content_hash": "digest"}
        connection.execute(insert(schema.data_loads), [{**done, "row_count": 0, "loaded_at": now()}])
    # A release that is known, and a plan with nothing in it: what is left is the weather.
    monkeypatch.setattr(updating, "refresh", lambda *_: Snapshot("f1db", "r", "digest"))
    monkeypatch.setattr(updating, "make_plan", lambda *_: Plan())
    told: list[str] = []
    report = run_update(settings, told.append)
    assert report.weather == coming
    assert report.idle, "no race, no forecast of a race"
    assert set(report.seconds) == {"weather", "features with the new weather"}
    rows = matrix(engine, coming)
    assert len(rows) == 20
    for name, value in zip(FEATURES, (21.5, 0.4, 14.0, 1.0), strict=True):
        assert rows[name].tolist() == pytest.approx([value] * 20), name
    seen = reads.read_table(engine, schema.weather_observed)
    assert last in set(seen["race_key"])
    assert (seen["issued_at"] >= seen["valid_until"]).all()
    asked = len(weather_service.asked)
    again = run_update(settings, told.append)
    assert (again.weather, again.seconds) == (None, {}), "six hours later"
    assert len(weather_service.asked) == asked
    move(engine, coming, start_at=pd.Timestamp(rows["cutoff"].iloc[0]).to_pydatetime() + 2 * DAY + HOUR)
    assert weather.due(settings, engine, now())[0] == coming, "the start has moved"


@pytest.mark.parametrize("fault", ["503", "html", "shape", "unreachable"])
def test_missing_weather_is_a_warning_and_an_empty_column(
    engine: Engine,
    settings: Settings,
    runs: Runs,
    calendar: tuple[list[str], str, str],
    weather_service: Any,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    fault: str,
) -> None:
    coming = calendar[2]
    if fault == "unreachable":
        monkeypatch.setenv("F1_OPEN_METEO_URL", "http://127.0.0.1:9")
        get_settings.cache_clear()
    weather_service.script = [fault] * 9
    updating._fetch_weather(get_settings(), engine, runs, None)
    assert runs.report.weather is None
    assert "going on without" in caplog.text
    assert coming in caplog.text
    if fault != "503":
        return  # it is all the same from here on
    runs.run("rate_and_describe", "features", KeyRange(coming, coming))
    rows = matrix(engine, coming)
    assert len(rows) == 20
    assert rows[FEATURES].isna().all(axis=None)
    assert rows["current_elo"].notna().all()


def test_a_stage_that_breaks_does_not_stop_the_update(
    engine: Engine, settings: Settings, runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("a mistake in the code")

    monkeypatch.setattr(weather, "take_forecast", broken)
    told: list[str] = []
    runs.tell = told.append
    updating._fetch_weather(settings, engine, runs, None)
    assert any("a mistake in the code; going on without weather" in line for line in told)


# --- features --------------------------------------------------------------------------------------------


def test_observed_weather_never_reaches_a_feature(
    engine: Engine, settings: Settings, runs: Runs, calendar: tuple[list[str], str, str]
) -> None:
    """Whatever stands in the table of observations, and even with times that make it look like a forecast."""
    _, last, coming = calendar
    places = stored.race_places(engine).set_index("race_key")
    wet = Conditions(11.0, 9.0, None, 30.0, is_wet=True)
    frames = []
    for race in (last, coming):
        start = places.loc[race, "start_at"].to_pydatetime()
        frame = rows_frame([make_row(race, "R", "open-meteo", "observed", wet, start, start + 9 * DAY)])
        frames.append(frame.assign(issued_at=frame["valid_from"] - pd.Timedelta(days=9)))
    stored.replace_observed(engine, pd.concat(frames))
    assert len(reads.read_table(engine, schema.weather_observed)) == 2
    runs.run("rate_and_describe", "features", KeyRange(last, coming))
    rows = reads.read_table(engine, schema.feature_matrix, [last, coming])
    assert set(rows["race_key"]) == {last, coming}
    assert rows[FEATURES].isna().all(axis=None)


def test_features_of_a_past_race_know_its_forecast_at_each_horizon(
    engine: Engine, settings: Settings, runs: Runs, calendar: tuple[list[str], str, str]
) -> None:
    """The forecast before the weekend for the one horizon, the one of Sunday morning for the other."""
    last = calendar[1]
    place = reads.calendar(engine).set_index("race_key").loc[last]
    start, practice = place["start_at"].to_pydatetime(), place["first_practice_at"].to_pydatetime()
    taken = {practice - HOUR: 15.0, practice: 20.0, start - HOUR: 25.0}
    rows = [
        make_row(
            last, "R", "open-meteo", "forecast", Conditions(value, None, None, None, None), start, moment
        )
        for moment, value in taken.items()
    ]
    stored.add_forecasts(engine, rows_frame(rows))
    runs.run("rate_and_describe", "features", KeyRange(last, last))
    found = reads.read_table(engine, schema.feature_matrix, [last]).groupby("horizon")["temperature_c"]
    assert found.unique().map(list).to_dict() == {"pre_weekend": [15.0], "pre_race": [25.0]}
