"""The weather services over HTTP, against a server on the loopback interface: cache, errors, and the secret."""

from __future__ import annotations

import datetime as dt
import logging
import sqlite3
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from f1_pipeline.errors import ContractViolation, SourceRefused, SourceUnavailable
from f1_pipeline.sources.weather import open_meteo as om
from f1_pipeline.sources.weather import openweathermap as owm
from f1_pipeline.sources.weather.client import WeatherHttp, hide

KEY = "s3cret+key/of=mine"
RACE, PLACE = "2026-hungary", (47.58, 19.25)
START = dt.datetime(2026, 7, 26, 13, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)
END = START + 2 * HOUR


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "http-cache" / "weather.sqlite"


def client(
    cache: Path, lifetime: dt.timedelta = HOUR, waits: tuple[float, ...] = (), key: str | None = None
) -> WeatherHttp:
    return WeatherHttp(cache, lifetime, 2.0, waits, None if key is None else SecretStr(key))


def ask(http: WeatherHttp, url: str) -> Any:
    return om.forecast(http, url, PLACE, START, END, RACE)


# --- what is asked ---------------------------------------------------------------------------------------


def test_open_meteo_is_asked_for_hours_in_utc(weather_service: Any, cache: Path) -> None:
    with client(cache) as http:
        readings, _ = ask(http, weather_service.url)
        om.observed(http, weather_service.url, PLACE, START, END.replace(hour=23, minute=30), RACE)
    assert weather_service.asked == ["/v1/forecast", "/v1/archive"]
    query = weather_service.queries[0]
    assert (query["latitude"], query["longitude"], query["timezone"]) == ("47.58", "19.25", "GMT")
    assert (query["start_date"], query["end_date"]) == ("2026-07-26", "2026-07-26")
    assert "appid" not in query
    assert len(readings) == 24
    assert weather_service.queries[1]["end_date"] == "2026-07-27", (
        "the hour before midnight ends on the next day"
    )
    assert "precipitation_probability" not in weather_service.queries[1]["hourly"], (
        "what was has no probability"
    )


def test_openweathermap_is_asked_by_the_hour_where_that_reaches(weather_service: Any, cache: Path) -> None:
    now = dt.datetime.now(dt.UTC)
    with client(cache, key=KEY) as http:
        near, _ = owm.forecast(http, weather_service.url, PLACE, now + 20 * HOUR, now, RACE)
        far, _ = owm.forecast(http, weather_service.url, PLACE, now + 100 * HOUR, now, RACE)
        past, _ = owm.observed(http, weather_service.url, PLACE, START, END, RACE)
    assert weather_service.asked == ["/3.0/onecall", "/2.5/forecast", *["/3.0/onecall/timemachine"] * 3]
    assert {query["units"] for query in weather_service.queries} == {"metric"}
    assert {query["appid"] for query in weather_service.queries} == {KEY}
    assert (near[0].span, far[0].span) == (HOUR, 3 * HOUR)
    assert [reading.at for reading in past] == [START, START + HOUR, END]


def test_a_key_without_one_call_gets_the_three_hour_forecast_and_a_line_about_it(
    weather_service: Any, cache: Path, caplog: pytest.LogCaptureFixture
) -> None:
    weather_service.refused.append("/3.0/onecall")
    now = dt.datetime.now(dt.UTC)
    with client(cache, key=KEY) as http:
        readings, _ = owm.forecast(http, weather_service.url, PLACE, now + 20 * HOUR, now, RACE)
    assert readings[0].span == 3 * HOUR
    assert "HTTP 401" in caplog.text
    assert "asking for the 3-hour forecast" in caplog.text


# --- the cache -------------------------------------------------------------------------------------------


def test_an_answer_is_cached_until_it_expires(weather_service: Any, cache: Path) -> None:
    def once() -> Any:
        # Another process: a session of its own on the same file.
        with client(cache, dt.timedelta(seconds=1)) as http:
            return ask(http, weather_service.url)

    began = dt.datetime.now(dt.UTC)
    first, fresh = once()
    again, cached = once()
    assert again == first
    assert len(weather_service.asked) == 1
    assert fresh.cached_at is None
    assert began <= cached.cached_at <= dt.datetime.now(dt.UTC)
    weather_service.rain = 5.0
    time.sleep(1.1)
    later, fresh = once()
    assert len(weather_service.asked) == 2
    assert fresh.cached_at is None
    assert later != first


def test_another_place_or_time_is_another_answer(weather_service: Any, cache: Path) -> None:
    with client(cache) as http:
        ask(http, weather_service.url)
        om.forecast(http, weather_service.url, (1.3, 103.9), START, END, RACE)
        om.forecast(http, weather_service.url, PLACE, START + 24 * HOUR, END + 24 * HOUR, RACE)
        ask(http, weather_service.url)
    assert len(weather_service.asked) == 3


@pytest.mark.parametrize("fault", ["503", "404", "html", "moved"])
def test_a_fault_is_not_cached(weather_service: Any, cache: Path, fault: str) -> None:
    weather_service.script = [fault]
    with client(cache) as http:
        with pytest.raises((SourceUnavailable, SourceRefused)):
            ask(http, weather_service.url)
        readings, _ = ask(http, weather_service.url)
    assert len(readings) == 24


