"""The small simulated championship that is updated: its settings, its races, and how its tables are read and changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from sqlalchemy import Engine, delete

from f1_pipeline.automation.plan import KeyRange
from f1_pipeline.runs import Report, Runs
from f1_pipeline.settings import Settings
from f1_pipeline.storage import reads, schema
from f1_pipeline.storage.engine import UpdateLock, get_engine, write_transaction
from f1_pipeline.turn import Turn
from tests import small_updates

SETTINGS = {
    "F1_SOURCE": "simulated",
    "F1_SIMULATED_SEASONS": "3",
    "F1_DRAWS": "200",
    # Few versions: once in 2025, and every fourth race of 2026.
    "F1_RETRAIN_RECENT_SEASONS": "1",
    "F1_RETRAIN_RECENT": "4",
    # Homes are copied, artefacts are not: nothing may be pruned that a copy still needs.
    "F1_MODEL_VERSIONS_KEPT": "1000",
}
STORES = ("F1_DATABASE_URL", "DAGSTER_POSTGRES_URL", "F1_MLFLOW_TRACKING_URI")
NEXT, AFTER_NEXT = "2026-seven-fells", "2026-amber-road"
NEWEST = "2026-claddagh"
QUALITY = ("accuracy_summaries", "paired_differences", "reliability")
MOMENTS = {
    "model_accuracy": ["scored_at"],
    "sprint_accuracy": ["scored_at"],
    **{name: ["computed_at"] for name in QUALITY},
}
both = pytest.mark.parametrize("on", ["sqlite", "postgresql"])


@dataclass(frozen=True)
class Built:
    home: Path
    report: Report
    told: list[str]
    stores: Mapping[str, str]


def settings_of(stores: Mapping[str, str]) -> dict[str, str]:
    """Settings of the championship with these stores; without any they are files in the home."""
    return {**SETTINGS, **{name: _driver(name, address) for name, address in stores.items()}}


def _driver(store: str, address: str) -> str:
    return address if store == "F1_DATABASE_URL" else address.replace("+psycopg:", "+psycopg2:")


def use(patch: pytest.MonkeyPatch, home: Path, stores: Mapping[str, str] | None = None) -> Settings:
    return small_updates.use(patch, home, settings_of(stores or {}))


def let_go(stores: Mapping[str, str]) -> None:
    """Close what this process keeps open to tables that are to be copied or removed."""
    if stores:
        get_engine(stores["F1_DATABASE_URL"]).dispose()


def engine_of(settings: Settings) -> Engine:
    return get_engine(settings.tables_url)


def dump(settings: Settings, *names: str) -> dict[str, pd.DataFrame]:
    engine = engine_of(settings)
    return {
        name: reads.read_table(engine, schema.metadata.tables[name]).drop(columns=MOMENTS.get(name, []))
        for name in names or schema.metadata.tables
    }


def same(left: dict[str, pd.DataFrame], right: dict[str, pd.DataFrame]) -> None:
    for name, frame in left.items():
        pd.testing.assert_frame_equal(frame, right[name], check_exact=True, obj=name)


def run_job(settings: Settings, job: str, span: KeyRange | None, remake: bool = False) -> None:
    from f1_pipeline.dagster_instance import get_instance

    with get_instance() as instance:
        Runs(instance, Report("", "", None), lambda line: None, Turn(UpdateLock())).run(
            job, job, span, remake=remake
        )


def forget(settings: Settings, table: str, **equal: str) -> None:
    target = schema.metadata.tables[table]
    with write_transaction(engine_of(settings)) as connection:
        connection.execute(delete(target).where(*(target.c[key] == value for key, value in equal.items())))


def variant(world: Any, digest: str, **tables: pd.DataFrame) -> Any:
    bundle = world.bundle
    changed = type(bundle)(bundle.source, bundle.release, digest, {**bundle.tables, **tables})
    return replace(world, bundle=changed)
