"""A season played race by race, once in peace and once with faults: the tables have to end the same, bit for bit.

    python benchmarks/soak.py [--races 8] [--kills 40] [--faults 12] [--seed 1] [--history 2]
                              [--databases CLEAN_URL FAULTY_URL] [--restart COMMAND] [--disk FOLDER] [--only FAULT ...]

Small simulated world, one `f1 update` after each race. In the second installation every update is first killed with SIGKILL,
``kills`` times over the season, before a statement or commit that is drawn at random, whichever database it is for; after each
kill every part of every table (a race and horizon, say) has to be as before the update or as after it. Then come
``faults`` other faults, drawn at random too: source out of reach, two updates at once, tables locked by another
program (SQLite), disk full, server of the tables restarted (PostgreSQL), clock a month back or ahead. One more update has
to heal everything. Ends with 1 if anything is lost, doubled, half or different. The same seed gives the same faults at the
same moments.

On PostgreSQL the disk is filled where ``--disk`` names a small file system on which the server lies, log of
transactions and all, and ``--restart`` the command that starts it again.
"""

from __future__ import annotations

import argparse
import importlib
import random
import re
import shlex
import sys
import tempfile
import time
import warnings
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import soak_parts as parts
from soak_parts import Place, Tables

from f1_pipeline.sources.simulated import SimulatedWorld

IMPORTED = (
    *("f1_pipeline.cli.app", "f1_pipeline.definitions", "f1_pipeline.dagster_instance"),
    *("f1_pipeline.update", "f1_pipeline.automation.watch", "f1_pipeline.storage.migrate"),
    *("mlflow.sklearn", "mlflow.xgboost", "skops.io", "xgboost"),
    *("f1_pipeline.dagster_store.event_log", "mlflow.store.tracking.sqlalchemy_store"),
)
"""What every update needs: imported once, before the first fork."""

SURVIVED = ("two at once", "clock back", "clock ahead")
SOMETIMES_SURVIVED = ("restart", "disk full")
SAYS = {
    "source down": "no answer after 5 attempts",
    "locked": "is locked by another program",
    "disk full": "the disk (of the database server )?is full",
    "restart": "the database server went away",
    **dict.fromkeys(SURVIVED, "(nothing: it goes well)"),
}
"""What the command says when a fault stops it, in place of a traceback."""
SERVER_GONE = f"{SAYS['disk full']}|{SAYS['restart']}"
"""A PostgreSQL server without room for its log ends, and all that is seen of it is that it went away."""


