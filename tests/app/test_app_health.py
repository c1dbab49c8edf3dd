"""What runs and what does not, as the page on the data says it."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from sqlalchemy import create_engine, delete, insert

from f1_app.dashboard.health import DAEMON, MISSED, State, addresses, ago, daemon, look, shown
from f1_app.records import Beat
from f1_pipeline.settings import Settings, get_settings
from f1_pipeline.storage import heartbeats, schema
from tests.app.test_app_pages import show, texts

PAGE = "views/data.py"
NOW = dt.datetime(2026, 5, 4, 8, tzinfo=dt.UTC)
MINUTE = dt.timedelta(minutes=1)
PORTS = {"dagster_port": 3000, "api_port": 8000, "mlflow_port": 5000}


def write_beat(database: Path, at: dt.datetime) -> None:
    engine = create_engine(f"sqlite:///{database}")
    with engine.begin() as connection:
        connection.execute(delete(schema.heartbeats))
        connection.execute(
            insert(schema.heartbeats).values(name=DAEMON, beat_at=at, every_seconds=60, host="pit-wall")
        )
    engine.dispose()


def test_both_sides_call_the_daemon_the_same() -> None:
    assert DAEMON == heartbeats.DAEMON


def test_a_dead_daemon_is_an_alarm(database: Path) -> None:
    write_beat(database, dt.datetime.now(dt.UTC) - dt.timedelta(hours=3, minutes=1))
    at = show(PAGE)
    assert at.error[0].value.startswith(
        "**The Dagster daemon is dead.** It gave its last sign of life 3 hours ago"
    )
    assert "pit-wall" in at.error[0].value
    assert ":red[●] **Dagster daemon**" in texts(at)


def test_a_daemon_that_lives_is_none(database: Path) -> None:
    write_beat(database, dt.datetime.now(dt.UTC) - dt.timedelta(seconds=30))
    at = show(PAGE)
    assert not at.error
    assert ":green[●] **Dagster daemon** gave a sign of life" in texts(at)
    write_beat(database, dt.datetime.now(dt.UTC) - dt.timedelta(minutes=6))
    at.run()
    assert at.error, "seen without a new load"


def test_where_no_daemon_ever_ran_nobody_is_alarmed(database: Path) -> None:
    at = show(PAGE)
    assert not at.error
    assert ":gray[○] **Dagster daemon** has never run on these tables" in texts(at)


def test_the_database_and_the_servers_have_a_line_each(
    database: Path, server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("F1_SERVERS", f"Dagster UI={server}/ok, MLflow={server}/ill, API=http://127.0.0.1:9/x")
    get_settings.cache_clear()
    text = texts(show(PAGE))
    assert ":green[●] **Database** (SQLite) answered in" in text
    assert ":green[●] **Dagster UI** answers" in text
    assert f":red[●] **MLflow** answers with HTTP 503 at {server}" in text
    assert ":red[●] **API** does not answer at http://127.0.0.1:9" in text


@given(st.integers(-100_000, 10_000_000), st.integers(1, 3600))
def test_late_by_five_signs_of_life_is_dead(seconds: int, every: int) -> None:
    beat = Beat(NOW - dt.timedelta(seconds=seconds), dt.timedelta(seconds=every), "pit-wall")
    assert (daemon(beat, NOW).state is State.UP) == (-every <= seconds <= MISSED * every)


def test_a_clock_that_is_wrong_is_told() -> None:
    part = daemon(Beat(NOW + dt.timedelta(hours=1), MINUTE, "pit-wall"), NOW)
    assert part.state is State.DOWN
    assert "one of the two clocks is wrong" in part.about


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 seconds"),
        (1, "1 second"),
        (59, "59 seconds"),
        (60, "1 minute"),
        (7300, "2 hours"),
        (90_000, "1 day"),
    ],
)
def test_ago(seconds: int, words: str) -> None:
    assert ago(dt.timedelta(seconds=seconds)) == words


def test_whom_to_ask() -> None:
    local = addresses(None, host="0.0.0.0", mlflow_uri="sqlite:///x", **PORTS)  # noqa: S104
    assert local == {
        "Dagster UI": "http://127.0.0.1:3000/server_info",
        "API": "http://127.0.0.1:8000/health/live",
        "MLflow": "http://127.0.0.1:5000/health",
    }
    assert addresses(None, host="::1", mlflow_uri=None, **PORTS)["API"] == "http://[::1]:8000/health/live"
    remote = addresses(None, host="127.0.0.1", mlflow_uri="https://u:p@models/", **PORTS)
    assert remote["MLflow"] == "https://u:p@models/health"
    assert addresses("A = http://a/x, B=http://b?c=d", host="", mlflow_uri=None, **PORTS) == {
        "A": "http://a/x",
        "B": "http://b?c=d",
    }
    assert shown("https://u:p@models/health?token=1") == "https://models"


@pytest.mark.parametrize("value", ["mlflow:5000", "=http://a", "MLflow=ftp://a", "A=http://", "A=http://a b"])
def test_a_server_needs_name_and_address(value: str) -> None:
    with pytest.raises(ValidationError, match="is no name=address"):
        Settings(servers=value)


@pytest.fixture
def server() -> Iterator[str]:
    """A server that is well at ``/ok``, ill at ``/ill``."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/ok" else 503)
            self.end_headers()

        def log_message(self, *args: object) -> None: ...

    with HTTPServer(("127.0.0.1", 0), Handler) as served:
        thread = threading.Thread(target=served.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{served.server_port}"
        served.shutdown()
        thread.join(10)


def test_servers_are_asked_together(server: str) -> None:
    parts = look({"a": f"{server}/ok", "b": f"{server}/ill"})
    assert [part.state for part in parts] == [State.UP, State.DOWN]
    assert look({}) == []
