"""The distribution over finishing orders: laws that hold for any win and retirement probabilities."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from f1_pipeline.forecasting.grouping import Floats
from f1_pipeline.forecasting.orders import DRAWING, DRAWINGS, OrderDistribution, draw_orders

SETTINGS = settings(max_examples=60, deadline=None, derandomize=True)
Race = tuple[Floats, Floats]


def _normalised(values: list[float]) -> Floats:
    array = np.array(values)
    return array / array.sum()


def _with_retirements(win: Floats) -> st.SearchStrategy[Race]:
    # From a car that never breaks down to one that always does.
    rate = st.one_of(st.just(0.0), st.floats(0.001, 0.4), st.floats(0.9, 1.0))
    rates = st.lists(rate, min_size=len(win), max_size=len(win)).map(np.array)
    return rates.map(lambda retirement: (win, retirement))


# From a car that cannot win (0) over one in a billion to one that nearly always does.
strength = st.one_of(st.just(0.0), st.floats(1e-9, 1e-6), st.floats(0.01, 1.0), st.just(1e6))
probabilities = st.lists(strength, min_size=1, max_size=22).filter(lambda v: sum(v) > 0).map(_normalised)
races = probabilities.flatmap(_with_retirements)


def _draw(race: Race, seed: int = 1) -> OrderDistribution:
    win, retirement = race
    return draw_orders(win, 300, seed, retirement)


# --- laws ------------------------------------------------------------------------------------------------


@SETTINGS
@given(races)
def test_the_win_probability_is_exact(race: Race) -> None:
    np.testing.assert_allclose(_draw(race).win(), race[0], atol=1e-12)


@SETTINGS
@given(races)
def test_every_draw_is_an_order_and_the_weights_sum_to_one(race: Race) -> None:
    orders = _draw(race)
    places = np.arange(1, len(race[0]) + 1)
    assert (np.sort(orders.positions, axis=1) == places).all()
    assert orders.retired.shape == orders.positions.shape
    assert orders.weights.sum() == pytest.approx(1.0, abs=1e-12)
    assert (orders.weights >= 0).all()


@SETTINGS
@given(races)
def test_who_retires_is_behind_who_finishes_and_no_winner_retires(race: Race) -> None:
    orders = _draw(race)
    finishers = (~orders.retired).sum(axis=1, keepdims=True)
    assert (finishers >= 1).all()
    np.testing.assert_array_equal(orders.positions > finishers, orders.retired)
    assert not orders.retired[orders.positions == 1].any()


@SETTINGS
@given(races)
def test_who_never_retires_never_retires(race: Race) -> None:
    retirement = _draw(race).retirement()
    assert (retirement[race[1] == 0.0] == 0.0).all()
    assert (retirement <= 1.0 - race[0] + 1e-12).all()


@SETTINGS
@given(races)
def test_rows_and_columns_of_the_position_matrix_sum_to_one(race: Race) -> None:
    win, orders = race[0], _draw(race)
    matrix = orders.position_matrix()
    assert matrix.shape == (len(win), len(win))
    np.testing.assert_allclose(matrix.sum(axis=0), 1.0, atol=1e-9)
    np.testing.assert_allclose(matrix.sum(axis=1), 1.0, atol=1e-9)
    np.testing.assert_allclose(matrix[:, 0], orders.win(), atol=1e-12)
    places = np.arange(1, len(win) + 1)
    np.testing.assert_allclose(matrix @ places, orders.expected_position(), atol=1e-9)


@SETTINGS
@given(races)
def test_no_two_numbers_contradict_each_other(race: Race) -> None:
    win, orders = race[0], _draw(race)
    count = len(win)
    podium = orders.top(3)
    assert podium.sum() == pytest.approx(min(3, count), abs=1e-9)
    assert orders.top(10).sum() == pytest.approx(min(10, count), abs=1e-9)
    assert (podium >= win - 1e-12).all()
    assert (orders.top(10) >= podium - 1e-12).all()
    assert (podium <= 1 + 1e-9).all()
    assert orders.expected_position().sum() == pytest.approx(count * (count + 1) / 2, abs=1e-6)
    assert (orders.expected_position() >= 1 - 1e-9).all()


@SETTINGS
@given(races, st.integers(1, 22))
def test_who_scores_is_among_the_first_and_finishes(race: Race, places: int) -> None:
    win, orders = race[0], _draw(race)
    scores = orders.scores(places)
    assert (scores <= orders.top(places) + 1e-12).all()
    assert (scores <= 1.0 - orders.retirement() + 1e-9).all()
    assert (scores >= win - 1e-12).all(), "the winner has finished"
    finishers = orders.weights @ np.minimum((~orders.retired).sum(axis=1), places)
    assert scores.sum() == pytest.approx(float(finishers), abs=1e-9)


@SETTINGS
@given(races)
def test_points_are_those_of_the_places_that_were_reached(race: Race) -> None:
    orders = _draw(race)
    worth = [25.0, 18.0, 15.0, 12.0, 10.0, 8.0, 6.0, 4.0, 2.0, 1.0]
    points = orders.points(worth)
    for draw in range(0, len(points), max(1, len(points) // 7)):
        for driver, place in enumerate(orders.positions[draw]):
            scored = place <= 10 and not orders.retired[draw, driver]
            assert points[draw, driver] == (worth[place - 1] if scored else 0.0)
    np.testing.assert_allclose(orders.weights @ (points > 0), orders.scores(10), atol=1e-12)


@SETTINGS
@given(races.filter(lambda race: len(race[0]) > 1), st.data())
def test_one_of_two_is_ahead(race: Race, data: st.DataObject) -> None:
    win = race[0]
    first, second = data.draw(st.lists(st.integers(0, len(win) - 1), min_size=2, max_size=2, unique=True))
    orders = _draw(race)
    one, other = orders.head_to_head(first, second), orders.head_to_head(second, first)
    assert one + other == pytest.approx(1.0, abs=1e-9)
    # Whoever wins is ahead: the duel is at least as likely as the win.
    assert one >= win[first] - 1e-9
    ahead = orders.ahead()
    assert ahead[first, second] == pytest.approx(one, abs=1e-12)
    np.testing.assert_allclose(ahead + ahead.T, 1.0 - np.eye(len(win)), atol=1e-9)
    # Who is in front of j others stands on place j + 1 from the end.
    np.testing.assert_allclose(len(win) - ahead.sum(axis=1), orders.expected_position(), atol=1e-9)


@SETTINGS
@given(races, st.integers(0, 2**31 - 1))
def test_the_same_seed_gives_the_same_orders(race: Race, seed: int) -> None:
    one, other = _draw(race, seed), _draw(race, seed)
    np.testing.assert_array_equal(one.positions, other.positions)
    np.testing.assert_array_equal(one.retired, other.retired)
    np.testing.assert_array_equal(one.weights, other.weights)


@SETTINGS
@given(probabilities)
def test_without_retirements_everybody_finishes(win: Floats) -> None:
    left_out, none = draw_orders(win, 300, 1), draw_orders(win, 300, 1, np.zeros(len(win)))
    assert not left_out.retired.any()
    np.testing.assert_array_equal(left_out.positions, none.positions)
    np.testing.assert_allclose(left_out.scores(10), left_out.top(10))


# --- what the numbers are --------------------------------------------------------------------------------


@SETTINGS
@given(
    st.lists(st.floats(0.01, 1.0), min_size=4, max_size=22).map(_normalised),
    st.lists(st.floats(0.01, 0.35), min_size=22, max_size=22),
)
def test_each_driver_retires_with_his_probability(win: Floats, rates: list[float]) -> None:
    retirement = np.minimum(np.array(rates[: len(win)]), 0.9 * (1.0 - win))
    orders = draw_orders(win, 4000, 1, retirement)
    # Four and a half standard errors of weighted draws: weights differ, so fewer draws count.
    effective = 1.0 / (orders.weights**2).sum()
    error = np.sqrt(retirement * (1.0 - retirement) / effective)
    assert (np.abs(orders.retirement() - retirement) <= 4.5 * error).all()


def test_another_seed_gives_other_orders() -> None:
    race = np.full(10, 0.1), np.full(10, 0.1)
    assert not np.array_equal(_draw(race, 1).positions, _draw(race, 2).positions)


def test_a_certain_winner_leaves_the_rest_open() -> None:
    orders = draw_orders(np.array([1.0, 0.0, 0.0, 0.0]), 4000, 1)
    np.testing.assert_allclose(orders.win(), [1, 0, 0, 0], atol=1e-12)
    np.testing.assert_allclose(orders.expected_position(), [1, 3, 3, 3], atol=0.1)
    assert np.isfinite(orders.expected_position()).all()


@pytest.mark.parametrize("favourite", range(3))
def test_where_everybody_else_has_retired_the_winner_is_alone(favourite: int) -> None:
    """The search for a second finds nobody: it must not put one who has retired before the others who have."""
    win = np.zeros(3)
    win[favourite] = 1.0
    orders = draw_orders(win, 20_000, 1, np.ones(3))
    alone = (orders.retired.sum(axis=1) == 2) & (orders.weights > 0)
    # The highest probability of a retirement among losers is .97: all but one draw in seventeen.
    assert alone @ orders.weights == pytest.approx(0.97**2, abs=0.01)
    assert (orders.positions[alone, favourite] == 1).all()
    assert orders.scores(3)[favourite] == pytest.approx(1.0)
    others = [driver for driver in range(3) if driver != favourite]
    second = (orders.positions[alone][:, others] == 2).mean(axis=0)
    np.testing.assert_allclose(second, 0.5, atol=0.015)


def test_who_has_retired_comes_in_any_order() -> None:
    """Neither the strength nor the alphabet says who of two that have retired is ahead."""
    win = np.array([0.49, 0.01, 0.48, 0.02])
    orders = draw_orders(win, 60_000, 1, np.array([0.4, 0.4, 0.4, 0.4]))
    for first, second in ((0, 1), (1, 2), (2, 3), (0, 3)):
        both = orders.retired[:, first] & orders.retired[:, second]
        ahead = (orders.positions[both, first] < orders.positions[both, second]).mean()
        assert ahead == pytest.approx(0.5, abs=0.02)


def test_the_second_place_follows_the_discounted_strengths() -> None:
    win = np.array([0.75, 0.2, 0.05])
    orders = draw_orders(win, 40_000, 1, drawing=1)
    first = orders.positions[:, 0] == 1
    weights = orders.weights[first] / orders.weights[first].sum()
    second = weights @ (orders.positions[first][:, 1] == 2)
    power = DRAWINGS[1].second
    assert second == pytest.approx(0.2**power / (0.2**power + 0.05**power), abs=0.008)
    # ... and would be 4 to 1 without the discount.
    assert second < 0.8 - 0.015


def test_the_third_place_follows_its_own_discount() -> None:
    win = np.array([0.6, 0.3, 0.08, 0.02])
    orders = draw_orders(win, 60_000, 1, drawing=1)
    chosen = (orders.positions[:, 0] == 1) & (orders.positions[:, 1] == 2)
    weights = orders.weights[chosen] / orders.weights[chosen].sum()
    third = weights @ (orders.positions[chosen][:, 2] == 3)
    power = DRAWINGS[1].lower
    assert power < DRAWINGS[1].second < 1
    assert third == pytest.approx(0.08**power / (0.08**power + 0.02**power), abs=0.012)


def test_who_runs_into_trouble_falls_back() -> None:
    """The share of draws in which each loser is late, and what that does to the second place, worked out by hand."""
    how, win = DRAWINGS[DRAWING], np.array([0.75, 0.2, 0.05])
    orders = draw_orders(win, 60_000, 1)
    first = orders.positions[:, 0] == 1
    second = (orders.positions[first][:, 1] == 2).mean()
    late = how.trouble / (1.0 - win)
    expected = 0.0
    for one in (0, 1):
        for two in (0, 1):
            chance = (late[1] if one else 1 - late[1]) * (late[2] if two else 1 - late[2])
            strong, weak = (win[1:] ** how.second) * np.exp(-how.delay * np.array([one, two]))
            expected += chance * strong / (strong + weak)
    assert second == pytest.approx(expected, abs=0.008)
    assert second < 0.8 - 0.02


@pytest.mark.parametrize(("drawing", "place"), [(3, 4), (DRAWING, 3)])
def test_strengths_for_the_places_reach_those_behind_only(drawing: int, place: int) -> None:
    """Who is tenth is another question than who wins: winner and second stay those of the win probabilities."""
    win = np.array([0.4, 0.3, 0.1, 0.1, 0.1])
    places = np.array([0.0, 0.0, 4.0, 0.0, -4.0])
    without = draw_orders(win, 40_000, 1, drawing=drawing)
    others = draw_orders(win, 40_000, 1, places=places, drawing=drawing)
    np.testing.assert_allclose(without.win(), others.win(), atol=1e-12)
    np.testing.assert_allclose(without.top(place - 1), others.top(place - 1), atol=0.01)
    assert np.abs(without.top(place) - others.top(place)).max() > 0.02
    assert others.head_to_head(2, 4) > without.head_to_head(2, 4) + 0.05
    ahead = others.positions[:, [0, 1, 3]] <= place - 1
    chosen = ahead.sum(axis=1) == place - 1
    how = DRAWINGS[drawing]
    apart = np.exp(how.places * how.slope * 8.0)  # the win probabilities of the two are equal
    late = how.trouble / 0.9
    strong, weak = (1 - late) ** 2 + late**2, late * (1 - late)
    slow = np.exp(how.delay)
    expected = (
        strong * apart / (apart + 1)
        + weak * apart / (apart + slow)
        + weak * apart * slow / (apart * slow + 1)
    )
    first = others.positions[chosen][:, 2] < others.positions[chosen][:, 4]
    # Who was passed over for the places before was a little more often late than others.
    assert first @ others.weights[chosen] / others.weights[chosen].sum() == pytest.approx(expected, abs=0.05)


@pytest.mark.parametrize(
    ("drawing", "seconds", "thirds"),
    [
        (1, [94, 85, 77, 64], [33, 69, 95, 123]),
        (2, [70, 97, 76, 77], [48, 55, 82, 135]),
        (3, [66, 95, 79, 80], [49, 58, 79, 134]),
        (4, [66, 94, 79, 81], [48, 53, 72, 147]),
        (5, [67, 95, 84, 74], [49, 53, 75, 143]),
    ],
)
def test_stored_forecasts_are_drawn_again_as_they_were(
    drawing: int, seconds: list[int], thirds: list[int]
) -> None:
    """A forecast names its drawing: the orders behind an old one must not change with the code."""
    win, out = np.array([0.5, 0.3, 0.15, 0.05]), np.array([0.1, 0.2, 0.3, 0.05])
    places = np.array([0.0, -1.0, 0.5, 1.0])
    orders = draw_orders(win, 320, 5, out, places, drawing=drawing)
    assert (orders.positions == 2).sum(axis=0).tolist() == seconds
    assert (orders.positions == 3).sum(axis=0).tolist() == thirds


def test_an_unreliable_car_is_on_the_podium_less_often() -> None:
    win = np.array([0.4, 0.2, 0.2, 0.1, 0.1])
    orders = draw_orders(win, 40_000, 1, np.array([0.05, 0.05, 0.5, 0.05, 0.05]))
    podium = orders.scores(3)
    # As likely to win, so its wins are taken off what is left: it either wins, or often does not finish.
    assert podium[2] < podium[1] - 0.2
    assert orders.head_to_head(1, 2) > 0.6


def test_the_order_of_the_drivers_does_not_matter_beyond_chance() -> None:
    win, out = np.array([0.5, 0.3, 0.15, 0.05]), np.array([0.1, 0.2, 0.3, 0.05])
    forward, back = draw_orders(win, 20_000, 1, out), draw_orders(win[::-1], 20_000, 1, out[::-1])
    np.testing.assert_allclose(forward.top(3), back.top(3)[::-1], atol=0.02)
    np.testing.assert_allclose(forward.scores(3), back.scores(3)[::-1], atol=0.02)
    np.testing.assert_allclose(forward.retirement(), back.retirement()[::-1], atol=0.02)
