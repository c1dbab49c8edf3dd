"""Updates that are killed at random moments, and hit by other faults: the tables end as those of updates in peace.

The soak itself is ``benchmarks/soak.py``, which plays a whole season; here are its first races. The seed fixes at which statement
of which run the process dies.
"""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from f1_pipeline.settings import ROOT

pytestmark = pytest.mark.skipif(
    os.environ.get("F1_SOAK") != "1", reason="F1_SOAK=1 asks for it: it takes several minutes"
)


def soak(*options: str) -> str:
    """The last line of a soak."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", str(ROOT / "benchmarks" / "soak.py"), *options],
        capture_output=True,
        text=True,
        timeout=900,
        env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    return done.stdout.splitlines()[-1]


def test_killed_and_disturbed_updates_end_in_the_same_tables() -> None:
    last = soak("--races", "2", "--kills", "3", "--faults", "3", "--seed", "26")
    assert "the same, bit for bit" in last
    assert "'killed': 3" in last, last
    assert "'disk full'" in last, last
    assert "'two at once'" in last, last


def test_kills_and_a_restarted_server_on_postgresql(
    own_postgres: tuple[list[str], str],
) -> None:
    restart, address = own_postgres
    databases = _made(address, "clean", "faulty")
    last = soak(
        *("--races", "1", "--kills", "2", "--faults", "1", "--only", "restart", "--seed", "2"),
        *("--databases", *databases, "--restart", " ".join(restart)),
    )
    assert "the same, bit for bit" in last
    assert "'killed': 2" in last, last
    assert "'restart': 1" in last, last


def _made(address: str, *names: str) -> list[str]:
    import psycopg

    with psycopg.connect(address.replace("+psycopg", ""), autocommit=True) as connection:
        for name in names:
            connection.execute(f"CREATE DATABASE {name}".encode())
    return [address.replace("/postgres?", f"/{name}?") for name in names]
