"""Weather that is taken from a service: forecasts and observations as they are kept, and errors by their type."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
from sqlalchemy import Engine

from f1_pipeline import weather
from f1_pipeline.automation.plan import KeyRange
from f1_pipeline.errors import ContractViolation, NotReady, SourceRefused, SourceUnavailable
from f1_pipeline.runs import Runs
from f1_pipeline.settings import Settings, get_settings
from f1_pipeline.storage import reads, schema
from f1_pipeline.storage import weather as stored
from tests.quiet import QUIET_DAGSTER
from tests.weather.races import DAY, HOUR, KEY, move, now

pytestmark = QUIET_DAGSTER


# --- one forecast ----------------------------------------------------------------------------------------


def test_a_forecast_of_the_weekend_is_taken_and_kept(
    engine: Engine, settings: Settings, calendar: tuple[list[str], str, str], weather_service: Any
) -> None:
    race, began = calendar[2], now()
    new = weather.take_forecast(settings, engine, race, began)
    place = stored.race_places(engine).set_index("race_key").loc[race]
    sessions = {"R", "Q"} | ({"S"} if pd.notna(place["sprint_at"]) else set())
    assert set(new["session"]) == sessions
    assert weather_service.asked == ["/v1/forecast"], "one request for all sessions"
    row = stored.newest_forecast_before(engine, race, now()).iloc[0]
    assert (row["provider"], row["temperature_c"], row["wind_kmh"]) == ("open-meteo", 21.5, 14.0)
    assert (row["precipitation_mm"], row["precipitation_probability"], row["is_wet"]) == (
        pytest.approx(0.4),
        0.6,
        1,
    )
    assert began <= row["issued_at"] <= now()
    assert (row["valid_from"], row["valid_until"]) == (place["start_at"], place["start_at"] + 2 * HOUR)
    assert weather.take_forecast(settings, engine, race, now()).empty, "the same answer, from the cache"
    assert len(weather_service.asked) == 1


def test_a_session_that_is_over_is_not_forecast(
    engine: Engine, settings: Settings, calendar: tuple[list[str], str, str]
) -> None:
    start = stored.race_places(engine).set_index("race_key").loc[calendar[2], "start_at"]
    new = weather.take_forecast(settings, engine, calendar[2], (start - HOUR).to_pydatetime())
    assert set(new["session"]) == {"R"}


def test_a_forecast_without_values_is_none(
    engine: Engine, settings: Settings, calendar: tuple[list[str], str, str], weather_service: Any
) -> None:
    weather_service.values = False
    assert weather.take_forecast(settings, engine, calendar[2], now()).empty
    assert reads.read_table(engine, schema.weather_forecasts).empty


@pytest.mark.parametrize(
    ("script", "error"),
    [
        (["503", "503"], SourceUnavailable),
        (["404"], SourceRefused),
        (["html"], SourceRefused),
        (["shape"], ContractViolation),
    ],
)
def test_errors_are_typed(
    engine: Engine,
    settings: Settings,
    calendar: tuple[list[str], str, str],
    weather_service: Any,
    script: list[str],
    error: type[Exception],
) -> None:
    weather_service.script = list(script)
    with pytest.raises(error, match=calendar[2]):
        weather.take_forecast(settings, engine, calendar[2], now())
    assert reads.read_table(engine, schema.weather_forecasts).empty


def test_with_a_key_openweathermap_comes_first_and_the_other_after_it(
    engine: Engine,
    settings: Settings,
    calendar: tuple[list[str], str, str],
    weather_service: Any,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setenv("F1_OPENWEATHERMAP_KEY", KEY)
    keyed = Settings()
    new = weather.take_forecast(keyed, engine, calendar[2], now())
    assert set(new["provider"]) == {"openweathermap"}
    weather_service.refused.append("/2.5/forecast")
    # A start in another hour asks for the same address: the answer has to be gone from the cache.
    keyed.weather_cache.unlink()
    new = weather.take_forecast(keyed, engine, calendar[2], now())
    assert set(new["provider"]) == {"open-meteo"}
    assert "HTTP 401" in caplog.text
    assert "asking open-meteo" in caplog.text
    assert KEY not in caplog.text


# --- what was observed -----------------------------------------------------------------------------------


def test_an_observation_without_values_is_kept_as_such(
    engine: Engine, settings: Settings, calendar: tuple[list[str], str, str], weather_service: Any
) -> None:
    last = calendar[1]
    move(engine, last, start_at=now() - 10 * DAY)
    weather_service.values = False
    weather.take_observed(settings, engine, last, now())
    seen = reads.read_table(engine, schema.weather_observed, [last])
    assert len(seen) >= 1
    assert seen[["temperature_c", "precipitation_mm", "is_wet"]].isna().all(axis=None)
    assert last not in weather.due(settings, engine, now())[1]
    with pytest.raises(NotReady, match="no observed weather"):
        weather.take_observed(settings, engine, calendar[2], now())


def test_older_seasons_are_looked_up_when_asked_for_some_races_a_run(
    engine: Engine,
    settings: Settings,
    runs: Runs,
    calendar: tuple[list[str], str, str],
    weather_service: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    keys = calendar[0]
    monkeypatch.setenv("F1_WEATHER_OBSERVED_FROM_SEASON", "2025")
    get_settings.cache_clear()
    monkeypatch.setattr("f1_pipeline.assets.weather.MOST_RACES", 5)
    span = KeyRange(keys[0], keys[-1])
    runs.run("fetch_weather", "five", span)
    seen = reads.read_table(engine, schema.weather_observed)
    assert seen["race_key"].nunique() == 5
    assert {key[:4] for key in seen["race_key"]} == {"2025"}
    runs.run("fetch_weather", "five more", span)
    assert reads.read_table(engine, schema.weather_observed)["race_key"].nunique() == 10
    weather_service.script = ["503"] * 99
    asked = len(weather_service.asked)
    runs.run("fetch_weather", "not now", span)
    assert len(weather_service.asked) - asked == 2, "one race, one retry: the next ones are as unreachable"


def test_only_the_next_race_is_forecast_and_no_history_is_fetched(
    engine: Engine,
    settings: Settings,
    runs: Runs,
    calendar: tuple[list[str], str, str],
    weather_service: Any,
) -> None:
    keys, _, coming = calendar
    runs.run("fetch_weather", "everything", KeyRange(keys[0], keys[-1]))
    assert set(reads.read_table(engine, schema.weather_forecasts)["race_key"]) == {coming}
    seen = set(reads.read_table(engine, schema.weather_observed)["race_key"])
    assert len(seen) <= 3 < len(keys)
    assert weather_service.asked.count("/v1/forecast") == 1
    assert weather_service.asked.count("/v1/archive") == len(seen)
