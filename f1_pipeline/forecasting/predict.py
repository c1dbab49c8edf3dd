"""From models to the published rows of one race."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from f1_pipeline.domain.points import points_to_come, scoring_places
from f1_pipeline.domain.vocabulary import COMBINED, ENSEMBLE, POOL
from f1_pipeline.forecasting.ensemble import combine, interval, log_pool
from f1_pipeline.forecasting.finishers import carried, win_of_finishers
from f1_pipeline.forecasting.grouping import Floats
from f1_pipeline.forecasting.orders import DRAWING, DRAWING_OF_FINISHERS, draw_orders


@dataclass(frozen=True)
class ModelForecast:
    """Win probabilities by one model version; their 95 % interval, or the covariance of the log strengths that it follows
    from, where the model states one. ``places``: its log strengths for the places behind the podium, where it has any."""

    version: int
    win: Floats
    low: Floats | None = None
    high: Floats | None = None
    covariance: Floats | None = None
    places: Floats | None = None


COMMON_ERROR = 0.65
"""Share of its members' own error that stays in the pool: they stand on the same ratings and races, and on unlike models.
In six simulated worlds of eight seasons (seeds 1 to 3 and 11 to 13) the pool's 95 % intervals held .962 of the true
probabilities before the weekend and .952 before the race with .65; with .5 they held .938 and .931, with .8 .973 and .970."""


POOL_DRAWS = 5
"""Finishing orders of the pool for one of another model. It is the forecast that is shown, with its pairs and places; of 2,000
orders a probability of one half has a standard error of .011, and two of the slower cars change places by chance."""


def race_seed(base: int, race_key: str, horizon: str) -> int:
    """Seed of a race's draws: the same for all models, so that their differences are not noise."""
    digest = hashlib.sha256(f"{base}/{race_key}/{horizon}".encode()).digest()
    return int.from_bytes(digest[:4], "big") >> 1


def add_combined(
    forecasts: Mapping[str, ModelForecast], versions: Mapping[str, int], retirement: Floats
) -> dict[str, ModelForecast]:
    """The forecasts and the models made of them (``COMBINED``), whose versions are given.

    The pool's strengths are those of cars that finish: with ``retirement``, the probability of each driver to retire, nobody
    wins more often than he finishes. A favourite stated at 94 % with 8 % to retire could not have both, and above 80 % winners
    before the race of 2014-26 came true .74 times for .86 stated.

    Raises:
        KeyError: a member is missing; a combination of fewer members would be another model.
    """
    made = dict(forecasts)
    for name, members in COMBINED.items():
        parts = [forecasts[member] for member in members]
        wins = np.stack([part.win for part in parts])
        if name == ENSEMBLE:
            made[name] = ModelForecast(versions[name], *combine(wins))
        else:
            pooled, disagreement = log_pool(wins)
            known = [part.covariance for part in parts if part.covariance is not None]
            shared = np.mean(known, axis=0) if known else np.zeros((len(pooled), len(pooled)))
            known_places = [part.places for part in parts if part.places is not None]
            places = np.mean(known_places, axis=0) if known_places else None
            bounds = interval(pooled, COMMON_ERROR * shared + np.diag(disagreement**2))
            low, high = (carried(bound, pooled, retirement) for bound in bounds)
            made[name] = ModelForecast(
                versions[name], win_of_finishers(pooled, retirement), low, high, places=places
            )
    return made


def prediction_rows(
    rows: pd.DataFrame,
    horizon: str,
    forecasts: Mapping[str, ModelForecast],
    retirement: Floats,
    draws: int,
    seed: int,
) -> pd.DataFrame:
    """The rows of ``predictions`` for one race: every model's view of its entries.

    ``rows``: feature rows of one race, sorted by driver. ``retirement``: probability of each driver to retire, the same for
    all models. Every number but the interval is a property of one drawn order distribution (``orders``), so that they
    cannot contradict each other.
    """
    season = int(rows["season"].iloc[0])
    places, points = scoring_places(season), points_to_come(str(rows["race_key"].iloc[0]))
    parts = []
    for name, forecast in forecasts.items():
        count, drawing = (draws * POOL_DRAWS, DRAWING_OF_FINISHERS) if name == POOL else (draws, DRAWING)
        orders = draw_orders(forecast.win, count, seed, retirement, forecast.places, drawing)
        low, high = forecast.low, forecast.high
        if forecast.covariance is not None:
            low, high = interval(forecast.win, forecast.covariance)
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
                    "interval_low": np.nan if low is None else low,
                    "interval_high": np.nan if high is None else high,
                    "podium_probability": np.minimum(orders.top(3), 1.0),
                    "top6_probability": np.minimum(orders.top(6), 1.0),
                    "points_probability": np.minimum(orders.scores(places), 1.0),
                    "expected_position": orders.expected_position(),
                    "expected_points": orders.weights @ orders.points(points),
                    "retirement_probability": retirement,
                    "draws": count,
                    "drawing": drawing,
                    "place_strength": np.nan if forecast.places is None else forecast.places,
                    "cutoff": rows["cutoff"].to_numpy(),
                    "seed": seed,
                }
            )
        )
    frame = pd.concat(parts, ignore_index=True)
    return frame.assign(cutoff=pd.to_datetime(frame["cutoff"], utc=True))
