"""How long an update takes, stage by stage, and what of it Dagster and MLflow cost.

    python benchmarks/update.py ARCHIVE.zip

Runs a first update in a temporary home, then one with nothing new, then the bare work of the same stages without
database, Dagster or MLflow, and prints seconds and ratios side by side. Some six minutes on two cores.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path


def timed(work: Callable[[], object]) -> tuple[float, object]:
    began = time.monotonic()
    result = work()
    return time.monotonic() - began, result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("archive", type=Path)
    archive = parser.parse_args().archive.resolve()
    with tempfile.TemporaryDirectory() as home:
        os.environ |= {"F1_HOME": home, "F1_F1DB_ARCHIVE": str(archive), "F1_SOURCE": "f1db"}
        import pandas as pd

        from f1_pipeline.forecasting.elo import elo_ratings
        from f1_pipeline.forecasting.features import HORIZONS, feature_matrix
        from f1_pipeline.forecasting.history import build_history
        from f1_pipeline.forecasting.joint_rating import Championships, JointConfig, joint_ratings
        from f1_pipeline.settings import get_settings
        from f1_pipeline.sources.f1db import parse_archive
        from f1_pipeline.update import run_update

        first, report = timed(lambda: run_update(get_settings(), lambda line: print("  " + line, flush=True)))
        idle, _ = timed(lambda: run_update(get_settings(), lambda _: None))
        parse, bundle = timed(lambda: parse_archive(archive, "local", ""))
        tables = bundle.tables
        history = build_history(tables)
        elo, ratings = timed(
            lambda: pd.concat(
                [elo_ratings(history.starters, history.entries, kind) for kind in ("driver", "constructor")]
            )
        )
        joint, joints = timed(
            lambda: joint_ratings(Championships(history.races, history.entries, tables), JointConfig())
        )
        features, _ = timed(
            lambda: [feature_matrix(history, ratings, joints, horizon) for horizon in HORIZONS]
        )
        print(f"\nfirst update      {first:7.1f} s   with nothing new {idle:.1f} s")
        for stage, seconds in report.seconds.items():
            print(f"  {stage:<32} {seconds:7.1f} s")
        bare = parse + elo + joint + features
        taken = report.seconds["ingest"] + report.seconds["ratings and features"]
        print(
            f"bare: parse {parse:.1f} s, Elo {elo:.1f} s, joint rating {joint:.1f} s, features {features:.1f} s"
        )
        print(f"ingest, ratings and features: {taken:.1f} s, {taken / bare:.1f} times the bare work")


if __name__ == "__main__":
    main()
