"""The small F1DB world, as it is parsed, and the small Ergast-compatible API, for every test of the sources."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from f1_pipeline.sources.bundle import SourceBundle
from f1_pipeline.sources.f1db.parse import parse_archive
from tests.sources.bundles import Parse, World


def _load(name: str) -> ModuleType:
    # The folder of tests is no package: a helper beside the tests is loaded by its path.
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def small_world() -> Callable[[], Any]:
    """Makes the small world anew: what a test changes in one stays in that one."""
    return _load("f1db_world").small_world  # type: ignore[no-any-return]


@pytest.fixture(scope="session")
def ergast() -> ModuleType:
    """The module of the small Ergast-compatible API."""
    return _load("ergast_server")


@pytest.fixture
def api(ergast: ModuleType) -> Iterator[Any]:
    """The API, serving on the loopback interface."""
    with ergast.serving(ergast.Api()) as served:
        yield served


@pytest.fixture
def world(small_world: Callable[[], World]) -> World:
    return small_world()


@pytest.fixture
def parse(tmp_path: Path) -> Parse:
    def parse(world: World) -> SourceBundle:
        return parse_archive(world.write(tmp_path / "world.zip"), "v2026.2.0", "digest")

    return parse


@pytest.fixture(scope="session")
def bundle(small_world: Callable[[], World], tmp_path_factory: pytest.TempPathFactory) -> SourceBundle:
    """The small world as it is; read only."""
    path = small_world().write(tmp_path_factory.mktemp("world") / "world.zip")
    return parse_archive(path, "v2026.2.0", "digest")
