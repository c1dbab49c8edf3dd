"""Fit the parameters of the joint rating again, on races of 1968 to 2009. Nothing later is read.

    python benchmarks/fit_rating.py ARCHIVE.zip [--evaluations 1100]

Prints the parameters whenever they improve (some eight minutes on one core). The criterion is the Plackett-Luce log
likelihood of the finishers of 1985 to 2009, ten places deep with falling weights, under a softmax of the rating before
the weekend, and with weight .5 after qualifying.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.optimize import minimize

from f1_pipeline.forecasting.history import build_history
from f1_pipeline.forecasting.joint_rating import Championships, JointConfig, run_filter
from f1_pipeline.forecasting.pace import RaceScale
from f1_pipeline.sources.f1db import parse_archive

FIRST, SCORED_FROM, LAST = 1968, 1985, 2009
PLACES = (1.0, 0.7, 0.6, 0.5, 0.45, 0.4, 0.35, 0.3, 0.25, 0.2)
START = {
    "noise_qualifying": 0.9,
    "noise_race": 0.5,
    "huber": 1.75,
    "team_drift": 0.1,
    "driver_drift": 0.03,
    "team_start_mean": -1.3,
    "team_start": 1.0,
    "driver_start_mean": -0.1,
    "driver_start": 0.6,
    "season_keep": 0.6,
    "season_spread": 0.33,
    "rank": 1.3,
    "gap": 1.15,
    "slope_weekend": 1.9,
    "slope_race": 1.9,
}
SIGNED = {"team_start_mean", "driver_start_mean"}


def decode(x: np.ndarray) -> dict[str, float]:
    return {name: float(v if name in SIGNED else np.exp(v)) for name, v in zip(START, x, strict=True)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("archive", type=Path)
    parser.add_argument("--evaluations", type=int, default=1100)
    options = parser.parse_args()
    tables = parse_archive(options.archive, "local", "").tables
    races = tables["races"]
    keys = set(races.loc[races["season"].between(FIRST, LAST), "race_key"])
    tables = {
        name: frame[frame["race_key"].isin(keys)] if "race_key" in frame.columns else frame
        for name, frame in tables.items()
    }
    history = build_history(tables)
    world = Championships(history.races, history.entries, tables)
    starters = history.starters[history.starters["classified"]].set_index(["race_key", "driver_id"])["finish"]
    who = pd.MultiIndex.from_frame(world.entries[["race_key", "driver_id"]])
    finish = starters.reindex(who).to_numpy(dtype=float)

    def criterion(x: np.ndarray) -> float:
        p = decode(x)
        slope = {"pre_weekend": p.pop("slope_weekend"), "pre_race": p.pop("slope_race")}
        scale = RaceScale(p.pop("rank"), p.pop("gap"))
        config = JointConfig(**p, noise_sprint=p["noise_race"], scale=scale)
        total = count = 0.0
        for weekend, horizon, rating in run_filter(world, config):
            if weekend.season < SCORED_FROM:
                continue
            places = finish[weekend.entry_ids]
            known = ~np.isnan(places)
            score = slope[horizon] * rating[4][known][np.argsort(places[known])]
            weight = 1.0 if horizon == "pre_weekend" else 0.5
            for place, share in enumerate(PLACES[: max(len(score) - 1, 0)]):
                left = score[place:]
                total += weight * share * (np.logaddexp.reduce(left) - left[0])
            count += weight
        return total / count

    best, began, calls = np.inf, time.monotonic(), 0

    def tell(x: np.ndarray) -> float:
        nonlocal best, calls
        calls += 1
        value = criterion(x)
        if value < best - 1e-4:
            best = value
            rounded = {name: round(v, 3) for name, v in decode(x).items()}
            print(f"{calls:5d} {time.monotonic() - began:6.0f} s {value:.4f} {rounded}", flush=True)
        return value

    start = np.array([v if name in SIGNED else np.log(v) for name, v in START.items()])
    simplex = np.vstack([start, start + 0.25 * np.eye(len(start))])
    minimize(
        tell,
        start,
        method="Nelder-Mead",
        options={"maxfev": options.evaluations, "initial_simplex": simplex, "adaptive": True},
    )


if __name__ == "__main__":
    main()
