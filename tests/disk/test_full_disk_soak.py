"""The soak on a PostgreSQL server whose disk is filled at random moments, log of transactions and all."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import psycopg
import pytest

from f1_pipeline.settings import ROOT

pytestmark = pytest.mark.skipif(
    os.environ.get("F1_SOAK") != "1", reason="F1_SOAK=1 asks for it: it takes several minutes"
)


def test_updates_on_a_server_whose_disk_is_filled(small_postgres: tuple[Any, list[str], str]) -> None:
    disk, restart, address = small_postgres
    with psycopg.connect(address.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute("CREATE DATABASE clean")
        connection.execute("CREATE DATABASE faulty")
    databases = [address.replace("/postgres?", f"/{name}?") for name in ("clean", "faulty")]
    # With this seed the disk is full while the first races are taken in, and not only when all is done.
    options = ["--races", "1", "--kills", "1", "--faults", "3", "--only", "disk full", "--seed", "2509"]
    server = ["--databases", *databases, "--restart", " ".join(restart), "--disk", str(disk.folder)]
    done = subprocess.run(
        [sys.executable, "-W", "ignore", str(ROOT / "benchmarks" / "soak.py"), *options, *server],
        capture_output=True,
        text=True,
        timeout=900,
        env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    last = done.stdout.splitlines()[-1]
    assert "the same, bit for bit" in last
    assert "'disk full': 3" in last, last
    assert "'disk full, and stopped by it'" in last, last
