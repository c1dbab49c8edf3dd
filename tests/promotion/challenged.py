"""A small simulated championship with challengers: its settings, what its tables and MLflow hold."""

from typing import Any

import pandas as pd
from sqlalchemy import Engine

from f1_pipeline.automation.plan import KeyRange
from f1_pipeline.registry import Registry
from f1_pipeline.runs import Report, Runs
from f1_pipeline.settings import Settings
from f1_pipeline.storage import reads, schema
from f1_pipeline.storage.engine import UpdateLock, get_engine
from f1_pipeline.storage.models import versions
from f1_pipeline.turn import Turn

SETTINGS = {
    "F1_SOURCE": "simulated",
    "F1_SIMULATED_SEASONS": "3",
    "F1_DRAWS": "200",
    # One version for 2025 and one for 2026: the promotion has to begin another one.
    "F1_RETRAIN_RECENT": "season",
    # Homes are copied, artefacts are not: nothing may be pruned that a copy still needs.
    "F1_MODEL_VERSIONS_KEPT": "1000",
}
LAST, NEXT, AFTER_NEXT = "2026-claddagh", "2026-seven-fells", "2026-amber-road"
ELO = ("elo", "pre_weekend")
BAD = 1e6
"""A penalty that leaves nothing of the ratings: everyone is equally likely."""


def engine_of(settings: Settings) -> Engine:
    return get_engine(settings.tables_url)


def run_job(settings: Settings, job: str, race: str, remake: bool = False) -> None:
    from f1_pipeline.dagster_instance import get_instance

    with get_instance() as instance:
        Runs(instance, Report("", "", None), lambda line: None, Turn(UpdateLock())).run(
            job, job, KeyRange(race, race), remake
        )


def read_tables(settings: Settings, *names: str) -> dict[str, pd.DataFrame]:
    return {name: reads.read_table(engine_of(settings), schema.metadata.tables[name]) for name in names}


def forecast_of(settings: Settings, race: str = NEXT, model: str = "elo") -> pd.DataFrame:
    rows = reads.read_table(
        engine_of(settings), schema.predictions, [race], horizon="pre_weekend", model=model
    )
    assert len(rows)
    return rows


def in_mlflow(settings: Settings, horizon: str = "pre_weekend") -> tuple[dict[str, str], Any]:
    """Aliases of the registered model, and a function that gives the tags of a version."""
    import mlflow

    client = mlflow.MlflowClient(settings.tracking_uri, settings.tracking_uri)
    name = Registry.registered_name("elo", horizon)
    aliases = {key: str(value) for key, value in client.get_registered_model(name).aliases.items()}
    return aliases, lambda version: client.get_model_version(name, version).tags


def version_of(settings: Settings, number: int) -> pd.Series:
    return versions(engine_of(settings), *ELO).set_index("version").loc[number]
