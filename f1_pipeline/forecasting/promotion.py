"""Whether a challenger takes over: two recipes of a model, walk-forward, on the same races.

A *recipe* is the hyper-parameters of a model and the version of its code. Both recipes are fitted once a season on the
same rows and forecast the same races, so that what differs between their scores is the recipe.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import pandas as pd

from f1_pipeline.forecasting.models.base import WinModel
from f1_pipeline.forecasting.scoring import bootstrap_mean, log_loss, over_starters
from f1_pipeline.forecasting.training import training_set

MIN_RACES = 20
"""About a season. The percentile interval of fewer races is too narrow to decide on: of one race it has no width."""

_FIRST_SEASONS = 2
"""Seasons that lie before the first forecast, as in the history."""

Fits = Callable[[Callable[[int], "pd.Series"], Iterable[int]], Iterable["pd.Series"]]
"""``map``, or one that works on several seasons at once."""


@dataclass(frozen=True)
class Comparison:
    """Paired comparison of a challenger with the champion.

    ``challenger``, ``champion``: mean log loss of the winner (nats). ``difference``: challenger minus champion, mean
    over the races with its 95 % interval ``low`` to ``high``.
    """

    races: int
    challenger: float
    champion: float
    difference: float
    low: float
    high: float
    promoted: bool
    reason: str


def walk_forward(
    new_model: Callable[[], WinModel],
    matrix: pd.DataFrame,
    rows: pd.DataFrame,
    start_season: int,
    train_from_season: int,
    fits: Fits = map,
) -> pd.Series:
    """Log loss of the winner of every finished race from ``start_season`` on, by race key in calendar order.

    Args:
        new_model: an unfitted model of the recipe.
        matrix: feature rows of all entries with ``order`` and ``season``; who does not start is forecast too, and
            the rest renormalised, as in the published scores.
        rows: those of the starters, with ``finish`` and ``position`` (``training.labelled``).
        start_season: at least two seasons of rows lie before it; a later season is taken where they do not.
        train_from_season: see ``training_set``.
        fits: how seasons are worked off, ``map`` or the one of a pool.
    """
    first = rows.groupby("season")["order"].min()
    start = max(start_season, int(first.index.min()) + _FIRST_SEASONS)
    raced = matrix[matrix["race_key"].isin(rows["race_key"].unique())]

    def season_losses(season: int) -> pd.Series:
        model = new_model().fit(training_set(rows, int(first.loc[season]), train_from_season))
        coming = raced[raced["season"] == season]
        return race_losses(
            coming.assign(win_probability=model.win_probability(coming)), rows[rows["season"] == season]
        )

    parts = list(fits(season_losses, [int(season) for season in first.index if season >= start]))
    return pd.concat(parts) if parts else pd.Series(dtype="float64")


def race_losses(forecast: pd.DataFrame, starters: pd.DataFrame) -> pd.Series:
    """Log loss of the winner by race, over the starters (``scoring``).

    ``forecast``: ``race_key, driver_id, win_probability``; ``starters``: ``race_key, driver_id, position``. A race
    without a winner, or of whose starters the forecast knew none, is left out.
    """
    keys = ["race_key", "driver_id"]
    joined = starters[[*keys, "position"]].merge(forecast[[*keys, "win_probability"]], on=keys, how="left")
    found: dict[str, float] = {}
    for race, group in joined.groupby("race_key", sort=False):
        position = group["position"].to_numpy(dtype="float64")
        p = over_starters(position, group["win_probability"].to_numpy(dtype="float64"))
        if p is not None:
            found[str(race)] = log_loss(float(p[position == 1].sum()))
    return pd.Series(found, dtype="float64")


def compare(challenger: pd.Series, champion: pd.Series) -> Comparison:
    """Decide by the losses of the same races (both by race key).

    The challenger is promoted if the whole 95 % interval of the mean difference is below 0. A lower mean alone is
    noise: that of one season has a standard error of .22 nats, and of two equal recipes one always has it.

    Raises:
        ValueError: the two were not scored on the same races.
    """
    if set(challenger.index) != set(champion.index) or not challenger.index.is_unique:
        raise ValueError("a paired comparison needs both recipes on the same races")
    # By key: how races are resampled must not depend on the order in which a database hands them out.
    challenger = challenger.sort_index()
    champion = champion.loc[challenger.index]
    differences = (challenger - champion).to_numpy(dtype="float64")
    mean, low, high = bootstrap_mean(differences)
    races = len(differences)
    if races < MIN_RACES:
        promoted, reason = False, f"too few races: {races}, a decision needs {MIN_RACES}"
    elif high < 0:
        promoted, reason = True, "better: the 95 % interval of the difference is below 0"
    elif low > 0:
        promoted, reason = False, "worse: the 95 % interval of the difference is above 0"
    else:
        promoted, reason = False, "not shown to be better: the 95 % interval of the difference holds 0"
    return Comparison(
        races, float(challenger.mean()), float(champion.mean()), mean, low, high, promoted, reason
    )
