"""Fit the parameters of the joint rating again. Nothing after the last season named is read.

    python benchmarks/fit_rating.py ARCHIVE.zip [--to 2021] [--scored-from 2000] [--half-life 8] [--evaluations 400]

Prints the parameters whenever they improve (some two seconds each on one core). The criterion is the Plackett-Luce log
likelihood of the first three places, under a softmax of the rating before the weekend, and with weight .6 after
qualifying, when the grid counts too. The winner counts twice: it is what forecasts are scored by.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.optimize import minimize

from f1_pipeline.forecasting.history import build_history
from f1_pipeline.forecasting.joint_rating import Championships, run_filter
from f1_pipeline.forecasting.joint_state import JointConfig
from f1_pipeline.forecasting.pace import RaceScale
from f1_pipeline.sources.f1db import parse_archive

RUN_IN = 25
"""Seasons before the first scored one that the filter goes through, to know the teams."""
PLACES = (2.0, 0.5, 0.3)
HORIZONS = {"pre_weekend": 1.0, "pre_race": 0.6}
START = {
    "noise_qualifying": 0.93,
    "noise_race": 0.6,
    "noise_practice": 1.0,
    "huber": 1.06,
    "team_drift": 0.067,
    "driver_drift": 0.022,
    "team_start_mean": -0.39,
    "team_start": 0.7,
    "driver_start_mean": -0.045,
    "driver_start": 1.74,
    "season_keep": 0.58,
    "season_spread": 0.34,
    "offset_qualifying": 0.15,
    "offset_practice": 0.3,
    "offset_keep": 0.7,
    "weekend": 0.25,
    "rank": 0.54,
    "gap": 1.61,
    "slope_weekend": 2.0,
    "slope_race": 1.2,
    "grid": 1.1,
    "doubt": 0.5,
}
"""The parameters in force (``JointConfig``): of a fit that knew of no practice and no offsets, and of comparisons since. That
fit began from the study's."""
SIGNED = {"team_start_mean", "driver_start_mean"}
PULL = 0.004
"""Weight of the squared distance to the start: what the races do not decide stays where it was."""


def decode(x: np.ndarray) -> dict[str, float]:
    values = {name: float(v if name in SIGNED else np.exp(v)) for name, v in zip(START, x, strict=True)}
    return values | {name: min(values[name], 0.99) for name in values if name.endswith("_keep")}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("archive", type=Path)
    parser.add_argument("--to", type=int, default=2021)
    parser.add_argument("--scored-from", type=int, default=2000)
    parser.add_argument("--half-life", type=float, default=8.0)
    parser.add_argument("--evaluations", type=int, default=400)
    options = parser.parse_args()
    tables = parse_archive(options.archive, "local", "").tables
    races = tables["races"]
    keys = set(races.loc[races["season"].between(options.scored_from - RUN_IN, options.to), "race_key"])
    tables = {
        name: frame[frame["race_key"].isin(keys)] if "race_key" in frame.columns else frame
        for name, frame in tables.items()
    }
    history = build_history(tables)
    world = Championships(history.races, history.entries, tables)
    who = pd.MultiIndex.from_frame(world.entries[["race_key", "driver_id"]])
    finish = (
        history.starters.set_index(["race_key", "driver_id"])["finish"].reindex(who).to_numpy(dtype=float)
    )
    places = history.grid.drop_duplicates(["race_key", "driver_id"]).set_index(["race_key", "driver_id"])
    grid = places["position"].reindex(who).fillna(22.0).to_numpy(dtype=float)

    start = np.array([v if name in SIGNED else np.log(v) for name, v in START.items()])

    def criterion(x: np.ndarray) -> float:
        p = decode(x)
        slope = {"pre_weekend": p.pop("slope_weekend"), "pre_race": p.pop("slope_race")}
        on_grid, doubt = {"pre_weekend": 0.0, "pre_race": p.pop("grid")}, p.pop("doubt")
        scale = RaceScale(p.pop("rank"), p.pop("gap"))
        config = JointConfig(**p, noise_sprint=p["noise_race"], scale=scale)
        total = dict.fromkeys(HORIZONS, 0.0)
        count = dict(total)
        for weekend, horizon, rating in run_filter(world, config):
            if weekend.season < options.scored_from or horizon not in HORIZONS:
                continue
            order = finish[weekend.entry_ids]
            known = ~np.isnan(order)
            score = slope[horizon] * rating[4] * rating[5].mean() ** -doubt
            score = (score - on_grid[horizon] * np.log(grid[weekend.entry_ids]))[known][
                np.argsort(order[known])
            ]
            share = 0.5 ** ((options.to - weekend.season) / options.half_life)
            for place, weight in enumerate(PLACES[: max(len(score) - 1, 0)]):
                left = score[place:]
                total[horizon] += share * weight * (np.logaddexp.reduce(left) - left[0])
            count[horizon] += share
        loss = sum(HORIZONS[name] * total[name] / count[name] for name in HORIZONS)
        return loss + PULL * float(((x - start) ** 2).sum())

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

    simplex = np.vstack([start, start + 0.25 * np.eye(len(start))])
    minimize(
        tell,
        start,
        method="Nelder-Mead",
        options={"maxfev": options.evaluations, "initial_simplex": simplex, "adaptive": True},
    )


if __name__ == "__main__":
    main()
