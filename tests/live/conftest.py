"""A home that is up to date on the Thursday before a weekend, copies of it, and what F1DB publishes next."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from f1_pipeline import clock
from f1_pipeline.settings import Settings, get_settings
from f1_pipeline.update import run_update
from tests.live.published import SATURDAY, THURSDAY, Published, use
from tests.quiet import import_mlflow
from tests.small_updates import built_once


@pytest.fixture(autouse=True)
def thursday() -> Iterator[None]:
    """Before the weekend, where a test does not say otherwise: what is made again depends on the day."""
    with clock.at(THURSDAY):
        yield


@pytest.fixture
def saturday(thursday: None) -> Iterator[None]:
    with clock.at(SATURDAY):
        yield


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home after its first update; tests work on copies of it."""

    def build(home: Path) -> dict[str, Any]:
        import_mlflow()
        with pytest.MonkeyPatch.context() as patch, clock.at(THURSDAY):
            Published().patch(patch)
            run_update(use(patch, home), lambda line: None)
        get_settings.cache_clear()
        return {}

    return built_once(tmp_path_factory, "published", build)[0]


@pytest.fixture
def home(built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings of a copy of the home after the first update."""
    shutil.copytree(built, tmp_path / "copy", ignore=shutil.ignore_patterns("mlflow-artifacts"))
    return use(monkeypatch, tmp_path / "copy")


@pytest.fixture
def f1db(monkeypatch: pytest.MonkeyPatch) -> Published:
    published = Published()
    published.patch(monkeypatch)
    return published
