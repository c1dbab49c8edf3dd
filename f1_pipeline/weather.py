"""Which weather is fetched, from which service, and when: the decisions, and the two calls that carry them out.

Weather is an extra. Nothing waits for it: the errors that these functions raise are warnings to whoever runs an
update, and a race without weather has empty columns.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pandas as pd
from sqlalchemy import Engine

from f1_pipeline.errors import F1Error, NotReady
from f1_pipeline.settings import Settings
from f1_pipeline.storage import reads, schema
from f1_pipeline.storage import weather as stored
from f1_pipeline.storage.upcoming import calendar_now

if TYPE_CHECKING:
    from f1_pipeline.sources.weather import Kind, Provider, Reading, SessionName
    from f1_pipeline.sources.weather.client import Answer

logger = logging.getLogger(__name__)

RENEW = timedelta(hours=6)
"""Age from which an update takes a new forecast of the next race: the models behind it run every six hours."""
OBSERVED_WITHIN = timedelta(days=35)
"""Races that ended within this time are looked up after the fact, where no season is set."""
_RETRIES = 2
"""Retries at most: an update does not stand still for something it can do without."""
_STARTS: dict[SessionName, str] = {"R": "start_at", "Q": "qualifying_at", "S": "sprint_at"}

Fetch = Callable[[], "tuple[list[Reading], Answer]"]


def services(settings: Settings, held_source: str | None) -> tuple[Provider, ...]:
    """Services in the order in which they are asked; none where weather is off or the championship is simulated."""
    if settings.weather == "off" or held_source == "simulated":
        return ()
    if settings.weather != "auto":
        return (settings.weather,)
    return ("open-meteo",) if settings.openweathermap_key is None else ("openweathermap", "open-meteo")


def why_no_forecast(race: pd.Series | None, asked: Collection[Provider], now: datetime) -> str | None:
    """What keeps a forecast from being taken now; None if nothing does.

    ``race``: a row of ``storage.weather.race_places``; ``asked``: the services there are.
    """
    if not asked:
        return "weather is off, or the championship is simulated"
    if race is None:
        return "it is not in the calendar"
    if race["finished"]:
        return "it has been run"
    if pd.isna(race["start_at"]):
        return "its start time is not known"
    if race["start_at"] <= now:
        return "it has begun"
    if pd.isna(race["latitude"]) or pd.isna(race["longitude"]):
        return "the coordinates of its circuit are not known"
    if not any(_reaches(service, race, now) for service in asked):
        return "it is too far away for a forecast"
    return None


def take_forecast(settings: Settings, engine: Engine, race_key: str, now: datetime) -> pd.DataFrame:
    """Fetch the weather forecast of a race weekend and keep it; the rows that were new.

    One row for each session that has a start time and is still to come. ``now`` is the present moment (aware); the
    rows say when the answer was taken. An answer that was stored already, from the cache, adds nothing.

    Raises:
        NotReady: there is nothing to forecast now (finished, begun, too far away, weather off).
        SourceUnavailable, SourceRefused, ContractViolation: no service gave an answer that can be used.
    """
    asked = services(settings, reads.held_source(engine))
    race = _race(engine, race_key)
    hindrance = why_no_forecast(race, asked, now)
    if hindrance is not None or race is None:
        raise NotReady(f"no weather forecast of {race_key}: {hindrance}")
    able = [service for service in asked if _reaches(service, race, now)]
    for place, service in enumerate(able):
        try:
            frame = _fetch(settings, service, "forecast", race, now)
        except F1Error as error:
            if place + 1 == len(able):
                raise
            logger.warning("%s; asking %s", error, able[place + 1])
            continue
        return stored.add_forecasts(engine, frame)
    raise AssertionError("a service that reaches the race is asked")


def take_observed(settings: Settings, engine: Engine, race_key: str, now: datetime) -> pd.DataFrame:
    """Fetch the weather that was observed at a race weekend and keep it; the rows.

    An answer without values is kept as such, with empty columns: it would be the same tomorrow.

    Raises:
        NotReady: the race has not been run, or nobody knows when and where, or weather is off.
        SourceUnavailable, SourceRefused, ContractViolation: no answer that can be used.
    """
    service = _archive(services(settings, reads.held_source(engine)))
    race = _race(engine, race_key)
    if service is None or race is None or not _observable(race, now):
        raise NotReady(f"no observed weather of {race_key}: it is off, or start, place or result are missing")
    frame = _fetch(settings, service, "observed", race, now)
    stored.replace_observed(engine, frame)
    return frame


def observed_due(
    places: pd.DataFrame, present: Collection[str], from_season: int | None, now: datetime
) -> list[str]:
    """Races whose observed weather is to be fetched, in calendar order.

    Those that were run at least as long ago as the archive is behind, that nobody has looked up yet (``present``), of
    ``from_season`` on; without it only of the last weeks: the archive goes back to 1940, and an update must not fetch
    a thousand races because nobody said otherwise.
    """
    races = [row for _, row in places.iterrows() if row["race_key"] not in present]
    return [
        str(race["race_key"])
        for race in races
        if _observable(race, now)
        and (
            race["season"] >= from_season
            if from_season is not None
            else race["start_at"] >= now - OBSERVED_WITHIN
        )
    ]


def due(settings: Settings, engine: Engine, now: datetime) -> tuple[str | None, list[str]]:
    """What an update fetches: the race whose forecast is missing or old, and races to look up after the fact."""
    asked = services(settings, reads.held_source(engine))
    if not asked:
        return None, []
    places = stored.race_places(engine)
    present = reads.race_keys_with(engine, schema.weather_observed)
    looked_up = observed_due(places, present, settings.weather_observed_from_season, now)
    # The next race of the plan and the pages: one that never got a result must not keep the weather of the others away.
    race_key = calendar_now(engine).upcoming
    if race_key is None or why_no_forecast(_row(places, race_key), asked, now) is not None:
        return None, looked_up
    newest = stored.newest_forecast_before(engine, race_key, now)
    # A start that has moved since wants the weather of another hour.
    start = places.loc[places["race_key"] == race_key, "start_at"].iloc[0]
    fresh = bool(((newest["issued_at"] > now - RENEW) & (newest["valid_from"] == start)).any())
    return (None if fresh else race_key), looked_up


def _race(engine: Engine, race_key: str) -> pd.Series | None:
    return _row(stored.race_places(engine), race_key)


def _row(places: pd.DataFrame, race_key: str) -> pd.Series | None:
    found = places[places["race_key"] == race_key]
    return None if found.empty else found.iloc[0]


def _observable(race: pd.Series, now: datetime) -> bool:
    from f1_pipeline.sources.weather.open_meteo import ARCHIVE_DELAY

    known = not any(pd.isna(race[name]) for name in ("start_at", "latitude", "longitude"))
    return known and bool(race["finished"]) and race["start_at"] <= now - ARCHIVE_DELAY


def _archive(asked: Collection[Provider]) -> Provider | None:
    """Open-Meteo, unless there is only the other one: one request for a weekend, not one for each hour."""
    return "open-meteo" if "open-meteo" in asked else next(iter(asked), None)


def _reaches(service: Provider, race: pd.Series, now: datetime) -> bool:
    from f1_pipeline.sources.weather import WINDOWS, open_meteo, openweathermap

    reach = open_meteo.within_reach if service == "open-meteo" else openweathermap.within_reach
    return reach((race["start_at"] + WINDOWS["R"]).to_pydatetime(), now)


def _fetch(settings: Settings, service: Provider, kind: Kind, race: pd.Series, now: datetime) -> pd.DataFrame:
    """Canonical rows of the sessions of a weekend, as one service states them."""
    from f1_pipeline.sources.weather import WINDOWS, make_row, rows_frame, summarise
    from f1_pipeline.sources.weather.client import FORECAST_LIFETIME, HISTORY_LIFETIME, WeatherHttp

    starts: dict[SessionName, datetime] = {
        session: race[name].to_pydatetime() for session, name in _STARTS.items() if not pd.isna(race[name])
    }
    if kind == "forecast":
        starts = {session: start for session, start in starts.items() if start > now}
    began = time.monotonic()
    with WeatherHttp(
        settings.weather_cache,
        FORECAST_LIFETIME if kind == "forecast" else HISTORY_LIFETIME,
        settings.http_timeout_seconds,
        settings.retry_waits[:_RETRIES],
        settings.openweathermap_key if service == "openweathermap" else None,
    ) as http:
        readings, answer = _ask(settings, service, kind, http, race, starts, now)
    # When the answer came, not when it was asked for: a service may take its time, and the race begin meanwhile.
    taken = now + timedelta(seconds=time.monotonic() - began)
    if answer.cached_at is not None:
        taken = min(answer.cached_at, now)
    rows = []
    for session, start in starts.items():
        conditions = summarise(readings, start, start + WINDOWS[session])
        if kind == "observed" or (conditions.known and taken < start):
            rows.append(make_row(str(race["race_key"]), session, service, kind, conditions, start, taken))
    return rows_frame(rows)


def _ask(
    settings: Settings,
    service: Provider,
    kind: Kind,
    http: Any,
    race: pd.Series,
    starts: dict[SessionName, datetime],
    now: datetime,
) -> tuple[list[Reading], Answer]:
    from f1_pipeline.sources.weather import WINDOWS, open_meteo, openweathermap

    key, place = str(race["race_key"]), (float(race["latitude"]), float(race["longitude"]))
    first = min(starts.values())
    last = max(start + WINDOWS[session] for session, start in starts.items())
    if service == "open-meteo":
        if kind == "forecast":
            return open_meteo.forecast(http, settings.open_meteo_url, place, first, last, key)
        return open_meteo.observed(http, settings.open_meteo_archive_url, place, first, last, key)
    if kind == "forecast":
        return openweathermap.forecast(http, settings.openweathermap_url, place, last, now, key)
    readings: list[Reading] = []
    for session, start in starts.items():
        hours, answer = openweathermap.observed(
            http, settings.openweathermap_url, place, start, start + WINDOWS[session], key
        )
        readings += hours
    return readings, answer
