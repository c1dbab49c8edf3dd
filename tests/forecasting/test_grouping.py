"""Arithmetic within races, against pandas' own and by its laws."""

from __future__ import annotations

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from f1_pipeline.forecasting.grouping import Floats, centred, moments, race_codes

SETTINGS = settings(max_examples=80, deadline=None, derandomize=True)
worlds = st.tuples(st.integers(0, 10_000), st.integers(1, 60), st.integers(1, 12), st.floats(0.0, 0.9))
"""Seed, rows, races and the share of what is missing."""


def _world(seed: int, rows: int, races: int, missing: float) -> tuple[Floats, pd.Series]:
    """Values in three columns of very different size, with gaps; races of any length, their rows in any order."""
    rng = np.random.default_rng(seed)
    values = rng.normal([0.0, 1e4, -3.0], [1.0, 50.0, 1e-3], (rows, 3))
    values[rng.random((rows, 3)) < missing] = np.nan
    return values, pd.Series([f"2026-{race}" for race in rng.integers(0, races, rows)])


@SETTINGS
@given(worlds)
def test_moments_are_those_of_pandas(world: tuple[int, int, int, float]) -> None:
    values, races = _world(*world)
    mean, variance = moments(values, race_codes(races))
    grouped = pd.DataFrame(values).groupby(races.to_numpy())
    np.testing.assert_allclose(mean, grouped.transform("mean"), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(variance, grouped.transform("var"), rtol=1e-7, atol=1e-12)


@SETTINGS
@given(worlds)
def test_the_order_of_rows_does_not_matter(world: tuple[int, int, int, float]) -> None:
    values, races = _world(*world)
    mixed = np.random.default_rng(world[0]).permutation(len(values))
    for one, other in zip(
        moments(values, race_codes(races)), moments(values[mixed], race_codes(races[mixed])), strict=True
    ):
        np.testing.assert_allclose(one[mixed], other, rtol=1e-9, atol=1e-12)


@SETTINGS
@given(worlds)
def test_what_is_centred_sums_to_nothing_in_every_race(world: tuple[int, int, int, float]) -> None:
    values, races = _world(*world)
    frame = pd.DataFrame(values, columns=["a", "b", "c"], index=races.index + 7)
    made = centred(frame, ["a", "c"], races.set_axis(frame.index))
    assert list(made.columns) == ["a", "c"]
    assert made.index.equals(frame.index)
    assert (made[frame[["a", "c"]].isna()].fillna(0.0) == 0.0).all(axis=None)
    np.testing.assert_allclose(made.groupby(races.to_numpy()).sum(), 0.0, atol=1e-9)


def test_no_rows() -> None:
    mean, variance = moments(np.zeros((0, 2)), np.zeros(0, dtype=np.int64))
    assert mean.shape == variance.shape == (0, 2)
