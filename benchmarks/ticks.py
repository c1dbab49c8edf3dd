"""What a tick of a sensor costs when nothing is new: seconds, and requests to the sources.

    python benchmarks/ticks.py --archives FOLDER [--times 5]

Plays the weekend of Hungary 2026 with both sources well, on the tables of the whole history but without forecasts, so that
nothing is trained (``f1 replay`` says what ``FOLDER`` holds). Every tick that asks for a run is left out, and the first
of each sensor: a code server imports once what a tick needs. Seconds of computing mean something on a machine that others use
too. Some four minutes on two cores.
"""

from __future__ import annotations

import argparse
import logging
import statistics
import tempfile
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from f1_pipeline.rehearsal import SETTINGS, Tick, archives_in, rehearse
from f1_pipeline.replay import Moment, Timeline, hungary_2026

NAMES = ("thursday", "before qualifying", "after qualifying", "during the race", "empty result")


def quiet_weekend(archives: Path, times: int) -> Timeline:
    """Moments of the weekend at which nothing is new, each so many times, five minutes apart."""
    timeline = hungary_2026(archives_in(archives), faulty=False)
    faults = hungary_2026(archives_in(archives)).jolpica_faults
    late = [replace(fault, end=None) for fault in faults if fault.kind == "empty"]
    moments = [
        Moment(moment.at + number * timedelta(minutes=5), f"{moment.name} {number}", moment.shows)
        for moment in timeline.moments
        if moment.name in NAMES
        for number in range(times)
    ]
    return replace(timeline, moments=tuple(moments), jolpica_faults=tuple(late))


def main() -> None:
    """Play, and print a line for each sensor."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--archives", type=Path, required=True)
    parser.add_argument("--times", type=int, default=5)
    chosen = parser.parse_args()
    logging.disable(logging.WARNING)
    with tempfile.TemporaryDirectory(prefix="f1-ticks-") as scratch:
        done = rehearse(
            quiet_weekend(chosen.archives.expanduser().resolve(), chosen.times),
            Path(scratch) / "home",
            logging.getLogger(__name__).info,
            settings={**SETTINGS, "F1_FORECAST_FROM_SEASON": "2100"},
        )
    for sensor in sorted({tick.sensor for tick in done.ticks}):
        report(sensor, [tick for tick in done.ticks if tick.sensor == sensor][1:])


def report(sensor: str, ticks: list[Tick]) -> None:
    """A line for each number of requests that a tick with nothing new made."""
    quiet = [tick for tick in ticks if not tick.ran]
    for requests in sorted({tick.requests for tick in quiet}):
        some = [tick for tick in quiet if tick.requests == requests]
        seconds, computing = [tick.seconds for tick in some], [tick.computing for tick in some]
        print(
            f"{sensor:17} {requests} requests: {len(some):3} ticks, "
            f"median {statistics.median(seconds):.3f} s, longest {max(seconds):.3f} s; "
            f"computing {statistics.median(computing):.3f} s, most {max(computing):.3f} s"
        )


if __name__ == "__main__":
    main()
