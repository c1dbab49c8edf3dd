"""Scores of the forecasts of finished races, and what they say over many races."""

from collections.abc import Iterator
from typing import Any

from dagster import AssetExecutionContext, AssetKey, AssetSpec, MaterializeResult, asset, multi_asset

from f1_pipeline import clock
from f1_pipeline.assets.common import OWNERS, emit, per_race
from f1_pipeline.assets.resources import Database
from f1_pipeline.forecasting.features import HORIZONS
from f1_pipeline.forecasting.scoring import outcome_pairs, quality_tables, score_races
from f1_pipeline.storage import reads, schema
from f1_pipeline.storage.scored import forecasts_and_starters
from f1_pipeline.storage.writes import replace_tables


@asset(
    **per_race(
        ["accuracy", "model_accuracy"],
        "model_accuracy",
        "accuracy",
        "Scores of every forecast of the race, once it has a result; of the market too where it has prices.",
        deps=[["predictions", horizon] for horizon in HORIZONS] + [["raw", "race_results"]],
        code_version="3",
    )
)
def model_accuracy(context: AssetExecutionContext, database: Database) -> Iterator[Any]:
    """Score the forecasts of the run's races against their results."""
    # Before anything is read: prices that are imported meanwhile are newer than these scores, and are seen next time.
    scored_at = clock.now()
    engine = database.engine()
    keys = context.partition_keys
    forecasts, starters = forecasts_and_starters(engine, database.settings().draws, keys)
    hashes = reads.stored_hashes(engine, "race_results", keys)
    columns = [column.name for column in schema.model_accuracy.columns]
    scores = score_races(forecasts, starters).reindex(columns=columns)
    scores["result_hash"] = scores["race_key"].map(hashes).fillna("")
    scores["scored_at"] = scored_at
    yield from emit(context, scores)


_QUALITY = {
    "accuracy_summaries": (
        "summaries",
        "Mean of every score by period, horizon and model, with its interval.",
    ),
    "paired_differences": (
        "comparisons",
        "Difference of log loss to baselines, pool and market on the same races.",
    ),
    "reliability": (
        "reliability",
        "What was forecast, by size of the probability, and how often it happened.",
    ),
}
"""Asset and description of each table that is a summary of all scores."""


def _key(table: str) -> AssetKey:
    return AssetKey(["accuracy", _QUALITY[table][0]])


@multi_asset(
    name="accuracy__summaries",
    specs=[
        AssetSpec(
            _key(table),
            deps=[AssetKey(["accuracy", "model_accuracy"])],
            group_name="accuracy",
            description=description,
            kinds={"python", "table"},
            owners=OWNERS,
            code_version="1",
            metadata={"dagster/table_name": table},
        )
        for table, (_, description) in _QUALITY.items()
    ],
)
def quality(database: Database) -> Iterator[Any]:
    """Sum up all scores. One step for three tables: they stand on the same rows, and reading those takes longest."""
    engine = database.engine()
    accuracy = reads.read_table(engine, schema.model_accuracy)
    scored = sorted(set(accuracy["race_key"]))
    forecasts, starters = forecasts_and_starters(engine, database.settings().draws, scored)
    tables = quality_tables(accuracy, outcome_pairs(forecasts, starters))
    moment = clock.now()
    replace_tables(
        engine,
        {schema.metadata.tables[name]: frame.assign(computed_at=moment) for name, frame in tables.items()},
    )
    for name, frame in tables.items():
        yield MaterializeResult(
            asset_key=_key(name), metadata={"dagster/row_count": len(frame), "races": len(scored)}
        )


accuracy_assets = [model_accuracy, quality]
