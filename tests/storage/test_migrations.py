"""Migrations on SQLite and PostgreSQL: up to the tables of the schema, down to nothing, and up again."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from sqlalchemy import func, insert, inspect, select, text

from f1_pipeline.errors import NotReady
from f1_pipeline.storage import schema
from f1_pipeline.storage.engine import get_engine
from f1_pipeline.storage.migrate import current, downgrade, head, upgrade

NOW = dt.datetime(2026, 3, 8, 4, tzinfo=dt.UTC)


def tables_of(url: str) -> set[str]:
    return set(inspect(get_engine(url)).get_table_names()) - {"alembic_version"}


def fill(url: str) -> None:
    """Rows that hang on each other, in five tables."""
    with get_engine(url).begin() as connection:
        connection.execute(insert(schema.seasons), [{"season": 2026}])
        connection.execute(
            insert(schema.races),
            [
                {
                    "race_key": "2026-alphaland",
                    "season": 2026,
                    "grand_prix_id": "alphaland",
                    "name": "Alphaland Grand Prix",
                    "date": dt.date(2026, 3, 8),
                    "start_at": NOW,
                    "is_sprint_weekend": False,
                }
            ],
        )
        connection.execute(
            insert(schema.elo_ratings),
            [{"race_key": "2026-alphaland", "kind": "driver", "entity_id": "ada", "value_before": 1500.0}],
        )
        window = {"valid_from": NOW, "valid_until": NOW + dt.timedelta(hours=2)}
        weather = {"race_key": "2026-alphaland", "session": "R", "provider": "open-meteo", **window}
        connection.execute(
            insert(schema.weather_forecasts),
            [{**weather, "issued_at": NOW - dt.timedelta(days=day), "is_wet": None} for day in (1, 2)],
        )
        connection.execute(
            insert(schema.weather_observed),
            [{**weather, "issued_at": NOW + dt.timedelta(days=7), "precipitation_mm": 0.4, "is_wet": True}],
        )
        connection.execute(
            insert(schema.data_loads),
            [
                {
                    "table_name": "races", "source": "f1db", "release": "r", "content_hash": "h",
                    "row_count": 1, "loaded_at": NOW,
                }
            ],
        )  # fmt: skip


def test_upgrade_makes_the_tables_of_the_schema(database_url: str) -> None:
    assert current(database_url) is None
    upgrade(database_url)
    assert current(database_url) == head() is not None
    assert tables_of(database_url) == set(schema.metadata.tables)
    with get_engine(database_url).connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "compare_server_default": True}
        )
        assert compare_metadata(context, schema.metadata) == []


def test_names_keys_and_constraints_are_those_of_the_schema(database_url: str) -> None:
    """What the comparison above does not look at: primary keys, and the names of all constraints."""
    upgrade(database_url)
    inspector = inspect(get_engine(database_url))
    for name, table in schema.metadata.tables.items():
        key = inspector.get_pk_constraint(name)
        assert key["constrained_columns"] == [column.name for column in table.primary_key], name
        assert {fk["name"] for fk in inspector.get_foreign_keys(name)} == {
            constraint.name for constraint in table.foreign_key_constraints
        }
        assert {
            index["name"] for index in inspector.get_indexes(name) if "duplicates_constraint" not in index
        } == {index.name for index in table.indexes}, name


def test_foreign_keys_and_unique_constraints_hold(database_url: str) -> None:
    upgrade(database_url)
    fill(database_url)
    engine = get_engine(database_url)
    orphan = {"race_key": "2026-nowhere", "kind": "driver", "entity_id": "ada", "value_before": 1.0}
    with pytest.raises(Exception, match=r"(?i)foreign key"), engine.begin() as connection:
        connection.execute(insert(schema.elo_ratings), [orphan])
    double = {**orphan, "race_key": "2026-alphaland"}
    with pytest.raises(Exception, match=r"(?i)unique"), engine.begin() as connection:
        connection.execute(insert(schema.elo_ratings), [double])


def test_weather_live_sessions_and_polls_come_and_go_by_themselves(database_url: str) -> None:
    upgrade(database_url)
    fill(database_url)
    names = {"weather_forecasts", "weather_observed", "live_sessions", "revisions", "feature_marks"}
    names |= {"source_polls", "heartbeats"}
    downgrade(database_url, "0003")
    assert tables_of(database_url) == set(schema.metadata.tables) - names
    upgrade(database_url)
    with get_engine(database_url).connect() as connection:
        assert connection.scalar(select(schema.races.c.start_at)) == NOW, "the others keep their rows"
        for name in names:
            assert connection.scalar(select(func.count()).select_from(schema.metadata.tables[name])) == 0


def test_upgrade_twice_changes_nothing(database_url: str) -> None:
    upgrade(database_url)
    fill(database_url)
    upgrade(database_url)
    with get_engine(database_url).connect() as connection:
        assert connection.scalar(select(func.count()).select_from(schema.elo_ratings)) == 1


def test_downgrade_to_base_leaves_nothing(database_url: str) -> None:
    upgrade(database_url)
    downgrade(database_url, "base")
    assert current(database_url) is None
    assert tables_of(database_url) == set()
    with get_engine(database_url).connect() as connection:
        if connection.dialect.name == "postgresql":
            left = connection.scalars(
                text("SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace")
            )
        else:
            left = connection.scalars(text("SELECT name FROM sqlite_master"))
        assert {name for name in left if "alembic_version" not in name} <= {"sqlite_sequence"}


def test_up_down_and_up_with_rows_in_it(database_url: str) -> None:
    upgrade(database_url)
    fill(database_url)
    downgrade(database_url, "base")
    assert tables_of(database_url) == set()
    upgrade(database_url)
    assert tables_of(database_url) == set(schema.metadata.tables)
    with get_engine(database_url).connect() as connection:
        for table in schema.metadata.tables.values():
            assert connection.scalar(select(func.count()).select_from(table)) == 0
    fill(database_url)
    with get_engine(database_url).connect() as connection:
        assert connection.scalar(select(schema.races.c.start_at)) == NOW
        assert connection.scalar(select(schema.data_loads.c.id)) == 1


def test_every_step_down_has_a_step_up(database_url: str) -> None:
    upgrade(database_url)
    newest = tables_of(database_url)
    steps = 0
    while current(database_url) is not None:
        downgrade(database_url)
        steps += 1
        assert steps < 100
    for _ in range(steps):
        upgrade(database_url, "+1")
    assert current(database_url) == head()
    assert tables_of(database_url) == newest


def test_a_migration_that_fails_leaves_everything_as_it_was(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All migrations of one call are one transaction, on both databases."""
    create, calls = Operations.create_table, []

    def fails_at_the_fifth(self: Operations, name: str, *args: object, **kwargs: object) -> object:
        calls.append(name)
        if len(calls) == 5:
            raise RuntimeError("pulled the plug")
        return create(self, name, *args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(Operations, "create_table", fails_at_the_fifth)
    with pytest.raises(RuntimeError, match="pulled the plug"):
        upgrade(database_url)
    assert len(calls) == 5
    assert current(database_url) is None
    assert tables_of(database_url) == set()
    monkeypatch.undo()
    upgrade(database_url)
    assert tables_of(database_url) == set(schema.metadata.tables)


def test_the_folder_of_a_new_sqlite_database_is_made(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'deep' / 'er' / 'tables.db'}"
    upgrade(url)
    assert tables_of(url) == set(schema.metadata.tables)
    get_engine(url).dispose()


def test_a_revision_that_does_not_exist(tmp_path: Path) -> None:
    with pytest.raises(NotReady, match=r"migrations: .*nonsense"):
        upgrade(f"sqlite:///{tmp_path / 'tables.db'}", "nonsense")
