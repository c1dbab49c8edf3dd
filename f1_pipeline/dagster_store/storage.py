"""Dagster's stores in ``F1_HOME``, whoever starts Dagster.

``dagster dev`` without ``DAGSTER_HOME`` makes a temporary instance and forgets its history when it ends.
It does read ``dagster.yaml`` of the current directory, and that names the classes below: they take their
directory from the settings, so that ``dagster dev``, the ``f1`` command and the supervised servers share
one history. ``dagster.yaml`` itself cannot do this: its ``env:`` knows no default and joins no paths.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dagster import Field, StringSource
from dagster._config.config_schema import UserConfigSchema
from dagster._core.storage.local_compute_log_manager import LocalComputeLogManager
from dagster._core.storage.root import LocalArtifactStorage
from dagster._core.storage.sqlite_storage import DagsterSqliteStorage
from dagster._serdes import ConfigurableClassData

from f1_pipeline.dagster_store.environment import dagster_home, set_flags
from f1_pipeline.dagster_store.event_log import BatchingSqliteEventLogStorage
from f1_pipeline.dagster_store.sqlite_files import OpenRunStorage, OpenScheduleStorage

_BASE_DIR: UserConfigSchema = {"base_dir": Field(StringSource, is_required=False)}


def _base(config: Mapping[str, Any]) -> str:
    base = Path(config.get("base_dir") or dagster_home())
    base.mkdir(parents=True, exist_ok=True)
    return str(base)


class HomeSqliteStorage(DagsterSqliteStorage):
    """Runs, events and schedules in SQLite below ``base_dir``, by default the Dagster home of the settings.

    The files lie where Dagster's own SQLite storage puts them, so that its tools can read them too.
    """

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        super().__init__(base_dir, inst_data)
        # The parent has made the files and opened its own stores on them; those hold no connection between calls.
        self._schedule_storage = OpenScheduleStorage(self._schedule_storage._conn_string)
        self._run_storage = OpenRunStorage(self._run_storage._conn_string)
        self._run_storage.schedules = self._schedule_storage
        self._event_log_storage = BatchingSqliteEventLogStorage(str(Path(base_dir) / "history" / "runs"))

    @classmethod
    def config_type(cls) -> UserConfigSchema:
        """``base_dir`` is optional here."""
        return _BASE_DIR

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData, config_value: Mapping[str, Any]
    ) -> HomeSqliteStorage:
        """Called in every process that opens the instance; that is why the flags are set here."""
        set_flags()
        return cls(_base(config_value), inst_data)


class HomeArtifactStorage(LocalArtifactStorage):
    """Dagster's directory for local artefacts, by default the Dagster home of the settings."""

    @classmethod
    def config_type(cls) -> UserConfigSchema:
        """``base_dir`` is optional here."""
        return _BASE_DIR

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]
    ) -> HomeArtifactStorage:
        """The storage, with its directory created."""
        return cls(_base(config_value), inst_data)


class HomeComputeLogManager(LocalComputeLogManager):
    """Output of the steps, by default in ``storage`` of the Dagster home, as Dagster has it."""

    @classmethod
    def config_type(cls) -> UserConfigSchema:
        """``base_dir`` is optional here."""
        return _BASE_DIR

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]
    ) -> HomeComputeLogManager:
        """The manager, with its directory created."""
        base = config_value.get("base_dir") or str(Path(_base({})) / "storage")
        Path(base).mkdir(parents=True, exist_ok=True)
        return cls(base, inst_data=inst_data)
