"""Parts of the soak: a small world, updates in processes of their own that can be hit by a fault, and the tables compared."""

from __future__ import annotations

import contextlib
import os
import pickle
import signal
import sqlite3
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import pandas as pd
from sqlalchemy import Engine, event

from f1_pipeline.errors import SourceUnavailable
from f1_pipeline.settings import get_settings
from f1_pipeline.sources import simulated
from f1_pipeline.sources.simulated import SimulatedWorld
from f1_pipeline.storage import engine as engines
from f1_pipeline.storage import reads, schema

T = TypeVar("T")
Tables = dict[str, pd.DataFrame]

SEASON, SEED = 2026, 7
SETTINGS = {
    "F1_SOURCE": "simulated",
    "F1_WEATHER": "off",
    "F1_JOLPICA_ENABLED": "false",
    "F1_DRAWS": "200",
    "F1_FORECAST_FROM_SEASON": str(SEASON),
    "F1_RETRAIN_RECENT": "4",
    "F1_RETRAIN_RECENT_SEASONS": "1",
    "DAGSTER_DISABLE_TELEMETRY": "yes",
    "MLFLOW_DISABLE_TELEMETRY": "true",
}
BALLAST = "ballast"
LEFT_OUT = {
    *("id", "mlflow_run_id", "mlflow_version"),
    *("created_at", "computed_at", "scored_at", "loaded_at", "trained_at", "decided_at", "seen_at"),
}
"""When a row was made, and numbers that count attempts: all else has to be the same to the last bit."""


def world(finished: int, rounds: int, seasons: int) -> SimulatedWorld:
    """The simulated championship with the first ``rounds`` races of each season, ``finished`` of them run in the last."""
    drawn = simulated.simulate(seasons, SEED, SEASON, finished)
    kept = set(drawn.bundle.tables["races"].query("round <= @rounds")["race_key"])
    tables = {
        name: frame[frame["race_key"].isin(kept)].reset_index(drop=True) if "race_key" in frame else frame
        for name, frame in drawn.bundle.tables.items()
    }
    bundle = replace(drawn.bundle, tables=tables, digest=f"{drawn.bundle.digest[:48]}-{rounds}")
    return replace(drawn, bundle=bundle)


def day_after(drawn: SimulatedWorld, finished: int) -> str:
    """Noon after the last race that was run, for the pipeline's clock."""
    races = drawn.bundle.tables["races"].query("season == @SEASON")
    start: datetime = races["start_at"].iloc[finished - 1]
    return (start + timedelta(days=1)).isoformat()


# --- processes -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Place:
    """Where an installation is."""

    home: Path
    database: str | None = None
    environment: Mapping[str, str] = field(default_factory=dict)

    def enter(self, now: str) -> None:
        """Make it the installation of this process."""
        os.environ |= {**SETTINGS, "F1_HOME": str(self.home), "F1_NOW": now, **self.environment}
        if self.database:
            os.environ["F1_DATABASE_URL"] = self.database
        get_settings.cache_clear()


