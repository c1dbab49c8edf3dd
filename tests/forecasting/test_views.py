"""Views of a stored forecast: the orders behind it can be drawn again, and no table contradicts another."""

import numpy as np
import pandas as pd
import pytest

from f1_pipeline.domain.points import points_to_come, race_points, scoring_places
from f1_pipeline.forecasting.predict import ModelForecast, prediction_rows
from f1_pipeline.forecasting.views import distribution_rows, orders_of

SEASON = 2026
DRIVERS = [f"driver-{letter}" for letter in "abcdefghijklmnopqrst"]


def stored(
    draws: int = 700,
    seed: int = 11,
    drivers: int = 20,
    model: str = "pool",
    race_key: str = f"{SEASON}-somewhere",
) -> pd.DataFrame:
    """Rows of ``predictions`` of one race as they are made; teams have two cars."""
    rng = np.random.default_rng(seed)
    rows = pd.DataFrame(
        {
            "race_key": race_key,
            "season": int(race_key[:4]),
            "driver_id": DRIVERS[:drivers],
            "constructor_id": [f"team-{number // 2}" for number in range(drivers)],
            "cutoff": pd.Timestamp("2026-05-01", tz="UTC"),
        }
    )
    win = rng.dirichlet(np.full(drivers, 0.3))
    retirement = rng.uniform(0.02, 0.3, drivers)
    places = rng.normal(0, 2, drivers) if model == "pool" else None
    made = {model: ModelForecast(3, win, places=places)}
    return prediction_rows(rows, "pre_race", made, retirement, draws, seed)


def assert_views_are_stored(rows: pd.DataFrame) -> None:
    orders = orders_of(rows)
    for column, found in (
        ("podium_probability", np.minimum(orders.top(3), 1.0)),
        ("top6_probability", np.minimum(orders.top(6), 1.0)),
        ("points_probability", np.minimum(orders.scores(scoring_places(SEASON)), 1.0)),
        ("expected_position", orders.expected_position()),
        ("expected_points", orders.weights @ orders.points(race_points(SEASON))),
    ):
        # Not to the last bit: a sum over draws may be taken in another order.
        np.testing.assert_allclose(rows[column], found, rtol=1e-13, atol=1e-15, err_msg=column)


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("model", ["pool", "rating"])
def test_the_stored_numbers_are_views_of_the_orders(seed: int, model: str) -> None:
    rows = stored(seed=seed, model=model)
    assert rows["place_strength"].notna().all() == (model == "pool")
    assert_views_are_stored(rows)


def test_a_forecast_from_before_there_were_two_drawings_is_of_the_first() -> None:
    rows = stored().assign(place_strength=np.nan)
    first, none = orders_of(rows.assign(drawing=1)), orders_of(rows.assign(drawing=None))
    np.testing.assert_array_equal(first.positions, none.positions)
    assert not np.array_equal(first.positions, orders_of(rows).positions)


@pytest.mark.parametrize("mix", [1, 2])
def test_the_order_of_the_rows_does_not_matter(mix: int) -> None:
    rows = stored().sample(frac=1, random_state=mix)
    assert rows["driver_id"].tolist() != sorted(rows["driver_id"])
    orders = orders_of(rows)
    for column, found in (
        ("podium_probability", orders.top(3)),
        ("expected_position", orders.expected_position()),
    ):
        np.testing.assert_allclose(rows[column], found, rtol=1e-14)
    np.testing.assert_array_equal(orders.positions, orders_of(rows.reset_index(drop=True)).positions)


def test_another_seed_or_number_of_draws_is_another_forecast() -> None:
    rows = stored()
    assert orders_of(rows).top(3).tolist() != orders_of(rows.assign(seed=12)).top(3).tolist()
    assert orders_of(rows).top(3).tolist() != orders_of(rows.assign(draws=701)).top(3).tolist()


@pytest.mark.parametrize("column", ["race_key", "horizon", "model", "seed", "draws"])
def test_two_forecasts_are_not_drawn_together(column: str) -> None:
    rows = stored()
    other = rows.assign(**{column: "other" if isinstance(rows[column].iloc[0], str) else 999})
    with pytest.raises(ValueError, match="one forecast"):
        orders_of(pd.concat([rows, other], ignore_index=True))


def test_a_forecast_of_old_cannot_be_drawn_again() -> None:
    """Before there were retirements in the orders the number of draws was not stored."""
    with pytest.raises(ValueError, match="number of draws"):
        orders_of(stored().assign(draws=None))
    with pytest.raises(ValueError, match="one forecast"):
        orders_of(stored().iloc[:0])


# --- the tables ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    return stored().sample(frac=1, random_state=5)


@pytest.fixture(scope="module")
def views(rows: pd.DataFrame) -> dict[str, pd.DataFrame]:
    return distribution_rows(rows)


