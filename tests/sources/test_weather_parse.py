"""Answers of the weather services, read: small ones written by hand, and real ones that somebody recorded."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest

from f1_pipeline.errors import ContractViolation, SourceRefused
from f1_pipeline.sources.weather import Conditions, make_row, summarise
from f1_pipeline.sources.weather import open_meteo as om
from f1_pipeline.sources.weather import openweathermap as owm

RACE = "2026-singapore"
HOUR = dt.timedelta(hours=1)


def hourly(**changes: Any) -> dict[str, Any]:
    content: dict[str, Any] = {
        "utc_offset_seconds": 0,
        "hourly_units": {
            "time": "unixtime",
            "temperature_2m": "°C",
            "precipitation": "mm",
            "precipitation_probability": "%",
            "wind_speed_10m": "km/h",
        },
        "hourly": {
            "time": [1791288000, 1791291600],
            "temperature_2m": [29.6, None],
            "precipitation": [0.0, 0.2],
            "precipitation_probability": [0, 45],
            "wind_speed_10m": [12.4, 11],
        },
    }
    for name, value in changes.items():
        if name in content:
            content[name] = value
        elif value is None:
            del content["hourly"][name]
        else:
            content["hourly"][name] = value
    return content


def test_open_meteo_hours() -> None:
    first, second = om.parse(hourly(), RACE)
    assert first.at == dt.datetime(2026, 10, 6, 12, tzinfo=dt.UTC)
    assert (first.temperature_c, first.precipitation_mm, first.wind_kmh) == (29.6, 0.0, 12.4)
    assert second.temperature_c is None
    assert (second.precipitation_probability, second.wind_kmh, second.span) == (0.45, 11.0, HOUR)


def test_open_meteo_local_times_are_turned_to_utc() -> None:
    content = hourly(time=["2026-10-06T20:00", "2026-10-06T21:00"], utc_offset_seconds=28800)
    assert [reading.at for reading in om.parse(content, RACE)] == [
        reading.at for reading in om.parse(hourly(), RACE)
    ]


def test_open_meteo_without_a_variable_has_it_missing() -> None:
    readings = om.parse(hourly(precipitation_probability=None, wind_speed_10m=None), RACE)
    assert all(reading.precipitation_probability is None and reading.wind_kmh is None for reading in readings)
    assert readings[1].precipitation_mm == 0.2


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ([], "field (answer): a list"),
        ({}, "field hourly: missing"),
        (hourly(hourly=[]), "field hourly: missing, or no object"),
        (hourly(hourly={"time": [1]}), "none of temperature_2m"),
        (hourly(time="now"), "field hourly.time: missing, or no list"),
        (hourly(time=["noon", "one"]), "'noon' is no time"),
        (hourly(precipitation=[0.1]), "field hourly.precipitation: not one value for each of 2 times"),
        (hourly(temperature_2m=["warm", 1]), "field hourly.temperature_2m: 'warm' is no number"),
        (hourly(wind_speed_10m=[True, 1]), "True is no number"),
        (
            hourly(hourly_units={**hourly()["hourly_units"], "wind_speed_10m": "m/s"}),
            "field hourly_units.wind_speed_10m: 'm/s', not 'km/h'",
        ),
    ],
)  # fmt: skip
def test_open_meteo_of_another_shape_is_refused_by_field(content: Any, words: str) -> None:
    with pytest.raises(ContractViolation) as found:
        om.parse(content, RACE)
    assert words in str(found.value)
    assert "open-meteo: race 2026-singapore" in str(found.value)


def test_open_meteo_says_no() -> None:
    with pytest.raises(SourceRefused, match="Parameter 'hourly' is wrong"):
        om.parse({"error": True, "reason": "Parameter 'hourly' is wrong"}, RACE)


@pytest.mark.parametrize(("days", "within"), [(0, True), (15, True), (16, False), (-1, True)])
def test_open_meteo_reaches_sixteen_days(days: int, within: bool) -> None:
    now = dt.datetime(2026, 11, 1, 23, 30, tzinfo=dt.UTC)
    end = dt.datetime(2026, 11, 1, 15, tzinfo=dt.UTC) + dt.timedelta(days=days)
    assert om.within_reach(end, now) is within


# --- OpenWeatherMap --------------------------------------------------------------------------------------

CLEAR, RAIN = [{"id": 800, "main": "Clear"}], [{"id": 500, "main": "Rain"}]


def line(**values: Any) -> dict[str, Any]:
    return {"dt": 1791288000, "temp": 29.5, "wind_speed": 5.0, "pop": 0.4, "weather": CLEAR, **values}


def test_openweathermap_hours() -> None:
    dry, wet, snow = owm.parse(
        {"hourly": [line(), line(rain={"1h": 0.7}, weather=RAIN), line(rain={"1h": 0.5}, snow={"1h": 0.25})]},
        "hourly",
        RACE,
    )
    assert dry.at == dt.datetime(2026, 10, 6, 12, tzinfo=dt.UTC)
    assert (dry.temperature_c, dry.wind_kmh, dry.precipitation_probability) == (29.5, 18.0, 0.4)
    assert [reading.precipitation_mm for reading in (dry, wet, snow)] == [0.0, 0.7, 0.75]


def test_rain_without_an_amount_is_missing_and_none_without_rain() -> None:
    lines = [line(weather=RAIN), line(weather=[]), line(rain={}, weather=RAIN)]
    readings = owm.parse({"data": [*lines, {"dt": 0}]}, "data", RACE)
    assert [reading.precipitation_mm for reading in readings] == [None] * 4
    assert readings[3].temperature_c is None


def test_openweathermap_three_hours() -> None:
    content = {
        "cod": "200",
        "list": [
            {
                "dt": 1791288000,
                "main": {"temp": 21},
                "wind": {"speed": 1},
                "weather": RAIN,
                "rain": {"3h": 1.5},
            }
        ],
    }
    (reading,) = owm.parse(content, "list", RACE)
    assert (reading.span, reading.precipitation_mm, reading.temperature_c) == (3 * HOUR, 1.5, 21.0)
    assert reading.wind_kmh == pytest.approx(3.6)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("no", "field (answer): a str"),
        ({"hourly": {}}, "field hourly: missing, or no list"),
        ({"hourly": ["now"]}, "'now' is no object"),
        ({"hourly": [{}]}, "hourly.dt: None is no time"),
        ({"hourly": [line(temp="warm")]}, "hourly.temp: 'warm' is no number"),
        ({"hourly": [line(rain=3)]}, "hourly.rain: 3 is no object"),
    ],
)
def test_openweathermap_of_another_shape_is_refused_by_field(content: Any, words: str) -> None:
    with pytest.raises(ContractViolation) as found:
        owm.parse(content, "hourly", RACE)
    assert words in str(found.value)


# --- recorded answers ------------------------------------------------------------------------------------


@pytest.fixture
def recorded(archives: Path) -> Any:
    folder = archives / "weather_api"
    if not folder.is_dir():
        pytest.skip(f"no recorded answers in {folder}")

    def read(name: str) -> Any:
        return json.loads((folder / name).read_text(encoding="utf-8"))

    return read


@pytest.mark.archive
def test_recorded_forecast_of_open_meteo(recorded: Any) -> None:
    readings = om.parse(recorded("open_meteo_forecast_marina_bay_2026-10-06.json"), RACE)
    assert len(readings) == 48
    assert readings[0].at == dt.datetime(2026, 10, 5, 16, tzinfo=dt.UTC), "midnight in Singapore"
    # A race at eight in the evening: 27, 49, 37, 17 % and .3, .2, .1, 0 mm around it on the second day.
    start = dt.datetime(2026, 10, 7, 8, tzinfo=dt.UTC)
    found = summarise(readings, start, start + 2 * HOUR)
    assert found == Conditions(
        temperature_c=pytest.approx((31.6 + 31.5 + 31.0) / 3, abs=1e-5),
        precipitation_mm=pytest.approx(0.3),
        precipitation_probability=0.49,
        wind_kmh=pytest.approx((11.2 + 10.1 + 9.4) / 3, abs=1e-5),
        is_wet=True,
    )
    row = make_row(RACE, "R", "open-meteo", "forecast", found, start, start - HOUR)
    assert row.valid_until == start + 2 * HOUR


@pytest.mark.archive
def test_recorded_archive_of_open_meteo(recorded: Any) -> None:
    readings = om.parse(recorded("open_meteo_archive_enschede_1953.json"), RACE)
    assert readings[0].at == dt.datetime(1953, 1, 30, 22, tzinfo=dt.UTC), "local time is two hours ahead"
    found = summarise(readings, readings[0].at, readings[2].at)
    assert found.temperature_c == pytest.approx((5.8 + 5.5 + 5.1) / 3, abs=1e-5)
    assert found.wind_kmh == pytest.approx((23.2 + 23.7 + 24.8) / 3, abs=1e-5)
    assert (found.precipitation_mm, found.is_wet) == (None, None), "it was not asked for"


@pytest.mark.archive
def test_recorded_refusals(recorded: Any) -> None:
    with pytest.raises(SourceRefused, match="invalid String value winddiren_10m"):
        om.parse(recorded("open_meteo_error_400.json"), RACE)
    with pytest.raises(ContractViolation, match="none of temperature_2m"):
        om.parse(recorded("open_meteo_previous_runs_marina_bay_2024-09-22_subset.json"), RACE)
    with pytest.raises(SourceRefused, match="openweathermap, race 2026-singapore: test"):
        owm.parse(recorded("pyowm_three_hours_forecast_not_found_json.json"), "list", RACE)
    with pytest.raises(ContractViolation, match="field hourly: missing"):
        owm.parse(recorded("owm_weather_sao_paulo_2024-06-25.json"), "hourly", RACE)


@pytest.mark.archive
@pytest.mark.parametrize(
    ("name", "rain", "temperature", "wind"),
    [
        ("owm_forecast_warsaw_2026-06-05_first2.json", [0.16, 0.0], 14.47, 4.79),
        ("owm_forecast_paris_2025-07-19_first2.json", [0.13, 0.0], 26.26, 3.08),
    ],
)
def test_recorded_three_hour_forecasts(
    recorded: Any, name: str, rain: list[float], temperature: float, wind: float
) -> None:
    readings = owm.parse(recorded(name), "list", RACE)
    assert [reading.precipitation_mm for reading in readings] == rain
    assert readings[0].temperature_c == temperature
    assert readings[0].wind_kmh == pytest.approx(3.6 * wind)
    assert readings[1].at - readings[0].at == 3 * HOUR


@pytest.mark.archive
def test_recorded_time_machine_is_in_kelvins_and_cannot_pass_for_degrees(recorded: Any) -> None:
    for name, kelvins in (("london_2023-03-16", 286.81), ("paris_2023-03-21", 286.13)):
        content = recorded(f"owm_onecall3_timemachine_{name}.json")
        (reading,) = owm.parse(content, "data", RACE, units="standard")
        assert reading.temperature_c == pytest.approx(kelvins - 273.15)
        assert reading.precipitation_mm == 0.0
        (wrong,) = owm.parse(content, "data", RACE)
        found = summarise([wrong], wrong.at - HOUR, wrong.at)
        with pytest.raises(ContractViolation, match="field temperature_c"):
            make_row(RACE, "Q", "openweathermap", "observed", found, wrong.at - HOUR, wrong.at)


@pytest.mark.archive
@pytest.mark.parametrize(
    "name", ["pyowm_three_hours_forecast_json.json", "pyowm_three_hours_forecast_at_coords_json.json"]
)
def test_recorded_older_forecasts(recorded: Any, name: str) -> None:
    (reading,) = owm.parse(recorded(name), "list", RACE, units="standard")
    assert reading.temperature_c is not None
    assert 10 < reading.temperature_c < 16
    assert reading.precipitation_mm == 0.0
    assert reading.precipitation_probability is None
