"""One conformance suite over all models and baselines at both horizons: parameters, features, and how they learn."""

import sys
import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest

from f1_pipeline.domain.vocabulary import (
    ALL_MODELS,
    BASELINES,
    COMBINED,
    HORIZONS,
    REGISTERED,
    TRAINED_MODELS,
)
from f1_pipeline.forecasting import models as kinds
from f1_pipeline.forecasting.features import names
from f1_pipeline.forecasting.models import MODELS, RetirementModel, baselines, make_win
from f1_pipeline.forecasting.models.trees import ForestWin
from tests.forecasting.models.every_model import every


def test_the_vocabulary_names_the_models() -> None:
    assert tuple(MODELS) == TRAINED_MODELS
    assert tuple(kinds.REGISTERED) == REGISTERED
    assert kinds.REGISTERED["retirement"] is RetirementModel
    assert {horizon: tuple(baselines(horizon)) for horizon in HORIZONS} == BASELINES
    assert set(ALL_MODELS) == {*MODELS, *COMBINED, *baselines("pre_race"), *baselines("pre_weekend")}
    assert all(model.learnt for model in MODELS.values())
    assert not any(model.learnt for horizon in HORIZONS for model in baselines(horizon).values())


@every
def test_init_only_stores_parameters(name: str, horizon: str) -> None:
    kind = {**MODELS, **baselines(horizon)}[name]
    keys = kind(horizon=horizon).get_params()
    odd: dict[str, Any] = {key: object() for key in keys}
    model = kind(**odd)
    assert all(getattr(model, key) is value for key, value in odd.items())
    assert set(vars(model)) == set(keys)


@every
def test_the_features_are_known_at_the_horizon(name: str, horizon: str) -> None:
    assert set(make_win(name, horizon, 1).features()) <= set(names(horizon, seen_by="order"))


@every
def test_fit_returns_self_and_leaves_the_rows_alone(
    name: str, horizon: str, data: dict[str, tuple[pd.DataFrame, pd.DataFrame]]
) -> None:
    rows = data[horizon][0].tail(400).reset_index(drop=True)
    before = rows.copy(deep=True)
    parameters = (model := make_win(name, horizon, 1)).get_params()
    assert model.fit(rows) is model
    assert model.get_params() == parameters
    model.win_probability(rows)
    pd.testing.assert_frame_equal(rows, before)


@every
def test_a_second_fit_forgets_the_first(
    name: str, horizon: str, data: dict[str, tuple[pd.DataFrame, pd.DataFrame]]
) -> None:
    rows, later = data[horizon]
    first, second = rows.head(800), rows.tail(800)
    again = make_win(name, horizon, 1).fit(first).fit(second).win_probability(later)
    fresh = make_win(name, horizon, 1).fit(second).win_probability(later)
    np.testing.assert_array_equal(again, fresh)


@every
def test_the_same_seed_gives_the_same_model(
    name: str, horizon: str, data: dict[str, tuple[pd.DataFrame, pd.DataFrame]]
) -> None:
    rows, later = data[horizon]
    one, other = (make_win(name, horizon, 5).fit(rows.tail(800)).win_probability(later) for _ in range(2))
    np.testing.assert_array_equal(one, other)


def test_the_seed_reaches_the_forest(data: dict[str, tuple[pd.DataFrame, pd.DataFrame]]) -> None:
    rows, later = data["pre_race"]
    one, other = (
        make_win("random_forest", "pre_race", seed).fit(rows.tail(800)).win_probability(later)
        for seed in (1, 2)
    )
    assert not np.array_equal(one, other)


def test_threads_do_not_change_a_forest(
    data: dict[str, tuple[pd.DataFrame, pd.DataFrame]], monkeypatch: pytest.MonkeyPatch
) -> None:
    rows, later = data["pre_race"]
    found = []
    for threads in (1, 2, 3):
        monkeypatch.setattr("f1_pipeline.forecasting.models.trees._THREADS", threads)
        forest = make_win("random_forest", "pre_race", 5).fit(rows.tail(800))
        assert isinstance(forest, ForestWin)
        assert forest.learner_.n_jobs == 1, "threads would add up the trees of a forecast in any order"
        found.append(forest.win_probability(later))
    np.testing.assert_array_equal(found[0], found[1])
    np.testing.assert_array_equal(found[0], found[2])


def test_threads_of_a_forest_leave_the_filters_of_warnings_alone(
    data: dict[str, tuple[pd.DataFrame, pd.DataFrame]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else warnings are no errors any more for the rest of a test, and a server shows each or none."""
    rows, _ = data["pre_race"]
    monkeypatch.setattr("f1_pipeline.forecasting.models.trees._THREADS", 2)
    before, found = warnings.filters, list(warnings.filters)
    assert found
    frequency = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        for seed in range(5):
            make_win("random_forest", "pre_race", seed).fit(rows.tail(60))
            assert warnings.filters is before
            assert list(warnings.filters) == found
    finally:
        sys.setswitchinterval(frequency)


@every
def test_it_can_be_fitted_on_rows_with_missing_values(
    name: str, horizon: str, data: dict[str, tuple[pd.DataFrame, pd.DataFrame]]
) -> None:
    rows, later = data[horizon]
    rows = rows.tail(400).reset_index(drop=True)
    rows.loc[::3, "recent_avg_finish"] = np.nan
    rows.loc[::7, "championship_position"] = np.nan
    rows["elevation_m"] = np.nan  # a whole column: F1DB has no elevations
    assert np.isfinite(make_win(name, horizon, 1).fit(rows).win_probability(later)).all()


def test_place_frequency_by_hand() -> None:
    rows = pd.DataFrame(
        {
            "race_key": ["r", "r", "s", "s", "t", "t"],
            "grid_position": [1.0, 2.0, 1.0, 2.0, 2.0, np.nan],
            "finish": [1, 2, 1, 2, 1, 2],
        }
    )
    model = make_win("grid_frequency", "pre_race", 0).fit(rows)
    # Place 1 won 2 of 2, place 2 won 1 of 3, no place 0 of 1; a tenth of a win is added to each.
    raw = np.array([2.1 / 2.1, 1.1 / 3.1, 0.1 / 1.1, 0.1 / 1.1])
    race = pd.DataFrame({"race_key": "u", "grid_position": [1.0, 2.0, np.nan, 19.0]})
    np.testing.assert_allclose(model.win_probability(race), raw / raw.sum())


def test_elo_share_by_hand() -> None:
    race = pd.DataFrame({"race_key": "u", "current_elo": [1800.0, 1200.0, -50.0]})
    p = make_win("elo_share", "pre_weekend", 0).fit(race).win_probability(race)
    np.testing.assert_allclose(p, [1800 / 3001, 1200 / 3001, 1 / 3001])
