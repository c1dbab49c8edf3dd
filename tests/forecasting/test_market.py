"""Probabilities from prices: laws of the margin, what counts as a book, and what the market may know."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from f1_pipeline.forecasting.market import (
    UNPRICED,
    fair_probabilities,
    is_complete,
    market_forecasts,
    market_win,
)

SETTINGS = settings(max_examples=200, deadline=None, derandomize=True)
NOW = pd.Timestamp("2026-03-06T10:00:00Z")
ODDS = st.lists(st.floats(1.01, 2000.0), min_size=2, max_size=26).map(np.array)


# --- the margin ------------------------------------------------------------------------------------------


@SETTINGS
@given(odds=ODDS)
def test_fair_probabilities_sum_to_one_and_keep_the_order(odds: np.ndarray) -> None:
    p = fair_probabilities(odds)
    assert p.sum() == pytest.approx(1.0, abs=1e-12)
    assert (p >= 0).all()
    assert (p <= 1).all()
    shortest_first = np.argsort(odds, kind="stable")
    assert (np.diff(p[shortest_first]) <= 0).all()


@SETTINGS
@given(strength=st.lists(st.floats(0.01, 1.0), min_size=2, max_size=26))
def test_without_a_margin_nothing_changes(strength: list[float]) -> None:
    p = np.array(strength) / sum(strength)
    assert fair_probabilities(1 / p) == pytest.approx(p, abs=1e-9)


@SETTINGS
@given(
    strength=st.lists(st.floats(0.01, 1.0), min_size=2, max_size=26, unique=True), power=st.floats(0.5, 0.99)
)
def test_a_margin_of_its_own_kind_is_taken_off_exactly(strength: list[float], power: float) -> None:
    p = np.array(strength) / sum(strength)
    assume(p.max() < 0.999)
    assert fair_probabilities(p**-power) == pytest.approx(p, abs=1e-7)


def test_outsiders_lose_more_of_their_price_than_the_favourite() -> None:
    odds = np.array([1.6, 4.0, 9.0, 21.0, 51.0, 101.0])
    p, price = fair_probabilities(odds), 1 / odds
    ratio = p / price
    assert price.sum() > 1.05
    assert (np.diff(ratio) < 0).all()
    assert ratio[0] > 1 / price.sum()


@pytest.mark.parametrize("odds", [[2.0], [2.0, 1.0], [2.0, float("nan")], [2.0, float("inf")], [0.5, 3.0]])
def test_what_is_no_book(odds: list[float]) -> None:
    with pytest.raises(ValueError, match="two or more finite prices"):
        fair_probabilities(np.array(odds))


# --- books and sources -----------------------------------------------------------------------------------


def _prices(odds: dict[str, float], source: str = "acme", taken_at: pd.Timestamp = NOW) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "race_key": "2026-x",
            "driver_id": list(odds),
            "source": source,
            "taken_at": taken_at,
            "decimal_odds": list(odds.values()),
        }
    )


FULL = {"a": 1.8, "b": 3.0, "c": 6.0, "d": 20.0}
FIELD = ["a", "b", "c", "d"]


def test_the_newest_price_of_a_driver_counts() -> None:
    before = _prices({"a": 5.0, "b": 1.5, "c": 6.0, "d": 20.0}, taken_at=NOW - pd.Timedelta(days=3))
    some = _prices({"a": 1.8, "b": 3.0})
    expected = market_win(_prices(FULL), FIELD)
    assert market_win(pd.concat([some, before]), FIELD) == pytest.approx(expected)


def test_the_median_of_three_sources_ignores_one_in_error() -> None:
    two = pd.concat([_prices(FULL, "acme"), _prices(FULL, "betco")])
    wrong = _prices({"a": 90.0, "b": 1.05, "c": 6.0, "d": 20.0}, "typo")
    expected = market_win(two, FIELD)
    assert expected == pytest.approx(market_win(_prices(FULL), FIELD))
    assert market_win(pd.concat([two, wrong]), FIELD) == pytest.approx(expected, abs=0.02)


def test_a_driver_without_a_price_has_the_stated_rest() -> None:
    p = market_win(_prices(FULL), [*FIELD, "new"])
    assert p is not None
    assert p[-1] == pytest.approx(UNPRICED / (1 + UNPRICED))
    assert p[:-1] == pytest.approx(fair_probabilities(np.array(list(FULL.values()))) / (1 + UNPRICED))


def test_who_is_priced_and_not_in_the_field_counts_for_the_margin_only() -> None:
    p = market_win(_prices(FULL), ["b", "c", "d"])
    fair = fair_probabilities(np.array(list(FULL.values())))[1:]
    assert p == pytest.approx(fair / fair.sum())


def test_a_book_that_leaves_out_who_can_win_is_not_used() -> None:
    assert is_complete(pd.Series(FULL))
    part = {"b": 3.0, "c": 6.0, "d": 20.0}
    assert not is_complete(pd.Series(part))
    assert not is_complete(pd.Series({"a": 1.01})), "one price is no book"
    assert market_win(_prices(part), FIELD) is None
    assert market_win(_prices(FULL), ["x", "y"]) is None, "nobody of the field is priced"
    both = pd.concat([_prices(FULL), _prices(part, "partial")])
    assert market_win(both, FIELD) == pytest.approx(market_win(_prices(FULL), FIELD))


# --- time ------------------------------------------------------------------------------------------------

CUTOFFS = {"pre_weekend": NOW, "pre_race": NOW + pd.Timedelta(days=2)}


def _field() -> pd.DataFrame:
    return pd.concat(
        [
            pd.DataFrame(
                {"race_key": "2026-x", "horizon": h, "driver_id": FIELD, "cutoff": cutoff, "seed": 1}
            )
            for h, cutoff in CUTOFFS.items()
        ]
    )


def _win(odds: pd.DataFrame) -> dict[str, list[float]]:
    rows = market_forecasts(odds, _field(), 200)
    return {} if rows.empty else rows.groupby("horizon")["win_probability"].agg(list).to_dict()


@pytest.mark.parametrize(
    ("minutes", "horizons"),
    [
        (-1, {"pre_weekend", "pre_race"}),
        (0, {"pre_race"}),
        (1, {"pre_race"}),
        (2 * 24 * 60 - 1, {"pre_race"}),
        (2 * 24 * 60, set()),
    ],
)
def test_a_price_counts_for_the_horizons_whose_cutoff_it_precedes(minutes: int, horizons: set[str]) -> None:
    assert set(_win(_prices(FULL, taken_at=NOW + pd.Timedelta(minutes=minutes)))) == horizons


@SETTINGS
@given(
    odds=st.lists(st.floats(1.01, 500.0), min_size=4, max_size=4),
    after=st.floats(0, 1e6),
    source=st.sampled_from(["acme", "betco"]),
)
def test_prices_from_the_cutoff_on_change_nothing(odds: list[float], after: float, source: str) -> None:
    early = _prices(FULL, taken_at=NOW - dt.timedelta(hours=1))
    late = _prices(dict(zip(FIELD, odds, strict=True)), source, NOW + dt.timedelta(seconds=after))
    assert _win(pd.concat([early, late]))["pre_weekend"] == _win(early)["pre_weekend"]


def test_the_rows_are_scored_like_a_forecast() -> None:
    rows = market_forecasts(_prices(FULL, taken_at=NOW - pd.Timedelta(hours=1)), _field(), 500)
    assert set(rows["model"]) == {"market"}
    assert len(rows) == 8
    one = rows[rows["horizon"] == "pre_race"]
    assert one["win_probability"].sum() == pytest.approx(1.0)
    assert one["podium_probability"].sum() == pytest.approx(3.0)
    assert (one["podium_probability"] >= one["win_probability"] - 1e-9).all()
    assert one["expected_position"].is_monotonic_increasing
    assert market_forecasts(_prices(FULL).assign(race_key="2026-y"), _field(), 500).empty
    assert market_forecasts(_prices(FULL).head(0), _field(), 500).empty
