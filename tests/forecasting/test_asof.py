"""The guard of every join with the past: it takes what is strictly earlier, and raises where it would not."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from f1_pipeline.errors import LeakError
from f1_pipeline.forecasting import asof


def test_last_before_takes_the_newest_of_strictly_earlier_races() -> None:
    known = pd.DataFrame({"order": [3, 0, 1], "who": ["a", "a", "b"], "value": [30.0, 0.5, 10.0]})
    rows = pd.DataFrame({"order": [3, 4, 1, 0, 2], "who": ["a", "a", "a", "a", "b"]}, index=[7, 5, 9, 1, 2])
    found = asof.last_before(rows, known, ["who"], ["value"])
    assert found.index.tolist() == [7, 5, 9, 1, 2]
    np.testing.assert_array_equal(found["value"], [0.5, 30.0, 0.5, np.nan, 10.0])
    filled = asof.last_before(rows, known, ["who"], ["value"], fill=-1.0)
    assert filled["value"].tolist() == [0.5, 30.0, 0.5, -1.0, 10.0]


def test_last_before_raises_when_a_value_is_of_the_race_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    honest = pd.merge_asof
    monkeypatch.setattr(
        asof.pd, "merge_asof", lambda *a, **k: honest(*a, **{**k, "allow_exact_matches": True})
    )
    frame = pd.DataFrame({"order": [1], "who": ["a"], "value": [1.0]})
    with pytest.raises(LeakError, match="a feature uses 1 values"):
        asof.last_before(frame, frame, ["who"], ["value"])


def test_require_before() -> None:
    asof.require_before(pd.Series([1.0, np.nan, 2.0]), 3, "it")
    asof.require_before(pd.Series([0, 1]), pd.Series([1, 2]), "it")
    with pytest.raises(LeakError, match="it uses 1 values"):
        asof.require_before(pd.Series([1, 3]), 3, "it")
    with pytest.raises(LeakError, match="it uses 2 values"):
        asof.require_before(pd.Series([1, 5]), pd.Series([1, 2]), "it")


def test_training_rows_end_before_the_cutoff(monkeypatch: pytest.MonkeyPatch) -> None:
    frame = pd.DataFrame({"order": [0, 1, 2, 3]})
    assert asof.training_rows(frame, 2)["order"].tolist() == [0, 1]

    class Careless(pd.DataFrame):
        """A frame whose filter lets everything through."""

        def __getitem__(self, key: Any) -> Any:
            return self if isinstance(key, pd.Series) else super().__getitem__(key)

    with pytest.raises(LeakError, match="a training set"):
        asof.training_rows(Careless({"order": [0, 1, 2, 3]}), 2)
