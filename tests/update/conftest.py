"""A home after its first update, and copies of it for tests to go on from."""

from __future__ import annotations

import functools
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from f1_pipeline.runs import Report
from f1_pipeline.settings import ROOT, Settings
from f1_pipeline.sources import simulated
from tests.postgres_programs import program
from tests.small_updates import ONCE, built_once, first_update
from tests.update.world import STORES, Built, let_go, settings_of, use


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """A home after its first update; tests work on copies of it."""
    home, said = built_once(tmp_path_factory, "updated", lambda home: _first_update(home, {}))
    return Built(home, Report(**said["report"]), said["told"], {})


@pytest.fixture(scope="session")
def built_on_postgres(tmp_path_factory: pytest.TempPathFactory, new_postgres: Callable[..., str]) -> Built:
    """The same with tables, Dagster and MLflow on PostgreSQL, by the configuration that containers use.

    Every worker has a server of its own: those that did not build it restore what the first one has dumped.
    """
    stores: dict[str, str] = {}

    def build(home: Path) -> dict[str, Any]:
        (home / "dagster").mkdir(parents=True)
        shutil.copy(ROOT / "deploy" / "dagster.yaml", home / "dagster")
        stores.update({name: new_postgres() for name in STORES})
        said = _first_update(home, stores)
        for name, address in stores.items():
            program("pg_dump", address, "-Fc", "-f", str(home / f"{name}.dump"))
        return said

    home, said = built_once(tmp_path_factory, "updated-on-postgres", build)
    if not stores:
        for name in STORES:
            stores[name] = new_postgres()
            program("pg_restore", stores[name], str(home / f"{name}.dump"))
    return Built(home, Report(**said["report"]), said["told"], stores)


def _first_update(home: Path, stores: Mapping[str, str]) -> dict[str, Any]:
    told: list[str] = []
    report = first_update(home, settings_of(stores), told.append)
    let_go(stores)
    return {"report": asdict(report), "told": told}


@pytest.fixture
def on() -> str:
    """The database of the test. To run on both, parametrize a test with ``both``."""
    return "sqlite"


@pytest.fixture
def home(
    built: Built, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest, on: str
) -> Iterator[Settings]:
    """Settings of a copy of the home after the first update."""
    monkeypatch.setattr(simulated, "simulate", ONCE)
    stores: dict[str, str] = {}
    if on == "postgresql":
        built = request.getfixturevalue("built_on_postgres")
        new, drop = request.getfixturevalue("new_postgres"), request.getfixturevalue("drop_postgres")
        stores = {name: new(template) for name, template in built.stores.items()}
    shutil.copytree(built.home, tmp_path / "copy", ignore=shutil.ignore_patterns("mlflow-artifacts"))
    yield use(monkeypatch, tmp_path / "copy", stores)
    let_go(stores)
    for address in stores.values():
        drop(address)


@pytest.fixture
def one_more_race(monkeypatch: pytest.MonkeyPatch) -> Callable[[], Any]:
    """The same world, one round later."""
    later = functools.partial(ONCE, finished_rounds=9)
    monkeypatch.setattr(simulated, "simulate", later)
    return later
