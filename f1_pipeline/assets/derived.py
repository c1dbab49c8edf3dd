"""Ratings and features: folds over all races, written for the races of the run."""

from collections.abc import Iterator
from typing import Any, cast

from dagster import AssetExecutionContext, AssetsDefinition, asset

from f1_pipeline.assets.common import emit, per_race
from f1_pipeline.assets.resources import Database
from f1_pipeline.forecasting.elo import elo_ratings
from f1_pipeline.forecasting.features import HORIZONS, feature_matrix
from f1_pipeline.forecasting.features.calendar_marks import calendar_marks
from f1_pipeline.forecasting.history import build_history
from f1_pipeline.forecasting.joint_rating import Championships, joint_ratings
from f1_pipeline.forecasting.joint_state import JointConfig
from f1_pipeline.storage import reads, schema

_FEATURE_SOURCES = {
    "pre_weekend": ["entries", "race_results", "driver_standings"],
    "pre_race": ["entries", "race_results", "driver_standings", "qualifying_results", "starting_grid"],
}


def _elo_asset(kind: str) -> AssetsDefinition:
    @asset(
        **per_race(
            ["ratings", f"elo_{kind}s"],
            "elo_ratings",
            "ratings",
            f"Elo (K = 32) of every {kind}, before and after the race.",
            deps=[["raw", "race_results"], ["raw", "entries"]],
            scope={"kind": kind},
        )
    )
    def elo(context: AssetExecutionContext, database: Database) -> Iterator[Any]:
        # A fold is computed over all races (about a second) and written for those of the run. Who stands on a grid without
        # being entered is rated too. The graph has no edge for it: above the forecast before the weekend is no grid,
        # and none of its rows is of somebody who is not entered.
        history = build_history(reads.read_history_tables(database.engine()))
        ratings = elo_ratings(history.starters, history.field, kind)
        yield from emit(context, ratings[ratings["race_key"].isin(set(context.partition_keys))])

    return cast(AssetsDefinition, elo)


@asset(
    **per_race(
        ["ratings", "joint"],
        "joint_ratings",
        "ratings",
        "Pace of the team and skill of the driver, with their uncertainty, before the weekend and before the race.",
        deps=[
            ["raw", name]
            for name in (
                "entries",
                "race_results",
                "sprint_results",
                "qualifying_results",
                "practice_results",
            )
        ],
    )
)
def joint(context: AssetExecutionContext, database: Database) -> Iterator[Any]:
    """The joint rating of the field of the run's races."""
    engine = database.engine()
    tables = reads.read_history_tables(engine)
    history = build_history(tables)
    # Here and not with the history: nothing else reads practice, and it is a third more rows.
    tables["practice_results"] = reads.read_table(
        engine, schema.practice_results, columns=reads.PRACTICE_COLUMNS
    )
    ratings = joint_ratings(Championships(history.races, history.field, tables), JointConfig())
    yield from emit(context, ratings[ratings["race_key"].isin(set(context.partition_keys))])


def _feature_asset(horizon: str) -> AssetsDefinition:
    @asset(
        **per_race(
            ["features", horizon],
            "feature_matrix",
            "features",
            f"One row per driver: everything a model may know at the horizon {horizon}.",
            deps=[["raw", name] for name in _FEATURE_SOURCES[horizon]]
            + [["ratings", name] for name in ("elo_drivers", "elo_constructors", "joint")]
            + [["weather", "forecasts"]],
            scope={"horizon": horizon},
        )
    )
    def features(context: AssetExecutionContext, database: Database) -> Iterator[Any]:
        engine = database.engine()
        history = build_history(reads.read_history_tables(engine))
        # Features are computed for all races (a second); of the ratings only those of the run's races are needed.
        elo = reads.read_table(engine, schema.elo_ratings, context.partition_keys)
        joint = reads.read_table(engine, schema.joint_ratings, context.partition_keys)
        forecasts = reads.read_table(engine, schema.weather_forecasts, context.partition_keys, session="R")
        matrix = feature_matrix(history, elo, joint, horizon, forecasts)
        keys = set(context.partition_keys)
        marks = calendar_marks(history.races[history.races["race_key"].isin(keys)], history.circuits)
        yield from emit(context, matrix[matrix["race_key"].isin(keys)], marks=marks)

    return cast(AssetsDefinition, features)


rating_assets = [*(_elo_asset(kind) for kind in ("driver", "constructor")), joint]
feature_assets = [_feature_asset(horizon) for horizon in HORIZONS]
