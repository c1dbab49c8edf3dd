"""Steps of a run in a process each meet in MLflow: they begin at the same time on a store that nobody has made yet."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from f1_pipeline.settings import ROOT

STEPS = 2
STEP = """
import sys
from pathlib import Path
import mlflow  # first, since it takes longest
from f1_pipeline.registry import Registry

print("ready", flush=True)
sys.stdin.readline()
registry = Registry(sys.argv[1], Path(sys.argv[2]))
print(registry.silence() or "answers", flush=True)
"""


def test_steps_that_begin_together_find_one_store(tmp_path: Path) -> None:
    """Without a lock one of them found half of the tables, and its run failed: "MLflow does not answer"."""
    command = [
        sys.executable,
        "-W",
        "ignore",
        "-c",
        STEP,
        f"sqlite:///{tmp_path / 'mlflow.db'}",
        str(tmp_path),
    ]
    children = [
        subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            cwd=ROOT,
        )
        for _ in range(STEPS)
    ]
    try:
        for child in children:
            assert child.stdout is not None
            assert child.stdout.readline() == "ready\n"
        for child in children:
            assert child.stdin is not None
            child.stdin.write("\n")
            child.stdin.flush()
        said = [child.communicate()[0].strip() for child in children]
    finally:
        for child in children:
            child.kill()
            child.wait()
    assert said == ["answers"] * STEPS
