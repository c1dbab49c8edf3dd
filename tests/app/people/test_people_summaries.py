"""What is counted from classifications, and the laws that the counts obey."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import spearmanr

from f1_app import summaries

TEXTS = ("DNF", "NC", "DSQ", "DNS")


def cars_of(rows: list[dict[str, object]]) -> pd.DataFrame:
    """Rows as the queries give them; what a test does not name is the same for everybody."""
    frame = pd.DataFrame(
        [
            {
                "season": 2026,
                "date": "2026-05-03",
                "race": "Testland Grand Prix",
                "constructor_id": "comet",
                "team": "Comet",
                "car_number": str(row.get("driver_id")),
                "shared_car": False,
                "points": 0.0,
                "sprint_points": None,
                "qualifying_position": None,
                "grid_position": None,
                "grid_order": row.get("grid_position"),
                "code": str(row["driver_id"])[:3].upper(),
                "driver": row["driver_id"],
                "position_text": str(row["position"]) if row.get("position") else "DNF",
                **row,
            }
            for row in rows
        ]
    )
    whole = ["position", "qualifying_position", "grid_position", "grid_order"]
    return frame.astype({**dict.fromkeys(whole, "Int64"), "points": "float64", "sprint_points": "float64"})


@st.composite
def races(draw: st.DrawFn) -> pd.DataFrame:
    """Some races of five drivers of one team: a classification, a grid and a qualifying order of each."""
    rows: list[dict[str, object]] = []
    for race in range(draw(st.integers(1, 5))):
        drivers = [f"d{number}" for number in draw(st.permutations(range(5)))]
        classified = draw(st.integers(1, 5))
        grid = draw(st.permutations(range(1, 6)))
        qualifying = draw(st.permutations([1, 2, 3, 4, None]))
        for place, (driver, start, fast) in enumerate(zip(drivers, grid, qualifying, strict=True), start=1):
            out = draw(st.sampled_from(TEXTS)) if place > classified else str(place)
            rows.append(
                {
                    "race_key": f"2026-r{race}",
                    "driver_id": driver,
                    "position": place if place <= classified else None,
                    "position_text": out,
                    "grid_position": start,
                    "qualifying_position": fast,
                    "points": float(max(0, 6 - place)) if place <= classified else 0.0,
                }
            )
    return cars_of(rows)


@settings(max_examples=12, deadline=None)
@given(races())
def test_head_to_heads_sum_to_the_races_both_have_a_place_in(cars: pd.DataFrame) -> None:
    table = summaries.head_to_heads(summaries.pairs(cars), ["driver_id", "rival_driver_id"])
    duels = table.set_index(["driver_id", "rival_driver_id"])
    places = cars.pivot(index="race_key", columns="driver_id", values="position")
    fast = cars.pivot(index="race_key", columns="driver_id", values="qualifying_position")
    for (own, rival), row in duels.iterrows():
        both = places[own].notna() & places[rival].notna()
        assert row["ahead"] + row["behind"] + row["level"] == both.sum()
        seen = fast[own].notna() & fast[rival].notna()
        assert row["qualifying_ahead"] + row["qualifying_behind"] == seen.sum()
        # From the other side it is the same, the other way round.
        other = duels.loc[(rival, own)]
        assert (row["ahead"], row["behind"], row["races"]) == (
            other["behind"],
            other["ahead"],
            other["races"],
        )
        assert row["points"] == other["rival_points"]


@settings(max_examples=12, deadline=None)
@given(races(), st.randoms(use_true_random=False))
def test_counts_do_not_depend_on_the_order_of_the_rows(cars: pd.DataFrame, random: object) -> None:
    order = list(range(len(cars)))
    random.shuffle(order)  # type: ignore[attr-defined]
    shuffled = cars.iloc[order].reset_index(drop=True)
    by = ["driver_id", "rival_driver_id"]
    pd.testing.assert_frame_equal(
        summaries.head_to_heads(summaries.pairs(cars), by),
        summaries.head_to_heads(summaries.pairs(shuffled), by),
    )
    pd.testing.assert_frame_equal(
        summaries.by_race(cars).sort_index(), summaries.by_race(shuffled).sort_index()
    )
    pd.testing.assert_frame_equal(
        summaries.record(cars, ["driver_id"]), summaries.record(shuffled, ["driver_id"])
    )


@settings(max_examples=12, deadline=None)
@given(races())
def test_rank_correlation_is_spearmans_of_the_classified(cars: pd.DataFrame) -> None:
    table = summaries.by_race(cars)
    for key, rows in cars.groupby("race_key"):
        done = rows[rows["position"].notna()]
        found = table.loc[key, "rank_correlation"]
        if len(done) < summaries.MINIMUM_ORDER:
            assert np.isnan(found)
        else:
            expected = spearmanr(done["grid_position"].astype(float), done["position"].astype(float))
            assert found == pytest.approx(expected.statistic)
    assert (table["starters"] >= table["classified"] + table["retired"]).all()


@settings(max_examples=12, deadline=None)
@given(races())
def test_records_of_the_drivers_add_up_to_that_of_the_team(cars: pd.DataFrame) -> None:
    team = summaries.career(cars)
    drivers = summaries.record(cars, ["driver_id"])
    for name in ("wins", "podiums", "poles", "points", "retirements"):
        assert drivers[name].sum() == pytest.approx(team[name]), name
    assert summaries.winner_places(summaries.by_race(cars)).sum() == cars["race_key"].nunique()


def test_a_shared_car_is_one_car_and_a_place_for_both() -> None:
    cars = cars_of(
        [
            {"race_key": "r", "driver_id": "ann", "car_number": "1", "position": 1, "grid_position": 3},
            {
                "race_key": "r",
                "driver_id": "ben",
                "car_number": "1",
                "position": 1,
                "grid_position": 1,
                "shared_car": True,
            },
            {"race_key": "r", "driver_id": "ben", "car_number": "2", "position": None, "grid_position": 1},
            {"race_key": "r", "driver_id": "cat", "car_number": "3", "position": 2, "grid_position": 2},
        ]
    )
    race = summaries.by_race(cars).loc["r"]
    assert (race["starters"], race["classified"], race["retired"]) == (3, 2, 1)
    # Ben was first on the grid and won, in another's car.
    assert (race["pole_won"], race["winner_grid"]) == (1.0, 1)
    table = summaries.record(cars, ["driver_id"]).set_index("driver_id")
    assert list(table["wins"]) == [1, 1, 0]
    assert table.loc["ben", ["starts", "retirements", "poles"]].tolist() == [1, 1, 1]
    assert summaries.career(cars)["wins"] == 1
    duels = summaries.head_to_heads(summaries.pairs(cars), ["driver_id", "rival_driver_id"])
    pair = duels.set_index(["driver_id", "rival_driver_id"]).loc[("ann", "ben")]
    assert pair[["races", "ahead", "behind", "level"]].tolist() == [1, 0, 0, 1]


def test_the_pit_lane_is_behind_the_grid_and_a_first_that_did_not_start_did_not_win() -> None:
    cars = cars_of(
        [
            {
                "race_key": "r",
                "driver_id": "ann",
                "position": None,
                "position_text": "DNS",
                "grid_position": 1,
            },
            {"race_key": "r", "driver_id": "ben", "position": 3, "grid_position": 2},
            {"race_key": "r", "driver_id": "cat", "position": 2, "grid_position": 4},
            # The source may name the pit lane before the last place of the grid.
            {
                "race_key": "r",
                "driver_id": "dan",
                "position": 1,
                "grid_position": None,
                "grid_order": 3,
            },
        ]
    )
    race = summaries.by_race(cars).loc["r"]
    assert race["starters"] == 3
    assert race["pole_won"] == 0.0
    assert race["rank_correlation"] == -1.0  # all the other way round: ben, cat, dan started
    assert race["best_climb"] == 2
    effect = summaries.grid_effect(summaries.by_race(cars))
    assert (effect.pole_share, effect.retirement_share) == (0.0, 0.0)
    assert summaries.winner_places(summaries.by_race(cars))["11th and below"] == 1


def test_races_without_a_grid_count_for_nothing_that_needs_one() -> None:
    cars = cars_of([{"race_key": "r", "driver_id": "ann", "position": 1}])
    effect = summaries.grid_effect(summaries.by_race(cars))
    assert (effect.races, effect.pole_races) == (1, 0)
    assert np.isnan(effect.pole_share)
    assert summaries.winner_places(summaries.by_race(cars)).sum() == 0
    assert np.isnan(summaries.grid_effect(summaries.by_race(cars.iloc[:0])).retirement_share)
    assert summaries.career(cars.iloc[:0]) == {}
    assert summaries.pairs(cars).empty
    assert summaries.head_to_heads(summaries.pairs(cars), ["driver_id"]).empty


def test_points_of_a_sprint_count_once_for_a_driver_with_two_rows() -> None:
    row = {"race_key": "r", "driver_id": "ann", "points": 6.0, "sprint_points": 8.0}
    cars = cars_of([{**row, "position": 2, "car_number": "1"}, {**row, "position": 3, "car_number": "2"}])
    assert summaries.career(cars)["points"] == 20.0


def test_spread_of_reasons_is_the_standard_deviation_over_the_drivers() -> None:
    values = np.array([0.4, -0.1, -0.3])
    reasons = pd.DataFrame(
        {"feature_group": ["grid"], "mean": [values.mean()], "mean_square": [(values**2).mean()]}
    )
    assert summaries.spread_of_reasons(reasons)["grid"] == pytest.approx(values.std())
