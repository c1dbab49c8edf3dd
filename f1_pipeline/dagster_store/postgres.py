"""Dagster's stores on PostgreSQL, on a connection that stays open.

Dagster opens a connection for every question and closes it, lest those of instances that nobody closes add up. Each is a
process of the server, 2.2 ms, and some thousands in an update. Measured in an update of a small championship after the
correction of an old race: 34 s with all stores on PostgreSQL, 15 s with this class, 11 s on SQLite.

This is private API of the pinned version: the storages keep their engine in ``_engine``, which ``optimize_for_webserver``
(the web server calls it) replaces as well. ``tests/test_dagster_postgres.py`` counts connections.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dagster._serdes import ConfigurableClassData
from dagster_postgres.auth import PgTokenProvider
from dagster_postgres.event_log import PostgresEventLogStorage
from dagster_postgres.run_storage import PostgresRunStorage
from dagster_postgres.schedule_storage import PostgresScheduleStorage
from dagster_postgres.storage import DagsterPostgresStorage
from dagster_postgres.utils import create_pg_engine, get_token_provider_from_config, pg_url_from_config

from f1_pipeline.dagster_store.environment import set_flags
from f1_pipeline.dagster_store.origin import SaysWhereItsCodeIs
from f1_pipeline.dagster_store.tables import (
    AsksOnceForColumns,
    AsksOnceForInstigators,
    AsksOnceForTables,
)


class PooledPostgresEventLogStorage(AsksOnceForTables, PostgresEventLogStorage):
    """Dagster's event log, which closes its connections when it is disposed of."""

    def dispose(self) -> None:
        """Close the connections, too."""
        super().dispose()
        self._engine.dispose()


class OwnPostgresRunStorage(SaysWhereItsCodeIs, AsksOnceForColumns, PostgresRunStorage):
    """Dagster's runs."""


class OwnPostgresScheduleStorage(AsksOnceForInstigators, PostgresScheduleStorage):
    """Dagster's schedules and sensors, and their ticks."""


class PooledPostgresStorage(DagsterPostgresStorage):
    """Runs, events and schedules in one PostgreSQL database, on one pool of connections.

    One stays open, tried before it is used, since the server may have been restarted; those that threads need besides
    are closed after use. Configured like Dagster's own storage: ``postgres_url`` or ``postgres_db``.
    """

    def __init__(
        self,
        postgres_url: str,
        should_autocreate_tables: bool = True,
        inst_data: ConfigurableClassData | None = None,
        token_provider: PgTokenProvider | None = None,
    ) -> None:
        # The parent makes its tables, and stores that hold no connection between calls.
        super().__init__(postgres_url, should_autocreate_tables, inst_data, token_provider)
        self._run_storage = OwnPostgresRunStorage(postgres_url, False, token_provider=token_provider)
        self._schedule_storage = OwnPostgresScheduleStorage(
            postgres_url, False, token_provider=token_provider
        )
        self._event_log_storage = PooledPostgresEventLogStorage(
            postgres_url, False, token_provider=token_provider
        )
        engine = create_pg_engine(
            postgres_url,
            token_provider,
            isolation_level="AUTOCOMMIT",
            pool_size=1,
            max_overflow=-1,
            pool_pre_ping=True,
        )
        for storage in (self._run_storage, self._event_log_storage, self._schedule_storage):
            storage._engine = engine

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]
    ) -> PooledPostgresStorage:
        """Called in every process that opens the instance; that is why the flags are set here."""
        set_flags()
        return cls(
            inst_data=inst_data,
            postgres_url=pg_url_from_config(config_value),
            should_autocreate_tables=config_value.get("should_autocreate_tables", True),
            token_provider=get_token_provider_from_config(config_value),
        )
