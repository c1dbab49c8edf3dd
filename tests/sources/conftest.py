"""The small F1DB world, as it is parsed and released, and the small Ergast-compatible API, for every test of the sources."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from f1_pipeline.sources.budget import Budget
from f1_pipeline.sources.bundle import SourceBundle
from f1_pipeline.sources.f1db.parse import parse_archive
from f1_pipeline.sources.f1db.release import (
    Copy,
    remember,
    sha256,
)
from f1_pipeline.sources.jolpica import JolpicaClient
from tests.sources.bundles import Parse, World
from tests.sources.ergast_parts import Finisher, Make, Race
from tests.sources.releases_page import ReleasesPage, serving


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


@pytest.fixture
def make_client(api: Any, tmp_path: Path) -> Iterator[Make]:
    """Makes clients of the same installation."""
    made: list[JolpicaClient] = []

    def client(per_hour: int = 1000, **how: Any) -> JolpicaClient:
        budget = Budget(tmp_path / "limits", "jolpica", per_hour, 500)
        how = {"waits": (0.0, 0.0), "timeout": 5.0, "url": api.url, **how}
        made.append(JolpicaClient(budget, tmp_path / "cache", **how))
        return made[-1]

    yield client
    for each in made:
        each.close()


@pytest.fixture
def season(api: Any, ergast: ModuleType) -> list[dict[str, Any]]:
    """Twelve races of 20 cars: three pages, and none of them ends with a race but the last."""
    races = [ergast.result(2026, number, 20) for number in range(1, 12)] + [ergast.result(2026, 12, 19)]
    api.content["2026/results"] = races
    api.content["2026/1/results"] = races[:1]
    return races


@pytest.fixture
def finisher(ergast: ModuleType) -> Finisher:
    return ergast.finisher  # type: ignore[no-any-return]


@pytest.fixture
def race(ergast: ModuleType) -> Race:
    return ergast.race  # type: ignore[no-any-return]


@pytest.fixture(scope="session")
def archive(small_world: Callable[[], Any], tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The file of the small world, as a release of it is sent."""
    path = small_world().write(tmp_path_factory.mktemp("world") / "world.zip")
    data: bytes = path.read_bytes()
    return data


@pytest.fixture
def page(archive: bytes) -> Iterator[ReleasesPage]:
    """The page of releases, serving on the loopback interface."""
    page = ReleasesPage(archive=archive)
    with serving(page):
        yield page


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """Where releases are downloaded to."""
    return tmp_path / "downloads"


@pytest.fixture
def kept(directory: Path, archive: bytes) -> Copy:
    """A good copy of an earlier release, as an earlier download left it."""
    directory.mkdir()
    path = directory / "f1db-csv-v2026.1.0.zip"
    path.write_bytes(archive)
    copy = Copy(str(path), "v2026.1.0", sha256(path))
    remember(directory, copy)
    return copy
