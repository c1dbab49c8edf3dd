"""Championship forecasts on small written seasons: laws of the draws, arithmetic of the title, no look ahead."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from f1_pipeline.domain.points import race_points
from f1_pipeline.errors import LeakError, NotReady
from f1_pipeline.forecasting.asof import require_before
from f1_pipeline.forecasting.championship import (
    SCENARIO_DRAWS,
    ChampionshipForecast,
    Situation,
    _earned,
    can_win,
    forecast_championship,
    races_to_come,
)
from f1_pipeline.forecasting.championship_inputs import ChampionshipInputs, championship_inputs
from f1_pipeline.forecasting.history import in_calendar_order
from f1_pipeline.forecasting.retirement_rates import retirement_rates
from f1_pipeline.forecasting.season_simulation import RaceDraws, SimulationConfig, simulate_races

SETTINGS = settings(max_examples=15, deadline=None, derandomize=True)
DRIVERS = {"ann": "red", "bob": "red", "cid": "blue", "dan": "blue", "eve": "grey", "fay": "grey"}
PACE = {"red": 0.8, "blue": 0.3, "grey": -0.6}
CONFIG = SimulationConfig()


def _inputs(season: int = 2023, rounds: int = 6, raced: int = 3, seed: int = 0) -> ChampionshipInputs:
    """A season of ``rounds`` races of which ``raced`` have a result; the fourth race has a sprint."""
    rng = np.random.default_rng(seed)
    keys = [f"{season}-r{number}" for number in range(rounds)]
    races = pd.DataFrame(
        {
            "race_key": keys,
            "season": season,
            "date": pd.date_range(f"{season}-03-01", periods=rounds, freq="14D"),
            "is_cancelled": False,
            "is_sprint_weekend": [number == 3 for number in range(rounds)],
        }
    )
    points = dict(enumerate(race_points(season), start=1))
    rows = [
        {
            "race_key": key,
            "display_order": place,
            "driver_id": driver,
            "constructor_id": DRIVERS[driver],
            "position": float(place) if place < 6 else np.nan,
            "position_text": str(place) if place < 6 else "DNF",
            "points": float(points.get(place, 0.0)) if place < 6 else 0.0,
            "shared_car": False,
        }
        for key in keys[:raced]
        for place, driver in enumerate(rng.permutation(list(DRIVERS)), start=1)
    ]
    columns = ["race_key", "display_order", "driver_id", "constructor_id", "position", "position_text"]
    results = pd.DataFrame(rows, columns=[*columns, "points", "shared_car"])
    ratings = pd.DataFrame(
        [
            {
                "race_key": key,
                "horizon": "pre_weekend",
                "driver_id": driver,
                "constructor_id": team,
                "team_mean": PACE[team],
                "team_sd": 0.4,
                "driver_mean": 0.02 * number,
                "driver_sd": 0.3,
            }
            for key in keys
            for number, (driver, team) in enumerate(DRIVERS.items())
        ]
    )
    return championship_inputs(in_calendar_order(races), results, results.iloc[:0], ratings)


def _forecast(situation: Situation, draws: int = 1000, seed: int = 5) -> ChampionshipForecast:
    return forecast_championship(situation, CONFIG, draws, seed, True)


@pytest.fixture(scope="module")
def situation() -> Situation:
    return _inputs().situation("2023-r3")


def test_the_situation_is_that_before_the_race(situation: Situation) -> None:
    assert [race.race_key for race in situation.to_come] == ["2023-r3", "2023-r4", "2023-r5"]
    assert situation.to_come[0].sprint_points == (8, 7, 6, 5, 4, 3, 2, 1)
    assert situation.to_come[1].sprint_points == ()
    assert situation.scores["driver"].points.shape == (6, 3)
    assert situation.line_up.constructors == ("blue", "grey", "red")
    assert situation.retirement.shape == (6,)


@SETTINGS
@given(st.integers(0, 10**6), st.integers(0, 5))
def test_places_sum_to_one_by_row_and_by_column(seed: int, before: int) -> None:
    made = _forecast(_inputs(raced=before, seed=seed).situation(f"2023-r{before}"), draws=250, seed=seed)
    for kind, size in (("driver", 6), ("constructor", 3)):
        rows = made.positions[made.positions["kind"] == kind]
        matrix = rows.pivot(index="entity_id", columns="position", values="probability")
        assert matrix.shape == (size, size)
        np.testing.assert_allclose(matrix.sum(axis=0), 1.0)
        np.testing.assert_allclose(matrix.sum(axis=1), 1.0)
        table = made.forecasts[made.forecasts["kind"] == kind].set_index("entity_id")
        np.testing.assert_allclose(table["title_probability"], matrix[1])
        np.testing.assert_allclose(table["expected_position"], matrix @ matrix.columns.to_numpy(dtype=float))
        assert (table["title_probability"] <= table["top3_probability"]).all()
        assert (table["points_low"] <= table["points_high"]).all()
        assert (table["points"] <= table["points_low"]).all(), "points are not lost again"
        assert not (table["title_probability"] > 0)[~table["can_win"]].any()


def test_the_same_seed_gives_the_same_rows(situation: Situation) -> None:
    first, again, other = _forecast(situation), _forecast(situation), _forecast(situation, seed=6)
    for name in ("forecasts", "positions", "scenarios"):
        pd.testing.assert_frame_equal(getattr(first, name), getattr(again, name), check_exact=True)
    assert not first.forecasts["expected_points"].equals(other.forecasts["expected_points"])


def test_points_handed_out_are_those_of_the_races(situation: Situation) -> None:
    """Without retirements and fastest laps every place is taken, so the sum of points is known."""
    sure = replace(
        situation,
        retirement=np.zeros(6),
        to_come=[replace(race, fastest_lap_point=0.0) for race in situation.to_come],
    )
    made = _forecast(sure).forecasts
    left = sum(sum(race.points[:6]) + sum(race.sprint_points[:6]) for race in situation.to_come)
    for kind in ("driver", "constructor"):
        rows = made[made["kind"] == kind]
        assert (rows["expected_points"] - rows["points"]).sum() == pytest.approx(left)


def test_who_never_finishes_scores_nothing(situation: Situation) -> None:
    broken = situation.line_up.drivers.index("ann")
    stopped = replace(situation, retirement=np.eye(6)[broken])
    for race in simulate_races(stopped.line_up, stopped.to_come[1:], stopped.retirement, CONFIG, 300, 1):
        assert (race.positions[:, broken] == 0).all()
        assert (race.points[:, broken] == 0).all()
        assert (np.sort(race.positions, axis=1)[:, 1:] == np.arange(1, 6)).all(), "the others fill the places"


def test_the_fastest_lap_scores_one_point_within_the_first_ten() -> None:
    inputs = _inputs(season=2019)
    situation = inputs.situation("2019-r3")
    assert all(race.fastest_lap_point == 1.0 for race in situation.to_come)
    assert not any(race.fastest_lap_point for race in _inputs(season=2025).situation("2025-r3").to_come)
    total = 0.0
    for race in simulate_races(situation.line_up, situation.to_come, np.zeros(6), CONFIG, 4000, 1):
        over = race.points.sum(axis=1) - sum(race_points(2019)[:6])
        assert set(np.unique(over)) == {0.0, 1.0}
        total += over.mean()
    # .35 + .20 + .10 + .085 + .045 + .035: the six places that there are.
    assert total / 3 == pytest.approx(0.815, abs=0.015)


def test_a_stronger_team_wins_more_and_a_slower_one_less(situation: Situation) -> None:
    made = _forecast(situation).forecasts.set_index(["kind", "entity_id"])
    gained = made["expected_points"] - made["points"]
    assert gained["constructor", "red"] > gained["constructor", "blue"] > gained["constructor", "grey"]


def test_double_points_are_known_and_half_points_are_not() -> None:
    races = pd.DataFrame(
        {
            "race_key": ["2014-abu-dhabi", "2021-belgium"],
            "season": [2014, 2021],
            "is_sprint_weekend": [False, False],
        }
    )
    double, half = races_to_come(races)
    assert double.points[0] == 50.0
    assert half.points[0] == 25.0


def test_places_beyond_the_twentieth_are_counted_back_as_none(situation: Situation) -> None:
    """Of 22 cars the last two would have had a twentieth place each, and beaten who was twentieth once."""
    count = len(situation.line_up.drivers)
    positions = np.zeros((1, count), dtype=np.int64)
    positions[0, :3] = [22, 21, 20]
    _, keys = _earned(situation, "driver", [RaceDraws("2023-r4", positions, np.zeros((1, count)))])
    assert (keys[:, 0, :2] == 0).all()
    assert keys[:, 0, 2].any()


def test_who_left_keeps_his_points_and_scores_no_more() -> None:
    inputs = _inputs()
    ratings = inputs.ratings[inputs.ratings["driver_id"] != "bob"]
    situation = replace(inputs, ratings=ratings).situation("2023-r3")
    table = _forecast(situation).forecasts.set_index(["kind", "entity_id"])
    row = table.loc[("driver", "bob")]
    assert row["points"] == row["expected_points"] == row["points_low"] == row["points_high"] > 0


def test_nothing_of_the_race_or_later_reaches_its_forecast() -> None:
    """Results from the race on are changed beyond recognition; ratings of later races too."""
    inputs = _inputs(raced=6)
    late = inputs.results["order"] >= 3
    changed = replace(
        inputs,
        results=inputs.results.assign(points=inputs.results["points"].where(~late, 1000.0)),
        starters=inputs.starters.assign(
            classified=inputs.starters["classified"] & (inputs.starters["order"] < 3)
        ),
        ratings=inputs.ratings.assign(
            team_mean=inputs.ratings["team_mean"].where(inputs.ratings["race_key"] <= "2023-r3", 9.0)
        ),
    )
    for name in ("forecasts", "positions", "scenarios"):
        left, right = (_forecast(one.situation("2023-r3"), 300) for one in (inputs, changed))
        pd.testing.assert_frame_equal(getattr(left, name), getattr(right, name), check_exact=True)
    # And the change is one that the race after does see.
    after = [_forecast(one.situation("2023-r4"), 300).forecasts for one in (inputs, changed)]
    assert not after[0].equals(after[1])


def test_a_race_without_ratings_is_refused() -> None:
    inputs = _inputs()
    with pytest.raises(NotReady, match="ratings/joint"):
        replace(inputs, ratings=inputs.ratings.iloc[:0]).situation("2023-r3")


# --- who can still win -----------------------------------------------------------------------------------


def _standing(points: dict[str, list[float]], left: int, season: int = 2025) -> Situation:
    """A season with given points by race; wins are where 25 points are."""
    inputs = _inputs(season=season, rounds=6, raced=0)
    situation = inputs.situation(f"{season}-r{6 - left}")
    scores = situation.scores["driver"]
    entities = sorted(points)
    matrix = np.array([points[name] for name in entities])
    wins = (matrix == 25).sum(axis=1).astype(np.int64) << 54
    return replace(
        situation,
        to_come=[replace(race, sprint_points=()) for race in situation.to_come],
        scores={
            **situation.scores,
            "driver": replace(
                scores,
                entities=entities,
                points=matrix,
                countback=np.stack([wins, np.zeros_like(wins)], axis=1),
                deducted=np.zeros(len(entities)),
                excluded=np.zeros(len(entities), dtype=bool),
            ),
        },
    )


def _possible(situation: Situation) -> set[str]:
    entities = situation.scores["driver"].entities
    return {name for name, yes in zip(entities, can_win(situation, "driver", entities), strict=True) if yes}


def test_who_can_win_is_arithmetic() -> None:
    # One race, 25 points left.
    assert _possible(_standing({"x": [60.0], "y": [36.0], "z": [34.0]}, 1)) == {"x", "y"}
    assert _possible(_standing({"x": [60.0], "y": [36.0], "z": [34.0]}, 2)) == {"x", "y", "z"}
    # Level at best: y would have as many wins as x, z one less.
    level = {"x": [25.0, 25.0, 0.0], "y": [25.0, 0.0, 0.0], "z": [12.0, 13.0, 0.0]}
    assert _possible(_standing(level, 1)) == {"x", "y"}


def test_who_can_win_respects_dropped_results() -> None:
    """1988: eleven results count. The leader who has eleven wins can drop what comes; his pursuer can only add."""
    nine = {"x": [9.0] * 11, "y": [9.0] * 10 + [0.0]}
    assert _possible(_standing(nine, 1, season=1988)) == {"x", "y"}
    short = {"x": [9.0] * 11, "y": [9.0] * 9 + [0.0, 0.0]}
    assert _possible(_standing(short, 1, season=1988)) == {"x"}


def test_a_decided_title_is_certain() -> None:
    made = _forecast(_standing({name: [0.0] for name in DRIVERS} | {"ann": [200.0]}, 1)).forecasts
    row = made[(made["kind"] == "driver") & (made["entity_id"] == "ann")].iloc[0]
    assert row["title_probability"] == 1.0
    assert made.loc[made["kind"] == "driver", "can_win"].sum() == 1


# --- scenarios -------------------------------------------------------------------------------------------


def test_scenarios_are_the_forecast_taken_apart(situation: Situation) -> None:
    """Weighted by how likely the results are, they give the forecast back, but for results that were left out."""
    made = _forecast(situation, draws=6000)
    title = made.forecasts.set_index(["kind", "entity_id"])["title_probability"]
    assert set(made.scenarios["kind"]) == {"driver", "constructor"}
    assert (made.scenarios["probability"] >= SCENARIO_DRAWS / 6000).all()
    for (kind, driver, entity), rows in made.scenarios.groupby(["kind", "driver_id", "entity_id"]):
        assert rows["position"].is_unique
        known = rows["probability"].sum()
        back = (rows["probability"] * rows["title_probability"]).sum()
        assert back <= title[kind, entity] + 1e-9 <= back + (1 - known) + 2e-9, (kind, driver, entity)
    leader = title["driver"].idxmax()
    own = made.scenarios[(made.scenarios["driver_id"] == leader) & (made.scenarios["entity_id"] == leader)]
    by_place = own.set_index("position")["title_probability"]
    assert by_place[1] > title["driver", leader] > by_place[by_place.index.max()]


def test_results_with_few_draws_are_left_out(situation: Situation) -> None:
    assert _forecast(situation, draws=SCENARIO_DRAWS - 1).scenarios.empty


# --- retirements -----------------------------------------------------------------------------------------


def test_retirement_rates_are_between_the_team_and_the_field() -> None:
    starters = pd.DataFrame(
        {
            "order": np.repeat(np.arange(40), 4),
            "constructor_id": ["frail", "frail", "firm", "firm"] * 40,
            "classified": [False, False, True, True] * 40,
        }
    )
    rates = retirement_rates(starters, 40, pd.Series(["frail", "firm", "new"]))
    assert rates[0] > rates[2] > rates[1]
    assert rates[2] == pytest.approx(0.5)
    # The race itself and what follows are not looked at.
    later = starters.assign(classified=starters["classified"] | (starters["order"] >= 20))
    np.testing.assert_array_equal(
        retirement_rates(later, 20, pd.Series(["frail"])),
        retirement_rates(starters, 20, pd.Series(["frail"])),
    )
    with pytest.raises(LeakError):
        require_before(starters["order"], 20, "a retirement rate")


def test_a_missing_probability_of_retirement_is_refused(situation: Situation) -> None:
    with pytest.raises(ValueError, match="each driver"):
        next(simulate_races(situation.line_up, situation.to_come, np.zeros(5), CONFIG, 10, 1))
