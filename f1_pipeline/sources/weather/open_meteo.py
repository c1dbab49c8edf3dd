"""Open-Meteo: forecasts for 16 days and an archive (ERA5), hourly, without a key.

Data CC BY 4.0; the free service is for non-commercial use. https://open-meteo.com/en/docs,
https://open-meteo.com/en/docs/historical-weather-api. Amounts are of the hour before the time that they stand at.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from f1_pipeline.errors import ContractViolation, SourceRefused
from f1_pipeline.sources.weather.aggregate import Reading
from f1_pipeline.sources.weather.client import Answer, WeatherHttp

FORECAST_DAYS = 16
"""Days that a forecast reaches, today's included."""
ARCHIVE_DELAY = timedelta(days=6)
"""Age from which the archive is asked for a day: ERA5 is five days behind, and a day late now and then."""

_HOUR = timedelta(hours=1)
_UNITS = {
    "temperature_2m": "°C",
    "precipitation": "mm",
    "precipitation_probability": "%",
    "wind_speed_10m": "km/h",
}
"""Variables that are read, and the units they are asked for in."""


def within_reach(end: datetime, now: datetime) -> bool:
    """Whether a forecast made now covers a window that ends at ``end``."""
    last = now.astimezone(UTC).date() + timedelta(days=FORECAST_DAYS - 1)
    return (end.astimezone(UTC) + _HOUR).date() <= last


def forecast(
    http: WeatherHttp,
    base: str,
    place: tuple[float, float],
    start: datetime,
    end: datetime,
    race_key: str,
) -> tuple[list[Reading], Answer]:
    """Forecast for the days from ``start`` to ``end`` at ``place`` (latitude, longitude).

    Raises:
        SourceUnavailable, SourceRefused: no answer, or a no.
        ContractViolation: an answer of another shape.
    """
    return _ask(http, f"{base}/v1/forecast", list(_UNITS), place, start, end, race_key, "forecast")


def observed(
    http: WeatherHttp,
    base: str,
    place: tuple[float, float],
    start: datetime,
    end: datetime,
    race_key: str,
) -> tuple[list[Reading], Answer]:
    """Reanalysis for the days from ``start`` to ``end`` at ``place``; raises as ``forecast`` does."""
    variables = [name for name in _UNITS if name != "precipitation_probability"]
    return _ask(http, f"{base}/v1/archive", variables, place, start, end, race_key, "archive")


def _ask(
    http: WeatherHttp,
    url: str,
    variables: list[str],
    place: tuple[float, float],
    start: datetime,
    end: datetime,
    race_key: str,
    what: str,
) -> tuple[list[Reading], Answer]:
    parameters: dict[str, str | float | int] = {
        "latitude": place[0],
        "longitude": place[1],
        "hourly": ",".join(variables),
        # Hours in UTC: the local time of the circuit has an hour twice when the clocks change.
        "timezone": "GMT",
        "timeformat": "unixtime",
        "start_date": start.astimezone(UTC).date().isoformat(),
        # The hour that the window ends in may be the first one of the next day.
        "end_date": (end.astimezone(UTC) + _HOUR).date().isoformat(),
    }
    answer = http.get(url, parameters, f"open-meteo {what}, race {race_key}")
    return parse(answer.content, race_key), answer


def parse(content: object, race_key: str) -> list[Reading]:
    """Hours of an answer of either service, in UTC; a variable that is not there is missing in every hour.

    Raises:
        SourceRefused: it says that it is an error.
        ContractViolation: another shape, another unit. Names race and field.
    """
    where = f"open-meteo: race {race_key}, field"
    if not isinstance(content, dict):
        raise ContractViolation(f"{where} (answer): a {type(content).__name__} in place of an object")
    if content.get("error"):
        raise SourceRefused(
            f"open-meteo, race {race_key}: {content.get('reason', 'an error without a reason')}"
        )
    hourly, units = content.get("hourly"), content.get("hourly_units")
    if not isinstance(hourly, dict) or not isinstance(units, dict):
        raise ContractViolation(f"{where} hourly: missing, or no object")
    times = hourly.get("time")
    if not isinstance(times, list):
        raise ContractViolation(f"{where} hourly.time: missing, or no list")
    if not any(name in hourly for name in _UNITS):
        raise ContractViolation(f"{where} hourly: none of {', '.join(_UNITS)}")
    moment = _clock(content.get("utc_offset_seconds"), where)
    columns: dict[str, list[float | None]] = {}
    for name, unit in _UNITS.items():
        values = hourly.get(name, [None] * len(times))
        if not isinstance(values, list) or len(values) != len(times):
            raise ContractViolation(f"{where} hourly.{name}: not one value for each of {len(times)} times")
        if name in hourly and units.get(name) != unit:
            raise ContractViolation(f"{where} hourly_units.{name}: {units.get(name)!r}, not {unit!r}")
        columns[name] = [_number(value, f"{where} hourly.{name}") for value in values]
    return [
        Reading(
            at=moment(time),
            span=_HOUR,
            temperature_c=columns["temperature_2m"][at],
            precipitation_mm=columns["precipitation"][at],
            precipitation_probability=_share(columns["precipitation_probability"][at]),
            wind_kmh=columns["wind_speed_10m"][at],
        )
        for at, time in enumerate(times)
    ]


def _clock(offset: Any, where: str) -> Callable[[object], datetime]:
    """How to read a time: seconds since 1970, which are UTC, or local ISO times ahead of UTC by ``offset`` seconds."""

    def moment(value: object) -> datetime:
        try:
            if isinstance(value, int):
                return datetime.fromtimestamp(value, UTC)
            return datetime.fromisoformat(str(value)).replace(tzinfo=UTC) - timedelta(seconds=float(offset))
        except (TypeError, ValueError, OverflowError, OSError):
            raise ContractViolation(f"{where} hourly.time: {value!r} is no time") from None

    return moment


def _number(value: object, where: str) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ContractViolation(f"{where}: {value!r} is no number")
    return float(value)


def _share(per_cent: float | None) -> float | None:
    return None if per_cent is None else per_cent / 100.0
