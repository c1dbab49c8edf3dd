"""Fit the parameters of the joint rating, on seasons to the one named.

    python benchmarks/fit_rating.py ARCHIVE.zip [--to 2009] [--scored-from 1988] [--half-life 8] [--pull 0.1]
        [--iterations 30] [--processes 2] [--test-to 2026]

Prints the criterion after every step (23 evaluations, a quarter of a minute on two cores) and the parameters at the end, after
some three minutes. The criterion is the Plackett-Luce log likelihood of the first three places, under a softmax of the rating
before the weekend, and with weight .6 after qualifying, when the grid counts too. The winner counts twice: it is what
forecasts are scored by.

It begins from round values, which know of no season, and follows the gradient (L-BFGS): a simplex is lost in 22
dimensions, and left .2 of the criterion behind. ``pull`` is what a squared distance to the round values costs: 200 races
decide on 22 parameters, and what they hardly decide stays where it began.

With ``--test-to``, at the end also the log loss of the winner in the seasons after those of the fit, by its parameters and
by those in force, both with the softmax of the fit.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.optimize import minimize
from threadpoolctl import threadpool_limits

from f1_pipeline.forecasting.history import build_history
from f1_pipeline.forecasting.joint_rating import Championships, Weekend, run_filter
from f1_pipeline.forecasting.joint_state import JointConfig
from f1_pipeline.forecasting.pace import RaceScale
from f1_pipeline.sources.f1db import parse_archive

RUN_IN = 8
"""Seasons before the first scored one that the filter goes through, to know the teams: after eight winters a hundredth of
what it began with is left (.59 each)."""
PLACES = (2.0, 0.5, 0.3)
HORIZONS = {"pre_weekend": 1.0, "pre_race": 0.6}
START = {
    "noise_qualifying": 1.0,
    "noise_race": 0.8,
    "noise_practice": 1.0,
    "huber": 1.3,
    "team_drift": 0.1,
    "driver_drift": 0.03,
    "team_start_mean": -0.5,
    "team_start": 0.7,
    "driver_start_mean": -0.1,
    "driver_start": 0.7,
    "season_keep": 0.7,
    "season_spread": 0.4,
    "offset_qualifying": 0.2,
    "offset_practice": 0.3,
    "offset_keep": 0.7,
    "weekend": 0.2,
    "rank": 0.5,
    "gap": 1.0,
    "slope_weekend": 2.0,
    "slope_race": 1.0,
    "grid": 1.0,
    "doubt": 0.5,
}
"""Round values of the right size, per cent of a lap and factors; ``rank`` and ``gap`` make a race say about as much as
qualifying. The last four belong to the softmax of the criterion alone."""
OF_SOFTMAX = ("slope_weekend", "slope_race", "grid", "doubt")
SIGNED = {"team_start_mean", "driver_start_mean"}
STEP = 1e-3
"""Of a difference quotient, in logarithms of the parameters."""
SETTLED = 2e-5
"""Relative gain of a step at which the fit is at its end: .0002 of the criterion, far below what 200 races can tell."""
FARTHEST = 2.0
"""How far a parameter may go from its start, in logarithms: a factor of seven."""


def decode(x: np.ndarray) -> dict[str, float]:
    values = {name: float(v if name in SIGNED else np.exp(v)) for name, v in zip(START, x, strict=True)}
    return values | {name: min(values[name], 0.99) for name in values if name.endswith("_keep")}


def encode(parameters: dict[str, float]) -> np.ndarray:
    return np.array([v if name in SIGNED else np.log(v) for name, v in parameters.items()])


def config_of(parameters: dict[str, float]) -> JointConfig:
    p = {name: value for name, value in parameters.items() if name not in OF_SOFTMAX}
    scale = RaceScale(p.pop("rank"), p.pop("gap"))
    return JointConfig(**p, noise_sprint=p["noise_race"], scale=scale)


def in_force() -> dict[str, float]:
    """The parameters of ``JointConfig``; of the softmax, which it does not have, those of the start."""
    now = JointConfig()
    known = {name: getattr(now, name) for name in START if hasattr(now, name)}
    return START | known | {"rank": now.scale.rank, "gap": now.scale.gap}


class Rescaled(Championships):
    """Championships whose observations are put on another scale without being made anew: they are linear in both of
    its factors, and making them was a third of an evaluation."""

    def __init__(self, *of: pd.DataFrame | dict[str, pd.DataFrame]):
        super().__init__(*of)
        self._by_rank = super().weekends(RaceScale(1.0, 0.0))
        self._by_gap = super().weekends(RaceScale(0.0, 1.0))

    def weekends(self, scale: RaceScale) -> list[Weekend]:
        found = []
        for by_rank, by_gap in zip(self._by_rank, self._by_gap, strict=True):
            pairs = zip(by_rank.events, by_gap.events, strict=True)
            events = [
                replace(rank, y=scale.rank * rank.y + scale.gap * gap.y) if rank.session in "RS" else rank
                for rank, gap in pairs
            ]
            found.append(replace(by_rank, events=events))
        return found


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
        self._world = Rescaled(history.races, history.entries, tables)
        who = pd.MultiIndex.from_frame(self._world.entries[["race_key", "driver_id"]])
        started = history.starters.set_index(["race_key", "driver_id"])["finish"]
        self._finish = started.reindex(who).to_numpy(dtype=float)
        grid = history.grid.drop_duplicates(["race_key", "driver_id"]).set_index(["race_key", "driver_id"])
        self._grid = grid["position"].reindex(who).fillna(22.0).to_numpy(dtype=float)

    def losses(self, p: dict[str, float]) -> Iterator[tuple[int, str, list[float]]]:
        """Season, horizon and minus the log likelihoods of the first three places, race by race."""
        slope = {"pre_weekend": p["slope_weekend"], "pre_race": p["slope_race"]}
        on_grid = {"pre_weekend": 0.0, "pre_race": p["grid"]}
        with threadpool_limits(1, user_api="blas"):
            for weekend, horizon, rating in run_filter(self._world, config_of(p)):
                if weekend.season < self.first or horizon not in HORIZONS:
                    continue
                order = self._finish[weekend.entry_ids]
                known = ~np.isnan(order)
                score = slope[horizon] * rating[4] * rating[5].mean() ** -p["doubt"]
                score -= on_grid[horizon] * np.log(self._grid[weekend.entry_ids])
                score = score[known][np.argsort(order[known])]
                if not len(score):  # a race to come
                    continue
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


_seasons: Seasons
_half_life: float


def _begin(archive: Path, first: int, last: int, half_life: float) -> None:
    """In each process: the races are read once."""
    global _seasons, _half_life
    _seasons, _half_life = Seasons(archive, first, last), half_life


def _criterion(x: np.ndarray) -> float:
    return _seasons.criterion(decode(x), _half_life)


def fit(options: argparse.Namespace) -> dict[str, float]:
    """The parameters of the least criterion and pull."""
    start, began = encode(START), time.monotonic()
    races = (options.archive, options.scored_from, options.to, options.half_life)
    with ProcessPoolExecutor(options.processes, initializer=_begin, initargs=races) as pool:

        def value_and_gradient(x: np.ndarray) -> tuple[float, np.ndarray]:
            here, *beside = pool.map(_criterion, [x, *(x + STEP * np.eye(len(x)))])
            value = here + options.pull * float(((x - start) ** 2).sum())
            print(f"{time.monotonic() - began:6.0f} s  {here:.4f}, with the pull {value:.4f}", flush=True)
            return value, (np.array(beside) - here) / STEP + 2 * options.pull * (x - start)

        found = minimize(
            value_and_gradient,
            start,
            jac=True,
            method="L-BFGS-B",
            bounds=[(v - FARTHEST, v + FARTHEST) for v in start],
            options={"maxiter": options.iterations, "ftol": SETTLED},
        )
    print(found.message)
    return decode(found.x)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("archive", type=Path)
    parser.add_argument("--to", type=int, default=2009)
    parser.add_argument("--scored-from", type=int, default=1988)
    parser.add_argument("--half-life", type=float, default=8.0)
    parser.add_argument("--pull", type=float, default=0.1)
    parser.add_argument("--iterations", type=int, default=30)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--test-to", type=int)
    options = parser.parse_args()
    if options.test_to is not None and options.test_to <= options.to:
        parser.error("--test-to has to be a season after that of --to")
    found = fit(options)
    print("fitted:", {name: round(v, 4) for name, v in found.items()})
    if options.test_to:
        tested = Seasons(options.archive, options.to + 1, options.test_to)
        fitted = tested.of_winner(found)
        now = tested.of_winner(in_force() | {name: found[name] for name in OF_SOFTMAX})
        for horizon in HORIZONS:
            change = fitted[horizon] - now[horizon]
            print(
                f"{options.to + 1} to {options.test_to}, {horizon}: winner {fitted[horizon].mean():.4f}, by the "
                f"parameters in force {now[horizon].mean():.4f}, difference {change.mean():+.4f} "
                f"(±{1.96 * change.std(ddof=1) / len(change) ** 0.5:.4f}) on {len(change)} races"
            )


if __name__ == "__main__":
    main()
