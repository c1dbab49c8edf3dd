"""Forecasts of sprints and their scores."""

from collections.abc import Iterator
from typing import Any

import pandas as pd
from dagster import AssetExecutionContext, asset
from threadpoolctl import threadpool_limits

from f1_pipeline import clock
from f1_pipeline.assets.checks import PROBABILITIES
from f1_pipeline.assets.common import emit, per_race
from f1_pipeline.assets.forecaster import Forecaster
from f1_pipeline.assets.models import RemakeConfig
from f1_pipeline.assets.resources import Database, Models
from f1_pipeline.assets.workbench import Workbench, open_workbench
from f1_pipeline.domain.classification import started
from f1_pipeline.domain.vocabulary import BASELINES, HORIZONS, RETIREMENT, SPRINT_HORIZONS, SPRINT_MODELS
from f1_pipeline.forecasting.features import cutoffs
from f1_pipeline.forecasting.predict import race_seed
from f1_pipeline.forecasting.scoring import score_races
from f1_pipeline.forecasting.sprint import (
    BASE_HORIZON,
    Predicts,
    sprint_cutoff,
    sprint_features,
    sprint_forecast,
    with_reserves,
)
from f1_pipeline.storage import reads, schema
from f1_pipeline.storage.upcoming import calendar_now

_MODEL = "rating"
"""The name of the model that is asked: the rating is the part that carries over to a shorter race."""


@asset(
    **per_race(
        ["predictions", "sprint"],
        "sprint_predictions",
        "predictions",
        "Forecast of the sprint of a weekend that has one, before the weekend and with the grid of the sprint.",
        deps=[["models", f"{name}_{horizon}"] for name in SPRINT_MODELS for horizon in HORIZONS]
        + [["features", horizon] for horizon in HORIZONS]
        + [["ratings", "joint"], ["raw", "starting_grid"]],
        checks=[PROBABILITIES],
    )
)
def sprint_predictions(
    context: AssetExecutionContext, config: RemakeConfig, database: Database, models: Models
) -> Iterator[Any]:
    """Forecast the sprints of the run's races; a finished weekend keeps the forecast that was made for it,
    and one whose cutoff has passed the forecast before it."""
    engine, settings = database.engine(), database.settings()
    keys = context.partition_keys
    benches = {horizon: open_workbench(engine, horizon, settings, context.run.run_id) for horizon in HORIZONS}
    forecasters = {
        horizon: Forecaster(horizon, bench, engine, models.registry(), settings)
        for horizon, bench in benches.items()
    }
    stored = reads.read_table(engine, schema.sprint_predictions, keys)
    grids = reads.read_table(engine, schema.starting_grid, keys, session="S")
    ratings = reads.read_table(engine, schema.joint_ratings, keys)
    matrix = benches["pre_weekend"].matrix
    closed = calendar_now(engine).closed
    races = benches["pre_weekend"].history.races.set_index("race_key", drop=False)
    weekend = cutoffs(races.reset_index(drop=True), "pre_weekend").set_axis(races.index)
    parts: list[pd.DataFrame] = []
    for key in keys:
        kept = stored[stored["race_key"] == key]
        finished = key in benches["pre_weekend"].finished
        # By horizon: grid and result of a sprint come with one release, when the weekend is already forecast.
        stays = set(SPRINT_HORIZONS) if finished else {"pre_weekend"} if key in closed else set()
        held = set() if config.remake else stays & set(kept["horizon"])
        parts.append(kept[kept["horizon"].isin(held)])
        rows = matrix[matrix["race_key"] == key]
        if key not in races.index or not races.at[key, "is_sprint_weekend"] or rows.empty:
            continue
        for horizon in SPRINT_HORIZONS:
            grid = grids[grids["race_key"] == key]
            forecaster = forecasters[BASE_HORIZON[horizon]]
            version = _newest_until(forecaster, benches["pre_weekend"], key)
            rated = ratings[ratings["race_key"] == key]
            # Both: the rating has that horizon once it has seen the session that made the grid.
            unready = horizon == "pre_sprint" and (grid.empty or not (rated["horizon"] == horizon).any())
            if horizon in held or version is None or unready:
                continue
            described = rows
            if horizon == "pre_sprint":
                elo = reads.read_table(engine, schema.elo_ratings, [key])
                described = with_reserves(rows, benches["pre_weekend"].history, elo, rated, grid)
            features = sprint_features(described, horizon, rated, grid)
            seed = race_seed(settings.seed, key, f"sprint/{horizon}")
            made = sprint_forecast(
                features,
                horizon,
                _models(forecaster, key),
                forecaster.model(RETIREMENT, version)[0],
                settings.draws,
                seed,
            )
            parts.append(
                made.assign(
                    cutoff=sprint_cutoff(races.loc[key], horizon, weekend.loc[key]),
                    created_at=clock.now(),
                    data_release=forecaster.release,
                )
            )
    filled = [part for part in parts if len(part)]
    frame = pd.concat(filled, ignore_index=True) if filled else stored.iloc[:0]
    yield from emit(context, frame, [PROBABILITIES])


def _newest_until(forecaster: Forecaster, bench: Workbench, race_key: str) -> str | None:
    """The newest race up to this one that models were trained for: before its own grid there is no version for it."""
    races = (
        bench.history.races
    )  # cancelled ones are not in it, though versions may have been trained for them
    order = dict(zip(races["race_key"], races["order"], strict=True))
    trained = [
        race for race in forecaster.versions[RETIREMENT] if race in order and order[race] <= order[race_key]
    ]
    return max(trained, key=order.__getitem__, default=None)


def _models(forecaster: Forecaster, race_key: str) -> dict[str, Predicts]:
    """Fitted for each sprint, in a tenth of a second: no version of them is kept."""
    from f1_pipeline.forecasting.models import SprintRatingWin, make_win

    baseline = BASELINES[forecaster.horizon][-1]  # how often the holder of the place has won
    past = forecaster.bench.training(race_key, forecaster.settings)
    with threadpool_limits(1):  # the same on any number of cores
        return {
            _MODEL: SprintRatingWin(forecaster.horizon).fit(past),
            baseline: make_win(baseline, forecaster.horizon, forecaster.settings.seed).fit(past),
        }


@asset(
    **per_race(
        ["accuracy", "sprints"],
        "sprint_accuracy",
        "accuracy",
        "Scores of the forecasts of sprints that were run.",
        deps=[["predictions", "sprint"], ["raw", "sprint_results"]],
    )
)
def sprint_accuracy(context: AssetExecutionContext, database: Database) -> Iterator[Any]:
    """Score the forecasts of the run's sprints against their results."""
    engine, keys = database.engine(), context.partition_keys
    forecasts = reads.read_table(engine, schema.sprint_predictions, keys).assign(model_version=0)
    results = reads.read_table(engine, schema.sprint_results, keys)
    starters = results[started(results)].drop_duplicates(["race_key", "driver_id"])
    starters = starters.assign(finish=starters.groupby("race_key").cumcount() + 1)
    columns = [column.name for column in schema.sprint_accuracy.columns]
    scores = score_races(forecasts, starters).reindex(columns=columns)
    hashes = reads.stored_hashes(engine, "sprint_results", keys)
    scores["result_hash"] = scores["race_key"].map(hashes).fillna("")
    scores["scored_at"] = clock.now()
    yield from emit(context, scores)


sprint_assets = [sprint_predictions, sprint_accuracy]
