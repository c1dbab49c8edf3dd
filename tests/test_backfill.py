"""Which seasons an interrupted `f1 backfill --remake` counts as done."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import pytest
from sqlalchemy import Engine, delete, insert

from f1_pipeline.backfill import _Marks
from f1_pipeline.settings import Settings, get_settings
from f1_pipeline.storage import reads, schema
from f1_pipeline.storage.engine import get_engine, write_transaction
from f1_pipeline.storage.migrate import upgrade


def _complete(engine: Engine, source: str, digest: str) -> None:
    with write_transaction(engine) as connection:
        connection.execute(
            insert(schema.data_loads),
            [
                {
                    "table_name": reads.COMPLETED,
                    "race_key": None,
                    "source": source,
                    "release": "1",
                    "content_hash": digest,
                    "row_count": 0,
                    "loaded_at": dt.datetime(2026, 3, 1, tzinfo=dt.UTC),
                    "message": None,
                }
            ],
        )


def _other_world(settings: Settings, engine: Engine) -> Settings:
    with write_transaction(engine) as connection:
        connection.execute(delete(schema.data_loads))
    _complete(engine, "f1db", "a")
    return settings


def _new_data(settings: Settings, engine: Engine) -> Settings:
    _complete(engine, "simulated", "b")
    return settings


def _other_settings(settings: Settings, _: Engine) -> Settings:
    return settings.model_copy(update={"seed": settings.seed + 1})


def _nothing(settings: Settings, _: Engine) -> Settings:
    return settings


@pytest.mark.parametrize(
    ("change", "done"),
    [(_nothing, {2025}), (_other_world, set()), (_new_data, set()), (_other_settings, set())],
)
def test_what_was_made_from_something_else_is_not_done(
    change: Callable[[Settings, Engine], Settings], done: set[int]
) -> None:
    settings = get_settings()
    upgrade(settings.tables_url)
    engine = get_engine(settings.tables_url)
    _complete(engine, "simulated", "a")
    marks = _Marks(settings, engine, 2025, 2026)
    assert marks.done() == set()
    marks.add(2025)
    changed = change(settings, engine)
    assert _Marks(changed, engine, 2025, 2026).done() == done
    assert _Marks(changed, engine, 2024, 2026).done() == set(), "another range"
