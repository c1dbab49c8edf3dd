"""``f1 replay``: a race weekend that one can watch."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from f1_pipeline.cli.output import console, notices, print_table
from f1_pipeline.rehearsal import Daemon, Performance, archives_in, rehearse
from f1_pipeline.replay import hungary_2026
from f1_pipeline.runs import UpdateFailed


def replay(archives: Path, faults: bool, home: Path | None, daemon: bool) -> None:
    """Play it, and print a table of its moments.

    Raises:
        NotReady: an archive is missing, or the home is not empty.
        UpdateFailed: a run failed.
    """
    timeline = hungary_2026(archives_in(archives.expanduser().resolve()), faulty=faults)
    with tempfile.TemporaryDirectory(prefix="f1-replay-") as scratch:
        place = Path(scratch) / "home" if home is None else home.expanduser().resolve()
        done = rehearse(
            timeline,
            place,
            lambda line: notices.print(line, soft_wrap=True, markup=False),
            daemon=Daemon(ui=True) if daemon else None,
        )
    print_table(moments(done))
    last = done.scenes[-1]
    console.print(f"{last.jolpica} requests to Jolpica, {last.f1db} to F1DB, in all.")
    if home is not None:
        console.print(
            f"The tables are in {place}: F1_HOME={place} f1 forecast {timeline.race_key}", soft_wrap=True
        )
    if done.failed_runs:
        raise UpdateFailed(f"failed: {', '.join(done.failed_runs)}")


def moments(done: Performance) -> pd.DataFrame:
    """One row for each moment: what was run, and what there was then. ``requests``: to Jolpica so far."""
    return pd.DataFrame(
        {
            "time (UTC)": [f"{scene.moment.at:%a %d %b %H:%M}" for scene in done.scenes],
            "moment": [scene.moment.name for scene in done.scenes],
            "runs": [_counted(scene.runs) or "-" for scene in done.scenes],
            "next race": [scene.next_race or "-" for scene in done.scenes],
            "forecast": [
                " + ".join(name.removeprefix("pre_") for name in scene.forecasts) or "-"
                for scene in done.scenes
            ],
            "result": [scene.result or "-" for scene in done.scenes],
            "versions": [scene.versions for scene in done.scenes],
            "scored": ["yes" if scene.scored else "-" for scene in done.scenes],
            "requests": [scene.jolpica for scene in done.scenes],
        }
    )


def _counted(runs: Sequence[str]) -> str:
    """``watch x3, update``: a day of automatic looks in the width of a column."""
    counts = Counter(runs)
    return ", ".join(name if number == 1 else f"{name} x{number}" for name, number in counts.items())
