"""The Plackett-Luce likelihood of finishing orders, for many races at once.

A race is drawn place by place, each time in proportion to ``exp(score)`` of who is left. Only the first places are
learnt from, with falling weights: behind them strategy and retirements decide.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import minimize

from f1_pipeline.forecasting.grouping import Floats

PLACE_WEIGHTS = (1.0, 0.5, 0.3)
"""Weights of the first, second and third place in the likelihood (the values of the study this product stands on)."""


@dataclass(frozen=True)
class Orders:
    """Finishing orders as rectangles: ``index`` races by places of row numbers (-1: nobody), ``weight`` per race."""

    index: NDArray[np.int64]
    weight: Floats


def finishing_orders(rows: pd.DataFrame, weight: Floats | None = None) -> Orders:
    """Orders of the races of ``rows`` (``race_key, finish``; 1 is the winner); ``weight`` is one number per row."""
    frame = pd.DataFrame(
        {
            "race": pd.factorize(rows["race_key"])[0],
            "finish": rows["finish"].to_numpy(),
            "row": range(len(rows)),
        }
    ).sort_values(["race", "finish"], kind="stable")
    place = frame.groupby("race").cumcount().to_numpy()
    races, width = int(frame["race"].max()) + 1, int(place.max()) + 1
    index = np.full((races, width), -1, dtype=np.int64)
    index[frame["race"].to_numpy(), place] = frame["row"].to_numpy()
    weights = np.ones(races) if weight is None else np.asarray(weight, dtype=np.float64)[index[:, 0]]
    return Orders(index, weights)


def loss(
    scores: Floats, orders: Orders, place_weights: tuple[float, ...] = PLACE_WEIGHTS
) -> tuple[float, Floats]:
    """Weighted sum of minus log likelihoods, and its gradient with respect to the scores."""
    filled = np.where(orders.index >= 0, scores[orders.index], -np.inf)
    slope = np.zeros(filled.shape)
    value = 0.0
    present = orders.index >= 0
    for place, place_weight in enumerate(place_weights):
        if place >= orders.index.shape[1]:
            break
        left = filled[:, place:]
        rows = present[:, place]
        highest = np.where(rows, left.max(axis=1, initial=-np.inf), 0.0)
        exps = np.exp(left - highest[:, None])
        total = np.where(rows, exps.sum(axis=1), 1.0)
        w = np.where(rows, orders.weight * place_weight, 0.0)
        value += float((w * (np.log(total) + highest - np.where(rows, filled[:, place], 0.0))).sum())
        slope[:, place:] += exps / total[:, None] * w[:, None]
        slope[:, place] -= w
    # Each row stands at one place of one race, so nothing has to be added up.
    gradient = np.zeros_like(scores)
    gradient[orders.index[present]] = slope[present]
    return value, gradient


def fit_weights(
    design: Floats, orders: Orders, penalty: float, place_weights: tuple[float, ...] = PLACE_WEIGHTS
) -> Floats:
    """Coefficients of a linear score with an L2 penalty: ``sum of losses + penalty * |coefficients|^2``."""

    def objective(weights: Floats) -> tuple[float, Floats]:
        value, gradient = loss(design @ weights, orders, place_weights)
        return value + penalty * float(weights @ weights), design.T @ gradient + 2 * penalty * weights

    return np.asarray(
        minimize(objective, np.zeros(design.shape[1]), jac=True, method="L-BFGS-B").x, dtype=np.float64
    )


def curvature(
    design: Floats, scores: Floats, orders: Orders, place_weights: tuple[float, ...] = PLACE_WEIGHTS
) -> Floats:
    """Matrix of second derivatives of ``loss`` with respect to the coefficients of a linear score, shape (d, d)."""
    total = np.zeros((design.shape[1], design.shape[1]))
    present = orders.index >= 0
    filled = np.where(present, scores[orders.index], -np.inf)
    for place, place_weight in enumerate(place_weights[: orders.index.shape[1]]):
        races = np.flatnonzero(present[:, place])
        left = filled[races, place:]
        share = np.exp(left - left.max(axis=1, keepdims=True))
        share /= share.sum(axis=1, keepdims=True)
        rows = np.where(present[races, place:], orders.index[races, place:], 0)
        weight = share * (orders.weight[races] * place_weight)[:, None]
        columns = design[rows]
        mean = np.einsum("rc,rcd->rd", share, columns)
        total += np.einsum("rc,rcd,rce->de", weight, columns, columns, optimize=True)
        total -= np.einsum("r,rd,re->de", weight.sum(axis=1), mean, mean, optimize=True)
    return total


def heat(parameters: Floats, doubt: Floats) -> Floats:
    """Factor on the scores of each row: ``exp(a + b * doubt)``, the inverse of the temperature."""
    return np.asarray(np.exp(parameters[0] + parameters[1] * doubt), dtype=np.float64)


def fit_heat(scores: Floats, doubt: Floats, orders: Orders) -> Floats:
    """The two parameters of ``heat`` that make the winners most likely.

    ``doubt`` is the same for all rows of a race. A penalty of 2 on its slope keeps a short history near one
    temperature for all races.
    """

    def objective(parameters: Floats) -> tuple[float, Floats]:
        factor = heat(parameters, doubt)
        value, gradient = loss(scores * factor, orders, (1.0,))
        slope = gradient * scores * factor
        value += _SLOPE_PENALTY * float(parameters[1]) ** 2
        down = np.array([slope.sum(), (slope * doubt).sum() + 2 * _SLOPE_PENALTY * parameters[1]])
        return value, down

    return np.asarray(minimize(objective, np.zeros(2), jac=True, method="L-BFGS-B").x, dtype=np.float64)


_SLOPE_PENALTY = 2.0
"""Weight of the squared slope of the heat, in races' worth of log loss."""
