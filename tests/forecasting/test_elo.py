"""Elo: hand-computed examples, and the laws that hold for any result."""

import numpy as np
import pandas as pd
import pytest

from f1_pipeline.forecasting.elo import elo_ratings
from f1_pipeline.forecasting.history import History, build_history
from f1_pipeline.sources.simulated import simulate

Race = list[tuple[str, str, str | None]]
"""Driver, team and place of each entry; a place that is not a number is a retirement, None a coming race."""


def _frames(*races: Race) -> tuple[pd.DataFrame, pd.DataFrame]:
    starters, entries = [], []
    for order, race in enumerate(races):
        for row, (driver, team, place) in enumerate(race):
            who = {
                "order": order,
                "race_key": f"r{order}",
                "season": 2000 + order // 10,
                "driver_id": driver,
                "constructor_id": team,
            }
            entries.append(who)
            if place is not None:
                starters.append({**who, "finish": row + 1, "classified": place.isdigit()})
    return pd.DataFrame(starters), pd.DataFrame(entries)


def _rate(kind: str, *races: Race) -> pd.DataFrame:
    return elo_ratings(*_frames(*races), kind).set_index(["race_key", "entity_id"])


@pytest.fixture(scope="module")
def history() -> History:
    return build_history(simulate(2, 7).bundle.tables)


def test_two_drivers() -> None:
    # Equal ratings: half a point of surprise is 16. Then 1516 against 1484: 1 / (1 + 10 ** (32 / 400)) = .45407...
    rated = _rate("driver", [("a", "x", "1"), ("b", "y", "2")], [("b", "y", "1"), ("a", "x", "2")])
    assert rated.loc[("r0", "a")][["value_before", "value_after"]].tolist() == [1500.0, 1516.0]
    assert rated.loc[("r0", "b"), "value_after"] == 1484.0
    expected = 1 / (1 + 10 ** (32 / 400))
    assert expected == pytest.approx(0.454078, abs=1e-6)
    assert rated.loc[("r1", "b"), "value_after"] == pytest.approx(1484 + 32 * (1 - expected))
    assert rated.loc[("r1", "a"), "value_after"] == pytest.approx(1516 - 32 * (1 - expected))


def test_a_constructor_that_comes_back_after_years_begins_anew() -> None:
    """And its driver does not. Races of the helper are ten a season."""
    first = [("a", "x", "1"), ("b", "y", "2")]
    others: list[tuple[str, str, str | None]] = [("b", "y", "1"), ("c", "z", "2")]

    def at_the_return(seasons_away: int, kind: str, who: str) -> float:
        races = [first, *([others] * (10 * (seasons_away + 1) - 1)), first]
        rated = _rate(kind, *races)
        return float(rated.loc[(f"r{len(races) - 1}", who), "value_before"])

    assert at_the_return(2, "constructor", "x") == 1516.0
    assert at_the_return(3, "constructor", "x") == 1500.0, "the fourth season after its last"
    assert at_the_return(3, "driver", "a") == 1516.0


def test_three_drivers_are_three_pairs() -> None:
    rated = _rate("driver", [("a", "x", "1"), ("b", "y", "2"), ("c", "z", "3")])
    assert rated["value_after"].to_dict() == {
        ("r0", "a"): 1532.0,
        ("r0", "b"): 1500.0,
        ("r0", "c"): 1468.0,
    }


def test_a_retired_car_keeps_its_rating_and_counts_for_nobody() -> None:
    rated = _rate("driver", [("a", "x", "1"), ("b", "y", "2"), ("c", "z", "DNF")])
    assert rated["value_after"].to_dict() == {
        ("r0", "a"): 1516.0,
        ("r0", "b"): 1484.0,
        ("r0", "c"): 1500.0,
    }


@pytest.mark.parametrize(
    ("order", "x", "y"),
    [
        ("xxyy", 1532.0, 1468.0),  # each of x beats both of y
        ("xyyx", 1500.0, 1500.0),  # first and last cancel out
        ("xxy", 1516.0, 1468.0),  # the mean over x's cars; y's single car lost twice
        ("xyx", 1500.0, 1500.0),
    ],
)
def test_a_constructor_moves_by_the_mean_over_its_cars(order: str, x: float, y: float) -> None:
    race: Race = [(f"d{place}", team, str(place + 1)) for place, team in enumerate(order)]
    after = _rate("constructor", race)["value_after"]
    assert after[("r0", "x")] == x
    assert after[("r0", "y")] == y
    assert len(after) == 2, "one row per constructor, not per car"


def test_a_race_without_result_has_no_value_after_and_changes_nothing() -> None:
    rated = _rate(
        "driver",
        [("a", "x", "1"), ("b", "y", "2")],
        [("a", "x", None), ("b", "y", None)],
        [("a", "x", "1"), ("b", "y", "2")],
    )
    assert rated.loc["r1", "value_before"].to_dict() == {"a": 1516.0, "b": 1484.0}
    assert rated.loc["r1", "value_after"].isna().all()
    assert rated.loc["r2", "value_before"].to_dict() == {"a": 1516.0, "b": 1484.0}
    assert rated.loc["r2", "value_after"].notna().all()


def test_a_newcomer_starts_at_1500() -> None:
    rated = _rate("driver", [("a", "x", "1"), ("b", "y", "2")], [("new", "x", "1"), ("b", "y", "2")])
    assert rated.loc[("r1", "new"), "value_before"] == 1500.0


def test_changes_of_the_drivers_sum_to_zero(history: History) -> None:
    rated = elo_ratings(history.starters, history.entries, "driver")
    change = (rated["value_after"] - rated["value_before"]).groupby(rated["race_key"]).sum(min_count=1)
    assert change.notna().sum() == 40
    np.testing.assert_allclose(change.dropna(), 0.0, atol=1e-9)
    moved = (rated["value_after"] - rated["value_before"]).abs()
    assert moved.max() > 32, "a race of twenty cars is many pairs"


@pytest.mark.parametrize("kind", ["driver", "constructor"])
def test_before_a_race_is_after_the_one_before(history: History, kind: str) -> None:
    rated = elo_ratings(history.starters, history.entries, kind).sort_values("order")
    finished = rated[rated["value_after"].notna()]
    previous = finished.groupby("entity_id")["value_after"].shift().fillna(1500.0)
    np.testing.assert_array_equal(finished["value_before"], previous)
    future = rated[rated["value_after"].isna()]
    assert len(future)
    last = finished.groupby("entity_id")["value_after"].last()
    np.testing.assert_array_equal(future["value_before"], future["entity_id"].map(last))


@pytest.mark.parametrize("kind", ["driver", "constructor"])
def test_row_order_does_not_matter(history: History, kind: str) -> None:
    expected = elo_ratings(history.starters, history.entries, kind)
    mixed = elo_ratings(
        history.starters.sample(frac=1, random_state=1), history.entries.sample(frac=1, random_state=2), kind
    )
    # Sums over the opponents run in another order, hence the last digits.
    pd.testing.assert_frame_equal(mixed, expected, check_exact=False, rtol=1e-12)


def test_one_row_per_entry(history: History) -> None:
    rated = elo_ratings(history.starters, history.entries, "driver")
    assert len(rated) == len(history.entries)
    assert not rated.duplicated(["race_key", "entity_id"]).any()
    assert set(rated["kind"]) == {"driver"}
