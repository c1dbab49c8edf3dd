"""What a model is trained on, and when it is trained anew."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from typing import Literal

import numpy as np
import pandas as pd

from f1_pipeline.forecasting.asof import training_rows
from f1_pipeline.forecasting.features import names
from f1_pipeline.forecasting.history import History

Cadence = Literal["race", "season"] | int


def labelled(matrix: pd.DataFrame, history: History) -> pd.DataFrame:
    """Feature rows of everyone who took the start, with ``finish``, ``position``, ``retired``, ``order`` and ``season``.

    Rows are sorted by race and driver: the finishing order of the source must not reach a learner.
    """
    keys = ["race_key", "driver_id"]
    outcome = history.starters[[*keys, "finish", "position", "retired"]]
    rows = with_clock(matrix, history).merge(outcome, on=keys, how="inner", validate="one_to_one")
    return rows.sort_values(["order", "driver_id"], kind="stable").reset_index(drop=True)


def with_clock(matrix: pd.DataFrame, history: History) -> pd.DataFrame:
    """The matrix with ``order`` and ``season`` of its races, as stored tables do not carry them."""
    clock = history.races[["race_key", "order", "season"]]
    return matrix.drop(columns=["order", "season"], errors="ignore").merge(clock, on="race_key", how="inner")


def training_set(rows: pd.DataFrame, cutoff_order: int, from_season: int) -> pd.DataFrame:
    """Labelled rows of races before ``cutoff_order``, from ``from_season`` on.

    Where fewer than two seasons are left (a short history), all races before are used.
    """
    before = training_rows(rows, cutoff_order)
    recent = before[before["season"] >= from_season]
    return recent if recent["season"].nunique() >= 2 else before


def training_hash(rows: pd.DataFrame, horizon: str) -> str:
    """Hash of everything a model could learn from: features, outcome and grouping of the rows."""
    digest = hashlib.sha256("\n".join(rows["race_key"] + "/" + rows["driver_id"]).encode())
    values = rows[[*names(horizon, seen_by="any model"), "finish", "retired"]].to_numpy(dtype=np.float64)
    digest.update(np.ascontiguousarray(values).tobytes())
    return digest.hexdigest()


def trained_for(
    races: pd.DataFrame,
    recent_seasons: int,
    recent: Cadence,
    before: Cadence,
    promoted_after: Collection[str] = (),
) -> dict[str, str]:
    """For each race, the race whose model version forecasts it.

    ``races``: ``race_key, season`` in calendar order. In the newest ``recent_seasons`` seasons models are
    trained anew at the cadence ``recent``, earlier at ``before``: every race, every N races of a season, or
    once a season. After a race of ``promoted_after`` they are trained anew in any case: a recipe that was chosen
    knowing that race must not be that of a version that forecasts it.
    """
    newest = int(races["season"].max())
    index = races.groupby("season").cumcount().to_numpy()
    keys = races["race_key"].to_numpy()
    first = races.groupby("season").cumcount(ascending=True)
    start = np.arange(len(races)) - first.to_numpy()
    result: dict[str, str] = {}
    anew = [i for i in range(1, len(keys)) if keys[i - 1] in promoted_after]
    for i, season in enumerate(races["season"].to_numpy()):
        cadence = recent if season > newest - recent_seasons else before
        step = 10**6 if cadence == "season" else 1 if cadence == "race" else int(cadence)
        regular = start[i] + index[i] // step * step
        result[str(keys[i])] = str(keys[max([regular, *(j for j in anew if j <= i)])])
    return result
