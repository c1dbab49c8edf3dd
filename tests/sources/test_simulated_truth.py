"""How weekends are simulated: the stated truth is the law that races are drawn from."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from f1_pipeline.sources.simulated import SimulatedWorld, simulate
from f1_pipeline.sources.simulated import probability as law
from f1_pipeline.sources.simulated.calendar import season_calendar
from f1_pipeline.sources.simulated.classify import classify, pit_stops
from f1_pipeline.sources.simulated.field import Field, Start
from f1_pipeline.sources.simulated.weekend import draw_weekend
from f1_pipeline.sources.simulated.world import SEATS


@pytest.fixture(scope="module")
def world() -> SimulatedWorld:
    return simulate(5, 11)


def test_truth_sums_to_one_and_covers_the_entries(world: SimulatedWorld) -> None:
    truth = world.truth
    assert list(truth.columns) == ["race_key", "horizon", "driver_id", "log_strength", "win_probability"]
    sums = truth.groupby(["race_key", "horizon"])["win_probability"].sum()
    assert np.allclose(sums, 1, atol=1e-12)
    assert truth["win_probability"].between(0, 1, inclusive="neither").all()
    assert set(truth.loc[truth["horizon"] == "pre_race", "race_key"]) == set(
        world.bundle.tables["race_results"]["race_key"]
    )
    entries = world.bundle.tables["entries"]
    before = truth[truth["horizon"] == "pre_weekend"]
    assert set(zip(before["race_key"], before["driver_id"], strict=True)) == set(
        zip(entries["race_key"], entries["driver_id"], strict=True)
    )
    for _, rows in truth.groupby(["race_key", "horizon"]):
        assert rows["driver_id"].is_monotonic_increasing  # row order gives nothing away


def test_truth_is_calibrated_against_the_winners(world: SimulatedWorld) -> None:
    results = world.bundle.tables["race_results"]
    won = results.loc[results["position"] == 1, ["race_key", "driver_id"]].assign(won=1.0)
    truth = world.truth[world.truth["race_key"].isin(won["race_key"])]
    truth = truth.merge(won, on=["race_key", "driver_id"], how="left").fillna({"won": 0.0})
    rng = np.random.default_rng(0)
    loss = {}
    for horizon, rows in truth.groupby("horizon"):
        assert rows["won"].sum() == len(won)
        loss[horizon] = -np.log(rows.loc[rows["won"] == 1, "win_probability"]).mean()
        mixed = rows.groupby("race_key")["win_probability"].transform(lambda p: rng.permutation(p.to_numpy()))
        shuffled = -np.log(mixed[rows["won"] == 1]).mean()
        assert loss[horizon] < shuffled - 1
        # the loss expected of the truth is its mean entropy; allow 3.5 standard errors
        p = rows["win_probability"]
        entropy = (-p * np.log(p)).groupby(rows["race_key"]).sum()
        variance = (p * np.log(p) ** 2).groupby(rows["race_key"]).sum() - entropy**2
        assert abs(loss[horizon] - entropy.mean()) < 3.5 * np.sqrt(variance.sum()) / len(entropy)
        favourite = rows.sort_values("win_probability").groupby("race_key").tail(1)
        spread = np.sqrt((favourite["win_probability"] * (1 - favourite["win_probability"])).sum())
        assert abs(favourite["won"].sum() - favourite["win_probability"].sum()) < 3.5 * spread
        assert 0.3 < favourite["win_probability"].mean() < 0.65
    assert loss["pre_race"] < loss["pre_weekend"] < np.log(SEATS) - 1


@pytest.fixture
def small_field() -> Field:
    """Twenty cars, strengths two units apart, with hazards large enough to matter."""
    rng = np.random.default_rng(5)
    return Field(
        competitors=[
            {"driver_id": f"d{seat:02}", "constructor_id": f"t{seat // 2}", "car_number": str(seat + 1)}
            for seat in range(SEATS)
        ],
        strength=np.linspace(3, -3, SEATS),
        driver_hazard=rng.uniform(0.05, 0.2, SEATS),
        team_hazard=np.full(SEATS, 0.1),
    )


def assert_frequencies(wins: np.ndarray, probability: np.ndarray) -> None:
    """Every count of wins within four standard errors of its expectation (plus one: small counts)."""
    races = wins.sum()
    spread = np.sqrt(races * probability * (1 - probability))
    assert (np.abs(wins - races * probability) < 4 * spread + 1).all()


def test_pre_race_truth_is_the_law_that_races_are_drawn_from(small_field: Field) -> None:
    rng = np.random.default_rng(1)
    places = rng.permutation(SEATS) + 1
    start = Start(places, np.zeros_like(places), places < 0)
    race = season_calendar(1, 0, 2026)[0]
    wins = np.zeros(SEATS)
    for _ in range(3000):
        winner = classify(race, small_field, start, rng, sprint=False)[0]
        wins[int(str(winner["driver_id"])[1:])] += 1
    strength = law.race_log_strength(small_field.strength, places)
    assert_frequencies(wins, law.pre_race_win_probability(strength, small_field.hazard))


def test_pre_weekend_truth_is_the_law_that_weekends_are_drawn_from(small_field: Field) -> None:
    race = season_calendar(1, 0, 2026)[0]
    wins = np.zeros(SEATS)
    for seed in range(600):
        winner = draw_weekend(seed, race, small_field).rows["race_results"][0]
        wins[int(str(winner["driver_id"])[1:])] += 1
    probability = law.pre_weekend_win_probability(
        small_field.strength, small_field.hazard, np.random.default_rng(2), draws=20_000
    )
    assert_frequencies(wins, probability)


@pytest.mark.parametrize("reliable", [True, False])
def test_pre_race_truth_equals_the_sum_over_all_sets_of_finishers(reliable: bool) -> None:
    rng = np.random.default_rng(3)
    strength = rng.normal(0, 3, 8)
    hazard = np.zeros(8) if reliable else rng.uniform(0, 0.7, 8)
    expected = np.zeros(8)
    for chosen in product([False, True], repeat=8):
        finishes = np.array(chosen)
        if finishes.any():
            weight = np.exp(strength) * finishes
            expected += np.prod(np.where(finishes, 1 - hazard, hazard)) * weight / weight.sum()
    expected /= expected.sum()
    assert np.allclose(law.pre_race_win_probability(strength, hazard), expected, atol=1e-9)


def test_stated_accuracy_of_the_pre_weekend_truth(small_field: Field) -> None:
    runs = [
        law.pre_weekend_win_probability(small_field.strength, small_field.hazard, np.random.default_rng(i))
        for i in range(20)
    ]
    assert 0 < np.std(runs, axis=0).max() < 0.006


def test_grid_penalties() -> None:
    qualified = np.array([1, 2, 3, 4, 5, 6])
    none = np.zeros(6, dtype=np.int64)
    nobody = none > 0
    assert law.starting_places(qualified, none, nobody).tolist() == [1, 2, 3, 4, 5, 6]
    back = np.array([3, 0, 0, 0, 0, 0])
    assert law.starting_places(qualified, back, nobody).tolist() == [4, 1, 2, 3, 5, 6]
    both = np.array([0, 3, 0, 0, 0, 0])
    assert law.starting_places(qualified, both, qualified == 1).tolist() == [6, 4, 1, 2, 3, 5]
    far = np.array([0, 10, 10, 0, 0, 0])
    assert law.starting_places(qualified, far, nobody).tolist() == [1, 5, 6, 2, 3, 4]


def test_pit_stops_end_where_the_car_does() -> None:
    race = season_calendar(1, 0, 2026)[0]
    car = {"driver_id": "d", "constructor_id": "t", "car_number": "1"}
    stopped = [car | {"laps": 0}, car | {"driver_id": "e", "laps": race.laps}]
    stops = pit_stops(race, stopped, np.random.default_rng(0))
    assert stopped[0]["pit_stops"] == 0
    assert len(stops) == stopped[1]["pit_stops"] >= 1
    assert {stop["driver_id"] for stop in stops} == {"e"}
