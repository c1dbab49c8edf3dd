"""What a store of Dagster's events knows of its tables."""

from __future__ import annotations

from typing import Any


class AsksOnceForTables:
    """Comes before a class of Dagster among the bases of an event log.

    Dagster asks the database whether the table of the partitions is there before each look at them: three times for the
    row count of one race that an asset reports.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        # Before the parent: its constructor may ask already.
        self._tables: set[str] = set()
        super().__init__(*args, **kwargs)

    def has_table(self, table_name: str) -> bool:
        """Whether there is such a table. One that is there stays."""
        if table_name not in self._tables and super().has_table(table_name):  # type: ignore[misc]  # of Dagster's class
            self._tables.add(table_name)
        return table_name in self._tables
