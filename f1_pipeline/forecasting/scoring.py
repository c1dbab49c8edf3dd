"""Scores of a forecast against the result, and their summaries.

Population: everyone who took the start. A forecast is renormalised over the starters first, so that a
car that broke on the way to the grid is nobody's mistake. Natural logarithms.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import rankdata

from f1_pipeline.forecasting.grouping import Floats

_TINY = 1e-12
_SET = ["race_key", "horizon", "model"]


def score_races(predictions: pd.DataFrame, starters: pd.DataFrame) -> pd.DataFrame:
    """Scores of every forecast whose race has a winner.

    Args:
        predictions: ``race_key, horizon, model, model_version, driver_id, win_probability, podium_probability,
            expected_position``.
        starters: ``race_key, driver_id, finish, position`` of everyone who took the start.

    Returns:
        One row per (race, horizon, model) with the columns of ``model_accuracy`` that depend on forecast and
        result. A starter without a forecast has probability 0 and is expected last.
    """
    sets = predictions[[*_SET, "model_version"]].drop_duplicates(_SET)
    values = ["win_probability", "podium_probability", "expected_position"]
    rows = (
        sets.merge(starters[["race_key", "driver_id", "finish", "position"]], on="race_key")
        .merge(predictions[[*_SET, "driver_id", *values]], on=[*_SET, "driver_id"], how="left")
        .sort_values([*_SET, "driver_id"], kind="stable")
    )
    driver = rows["driver_id"].to_numpy(dtype=object)
    numbers = rows[["finish", "position", *values]].to_numpy(dtype=np.float64)
    found = []
    names = [*_SET, "model_version"]
    groups: dict[Any, Any] = dict(rows.groupby(names, sort=True).indices)
    for key, index in groups.items():
        score = score_race(driver[index], *numbers[index].T)
        if score is not None:
            found.append({**dict(zip(names, key, strict=True)), **score})
    return pd.DataFrame(found)


def score_race(
    driver: NDArray[np.object_],
    finish: Floats,
    position: Floats,
    win: Floats,
    podium: Floats,
    expected: Floats,
) -> dict[str, Any] | None:
    """Scores of one forecast of one race; arrays over its starters, in any fixed order but that of the result.

    None while nobody has won, or where the forecast knew none of the starters. With two winners in a
    shared car (three races of the 1950s) either of them counts as named.
    """
    p = over_starters(position, win)
    if p is None:
        return None
    won = position == 1
    winner = float(p[won].sum())
    top3 = position <= 3
    podium = np.nan_to_num(podium)
    clipped = np.clip(podium, 1e-6, 1 - 1e-6)
    ranks = rankdata(finish)
    predicted = rankdata(np.nan_to_num(expected, nan=len(driver) + 1.0))
    named = np.argsort(-podium, kind="stable")[:3]
    favourite = int(p.argmax())
    return {
        "starters": len(driver),
        "log_loss": log_loss(winner),
        "brier": float(((p - won / won.sum()) ** 2).sum()),
        "podium_log_loss": float(-np.where(top3, np.log(clipped), np.log(1 - clipped)).mean()),
        "top3_accuracy": float(top3[named].mean()),
        "spearman": _correlation(predicted, ranks),
        "rank_error": float(np.abs(predicted - ranks).mean()),
        "winner_correct": bool(won[favourite]),
        "winner_probability": winner,
        "predicted_winner": str(driver[favourite]),
        "actual_winner": str(driver[won][0]),
    }


def over_starters(position: Floats, win: Floats) -> Floats | None:
    """Win probabilities of the starters of a race, divided by their sum; no forecast is probability 0.

    None while nobody has won, or where the forecast knew none of the starters.
    """
    total = np.nansum(win)
    if not (position == 1).any() or not total > 0:
        return None
    return np.asarray(np.nan_to_num(win) / total, dtype=np.float64)


def log_loss(winner: float) -> float:
    """Minus the logarithm of the probability given to the winner, at most 27.6 (of a probability of 1e-12)."""
    return float(-np.log(max(winner, _TINY)))


def _correlation(predicted: Floats, finish: Floats) -> float:
    """Spearman's correlation, given the ranks."""
    # A forecast that says the same of everyone (uniform) has no ranking to correlate.
    if np.ptp(predicted) < 0.5 or len(predicted) < 2:
        return float("nan")
    return float(np.corrcoef(predicted, finish)[0, 1])


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


def _named(by: list[str], key: Any) -> dict[str, Any]:
    return dict(zip(by, key if isinstance(key, tuple) else (key,), strict=True))


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
                **_named(by, key),
                "races": len(group),
                **{name: float(group[name].astype("float64").mean()) for name in SUMMARY},
                "log_loss": mean,
                "log_loss_low": low,
                "log_loss_high": high,
            }
        )
    return pd.DataFrame(rows)