def test_nothing_is_pickled(weather_service: Any, cache: Path) -> None:
    """Loading a pickle runs whatever is in it, and the cache is a file that anybody may have written."""
    with client(cache) as http:
        ask(http, weather_service.url)
    with sqlite3.connect(cache) as connection:
        values = [value for (value,) in connection.execute("SELECT value FROM responses")]
    connection.close()
    assert len(values) == 1
    assert str(values[0] if isinstance(values[0], str) else values[0].decode()).startswith("{")


def test_a_cache_that_cannot_be_used_is_a_typed_error(cache: Path) -> None:
    cache.parent.mkdir(parents=True)
    cache.write_bytes(b"no database at all, but longer than a header of one would be" * 20)
    with pytest.raises(SourceUnavailable, match=r"weather\.sqlite"):
        client(cache)


# --- errors ----------------------------------------------------------------------------------------------


def test_what_passes_by_itself_is_asked_again(weather_service: Any, cache: Path) -> None:
    weather_service.script = ["503", "hang up"]
    with client(cache, waits=(0.01, 0.01)) as http:
        readings, _ = ask(http, weather_service.url)
    assert len(readings) == 24
    assert len(weather_service.asked) == 3


@pytest.mark.parametrize(
    ("script", "error", "words"),
    [
        (["503"] * 2, SourceUnavailable, "open-meteo forecast, race 2026-hungary: HTTP 503"),
        (
            ["hang up"] * 2,
            SourceUnavailable,
            "open-meteo forecast, race 2026-hungary: 127.0.0.1 cannot be reached",
        ),
        (["400"], SourceRefused, "HTTP 400.*: no, nobody"),
        (["html"], SourceRefused, "the answer is not JSON"),
        (["moved"], SourceRefused, "HTTP 302, it has moved elsewhere"),
        (["shape"], ContractViolation, "open-meteo: race 2026-hungary, field hourly"),
    ],
)
def test_errors_are_typed_and_name_source_and_race(
    weather_service: Any, cache: Path, script: list[str], error: type[Exception], words: str
) -> None:
    weather_service.script = list(script)
    with client(cache, waits=(0.01,)) as http, pytest.raises(error, match=words):
        ask(http, weather_service.url)
    assert len(weather_service.asked) == len(script), "only what passes by itself is asked again"


def test_a_server_that_is_not_there(cache: Path) -> None:
    with client(cache) as http, pytest.raises(SourceUnavailable, match="cannot be reached"):
        ask(http, "http://127.0.0.1:9")


# --- the secret ------------------------------------------------------------------------------------------


@pytest.fixture
def everything_logged(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    # The command keeps libraries quiet; a test of it may have run before in this process.
    with caplog.at_level(logging.DEBUG), caplog.at_level(logging.DEBUG, logger="urllib3"):
        yield caplog


def leaks(text: str) -> list[str]:
    return [form for form in (KEY, "s3cret", "s3cret%2Bkey%2Fof%3Dmine") if form in text]


@pytest.mark.parametrize(
    "fault", ["401", "500", "html", "shape", "moved", "hang up", "unreachable", "no address"]
)
def test_the_key_is_in_no_error_and_no_log(
    weather_service: Any, cache: Path, fault: str, everything_logged: pytest.LogCaptureFixture
) -> None:
    urls = {"unreachable": "http://127.0.0.1:9", "no address": "http://[::1"}
    weather_service.script = [fault] * 4 if fault not in urls else []
    now = dt.datetime.now(dt.UTC)
    with (
        client(cache, waits=(0.01,), key=KEY) as http,
        pytest.raises((SourceUnavailable, SourceRefused, ContractViolation)) as found,
    ):
        owm.forecast(http, urls.get(fault, weather_service.url), PLACE, now + 20 * HOUR, now, RACE)
    if fault not in urls:
        assert weather_service.queries[0]["appid"] == KEY, "it was sent"
    error: BaseException | None = found.value
    shown = "".join(traceback.format_exception(error))
    while error is not None:  # and what a reporter would follow that prints suppressed contexts too
        shown += repr(error) + str(error.args)
        error = error.__cause__ or error.__context__
    assert not leaks(shown)
    assert not leaks(everything_logged.text)


def test_the_key_is_in_no_cache_and_no_log_of_success(
    weather_service: Any, cache: Path, everything_logged: pytest.LogCaptureFixture
) -> None:
    now = dt.datetime.now(dt.UTC)
    with client(cache, key=KEY) as http:
        owm.forecast(http, weather_service.url, PLACE, now + 20 * HOUR, now, RACE)
        assert KEY not in repr(vars(http))
    with client(cache, key="another") as http:
        owm.forecast(http, weather_service.url, PLACE, now + 20 * HOUR, now, RACE)
    assert len(weather_service.asked) == 1, "the key is no part of what was asked"
    for file in cache.parent.iterdir():
        assert not leaks(file.read_bytes().decode("latin-1")), file
    assert "/3.0/onecall" in everything_logged.text, "urllib3 was heard"
    assert not leaks(everything_logged.text)


def test_a_key_is_hidden_as_it_is_and_as_it_is_quoted() -> None:
    assert hide(f"a {KEY} b s3cret%2Bkey%2Fof%3Dmine", SecretStr(KEY)) == "a *** b ***"
