"""The order models: what their reasons and uncertainty state is true of their forecasts, and survives being stored."""

import copy
from pathlib import Path
from typing import cast

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import approx_fprime

from f1_pipeline.domain.vocabulary import HORIZONS
from f1_pipeline.forecasting.features import FEATURES
from f1_pipeline.forecasting.models import LinearOrder, Model, WinModel, make, make_win
from f1_pipeline.forecasting.models.order_boosted import BoostedOrder
from f1_pipeline.forecasting.models.order_linear import MOST_DOUBT, PlackettLuceWin
from f1_pipeline.forecasting.plackett_luce import curvature, finishing_orders, loss
from f1_pipeline.registry import Registered, Registry
from f1_pipeline.sources.simulated import simulate
from tests.forecasting.labelled import Labelled, split
from tests.quiet import QUIET_MLFLOW, import_mlflow

pytestmark = QUIET_MLFLOW
LINEAR = ("rating", "plackett_luce")
every_linear = pytest.mark.parametrize(
    ("name", "horizon"), [(name, horizon) for name in LINEAR for horizon in HORIZONS]
)


@pytest.fixture(scope="module")
def data() -> Labelled:
    return split(simulate(7, 5).bundle.tables, seasons=1)


@pytest.fixture(scope="module")
def fitted(data: Labelled) -> dict[tuple[str, str], WinModel]:
    return {
        (name, horizon): cast(WinModel, make_win(name, horizon, 3).fit(data[horizon][0]))
        for name in (*LINEAR, "xgboost_order")
        for horizon in HORIZONS
    }


Fitted = dict[tuple[str, str], WinModel]


def linear(fitted: Fitted, name: str, horizon: str) -> LinearOrder:
    model = fitted[name, horizon]
    assert isinstance(model, LinearOrder)
    return model


def one_race(data: Labelled, horizon: str, at: int = -1) -> pd.DataFrame:
    later = data[horizon][1]
    return later[later["race_key"] == later["race_key"].iloc[at]].reset_index(drop=True)


# --- reasons ---------------------------------------------------------------------------------------------


@every_linear
def test_contributions_sum_to_the_log_strength(
    name: str, horizon: str, data: Labelled, fitted: Fitted
) -> None:
    later = data[horizon][1]
    model = linear(fitted, name, horizon)
    parts = model.contributions(later)
    assert set(parts.columns) <= {feature.group for feature in FEATURES}
    assert set(parts.columns) >= ({"rating", "weekend"} if horizon == "pre_race" else {"rating"})
    assert parts.index.equals(later.index)
    log_p = pd.Series(np.log(model.win_probability(later)))
    centred = log_p - log_p.groupby(later["race_key"]).transform("mean")
    np.testing.assert_allclose(parts.sum(axis=1), centred, atol=1e-9)
    np.testing.assert_allclose(parts.groupby(later["race_key"]).mean(), 0.0, atol=1e-9)


@every_linear
def test_a_contribution_is_what_its_features_add(
    name: str, horizon: str, data: Labelled, fitted: Fitted
) -> None:
    """With the features of one group made alike in a race only that group loses its say.

    Of the regression the circuit's, since it measures every column in spreads of the faster cars, which the ratings name.
    """
    group, columns = {
        "rating": ("rating", ("joint_rating",)),
        "plackett_luce": ("circuit", ("driver_wins_at_circuit", "driver_avg_finish_at_circuit")),
    }[name]
    model, race = linear(fitted, name, horizon), one_race(data, horizon)
    alike = race.assign(**{column: race[column].mean() for column in columns})
    before, after = model.contributions(race), model.contributions(alike)
    others = [name for name in before.columns if name != group]
    pd.testing.assert_frame_equal(before[others], after[others])
    assert after[group].abs().max() < 1e-9 < before[group].abs().max()


@pytest.mark.parametrize("horizon", ["pre_weekend", "pre_race"])
def test_the_regression_counts_in_spreads_of_the_field(horizon: str, data: Labelled, fitted: Fitted) -> None:
    """Half the distance between all cars in one feature says the same: the field is closer, the order is not."""
    model, race = linear(fitted, "plackett_luce", horizon), one_race(data, horizon)
    for column in ("joint_rating", "recent_points"):
        closer = race.assign(**{column: race[column].mean() + 0.5 * (race[column] - race[column].mean())})
        np.testing.assert_allclose(model.columns(race), model.columns(closer), atol=1e-6)
        np.testing.assert_allclose(model.predict(race), model.predict(closer), atol=1e-6)


def test_one_lost_season_does_not_decide_a_race(data: Labelled, fitted: Fitted) -> None:
    """A value far outside the field counts as four spreads of it, not as forty."""
    model, race = linear(fitted, "plackett_luce", "pre_race"), one_race(data, "pre_race")
    lost = race.assign(gap_to_pole_pct=[0.0] * (len(race) - 1) + [1e9])
    assert model.columns(lost).abs().max().max() <= 4.0


