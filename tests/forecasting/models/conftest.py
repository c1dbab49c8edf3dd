"""What models learn from, and what they are asked about."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from f1_pipeline.domain.vocabulary import HORIZONS
from f1_pipeline.forecasting.elo import elo_ratings
from f1_pipeline.forecasting.features import feature_matrix
from f1_pipeline.forecasting.history import build_history
from f1_pipeline.forecasting.joint_rating import Championships, joint_ratings
from f1_pipeline.forecasting.joint_state import JointConfig
from f1_pipeline.forecasting.training import labelled
from f1_pipeline.sources.simulated import simulate
from tests.small_updates import built_once

Labelled = dict[str, tuple[pd.DataFrame, pd.DataFrame]]


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Labelled:
    """Labelled rows by horizon: those to learn from, and those of the seasons after."""

    def build(home: Path) -> dict[str, Any]:
        home.mkdir()
        pd.to_pickle(_labelled(), home / "labelled.pkl")
        return {}

    home, _ = built_once(tmp_path_factory, "labelled", build)
    return pd.read_pickle(home / "labelled.pkl")  # type: ignore[no-any-return]  # noqa: S301 - written above


def _labelled() -> Labelled:
    tables = simulate(7, 11).bundle.tables
    history = build_history(tables)
    joint = joint_ratings(Championships(history.races, history.entries, tables), JointConfig())
    elo = pd.concat(
        [elo_ratings(history.starters, history.entries, kind) for kind in ("driver", "constructor")]
    )
    found = {}
    for horizon in HORIZONS:
        rows = labelled(feature_matrix(history, elo, joint, horizon), history)
        past = rows["season"] < rows["season"].max() - 2
        found[horizon] = rows[past].reset_index(drop=True), rows[~past].reset_index(drop=True)
    return found
