"""Elo of drivers and of constructors: every pair of the classified field, K = 32.

The baseline that people know. After a race each classified driver is compared with every other one;
the expected score of a pair is ``1 / (1 + 10 ** ((r_other - r_own) / 400))`` and the rating moves by
``K`` times the surprise of each pair, all pairs at once. Retirements carry no information on pace and
are left out. A constructor moves by the mean over its cars, each against the cars of the others.

Measured on 2014-26 (winner log loss of a softmax with the best temperature, driver rating alone):
1.65 like this, 1.78 when retired cars count as beaten, 1.80 when the surprise is averaged over
the opponents, which makes the rating too slow for teams that change every winter.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from f1_pipeline.domain.lineage import FORGOTTEN_SEASONS
from f1_pipeline.forecasting.grouping import Floats

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class EloConfig:
    """Constants of the rating, from Elo's original scale (400 points = odds of 10 to 1, start 1500).

    ``k``: 32, as the design asks for; it is the value Elo proposed for players whose level moves.
    """

    k: float = 32.0
    scale: float = 400.0
    start: float = 1500.0


def elo_ratings(
    starters: pd.DataFrame,
    entries: pd.DataFrame,
    kind: str,
    config: EloConfig = EloConfig(),
) -> pd.DataFrame:
    """Ratings of every entered driver (or constructor) before and after every race.

    A constructor that comes back after more than ``FORGOTTEN_SEASONS`` begins anew: it shares a name with the one of
    before and nothing else. A driver is who he was.

    Args:
        starters: rows of ``History.starters``.
        entries: rows of ``History.entries`` or ``History.field``, with their ``season``; a race without starters gets
            ``value_after`` missing.
        kind: ``driver`` or ``constructor``.
        config: constants.

    Returns:
        ``race_key, order, kind, entity_id, value_before, value_after``; one row per entity and race.
    """
    column = f"{kind}_id"
    # Whole numbers for names, arrays for frames: with a frame for each of 1,172 races this took eight times as long.
    names, codes = np.unique(
        np.concatenate([starters[column].to_numpy(dtype=str), entries[column].to_numpy(dtype=str)]),
        return_inverse=True,
    )
    starts = starters[["order", "finish", "classified"]].assign(code=codes[: len(starters)])
    classified = starts[starts["classified"]].sort_values("order", kind="stable")
    who = entries[["order", "race_key", "season"]].assign(code=codes[len(starters) :])
    who = who.drop_duplicates(["order", "code"]).sort_values(["order", "code"], kind="stable")
    raced = np.isin(who["order"].to_numpy(), starters["order"].unique())
    code, finish = classified["code"].to_numpy(), classified["finish"].to_numpy()
    entered = who["code"].to_numpy()
    orders, seasons = who["order"].to_numpy(), who["season"].to_numpy(dtype=np.int64)
    last_season = np.full(len(names), np.iinfo(np.int64).max)
    ratings = np.full(len(names), config.start)
    before, after = np.empty(len(who)), np.full(len(who), np.nan)
    first = np.unique(orders, return_index=True)[1] if len(who) else np.zeros(0, dtype=np.int64)
    result = np.searchsorted(classified["order"].to_numpy(), orders[first], side="left")
    result_end = np.searchsorted(classified["order"].to_numpy(), orders[first], side="right")
    for start, end, low, high in zip(first, np.append(first[1:], len(who)), result, result_end, strict=True):
        here = entered[start:end]
        if kind == "constructor":
            ratings[here[seasons[start] - last_season[here] > FORGOTTEN_SEASONS]] = config.start
            last_season[here] = seasons[start]
        before[start:end] = ratings[here]
        if high > low:
            ratings += _changes(code[low:high], finish[low:high], ratings, config)
        after[start:end] = np.where(raced[start:end], ratings[here], np.nan)
    return pd.DataFrame(
        {
            "race_key": who["race_key"].to_numpy(),
            "order": orders,
            "kind": kind,
            "entity_id": names[entered].astype(object),
            "value_before": before,
            "value_after": after,
        }
    )


def _changes(code: Ints, finish: Ints, ratings: Floats, config: EloConfig) -> Floats:
    """Change of every rating: ``K`` times score minus expectation, summed over the opponents, mean over the cars."""
    own = ratings[code]
    expected = 1.0 / (1.0 + 10.0 ** ((own[None, :] - own[:, None]) / config.scale))
    score = (finish[:, None] < finish[None, :]).astype(float)
    opponent = code[:, None] != code[None, :]
    surprise = config.k * np.where(opponent, score - expected, 0.0).sum(axis=1)
    cars = np.bincount(code, minlength=len(ratings))
    total = np.bincount(code, weights=surprise, minlength=len(ratings))
    return np.asarray(total / np.maximum(cars, 1), dtype=np.float64)