def fork(work: Callable[[], object], log: Path) -> int:
    """Run something in a process of its own, which begins with everything imported; its id.

    A process that imports the product anew takes longer for that than for an update of this world.
    """
    child = os.fork()
    if child:
        return child
    code = 70
    try:
        with log.open("a") as out:
            os.dup2(out.fileno(), 1)
            os.dup2(out.fileno(), 2)
        work()
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 70
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def ended(child: int) -> int:
    """Wait for a process: its exit code, negative for the signal that ended it."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def asked(work: Callable[[], T], log: Path) -> T:
    """The answer of something that runs in a process of its own: no connection is open when the next one is forked.

    Raises:
        RuntimeError: it failed; the log says why.
    """
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "answer"
        code = ended(fork(lambda: file.write_bytes(pickle.dumps(work())), log))
        if code:
            raise RuntimeError(f"a helper ended with {code}: {log.read_text()[-2000:]}")
        answer: T = pickle.loads(file.read_bytes())  # noqa: S301 - written a moment ago by this program
        return answer


def update(place: Place, drawn: SimulatedWorld, now: str, fault: Callable[[], None] | None = None) -> int:
    """Start `f1 update` in a process of its own, with a fault that is prepared in it; its id."""

    def run() -> None:
        from f1_pipeline.cli import main

        place.enter(now)
        simulated.simulate = lambda *_: drawn
        if fault is not None:
            fault()
        sys.argv = ["f1", "update"]
        main()

    return fork(run, place.home.with_suffix(".log"))


# --- faults, prepared inside the process that they hit ---------------------------------------------------


def _each_moment(work: Callable[[int], object]) -> Callable[[], None]:
    """Something happens before each statement and commit, whichever database it is for: tables, Dagster or MLflow."""

    def prepare() -> None:
        seen = [0]

        def one(*_: Any) -> None:
            seen[0] += 1
            work(seen[0])

        for name in ("before_cursor_execute", "commit"):
            event.listen(Engine, name, one)

    return prepare


def count_moments(file: Path) -> Callable[[], None]:
    """Not a fault: writes down how many moments there are at which a run can be killed."""
    return _each_moment(lambda number: file.write_text(str(number)))


def at_moment(moment: int, work: Callable[[], object]) -> Callable[[], None]:
    """Something happens at the moment of this number."""
    return _each_moment(lambda number: work() if number == moment else None)


def kill_at(moment: int) -> Callable[[], None]:
    """SIGKILL at a moment: nothing is cleaned up, flushed or let go of."""
    return at_moment(moment, lambda: os.kill(os.getpid(), signal.SIGKILL))


def restart_at(moment: int, command: list[str]) -> Callable[[], None]:
    """The server of the tables is restarted at a moment, in the middle of a transaction or between two."""
    return at_moment(moment, lambda: subprocess.run(command, check=True, stdout=subprocess.DEVNULL))


def source_down() -> None:
    """Nothing is within reach, as the HTTP layer says it after its last attempt."""

    def refuse(*_: Any) -> SimulatedWorld:
        raise SourceUnavailable("simulated: no answer after 5 attempts")

    simulated.simulate = refuse  # type: ignore[assignment]


def fill_at(moment: int, disk: Path, left: int) -> Callable[[], None]:
    """The file system on which the server of the tables lies has only so many bytes left from a moment on."""

    def fill() -> None:
        state = os.statvfs(disk)
        with (disk / BALLAST).open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, max(state.f_bavail * state.f_frsize - left, 1))

    return at_moment(moment, fill)


def make_room(disk: Path, restart: list[str]) -> None:
    """Take away what fills it, and start the server again: without room for its log it ends as a whole."""
    (disk / BALLAST).unlink(missing_ok=True)
    subprocess.run(restart, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def disk_full(pages: int) -> Callable[[], None]:
    """The file of the tables may grow by so many pages, then SQLite says that the disk is full."""

    def prepare() -> None:
        engine = engines.get_engine(get_settings().tables_url)
        with engine.connect() as connection:
            held = int(connection.exec_driver_sql("PRAGMA page_count").scalar_one())
        engine.dispose()

        def limit(connection: Any, _record: Any) -> None:
            connection.execute(f"PRAGMA max_page_count={held + pages}")

        event.listen(engine, "connect", limit)

    return prepare


def impatient() -> None:
    """Wait a moment for a lock instead of a minute."""
    engines._BUSY_SECONDS = 0.2  # type: ignore[assignment]


@contextlib.contextmanager
def locked(file: Path) -> Iterator[None]:
    """Another program holds the write lock of the tables."""
    holder = sqlite3.connect(file, isolation_level=None)
    try:
        holder.execute("BEGIN IMMEDIATE")
        yield
        holder.execute("ROLLBACK")
    finally:
        holder.close()


# --- tables ----------------------------------------------------------------------------------------------


def read(place: Place, now: str) -> Tables:
    """All tables of an installation, without what is left out of a comparison."""

    def work() -> Tables:
        place.enter(now)
        return tables_of(engines.get_engine(get_settings().tables_url))

    return asked(work, place.home.with_suffix(".log"))


def tables_of(engine: Engine) -> Tables:
    """All tables of a database, in the order of their rows' content."""
    found = {}
    for name, table in schema.metadata.tables.items():
        frame = reads.read_table(engine, table)
        frame = frame.drop(columns=[column for column in frame if column in LEFT_OUT])
        # JSON columns hold what cannot be compared or sorted.
        frame = frame.map(lambda value: repr(value) if isinstance(value, dict | list) else value)
        found[name] = frame.sort_values(list(frame.columns), ignore_index=True)
    return found


def has_tables(place: Place, now: str) -> bool:
    """Whether the migrations have come to their end."""

    def work() -> bool:
        from f1_pipeline.storage import migrate

        place.enter(now)
        url = get_settings().tables_url
        return migrate.current(url) == migrate.head()

    return asked(work, place.home.with_suffix(".log"))


def differences(left: Tables, right: Tables) -> list[str]:
    """Tables that are not the same, bit for bit, and the first difference of each."""
    found = []
    for name, frame in left.items():
        try:
            pd.testing.assert_frame_equal(frame, right[name], check_exact=True)
        except AssertionError as error:
            found.append(f"{name}: {str(error).strip()}")
    return found


_WRITERS = ("race_key", "horizon", "kind", "table_name")
"""Columns that say whose rows they are: a part that one write replaces."""
_ONE_MODEL = {"models": ["race_key", "horizon", "name"], "model_decisions": ["horizon", "name"]}
"""Tables that each model of a run writes by itself."""
_MANY_WRITES = ("data_loads",)
"""Grows with every write of any table."""


def halves(now: Tables, before: Tables, after: Tables) -> list[str]:
    """Parts that are neither as they were before the update nor as they are after it: lost, doubled or half."""
    wrong = []
    for name, frame in now.items():
        if name in _MANY_WRITES:
            continue
        by = [column for column in _WRITERS if column in frame] if "race_key" in frame else []
        by = _ONE_MODEL.get(name, by)
        states = [_parts(tables[name], by) for tables in (now, before, after)]
        for part in set().union(*states):
            held, old, new = (state.get(part, 0) for state in states)
            if held not in (old, new):
                wrong.append(f"{name} {part}")
    return wrong


def _parts(frame: pd.DataFrame, by: list[str]) -> dict[tuple[object, ...], int]:
    if frame.empty:
        return {}
    rows = pd.util.hash_pandas_object(frame.astype("string").fillna("∅").agg("|".join, axis=1), index=False)
    keys = list(zip(*(frame[column] for column in by), strict=True)) if by else [("",)] * len(frame)
    parts: dict[tuple[object, ...], list[int]] = {}
    for key, row in zip(keys, rows, strict=True):
        parts.setdefault(key, []).append(int(row))
    return {key: hash(tuple(sorted(values))) for key, values in parts.items()}
