"""The replayed releases page: what is out depends on the clock, and the real client gets on with it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import requests

from f1_pipeline.errors import SourceRefused, SourceUnavailable
from f1_pipeline.replay import Clock, F1dbServer, Fault, Release
from f1_pipeline.sources.f1db import fetch, latest_release

FIRST = datetime(2026, 7, 20, 12, tzinfo=UTC)
SECOND = datetime(2026, 7, 27, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def releases(small_archive: Path, tmp_path: Path) -> list[Release]:
    other = tmp_path / "other.zip"
    other.write_bytes(small_archive.read_bytes() + b"\0")
    # The order in which they are given does not matter.
    return [Release("v2026.11.0", other, SECOND), Release("v2026.10.1", small_archive, FIRST)]


def test_the_latest_release_changes_with_the_clock(releases: list[Release]) -> None:
    clock = Clock(FIRST)
    with F1dbServer(releases, clock) as server:
        assert latest_release(server.url, 5, ()) == "v2026.10.1"
        clock.set(SECOND - timedelta(seconds=1))
        assert latest_release(server.url, 5, ()) == "v2026.10.1"
        clock.set(SECOND)
        assert latest_release(server.url, 5, ()) == "v2026.11.0"
        assert server.counts == {"releases/latest": 3}


def test_what_is_not_out_yet_cannot_be_had(releases: list[Release], small_archive: Path) -> None:
    clock = Clock(FIRST - HOUR)
    with F1dbServer(releases, clock) as server:
        with pytest.raises(SourceRefused, match="404"):
            latest_release(server.url, 5, ())
        clock.set(FIRST)
        early = requests.get(f"{server.url}/download/v2026.11.0/f1db-csv.zip", timeout=5)
        assert early.status_code == 404
        now = requests.get(f"{server.url}/latest/download/f1db-csv.zip", timeout=5)
        assert now.url.endswith("/download/v2026.10.1/f1db-csv.zip")
        assert now.content == small_archive.read_bytes()
        assert requests.get(f"{server.url}/download/v2026.10.1/f1db-json.zip", timeout=5).status_code == 404


def test_the_client_fetches_each_release_once(releases: list[Release], tmp_path: Path) -> None:
    clock = Clock(FIRST)
    with F1dbServer(releases, clock) as server:
        for moment in (FIRST, FIRST + HOUR, SECOND, SECOND + HOUR):
            clock.set(moment)
            copy, warning = fetch(server.url, tmp_path / "copies", 5, ())
            assert warning is None
            assert copy.release == ("v2026.10.1" if moment < SECOND else "v2026.11.0")
        assert server.counts["releases/download/v2026.10.1/f1db-csv.zip"] == 1
        assert server.counts["releases/download/v2026.11.0/f1db-csv.zip"] == 1
        assert [line.status for line in server.log if "download" in line.target] == [200, 200]


def test_faults_of_the_way_reach_the_client(releases: list[Release], tmp_path: Path) -> None:
    faults = [
        Fault("server_error", "releases/latest", end=FIRST + HOUR),
        Fault("cut", "releases/download/*", times=1),
    ]
    clock = Clock(FIRST)
    with F1dbServer(releases, clock, faults) as server:
        with pytest.raises(SourceUnavailable, match="500"):
            latest_release(server.url, 5, (0.01,))
        assert server.counts["releases/latest"] == 2
        clock.set(FIRST + HOUR)
        copy, _ = fetch(server.url, tmp_path / "copies", 5, (0.01,))
        assert copy.release == "v2026.10.1"
        assert server.counts["releases/download/v2026.10.1/f1db-csv.zip"] == 2


def test_a_clock_needs_a_time_zone() -> None:
    with pytest.raises(ValueError, match="time zone"):
        Clock(datetime(2026, 7, 26, 13))
    assert Clock(datetime.fromisoformat("2026-07-26T15:00+02:00")).now() == datetime(
        2026, 7, 26, 13, tzinfo=UTC
    )


def test_a_closed_server_has_no_address(releases: list[Release]) -> None:
    server = F1dbServer(releases, Clock(FIRST))
    with pytest.raises(RuntimeError, match="not open"):
        _ = server.url
