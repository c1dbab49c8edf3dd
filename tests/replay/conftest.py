"""A small invented world as the source of a replay, its crosswalk, and the API that replays it."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from f1_pipeline.domain.identity import ConstructorRow, Crosswalk, DriverRow, RaceNameRow, Tables
from f1_pipeline.domain.identity.tables import CircuitRow, Seasons
from f1_pipeline.replay import Clock, Fault, JolpicaServer
from f1_pipeline.sources.f1db import parse_archive
from tests.replay.asking import LATE, Serve

ALWAYS = Seasons(None, None)
LANDS = ("alphaland", "betaland", "gammaland", "deltaland", "epsilonland", "zetaland")


def _world_module() -> ModuleType:
    # The folder of tests is no package: the world of the sources' tests is loaded by its path.
    path = Path(__file__).parent.parent / "sources" / "f1db_world.py"
    spec = importlib.util.spec_from_file_location("replay_f1db_world", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def small_world() -> Callable[[], Any]:
    return _world_module().small_world  # type: ignore[no-any-return]


@pytest.fixture(scope="session")
def small_archive(small_world: Callable[[], Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_world().write(tmp_path_factory.mktemp("replay") / "small.zip")  # type: ignore[no-any-return]


@pytest.fixture(scope="session")
def small_tables(small_archive: Path) -> dict[str, Any]:
    return parse_archive(small_archive, "small", "").tables


@pytest.fixture(scope="session")
def small_known() -> Crosswalk:
    """``ada-apex`` is ``apex``, ``nova`` is ``team_nova``, and so on."""
    people = (("ada-apex", "1999-02-28"), ("ben-brake", "1990-01-01"), ("cy-curb", "2001-12-31"))
    people += (("dee-drift", "2003-07-01"), ("eve-edge", "1920-01-01"))
    return Crosswalk(
        Tables(
            drivers=tuple(
                DriverRow(
                    name, name.split("-")[1], *name.title().split("-"), date.fromisoformat(born), "curated"
                )
                for name, born in people
            ),
            constructors=tuple(
                ConstructorRow(name, f"team_{name}", ALWAYS, "curated") for name in ("nova", "orbit")
            ),
            circuits=(
                CircuitRow("northring", "north_ring", "curated"),
                CircuitRow("zandvoort", "dunes", "curated"),
            ),
            grands_prix=tuple(
                RaceNameRow(land, f"{land.title()} Grand Prix", ALWAYS, "curated") for land in LANDS
            ),
        )
    )


@pytest.fixture
def serve(small_tables: dict[str, Any], small_known: Crosswalk) -> Serve:
    @contextmanager
    def open_server(*faults: Fault, now: datetime = LATE) -> Iterator[JolpicaServer]:
        with JolpicaServer(lambda: small_tables, Clock(now), faults, small_known) as server:
            yield server

    return open_server
