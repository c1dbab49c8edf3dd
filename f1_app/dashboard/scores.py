"""Means of scores with their uncertainty, and how they move over time. Pure: data frames in and out."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

RESAMPLES = 2000
SEED = 0
"""That of the stored intervals (``scoring.bootstrap_mean``): the same races give the same interval, computed or stored."""

ALL = "all"
MEANS = ["period", "model", "races", "mean", "low", "high"]


def mean_interval(values: np.ndarray, *, resamples: int = RESAMPLES, seed: int = SEED) -> tuple[float, float]:
    """95 % interval of the mean, by drawing the races again with replacement.

    One race says nothing about how races differ, so its interval is empty (NaN).
    """
    if len(values) < 2:
        return (float("nan"), float("nan"))
    generator = np.random.default_rng(seed)
    draws = generator.integers(0, len(values), size=(resamples, len(values)))
    low, high = np.percentile(values[draws].mean(axis=1), [2.5, 97.5])
    return float(low), float(high)


def summary(scores: pd.DataFrame, metric: str, by: list[str]) -> pd.DataFrame:
    """Races, mean and 95 % interval of a metric per group (columns ``races, mean, low, high``).

    Races are drawn in the order of their keys, as for the stored intervals: in another order the ends differ a little.
    """
    if "race_key" in scores:
        scores = scores.sort_values("race_key", kind="stable")
    rows = []
    for group, values in scores.dropna(subset=[metric]).groupby(by, sort=True)[metric]:
        sample = values.to_numpy(dtype="float64")
        rows.append((*group, len(sample), float(sample.mean()), *mean_interval(sample)))
    return pd.DataFrame(rows, columns=[*by, "races", "mean", "low", "high"])


def seasons_of(period: str) -> tuple[int | None, int | None]:
    """First and last season of a period: ``all``, a season, or an open span such as ``2022+``.

    Raises:
        ValueError: it is none of these.
    """
    if period == ALL:
        return None, None
    if period.endswith("+"):
        return int(period[:-1]), None
    return int(period), int(period)


def in_period(scores: pd.DataFrame, period: str) -> pd.DataFrame:
    """The races of a period."""
    first, last = seasons_of(period)
    season = scores["season"]
    keep = pd.Series(True, index=scores.index)
    if first is not None:
        keep &= season >= first
    if last is not None:
        keep &= season <= last
    return scores[keep]


def periods(stored: Iterable[str], seasons: Iterable[int]) -> list[str]:
    """What a reader can choose: everything, the open spans, then the seasons, each newest first.

    A span that begins with the first season is everything under another name, and is left out.
    """
    years = sorted(set(seasons), reverse=True)
    spans = sorted({name for name in stored if name.endswith("+")}, reverse=True)
    oldest = min(years, default=0)
    return [ALL, *(name for name in spans if int(name[:-1]) > oldest), *map(str, years)]


def means(stored: pd.DataFrame, scores: pd.DataFrame, metric: str, wanted: Iterable[str]) -> pd.DataFrame:
    """Mean and interval of a metric per period and model (columns ``MEANS``).

    As the tables state it. Where they do not (``winner_probability`` is no stored score, and a race may have been scored
    by a version that stored no means), it is computed from the scores of the races.
    """
    parts = []
    for period in wanted:
        rows = stored[stored["period"] == period]
        if rows.empty and metric in scores:
            rows = summary(in_period(scores, period), metric, ["model"]).assign(period=period)
        if not rows.empty:
            parts.append(rows[MEANS])
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=MEANS)


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
