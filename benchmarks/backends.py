"""The same updates on SQLite and on PostgreSQL: whether the rows are the same, and how long each takes.

    python benchmarks/backends.py ARCHIVE.zip EMPTY_DATABASE_URL [--next NEXT.zip] [--from 2025]

Runs ``f1 update`` in two temporary homes, whose tables are a SQLite file and the given PostgreSQL database; with ``--next``
again with the archive of a race later. Then compares every table, value for value. Ends with 1 if one differs.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from soak_parts import Place, differences, read

NOW = "2026-07-22T12:00:00+00:00"
"""A moment after both archives of the development data; times at which rows were made are not compared anyway."""


def environment(archive: str, season: int) -> dict[str, str]:
    """Settings of both installations."""
    return {
        "F1_SOURCE": "f1db",
        "F1_F1DB_ARCHIVE": archive,
        "F1_FORECAST_FROM_SEASON": str(season),
        "F1_DRAWS": "2000",
        "F1_RETRAIN_RECENT": "race",
        "F1_RETRAIN_RECENT_SEASONS": "2",
    }


def update(place: Place, now: str) -> float:
    """Seconds of an update; its output is kept beside the home."""
    variables = {**os.environ, "F1_HOME": str(place.home), "F1_NOW": now, **place.environment}
    variables |= {"F1_WEATHER": "off", "F1_JOLPICA_ENABLED": "false"}
    if place.database:
        variables["F1_DATABASE_URL"] = place.database
    began = time.monotonic()
    with place.home.with_suffix(".log").open("a") as log:
        subprocess.run(
            [Path(sys.executable).with_name("f1"), "update"],
            env=variables,
            stdout=log,
            stderr=log,
            check=True,
        )
    return time.monotonic() - began


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("archive")
    parser.add_argument("database")
    parser.add_argument("--next", dest="following")
    parser.add_argument("--from", dest="season", type=int, default=2025)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="f1-backends-") as folder:
        homes = {"SQLite": None, "PostgreSQL": given.database}
        for step, archive in (
            ("first", given.archive),
            ("next race", given.following),
            ("nothing new", None),
        ):
            if step == "next race" and archive is None:
                continue
            if archive is not None:
                settings = environment(archive, given.season)
                places = {name: Place(Path(folder) / name, url, settings) for name, url in homes.items()}
            took = {name: update(place, NOW) for name, place in places.items()}
            print(
                f"{step:12} "
                + ", ".join(f"{name} {seconds:.1f} s" for name, seconds in took.items())
                + f": {took['PostgreSQL'] / took['SQLite']:.2f} times",
                flush=True,
            )
        left, right = (read(place, NOW) for place in places.values())
        wrong = differences(left, right)
        rows = sum(len(frame) for frame in left.values())
        print("\n".join(wrong) or f"the same in {len(left)} tables, {rows:,} rows")
        return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
