"""Win probabilities of cars that may not finish, against the sum over all sets of finishers."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from f1_pipeline.forecasting.finishers import carried, strength_of_finishers, win_of_finishers
from f1_pipeline.forecasting.grouping import Floats
from f1_pipeline.forecasting.orders import DRAWING, DRAWING_OF_FINISHERS, DRAWINGS, draw_orders

SETTINGS = settings(max_examples=60, deadline=None, derandomize=True)
FIELD = st.integers(2, 7).flatmap(
    lambda count: st.tuples(
        st.lists(st.floats(-6.0, 6.0), min_size=count, max_size=count),
        st.lists(st.floats(0.0, 0.9), min_size=count, max_size=count),
    )
)


def by_hand(strength: Floats, retirement: Floats) -> Floats:
    """Sum over every set of finishers of its probability times each one's share of the strength in it."""
    won = np.zeros(len(strength))
    for pattern in itertools.product((False, True), repeat=len(strength)):
        home = np.array(pattern)
        if home.any():
            chance = np.prod(np.where(home, 1.0 - retirement, retirement))
            won[home] += chance * strength[home] / strength[home].sum()
    return np.asarray(won / won.sum())


@SETTINGS
@given(FIELD)
def test_it_is_the_sum_over_all_sets_of_finishers(field: tuple[list[float], list[float]]) -> None:
    strength, retirement = np.exp(np.array(field[0])), np.array(field[1])
    won = win_of_finishers(strength, retirement)
    np.testing.assert_allclose(won, by_hand(strength, retirement), atol=1e-8)
    assert won.sum() == pytest.approx(1.0)


@SETTINGS
@given(FIELD)
def test_nobody_wins_more_often_than_he_finishes(field: tuple[list[float], list[float]]) -> None:
    strength, retirement = np.exp(np.array(field[0])), np.array(field[1])
    won = win_of_finishers(strength, retirement)
    finishes = (1.0 - retirement) / (1.0 - np.prod(retirement))  # given that somebody does
    assert (won <= finishes + 1e-8).all()


def test_without_retirements_the_shares_stay() -> None:
    share = np.random.default_rng(1).dirichlet(np.full(20, 0.3))
    np.testing.assert_allclose(win_of_finishers(share, np.zeros(20)), share, atol=1e-9)
    np.testing.assert_allclose(win_of_finishers(7.0 * share, np.zeros(20)), share, atol=1e-9)


def test_drivers_can_be_named_in_any_order() -> None:
    rng = np.random.default_rng(2)
    share, retirement, order = rng.dirichlet(np.ones(20)), rng.uniform(0.02, 0.3, 20), rng.permutation(20)
    won = win_of_finishers(share, retirement)
    np.testing.assert_allclose(win_of_finishers(share[order], retirement[order]), won[order], atol=1e-12)


def test_who_retires_more_wins_less_and_the_others_more() -> None:
    share = np.array([0.9, 0.07, 0.03])
    safe = win_of_finishers(share, np.array([0.05, 0.1, 0.1]))
    frail = win_of_finishers(share, np.array([0.25, 0.1, 0.1]))
    assert frail[0] < safe[0]
    assert (frail[1:] > safe[1:]).all()


def test_a_favourite_leaves_what_his_retirements_are_worth() -> None:
    won = win_of_finishers(np.array([1.0, 1e-9]), np.array([0.08, 0.0]))
    np.testing.assert_allclose(won, [0.92, 0.08], atol=1e-6)


def test_a_bound_is_carried_along() -> None:
    rng = np.random.default_rng(3)
    share, retirement = rng.dirichlet(np.ones(12)), rng.uniform(0.02, 0.3, 12)
    won = win_of_finishers(share, retirement)
    np.testing.assert_allclose(carried(share, share, retirement), won, atol=1e-12)
    low, high = (carried(bound, share, retirement) for bound in (0.8 * share, 1.0 - 0.8 * (1.0 - share)))
    assert ((low < won) & (won < high)).all()
    assert (high <= 1.0 - retirement + 1e-8).all()
    # By hand for one: the others share what is left as they did.
    bound = 0.8 * share[4]
    others = share * (1.0 - bound) / (1.0 - share[4])
    others[4] = bound
    assert low[4] == pytest.approx(win_of_finishers(others, retirement)[4])


@SETTINGS
@given(FIELD)
def test_strengths_come_back_from_what_was_made_of_them(field: tuple[list[float], list[float]]) -> None:
    """Strengths up to 400 to 1, and up to three retirements of ten: slower the closer a favourite comes to his finishes."""
    strength, retirement = np.exp(0.5 * np.array(field[0])), np.array(field[1]) / 3.0
    strength = strength / strength.sum()
    found = strength_of_finishers(win_of_finishers(strength, retirement), retirement)
    np.testing.assert_allclose(found, strength, atol=1e-3)


def test_strengths_of_a_field_like_that_of_a_race_come_back_to_seven_digits() -> None:
    rng = np.random.default_rng(5)
    for _ in range(20):
        strength, retirement = rng.dirichlet(np.full(20, 0.3)), rng.uniform(0.03, 0.25, 20)
        found = strength_of_finishers(win_of_finishers(strength, retirement), retirement)
        np.testing.assert_allclose(found, strength, atol=1e-7)


def test_retirements_count_once_where_the_winner_has_to_finish() -> None:
    """Podium of a race of strengths and retirements without trouble, worked out by drawing it as it is told."""
    strength, out = np.array([0.8, 0.08, 0.05, 0.04, 0.03]), np.array([0.08, 0.25, 0.05, 0.1, 0.1])
    rng = np.random.default_rng(4)
    clocks = rng.standard_exponential((200_000, 5)) / strength
    clocks[rng.random(clocks.shape) < out] = np.inf
    place = clocks.argsort(axis=1).argsort(axis=1)
    podium = ((place < 3) & np.isfinite(clocks)).mean(axis=0)
    win = win_of_finishers(strength, out)
    how = replace(DRAWINGS[DRAWING_OF_FINISHERS], trouble=0.0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(DRAWINGS, DRAWING_OF_FINISHERS, how)
        patch.setitem(DRAWINGS, DRAWING, replace(how, finishers=False))
        once = draw_orders(win, 100_000, 1, out, drawing=DRAWING_OF_FINISHERS)
        twice = draw_orders(win, 100_000, 1, out)
    np.testing.assert_allclose(once.win(), win, atol=1e-9)
    np.testing.assert_allclose(once.retirement(), out, atol=0.005)
    np.testing.assert_allclose(once.scores(3), podium, atol=0.02)
    assert np.abs(twice.scores(3) - podium).max() > 0.03
