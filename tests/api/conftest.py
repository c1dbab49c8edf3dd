"""The API on the small database of the dashboard's tests, behind a real server on the loopback interface."""

from __future__ import annotations

import datetime as dt
import importlib.util
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import requests
import uvicorn
from fastapi import FastAPI
from sqlalchemy import Engine, Table, create_engine, insert, text

from f1_app.api.app import create_app
from f1_pipeline.serve.probes import is_ready
from f1_pipeline.serve.services import services
from f1_pipeline.settings import Settings, get_settings
from f1_pipeline.storage import schema
from f1_pipeline.storage.carry import carry_over
from f1_pipeline.storage.migrate import head

TESTS = Path(__file__).parents[1]


def _module(name: str, file: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


small = _module("api_small_database", TESTS / "app" / "conftest.py")


def more_rows() -> dict[Table, list[dict[str, Any]]]:
    """What the tables of the dashboard's tests lack: places, standings, ratings, titles, means, per-race loads."""
    drivers, last = list(small.DRIVERS), small.FINISHED[-1]
    made = dt.datetime(2026, 5, 4, 9, tzinfo=dt.UTC)
    about = {"cutoff": made - dt.timedelta(days=1), "created_at": made, "data_release": "v2026.5"}
    standings = [
        {"race_key": key, "display_order": n, "position": n, "position_text": str(n), "points": 30.0 - n}
        for key in small.FINISHED
        for n in range(1, 7)
    ]
    return {
        schema.position_probabilities: [
            {
                "race_key": key,
                "horizon": "pre_weekend",
                "model": "ensemble",
                "driver_id": driver,
                "position": position,
                "probability": 0.5 if position == n else 0.1,
            }
            for key in (last, small.NEXT)
            for n, driver in enumerate(drivers, start=1)
            for position in range(1, 7)
        ],
        schema.driver_standings: [
            {**row, "driver_id": drivers[row["display_order"] - 1]} for row in standings
        ],
        schema.constructor_standings: [
            {**row, "constructor_id": list(small.TEAMS)[row["display_order"] - 1], "engine_id": None}
            for row in standings
            if row["display_order"] <= 3
        ],
        schema.elo_ratings: [
            {
                "race_key": key,
                "kind": "driver",
                "entity_id": driver,
                "value_before": 1500.0 + n,
                "value_after": None if key == small.NEXT else 1510.0 + n,
            }
            for key in (*small.FINISHED, small.NEXT)
            for n, driver in enumerate(drivers)
        ],
        schema.joint_ratings: [
            {
                "race_key": key,
                "horizon": "pre_weekend",
                "driver_id": driver,
                "constructor_id": small.DRIVERS[driver][2],
                **{"team_mean": 0.5, "team_sd": 0.1, "driver_mean": n / 10, "driver_sd": 0.1},
                **{"mean": 0.5 + n / 10, "sd": 0.14, "own_sd": 0.1},
            }
            for key in (last, small.NEXT)
            for n, driver in enumerate(drivers)
        ],
        schema.championship_forecasts: [
            {
                "race_key": small.NEXT,
                "kind": kind,
                "entity_id": entity,
                **{"points": 20.0 - n, "expected_points": 60.0 - n, "points_low": 40.0, "points_high": 80.0},
                **{"expected_position": 1.0 + n, "title_probability": 0.5 / (n + 1), "top3_probability": 0.5},
                **{"can_win": True, "races_left": 2, "draws": 20000, "seed": 1, **about},
            }
            for kind, ids in (("driver", drivers), ("constructor", list(small.TEAMS)))
            for n, entity in enumerate(ids)
        ],
        schema.accuracy_summaries: [
            {
                "period": period,
                "horizon": "pre_race",
                "model": "ensemble",
                "score": "log_loss",
                **{"races": 3, "mean": 1.1, "low": 0.9, "high": 1.3, "computed_at": made},
            }
            for period in ("all", "2026")
        ],
        schema.entries: [
            {"race_key": key, "driver_id": driver, "constructor_id": team, "status": "entered"}
            for key in small.FINISHED
            for driver, (_, _, team) in small.DRIVERS.items()
        ],
        schema.starting_grid: [
            {
                "race_key": last,
                "session": "R",
                "display_order": n,
                "driver_id": driver,
                "constructor_id": small.DRIVERS[driver][2],
                "position": n,
                "position_text": str(n),
            }
            for n, driver in enumerate(reversed(drivers), start=1)
        ],
        schema.data_loads: [
            {
                "table_name": name,
                "race_key": key,
                "source": "f1db",
                "release": "v2026.5",
                "content_hash": "hash",
                "row_count": 6,
                "loaded_at": dt.datetime(2026, 5, 4, 7, tzinfo=dt.UTC),
            }
            for name in ("driver_standings", "constructor_standings")
            for key in small.FINISHED
        ],
    }


def fill(engine: Engine) -> None:
    """Add the rows to a small database."""
    with engine.begin() as connection:
        for table, rows in more_rows().items():
            connection.execute(insert(table), rows)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A state directory of the test's own."""
    monkeypatch.setenv("F1_HOME", str(tmp_path))
    # Most tests ask more often than anybody may; those of the limits set them.
    monkeypatch.setenv("F1_API_PER_MINUTE", "0")
    monkeypatch.setenv("F1_API_NEXT_RACE_PER_MINUTE", "0")
    get_settings.cache_clear()
    yield tmp_path
    get_settings.cache_clear()


def full_database(file: Path) -> None:
    """The small database, with everything that the API shows."""
    small.build(f"sqlite:///{file}")
    engine = create_engine(f"sqlite:///{file}")
    # As the pipeline leaves it.
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA journal_mode=WAL")
    fill(engine)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)"))
        connection.execute(text("INSERT INTO alembic_version VALUES (:head)"), {"head": head()})
    engine.dispose()


