"""The distribution over finishing orders: laws that hold for any win probabilities."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from f1_pipeline.forecasting.grouping import Floats
from f1_pipeline.forecasting.orders import OrderDistribution, draw_orders

SETTINGS = settings(max_examples=60, deadline=None, derandomize=True)


def _normalised(values: list[float]) -> Floats:
    array = np.array(values)
    return array / array.sum()


# From a car that cannot win (0) over one in a billion to one that nearly always does.
strength = st.one_of(st.just(0.0), st.floats(1e-9, 1e-6), st.floats(0.01, 1.0), st.just(1e6))
probabilities = st.lists(strength, min_size=1, max_size=22).filter(lambda v: sum(v) > 0).map(_normalised)


def _draw(win: Floats, seed: int = 1) -> OrderDistribution:
    return draw_orders(win, 300, seed)


@SETTINGS
@given(probabilities)
def test_the_win_probability_is_exact(win: Floats) -> None:
    np.testing.assert_allclose(_draw(win).win(), win, atol=1e-12)


@SETTINGS
@given(probabilities)
def test_every_draw_is_an_order_and_the_weights_sum_to_one(win: Floats) -> None:
    orders = _draw(win)
    places = np.arange(1, len(win) + 1)
    assert (np.sort(orders.positions, axis=1) == places).all()
    assert orders.weights.sum() == pytest.approx(1.0, abs=1e-12)
    assert (orders.weights >= 0).all()


@SETTINGS
@given(probabilities)
def test_rows_and_columns_of_the_position_matrix_sum_to_one(win: Floats) -> None:
    orders = _draw(win)
    matrix = orders.position_matrix()
    assert matrix.shape == (len(win), len(win))
    np.testing.assert_allclose(matrix.sum(axis=0), 1.0, atol=1e-9)
    np.testing.assert_allclose(matrix.sum(axis=1), 1.0, atol=1e-9)
    np.testing.assert_allclose(matrix[:, 0], orders.win(), atol=1e-12)
    places = np.arange(1, len(win) + 1)
    np.testing.assert_allclose(matrix @ places, orders.expected_position(), atol=1e-9)


@SETTINGS
@given(probabilities)
def test_no_two_numbers_contradict_each_other(win: Floats) -> None:
    orders, count = _draw(win), len(win)
    podium = orders.top(3)
    assert podium.sum() == pytest.approx(min(3, count), abs=1e-9)
    assert orders.top(10).sum() == pytest.approx(min(10, count), abs=1e-9)
    assert (podium >= win - 1e-12).all()
    assert (orders.top(10) >= podium - 1e-12).all()
    assert (podium <= 1 + 1e-9).all()
    assert orders.expected_position().sum() == pytest.approx(count * (count + 1) / 2, abs=1e-6)
    assert (orders.expected_position() >= 1 - 1e-9).all()


@SETTINGS
@given(probabilities.filter(lambda p: len(p) > 1), st.data())
def test_one_of_two_is_ahead(win: Floats, data: st.DataObject) -> None:
    first, second = data.draw(st.lists(st.integers(0, len(win) - 1), min_size=2, max_size=2, unique=True))
    orders = _draw(win)
    one, other = orders.head_to_head(first, second), orders.head_to_head(second, first)
    assert one + other == pytest.approx(1.0, abs=1e-9)
    # Whoever wins is ahead: the duel is at least as likely as the win.
    assert one >= win[first] - 1e-9


@SETTINGS
@given(probabilities, st.integers(0, 2**31 - 1))
def test_the_same_seed_gives_the_same_orders(win: Floats, seed: int) -> None:
    one, other = _draw(win, seed), _draw(win, seed)
    np.testing.assert_array_equal(one.positions, other.positions)
    np.testing.assert_array_equal(one.weights, other.weights)


def test_another_seed_gives_other_orders() -> None:
    win = np.full(10, 0.1)
    assert not np.array_equal(_draw(win, 1).positions, _draw(win, 2).positions)


def test_a_certain_winner_leaves_the_rest_open() -> None:
    orders = draw_orders(np.array([1.0, 0.0, 0.0, 0.0]), 4000, 1)
    np.testing.assert_allclose(orders.win(), [1, 0, 0, 0], atol=1e-12)
    np.testing.assert_allclose(orders.expected_position(), [1, 3, 3, 3], atol=0.1)
    assert np.isfinite(orders.expected_position()).all()


def test_the_second_place_follows_the_discounted_strengths() -> None:
    # Given that the favourite wins, second place goes by p ** .7: .2 and .05 are 2.64 to 1.
    win = np.array([0.75, 0.2, 0.05])
    orders = draw_orders(win, 40_000, 1)
    first = orders.positions[:, 0] == 1
    weights = orders.weights[first] / orders.weights[first].sum()
    second = weights @ (orders.positions[first][:, 1] == 2)
    ratio = 0.2**0.7 / (0.2**0.7 + 0.05**0.7)
    assert second == pytest.approx(ratio, abs=0.015)
    # ... and would be 4 to 1 without the discount.
    assert abs(second - 0.8) > 0.04


def test_the_third_place_follows_its_own_discount() -> None:
    win = np.array([0.6, 0.3, 0.08, 0.02])
    orders = draw_orders(win, 60_000, 1)
    chosen = (orders.positions[:, 0] == 1) & (orders.positions[:, 1] == 2)
    weights = orders.weights[chosen] / orders.weights[chosen].sum()
    third = weights @ (orders.positions[chosen][:, 2] == 3)
    assert third == pytest.approx(0.08**0.65 / (0.08**0.65 + 0.02**0.65), abs=0.02)


def test_the_order_of_the_drivers_does_not_matter_beyond_chance() -> None:
    win = np.array([0.5, 0.3, 0.15, 0.05])
    forward, back = draw_orders(win, 20_000, 1).top(3), draw_orders(win[::-1], 20_000, 1).top(3)[::-1]
    np.testing.assert_allclose(forward, back, atol=0.02)
