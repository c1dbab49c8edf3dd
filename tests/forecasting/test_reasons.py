"""Reasons: what groups of features add makes up the pool's forecast, to the last digit."""

import numpy as np
import pandas as pd
import pytest

from f1_pipeline.forecasting.ensemble import log_pool
from f1_pipeline.forecasting.finishers import win_of_finishers
from f1_pipeline.forecasting.grouping import Floats
from f1_pipeline.forecasting.reasons import FINISH, FLOOR, pool_reasons

DRIVERS = ["a", "b", "c", "d"]
ROWS = pd.DataFrame({"race_key": "2026-somewhere", "driver_id": DRIVERS}, index=[7, 3, 5, 1])
SAFE = np.zeros(4)
"""Nobody retires."""


def linear(seed: int, *groups: str) -> tuple[pd.DataFrame, Floats]:
    """Contributions of groups, centred in the race, and the win probabilities that follow from their sum."""
    values = np.random.default_rng(seed).normal(size=(4, len(groups)))
    parts = pd.DataFrame(values - values.mean(axis=0), columns=list(groups), index=ROWS.index)
    strength = np.exp(parts.sum(axis=1).to_numpy())
    return parts, strength / strength.sum()


def centred(log_p: Floats) -> Floats:
    return np.asarray(log_p - log_p.mean(), dtype=np.float64)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_they_sum_to_the_log_strength_of_the_pool(seed: int) -> None:
    one, first = linear(seed, "rating", "weekend")
    two, second = linear(seed + 10, "rating", "driver", "circuit")
    trees = np.random.default_rng(seed + 20).dirichlet(np.ones(4))
    retirement = np.random.default_rng(seed + 30).uniform(0.0, 0.4, 4)
    said = pool_reasons(ROWS, {"rating": one, "plackett_luce": two, "xgboost_order": trees}, retirement)
    assert list(said.columns) == ["race_key", "driver_id", "feature_group", "contribution"]
    assert set(said["feature_group"]) == {"rating", "weekend", "driver", "circuit", "xgboost_order", FINISH}
    assert not said.duplicated(["driver_id", "feature_group"]).any()
    pool, _ = log_pool(np.stack([first, second, trees]))
    sums = said.groupby("driver_id")["contribution"].sum()
    won = win_of_finishers(pool, retirement)
    np.testing.assert_allclose(sums.loc[DRIVERS], centred(np.log(won)), atol=1e-9)
    np.testing.assert_allclose(said.groupby("feature_group")["contribution"].sum(), 0.0, atol=1e-12)


def test_each_member_has_an_equal_say() -> None:
    one, _ = linear(1, "rating")
    two, _ = linear(2, "rating", "driver")
    said = pool_reasons(ROWS, {"rating": one, "plackett_luce": two}, SAFE)
    by_group = said.pivot(index="driver_id", columns="feature_group", values="contribution").loc[DRIVERS]
    np.testing.assert_allclose(by_group["rating"], (one["rating"] + two["rating"]) / 2)
    np.testing.assert_allclose(by_group["driver"], two["driver"] / 2)


def test_a_single_member_gives_its_own_reasons() -> None:
    parts, _ = linear(4, "rating", "weekend")
    said = pool_reasons(ROWS, {"rating": parts}, SAFE)
    found = said.pivot(index="driver_id", columns="feature_group", values="contribution").loc[DRIVERS]
    np.testing.assert_allclose(found[["rating", "weekend"]], parts)


def test_the_group_of_a_member_without_coefficients_has_its_name() -> None:
    p = np.array([0.7, 0.2, 0.05, 0.05])
    said = pool_reasons(ROWS, {"random_forest": p}, SAFE).set_index("feature_group")
    assert set(said.index) == {"random_forest", FINISH}
    np.testing.assert_allclose(said.loc["random_forest", "contribution"], centred(np.log(p)))
    np.testing.assert_allclose(said.loc[FINISH, "contribution"], 0.0, atol=1e-9)
    assert said.loc["random_forest", "driver_id"].tolist() == DRIVERS


def test_an_impossible_driver_has_a_finite_reason() -> None:
    said = pool_reasons(ROWS, {"random_forest": np.array([0.6, 0.4, 0.0, 0.0])}, SAFE)
    assert np.isfinite(said["contribution"]).all()
    assert said["contribution"].iloc[2] == said["contribution"].min()


def test_they_sum_where_the_pool_lifts_a_driver() -> None:
    """A member that gives less than a millionth is heard as a millionth; the sum was off by up to .45."""
    strength = np.array([4.0, 2.0, 1.0, -15.0])
    parts = pd.DataFrame({"rating": strength - strength.mean()}, index=ROWS.index)
    first = np.exp(strength) / np.exp(strength).sum()
    assert first.min() < 1e-6
    second = np.array([0.4, 0.3, 0.2, 0.1])
    said = pool_reasons(ROWS, {"rating": parts, "xgboost_order": second}, SAFE)
    assert set(said["feature_group"]) == {"rating", "xgboost_order", FLOOR, FINISH}
    pool, _ = log_pool(np.stack([first, second]))
    sums = said.groupby("driver_id")["contribution"].sum()
    np.testing.assert_allclose(sums.loc[DRIVERS], centred(np.log(pool)), atol=1e-9)


def test_the_rows_are_left_alone() -> None:
    parts, _ = linear(1, "rating")
    rows, given = ROWS.copy(), parts.copy()
    pool_reasons(rows, {"rating": parts}, SAFE)
    pd.testing.assert_frame_equal(rows, ROWS)
    pd.testing.assert_frame_equal(parts, given)
