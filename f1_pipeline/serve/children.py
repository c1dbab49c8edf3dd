"""Child processes: their log files, and their end."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

import psutil

LOG_BYTES = 5_000_000
"""A log that is larger when its server is started moves to ``<name>.log.1``."""


class Child:
    """A process that leads a session, and everything it has started."""

    def __init__(self, name: str, process: subprocess.Popen[bytes]) -> None:
        self.name = name
        self.process = process
        self._known: dict[int, psutil.Process] = {}

    def poll(self) -> int | None:
        """The exit code, or None while it runs."""
        return self.process.poll()

    def signal(self, number: signal.Signals) -> None:
        """Signal the process group, and what has left it (a worker may start a session of its own)."""
        self.survey()
        group = self.process.pid
        with _gone_is_fine():
            os.killpg(group, number)
        for process in self._known.values():
            with _gone_is_fine():
                if process.is_running() and os.getpgid(process.pid) != group:
                    process.send_signal(number)

    def alive(self) -> bool:
        """Whether the process or anything that it started still runs."""
        self.survey()
        return self.poll() is None or any(_runs(process) for process in self._known.values())

    def survey(self) -> None:
        """Note what this child has started; when a parent is dead nobody can tell any more whose it was.

        Takes a few milliseconds: one pass over the processes of the machine.
        """
        leader = self.process.pid
        by_parent: dict[int, list[psutil.Process]] = {}
        for process in psutil.process_iter():
            with _gone_is_fine():
                by_parent.setdefault(process.ppid(), []).append(process)
                if process.pid != leader and os.getsid(process.pid) == leader:
                    self._known.setdefault(process.pid, process)
        roots = [pid for pid, process in self._known.items() if process.is_running()]
        if self.poll() is None:
            roots.append(leader)
        while roots:
            for process in by_parent.get(roots.pop(), []):
                if process.pid not in self._known:
                    self._known[process.pid] = process
                    roots.append(process.pid)


class _gone_is_fine:  # noqa: N801 - reads as a statement
    """A process that ends between being seen and being asked is what was wanted."""

    def __enter__(self) -> None: ...

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> bool:
        return kind is not None and issubclass(kind, ProcessLookupError | psutil.NoSuchProcess)


def _runs(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def end_all(children: Sequence[Child], grace: float) -> None:
    """End children and all that they started: SIGINT, SIGTERM after half of ``grace`` seconds, then SIGKILL.

    Returns when nothing of them runs any more.
    """
    steps = ((signal.SIGINT, grace / 2), (signal.SIGTERM, grace / 2), (signal.SIGKILL, 5.0))
    for number, patience in steps:
        left = [child for child in children if child.alive()]
        for child in left:
            child.signal(number)
        deadline = time.monotonic() + patience
        while left and time.monotonic() < deadline:
            time.sleep(0.05)
            left = [child for child in left if child.alive()]
        if not left:
            return


def open_log(folder: Path, name: str) -> IO[bytes]:
    """The log of a server, opened to append, with a line that says when this start was."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.log"
    if path.exists() and path.stat().st_size > LOG_BYTES:
        path.replace(folder / f"{name}.log.1")
    log = path.open("ab", buffering=0)
    log.write(f"--- started {datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC\n".encode())
    return log


def tail(path: Path, lines: int = 10) -> list[str]:
    """The last lines of a log, as far as they are of the last start."""
    if not path.exists():
        return []
    with path.open("rb") as log:
        log.seek(max(0, path.stat().st_size - 20_000))
        text = log.read().decode(errors="replace")
    since_start = text.rpartition("--- started ")[2].splitlines()[1:]
    return [line for line in since_start if line.strip()][-lines:]
