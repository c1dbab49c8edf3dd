"""Scores over many races: means, differences on the same races, and how sure either is.

Intervals come from resampling races, because drivers of one race are not independent of each other. One season has
some 20 races and a standard error of about .22 nats: a mean without its interval invites wrong conclusions.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd

from f1_pipeline.domain.vocabulary import BASELINES, MARKET, POOL
from f1_pipeline.forecasting.grouping import Floats

DRAWS = 2000
"""Resamples of an interval. The ends of two runs differ by some hundredths of the interval's width."""

SUMMARY = (
    "log_loss",
    "brier",
    "binary_brier",
    "rps",
    "podium_log_loss",
    "retirement_log_loss",
    "top3_accuracy",
    "winner_correct",
    "spearman",
    "rank_error",
)
"""Scores that are averaged over races."""


@lru_cache(maxsize=64)
def race_weights(races: int, draws: int = DRAWS, seed: int = 0) -> Floats:
    """How often each race is in each resample, shape (draws, races).

    With it the means of any number of scores are one matrix product. It depends on the number of races only, so
    models that were scored on the same races are resampled alike.
    """
    drawn = np.random.default_rng(seed).integers(0, races, size=(draws, races))
    flat = (drawn + races * np.arange(draws)[:, None]).ravel()
    weights = np.bincount(flat, minlength=draws * races).reshape(draws, races).astype(np.float64)
    weights.setflags(write=False)
    return weights


def bootstrap_mean(values: Floats, seed: int = 0, draws: int = DRAWS) -> tuple[float, float, float]:
    """Mean with a 95 % interval from resampling races (percentiles of the resamples); NaN without races."""
    mean, low, high, _ = bootstrap_means(np.asarray(values, dtype=np.float64)[:, None], seed, draws)
    return float(mean[0]), float(low[0]), float(high[0])


def bootstrap_means(
    values: Floats, seed: int = 0, draws: int = DRAWS
) -> tuple[Floats, Floats, Floats, Floats]:
    """Means, lower and upper ends of the 95 % intervals and numbers of races of columns, shape (races, columns).

    Missing values are left out of a column: its interval is that of the races it has. Columns without any are
    NaN with 0 races.
    """
    values = np.asarray(values, dtype=np.float64)
    there = ~np.isnan(values)
    count = there.sum(axis=0).astype(np.float64)
    found = np.full((3, values.shape[1]), np.nan)
    for races in np.unique(count[count > 0]).astype(int):
        columns = np.flatnonzero(count == races)
        # Column by column the races it has, in their order: all of them are resampled in one product.
        kept = values.T[columns][there.T[columns]].reshape(len(columns), races).T
        means = race_weights(races, draws, seed) @ kept / races
        found[0, columns] = kept.mean(axis=0)
        found[1:, columns] = np.percentile(means, [2.5, 97.5], axis=0)
    return found[0], found[1], found[2], count


def score_means(accuracy: pd.DataFrame, by: list[str], seed: int = 0) -> pd.DataFrame:
    """``score, races, mean, low, high`` of every score of ``SUMMARY`` by group; a row for each that has races.

    ``accuracy`` has the columns of ``model_accuracy`` and those of ``by``. Its order makes no difference: races are
    resampled in the order of their keys. In that of the calendar the same intervals came out up to .01 different, and so
    ``f1 evaluate`` and the dashboard disagreed.
    """
    accuracy = accuracy.sort_values("race_key", kind="stable")
    values = accuracy[list(SUMMARY)].astype("float64").to_numpy()
    rows: list[tuple[Any, ...]] = []
    for key, index in accuracy.groupby(by, sort=True).indices.items():
        mean, low, high, races = bootstrap_means(values[index], seed)
        named = key if isinstance(key, tuple) else (key,)
        scores = zip(SUMMARY, races.astype(int).tolist(), mean, low, high, strict=True)
        rows += [(*named, *score) for score in scores if score[1]]
    return pd.DataFrame(rows, columns=[*by, "score", "races", "mean", "low", "high"])


def summarise(accuracy: pd.DataFrame, by: list[str], seed: int = 0) -> pd.DataFrame:
    """One row per group: ``races``, and for every score its mean and the ends of its interval (``_low, _high``)."""
    found = []
    races = accuracy.groupby(by, sort=True).size()
    means: dict[Any, Any] = dict(tuple(score_means(accuracy, by, seed).groupby(by, sort=True)))
    for key, count in races.items():
        row: dict[str, Any] = {**_named(by, key), "races": int(count)}
        for name in SUMMARY:
            row |= dict.fromkeys((name, f"{name}_low", f"{name}_high"), float("nan"))
        scores = means.get(key if isinstance(key, tuple) else (key,))
        for score in () if scores is None else scores.itertuples():
            name = str(score.score)
            row |= {name: score.mean, f"{name}_low": score.low, f"{name}_high": score.high}
        found.append(row)
    return pd.DataFrame(found)


def references(horizon: str) -> tuple[str, ...]:
    """What every model is compared with: the naive forecasts, the forecast that is shown, and the market."""
    return (*BASELINES[horizon], POOL, MARKET)


def paired_differences(accuracy: pd.DataFrame, reference: str | None = None, seed: int = 0) -> pd.DataFrame:
    """Log loss of every model minus that of references on exactly the races that both were scored on.

    Two means with overlapping intervals can still differ for certain, because races differ more than models do:
    the difference on the same races is the fair comparison (negative is better than the reference).

    Args:
        accuracy: ``race_key, horizon, model, log_loss``.
        reference: one model to compare with; by default all of ``references``.
        seed: of the resamples.

    Returns:
        ``horizon, model, reference, races, log_loss, reference_log_loss, difference, low, high``; the two log
        losses are means over the common races. No row where there are none.
    """
    columns = ["horizon", "model", "reference", "races"]
    numbers = ["log_loss", "reference_log_loss", "difference", "low", "high"]
    rows: list[tuple[Any, ...]] = []
    for horizon, group in accuracy.groupby("horizon", sort=True):
        wide = group.pivot(index="race_key", columns="model", values="log_loss").sort_index()
        for other in (reference,) if reference else references(str(horizon)):
            if other not in wide:
                continue
            rest = wide.drop(columns=other)
            base = wide[[other]].to_numpy()
            values = rest.to_numpy()
            mean, low, high, races = bootstrap_means(values - base, seed)
            own = np.nansum(np.where(np.isnan(base), np.nan, values), axis=0)
            against = np.nansum(np.where(np.isnan(values), np.nan, base), axis=0)
            for place in np.flatnonzero(races).tolist():
                count = int(races[place])
                levels = (own[place] / count, against[place] / count)
                rows.append(
                    (
                        horizon,
                        rest.columns[place],
                        other,
                        count,
                        *levels,
                        mean[place],
                        low[place],
                        high[place],
                    )
                )
    return pd.DataFrame(rows, columns=[*columns, *numbers])


def _named(by: list[str], key: Any) -> dict[str, Any]:
    return dict(zip(by, key if isinstance(key, tuple) else (key,), strict=True))
