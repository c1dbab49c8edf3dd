"""Updates with everything on PostgreSQL make the rows that they make in files, and a file's tables can move there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from f1_pipeline.settings import Settings, get_settings
from f1_pipeline.sources import simulated
from f1_pipeline.storage import schema
from f1_pipeline.storage.carry import carry_over
from f1_pipeline.update import run_update
from tests.quiet import QUIET
from tests.small_updates import ONCE
from tests.update.world import MOMENTS, Built, dump, let_go, use

pytestmark = QUIET


def test_the_rows_are_the_same_on_postgresql(built: Built, built_on_postgres: Built) -> None:
    """All three stores on PostgreSQL: every row of every table, but for names and times of runs."""
    assert built_on_postgres.report.forecasts == built.report.forecasts
    dumps = []
    for made in (built, built_on_postgres):
        with pytest.MonkeyPatch.context() as patch:
            dumps.append(dump(use(patch, made.home, made.stores)))
        let_go(made.stores)
    get_settings.cache_clear()
    here, there = dumps
    for name, table in schema.metadata.tables.items():
        moments = ["mlflow_run_id"] + [  # runs are named by chance
            column.name
            for column in table.columns
            if column.name.endswith("_at") and column.name not in ("start_at", "issued_at")
        ]
        pd.testing.assert_frame_equal(
            here[name].drop(columns=moments, errors="ignore"),
            there[name].drop(columns=moments, errors="ignore"),
            check_exact=True,
            obj=name,
        )
    assert len(here["predictions"]) > 5000
    assert not list(built_on_postgres.home.glob("*.db")), "a store was left on SQLite"
    assert not list(built_on_postgres.home.glob("dagster/**/*.db"))


def test_tables_that_moved_to_postgresql_go_on_as_the_file_does(
    home: Settings,
    built: Built,
    one_more_race: Callable[[], Any],
    new_postgres: Callable[..., str],
    drop_postgres: Callable[[str], None],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """From a laptop to a server: nothing that was published is lost, and the next race ends in the same rows."""
    later = simulated.simulate
    run_update(home, lambda _: None)
    stayed = dump(home)

    server = new_postgres()
    carry_over(str(built.home / "f1.db"), server, lambda _: None)
    moved = use(monkeypatch, tmp_path / "new-home", {"F1_DATABASE_URL": server})
    monkeypatch.setattr(simulated, "simulate", ONCE)
    assert run_update(moved, lambda _: None).idle, "nothing that came along is made again"
    monkeypatch.setattr(simulated, "simulate", later)
    run_update(moved, lambda _: None)
    gone = dump(moved)

    counts = ["id", "mlflow_run_id", "mlflow_version"]
    moments = ["created_at", "loaded_at", "trained_at", "decided_at"]
    for name, frame in stayed.items():
        left_out = [column for column in [*counts, *moments, *MOMENTS.get(name, [])] if column in frame]
        pd.testing.assert_frame_equal(
            gone[name].drop(columns=left_out), frame.drop(columns=left_out), check_exact=True, obj=name
        )
    let_go({"F1_DATABASE_URL": server})
    drop_postgres(server)
