"""What stores of Dagster know of their tables: each class comes before one of Dagster's among the bases of a store.

Tables and columns that are there stay there; Dagster asks the database again before each look at them.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection


class AsksOnceForTables:
    """Of events. Dagster asks whether the table of the partitions is there three times for the row count of one race that
    an asset reports."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        # Before the parent: its constructor may ask already.
        self._tables: set[str] = set()
        super().__init__(*args, **kwargs)

    def has_table(self, table_name: str) -> bool:
        """Whether there is such a table."""
        if table_name not in self._tables and super().has_table(table_name):  # type: ignore[misc]  # of Dagster's class
            self._tables.add(table_name)
        return table_name in self._tables


class AsksOnceForColumns:
    """Of runs. Dagster asks for columns five times for a run."""

    _has_stats = _has_backfill = False

    def has_run_stats_index_cols(self) -> bool:
        """Whether a run has its times beside it."""
        self._has_stats = self._has_stats or bool(super().has_run_stats_index_cols())  # type: ignore[misc]
        return self._has_stats

    def has_backfill_id_column(self) -> bool:
        """Whether a run names its backfill."""
        self._has_backfill = self._has_backfill or bool(super().has_backfill_id_column())  # type: ignore[misc]
        return self._has_backfill


class AsksOnceForInstigators:
    """Of schedules and sensors. Dagster asks for a table before each look at their states and ticks."""

    _has_instigators = False

    def has_instigators_table(self) -> bool:
        """Whether there is the table of their states."""
        self._has_instigators = self._has_instigators or bool(super().has_instigators_table())  # type: ignore[misc]
        return self._has_instigators

    def _has_instigators_table(self, conn: Connection) -> bool:
        self._has_instigators = self._has_instigators or bool(super()._has_instigators_table(conn))  # type: ignore[misc]
        return self._has_instigators
