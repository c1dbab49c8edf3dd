"""Remove the state of an installation: ``make clean-state``. Nothing that is in use is touched.

Files that are removed under running servers are gone and still open: they go on with what nobody sees any more, and whatever
they write then belongs to no installation.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import psutil
from filelock import FileLock, Timeout

from f1_pipeline.errors import F1Error, NotReady
from f1_pipeline.settings import get_settings
from f1_pipeline.turn import LOCK

_DATABASES = ("f1.db", "mlflow.db")
PARTS = (
    *(f"{name}{end}" for name in _DATABASES for end in ("", "-wal", "-shm")),
    *("mlflow.db.lock", "mlflow-artifacts", "downloads", "http-cache", "dagster", "logs", "backfill.json"),
)
"""What is removed of ``F1_HOME``. The count of requests to Jolpica stays: the API has counted them too."""


def main() -> None:
    """Ask, unless the first argument is ``yes``, and remove; exit code 1 where nothing was removed."""
    try:
        clean(get_settings().home, asks="yes" not in sys.argv[1:])
    except (F1Error, KeyboardInterrupt) as error:
        raise SystemExit(str(error) or "Nothing was removed.") from None


def clean(home: Path, asks: bool) -> None:
    """Remove the state in a directory.

    Raises:
        NotReady: it is in use, it does not look like a state of ours, or the answer was no; nothing was removed.
    """
    if not home.is_dir():
        print(f"There is no state in {home}.")
        return
    if not any((home / name).exists() for name in ("f1.db", "dagster")):
        raise NotReady(f"{home} does not look like the state of f1-forecast; it is left alone.")
    try:
        # Kept until all is gone: an update that is started meanwhile waits, and begins with nothing.
        with FileLock(home / LOCK, timeout=0):
            _remove(home, asks)
    except Timeout as error:
        raise NotReady(
            f"An update, backfill or challenge of {home} is running. Nothing was removed."
        ) from error


def _remove(home: Path, asks: bool) -> None:
    _refuse_in_use(home)
    parts = [home / name for name in PARTS if (home / name).exists()]
    size = sum(_size(part) for part in parts)
    print(f"This removes for good, in {home} ({size / 1e6:,.0f} MB): {' '.join(part.name for part in parts)}")
    if asks and _answer() != "yes":
        raise NotReady("Nothing was removed.")
    _refuse_in_use(home)  # somebody may have taken their time to answer
    for part in parts:
        if part.is_dir():
            shutil.rmtree(part)
        else:
            part.unlink(missing_ok=True)
    print("Removed.")


def _refuse_in_use(home: Path) -> None:
    if users := users_of(home):
        raise NotReady(f"{home} is in use by {', '.join(users)}: end that first. Nothing was removed.")


def users_of(home: Path) -> list[str]:
    """Processes that have a file of a directory open, like ``f1 serve (process 17)``: every server has its log open.

    Those of other users are not seen, unless root asks. Not this process, nor what it was started by.
    """
    root = home.resolve()
    me = psutil.Process()
    spared = {me.pid, *(parent.pid for parent in me.parents())}
    found = []
    for process in psutil.process_iter():
        if process.pid in spared:
            continue
        try:
            if any(Path(file.path).is_relative_to(root) for file in process.open_files()):
                found.append(f"{_called(process)} (process {process.pid})")
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return found


def _called(process: psutil.Process) -> str:
    # `python -m streamlit run ...` is told by its module.
    words = [word for word in process.cmdline() if word]
    return words[2] if words[1:2] == ["-m"] and len(words) > 2 else process.name()


def _answer() -> str:
    print("Type yes to go on: ", end="", flush=True)
    return sys.stdin.readline().strip()


def _size(part: Path) -> int:
    if not part.is_dir():
        return part.stat().st_size
    return sum((Path(folder) / name).lstat().st_size for folder, _, names in os.walk(part) for name in names)


if __name__ == "__main__":
    main()
