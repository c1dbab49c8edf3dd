"""What models learn from, and what they are asked about."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from f1_pipeline.sources.simulated import simulate
from tests.forecasting.labelled import Labelled, split
from tests.small_updates import built_once


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Labelled:
    """Labelled rows by horizon: those to learn from, and those of the seasons after."""

    def build(home: Path) -> dict[str, Any]:
        home.mkdir()
        pd.to_pickle(split(simulate(7, 11).bundle.tables, seasons=3), home / "labelled.pkl")
        return {}

    home, _ = built_once(tmp_path_factory, "labelled", build)
    return pd.read_pickle(home / "labelled.pkl")  # type: ignore[no-any-return]  # noqa: S301 - written above
