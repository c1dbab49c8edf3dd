"""Fit the parameters of the joint rating again, on seasons to the one named.

    python benchmarks/fit_rating.py ARCHIVE.zip [--to 2021] [--scored-from 2000] [--half-life 8] [--evaluations 400]
        [--test-to 2026]

Prints the parameters whenever they improve (one or two seconds each on one core). The criterion is the Plackett-Luce log
likelihood of the first three places, under a softmax of the rating before the weekend, and with weight .6 after
qualifying, when the grid counts too. The winner counts twice: it is what forecasts are scored by.

With ``--test-to``, at the end also the log loss of the winner in the seasons after those of the fit, by its parameters and
by those in force: a fit that is not better there has followed its own seasons.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
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


def encode(parameters: dict[str, float]) -> np.ndarray:
    return np.array([v if name in SIGNED else np.log(v) for name, v in parameters.items()])


class Seasons:
    """The races from ``first`` to ``last``, after a run-in, and how well a rating ranks them."""

    def __init__(self, archive: Path, first: int, last: int):
        tables = parse_archive(archive, "local", "").tables
        races = tables["races"]
        keys = set(races.loc[races["season"].between(first - RUN_IN, last), "race_key"])
        tables = {
            name: frame[frame["race_key"].isin(keys)] if "race_key" in frame.columns else frame
            for name, frame in tables.items()
        }
        history = build_history(tables)
        self.first, self.last = first, last
        self._world = Championships(history.races, history.entries, tables)
        who = pd.MultiIndex.from_frame(self._world.entries[["race_key", "driver_id"]])
        started = history.starters.set_index(["race_key", "driver_id"])["finish"]
        self._finish = started.reindex(who).to_numpy(dtype=float)
        grid = history.grid.drop_duplicates(["race_key", "driver_id"]).set_index(["race_key", "driver_id"])
        self._grid = grid["position"].reindex(who).fillna(22.0).to_numpy(dtype=float)

    def losses(self, p: dict[str, float]) -> Iterator[tuple[int, str, list[float]]]:
        """Season, horizon and minus the log likelihoods of the first three places, race by race."""
        p = dict(p)
        slope = {"pre_weekend": p.pop("slope_weekend"), "pre_race": p.pop("slope_race")}
        on_grid, doubt = {"pre_weekend": 0.0, "pre_race": p.pop("grid")}, p.pop("doubt")
        scale = RaceScale(p.pop("rank"), p.pop("gap"))
        config = JointConfig(**p, noise_sprint=p["noise_race"], scale=scale)
        for weekend, horizon, rating in run_filter(self._world, config):
            if weekend.season < self.first or horizon not in HORIZONS:
                continue
            order = self._finish[weekend.entry_ids]
            known = ~np.isnan(order)
            score = slope[horizon] * rating[4] * rating[5].mean() ** -doubt
            score -= on_grid[horizon] * np.log(self._grid[weekend.entry_ids])
            score = score[known][np.argsort(order[known])]
            places = range(min(len(PLACES), len(score) - 1))
            yield (
                weekend.season,
                horizon,
                [np.logaddexp.reduce(score[place:]) - score[place] for place in places],
            )

    def criterion(self, p: dict[str, float], half_life: float) -> float:
        total, count = dict.fromkeys(HORIZONS, 0.0), dict.fromkeys(HORIZONS, 0.0)
        for season, horizon, losses in self.losses(p):
            share = 0.5 ** ((self.last - season) / half_life)
            total[horizon] += share * float(np.dot(PLACES[: len(losses)], losses))
            count[horizon] += share
        return sum(weight * total[name] / count[name] for name, weight in HORIZONS.items())

    def of_winner(self, p: dict[str, float]) -> dict[str, np.ndarray]:
        """Log loss of the winner, race by race, at each horizon."""
        found: dict[str, list[float]] = {horizon: [] for horizon in HORIZONS}
        for _, horizon, losses in self.losses(p):
            found[horizon].append(losses[0])
        return {horizon: np.array(losses) for horizon, losses in found.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("archive", type=Path)
    parser.add_argument("--to", type=int, default=2021)
    parser.add_argument("--scored-from", type=int, default=2000)
    parser.add_argument("--half-life", type=float, default=8.0)
    parser.add_argument("--evaluations", type=int, default=400)
    parser.add_argument("--test-to", type=int)
    options = parser.parse_args()
    if options.test_to is not None and options.test_to <= options.to:
        parser.error("--test-to has to be a season after that of --to")
    seasons = Seasons(options.archive, options.scored_from, options.to)
    start = encode(START)
    best, began, calls = np.inf, time.monotonic(), 0
    found = START

    def tell(x: np.ndarray) -> float:
        nonlocal best, calls, found
        calls += 1
        value = seasons.criterion(decode(x), options.half_life) + PULL * float(((x - start) ** 2).sum())
        if value < best:
            if value < best - 1e-4:
                rounded = {name: round(v, 3) for name, v in decode(x).items()}
                print(f"{calls:5d} {time.monotonic() - began:6.0f} s {value:.4f} {rounded}", flush=True)
            best, found = value, decode(x)
        return value

    simplex = np.vstack([start, start + 0.25 * np.eye(len(start))])
    minimize(
        tell,
        start,
        method="Nelder-Mead",
        options={"maxfev": options.evaluations, "initial_simplex": simplex, "adaptive": True},
    )
    print("fitted:", {name: round(v, 4) for name, v in found.items()})
    if options.test_to:
        tested = Seasons(options.archive, options.to + 1, options.test_to)
        fitted, in_force = tested.of_winner(found), tested.of_winner(START)
        for horizon in HORIZONS:
            change = fitted[horizon] - in_force[horizon]
            print(
                f"{options.to + 1} to {options.test_to}, {horizon}: winner {fitted[horizon].mean():.4f}, by the "
                f"parameters in force {in_force[horizon].mean():.4f}, difference {change.mean():+.4f} "
                f"(±{1.96 * change.std(ddof=1) / len(change) ** 0.5:.4f}) on {len(change)} races"
            )


if __name__ == "__main__":
    main()
