"""One conformance suite over all models and baselines at both horizons: what they say of races, and what each is worth."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

from f1_pipeline.domain.vocabulary import HORIZONS
from f1_pipeline.forecasting.features import names
from f1_pipeline.forecasting.models import WinModel, baselines, make_win
from tests.forecasting.models.every_model import every, every_trained

Fitted = Callable[[str, str], WinModel]


@pytest.fixture(scope="module")
def fitted(data: dict[str, tuple[pd.DataFrame, pd.DataFrame]]) -> Fitted:
    """Models fitted on the past, each once."""
    known: dict[tuple[str, str], WinModel] = {}

    def get(name: str, horizon: str) -> WinModel:
        if (name, horizon) not in known:
            known[name, horizon] = make_win(name, horizon, 3).fit(data[horizon][0])
        return known[name, horizon]

    return get


def learnt(model: WinModel) -> list[str]:
    return [key for key in vars(model) if key.endswith("_")]


# --- the contract ----------------------------------------------------------------------------------------


@every
def test_parameters_and_clone(name: str, horizon: str, fitted: Fitted) -> None:
    model = fitted(name, horizon)
    copy = clone(model)
    assert type(copy) is type(model)
    assert copy.get_params() == model.get_params()
    assert copy.get_params()["horizon"] == horizon
    assert not learnt(copy)
    assert model.hyperparameters() == model.get_params()
    assert type(model).name == name


@every
def test_probabilities_of_each_race_sum_to_one(
    name: str, horizon: str, fitted: Fitted, data: dict[str, tuple[pd.DataFrame, pd.DataFrame]]
) -> None:
    later = data[horizon][1]
    p = fitted(name, horizon).win_probability(later)
    assert p.shape == (len(later),)
    assert p.dtype == np.float64
    assert (p > 0).all(), "nobody on the grid is called impossible"
    assert (p < 1).all()
    sums = pd.Series(p).groupby(later["race_key"]).sum()
    np.testing.assert_allclose(sums, 1.0, atol=1e-12)
    np.testing.assert_array_equal(fitted(name, horizon).predict(later), p)


@every
def test_row_order_and_index_do_not_matter(
    name: str, horizon: str, fitted: Fitted, data: dict[str, tuple[pd.DataFrame, pd.DataFrame]]
) -> None:
    model, later = fitted(name, horizon), data[horizon][1]
    expected = pd.Series(model.win_probability(later), index=later.index)
    mixed = later.sample(frac=1, random_state=2)  # rows of a race are no longer together
    np.testing.assert_allclose(model.win_probability(mixed), expected.loc[mixed.index], rtol=1e-9)


@every
@pytest.mark.parametrize("size", [1, 2, 7, 20])
def test_one_race_of_any_size(
    name: str, horizon: str, size: int, fitted: Fitted, data: dict[str, tuple[pd.DataFrame, pd.DataFrame]]
) -> None:
    later = data[horizon][1]
    race = later[later["race_key"] == later["race_key"].iloc[0]].head(size)
    p = fitted(name, horizon).win_probability(race)
    assert p.sum() == pytest.approx(1.0, abs=1e-12)
    assert len(p) == size


@every
def test_a_race_does_not_see_the_others(
    name: str, horizon: str, fitted: Fitted, data: dict[str, tuple[pd.DataFrame, pd.DataFrame]]
) -> None:
    model, later = fitted(name, horizon), data[horizon][1]
    one = later["race_key"] == later["race_key"].iloc[-1]
    np.testing.assert_allclose(
        model.win_probability(later[one]), model.win_probability(later)[one.to_numpy()], rtol=1e-9
    )


@every
def test_missing_values_and_unseen_places(
    name: str, horizon: str, fitted: Fitted, data: dict[str, tuple[pd.DataFrame, pd.DataFrame]]
) -> None:
    model, later = fitted(name, horizon), data[horizon][1]
    race = later[later["race_key"] == later["race_key"].iloc[0]].reset_index(drop=True)
    columns = [column for column in names(horizon) if column not in ("current_elo", "constructor_elo")]
    blank = race.assign(**dict.fromkeys(columns, np.nan))
    newcomer = race.copy()
    newcomer.loc[0, columns] = np.nan
    strange = race.copy()
    for column in ("championship_position", "grid_position"):
        strange.loc[0, column] = 77.0
    for rows in (blank, newcomer, strange):
        p = model.win_probability(rows)
        assert np.isfinite(p).all()
        assert p.sum() == pytest.approx(1.0)


# --- what they are worth ---------------------------------------------------------------------------------


def log_loss(model: WinModel, rows: pd.DataFrame) -> float:
    p = model.win_probability(rows)
    return float(-np.log(p[(rows["finish"] == 1).to_numpy()]).mean())


@every_trained
def test_a_trained_model_beats_uniform_on_later_seasons(
    name: str, horizon: str, fitted: Fitted, data: dict[str, tuple[pd.DataFrame, pd.DataFrame]]
) -> None:
    later = data[horizon][1]
    assert later["race_key"].nunique() == 40
    assert log_loss(fitted("uniform", horizon), later) == pytest.approx(np.log(20), abs=0.02)
    assert log_loss(fitted(name, horizon), later) < log_loss(fitted("uniform", horizon), later) - 0.5


@pytest.mark.parametrize("horizon", HORIZONS)
def test_a_share_of_the_ratings_is_no_forecast(
    horizon: str, fitted: Fitted, data: dict[str, tuple[pd.DataFrame, pd.DataFrame]]
) -> None:
    later = data[horizon][1]
    share, elo = log_loss(fitted("elo_share", horizon), later), log_loss(fitted("elo", horizon), later)
    assert elo < share - 0.5
    assert share < log_loss(fitted("uniform", horizon), later)


@pytest.mark.parametrize("horizon", HORIZONS)
def test_place_frequencies_beat_uniform(
    horizon: str, fitted: Fitted, data: dict[str, tuple[pd.DataFrame, pd.DataFrame]]
) -> None:
    name = list(baselines(horizon))[-1]
    later = data[horizon][1]
    assert log_loss(fitted(name, horizon), later) < log_loss(fitted("uniform", horizon), later) - 0.3


@every_trained
def test_qualifying_helps(
    name: str, horizon: str, fitted: Fitted, data: dict[str, tuple[pd.DataFrame, pd.DataFrame]]
) -> None:
    if horizon == "pre_race":
        early, late = (
            log_loss(fitted(name, "pre_weekend"), data["pre_weekend"][1]),
            log_loss(fitted(name, "pre_race"), data["pre_race"][1]),
        )
        assert late < early
