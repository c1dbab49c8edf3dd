"""Prediction sets: by every model, and what the shown one is made of."""

from collections.abc import Iterator
from typing import Any

import pandas as pd
from dagster import AssetExecutionContext, AssetKey, AssetsDefinition, multi_asset
from sqlalchemy import Engine

from f1_pipeline.assets.checks import MEANT_VERSIONS, PLACE_SUMS, PROBABILITIES
from f1_pipeline.assets.common import TableCheck, emit, several_per_race
from f1_pipeline.assets.forecaster import Forecaster
from f1_pipeline.assets.models import RemakeConfig
from f1_pipeline.assets.resources import Database, Models
from f1_pipeline.assets.workbench import open_workbench
from f1_pipeline.domain.vocabulary import COMBINED, POOL, REGISTERED
from f1_pipeline.forecasting.features import HORIZONS
from f1_pipeline.forecasting.views import distribution_rows
from f1_pipeline.storage import reads, schema
from f1_pipeline.storage.decisions import superseded_forecasts
from f1_pipeline.storage.upcoming import calendar_now

_KEEP = ["race_key", "model", "driver_id"]


def _prediction_asset(horizon: str) -> AssetsDefinition:
    outputs = {
        # Rows of predictions say that a race is forecast: they are written last.
        "reasons": (
            ["reasons", horizon],
            "prediction_reasons",
            f"What moved the pool's forecast at the horizon {horizon}: contributions of feature groups to the logarithm of the chance to win.",
            [],
        ),
        "predictions": (
            ["predictions", horizon],
            "predictions",
            f"Forecast of the race by every model at the horizon {horizon}. A finished race keeps the forecast "
            "that was made for it; before the weekend also the next one, once its cutoff has passed.",
            [PROBABILITIES, MEANT_VERSIONS],
        ),
    }

    @multi_asset(
        **several_per_race(
            f"predictions__{horizon}",
            outputs,
            "predictions",
            deps=[["models", f"{name}_{horizon}"] for name in (*REGISTERED, *COMBINED)]
            + [["features", horizon]],
            scope={"horizon": horizon},
        )
    )
    def predictions(
        context: AssetExecutionContext, config: RemakeConfig, database: Database, models: Models
    ) -> Iterator[Any]:
        engine, settings = database.engine(), database.settings()
        bench = open_workbench(engine, horizon, settings, context.run.run_id)
        forecaster = Forecaster(horizon, bench, engine, models.registry(), settings, context.run.run_id)
        keys = context.partition_keys
        stored = reads.read_table(engine, schema.predictions, keys, horizon=horizon)
        why = reads.read_table(engine, schema.prediction_reasons, keys, horizon=horizon)
        kept = {str(key): rows for key, rows in stored.groupby("race_key")}
        with_rows = set(bench.matrix["race_key"].unique())
        closed = _closed(engine, horizon, bench.upcoming)
        parts: list[pd.DataFrame] = []
        made_anew: list[pd.DataFrame] = []
        for key in keys:
            stays = key in bench.finished or key not in bench.trained_for or key in closed
            if key in kept and stays and not config.remake:
                parts.append(kept[key])
                made_anew.append(why[why["race_key"] == key])
            elif key in bench.trained_for and key in with_rows:
                made, reasons = forecaster.race(key)
                parts.append(_unless_same(made, kept.get(key)))
                made_anew.append(reasons)
        frames = {"predictions": _joined(parts, stored), "reasons": _joined(made_anew, why)}
        for name, (key_parts, _, _, checks) in outputs.items():
            yield from emit(context, frames[name], checks, output=(name, AssetKey(key_parts)))

    return predictions


def _closed(engine: Engine, horizon: str, upcoming: str | None) -> set[str]:
    """The next race, if its forecast at the horizon is not made again because its cutoff has passed.

    Who starts a run by hand, or only wants places to be drawn again, gets no forecast that knows more than it states.
    """
    if horizon != "pre_weekend" or upcoming is None or upcoming not in calendar_now(engine).closed:
        return set()
    return set() if horizon in superseded_forecasts(engine, upcoming, closed=True) else {upcoming}


def _distribution_asset(horizon: str) -> AssetsDefinition:
    about = f"of the pool at the horizon {horizon}, from the finishing orders behind its forecast"
    outputs: dict[str, tuple[list[str], str, str, list[TableCheck]]] = {
        "positions": (
            ["distributions", f"positions_{horizon}"],
            "position_probabilities",
            f"Probability of every driver in every place, {about}.",
            [PLACE_SUMS],
        ),
        "head_to_head": (
            ["distributions", f"head_to_head_{horizon}"],
            "head_to_head",
            f"Who is ahead of whom, {about}.",
            [],
        ),
        "constructors": (
            ["distributions", f"constructors_{horizon}"],
            "constructor_predictions",
            f"Wins and points of the teams, {about}.",
            [],
        ),
    }

    @multi_asset(
        **several_per_race(
            f"distributions__{horizon}",
            outputs,
            "predictions",
            deps=[["predictions", horizon]],
            scope={"horizon": horizon},
        )
    )
    def distributions(context: AssetExecutionContext, database: Database) -> Iterator[Any]:
        keys = context.partition_keys
        stored = reads.read_table(database.engine(), schema.predictions, keys, horizon=horizon, model=POOL)
        # Forecasts from before there were retirements in the orders cannot be drawn again.
        known = stored[stored["draws"].notna()]
        views = [distribution_rows(rows) for _, rows in known.groupby("race_key")]
        for name, (key_parts, table, _, checks) in outputs.items():
            empty = reads.read_table(
                database.engine(), schema.metadata.tables[table], keys[:1], horizon="none"
            )
            frame = _joined([view[name] for view in views], empty)
            yield from emit(context, frame, checks, output=(name, AssetKey(key_parts)))

    return distributions


def _joined(parts: list[pd.DataFrame], otherwise: pd.DataFrame) -> pd.DataFrame:
    filled = [part for part in parts if len(part)]
    return pd.concat(filled, ignore_index=True) if filled else otherwise.iloc[:0]


def _unless_same(made: pd.DataFrame, kept: pd.DataFrame | None) -> pd.DataFrame:
    """The kept rows where a new forecast says the same: making it again must not change when it was made."""
    if kept is None or len(kept) != len(made):
        return made
    compare = [
        *_KEEP,
        "constructor_id",
        "model_version",
        "win_probability",
        "expected_position",
        "retirement_probability",
        "cutoff",
        "stood_in_for",
    ]
    left, right = (
        rows[compare]
        .assign(stood_in_for=rows["stood_in_for"].astype("object").fillna(""))
        .sort_values(_KEEP)
        .reset_index(drop=True)
        .astype(str)
        for rows in (made, kept)
    )
    return kept if left.equals(right) else made


prediction_assets = [
    *(_prediction_asset(horizon) for horizon in HORIZONS),
    *(_distribution_asset(horizon) for horizon in HORIZONS),
]
