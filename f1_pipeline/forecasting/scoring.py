"""Scores of a forecast against the result, and their summaries.

Population: everyone who took the start. A forecast is renormalised over the starters first, so that a
car that broke on the way to the grid is nobody's mistake. Natural logarithms.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.stats import rankdata, spearmanr

from f1_pipeline.forecasting.grouping import Floats

_TINY = 1e-12


def score_race(forecast: pd.DataFrame, starters: pd.DataFrame) -> dict[str, float | str | bool | int] | None:
    """Scores of one forecast of one race.

    Args:
        forecast: ``driver_id, win_probability, podium_probability, expected_position``.
        starters: ``driver_id, finish, position`` of everyone who took the start.

    Returns:
        The columns of ``model_accuracy`` that depend on forecast and result; None while there is no winner.
        With two winners in a shared car (three races of the 1950s) either of them counts as named.
    """
    rows = starters.merge(forecast, on="driver_id", how="left").sort_values("driver_id")
    won = (rows["position"] == 1).to_numpy()
    if not won.any():
        return None
    missing = rows["win_probability"].isna()
    if missing.all():
        return None
    p = rows["win_probability"].fillna(0.0).to_numpy(dtype=float)
    p = p / p.sum()
    winner = float(p[won].sum())
    top3 = (rows["position"] <= 3).to_numpy()
    podium = np.clip(rows["podium_probability"].fillna(0.0).to_numpy(dtype=float), 1e-6, 1 - 1e-6)
    # A driver without a forecast is expected behind everyone who has one.
    expected = rows["expected_position"].fillna(len(rows) + 1.0).to_numpy(dtype=float)
    finish = rankdata(rows["finish"].to_numpy(dtype=float))
    predicted = rankdata(expected)
    named = rows.iloc[np.argsort(-rows["podium_probability"].fillna(0.0).to_numpy(), kind="stable")[:3]]
    actual = rows.loc[won, "driver_id"]
    favourite = str(rows["driver_id"].iloc[int(p.argmax())])
    return {
        "starters": len(rows),
        "log_loss": float(-np.log(max(winner, _TINY))),
        "brier": float(((p - won / won.sum()) ** 2).sum()),
        "podium_log_loss": float(-np.where(top3, np.log(podium), np.log(1 - podium)).mean()),
        "top3_accuracy": float(named["driver_id"].isin(rows.loc[top3, "driver_id"]).mean()),
        "spearman": _spearman(expected, finish),
        "rank_error": float(np.abs(predicted - finish).mean()),
        "winner_correct": favourite in set(actual),
        "winner_probability": winner,
        "predicted_winner": favourite,
        "actual_winner": str(actual.iloc[0]),
    }


def _spearman(expected: Floats, finish: Floats) -> float:
    # A forecast that says the same of everyone (uniform) has no ranking to correlate.
    if np.ptp(expected) == 0 or len(expected) < 2:
        return float("nan")
    return float(spearmanr(expected, finish).statistic)


def bootstrap_mean(values: Floats, seed: int = 0, draws: int = 2000) -> tuple[float, float, float]:
    """Mean with a 95 % interval from resampling races (percentiles of 2,000 resamples).

    One season has some 20 races and a standard error of about .22 nats: a mean without its interval
    invites wrong conclusions.
    """
    values = np.asarray(values, dtype=float)
    if len(values) == 0:
        return float("nan"), float("nan"), float("nan")
    rng = np.random.default_rng(seed)
    means = values[rng.integers(0, len(values), size=(draws, len(values)))].mean(axis=1)
    low, high = np.percentile(means, [2.5, 97.5])
    return float(values.mean()), float(low), float(high)


SUMMARY = (
    "log_loss",
    "brier",
    "podium_log_loss",
    "top3_accuracy",
    "winner_correct",
    "spearman",
    "rank_error",
)
"""Scores that are averaged over races."""


def summarise(accuracy: pd.DataFrame, by: list[str], seed: int = 0) -> pd.DataFrame:
    """Means of all scores by group, with the number of races and the interval of the log loss.

    ``accuracy`` has the columns of ``model_accuracy`` and those of ``by``.
    """
    rows = []
    for key, group in accuracy.groupby(by, sort=True):
        mean, low, high = bootstrap_mean(group["log_loss"].to_numpy(dtype=float), seed)
        rows.append(
            {
                **dict(zip(by, key if isinstance(key, tuple) else (key,), strict=True)),
                "races": len(group),
                **{name: float(group[name].astype("float64").mean()) for name in SUMMARY},
                "log_loss": mean,
                "log_loss_low": low,
                "log_loss_high": high,
            }
        )
    return pd.DataFrame(rows)
