"""PostgreSQL servers whose disk is full: one only says so, one may not write larger files, one is on a small file system."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text

SIZE = 256 << 20
_SAY_FULL = """CREATE FUNCTION say_full() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION USING
ERRCODE = '53100', HINT = 'Prüfen Sie den freien Festplattenplatz.',
MESSAGE = 'konnte Datei »base/1/2« nicht erweitern: Auf dem Gerät ist kein Speicherplatz mehr verfügbar'; END $$;
CREATE TRIGGER say_full BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION say_full()"""


@pytest.fixture(scope="session")
def say_full() -> Callable[..., None]:
    """Has a server say that its disk is full when rows go into a table, in German: nobody may go by English words."""

    def say(address: str, table: str, full: bool = True) -> None:
        admin = create_engine(address, isolation_level="AUTOCOMMIT")
        with admin.connect() as connection:
            connection.execute(
                text(_SAY_FULL.format(table=table) if full else f"DROP TRIGGER say_full ON {table}")
            )
        admin.dispose()

    return say


@pytest.fixture(scope="module")
def limited_postgres(new_server: Callable[..., Any]) -> Iterator[tuple[Callable[[int | None], object], str]]:
    """A server that nobody else uses, and what limits how large a file its new connections may write (bytes; None: any).

    Nobody needs rights for that. It is not quite a full disk: the server's code for it is another one.
    """
    with new_server() as server:

        def limit(size: int | None) -> None:
            amount = "unlimited" if size is None else str(size)
            command = ["prlimit", "--pid", str(server.pid), f"--fsize={amount}:unlimited"]
            subprocess.run([*server.as_its_user, *command], check=True)

        yield limit, server.address


@dataclass(frozen=True)
class SmallDisk:
    """A small file system that can be filled."""

    folder: Path

    def fill(self, left: int) -> None:
        """Take all space but so many bytes."""
        state = os.statvfs(self.folder)
        with (self.folder / "ballast").open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, state.f_bavail * state.f_frsize - left)

    def make_room(self) -> None:
        """Give it back."""
        (self.folder / "ballast").unlink(missing_ok=True)


@pytest.fixture(scope="module")
def small_postgres(new_server: Callable[..., Any]) -> Iterator[tuple[SmallDisk, list[str], str]]:
    """A server alone on a small file system, log of transactions and all; the command that restarts it, and its address."""
    with _small_file_system() as folder, new_server(folder) as server:
        yield SmallDisk(folder), server.restart, server.address


@contextmanager
def _small_file_system() -> Iterator[Path]:
    """Skipped where none may be mounted. The other two servers are tested everywhere."""
    folder = Path(tempfile.mkdtemp(prefix="f1disk-"))
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SIZE},mode=0755", "tmpfs", str(folder)]
    said = subprocess.run(mount, capture_output=True, text=True)
    try:
        if said.returncode:
            pytest.skip(f"no file system may be mounted here: {said.stderr.strip()}")
        yield folder
    finally:
        if said.returncode == 0:
            subprocess.run(["umount", "--lazy", str(folder)], check=True)
        folder.rmdir()
