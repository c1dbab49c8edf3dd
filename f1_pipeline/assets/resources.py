"""Resources of the assets: the database, the source, the model registry; and how a race table is written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd
from dagster import ConfigurableResource, InputContext, IOManager, OutputContext
from sqlalchemy import Engine

from f1_pipeline.registry import Registry
from f1_pipeline.settings import Settings, get_settings
from f1_pipeline.snapshot import Snapshot, load, refresh, remembered
from f1_pipeline.sources.bundle import SourceBundle
from f1_pipeline.storage import schema
from f1_pipeline.storage.engine import get_engine, write_ahead
from f1_pipeline.storage.live import newest_marks
from f1_pipeline.storage.reads import held_source
from f1_pipeline.storage.writes import Load, replace_races

TABLE = "f1/table"
SCOPE = "f1/scope"
"""Metadata of an asset definition: the table it writes, and which part of a race's rows is its own."""


class Database(ConfigurableResource):  # type: ignore[type-arg]
    """The product's tables, at the address of the settings."""

    def engine(self) -> Engine:
        """Engine of the product's tables."""
        return get_engine(get_settings().tables_url)

    def settings(self) -> Settings:
        """Settings of this process."""
        return get_settings()


class Source(ConfigurableResource):  # type: ignore[type-arg]
    """The source that the settings name."""

    def refresh(self) -> Snapshot:
        """Look for the newest state and remember it."""
        settings = get_settings()
        engine = get_engine(settings.tables_url)
        return refresh(settings, held_source(engine), newest_marks(engine))

    def snapshot(self) -> Snapshot:
        """The state that was found last."""
        return remembered(get_settings())

    def bundle(self) -> SourceBundle:
        """Frames of the state that was found last; parsed once per process."""
        return load(self.snapshot())


class Models(ConfigurableResource):  # type: ignore[type-arg]
    """The model registry (MLflow)."""

    def registry(self) -> Registry:
        """Registry at the tracking address of the settings."""
        settings = get_settings()
        if settings.tracking_uri.startswith("sqlite:"):
            write_ahead(settings.tracking_uri)
        return Registry(settings.tracking_uri, settings.artifacts_dir)


@dataclass(frozen=True)
class RaceRows:
    """What a per-race asset hands to the IO manager: rows, and for source tables where they come from.

    ``marks``: of features, by race, the hash of the calendar that they were computed from.
    """

    frame: pd.DataFrame
    load: Load | None = None
    marks: Mapping[str, str] | None = None


class RaceTableIOManager(IOManager):
    """Writes the races of a run into their table: delete and insert in one transaction, all or nothing.

    It refuses an empty set of races and rows of races that the run is not about (``WriteRefused``).
    """

    def handle_output(self, context: OutputContext, obj: RaceRows) -> None:
        """Replace the rows of the run's races."""
        metadata: Mapping[str, Any] = context.definition_metadata
        table = schema.metadata.tables[metadata[TABLE]]
        columns = [column.name for column in table.columns if column.name in obj.frame.columns]
        written = replace_races(
            get_engine(get_settings().tables_url),
            table,
            obj.frame[columns],
            # Dagster gives them in the order of a set, another one in every process: what is recorded of a write would be too.
            sorted(context.asset_partition_keys),
            scope=metadata.get(SCOPE),
            load=obj.load,
            marks=obj.marks,
        )
        context.add_output_metadata(
            {"races": written.races, "races changed": len(written.changed), "rows written": written.rows}
        )

    def load_input(self, context: InputContext) -> Any:
        """Not used: assets read what they need through ``storage.reads``, in one query for all races."""
        raise NotImplementedError("race tables are read with f1_pipeline.storage.reads")
