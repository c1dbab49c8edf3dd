"""Did what was forecast with 30 % happen three times out of ten?"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from f1_pipeline.domain.points import scoring_places
from f1_pipeline.forecasting.grouping import Floats
from f1_pipeline.forecasting.scoring.races import SET, joined
from f1_pipeline.forecasting.scoring.summaries import DRAWS, race_weights

BINS = 10
"""Equal bins of the probability. Few, so that the rare high probabilities of a season share a bin."""

CALIBRATION = {"calibration_error": False, "calibration_error_even": True}
"""Calibration errors by name, and whether their bins hold equally many pairs. In equal bins of the probability the rare
favourites weigh most, one by one; in even ones nine bins of ten are outsiders, and all favourites share the last."""

OUTCOMES = ("win", "podium", "points", "retirement")
_Z = 1.959964
"""Normal quantile of a 95 % interval."""


def outcome_pairs(predictions: pd.DataFrame, starters: pd.DataFrame) -> pd.DataFrame:
    """Forecast and outcome of every starter of every forecast whose race has a winner.

    Arguments as for ``score_races``.

    Returns:
        ``race_key, horizon, model`` and for each of ``OUTCOMES`` a probability ``p_win`` and what happened, 1 or
        0, ``is_win``. Win probabilities are those over the starters, as they are scored. A starter without a
        forecast has probability 0, but no retirement probability.
    """
    rows = joined(predictions, starters)
    position = rows["position"].to_numpy(dtype=np.float64)
    by_set = rows.groupby(SET, sort=False)
    total = by_set["win_probability"].transform("sum").to_numpy(dtype=np.float64)
    won = pd.Series(position == 1).groupby([rows[name] for name in SET], sort=False).transform("any")
    seasons = rows["race_key"].str[:4].astype("int64")
    places = seasons.map({season: scoring_places(season) for season in seasons.unique()}).to_numpy()
    with np.errstate(invalid="ignore"):
        win = rows["win_probability"].to_numpy(dtype=np.float64) / total
    stated = ["podium_probability", "points_probability"]
    # Where a whole forecast does not state a probability it stays missing; a starter that was not forecast has 0.
    unforecast = rows["win_probability"].isna().to_numpy()
    podium, points = (np.where(unforecast, 0.0, rows[name].to_numpy(dtype=np.float64)) for name in stated)
    found = pd.DataFrame(
        {
            **{name: rows[name] for name in SET},
            "p_win": np.where(unforecast, 0.0, win),
            "is_win": (position == 1).astype("float64"),
            "p_podium": podium,
            "is_podium": (position <= 3).astype("float64"),
            "p_points": points,
            "is_points": (position <= places).astype("float64"),
            "p_retirement": rows["retirement_probability"].to_numpy(dtype=np.float64),
            "is_retirement": rows["retired"].to_numpy(dtype=np.float64),
        }
    )
    return found[won.to_numpy() & (total > 0)].reset_index(drop=True)


def calibration_errors(
    pairs: pd.DataFrame, seed: int = 0, draws: int = DRAWS, even: bool = False
) -> pd.DataFrame:
    """Expected calibration error of the win probability by horizon and model: ``races, mean, low, high``.

    Over all pairs of race and starter, in equal bins of the probability: the mean of |mean forecast - share that
    won|, weighted by the number of pairs (Naeini and others, 2015). With ``even`` the bins hold equally many pairs
    instead (Nixon and others, 2019). It is never 0, even for the true probabilities: ``chance_errors``. The interval comes from
    resampling races, in the order of their keys. A resample is a smaller sample in effect and errs more, so the interval
    lies a little high.
    """
    rows = []
    for (horizon, model), group in pairs.groupby(["horizon", "model"], sort=True):
        race = pd.factorize(group["race_key"], sort=True)[0]
        races = int(race.max()) + 1
        p, happened = (group[name].to_numpy(dtype=np.float64) for name in ("p_win", "is_win"))
        cell = race * BINS + _placed(p, even)
        # Sum over a bin of forecasts minus outcomes; one number for each race and bin is all that is needed.
        gap = np.bincount(cell, weights=p - happened, minlength=races * BINS).reshape(races, BINS)
        starters = np.bincount(race, minlength=races).astype(np.float64)
        weights = race_weights(races, draws, seed)
        resampled = np.abs(weights @ gap).sum(axis=1) / (weights @ starters)
        low, high = np.percentile(resampled, [2.5, 97.5])
        rows.append((horizon, model, races, np.abs(gap.sum(axis=0)).sum() / starters.sum(), low, high))
    return pd.DataFrame(rows, columns=["horizon", "model", "races", "mean", "low", "high"])


def chance_errors(pairs: pd.DataFrame, seed: int = 0, draws: int = DRAWS, even: bool = False) -> pd.DataFrame:
    """What the calibration error would be if the forecasts were true, by horizon and model: ``races, mean, low, high``.

    The winner of each race is drawn from the forecast itself, ``draws`` times: mean and 95 % of the errors that chance
    alone leaves. An error says something about a forecast only where it is beyond them.
    """
    rng = np.random.default_rng(seed)
    rows = []
    for (horizon, model), group in pairs.groupby(["horizon", "model"], sort=True):
        group = group.sort_values(["race_key", "p_win"], kind="stable")  # in whatever order they came
        race = pd.factorize(group["race_key"])[0]
        p = group["p_win"].to_numpy(dtype=np.float64)
        # The probabilities of all races end to end: race r lies between r and r + 1, and one draw falls on a starter.
        ends = np.cumsum(p)
        ends = ends / ends[-1] * (race.max() + 1)
        drawn = np.searchsorted(ends, rng.random((draws, race.max() + 1)) + np.arange(race.max() + 1))
        place = _placed(p, even)
        stated = np.bincount(place, weights=p, minlength=BINS)
        winners = np.stack([np.bincount(place[won], minlength=BINS) for won in drawn])
        errors = np.abs(stated - winners).sum(axis=1) / len(p)
        low, high = np.percentile(errors, [2.5, 97.5])
        rows.append((horizon, model, int(race.max()) + 1, errors.mean(), low, high))
    return pd.DataFrame(rows, columns=["horizon", "model", "races", "mean", "low", "high"])


def reliability_table(pairs: pd.DataFrame) -> pd.DataFrame:
    """Reliability of each outcome by horizon and model, in equal bins of the probability.

    Returns:
        ``horizon, model, outcome, bin`` (0 is the lowest), ``count``, mean ``forecast``, ``observed`` share and its
        95 % interval ``low, high``. Bins without a pair have no row, nor have outcomes that were not forecast.
    """
    rows: list[tuple[Any, ...]] = []
    numbers = pairs[[f"{kind}_{outcome}" for outcome in OUTCOMES for kind in ("p", "is")]].to_numpy(
        dtype=np.float64
    )
    groups: dict[Any, Any] = dict(pairs.groupby(["horizon", "model"], sort=True).indices)
    for (horizon, model), index in groups.items():
        values = numbers[index]
        for place, outcome in enumerate(OUTCOMES):
            p, happened = values[:, 2 * place], values[:, 2 * place + 1]
            known = ~np.isnan(p) & ~np.isnan(happened)
            rows += [(horizon, model, outcome, *row) for row in _bins(p[known], happened[known])]
    columns = ["horizon", "model", "outcome", "bin", "count", "forecast", "observed", "low", "high"]
    return pd.DataFrame(rows, columns=columns)


def _bin(p: Floats) -> Any:
    return np.clip((p * BINS).astype(np.int64), 0, BINS - 1)


def _placed(p: Floats, even: bool) -> Any:
    """The bin of each probability. Equal probabilities share one, so even bins are only about even."""
    if not even:
        return _bin(p)
    return np.searchsorted(np.quantile(p, np.arange(1, BINS) / BINS), p, side="right")


def _bins(p: Floats, happened: Floats) -> list[tuple[Any, ...]]:
    """Bin, count, mean forecast, share and interval of every bin that is not empty."""
    place = _bin(p)
    count = np.bincount(place, minlength=BINS)
    used = np.flatnonzero(count)
    number = count[used]
    forecast = np.bincount(place, weights=p, minlength=BINS)[used] / number
    share = np.bincount(place, weights=happened, minlength=BINS)[used] / number
    low, high = wilson(share, number)
    return list(zip(used.tolist(), number.tolist(), forecast, share, low, high, strict=True))


def wilson(share: Floats, number: Any) -> tuple[Floats, Floats]:
    """95 % interval of a share among ``number`` cases (Wilson, 1927).

    Unlike mean plus or minus two standard errors it stays in [0, 1] and is not empty where nothing happened. It
    takes the cases for independent, which starters of one race are not quite.
    """
    centre = (share + _Z**2 / (2 * number)) / (1 + _Z**2 / number)
    half = _Z / (1 + _Z**2 / number) * np.sqrt(share * (1 - share) / number + _Z**2 / (4 * number**2))
    return np.clip(centre - half, 0.0, share), np.clip(centre + half, share, 1.0)
