"""Four real archives that a home took in one after the other: a weekend piece by piece, and a calendar that moved."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest

from f1_pipeline.runs import Report
from f1_pipeline.settings import Settings
from f1_pipeline.snapshot import load, remembered
from f1_pipeline.storage import reads, schema
from f1_pipeline.storage.engine import get_engine
from f1_pipeline.update import run_update
from tests import small_updates

# One season, one version of each model, few rows to learn from: this is about what is written when.
SETTINGS = {
    "F1_SOURCE": "f1db",
    "F1_FORECAST_FROM_SEASON": "2026",
    "F1_TRAIN_FROM_SEASON": "2022",
    "F1_RETRAIN_RECENT": "season",
    "F1_DRAWS": "200",
}
STEPS = ("2026.10", "2026.11-pre-race", "2026.11", "newest")
FILES = {step: "f1db-csv.zip" if step == "newest" else f"f1db-csv-{step}.zip" for step in STEPS}
HUNGARY, NETHERLANDS, BAHRAIN = "2026-hungary", "2026-netherlands", "2026-bahrain"
KEPT = ("entries", "predictions", "model_accuracy", "data_loads", "races", "models", "elo_ratings")


@dataclass(frozen=True)
class Step:
    """What an update left behind."""

    report: Report
    counts: dict[str, int]
    rows: dict[str, int]
    """Rows of the archive's canonical tables."""
    hashes: dict[str, dict[str, str]]
    """Content hashes of the archive, by table and race."""
    stored: dict[str, dict[str, str]]
    """... and those in the tables."""
    tables: dict[str, pd.DataFrame]
    partitions: list[str]
    idle: bool
    """A second update had nothing to do."""


def use(patch: pytest.MonkeyPatch, home: Path, archive: Path) -> Settings:
    return small_updates.use(patch, home, {**SETTINGS, "F1_F1DB_ARCHIVE": str(archive)})


def step(settings: Settings) -> Step:
    """Update twice, and look."""
    from f1_pipeline.dagster_instance import get_instance

    report = run_update(settings, lambda line: None)
    again = run_update(settings, lambda line: None)
    engine = get_engine(settings.tables_url)
    bundle = load(remembered(settings))
    keys = reads.calendar(engine)["race_key"]
    with get_instance() as instance:
        partitions = list(instance.get_dynamic_partitions("races"))
    return Step(
        report=report,
        counts=reads.row_counts(engine),
        rows={name: len(frame) for name, frame in bundle.tables.items()},
        hashes={name: bundle.race_hashes(name) for name in schema.RACE_TABLES},
        stored={
            name: {key: value for key, value in reads.stored_hashes(engine, name, keys).items() if value}
            for name in schema.RACE_TABLES
        },
        tables={name: reads.read_table(engine, schema.metadata.tables[name]) for name in KEPT},
        partitions=partitions,
        idle=again.idle,
    )
