"""Which weather services are asked about which races, and when."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pandas as pd
import pytest
from pydantic import ValidationError
from sqlalchemy import Engine, update

from f1_pipeline import weather
from f1_pipeline.automation.plan import KeyRange
from f1_pipeline.errors import NotReady
from f1_pipeline.runs import Runs
from f1_pipeline.settings import Settings, get_settings
from f1_pipeline.storage import reads, schema
from f1_pipeline.storage import weather as stored
from tests.quiet import QUIET_DAGSTER
from tests.weather.races import DAY, KEY, move, now

pytestmark = QUIET_DAGSTER


# --- which services --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("environment", "held", "expected"),
    [
        ({}, "f1db", ("open-meteo",)),
        ({"F1_WEATHER": "open-meteo", "F1_OPENWEATHERMAP_KEY": KEY}, "f1db", ("open-meteo",)),
        ({"F1_OPENWEATHERMAP_KEY": KEY}, "f1db", ("openweathermap", "open-meteo")),
        ({"F1_WEATHER": "openweathermap", "F1_OPENWEATHERMAP_KEY": KEY}, None, ("openweathermap",)),
        ({"F1_WEATHER": "off", "F1_OPENWEATHERMAP_KEY": KEY}, "f1db", ()),
        ({"F1_OPENWEATHERMAP_KEY": KEY}, "simulated", ()),
    ],
)
def test_which_services_are_asked(
    environment: dict[str, str], held: str | None, expected: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("F1_WEATHER", "auto")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    settings = Settings()
    assert weather.services(settings, held) == expected
    assert KEY not in repr(settings)
    assert KEY not in settings.model_dump_json()


def test_openweathermap_needs_its_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("F1_WEATHER", "openweathermap")
    with pytest.raises(ValidationError, match="openweathermap needs F1_OPENWEATHERMAP_KEY") as found:
        Settings()
    assert found.value.errors()[0]["loc"] == ("weather",)


# --- which races -----------------------------------------------------------------------------------------


RACE = pd.Series(
    {"race_key": "2026-x", "season": 2026, "finished": False, "start_at": pd.Timestamp("2026-07-26T13:00Z"),
     "latitude": 47.6, "longitude": 19.2}
)  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "before", "words"),
    [
        ({}, 3 * DAY, None),
        ({}, 20 * DAY, "too far away"),
        ({}, dt.timedelta(0), "it has begun"),
        ({"finished": True}, 3 * DAY, "it has been run"),
        ({"start_at": pd.NaT}, 3 * DAY, "start time is not known"),
        ({"latitude": float("nan")}, 3 * DAY, "coordinates"),
    ],
)
def test_when_a_forecast_can_be_taken(
    changes: dict[str, Any], before: dt.timedelta, words: str | None
) -> None:
    race = pd.Series({**RACE, **changes})
    moment = (RACE["start_at"] - before).to_pydatetime()
    reason = weather.why_no_forecast(race, ["open-meteo"], moment)
    assert (reason is None) if words is None else (reason is not None and words in reason)
    assert weather.why_no_forecast(race, [], moment) is not None
    assert weather.why_no_forecast(None, ["open-meteo"], moment) == "it is not in the calendar"


def test_what_is_looked_up_after_the_fact() -> None:
    """Of a thousand races none by accident: only the last weeks, or from the season that somebody set."""
    moment = dt.datetime(2026, 11, 25, tzinfo=dt.UTC)
    days = [3000, 700, 60, 20, 8, 2, -5]
    start = pd.Series([pd.Timestamp(moment - number * DAY) for number in days])
    places = pd.DataFrame(
        {
            "race_key": [f"r{number}" for number in days],
            "season": start.dt.year,
            "start_at": start,
            "latitude": 1.0,
            "longitude": 2.0,
            "finished": start < moment,
        }
    )
    places.loc[len(places)] = {**places.iloc[3], "race_key": "nowhere", "latitude": float("nan")}
    places.loc[len(places)] = {**places.iloc[3], "race_key": "sometime", "start_at": pd.NaT}
    assert weather.observed_due(places, [], None, moment) == ["r20", "r8"]
    assert weather.observed_due(places, ["r20"], None, moment) == ["r8"]
    assert weather.observed_due(places, [], 2024, moment) == ["r700", "r60", "r20", "r8"]
    assert weather.observed_due(places, [], 2027, moment) == []


def test_no_forecast_of_a_race_that_was_run_or_begins_after_the_reach(
    engine: Engine, settings: Settings, calendar: tuple[list[str], str, str], weather_service: Any
) -> None:
    keys, last, coming = calendar
    for race in (last, keys[keys.index(coming) + 2], "2026-nowhere"):
        with pytest.raises(NotReady, match=race):
            weather.take_forecast(settings, engine, race, now())
    start = stored.race_places(engine).set_index("race_key").loc[coming, "start_at"]
    with pytest.raises(NotReady, match="it has begun"):
        weather.take_forecast(settings, engine, coming, start.to_pydatetime())
    assert weather_service.asked == []


def test_a_race_that_never_got_a_result_does_not_keep_the_weather_of_the_next_one_away(
    engine: Engine,
    settings: Settings,
    runs: Runs,
    calendar: tuple[list[str], str, str],
    weather_service: Any,
) -> None:
    """A forecast that was not taken before a race cannot be fetched later."""
    keys, _, given_up = calendar
    following = keys[keys.index(given_up) + 1]
    move(engine, given_up, date=(now() - 7 * DAY).date(), start_at=now() - 7 * DAY)
    move(engine, following, date=(now() + 3 * DAY).date(), start_at=now() + 3 * DAY)
    assert weather.due(settings, engine, now())[0] is None, "data of any age have no race that is overdue"
    loads = schema.data_loads
    with engine.begin() as connection:
        connection.execute(update(loads).where(loads.c.source == "f1db").values(release="v2026.10.1"))
    assert weather.due(settings, engine, now())[0] == following
    runs.run("fetch_weather", "both", KeyRange(given_up, following))
    assert set(reads.read_table(engine, schema.weather_forecasts)["race_key"]) == {following}


def test_off_asks_nobody(
    engine: Engine,
    runs: Runs,
    weather_service: Any,
    monkeypatch: pytest.MonkeyPatch,
    calendar: tuple[list[str], str, str],
) -> None:
    monkeypatch.setenv("F1_WEATHER", "off")
    get_settings.cache_clear()
    assert weather.due(get_settings(), engine, now()) == (None, [])
    runs.run("fetch_weather", "weather", KeyRange(calendar[2], calendar[2]))
    with pytest.raises(NotReady, match="weather is off"):
        weather.take_forecast(get_settings(), engine, calendar[2], now())
    with pytest.raises(NotReady, match="it is off"):
        weather.take_observed(get_settings(), engine, calendar[1], now())
    assert weather_service.asked == []
