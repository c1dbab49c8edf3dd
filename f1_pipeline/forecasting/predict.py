"""From models to the published rows of one race."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from f1_pipeline.domain.points import scoring_places
from f1_pipeline.domain.vocabulary import ENSEMBLE, TRAINED_MODELS
from f1_pipeline.forecasting.ensemble import combine
from f1_pipeline.forecasting.grouping import Floats
from f1_pipeline.forecasting.orders import draw_orders


@dataclass(frozen=True)
class ModelForecast:
    """Win probabilities by one model version, and their interval where the model states one."""

    version: int
    win: Floats
    low: Floats | None = None
    high: Floats | None = None


def race_seed(base: int, race_key: str, horizon: str) -> int:
    """Seed of a race's draws: the same for all models, so that their differences are not noise."""
    digest = hashlib.sha256(f"{base}/{race_key}/{horizon}".encode()).digest()
    return int.from_bytes(digest[:4], "big") >> 1


def add_ensemble(forecasts: Mapping[str, ModelForecast], version: int) -> dict[str, ModelForecast]:
    """The forecasts and their ensemble over the trained models.

    Raises:
        KeyError: a member is missing; an ensemble of fewer members would be another model.
    """
    mean, low, high = combine(np.stack([forecasts[name].win for name in TRAINED_MODELS]))
    return {**forecasts, ENSEMBLE: ModelForecast(version, mean, low, high)}


def prediction_rows(
    rows: pd.DataFrame, horizon: str, forecasts: Mapping[str, ModelForecast], draws: int, seed: int
) -> pd.DataFrame:
    """The rows of ``predictions`` for one race: every model's view of its entries.

    ``rows``: feature rows of one race, sorted by driver. Every number but the interval is a property of one
    drawn order distribution (``orders``), so that they cannot contradict each other.
    """
    season = int(rows["season"].iloc[0])
    places = scoring_places(season)
    parts = []
    for name, forecast in forecasts.items():
        orders = draw_orders(forecast.win, draws, seed)
        parts.append(
            pd.DataFrame(
                {
                    "race_key": rows["race_key"].to_numpy(),
                    "horizon": horizon,
                    "model": name,
                    "driver_id": rows["driver_id"].to_numpy(),
                    "constructor_id": rows["constructor_id"].to_numpy(),
                    "model_version": forecast.version,
                    "win_probability": forecast.win,
                    "interval_low": np.nan if forecast.low is None else forecast.low,
                    "interval_high": np.nan if forecast.high is None else forecast.high,
                    "podium_probability": np.minimum(orders.top(3), 1.0),
                    "points_probability": np.minimum(orders.top(places), 1.0),
                    "expected_position": orders.expected_position(),
                    "cutoff": rows["cutoff"].to_numpy(),
                    "seed": seed,
                }
            )
        )
    frame = pd.concat(parts, ignore_index=True)
    return frame.assign(cutoff=pd.to_datetime(frame["cutoff"], utc=True))
