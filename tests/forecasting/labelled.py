"""Everything from the tables of a world to the labelled rows of its races, as training has them."""

import pandas as pd

from f1_pipeline.domain.vocabulary import HORIZONS
from f1_pipeline.forecasting.elo import elo_ratings
from f1_pipeline.forecasting.features import feature_matrix
from f1_pipeline.forecasting.history import build_history
from f1_pipeline.forecasting.joint_rating import Championships, joint_ratings
from f1_pipeline.forecasting.joint_state import JointConfig
from f1_pipeline.forecasting.training import labelled

Labelled = dict[str, tuple[pd.DataFrame, pd.DataFrame]]
"""By horizon: the rows to learn from, and those of the seasons after."""


def labelled_rows(tables: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """The labelled rows of all races by horizon."""
    history = build_history(tables)
    joint = joint_ratings(Championships(history.races, history.entries, tables), JointConfig())
    elo = pd.concat(
        [elo_ratings(history.starters, history.entries, kind) for kind in ("driver", "constructor")]
    )
    return {horizon: labelled(feature_matrix(history, elo, joint, horizon), history) for horizon in HORIZONS}


def split(tables: dict[str, pd.DataFrame], seasons: int) -> Labelled:
    """The same, the last ``seasons`` of them apart."""
    found = {}
    for horizon, rows in labelled_rows(tables).items():
        past = rows["season"] <= rows["season"].max() - seasons
        found[horizon] = rows[past].reset_index(drop=True), rows[~past].reset_index(drop=True)
    return found
