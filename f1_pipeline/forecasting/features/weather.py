"""Features of the weather: what was forecast before the cutoff. What was observed never gets here."""

from __future__ import annotations

import pandas as pd

from f1_pipeline.forecasting.asof import newest_before, require_before

_SAME_RACE = pd.Timedelta(hours=12)
"""How far a start may have moved since: a race that is put off by weeks (Bahrain 2026) has other weather."""
COLUMNS = ["temperature_c", "precipitation_mm", "wind_kmh", "is_wet"]


def forecast_weather(
    rows: pd.DataFrame, races: pd.DataFrame, forecasts: pd.DataFrame, moments: pd.Series
) -> pd.DataFrame:
    """``temperature_c``, ``precipitation_mm``, ``wind_kmh``, ``is_wet`` (1 or 0) of the newest forecast before the cutoff.

    ``races``: ``race_key, start_at``; ``forecasts``: rows of ``weather_forecasts`` of the race session; ``moments``: the
    cutoff of each race key. A race without a forecast of its day, made before its cutoff, has none.

    Raises:
        LeakError: a forecast was issued at the cutoff or later.
    """
    start = forecasts["race_key"].map(races.set_index("race_key")["start_at"])
    forecasts = forecasts[(forecasts["valid_from"] - start).abs() <= _SAME_RACE]
    ordered = forecasts.sort_values(["race_key", "issued_at", "provider"], kind="stable")
    newest = newest_before(ordered, moments, "the weather")
    # Asked again of what is used, however it was chosen: this is where an observation would come in.
    require_before(newest["issued_at"], moments.reindex(newest.index), "the weather")
    return newest[COLUMNS].astype("float64").reindex(rows["race_key"]).set_axis(rows.index)
