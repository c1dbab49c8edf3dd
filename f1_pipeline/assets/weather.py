"""Weather: the forecast of the next race, and what was observed at those before. Neither ever fails a run."""

import logging
from typing import Any

from dagster import AssetExecutionContext, MaterializeResult, asset

from f1_pipeline import clock, weather
from f1_pipeline.assets.common import per_race
from f1_pipeline.assets.resources import Database
from f1_pipeline.errors import F1Error, SourceUnavailable
from f1_pipeline.storage import reads, schema
from f1_pipeline.storage.upcoming import calendar_now
from f1_pipeline.storage.weather import race_places

logger = logging.getLogger(__name__)

MOST_RACES = 40
"""Races looked up in one run; the next one goes on. A mistaken range must not become a thousand requests."""
MOST_FAILURES = 3
"""Races without a usable answer after which a run stops asking: it is not the race, then."""
_PLACES: list[list[str]] = [["reference", "races"], ["reference", "circuits"]]


@asset(
    **per_race(
        ["weather", "forecasts"],
        "weather_forecasts",
        "weather",
        "Weather forecast of the next race, taken before it. Every forecast is kept; of other races none is taken.",
        deps=_PLACES,
    ),
    pool="weather",
)
def weather_forecasts(context: AssetExecutionContext, database: Database) -> MaterializeResult[Any]:
    """Take the forecast of the next race if it is one of the run's races; a failure is a warning."""
    engine, settings, now = database.engine(), database.settings(), clock.now()
    places = race_places(engine)
    race = calendar_now(engine).upcoming
    if race is None or race not in context.partition_keys:
        return MaterializeResult(metadata={"rows written": 0, "note": "none of these races is the next one"})
    asked = weather.services(settings, reads.held_source(engine))
    row = places[places["race_key"] == race].iloc[0]
    hindrance = weather.why_no_forecast(row, asked, now)
    if hindrance is not None:
        return MaterializeResult(metadata={"rows written": 0, "note": f"{race}: {hindrance}"})
    try:
        new = weather.take_forecast(settings, engine, race, now)
    except F1Error as error:
        return MaterializeResult(metadata={"rows written": 0, "warning": _warn(context, error)})
    return MaterializeResult(metadata={"rows written": len(new)})


@asset(
    **per_race(
        ["weather", "observed"],
        "weather_observed",
        "weather",
        "Weather observed at races that were run, for evaluation. It is no feature: before a race nobody knows it.",
        deps=_PLACES,
    ),
    pool="weather",
)
def weather_observed(context: AssetExecutionContext, database: Database) -> MaterializeResult[Any]:
    """Look up those of the run's races that are due; a failure is a warning."""
    engine, settings, now = database.engine(), database.settings(), clock.now()
    if not weather.services(settings, reads.held_source(engine)):
        return MaterializeResult(metadata={"rows written": 0, "note": "weather is off"})
    present = reads.race_keys_with(engine, schema.weather_observed)
    keys = set(context.partition_keys)
    wanted = weather.observed_due(race_places(engine), present, settings.weather_observed_from_season, now)
    wanted = [key for key in wanted if key in keys]
    rows, warnings = 0, list[str]()
    for race in wanted[:MOST_RACES]:
        try:
            rows += len(weather.take_observed(settings, engine, race, now))
        except F1Error as error:
            warnings.append(_warn(context, error))
            # Unreachable now is unreachable for the next race too.
            if isinstance(error, SourceUnavailable) or len(warnings) == MOST_FAILURES:
                break
    return MaterializeResult(
        metadata={
            "rows written": rows,
            "races left": len(wanted[MOST_RACES:]),
            "races not due": len(keys) - len(wanted),
            "warning": "\n".join(warnings),
        }
    )


def _warn(context: AssetExecutionContext, error: F1Error) -> str:
    text = f"{error}; going on without"
    context.log.warning(text)
    # An update shows this one on the terminal; Dagster's own log is in its UI.
    logger.warning(text)
    return text


weather_assets = [weather_forecasts, weather_observed]
