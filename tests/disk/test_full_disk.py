"""The disk of a PostgreSQL server is full: one clear error, the tables as before, and it goes on once there is room.

Three servers, each as real as the machine allows: one that only says it (in German, so that nobody goes by English words),
one whose files the system lets grow to a limit, and one on a small file system that is filled up.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pandas as pd
import pytest
from sqlalchemy import URL, Engine, make_url

from f1_pipeline.errors import StoreUnavailable
from f1_pipeline.storage import schema
from f1_pipeline.storage.engine import get_engine
from f1_pipeline.storage.migrate import upgrade
from f1_pipeline.storage.outages import name_server, outages_named, server_of
from f1_pipeline.storage.writes import replace_races
from tests.one_race import RACE, held_ratings, prepare, ratings
from tests.quiet import QUIET_DAGSTER

pytestmark = QUIET_DAGSTER

SECRET = "hush-hush"
FULL = r"the disk of the database server is full\. Make room there\."


def _write(engine: Engine, drivers: int, value: float) -> None:
    with outages_named():
        replace_races(engine, schema.elo_ratings, ratings(drivers, value), [RACE])


def _with_secret(url: URL) -> str:
    return url.set(password=SECRET).render_as_string(hide_password=False)


def _with_a_race(address: str) -> Engine:
    """Tables with a race that has ratings of 20 drivers, by an address with a password (the server asks for none)."""
    engine = get_engine(_with_secret(make_url(address)))
    with outages_named():
        prepare(engine)
    return engine


def _migrated(address: str) -> str:
    upgrade(address)
    get_engine(address).dispose()
    return address


@pytest.mark.parametrize("rows", [3, 2_000])
def test_the_code_of_the_server_counts_not_its_language(
    new_postgres: Callable[..., str], migrated_postgres: str, say_full: Callable[..., None], rows: int
) -> None:
    address = new_postgres(migrated_postgres)
    engine = _with_a_race(address)
    say_full(address, "elo_ratings")
    before = held_ratings(engine)
    with pytest.raises(StoreUnavailable, match=FULL) as error:
        _write(engine, rows, 1600.0)  # by INSERT, and by COPY
    assert f"[SQLSTATE 53100; database {engine.url.database} on /" in str(error.value)
    assert "kein Speicherplatz" in str(error.value)
    assert "\n" not in str(error.value)
    assert SECRET not in str(error.value)
    pd.testing.assert_frame_equal(held_ratings(engine), before, check_exact=True)
    say_full(address, "elo_ratings", False)
    _write(engine, rows, 1600.0)
    assert len(held_ratings(engine)) == rows
    engine.dispose()


def test_files_that_may_not_grow(
    limited_postgres: tuple[Callable[[int | None], object], str],
) -> None:
    limit, address = limited_postgres
    engine = _with_a_race(_migrated(address))
    before = held_ratings(engine)
    engine.dispose()
    limit((16 << 20) + 100_000)  # the log of transactions is written in files of 16 MB
    with pytest.raises(StoreUnavailable, match=FULL) as error:
        _write(engine, 240_000, 1600.0)
    assert "File too large" in str(error.value)
    assert "database postgres on /" in str(error.value)
    pd.testing.assert_frame_equal(held_ratings(engine), before, check_exact=True)
    engine.dispose()
    limit(None)
    _write(engine, 240_000, 1600.0)
    assert len(held_ratings(engine)) == 240_000
    engine.dispose()


@pytest.mark.parametrize("left", [0, 64 << 10, 2 << 20, 20 << 20])
def test_a_small_disk_that_is_full(
    small_postgres: tuple[Any, list[str], str], on_small_disk: Engine, left: int
) -> None:
    disk, restart, _ = small_postgres
    engine = on_small_disk
    before = held_ratings(engine)
    disk.fill(left)
    # With 20 MB left the table fits and the log of transactions does not: then the server gives up as a whole.
    words = FULL if left < 20 << 20 else rf"{FULL}|the database server went away"
    with pytest.raises(StoreUnavailable, match=words):
        _write(engine, 400_000, 1600.0)
    if left < 20 << 20:
        pd.testing.assert_frame_equal(held_ratings(engine), before, check_exact=True)  # readers go on
    disk.make_room()
    if left >= 20 << 20:
        _up_again(engine, restart)
    pd.testing.assert_frame_equal(held_ratings(engine), before, check_exact=True)
    _write(engine, 30, 1600.0)
    assert set(held_ratings(engine)["value_before"]) == {1600.0}
    _write(engine, 20, 1500.0)


@pytest.fixture(scope="module")
def on_small_disk(small_postgres: tuple[Any, list[str], str]) -> Iterator[Engine]:
    _, _, address = small_postgres
    engine = _with_a_race(_migrated(address))
    yield engine
    engine.dispose()


def _up_again(engine: Engine, restart: Sequence[str]) -> None:
    """Start the server, as a service manager does, where it did not come back by itself."""
    engine.dispose()
    # At once: a server that is about to give up may wait for a checkpoint that it cannot write, for more than a minute.
    at_once = ["immediate" if word == "fast" else word for word in restart]
    subprocess.run(at_once, check=True, capture_output=True, timeout=60)


@pytest.mark.parametrize(
    ("address", "server"),
    [
        ("postgresql+psycopg://ada:hush-hush@db.example:5433/f1", "database f1 on db.example:5433"),
        ("postgresql+psycopg://ada:hush-hush@db.example/f1?sslmode=require", "database f1 on db.example"),
        ("postgresql+psycopg://ada:hush-hush@/f1?host=/run/pg", "database f1 on /run/pg"),
        ("postgresql+psycopg://ada:hush-hush@/f1?host=a:1&host=b:2", "database f1 on a:1,b:2"),
        ("postgresql+psycopg:///f1", "database f1 on this machine"),
    ],
)
def test_a_server_is_named_without_user_and_password(address: str, server: str) -> None:
    assert server_of(make_url(address)) == server
    error = OSError("could not extend file: No space left on device\nHINT: ...")
    name_server(error, make_url(address))
    name_server(error, make_url(address))
    assert error.__notes__ == [f"could not extend file: No space left on device [SQLSTATE unknown; {server}]"]
    other = ValueError("duplicate key")
    name_server(other, make_url(address))
    assert not hasattr(other, "__notes__")
