"""OpenWeatherMap: needs a key. Hourly forecast for 48 hours and time machine (One Call 3.0), 3-hour forecast for 5 days.

https://openweathermap.org/api/one-call-3, https://openweathermap.org/forecast5. One Call is a subscription of its own:
a key without it is refused there, and the 3-hour forecast, which every key has, is asked in its place.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from typing import Literal

from f1_pipeline.errors import ContractViolation, SourceRefused
from f1_pipeline.sources.weather.aggregate import Reading
from f1_pipeline.sources.weather.client import Answer, WeatherHttp

logger = logging.getLogger(__name__)

HOURLY_REACH = timedelta(hours=47)
THREE_HOUR_REACH = timedelta(days=5) - timedelta(hours=3)
"""How far ahead the last whole hour, or three hours, of a forecast lie for certain."""

Units = Literal["metric", "standard"]
Series = Literal["hourly", "data", "list"]
"""Key that the lines stand under: hourly forecast, time machine, 3-hour forecast."""

_HOUR = timedelta(hours=1)
_KELVIN = 273.15
_KMH = 3.6
"""Kilometres an hour in a metre a second: the unit of wind in both metric and standard units."""
_PRECIPITATION = (range(200, 400), range(500, 700))
"""Condition codes of thunderstorm, drizzle, rain and snow (https://openweathermap.org/weather-conditions)."""


def within_reach(end: datetime, now: datetime) -> bool:
    """Whether a forecast made now covers a window that ends at ``end``."""
    return end - now <= THREE_HOUR_REACH


def forecast(
    http: WeatherHttp, base: str, place: tuple[float, float], end: datetime, now: datetime, race_key: str
) -> tuple[list[Reading], Answer]:
    """Forecast at ``place`` (latitude, longitude) up to ``end``: by the hour where that reaches, else by three hours.

    Raises:
        SourceUnavailable, SourceRefused: no answer, or a no.
        ContractViolation: an answer of another shape.
    """
    what = f"openweathermap forecast, race {race_key}"
    if end - now <= HOURLY_REACH:
        try:
            answer = http.get(
                f"{base}/3.0/onecall",
                {**_at(place), "exclude": "current,minutely,daily,alerts"},
                what,
            )
            return parse(answer.content, "hourly", race_key), answer
        except SourceRefused as error:
            logger.warning("%s; asking for the 3-hour forecast", error)
    answer = http.get(f"{base}/2.5/forecast", _at(place), what)
    return parse(answer.content, "list", race_key), answer


def observed(
    http: WeatherHttp, base: str, place: tuple[float, float], start: datetime, end: datetime, race_key: str
) -> tuple[list[Reading], Answer]:
    """Each whole hour of the window by the time machine, one request an hour; raises as ``forecast`` does."""
    hour = start.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    readings: list[Reading] = []
    answers: list[Answer] = []
    while not answers or hour < end + _HOUR:
        answer = http.get(
            f"{base}/3.0/onecall/timemachine",
            {**_at(place), "dt": int(hour.timestamp())},
            f"openweathermap time machine, race {race_key}",
        )
        readings += parse(answer.content, "data", race_key)
        answers.append(answer)
        hour += _HOUR
    return readings, answers[-1]


def _at(place: tuple[float, float]) -> dict[str, str | float | int]:
    return {"lat": place[0], "lon": place[1], "units": "metric"}


def parse(content: object, series: Series, race_key: str, units: Units = "metric") -> list[Reading]:
    """Lines of an answer. It does not say its units: ``units`` is what was asked for.

    Rain and snow that are not mentioned did not fall, as the service's documents say; where the condition of the line
    says that they did, their amount is missing.

    Raises:
        SourceRefused: it says that it is an error.
        ContractViolation: another shape. Names race and field.
    """
    where = f"openweathermap: race {race_key}, field"
    if not isinstance(content, dict):
        raise ContractViolation(f"{where} (answer): a {type(content).__name__} in place of an object")
    if str(content.get("cod", 200)) != "200":
        raise SourceRefused(f"openweathermap, race {race_key}: {content.get('message', content['cod'])}")
    lines = content.get(series)
    if not isinstance(lines, list):
        raise ContractViolation(f"{where} {series}: missing, or no list")
    return [_reading(line, series, units, f"{where} {series}") for line in lines]


def _reading(line: object, series: Series, units: Units, where: str) -> Reading:
    if not isinstance(line, dict):
        raise ContractViolation(f"{where}: {line!r} is no object")
    if series == "list":
        span = timedelta(hours=3)
        temperature = _number(_part(line, "main", where), "temp", f"{where}.main")
        wind = _number(_part(line, "wind", where), "speed", f"{where}.wind")
    else:
        span = _HOUR
        temperature, wind = _number(line, "temp", where), _number(line, "wind_speed", where)
    try:
        at = datetime.fromtimestamp(line["dt"], UTC)
    except (KeyError, TypeError, ValueError, OverflowError, OSError):
        raise ContractViolation(f"{where}.dt: {line.get('dt')!r} is no time") from None
    if temperature is not None and units == "standard":
        temperature -= _KELVIN
    return Reading(
        at=at,
        span=span,
        temperature_c=temperature,
        precipitation_mm=_amount(line, span, where),
        precipitation_probability=_number(line, "pop", where),
        wind_kmh=None if wind is None else wind * _KMH,
    )


def _amount(line: dict[str, object], span: timedelta, where: str) -> float | None:
    """Rain and snow of the line's span, in mm."""
    key = f"{span // _HOUR}h"
    amounts = [
        _number(_part(line, name, where), key, f"{where}.{name}") for name in ("rain", "snow") if name in line
    ]
    if amounts:
        return None if None in amounts else sum(amount for amount in amounts if amount is not None)
    conditions = line.get("weather")
    if not isinstance(conditions, list) or not conditions:
        return None
    codes = [item.get("id") for item in conditions if isinstance(item, dict)]
    return None if any(code in kind for code in codes for kind in _PRECIPITATION) else 0.0


def _part(line: dict[str, object], name: str, where: str) -> dict[str, object]:
    part = line.get(name, {})
    if not isinstance(part, dict):
        raise ContractViolation(f"{where}.{name}: {part!r} is no object")
    return part


def _number(part: dict[str, object], name: str, where: str) -> float | None:
    value = part.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ContractViolation(f"{where}.{name}: {value!r} is no number")
    return float(value)
