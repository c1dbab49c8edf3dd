"""What parameters were fitted and measured with can be run again: each command on a short span of the real archive."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.mark.archive
@pytest.mark.parametrize(
    ("command", "said"),
    [
        (
            [
                "fit_rating.py",
                "--scored-from",
                "2021",
                "--to",
                "2021",
                "--test-to",
                "2022",
                "--iterations",
                "1",
            ],
            "2022 to 2022, pre_race: winner",
        ),
        (["championship.py", "--from", "2021", "--to", "2021", "--draws", "50"], "champion log loss"),
    ],
)
def test_it_runs(archives: Path, command: list[str], said: str) -> None:
    script, *options = command
    done = subprocess.run(
        [
            sys.executable,
            str(ROOT / "benchmarks" / script),
            str(archives / "f1db" / "f1db-csv.zip"),
            *options,
        ],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert said in done.stdout
