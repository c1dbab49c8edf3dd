"""Models made of models, the arithmetic within a race, and the rows that are published."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import t as student

from f1_pipeline.domain.vocabulary import COMBINED, ENSEMBLE, ENSEMBLE_MEMBERS, HORIZONS, POOL, POOL_MEMBERS
from f1_pipeline.forecasting.ensemble import combine, interval, log_pool
from f1_pipeline.forecasting.finishers import carried, win_of_finishers
from f1_pipeline.forecasting.grouping import Floats, normalise, softmax
from f1_pipeline.forecasting.models import MODELS
from f1_pipeline.forecasting.predict import (
    COMMON_ERROR,
    ModelForecast,
    add_combined,
    prediction_rows,
    race_seed,
)

# --- arithmetic within a race ----------------------------------------------------------------------------


def test_normalise() -> None:
    races = pd.Series(["a", "b", "a", "b"])
    np.testing.assert_allclose(normalise(np.array([1.0, 5.0, 3.0, 0.0]), races), [0.25, 1.0, 0.75, 0.0])
    for bad in ([1.0, -1.0, 1.0, 1.0], [np.nan, 1.0, 1.0, 1.0], [np.inf, 1.0, 1.0, 1.0]):
        with pytest.raises(ValueError, match="finite and not negative"):
            normalise(np.array(bad), races)
    with pytest.raises(ValueError, match="no strength"):
        normalise(np.array([1.0, 0.0, 1.0, 0.0]), races)


def test_softmax_does_not_overflow() -> None:
    p = softmax(np.array([1000.0, 999.0, -1e6]), pd.Series(["a", "a", "b"]))
    np.testing.assert_allclose(p, [1 / (1 + np.exp(-1)), 1 / (1 + np.exp(1)), 1.0])


# --- the ensemble and the published rows -----------------------------------------------------------------


def test_the_ensemble_is_the_mean_with_an_interval() -> None:
    members = np.array([[0.5, 0.3, 0.2], [0.6, 0.2, 0.2], [0.4, 0.4, 0.2], [0.5, 0.3, 0.2]])
    mean, low, high = combine(members)
    np.testing.assert_allclose(mean, [0.5, 0.3, 0.2])
    error = np.sqrt((0.1**2 + 0.1**2) / 3) / np.sqrt(4)
    reach = student.ppf(0.975, 3) * error
    assert student.ppf(0.975, 3) == pytest.approx(3.182, abs=1e-3)
    np.testing.assert_allclose(high - mean, [reach, reach, 0.0], atol=1e-12)
    np.testing.assert_allclose(mean - low, [reach, reach, 0.0], atol=1e-12)


def test_the_interval_stays_in_range_and_holds_the_mean() -> None:
    rng = np.random.default_rng(1)
    for _ in range(50):
        members = rng.dirichlet(np.full(20, 0.2), size=4)
        mean, low, high = combine(members)
        assert mean.sum() == pytest.approx(1.0)
        assert ((low >= 0) & (low <= mean) & (mean <= high) & (high <= 1)).all()


def test_one_member_has_no_interval() -> None:
    mean, low, high = combine(np.array([[0.7, 0.3]]))
    assert mean.tolist() == low.tolist() == high.tolist() == [0.7, 0.3]


def _forecasts(count: int) -> dict[str, ModelForecast]:
    rng = np.random.default_rng(4)
    return {
        name: ModelForecast(version, rng.dirichlet(np.ones(count))) for version, name in enumerate(MODELS, 1)
    }


def test_the_combined_models_stand_on_their_members_only() -> None:
    members = _forecasts(5)
    uniform: Floats = np.full(5, 0.2)
    versions = {ENSEMBLE: 9, POOL: 8}
    made = add_combined({**members, "uniform": ModelForecast(0, uniform)}, versions, np.zeros(5))
    mean = np.mean([members[name].win for name in ENSEMBLE_MEMBERS], axis=0)
    np.testing.assert_allclose(made[ENSEMBLE].win, mean)
    pooled = np.exp(np.mean([np.log(members[name].win) for name in POOL_MEMBERS], axis=0))
    np.testing.assert_allclose(made[POOL].win, pooled / pooled.sum())
    assert (made[ENSEMBLE].version, made[POOL].version) == (9, 8)
    for name in ("elo", "rating"):
        with pytest.raises(KeyError, match=name):
            add_combined({key: one for key, one in members.items() if key != name}, versions, np.zeros(5))


def test_the_pool_is_the_geometric_mean_and_says_how_far_its_members_disagree() -> None:
    members = np.array([[0.5, 0.3, 0.2], [0.5, 0.2, 0.3], [0.5, 0.25, 0.25]])
    pooled, disagreement = log_pool(members)
    assert pooled.sum() == pytest.approx(1.0)
    assert pooled[0] > 0.5  # the others disagree about the rest, which the geometric mean takes off
    log_odds = np.log(members[:, 1] / (1 - members[:, 1]))
    np.testing.assert_allclose(disagreement[:2], [0.0, log_odds.std(ddof=1) / np.sqrt(3)], atol=1e-12)
    vetoed, _ = log_pool(np.array([[1.0, 0.0], [0.5, 0.5]]))
    assert vetoed[1] > 0
    alone, none = log_pool(np.array([[0.7, 0.3]]))
    np.testing.assert_allclose(alone, [0.7, 0.3])
    assert none.tolist() == [0.0, 0.0]


def test_the_pool_has_the_places_of_its_members() -> None:
    members = _forecasts(6)
    regression = np.linspace(1.0, -1.0, 6)
    assert add_combined(members, {ENSEMBLE: 2, POOL: 2}, np.zeros(6))[POOL].places is None
    members["plackett_luce"] = ModelForecast(3, members["plackett_luce"].win, places=regression)
    made = add_combined(members, {ENSEMBLE: 2, POOL: 2}, np.zeros(6))
    np.testing.assert_array_equal(made[POOL].places, regression)
    assert made[ENSEMBLE].places is None


def test_the_published_rows(data: dict[str, tuple[pd.DataFrame, pd.DataFrame]]) -> None:
    later = data["pre_race"][1]
    race = later[later["race_key"] == later["race_key"].iloc[0]].sort_values("driver_id")
    retirement = np.linspace(0.02, 0.3, len(race))
    forecasts = add_combined(_forecasts(len(race)), {ENSEMBLE: 2, POOL: 2}, retirement)
    rows = prediction_rows(race, "pre_race", forecasts, retirement, 400, 7)
    assert len(rows) == (len(MODELS) + len(COMBINED)) * len(race)
    pd.testing.assert_frame_equal(rows, prediction_rows(race, "pre_race", forecasts, retirement, 400, 7))
    # With a fifth of them out, ten still finish: all ten scoring places are taken.
    worth = sum((25, 18, 15, 12, 10, 8, 6, 4, 2, 1))
    for name, part in rows.groupby("model"):
        assert part["driver_id"].tolist() == race["driver_id"].tolist()
        assert part["win_probability"].tolist() == forecasts[str(name)].win.tolist()
        assert part["retirement_probability"].tolist() == retirement.tolist()
        assert part["podium_probability"].sum() == pytest.approx(3.0)
        assert part["top6_probability"].sum() == pytest.approx(6.0)
        assert part["points_probability"].sum() == pytest.approx(10.0, abs=0.02)
        assert part["expected_points"].sum() == pytest.approx(worth, abs=0.02)
        assert part["expected_position"].sum() == pytest.approx(len(race) * (len(race) + 1) / 2)
        assert (part["podium_probability"] >= part["win_probability"] - 1e-12).all()
        assert (part["top6_probability"] >= part["podium_probability"] - 1e-12).all()
        assert part["interval_low"].notna().all() == (name in COMBINED)
    assert str(rows["cutoff"].dtype.tz) == "UTC"
    # The forecast that is shown is drawn more finely.
    assert dict(rows.groupby("model")["draws"].first()) == {
        name: 2000 if name == "pool" else 400 for name in rows["model"]
    }


def test_a_stated_covariance_becomes_an_interval(data: dict[str, tuple[pd.DataFrame, pd.DataFrame]]) -> None:
    later = data["pre_race"][1]
    race = later[later["race_key"] == later["race_key"].iloc[0]].sort_values("driver_id")
    count = len(race)
    members = _forecasts(count)
    members["rating"] = ModelForecast(5, members["rating"].win, covariance=0.04 * np.eye(count))
    retirement = np.linspace(0.02, 0.3, count)
    made = add_combined(members, {ENSEMBLE: 2, POOL: 2}, retirement)
    pooled, disagreement = log_pool(np.stack([members[name].win for name in POOL_MEMBERS]))
    bounds = interval(pooled, np.diag(COMMON_ERROR * 0.04 + disagreement**2))
    for said, bound in zip((made[POOL].low, made[POOL].high), bounds, strict=True):
        np.testing.assert_allclose(said, carried(bound, pooled, retirement))
    np.testing.assert_allclose(made[POOL].win, win_of_finishers(pooled, retirement))
    rows = prediction_rows(race, "pre_race", made, retirement, 200, 7)
    stated = rows.groupby("model")["interval_low"].apply(lambda low: bool(low.notna().all()))
    assert set(stated[stated].index) == {"rating", ENSEMBLE, POOL}
    shown = rows[rows["model"].isin(["rating", POOL])]
    assert (shown["interval_low"] < shown["win_probability"]).all()
    assert (shown["interval_high"] > shown["win_probability"]).all()


def test_the_seed_of_a_race() -> None:
    seeds = {race_seed(base, race, horizon) for base in (1, 2) for race in ("a", "b") for horizon in HORIZONS}
    assert len(seeds) == 8
    assert all(0 <= seed < 2**31 for seed in seeds), "fits every database's integer"
    assert race_seed(1, "a", "pre_race") == race_seed(1, "a", "pre_race")