# --- uncertainty -----------------------------------------------------------------------------------------


def least(matrix: np.ndarray) -> float:
    return float(np.linalg.eigvalsh((matrix + matrix.T) / 2).min())


@every_linear
def test_the_covariance_is_one(name: str, horizon: str, data: Labelled, fitted: Fitted) -> None:
    model = linear(fitted, name, horizon)
    for at in (0, -1):
        race = one_race(data, horizon, at)
        covariance = model.covariance(race)
        assert covariance.shape == (len(race), len(race))
        np.testing.assert_allclose(covariance, covariance.T, atol=1e-12)
        assert least(covariance) > -1e-10
        assert (np.diag(covariance) > 0).all()
        mixed = race.sample(frac=1, random_state=3)
        again = model.covariance(mixed)
        back = np.argsort(mixed.index.to_numpy())
        np.testing.assert_allclose(again[np.ix_(back, back)], covariance, rtol=1e-9, atol=1e-12)


@every_linear
def test_less_sure_ratings_make_less_sure_forecasts(
    name: str, horizon: str, data: Labelled, fitted: Fitted
) -> None:
    model = copy.deepcopy(linear(fitted, name, horizon))
    model.heat_ = np.zeros(2)  # doubt cools the scores too, which makes all differences smaller
    race = one_race(data, horizon)
    sure, unsure = (model.covariance(race.assign(joint_rating_own_sd=sd)) for sd in (0.2, 0.4))
    assert least(unsure - sure) > -1e-10
    assert (np.diag(unsure) > np.diag(sure)).all()


@every_linear
def test_team_mates_share_the_errors_of_their_car(
    name: str, horizon: str, data: Labelled, fitted: Fitted
) -> None:
    model = copy.deepcopy(linear(fitted, name, horizon))
    race = one_race(data, horizon).assign(joint_rating_own_sd=0.5)
    model.covariance_ = np.zeros_like(model.covariance_)  # of ratings alone
    covariance = model.covariance(race)
    teams = race["constructor_id"].to_numpy()
    mates = (teams[:, None] == teams[None, :]) & ~np.eye(len(race), dtype=bool)
    assert mates.any()
    assert (covariance[mates] > 0).all()
    assert (covariance[~mates & ~np.eye(len(race), dtype=bool)] == 0).all()


@every_linear
def test_more_races_make_surer_coefficients(name: str, horizon: str, data: Labelled) -> None:
    past = data[horizon][0]
    few = past[past["season"] >= past["season"].max() - 1].reset_index(drop=True)
    sums = []
    for rows in (few, past):
        model = make_win(name, horizon, 3).fit(rows)
        assert isinstance(model, LinearOrder)
        design = model.columns(few).to_numpy() / model.scale_
        sums.append(np.einsum("rd,de,re->r", design, model.covariance_, design).mean())
    assert sums[1] < sums[0]


def test_the_curvature_is_that_of_the_loss() -> None:
    rng = np.random.default_rng(1)
    sizes = (5, 2, 7, 1, 4)
    rows = pd.DataFrame(
        {
            "race_key": np.repeat([f"r{i}" for i in range(len(sizes))], sizes),
            "finish": np.concatenate([rng.permutation(size) + 1 for size in sizes]),
        }
    )
    design = rng.normal(size=(len(rows), 3))
    orders = finishing_orders(rows, np.repeat(rng.uniform(0.5, 2.0, len(sizes)), sizes))
    weights = np.array([0.8, -0.4, 0.1])

    def gradient(coefficients: np.ndarray) -> np.ndarray:
        return design.T @ loss(design @ coefficients, orders)[1]

    numeric = np.array(
        [approx_fprime(weights, lambda w, i=i: gradient(w)[i], 1e-6) for i in range(3)]  # type: ignore[misc]
    )
    found = curvature(design, design @ weights, orders)
    np.testing.assert_allclose(found, numeric, atol=1e-4)
    assert least(found) > 0
    # A constant added to all of a race changes nothing, so its curvature is zero.
    np.testing.assert_allclose(curvature(np.ones((len(rows), 1)), design @ weights, orders), 0.0, atol=1e-12)


# --- stored and loaded -----------------------------------------------------------------------------------


@pytest.mark.parametrize("horizon", HORIZONS)
def test_the_trees_are_in_their_bytes(horizon: str, data: Labelled, fitted: Fitted) -> None:
    model, later = fitted["xgboost_order", horizon], data[horizon][1]
    assert isinstance(model, BoostedOrder)
    assert model.learnt_.dtype == np.uint8
    fresh = BoostedOrder(horizon=horizon)
    fresh.learnt_ = np.frombuffer(model.learnt_.tobytes(), dtype=np.uint8)
    fresh.heat_, fresh.doubt_ = model.heat_.copy(), model.doubt_
    np.testing.assert_array_equal(fresh.win_probability(later), model.win_probability(later))
    again = make_win("xgboost_order", horizon, 3).fit(data[horizon][0])
    assert isinstance(again, BoostedOrder)
    assert again.learnt_.tobytes() == model.learnt_.tobytes()


