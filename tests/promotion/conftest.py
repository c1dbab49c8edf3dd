"""A home after its first update, and copies of it whose champion is good or hopeless."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from f1_pipeline.settings import Settings
from f1_pipeline.sources import simulated
from f1_pipeline.storage import schema
from f1_pipeline.storage.engine import write_transaction
from tests.promotion.challenged import BAD, NEXT, SETTINGS, engine_of, run_job
from tests.quiet import import_mlflow
from tests.small_updates import ONCE, built_once, first_update, use


def _use(patch: pytest.MonkeyPatch, home: Path, **more: str) -> Settings:
    return use(patch, home, {**SETTINGS, **more})


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home after its first update; tests work on copies of it."""
    import_mlflow()

    def build(home: Path) -> dict[str, Any]:
        first_update(home, SETTINGS)
        return {}

    return built_once(tmp_path_factory, "promotion", build)[0]


@pytest.fixture
def home(built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    shutil.copytree(built, tmp_path / "copy", ignore=shutil.ignore_patterns("mlflow-artifacts"))
    monkeypatch.setattr(simulated, "simulate", ONCE)
    return _use(monkeypatch, tmp_path / "copy")


@pytest.fixture
def bad(home: Settings) -> Settings:
    """A home whose champion is hopeless: the recipe on record is not that of the code, and it forecast the next race."""
    with write_transaction(engine_of(home)) as connection:
        connection.execute(
            update(schema.model_decisions)
            .where(schema.model_decisions.c.name == "elo", schema.model_decisions.c.horizon == "pre_weekend")
            .values(hyperparameters={"penalty": BAD})
        )
    run_job(home, "forecast_pre_weekend", NEXT, remake=True)
    return home
