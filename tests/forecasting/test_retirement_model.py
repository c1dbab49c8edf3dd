"""The retirement model: corrections of the rates, and that they are worth having."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

from f1_pipeline.domain.vocabulary import HORIZONS
from f1_pipeline.forecasting.features import names
from f1_pipeline.forecasting.grouping import Floats
from f1_pipeline.forecasting.models import RetirementModel, make
from f1_pipeline.forecasting.reliability import COLUMNS


def sample(races: int, seed: int, drivers: int = 20, slope: float = 0.8) -> tuple[pd.DataFrame, Floats]:
    """Drawn races: feature rows with ``retired``, and the true probabilities.

    Twenty seasons. Fast cars retire less often (``slope`` per unit of the rating), and the back of the grid more.
    """
    rng = np.random.default_rng(seed)
    size = races * drivers
    race = np.repeat(np.arange(races), drivers)
    grid = np.tile(np.arange(1.0, drivers + 1), races)
    pace = -0.08 * grid + rng.normal(0, 0.4, size)
    rows = pd.DataFrame(
        {
            "race_key": [f"r{number:04}" for number in race],
            "driver_id": [f"d{int(place):02}" for place in grid],
            "season": 2000 + race * 20 // races,
            "retirement_field": -1.9,
            "retirement_team": rng.normal(0, 0.3, size),
            "retirement_driver": rng.normal(0, 0.1, size),
            "retirement_circuit": np.repeat(rng.normal(0, 0.2, races), drivers),
            "joint_rating": pace,
            "grid_position": grid,
            "gap_to_pole_pct": 0.1 * grid,
        }
    )
    centred = pace - pd.Series(pace).groupby(race).transform("mean").to_numpy()
    log_odds = rows[list(COLUMNS)].sum(axis=1).to_numpy() - slope * centred
    true = 1 / (1 + np.exp(-log_odds))
    return rows.assign(retired=rng.random(size) < true), true


def log_loss(p: Floats, rows: pd.DataFrame) -> float:
    y = rows["retired"].to_numpy(dtype=float)
    return float(-(y * np.log(p) + (1 - y) * np.log1p(-p)).mean())


def offset(rows: pd.DataFrame) -> Floats:
    return np.asarray(rows[list(COLUMNS)].sum(axis=1).to_numpy(), dtype=np.float64)


every_horizon = pytest.mark.parametrize("horizon", HORIZONS)


@every_horizon
def test_it_keeps_the_contract_of_a_model(horizon: str) -> None:
    model = make("retirement", horizon, 3)
    assert isinstance(model, RetirementModel)
    assert set(model.features()) <= set(names(horizon, seen_by="any model"))
    assert model.hyperparameters() == {"horizon": horizon, "penalty": 30.0}
    rows, _ = sample(60, 1)
    held = rows.copy(deep=True)
    assert model.fit(rows) is model
    p = model.predict(rows)
    pd.testing.assert_frame_equal(rows, held)
    assert p.shape == (len(rows),)
    assert ((p > 0) & (p < 1)).all()
    assert model.training_metrics(rows) == {"training_log_loss": pytest.approx(log_loss(p, rows))}
    assert clone(model).get_params() == model.get_params()
    assert not hasattr(clone(model), "coefficients_")


@every_horizon
def test_the_level_is_that_of_the_training_rows(horizon: str) -> None:
    rows, _ = sample(300, 2)
    rows["season"] = 2020  # all count alike
    p = make("retirement", horizon, 1).fit(rows)
    assert p.predict(rows).mean() == pytest.approx(rows["retired"].mean(), abs=1e-3)


@every_horizon
def test_row_order_index_and_the_outcome_do_not_matter(horizon: str) -> None:
    rows, _ = sample(80, 3)
    coming, _ = sample(10, 4)
    mixed = rows.sample(frac=1, random_state=1)
    one, other = (make("retirement", horizon, 1).fit(frame) for frame in (rows, mixed))
    np.testing.assert_allclose(one.predict(coming), other.predict(coming), rtol=1e-9)
    expected = pd.Series(one.predict(coming), index=coming.index)
    shuffled = coming.sample(frac=1, random_state=2).drop(columns="retired")
    np.testing.assert_allclose(one.predict(shuffled), expected.loc[shuffled.index], rtol=1e-12)


@every_horizon
def test_with_an_infinite_penalty_it_is_the_rates_themselves(horizon: str) -> None:
    rows, _ = sample(200, 5)
    model = make("retirement", horizon, 1, {"penalty": 1e12}).fit(rows)
    p = model.predict(rows)
    shift = np.log(p / (1 - p)) - offset(rows)
    # One level for all remains.
    np.testing.assert_allclose(shift, shift[0], atol=1e-6)
    assert np.ptp(np.log(make("retirement", horizon, 1).fit(rows).predict(rows)) - offset(rows)) > 0.1


@every_horizon
def test_it_finds_what_the_rates_do_not_say(horizon: str) -> None:
    rows, _ = sample(1200, 6)
    later, true = sample(400, 7)
    p = make("retirement", horizon, 1).fit(rows).predict(later)
    constant = np.full(len(later), rows["retired"].mean())
    rates = 1 / (1 + np.exp(-offset(later)))
    assert log_loss(p, later) < log_loss(rates, later) - 0.005
    assert log_loss(p, later) < log_loss(constant, later) - 0.01
    assert log_loss(p, later) < log_loss(true, later) + 0.004, "close to the truth itself"
    assert np.corrcoef(p, true)[0, 1] > 0.95


@every_horizon
def test_a_faster_car_retires_less_often(horizon: str) -> None:
    rows, _ = sample(600, 8)
    model = make("retirement", horizon, 1).fit(rows)
    race, _ = sample(1, 9)
    # Two cars that differ in pace only.
    race.loc[1] = race.loc[0]
    race.loc[1, "joint_rating"] = race.loc[0, "joint_rating"] + 1.5
    race[["grid_position", "gap_to_pole_pct"]] = 5.0
    p = model.predict(race)
    assert p[1] < p[0]


@every_horizon
def test_old_races_count_less(horizon: str) -> None:
    old, _ = sample(300, 10, slope=2.0)
    new, _ = sample(300, 11, slope=0.0)
    parts = [old.assign(season=1950), new.assign(season=2020, race_key=new["race_key"] + "n")]
    both = make("retirement", horizon, 1).fit(pd.concat(parts, ignore_index=True))
    of_new = make("retirement", horizon, 1).fit(parts[1])
    of_old = make("retirement", horizon, 1).fit(old)
    distance = [np.abs(both.predict(new) - one.predict(new)).mean() for one in (of_new, of_old)]
    assert distance[0] < 0.5 * distance[1]


@every_horizon
def test_missing_values_are_an_average_car(horizon: str) -> None:
    rows, _ = sample(100, 12)
    model = make("retirement", horizon, 1).fit(rows)
    race, _ = sample(1, 13)
    race.loc[0, [*COLUMNS[1:], "joint_rating", "grid_position", "gap_to_pole_pct"]] = np.nan
    p = model.predict(race)
    assert np.isfinite(p).all()
    assert 0.02 < p[0] < 0.8
    gappy = rows.copy()
    gappy.loc[::3, "gap_to_pole_pct"] = np.nan
    gappy.loc[::5, "retirement_team"] = np.nan
    assert np.isfinite(make("retirement", horizon, 1).fit(gappy).predict(race)).all()


def test_a_missing_rate_of_the_field_is_an_error() -> None:
    """It would count as even odds."""
    rows, _ = sample(100, 12)
    model = make("retirement", "pre_race", 1).fit(rows)
    race, _ = sample(1, 13)
    race.loc[0, "retirement_field"] = np.nan
    with pytest.raises(ValueError, match="retirement_field is missing in 1 rows"):
        model.predict(race)


def test_the_grid_is_read_before_the_race_only() -> None:
    rows, _ = sample(200, 14)
    race, _ = sample(1, 15)
    turned = race.assign(grid_position=race["grid_position"].to_numpy()[::-1])
    early, late = (make("retirement", horizon, 1).fit(rows) for horizon in HORIZONS)
    np.testing.assert_array_equal(early.predict(race), early.predict(turned))
    assert not np.allclose(late.predict(race), late.predict(turned))