@dataclass
class Soak:
    """Both installations, and what happened."""

    folder: Path
    rng: random.Random
    databases: list[str] | None = None
    restart: list[str] = field(default_factory=list)
    disk: Path | None = None
    only: list[str] | None = None
    happened: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    before: Tables = field(default_factory=dict)
    clock: str = ""

    def __post_init__(self) -> None:
        clean, faulty = self.databases or (None, None)
        self.clean, self.faulty = Place(self.folder / "clean", clean), Place(self.folder / "faulty", faulty)

    def race(self, drawn: SimulatedWorld, finished: int, kills: int, faults: int) -> None:
        """One race: in peace, then with faults."""
        now = self.clock = parts.day_after(drawn, finished)
        counted = self.folder / "moments"
        self._must(parts.update(self.clean, drawn, now, parts.count_moments(counted)), "clean update")
        after = parts.read(self.clean, now)
        moments = int(counted.read_text())
        drawn_faults = ["kill"] * kills + [self._draw() for _ in range(faults)]
        self.rng.shuffle(drawn_faults)
        # Those that an update survives come last: after them there is nothing left to disturb.
        for kind in sorted(drawn_faults, key=lambda kind: (kind in SURVIVED, kind in SOMETIMES_SURVIVED)):
            if kind == "kill":
                self._kill(self.rng.randint(1, moments * 9 // (10 * kills)), drawn, now, finished, after)
            else:
                self._fault(kind, drawn, now, finished, after, moments)
        self._must(parts.update(self.faulty, drawn, now), "healing update")
        for line in parts.differences(after, parts.read(self.faulty, now)):
            self.wrong.append(f"race {finished}, healed: {line}")
        self.before = after

    def _kill(self, moment: int, drawn: SimulatedWorld, now: str, finished: int, after: Tables) -> None:
        code = parts.ended(parts.update(self.faulty, drawn, now, parts.kill_at(moment)))
        self.happened[
            "killed" if code == -9 else "ended before its kill (by what another fault left to do)"
        ] += 1
        if code not in (0, -9):
            self.wrong.append(f"race {finished}: killed update ended with {code}")
        self._look(f"race {finished}, killed at {moment}", now, after)

    def _draw(self) -> str:
        kinds = ["source down", *SURVIVED]
        if self.databases is None:
            kinds += ["locked", "disk full"]
        else:
            kinds += ["restart"] * bool(self.restart) + ["disk full"] * bool(self.disk)
        return self.rng.choice(self.only or kinds)

    def _fault(
        self, kind: str, drawn: SimulatedWorld, now: str, finished: int, after: Tables, moments: int
    ) -> None:
        self.happened[kind] += 1
        codes: list[int]
        says = SAYS[kind]
        log = self.faulty.home.with_suffix(".log")
        said_before = log.stat().st_size if log.exists() else 0
        if kind == "two at once":
            both = [parts.update(self.faulty, drawn, now) for _ in range(2)]
            codes = [parts.ended(child) for child in both]
            expected = {0}
        elif kind.startswith("clock"):
            days = 30 if kind == "clock ahead" else -30
            moved = (datetime.fromisoformat(now) + timedelta(days=days)).isoformat()
            codes, expected = [parts.ended(parts.update(self.faulty, drawn, moved))], {0}
        elif kind == "source down":
            codes, expected = [parts.ended(parts.update(self.faulty, drawn, now, parts.source_down))], {1}
        elif kind == "restart":
            hit = parts.restart_at(self.rng.randint(1, moments // 2), self.restart)
            codes, expected = [parts.ended(parts.update(self.faulty, drawn, now, hit))], {0, 1}
        elif kind == "disk full" and self.disk is not None:
            says = SERVER_GONE
            moment, left = self.rng.randint(1, moments // 2), self.rng.choice([0, 1 << 16, 1 << 20, 1 << 24])
            full = parts.fill_at(moment, self.disk, left)
            try:
                codes, expected = [parts.ended(parts.update(self.faulty, drawn, now, full))], {0, 1}
            finally:
                parts.make_room(self.disk, self.restart)
        elif kind == "disk full":
            # Few: one race more is some hundred kB, much of which goes into pages that were free.
            full = parts.disk_full(self.rng.choice([0, 1, 5, 20, 60]))
            codes, expected = [parts.ended(parts.update(self.faulty, drawn, now, full))], {0, 1}
        else:
            self.faulty.home.mkdir(exist_ok=True)
            with parts.locked(self.faulty.home / "f1.db"):
                codes = [parts.ended(parts.update(self.faulty, drawn, now, parts.impatient))]
            expected = {0, 1}  # with nothing left to do there is nothing to wait for
        if not set(codes) <= expected:
            self.wrong.append(f"race {finished}: {kind} ended with {codes}")
        if 1 in codes:
            self.happened[f"{kind}, and stopped by it"] += 1
        said = log.read_bytes()[said_before:].decode()
        if "Traceback" in said or (1 in codes and not re.search(says, said)):
            self.wrong.append(f"race {finished}: {kind} is not told in words: {said[-1500:]}")
        self._look(f"race {finished}, {kind}", now, after)

    def _look(self, when: str, now: str, after: Tables) -> None:
        if not parts.has_tables(self.faulty, now):
            return
        held = parts.read(self.faulty, now)
        nothing = {name: frame.iloc[:0] for name, frame in after.items()}
        for line in parts.halves(held, self.before or nothing, after):
            self.wrong.append(f"{when}: {line}")

    def _must(self, child: int, what: str) -> None:
        code = parts.ended(child)
        if code:
            logs = "".join(file.read_text()[-3000:] for file in self.folder.glob("*.log"))
            raise SystemExit(f"{what} ended with {code}\n{logs}")


def spread(total: int, races: int) -> list[int]:
    """So many for each race, the first with the most."""
    return [total // races + (index < total % races) for index in range(races)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--races", type=int, default=8)
    parser.add_argument("--from-race", type=int, default=1)
    parser.add_argument("--kills", type=int, default=40)
    parser.add_argument("--faults", type=int, default=12)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--history", type=int, default=2)
    parser.add_argument("--databases", nargs=2, metavar=("CLEAN_URL", "FAULTY_URL"))
    parser.add_argument("--restart", default="", help="command that restarts the server of the tables")
    parser.add_argument("--disk", type=Path, help="small file system on which that server lies")
    parser.add_argument("--only", nargs="+", choices=[*SAYS], help="faults of these kinds alone")
    options = parser.parse_args()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of MLflow's own imports
        for name in IMPORTED:
            importlib.import_module(name)
    began = time.monotonic()
    numbers = range(options.from_race, options.races + 1)
    rounds = options.races + 1
    with tempfile.TemporaryDirectory() as folder:
        soak = Soak(
            Path(folder),
            random.Random(options.seed),
            options.databases,
            shlex.split(options.restart),
            options.disk,
            options.only,
        )
        kills, faults = spread(options.kills, len(numbers)), spread(options.faults, len(numbers))
        for place, number in enumerate(numbers):
            drawn = parts.world(number, rounds, options.history)
            soak.race(drawn, number, kills[place], faults[place])
            took = time.monotonic() - began
            print(f"race {number}: {dict(soak.happened)}, {len(soak.wrong)} wrong, {took:.0f} s", flush=True)
        rows = sum(map(len, soak.before.values()))
        assert len(soak.before["predictions"]), "nothing was forecast: there is no season to soak"
        assert len(soak.before["model_accuracy"]), "nothing was scored"
    for line in soak.wrong:
        print(line)
    print(
        f"seed {options.seed}: {len(numbers)} races, {dict(soak.happened)}, {rows} rows in {len(soak.before)} tables: "
        + ("DIFFERENT" if soak.wrong else "the same, bit for bit")
    )
    sys.exit(1 if soak.wrong else 0)


if __name__ == "__main__":
    main()
