"""Win probabilities from bookmakers' prices, as rows that are scored like a forecast.

A price is what a bookmaker pays for a stake of one, so its inverse is a probability plus his margin. Prices
taken at or after the cutoff of a horizon do not exist for that horizon: they know what the models could not know.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.optimize import brentq

from f1_pipeline.domain.points import scoring_places
from f1_pipeline.domain.vocabulary import MARKET
from f1_pipeline.forecasting.grouping import Floats
from f1_pipeline.forecasting.orders import draw_orders

UNPRICED = 0.001
"""Probability of a driver whom nobody priced, before a race is normalised. Who is not offered is not expected to win,
but "impossible" would cost an infinite log loss; the learnt models have the same lowest value."""

COMPLETE_BOOK = 0.98
"""Least sum of the inverse prices of one source. A bookmaker's are above 1; the rounded prices of an exchange can be a
little below. Less means that somebody who can win is missing, and how much he is worth cannot be known."""


def fair_probabilities(odds: Floats) -> Floats:
    """Probabilities behind the decimal odds of one book, by the power method; sum 1, in the order of the prices.

    Each inverse price is raised to the power that makes them sum to 1 (Clarke, Kovalchik and Ingram, "Adjusting
    bookmaker's odds to allow for overround", American Journal of Sports Science 5(6), 2017, 45-49). It takes
    more of the margin from outsiders, where bookmakers put it, and never leaves [0, 1], as subtracting can. Without
    a margin the power is 1 and nothing changes.

    Raises:
        ValueError: fewer than two prices, or one that is not above 1.
    """
    odds = np.asarray(odds, dtype=np.float64)
    if len(odds) < 2 or not (np.isfinite(odds) & (odds > 1)).all():
        raise ValueError("a book is two or more finite prices above 1")
    log_price = np.log(odds)

    def excess(power: float) -> float:
        return float(np.exp(-power * log_price).sum() - 1.0)

    # At this power even n drivers at the lowest price would sum to 1 at most.
    enough = np.log(len(odds)) / log_price.min()
    power = 1.0 if excess(1.0) == 0 else brentq(excess, 0.0, enough + 1e-9, xtol=1e-14, rtol=1e-14)
    p = np.exp(-power * log_price)
    return np.asarray(p / p.sum(), dtype=np.float64)


def newest_book(prices: pd.DataFrame) -> pd.Series:
    """Newest price of each driver at one source. Prices of several moments may mix: many sources change one
    driver at a time."""
    ordered = prices.sort_values(["taken_at", "driver_id"], kind="stable")
    return ordered.groupby("driver_id")["decimal_odds"].last()


def is_complete(book: pd.Series) -> bool:
    """Whether the prices of a source hold everybody who can win (see ``COMPLETE_BOOK``)."""
    return len(book) > 1 and float((1.0 / book).sum()) >= COMPLETE_BOOK


def market_win(prices: pd.DataFrame, drivers: list[str]) -> Floats | None:
    """Win probabilities of the drivers of a race by all sources together; None where no source has a complete book.

    Args:
        prices: ``driver_id, source, taken_at, decimal_odds`` of one race, nothing from after the cutoff.
        drivers: the field. Prices of others (a driver who is replaced) count for the margin of their book and
            are then left out.

    Each driver gets the median over the sources that price him: one source in error does not move it.
    """
    books = [newest_book(rows) for _, rows in prices.groupby("source", sort=True)]
    fair = [pd.Series(fair_probabilities(book.to_numpy()), book.index) for book in books if is_complete(book)]
    if not fair:
        return None
    middle = pd.concat(fair, axis=1).median(axis=1).reindex(drivers)
    if middle.isna().all():
        return None
    p = middle.fillna(UNPRICED).to_numpy(dtype=np.float64)
    return np.asarray(p / p.sum(), dtype=np.float64)


def market_forecasts(odds: pd.DataFrame, field: pd.DataFrame, draws: int) -> pd.DataFrame:
    """The market's forecast of every race and horizon that has prices from before its cutoff.

    Args:
        odds: rows of ``market_odds``.
        field: ``race_key, horizon, driver_id, cutoff, seed`` of the forecasts it will stand beside.
        draws: number of finishing orders. Prices are for the winner only: podium, points and order follow from
            them as they do from the win probabilities of a model.

    Returns:
        Rows like those of ``predictions`` with the columns that are scored; empty without usable prices.
    """
    parts = []
    by_race = {str(key): rows for key, rows in odds.groupby("race_key")}
    priced = field[field["race_key"].isin(by_race.keys())]
    for (race_key, horizon), rows in priced.groupby(["race_key", "horizon"], sort=True):
        rows = rows.drop_duplicates("driver_id").sort_values("driver_id")
        prices = by_race[str(race_key)]
        win = market_win(
            prices[prices["taken_at"] < rows["cutoff"].min()], rows["driver_id"].astype(str).tolist()
        )
        if win is None:
            continue
        orders = draw_orders(win, draws, int(rows["seed"].iloc[0]))
        parts.append(
            pd.DataFrame(
                {
                    "race_key": race_key,
                    "horizon": horizon,
                    "model": MARKET,
                    "model_version": 0,
                    "driver_id": rows["driver_id"].to_numpy(),
                    "win_probability": win,
                    "podium_probability": np.minimum(orders.top(3), 1.0),
                    "top6_probability": np.minimum(orders.top(6), 1.0),
                    "points_probability": np.minimum(orders.top(scoring_places(int(str(race_key)[:4]))), 1.0),
                    "retirement_probability": np.nan,
                    "expected_position": orders.expected_position(),
                }
            )
        )
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()
