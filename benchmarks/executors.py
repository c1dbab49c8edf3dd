"""What a process for each step costs and whether it changes anything: the stages of an update by both executors.

    python benchmarks/executors.py [--steps 2] [--home FOLDER]

Plays the simulated championship, forecasts its newest season, and compares all tables bit for bit. Stages are started as the
Dagster UI starts them; `f1 update` and the job ``update`` are always one process. Seconds of computing mean something on a
machine that others use too; the others are those of the clock. Two to ten minutes on two cores.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from soak_parts import LEFT_OUT, Tables, differences
from sqlalchemy import create_engine

from f1_pipeline.dagster_instance import prepare_home
from f1_pipeline.dagster_store.environment import FLAGS
from f1_pipeline.settings import ROOT, Settings, get_settings
from f1_pipeline.storage import reads, schema
from f1_pipeline.storage.migrate import upgrade

SEASON = 2026
SETTINGS = {
    "F1_SOURCE": "simulated",
    "F1_SIMULATED_SEASONS": "3",
    "F1_DRAWS": "200",
    "F1_FORECAST_FROM_SEASON": str(SEASON),
    "F1_WEATHER": "off",
    "F1_JOLPICA_ENABLED": "false",
    "MLFLOW_DISABLE_TELEMETRY": "true",
}


def spans(settings: Settings) -> dict[str, tuple[str, str] | None]:
    """The stages of an update and the races of each."""
    engine = create_engine(settings.tables_url)
    calendar = reads.calendar(engine)
    calendar = calendar[~calendar["is_cancelled"]]
    keys = calendar["race_key"].tolist()
    new = calendar.loc[calendar["season"] == SEASON, "race_key"].tolist()
    run = [key for key in new if key in set(reads.race_keys_with(engine, schema.race_results))]
    engine.dispose()
    upcoming = new[len(run)]
    return {
        "rate_and_describe": (keys[0], keys[-1]),
        "forecast_pre_weekend": (new[0], upcoming),
        "forecast_pre_race": (new[0], run[-1]),
        "forecast_sprints": (new[0], run[-1]),
        "forecast_championship": (new[0], upcoming),
        "score": (new[0], run[-1]),
    }


def play(job: str, span: tuple[str, str] | None, log: Path) -> tuple[float, float]:
    """One stage in a process of its own: seconds of the clock and of computing."""
    tags = (
        {}
        if span is None
        else {
            "dagster/asset_partition_range_start": span[0],
            "dagster/asset_partition_range_end": span[1],
        }
    )
    command = [sys.executable, "-W", "ignore", "-m", "dagster", "job", "execute"]
    options = ["-m", "f1_pipeline.definitions", "-j", job, "--tags", json.dumps(tags)]
    began, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    with log.open("a") as said:
        done = subprocess.run([*command, *options], cwd=ROOT, stdout=said, stderr=said, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise SystemExit(f"{job} failed: see {log}")
    computed = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return time.monotonic() - began, computed


def build(home: Path, executor: str, steps: int) -> tuple[Tables, dict[str, tuple[float, float]]]:
    """An installation whose stages were run by one executor: its tables, and what each stage took."""
    os.environ.update(
        SETTINGS,
        F1_HOME=str(home),
        DAGSTER_HOME=str(home / "dagster"),
        F1_EXECUTOR=executor,
        F1_EXECUTOR_STEPS=str(steps),
        **FLAGS,
    )
    get_settings.cache_clear()
    settings = get_settings()
    upgrade(settings.tables_url)
    prepare_home()
    log = home / f"{executor}.log"
    took = {"read_source": play("read_source", None, log)}
    engine = create_engine(settings.tables_url)
    keys = reads.calendar(engine)["race_key"].tolist()
    took["ingest_races"] = play("ingest_races", (keys[0], keys[-1]), log)
    for job, span in spans(settings).items():
        took[job] = play(job, span, log)
    tables = {}
    for name, table in schema.metadata.tables.items():
        frame = reads.read_table(engine, table)
        frame = frame.drop(columns=[column for column in frame if column in LEFT_OUT])
        # JSON columns hold what cannot be compared or sorted.
        frame = frame.map(lambda value: repr(value) if isinstance(value, dict | list) else value)
        tables[name] = frame.sort_values(list(frame.columns), ignore_index=True)
    engine.dispose()
    return tables, took


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--steps", type=int, default=2, help="steps at a time (default: 2)")
    parser.add_argument("--home", type=Path, help="an empty folder to keep both installations in")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="f1-executors-") as scratch:
        home = given.home or Path(scratch)
        one, took_one = build(home / "in_process", "in_process", given.steps)
        many, took_many = build(home / "multiprocess", "multiprocess", given.steps)
        print(f"{'stage':<24}{'in process':>22}{'a process each':>22}   (seconds: clock, computing)")
        for job, (clock, computed) in took_one.items():
            other = took_many[job]
            print(f"{job:<24}{clock:>14.1f}{computed:>8.1f}{other[0]:>14.1f}{other[1]:>8.1f}")
        found = differences(one, many)
        print("\n".join(found) or f"the same rows in all {len(one)} tables")
        if found:
            raise SystemExit(1)


if __name__ == "__main__":
    main()
