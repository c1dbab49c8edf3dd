"""Worlds to compute features of: what is in their tables, and everything that is computed of them."""

import numpy as np
import pandas as pd

from f1_pipeline.forecasting.elo import elo_ratings
from f1_pipeline.forecasting.features import FEATURES, HORIZONS, feature_matrix
from f1_pipeline.forecasting.history import History, build_history
from f1_pipeline.forecasting.joint_rating import Championships, joint_ratings
from f1_pipeline.forecasting.joint_state import JointConfig

Tables = dict[str, pd.DataFrame]
Computed = tuple[History, pd.DataFrame, dict[str, pd.DataFrame]]
WEEKEND = [feature.name for feature in FEATURES if feature.group == "weekend"]
LAP_COLUMNS = ["laps", "time_ms", "gap_ms", "gap_laps"]
RATING = [feature.name for feature in FEATURES if feature.group == "rating"]
"""Before the race the joint rating has seen the qualifying of the race itself."""
WEATHER = [feature.name for feature in FEATURES if feature.group == "weather"]
FORECASTS = "weather_forecasts"
WHO = ["driver_id", "constructor_id", "car_number"]
OUTCOMES = (
    "race_results",
    "sprint_results",
    "practice_results",
    "qualifying_results",
    "starting_grid",
    "driver_standings",
)


def compute(tables: Tables) -> Computed:
    history = build_history(tables)
    elo = pd.concat(
        [elo_ratings(history.starters, history.field, kind) for kind in ("driver", "constructor")],
        ignore_index=True,
    )
    joint = joint_ratings(Championships(history.races, history.field, tables), JointConfig())
    forecasts = tables.get(FORECASTS)
    return (
        history,
        elo,
        {horizon: feature_matrix(history, elo, joint, horizon, forecasts) for horizon in HORIZONS},
    )


def with_forecasts(tables: Tables, seed: int = 5) -> Tables:
    """The world with weather forecasts of every race: each day of the week before, and at and after its start."""
    rng = np.random.default_rng(seed)
    races = tables["races"].dropna(subset="start_at")
    hours = [-170, -146, -98, -50, -26, -2, 0, 1, 30]
    rows = races.loc[races.index.repeat(len(hours)), ["race_key", "start_at"]].reset_index(drop=True)
    rain = rng.choice([0.0, 0.1, 0.5, 3.0], len(rows))
    frame = pd.DataFrame(
        {
            "race_key": rows["race_key"],
            "session": "R",
            "provider": "open-meteo",
            "issued_at": rows["start_at"] + pd.to_timedelta(np.tile(hours, len(races)), unit="h"),
            "temperature_c": rng.normal(20.0, 5.0, len(rows)),
            "precipitation_mm": rain,
            "wind_kmh": rng.uniform(0.0, 40.0, len(rows)),
            "is_wet": (rain >= 0.3).astype(float),
            "valid_from": rows["start_at"],
        }
    )
    return {**tables, FORECASTS: frame}
