"""One conformance suite over all models and baselines at both horizons, and what each is worth."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import t as student
from sklearn.base import clone

from f1_pipeline.domain.vocabulary import (
    ALL_MODELS,
    BASELINES,
    COMBINED,
    ENSEMBLE,
    ENSEMBLE_MEMBERS,
    HORIZONS,
    POOL,
    POOL_MEMBERS,
    REGISTERED,
    TRAINED_MODELS,
)
from f1_pipeline.forecasting import models as kinds
from f1_pipeline.forecasting.elo import elo_ratings
from f1_pipeline.forecasting.ensemble import combine, log_pool
from f1_pipeline.forecasting.features import feature_matrix, names
from f1_pipeline.forecasting.grouping import Floats, normalise, softmax
from f1_pipeline.forecasting.history import build_history
from f1_pipeline.forecasting.joint_rating import Championships, joint_ratings
from f1_pipeline.forecasting.joint_state import JointConfig
from f1_pipeline.forecasting.models import MODELS, RetirementModel, WinModel, baselines, make_win
from f1_pipeline.forecasting.models.trees import ForestWin
from f1_pipeline.forecasting.predict import (
    COMMON_ERROR,
    ModelForecast,
    add_combined,
    prediction_rows,
    race_seed,
)
from f1_pipeline.forecasting.training import labelled
from f1_pipeline.sources.simulated import simulate

ALL = [(name, horizon) for horizon in HORIZONS for name in (*MODELS, *baselines(horizon))]
every = pytest.mark.parametrize(("name", "horizon"), ALL, ids=lambda value: value)
every_trained = pytest.mark.parametrize(
    ("name", "horizon"), [(name, horizon) for horizon in HORIZONS for name in MODELS], ids=lambda value: value
)


@pytest.fixture(scope="module")
def data() -> dict[str, tuple[pd.DataFrame, pd.DataFrame]]:
    """Labelled rows by horizon: those to learn from, and those of the seasons after."""
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
    made = add_combined({**members, "uniform": ModelForecast(0, uniform)}, versions)
    mean = np.mean([members[name].win for name in ENSEMBLE_MEMBERS], axis=0)
    np.testing.assert_allclose(made[ENSEMBLE].win, mean)
    pooled = np.exp(np.mean([np.log(members[name].win) for name in POOL_MEMBERS], axis=0))
    np.testing.assert_allclose(made[POOL].win, pooled / pooled.sum())
    assert (made[ENSEMBLE].version, made[POOL].version) == (9, 8)
    for name in ("elo", "rating"):
        with pytest.raises(KeyError, match=name):
            add_combined({key: one for key, one in members.items() if key != name}, versions)


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
    assert add_combined(members, {ENSEMBLE: 2, POOL: 2})[POOL].places is None
    members["plackett_luce"] = ModelForecast(3, members["plackett_luce"].win, places=regression)
    made = add_combined(members, {ENSEMBLE: 2, POOL: 2})
    np.testing.assert_array_equal(made[POOL].places, regression)
    assert made[ENSEMBLE].places is None


def test_the_published_rows(data: dict[str, tuple[pd.DataFrame, pd.DataFrame]]) -> None:
    later = data["pre_race"][1]
    race = later[later["race_key"] == later["race_key"].iloc[0]].sort_values("driver_id")
    forecasts = add_combined(_forecasts(len(race)), {ENSEMBLE: 2, POOL: 2})
    retirement = np.linspace(0.02, 0.3, len(race))
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
    made = add_combined(members, {ENSEMBLE: 2, POOL: 2})
    assert made[POOL].covariance is not None
    _, disagreement = log_pool(np.stack([members[name].win for name in POOL_MEMBERS]))
    np.testing.assert_allclose(made[POOL].covariance, np.diag(COMMON_ERROR * 0.04 + disagreement**2))
    rows = prediction_rows(race, "pre_race", made, np.zeros(count), 200, 7)
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
