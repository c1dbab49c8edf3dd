"""Means of scores with their uncertainty, and how they move over time. Pure: data frames in and out."""

from __future__ import annotations

import numpy as np
import pandas as pd

RESAMPLES = 2000
SEED = 20260101
"""Fixed: the same races give the same interval on every page and every day."""


def mean_interval(values: np.ndarray, *, resamples: int = RESAMPLES, seed: int = SEED) -> tuple[float, float]:
    """95 % interval of the mean, by drawing the races again with replacement.

    One race says nothing about how races differ, so its interval is empty (NaN).
    """
    if len(values) < 2:
        return (float("nan"), float("nan"))
    generator = np.random.default_rng(seed)
    draws = generator.integers(0, len(values), size=(resamples, len(values)))
    low, high = np.quantile(values[draws].mean(axis=1), [0.025, 0.975])
    return float(low), float(high)


def summary(scores: pd.DataFrame, metric: str, by: list[str]) -> pd.DataFrame:
    """Races, mean and 95 % interval of a metric per group (columns ``races, mean, low, high``)."""
    rows = []
    for group, values in scores.dropna(subset=[metric]).groupby(by, sort=True)[metric]:
        sample = values.to_numpy(dtype="float64")
        rows.append((*group, len(sample), float(sample.mean()), *mean_interval(sample)))
    return pd.DataFrame(rows, columns=[*by, "races", "mean", "low", "high"])


def over_time(scores: pd.DataFrame, metric: str, window: int | None) -> pd.DataFrame:
    """The mean of a metric after each race: of the last ``window`` races, or of all so far.

    A window is not drawn before it is full: a mean of one race would tower over the chart.
    """
    parts = []
    for _, rows in scores.dropna(subset=[metric]).groupby("model", sort=True):
        rows = rows.sort_values(["date", "race_key"])
        if window is None:
            first = min(5, len(rows))
            value = rows[metric].expanding(min_periods=first).mean()
            races = np.arange(1, len(rows) + 1)
        else:
            size = min(window, len(rows))
            value = rows[metric].rolling(size).mean()
            races = np.full(len(rows), size)
        parts.append(rows.assign(value=value, races=races).dropna(subset=["value"]))
    columns = ["model", "date", "season", "race_key", "name", "value", "races"]
    return pd.concat(parts)[columns] if parts else pd.DataFrame(columns=columns)
