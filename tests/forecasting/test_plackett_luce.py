"""The Plackett-Luce likelihood: its gradient, the weights it finds, and the heat."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import approx_fprime

from f1_pipeline.forecasting.plackett_luce import finishing_orders, fit_heat, fit_weights, heat, loss


def races(count: int, drivers: int, weights: list[float], seed: int = 1) -> tuple[pd.DataFrame, np.ndarray]:
    """Drawn races: rows with ``race_key, finish`` in mixed order, and their design."""
    rng = np.random.default_rng(seed)
    design = rng.normal(size=(count * drivers, len(weights)))
    scores = (design @ weights).reshape(count, drivers)
    clocks = rng.standard_exponential(scores.shape) / np.exp(scores)
    finish = clocks.argsort(axis=1).argsort(axis=1) + 1
    rows = pd.DataFrame(
        {"race_key": np.repeat(np.arange(count), drivers).astype(str), "finish": finish.ravel()}
    )
    return rows, design


def test_the_loss_of_a_hand_made_race() -> None:
    rows = pd.DataFrame({"race_key": ["r"] * 3, "finish": [2, 1, 3]})
    scores = np.log([1.0, 2.0, 3.0])
    value, _ = loss(scores, finishing_orders(rows), (1.0, 0.5))
    assert value == pytest.approx(-np.log(2 / 6) - 0.5 * np.log(1 / 4))


def test_the_gradient_is_that_of_the_loss() -> None:
    rows, _ = races(4, 5, [1.0])
    rows = rows.drop(index=[3, 12])  # races of other sizes
    orders = finishing_orders(rows.reset_index(drop=True), np.linspace(0.5, 1.5, len(rows)))
    scores = np.random.default_rng(2).normal(size=len(rows))
    numeric = approx_fprime(scores, lambda s: loss(s, orders)[0], 1e-7)
    np.testing.assert_allclose(loss(scores, orders)[1], numeric, atol=1e-5)


def test_it_finds_the_weights_it_was_drawn_with() -> None:
    rows, design = races(3000, 10, [1.0, -0.5, 0.0])
    found = fit_weights(design, finishing_orders(rows), penalty=0.1)
    np.testing.assert_allclose(found, [1.0, -0.5, 0.0], atol=0.05)


def test_the_heat_cools_scores_that_are_too_sure_and_follows_doubt() -> None:
    rows, design = races(4000, 10, [1.0])
    doubt = np.repeat(np.random.default_rng(3).normal(size=4000), 10)
    scores = 2.0 * design[:, 0] * np.exp(0.3 * doubt)  # twice too sure, and surer where doubt is high
    found = fit_heat(scores, doubt, finishing_orders(rows))
    assert np.exp(found[0]) == pytest.approx(0.5, abs=0.05)
    assert found[1] == pytest.approx(-0.3, abs=0.06)
    np.testing.assert_allclose(heat(found, np.zeros(2)), np.exp(found[0]))


def test_a_short_history_keeps_one_temperature_for_all_races() -> None:
    """The same races seen thirty times are evidence for a slope, seen once they are not."""
    rows, design = races(12, 8, [1.0], seed=3)
    scores = design[:, 0]
    doubt = np.repeat(np.linspace(-1.0, 1.0, 12), 8)
    scores = scores * np.exp(1.5 * doubt)
    short = fit_heat(scores, doubt, finishing_orders(rows))
    many = pd.concat([rows.assign(race_key=rows["race_key"] + f"-{turn}") for turn in range(30)])
    long = fit_heat(np.tile(scores, 30), np.tile(doubt, 30), finishing_orders(many))
    assert long[1] < -0.3
    assert long[1] < 1.2 * short[1] < 0.0
