"""Weather of a session from Open-Meteo (no key) or OpenWeatherMap (a key): forecast before it, observed after it."""

from f1_pipeline.sources.weather.aggregate import (
    WET_MM,
    WINDOWS,
    Conditions,
    Reading,
    SessionName,
    is_wet,
    summarise,
)
from f1_pipeline.sources.weather.row import (
    FEATURE_COLUMNS,
    Kind,
    Provider,
    WeatherRow,
    make_row,
    rows_frame,
)

__all__ = [
    "FEATURE_COLUMNS",
    "WET_MM",
    "WINDOWS",
    "Conditions",
    "Kind",
    "Provider",
    "Reading",
    "SessionName",
    "WeatherRow",
    "is_wet",
    "make_row",
    "rows_frame",
    "summarise",
]