def test_all_rows_say_which_forecast_they_are_of(views: dict[str, pd.DataFrame]) -> None:
    assert set(views) == {"positions", "head_to_head", "constructors"}
    for frame in views.values():
        head = frame[["race_key", "horizon", "model"]].drop_duplicates().to_numpy().tolist()
        assert head == [["2026-somewhere", "pre_race", "pool"]]
        numbers = frame.select_dtypes("float")
        assert np.isfinite(numbers).all().all()
    for name, column in (
        ("positions", "probability"),
        ("head_to_head", "probability"),
        ("constructors", "win_probability"),
        ("constructors", "most_points_probability"),
    ):
        assert views[name][column].between(0, 1).all()


def test_places_agree_with_the_forecast(rows: pd.DataFrame, views: dict[str, pd.DataFrame]) -> None:
    table = views["positions"].pivot(index="driver_id", columns="position", values="probability")
    assert table.shape == (20, 20)
    np.testing.assert_allclose(table.sum(axis=0), 1.0, atol=1e-9)
    np.testing.assert_allclose(table.sum(axis=1), 1.0, atol=1e-9)
    known = rows.set_index("driver_id").loc[table.index]
    np.testing.assert_allclose(table[1], known["win_probability"], atol=1e-9)
    np.testing.assert_allclose(table[[1, 2, 3]].sum(axis=1), known["podium_probability"], atol=1e-9)
    np.testing.assert_allclose(table @ np.arange(1, 21), known["expected_position"], atol=1e-9)


def test_each_pair_is_there_once(rows: pd.DataFrame, views: dict[str, pd.DataFrame]) -> None:
    pairs = views["head_to_head"]
    assert len(pairs) == 20 * 19 / 2
    assert (pairs["driver_id"] < pairs["rival_id"]).all(), (
        "the first of the alphabet is the driver of the row"
    )
    assert not pairs.duplicated(["driver_id", "rival_id"]).any()
    orders = orders_of(rows)
    place = {driver: at for at, driver in enumerate(rows["driver_id"])}
    for row in pairs.sample(25, random_state=1).itertuples():
        expected = orders.head_to_head(place[row.driver_id], place[row.rival_id])
        assert row.probability == pytest.approx(expected, abs=1e-12)


def test_teams_are_the_sum_of_their_cars(rows: pd.DataFrame, views: dict[str, pd.DataFrame]) -> None:
    teams = views["constructors"].set_index("constructor_id")
    assert len(teams) == 10
    assert teams["win_probability"].sum() == pytest.approx(1.0)
    assert teams["most_points_probability"].sum() == pytest.approx(1.0)
    sums = rows.groupby("constructor_id")[["win_probability", "expected_points"]].sum()
    pd.testing.assert_frame_equal(teams[["win_probability", "expected_points"]].sort_index(), sums)


def test_the_team_with_most_points_by_hand() -> None:
    """Three cars: the certain winner has 25 points, his rivals 18 and 15 together more."""
    made = pd.DataFrame(
        {
            "race_key": "2026-somewhere",
            "horizon": "pre_race",
            "model": "pool",
            "driver_id": ["a", "b", "c"],
            "constructor_id": ["alone", "pair", "pair"],
            "win_probability": [1.0, 0.0, 0.0],
            "retirement_probability": [0.0, 0.0, 0.0],
            "draws": 100,
            "drawing": 2,
            "place_strength": np.nan,
            "seed": 1,
        }
    )
    teams = distribution_rows(made)["constructors"].set_index("constructor_id")
    assert teams["win_probability"].to_dict() == {"alone": 1.0, "pair": 0.0}
    assert teams["expected_points"].to_dict() == pytest.approx({"alone": 25.0, "pair": 33.0})
    assert teams["most_points_probability"].to_dict() == pytest.approx({"alone": 0.0, "pair": 1.0})
    # Where one of the pair does not last, 25 points are more than 18.
    broken = distribution_rows(made.assign(retirement_probability=[0.0, 0.9, 0.0], draws=4000))
    shares = broken["constructors"].set_index("constructor_id")["most_points_probability"]
    assert shares["alone"] == pytest.approx(0.9, abs=0.02)


def test_a_race_that_counts_double_does_so_before_it() -> None:
    """Abu Dhabi 2014, by the rules of its season; that a race will be stopped and count half nobody knows."""
    base = stored()
    usual, double, half = (
        distribution_rows(base.assign(race_key=key))["constructors"]["expected_points"].sum()
        for key in ("2014-brazil", "2014-abu-dhabi", "2014-italy")
    )
    assert usual == half
    assert double == pytest.approx(2 * usual)
    as_stored = {
        key: stored(race_key=key).set_index("driver_id")["expected_points"]
        for key in ("2014-brazil", "2014-abu-dhabi")
    }
    pd.testing.assert_series_equal(as_stored["2014-abu-dhabi"], 2 * as_stored["2014-brazil"])
    assert points_to_come("2021-belgium") == points_to_come("2021-italy")


def test_one_car_alone_has_no_pairs() -> None:
    views = distribution_rows(stored(drivers=1))
    assert views["head_to_head"].empty
    assert views["positions"]["probability"].tolist() == pytest.approx([1.0])
    assert (views["positions"]["probability"] <= 1.0).all()
    assert views["constructors"]["most_points_probability"].tolist() == pytest.approx([1.0])
