"""The feature matrix of a horizon: every entry of every race, computed at once."""

from __future__ import annotations

import pandas as pd

from f1_pipeline.forecasting.features import catalogue, competitors, weather, weekend
from f1_pipeline.forecasting.history import History
from f1_pipeline.forecasting.reliability import COLUMNS, retirement_rates

_DAYS_BEFORE = pd.Timedelta(days=3)
"""A weekend begins on Thursday evening: used where the source has no session times (F1DB: before 2024)."""


def cutoffs(races: pd.DataFrame, horizon: str) -> pd.Series:
    """The moment up to which a forecast of each race knows the world, in UTC.

    ``pre_weekend``: the start of the first practice; ``pre_race``: the start of the race. Where the source
    has no times (F1DB: before 2024) a day's midnight takes their place.
    """
    day = races["date"].dt.tz_localize("UTC")
    if horizon == "pre_race":
        return races["start_at"].fillna(day)
    return races["first_practice_at"].fillna(day - _DAYS_BEFORE)


def feature_matrix(
    history: History,
    elo: pd.DataFrame,
    joint: pd.DataFrame,
    horizon: str,
    forecasts: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """All feature rows of a horizon.

    Args:
        history: the past, and the entries of coming races.
        elo: rows of ``elo_ratings`` (``race_key, kind, entity_id, value_before``).
        joint: rows of ``joint_ratings``.
        horizon: ``pre_weekend`` describes every entry; ``pre_race``, of a race whose starting grid is published,
            who stands on it, entered or not, and who took the start without (before 1960).
        forecasts: rows of ``weather_forecasts`` of the race session; without them weather is missing.

    Returns:
        ``race_key, order, season, horizon, driver_id, constructor_id, cutoff`` and every column of the
        catalogue; a feature that is not known at the horizon is missing in every row.

    Raises:
        LeakError: a value came from the race itself, from a later one, or from after the cutoff.
    """
    who = history.field if horizon == "pre_race" else history.entries
    rows = who[["race_key", "order", "season", "driver_id", "constructor_id"]]
    if horizon == "pre_race":
        rows = _on_the_grid(rows, history)
    rows = rows.sort_values(["order", "driver_id"], kind="stable").reset_index(drop=True)
    moment = cutoffs(history.races, horizon).set_axis(history.races["race_key"])
    blocks = [
        competitors.driver_form(rows, history),
        competitors.ratings_before(rows, elo),
        competitors.joint_before(rows, joint, horizon),
        competitors.driver_season(rows, history),
        competitors.driver_grid(rows, history),
        competitors.constructor_season(rows, history),
        competitors.constructor_reliability(rows, history),
        competitors.championship_place(rows, history),
        _rates(rows, history),
        weekend.circuit(rows, history),
        weekend.driver_at_circuit(rows, history),
    ]
    if horizon == "pre_race":
        blocks.append(weekend.grid_and_qualifying(rows, history))
    if forecasts is not None:
        blocks.append(weather.forecast_weather(rows, history.races, forecasts, moment))
    values = pd.concat(blocks, axis=1).reindex(columns=[f.name for f in catalogue.FEATURES]).astype("float64")
    # ``array`` keeps the type, also where there are no rows (no grid is published yet).
    head = rows.assign(horizon=horizon, cutoff=moment.reindex(rows["race_key"]).array)
    return pd.concat([head, values], axis=1)


def _rates(rows: pd.DataFrame, history: History) -> pd.DataFrame:
    keys = ["race_key", "driver_id"]
    rates = retirement_rates(history).drop_duplicates(keys)
    found = rows[keys].merge(rates, on=keys, how="left")
    return found[list(COLUMNS)].set_index(rows.index)


def _on_the_grid(rows: pd.DataFrame, history: History) -> pd.DataFrame:
    keys = ["race_key", "driver_id"]
    on_grid = pd.concat([history.grid[keys], history.starters[keys]]).drop_duplicates()
    on_grid = on_grid[on_grid["race_key"].isin(history.grid["race_key"])]
    return rows.merge(on_grid, on=keys, how="inner")