@pytest.mark.parametrize("rounds", [1, 120])
def test_more_rounds_fit_better(rounds: int, data: Labelled, fitted: Fitted) -> None:
    rows = data["pre_race"][0]
    usual = fitted["xgboost_order", "pre_race"].training_metrics(rows)["training_log_loss"]
    other = make_win("xgboost_order", "pre_race", 3, {"rounds": rounds}).fit(rows)
    # The temperature is fitted out of sample; without it the scores alone are compared.
    found = other.training_metrics(rows)["training_log_loss"]
    assert (found > usual) if rounds == 1 else (found < usual)


def _assert_on_record(registry: Registry, stored: Registered, model: Model) -> None:
    """The run, its model and the version say the same: metrics and parameters are written once, for all of them."""
    import mlflow

    client = mlflow.MlflowClient(registry.tracking_uri, registry.tracking_uri)
    run = client.get_run(stored.run_id)
    version = client.get_model_version(stored.name, stored.version)
    logged = client.get_logged_model(version.source.rsplit("/", 1)[-1])
    assert run.info.status == "FINISHED"
    assert run.data.metrics == {"training_log_loss": 1.0}
    assert [(metric.key, metric.value) for metric in logged.metrics] == [("training_log_loss", 1.0)]
    assert run.data.params == logged.params == {k: str(v) for k, v in model.hyperparameters().items()}
    assert version.tags == {"seed": "3"}
    assert version.run_id == stored.run_id == logged.source_run_id


@pytest.mark.parametrize("name", [*LINEAR, "xgboost_order", "retirement"])
def test_the_registry_gives_the_model_back(name: str, data: Labelled, fitted: Fitted, tmp_path: Path) -> None:
    import_mlflow()
    registry = Registry(f"sqlite:///{tmp_path / 'mlflow.db'}", tmp_path / "artefacts")
    rows, later = data["pre_race"]
    model: Model = make(name, "pre_race", 3).fit(rows) if name == "retirement" else fitted[name, "pre_race"]
    stored = registry.register(model, "pre_race", rows.head(40), {"training_log_loss": 1.0}, {"seed": "3"})
    loaded = registry.load(make(name, "pre_race", 3), stored)
    assert type(loaded) is type(model)
    _assert_on_record(registry, stored, model)
    assert loaded.get_params() == model.get_params()
    np.testing.assert_array_equal(loaded.predict(later), model.predict(later))
    if isinstance(model, LinearOrder):
        assert isinstance(loaded, LinearOrder)
        race = one_race(data, "pre_race")
        np.testing.assert_array_equal(loaded.covariance(race), model.covariance(race))
        pd.testing.assert_frame_equal(loaded.contributions(race), model.contributions(race))


def test_a_disqualified_car_is_not_learnt_as_a_slow_one(data: Labelled) -> None:
    """It stands behind everybody in the order: the field of 2025 Las Vegas had both McLarens there."""
    rows, _ = data["pre_race"]
    best = rows["finish"] == 1
    disqualified = rows.assign(
        position=rows["position"].where(~best),
        finish=rows["finish"].where(~best, 99),
        retired=rows["retired"],
    )
    without = rows.assign(retired=rows["retired"] | best, position=rows["position"].where(~best))
    one, other = (make("plackett_luce", "pre_race", 3) for _ in range(2))
    assert isinstance(one, PlackettLuceWin)
    assert isinstance(other, PlackettLuceWin)
    one.fit(disqualified)
    other.fit(without.assign(finish=disqualified["finish"]))
    np.testing.assert_allclose(one.places_learnt_, other.places_learnt_)


def test_nobody_is_in_doubt_by_more_than_newcomers_were(data: Labelled, fitted: Fitted) -> None:
    """The interval of a first race went from 0 to 99 %: the rating began a newcomer with 1.74 % of doubt to learn fast."""
    model = fitted["plackett_luce", "pre_weekend"]
    assert isinstance(model, LinearOrder)
    race = one_race(data, "pre_weekend")
    wide, most, unknown = (
        model.covariance(race.assign(joint_rating_own_sd=sd)) for sd in (1.74, MOST_DOUBT, np.nan)
    )
    np.testing.assert_array_equal(wide, most)
    np.testing.assert_array_equal(unknown, most)
    assert (
        np.diag(model.covariance(race.assign(joint_rating_own_sd=0.95 * MOST_DOUBT))) < np.diag(most)
    ).all()
