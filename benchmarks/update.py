"""How long an update takes, stage by stage, and what of it Dagster, MLflow and the database cost.

    python benchmarks/update.py ARCHIVE.zip [--next NEXT.zip] [--from 2010]

Runs a first update in a temporary home, one with nothing new and, with ``--next``, one with the archive of a race later, by
one process and by two; and the bare work of the same stages without database, Dagster or MLflow. Prints seconds, seconds of
computing (of all threads: they mean something on a machine that others use too) and ratios side by side. Some ten minutes on
two cores.
"""

from __future__ import annotations

import argparse
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from unittest.mock import patch

import pandas as pd
from threadpoolctl import threadpool_limits

from f1_pipeline.domain.vocabulary import BASELINES, COMBINED, HORIZONS, REGISTERED, RETIREMENT
from f1_pipeline.forecasting.history import History, build_history

T = TypeVar("T")


@dataclass(frozen=True)
class Spent:
    """Seconds on the clock, and seconds of computing in all threads."""

    clock: float
    computing: float

    def __str__(self) -> str:
        return f"{self.clock:.1f} s ({self.computing:.1f} s of computing)"

    def __add__(self, other: Spent) -> Spent:
        return Spent(self.clock + other.clock, self.computing + other.computing)

    def over(self, bare: Spent) -> str:
        """How many times as long as the bare work."""
        return (
            f"{self.clock / bare.clock:.2f} times the bare work, "
            f"{self.computing / bare.computing:.2f} times its computing"
        )


def timed(work: Callable[[], T]) -> tuple[Spent, T]:
    began, computed = time.monotonic(), time.process_time()
    result = work()
    return Spent(time.monotonic() - began, time.process_time() - computed), result


def by_two_processes(home: Path) -> Spent:
    """An update in a copy of a home; the computing is that of both processes."""
    from f1_pipeline.settings import get_settings
    from f1_pipeline.update import run_update

    copy = home.with_name(f"{home.name}-two")
    shutil.copytree(home, copy)
    os.environ |= {"F1_HOME": str(copy), "F1_PROCESSES": "2"}
    get_settings.cache_clear()
    before = os.times()
    try:
        spent, _ = timed(lambda: run_update(get_settings(), lambda _: None))
    finally:
        shutil.rmtree(copy)
        os.environ |= {"F1_HOME": str(home), "F1_PROCESSES": "1"}
        get_settings.cache_clear()
    after = os.times()
    second = after.children_user + after.children_system - before.children_user - before.children_system
    return Spent(spent.clock, spent.computing + second)


def updated(title: str) -> dict[str, Spent]:
    """Run an update and print what its stages took; the stages by name."""
    from f1_pipeline.runs import Report, Runs
    from f1_pipeline.settings import get_settings
    from f1_pipeline.update import run_update

    stages: dict[str, Spent] = {}

    class Timed(Runs):
        def run(self, job: str, stage: str, *args: Any, **more: Any) -> None:
            spent, _ = timed(lambda: super(Timed, self).run(job, stage, *args, **more))
            stages[stage] = stages.get(stage, Spent(0, 0)) + spent

    def run() -> Report:
        with patch("f1_pipeline.runs.Runs", Timed):
            return run_update(get_settings(), lambda line: print("  " + line, flush=True))

    whole, report = timed(run)
    print(f"\n{title}: {whole}, {report.changed_races} races changed")
    for stage, spent in stages.items():
        print(f"  {stage:<32} {spent}")
    return stages


def bare_walk_forward(history: History, matrices: dict[str, pd.DataFrame], first: int, threads: int) -> None:
    """All fits and forecasts of the history, with nothing around them."""
    from f1_pipeline.forecasting.models import LinearOrder, make, make_win
    from f1_pipeline.forecasting.predict import ModelForecast, add_combined, prediction_rows, race_seed
    from f1_pipeline.forecasting.training import labelled, trained_for, training_set

    raced = history.races["race_key"].isin(history.starters["race_key"])
    known = history.races[raced]
    order = known.set_index("race_key")["order"]
    due = known.loc[known["season"] >= first, "race_key"].tolist()
    for horizon in HORIZONS:
        matrix, rows = matrices[horizon], labelled(matrices[horizon], history)
        version = trained_for(known[["race_key", "season"]], 2, "race", "season")
        wanted = sorted({version[race] for race in due}, key=lambda race: int(order[race]))

        def fit(job: tuple[str, str], rows: pd.DataFrame = rows, horizon: str = horizon) -> object:
            name, race = job
            return make(name, horizon, 1).fit(training_set(rows, int(order[race]), 1990))

        jobs = [(name, race) for name in REGISTERED for race in wanted]
        with threadpool_limits(1), ThreadPoolExecutor(threads) as pool:
            fitted = dict(zip(jobs, pool.map(fit, jobs), strict=True))
        for race in due:
            here = matrix[matrix["race_key"] == race].sort_values("driver_id")
            if here.empty:
                continue
            made = {}
            for name in REGISTERED:
                model = fitted[name, version[race]]
                covariance = model.covariance(here) if isinstance(model, LinearOrder) else None
                made[name] = ModelForecast(1, model.predict(here), covariance=covariance)
            retirement = made.pop(RETIREMENT).win
            past = training_set(rows, int(order[race]), 1990)
            for name in BASELINES[horizon]:
                made[name] = ModelForecast(0, make_win(name, horizon, 1).fit(past).win_probability(here))
            made = add_combined(made, dict.fromkeys(COMBINED, 1), retirement)
            prediction_rows(here, horizon, made, retirement, 2000, race_seed(1, race, horizon))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("archive", type=Path)
    parser.add_argument("--next", type=Path)
    parser.add_argument("--from", dest="first", type=int, default=2010)
    options = parser.parse_args()
    archive = options.archive.resolve()
    with tempfile.TemporaryDirectory() as home:
        os.environ |= {
            "F1_HOME": home,
            "F1_F1DB_ARCHIVE": str(archive),
            "F1_SOURCE": "f1db",
            "F1_FORECAST_FROM_SEASON": str(options.first),
            "F1_PROCESSES": "1",  # whose stages are timed here
        }
        from f1_pipeline.forecasting.elo import elo_ratings
        from f1_pipeline.forecasting.features import feature_matrix
        from f1_pipeline.forecasting.joint_rating import Championships, joint_ratings
        from f1_pipeline.forecasting.joint_state import JointConfig
        from f1_pipeline.settings import get_settings
        from f1_pipeline.sources.f1db import parse_archive
        from f1_pipeline.update import run_update

        stages = updated("first update")
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
        features, matrices = timed(
            lambda: {horizon: feature_matrix(history, ratings, joints, horizon) for horizon in HORIZONS}
        )
        walk, _ = timed(lambda: bare_walk_forward(history, matrices, options.first, 2))
        print(f"\nwith nothing new: {idle}")
        for name, spent in (("parse", parse), ("Elo", elo), ("joint rating", joint), ("features", features)):
            print(f"bare {name}: {spent}")
        print(f"bare fits and draws: {walk}")
        taken = stages["ingest"] + stages["ratings and features"]
        print(f"ingest, ratings and features: {taken}, {taken.over(parse + elo + joint + features)}")
        first, second = (stages[f"train and forecast, {horizon}"] for horizon in HORIZONS)
        print(f"walk-forward with MLflow: {first + second}, {(first + second).over(walk)}")
        if options.next:
            os.environ["F1_F1DB_ARCHIVE"] = str(options.next.resolve())
            both = by_two_processes(Path(home))
            updated("one race later")
            print(f"by two processes: {both}")


if __name__ == "__main__":
    main()