@pytest.fixture
def database(home: Path) -> Path:
    """A full small database of the test's own."""
    file = home / "f1.db"
    full_database(file)
    return file


class Client:
    """A client of one server."""

    def __init__(self, base: str) -> None:
        self.base = base
        self.session = requests.Session()
        self.session.trust_env = False

    def __call__(self, path: str, method: str = "GET", **headers: str) -> requests.Response:
        """Ask for a path below ``/api/v1``, or for one that begins with a slash; ``if_none_match`` is a header."""
        address = f"{self.base}{path}" if path.startswith("/") else f"{self.base}/api/v1/{path}"
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.session.request(method, address, headers=names, timeout=20)


@contextmanager
def serving(app: FastAPI | None = None) -> Iterator[Client]:
    """The API of the present settings behind uvicorn, in a thread, on a free port."""
    config = uvicorn.Config(
        app or create_app(),
        host="127.0.0.1",
        port=0,
        log_level="critical",
        proxy_headers=False,
        server_header=False,
    )
    server = uvicorn.Server(config)
    listening = config.bind_socket()
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    deadline = time.monotonic() + 20
    while not server.started:
        assert thread.is_alive(), "the server did not start"
        assert time.monotonic() < deadline, "the server did not start in time"
        time.sleep(0.01)
    client = Client(f"http://127.0.0.1:{listening.getsockname()[1]}")
    try:
        yield client
    finally:
        client.session.close()
        server.should_exit = True
        thread.join(20)
        listening.close()


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def api(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """A client of the API on a full small database that nobody writes to: as `f1 serve` starts it, once for a module and
    each kind of database."""
    home = tmp_path_factory.mktemp("api-home")
    full_database(home / "f1.db")
    url, drop = f"sqlite:///{home / 'f1.db'}", None
    if request.param == "postgresql":
        drop = request.getfixturevalue("drop_postgres")
        server = request.getfixturevalue("new_postgres")(request.getfixturevalue("migrated_postgres"))
        carry_over(url, server, lambda _: None)
        (home / "f1.db").unlink()
        url = server
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    ours = {"F1_DATABASE_URL": url, "F1_API_PER_MINUTE": "0", "F1_API_NEXT_RACE_PER_MINUTE": "0"}
    (service,) = services(Settings(home=home, api_port=port), home)["api"]
    log = home / "api.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            service.argv, env={**service.env, **ours}, cwd=home, stdout=output, stderr=subprocess.STDOUT
        )
        try:
            deadline = time.monotonic() + 60
            while not is_ready(str(service.ready_url)):
                assert process.poll() is None, log.read_text()
                assert time.monotonic() < deadline, log.read_text()
                time.sleep(0.05)
            client = Client(f"http://127.0.0.1:{port}")
            yield client
            client.session.close()
        finally:
            process.terminate()
            process.wait(20)
            if drop is not None:
                drop(url)


@pytest.fixture
def own_api(database: Path) -> Iterator[Client]:
    """A client of an API on a database of the test's own."""
    with serving() as client:
        yield client


@pytest.fixture(name="serving")
def _serving(home: Path) -> Callable[..., Any]:
    """Serve with the settings as they are then."""
    return serving


@pytest.fixture
def small_database(home: Path) -> Callable[..., None]:
    """Build the small database with the options of ``build``."""

    def make(**options: Any) -> None:
        small.build(f"sqlite:///{home / 'f1.db'}", **options)

    return make


@pytest.fixture
def write(database: Path) -> Callable[[Table, list[dict[str, Any]]], None]:
    """Write rows as the pipeline does, from another connection."""

    def add(table: Table, rows: list[dict[str, Any]]) -> None:
        engine = create_engine(f"sqlite:///{database}")
        with engine.begin() as connection:
            connection.execute(insert(table), rows)
        engine.dispose()

    return add
