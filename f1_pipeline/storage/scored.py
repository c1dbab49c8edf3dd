"""Reading what is scored: forecasts, the market's among them, and who took the start."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
from sqlalchemy import Engine

from f1_pipeline.forecasting.history import in_calendar_order, starters
from f1_pipeline.forecasting.market import market_forecasts
from f1_pipeline.storage import reads, schema

_FORECAST = [
    "race_key",
    "horizon",
    "model",
    "model_version",
    "driver_id",
    "win_probability",
    "podium_probability",
    "top6_probability",
    "points_probability",
    "retirement_probability",
    "expected_position",
]
_FIELD = ["race_key", "horizon", "driver_id", "cutoff", "seed"]
_RESULT = ["race_key", "driver_id", "position", "position_text", "display_order", "points"]


def forecasts_and_starters(
    engine: Engine, draws: int, race_keys: Sequence[str]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Forecasts of some races, and the starters of those that have a result.

    Results of these races only, not the whole history: a score stands on nothing else.

    Returns:
        Rows of ``predictions`` with the columns that are scored, followed by those of the market where there are
        prices; and ``race_key, driver_id, finish, position, position_text`` of the starters.
    """
    keys = list(race_keys)
    if not keys:
        return pd.DataFrame(columns=_FORECAST), pd.DataFrame(columns=[*_RESULT, "finish"])
    forecasts = reads.read_table(engine, schema.predictions, keys, columns=_FORECAST)
    market = market_rows(engine, draws, keys)
    if len(market):
        forecasts = pd.concat([forecasts, market[_FORECAST]], ignore_index=True)
    return forecasts, read_starters(engine, keys)


def market_rows(engine: Engine, draws: int, race_keys: Sequence[str]) -> pd.DataFrame:
    """The market's forecasts of the races that have prices, for the field and cutoff of the stored forecasts."""
    odds = reads.read_table(engine, schema.market_odds, race_keys)
    priced = sorted(set(odds["race_key"]))
    if not priced:
        return pd.DataFrame()
    field = reads.read_table(engine, schema.predictions, priced, columns=_FIELD)
    return market_forecasts(odds, field, draws)


def read_starters(engine: Engine, race_keys: Sequence[str]) -> pd.DataFrame:
    """Everyone who took the start of some races, as ``history.starters`` has them."""
    columns = ["race_key", "date", "is_cancelled"]
    races = in_calendar_order(reads.read_table(engine, schema.races, columns=columns))
    results = reads.read_table(engine, schema.race_results, race_keys, columns=_RESULT)
    return starters(results.merge(races[["race_key", "order"]], on="race_key", validate="many_to_one"))
