"""Bundles of a source, as its tests ask them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd

from f1_pipeline.sources.bundle import SourceBundle

World = Any
Parse = Callable[[World], SourceBundle]


def of_race(bundle: SourceBundle, table: str, race: str) -> pd.DataFrame:
    frame = bundle.tables[table]
    return frame[frame["race_key"] == race].reset_index(drop=True)
