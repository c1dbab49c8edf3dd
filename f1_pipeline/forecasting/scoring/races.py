"""Scores of one forecast of one race against its result.

Population: everyone who took the start. A forecast is renormalised over the starters first, so that a
car that broke on the way to the grid is nobody's mistake. Natural logarithms.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from f1_pipeline.domain.classification import RETIREMENT_CODES
from f1_pipeline.domain.points import scoring_places
from f1_pipeline.forecasting.grouping import Floats

SET = ["race_key", "horizon", "model"]
"""What names a forecast of a race."""

NEEDED = ["win_probability", "podium_probability", "expected_position"]
LATER = ["top6_probability", "points_probability", "retirement_probability"]
"""Probabilities that older forecasts do not state."""

_TINY = 1e-12
_CLIP = 1e-6
"""Closest to 0 or 1 that a yes-or-no probability is taken for: one retirement called impossible by a rounded
number must not decide a mean."""


def joined(predictions: pd.DataFrame, starters: pd.DataFrame) -> pd.DataFrame:
    """One row per (race, horizon, model, starter) with forecast and result, in key order.

    Probabilities are missing for a starter without a forecast, and in columns of ``LATER`` that the forecasts
    do not have. ``retired`` is 1, 0 or, where ``starters`` has no ``position_text``, missing.
    """
    known = predictions[[*SET, "model_version", "driver_id", *NEEDED]].assign(
        **{name: predictions.get(name, np.nan) for name in LATER}
    )
    result = starters[["race_key", "driver_id", "finish", "position"]].assign(retired=np.nan)
    if "position_text" in starters:
        result["retired"] = starters["position_text"].isin(RETIREMENT_CODES).astype("float64")
    return (
        known[[*SET, "model_version"]]
        .drop_duplicates(SET)
        .merge(result, on="race_key")
        .merge(known.drop(columns="model_version"), on=[*SET, "driver_id"], how="left")
        .sort_values([*SET, "driver_id"], kind="stable")
        .reset_index(drop=True)
    )


def score_races(predictions: pd.DataFrame, starters: pd.DataFrame) -> pd.DataFrame:
    """Scores of every forecast whose race has a winner.

    Args:
        predictions: ``race_key, horizon, model, model_version, driver_id, win_probability, podium_probability,
            expected_position``, and where they are stated the columns of ``LATER``.
        starters: ``race_key, driver_id, finish, position, position_text`` of everyone who took the start.

    Returns:
        One row per (race, horizon, model) with the columns of ``model_accuracy`` that depend on forecast and
        result. A starter without a forecast has probability 0 and is expected last.
    """
    rows = joined(predictions, starters)
    driver = rows["driver_id"].to_numpy(dtype=object)
    numbers = rows[["finish", "position", *NEEDED, *LATER, "retired"]].to_numpy(dtype=np.float64)
    found = []
    names = [*SET, "model_version"]
    groups: dict[Any, Any] = dict(rows.groupby(names, sort=True).indices)
    for key, index in groups.items():
        finish, position, win, podium, expected, top6, points, retirement, retired = numbers[index].T
        score = score_race(driver[index], finish, position, win, podium, expected)
        if score is not None:
            places = scoring_places(int(str(key[0])[:4]))
            stated = ~np.isnan(win)
            score["rps"] = ranked_probability(
                position, {1: win / np.nansum(win), 3: podium, places: points, 6: top6}, stated
            )
            score["retirement_log_loss"] = retirement_log_loss(retirement, retired)
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
    # .6 to .9 s to import: only who scores pays, not every process of Dagster
    from scipy.stats import rankdata

    p = over_starters(position, win)
    if p is None:
        return None
    won = position == 1
    winner = float(p[won].sum())
    top3 = position <= 3
    podium = np.nan_to_num(podium)
    expected = np.nan_to_num(expected, nan=len(driver) + 1.0)
    ranks, predicted = rankdata(finish), rankdata(expected)
    # Of equals the one that is expected ahead comes first, as in every list of a forecast; by name the winner of Miami 2026
    # was not the favourite of a model that had him on top.
    named = np.lexsort((driver, expected, -podium))[:3]
    favourite = int(np.lexsort((driver, expected, -p))[0])
    brier = float(((p - won / won.sum()) ** 2).sum())
    return {
        "starters": len(driver),
        "log_loss": log_loss(winner),
        "brier": brier,
        "binary_brier": brier / len(driver),
        "podium_log_loss": float(_binary_log_loss(podium, top3).mean()),
        "top3_accuracy": float(top3[named].mean()),
        "spearman": _correlation(predicted, ranks),
        "rank_error": float(np.abs(predicted - ranks).mean()),
        "winner_correct": bool(won[favourite]),
        "winner_probability": winner,
        "predicted_winner": str(driver[favourite]),
        "actual_winner": str(driver[won][0]),
    }


def ranked_probability(position: Floats, cumulative: dict[int, Floats], stated: NDArray[np.bool_]) -> float:
    """Ranked probability score (Epstein, 1969) of the place, mean over the starters; 0 is perfect, 1 the worst.

    ``cumulative`` gives, for each place that ends a category, the probability of that place or a better one: the
    categories are what lies between them, and a last one for everybody behind. Where two categories end at
    the same place (six places scored from 1960 to 2002) they are one. The squared differences are averaged over
    the ends, so that seasons with three and with four of them are on one scale. Who is not classified is
    in the last category. Missing where a starter with a forecast has not all the probabilities.
    """
    p = np.stack([cumulative[place] for place in sorted(cumulative)])
    if np.isnan(p[:, stated]).any():
        return float("nan")
    reached = position <= np.array(sorted(cumulative), dtype=np.float64)[:, None]
    return float(((np.nan_to_num(p) - reached) ** 2).mean())


def retirement_log_loss(retirement: Floats, retired: Floats) -> float:
    """Log loss of the retirement probability, mean over the starters that have one; missing where none has."""
    known = ~np.isnan(retirement) & ~np.isnan(retired)
    if not known.any():
        return float("nan")
    return float(_binary_log_loss(retirement[known], retired[known] > 0).mean())


def _binary_log_loss(p: Floats, happened: NDArray[np.bool_]) -> Floats:
    clipped = np.clip(p, _CLIP, 1 - _CLIP)
    return np.asarray(-np.where(happened, np.log(clipped), np.log(1 - clipped)), dtype=np.float64)


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
