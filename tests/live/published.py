"""A small championship as F1DB would publish it and a live source tell it, and how a home that follows it is read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest
from dagster import AssetCheckKey, AssetKey
from sqlalchemy import Engine

from f1_pipeline import snapshot
from f1_pipeline.runs import Report
from f1_pipeline.settings import Settings
from f1_pipeline.sources.bundle import SourceBundle
from f1_pipeline.sources.live import LiveSession, Slot, slot_hash, slot_rows
from f1_pipeline.storage import live, reads, schema
from f1_pipeline.storage.engine import get_engine
from f1_pipeline.update import run_update
from tests import small_updates
from tests.small_updates import ONCE

SETTINGS = {
    "F1_SOURCE": "f1db",
    "F1_FORECAST_FROM_SEASON": "2026",
    "F1_RETRAIN_RECENT": "season",
    "F1_DRAWS": "200",
    "F1_MODEL_VERSIONS_KEPT": "1000",
}
RACES = ONCE(2, 7).bundle.tables["races"].query("season == 2026").sort_values("date")["race_key"].tolist()
OLD, NEWEST, NEXT, AFTER_NEXT = RACES[4], RACES[7], RACES[8], RACES[9]
"""Eight races of 2026 are run."""
SATURDAY = datetime(2026, 7, 4, 16, 20, tzinfo=UTC)
THURSDAY = SATURDAY - timedelta(days=2)
"""Before the first practice of the next race."""
Tables = dict[str, pd.DataFrame]


class Published:
    """What F1DB has published: stands in for its archive, with the rows of a simulated championship."""

    def __init__(self) -> None:
        self.bundles: dict[str, SourceBundle] = {}
        self.publish("v2026.8.0", ONCE(2, 7).bundle.tables)

    def publish(self, release: str, tables: Tables, **changed: pd.DataFrame) -> None:
        self.newest = SourceBundle("f1db", release, f"digest of {release}", {**tables, **changed})
        self.bundles[self.newest.digest] = self.newest

    def change(self, release: str, **changed: pd.DataFrame) -> None:
        """The same, but for some tables."""
        self.publish(release, self.newest.tables, **changed)

    def patch(self, patch: pytest.MonkeyPatch) -> None:
        def found(settings: Settings, held: str | None) -> snapshot.Snapshot:
            return snapshot.Snapshot("f1db", self.newest.release, self.newest.digest, "nowhere.zip")

        patch.setattr(snapshot, "_f1db", found)
        patch.setattr(snapshot, "_load", lambda source, release, digest, *rest: self.bundles[digest])


def use(patch: pytest.MonkeyPatch, home: Path) -> Settings:
    return small_updates.use(patch, home, SETTINGS)


def engine_of(settings: Settings) -> Engine:
    return get_engine(settings.tables_url)


def read(settings: Settings, table: str, race: str | None = None) -> pd.DataFrame:
    keys = None if race is None else [race]
    return reads.read_table(engine_of(settings), schema.metadata.tables[table], keys)


def update_quietly(settings: Settings) -> Report:
    return run_update(settings, lambda line: None)


def swapped(frame: pd.DataFrame, race: str, first: int, second: int) -> pd.DataFrame:
    """The results with two places changed: who was where, the rest of the rows as it is."""
    results = frame.copy()
    rows = [
        results.index[(results["race_key"] == race) & (results["position"] == place)][0]
        for place in (first, second)
    ]
    who = ["driver_id", "constructor_id", "car_number"]
    results.loc[rows, who] = results.loc[rows[::-1], who].to_numpy()
    return results


def says(
    settings: Settings, f1db: Published, slot: Slot, frame: pd.DataFrame, hours: float, complete: bool = True
) -> None:
    """The live source says something of a slot, some hours after Saturday's qualifying."""
    against = slot_hash(f1db.newest.tables[slot.table], slot)
    seen = SATURDAY + timedelta(hours=hours)
    live.remember(engine_of(settings), LiveSession(slot, slot_rows(frame, slot), seen, complete, against))


def checked(settings: Settings, table: str) -> tuple[bool, str]:
    """Whether the check of published standings passed in the newest run, and the first difference."""
    from f1_pipeline.dagster_instance import get_instance

    key = AssetCheckKey(AssetKey(["raw", table]), "agree_with_results")
    with get_instance() as instance:
        records = instance.event_log_storage.get_asset_check_execution_history(key, limit=20)
    events = [record.event.dagster_event for record in records if record.event is not None]
    found = [event.asset_check_evaluation_data for event in events if event is not None]
    newest = next(one for one in found if "first" in one.metadata)
    return newest.passed, str(newest.metadata["first"].value)
