"""Scores, computed by hand."""

import math

import numpy as np
import pandas as pd
import pytest

from f1_pipeline.forecasting.scoring import SUMMARY, bootstrap_mean, score_races, summarise


def _predictions(
    win: dict[str, float], podium: dict[str, float] | None = None, **more: object
) -> pd.DataFrame:
    order = sorted(win, key=lambda driver: -win[driver])
    return pd.DataFrame(
        {
            "race_key": "2026-x",
            "horizon": "pre_race",
            "model": "m",
            "model_version": 3,
            "driver_id": list(win),
            "win_probability": list(win.values()),
            "podium_probability": [(podium or win)[driver] for driver in win],
            "expected_position": [order.index(driver) + 1.0 for driver in win],
            **more,
        }
    )


def _starters(*drivers: str, positions: list[float | None] | None = None) -> pd.DataFrame:
    count = len(drivers)
    return pd.DataFrame(
        {
            "race_key": "2026-x",
            "driver_id": list(drivers),
            "finish": np.arange(1, count + 1),
            "position": np.array(positions or range(1, count + 1), dtype=float),
        }
    )


def _score(predictions: pd.DataFrame, starters: pd.DataFrame) -> pd.Series:
    scores = score_races(predictions, starters)
    assert len(scores) == 1
    return scores.iloc[0]


def test_by_hand() -> None:
    win = {"a": 0.4, "b": 0.3, "c": 0.2, "d": 0.1}
    podium = {"a": 0.9, "b": 0.8, "c": 0.7, "d": 0.6}
    score = _score(_predictions(win, podium), _starters("b", "a", "d", "c", positions=[1, 2, 3, None]))
    assert score["starters"] == 4
    assert score["log_loss"] == pytest.approx(-math.log(0.3))
    assert score["brier"] == pytest.approx(0.4**2 + 0.7**2 + 0.2**2 + 0.1**2)
    assert score["podium_log_loss"] == pytest.approx(
        -(math.log(0.9) + math.log(0.8) + math.log(0.6) + math.log(0.3)) / 4
    )
    assert score["top3_accuracy"] == pytest.approx(2 / 3)
    # Predicted a b c d = 1 2 3 4, finished 2 1 4 3: rho = 1 - 6 * 4 / (4 * 15).
    assert score["spearman"] == pytest.approx(0.6)
    assert score["rank_error"] == 1.0
    assert not score["winner_correct"]
    assert score["winner_probability"] == pytest.approx(0.3)
    assert (score["predicted_winner"], score["actual_winner"]) == ("a", "b")
    assert (score["horizon"], score["model"], score["model_version"]) == ("pre_race", "m", 3)


def test_a_car_that_did_not_start_is_nobodys_mistake() -> None:
    score = _score(_predictions({"dns": 0.5, "a": 0.3, "b": 0.2}), _starters("a", "b"))
    assert score["winner_probability"] == pytest.approx(0.6)
    assert score["log_loss"] == pytest.approx(-math.log(0.6))
    assert score["brier"] == pytest.approx(0.4**2 + 0.4**2)
    assert score["predicted_winner"] == "a"
    assert score["winner_correct"]


def test_a_starter_without_forecast_has_no_chance_and_is_expected_last() -> None:
    score = _score(_predictions({"a": 0.6, "b": 0.4}), _starters("late", "a", "b"))
    assert score["starters"] == 3
    assert score["winner_probability"] == 0.0
    assert score["log_loss"] == pytest.approx(-math.log(1e-12)), "finite, and as bad as it gets"
    assert score["brier"] == pytest.approx(1 + 0.36 + 0.16)
    assert score["rank_error"] == pytest.approx((2 + 1 + 1) / 3)
    assert score["actual_winner"] == "late"


def test_two_winners_share_a_car() -> None:
    starters = _starters("a", "b", "c", positions=[1, 1, 2])
    score = _score(_predictions({"a": 0.2, "b": 0.5, "c": 0.3}), starters)
    assert score["winner_probability"] == pytest.approx(0.7)
    assert score["log_loss"] == pytest.approx(-math.log(0.7))
    assert score["brier"] == pytest.approx(0.3**2 + 0.0**2 + 0.3**2)
    assert score["winner_correct"]


@pytest.mark.parametrize(
    "starters",
    [
        _starters("a", "b", positions=[2, None]),  # nobody won
        _starters("x", "y"),  # nobody that was forecast started
        _starters("a", "b").assign(race_key="2026-another"),
        _starters("a", "b").head(0),
    ],
    ids=["no-winner", "strangers", "other-race", "no-result"],
)
def test_no_score(starters: pd.DataFrame) -> None:
    assert score_races(_predictions({"a": 0.6, "b": 0.4}), starters).empty


def test_equal_probabilities_have_no_ranking() -> None:
    uniform = _predictions(dict.fromkeys("abc", 1 / 3)).assign(expected_position=2.0)
    score = _score(uniform, _starters("a", "b", "c"))
    assert math.isnan(score["spearman"])
    assert score["log_loss"] == pytest.approx(math.log(3))
    assert score["rank_error"] == pytest.approx(2 / 3)


def test_a_perfect_forecast() -> None:
    score = _score(_predictions({"a": 1.0, "b": 0.0, "c": 0.0}), _starters("a", "b", "c"))
    assert score["log_loss"] == 0.0
    assert score["brier"] == 0.0
    assert score["winner_correct"]


def test_the_finishing_order_of_the_rows_does_not_break_ties() -> None:
    predictions = _predictions(dict.fromkeys("abcd", 0.25)).assign(expected_position=2.5)
    found = {_score(predictions, _starters(*order))["predicted_winner"] for order in ("abcd", "dcba", "badc")}
    assert len(found) == 1
    named = [_score(predictions, _starters(*order))["top3_accuracy"] for order in ("abcd", "dcba")]
    assert named == pytest.approx([1.0, 2 / 3]), "the three named are the same whoever came in first"


def test_of_equals_the_one_that_is_expected_ahead_is_named() -> None:
    """As in the lists of a forecast: a page showed the winner on top and said that he had not been the favourite."""
    predictions = _predictions({"a": 0.4, "b": 0.4, "c": 0.1, "d": 0.1}, dict.fromkeys("abcd", 0.75))
    predictions = predictions.assign(expected_position=[2.6, 2.4, 3.0, 2.0])
    score = _score(predictions, _starters("b", "c", "a", "d"))
    assert score["predicted_winner"] == "b"
    assert score["winner_correct"]
    assert score["top3_accuracy"] == pytest.approx(2 / 3), "d, b and a are named"


def test_sets_are_scored_apart_and_rows_may_come_in_any_order() -> None:
    first = _predictions({"a": 0.6, "b": 0.4})
    both = pd.concat(
        [first, first.assign(model="n", win_probability=[0.1, 0.9]), first.assign(horizon="pre_weekend")]
    )
    scores = score_races(both, _starters("a", "b"))
    mixed = score_races(both.sample(frac=1, random_state=1), _starters("a", "b").iloc[::-1])
    pd.testing.assert_frame_equal(scores, mixed)
    by = scores.set_index(["horizon", "model"])["winner_probability"].to_dict()
    assert by == {("pre_race", "m"): 0.6, ("pre_race", "n"): 0.1, ("pre_weekend", "m"): 0.6}


def test_the_interval_covers_the_mean_nineteen_times_in_twenty() -> None:
    rng = np.random.default_rng(5)
    covered = 0
    for seed in range(200):
        low, high = bootstrap_mean(rng.exponential(1.5, 60), seed, draws=400)[1:]
        covered += low <= 1.5 <= high
    assert 0.88 <= covered / 200 <= 0.99


def test_the_interval_shrinks_with_more_races_and_is_repeatable() -> None:
    rng = np.random.default_rng(6)
    few, many = rng.normal(1, 1, 20), rng.normal(1, 1, 500)
    width = [high - low for _, low, high in (bootstrap_mean(few), bootstrap_mean(many))]
    assert width[0] > 3 * width[1]
    assert width[1] == pytest.approx(2 * 1.96 / math.sqrt(500), rel=0.2)
    assert bootstrap_mean(few) == bootstrap_mean(few)
    assert bootstrap_mean(np.array([2.0, 2.0])) == (2.0, 2.0, 2.0)
    assert all(math.isnan(value) for value in bootstrap_mean(np.array([])))


def test_summarise() -> None:
    rows = pd.DataFrame({name: [1.0, 2.0, 6.0] for name in SUMMARY}).assign(
        race_key=["2026-a", "2026-b", "2026-a"],
        model=["m", "m", "n"],
        winner_correct=[True, False, True],
        spearman=[np.nan, 0.5, np.nan],
    )
    found = summarise(rows, ["model"]).set_index("model")
    assert found["races"].to_dict() == {"m": 2, "n": 1}
    assert found["log_loss"].to_dict() == {"m": 1.5, "n": 6.0}
    assert found["winner_correct"].to_dict() == {"m": 0.5, "n": 1.0}
    assert found.loc["m", "spearman"] == 0.5
    assert math.isnan(found.loc["n", "spearman"])
    assert (found.loc["m", ["log_loss_low", "log_loss_high"]] == [1.0, 2.0]).all()
    two = summarise(rows.assign(season=[1, 2, 2]), ["season", "model"])
    assert two[["season", "model"]].to_numpy().tolist() == [[1, "m"], [2, "m"], [2, "n"]]


# --- ranked probability, binary Brier, retirements --------------------------------------------------------


def _ranked(p: dict[int, list[float]], position: list[float | None]) -> float:
    drivers = [f"d{number}" for number in range(len(position))]
    starters = _starters(*drivers, positions=position)
    frame = _predictions(dict(zip(drivers, p[1], strict=True)), dict(zip(drivers, p[3], strict=True)))
    frame = frame.assign(top6_probability=p[6], points_probability=p[10])
    return float(_score(frame, starters)["rps"])


def test_the_ranked_probability_score_by_hand() -> None:
    found = _ranked(
        {1: [0.6, 0.4], 3: [0.9, 0.7], 6: [1.0, 0.8], 10: [1.0, 0.9]},
        [1, None],  # the second one is retired: in the last category
    )
    winner = 0.4**2 + 0.1**2 + 0.0 + 0.0
    retired = 0.4**2 + 0.7**2 + 0.8**2 + 0.9**2
    assert found == pytest.approx((winner + retired) / (4 * 2))
    sure = {1: [1.0, 0.0], 3: [1.0, 1.0], 6: [1.0, 1.0], 10: [1.0, 1.0]}
    assert _ranked(sure, [1, 2]) == 0.0
    assert _ranked({place: [0.0, 1.0] for place in (1, 3, 6, 10)}, [1, None]) == 1.0


@pytest.mark.parametrize(("season", "ends"), [(1955, 4), (1985, 3), (2005, 4), (2026, 4)])
def test_six_scoring_places_and_the_first_six_are_one_category(season: int, ends: int) -> None:
    win = {"a": 0.5, "b": 0.5}
    frame = _predictions(win).assign(
        podium_probability=1.0, top6_probability=1.0, points_probability=1.0, race_key=f"{season}-x"
    )
    score = _score(frame, _starters("a", "b").assign(race_key=f"{season}-x"))
    assert score["rps"] == pytest.approx(2 * 0.5**2 / (2 * ends)), "only the end after the winner is missed"


def test_no_ranked_score_where_a_forecast_states_no_first_six() -> None:
    frame = _predictions({"a": 0.6, "b": 0.4}).assign(points_probability=1.0)
    assert math.isnan(_score(frame, _starters("a", "b"))["rps"])
    frame = frame.assign(top6_probability=[1.0, np.nan])
    assert math.isnan(_score(frame, _starters("a", "b"))["rps"])
    late = _score(frame.assign(top6_probability=1.0), _starters("a", "b", "late"))
    assert late["rps"] > 0, "a starter without a forecast has probability 0, in this score too"


def test_the_binary_brier_score_is_a_mean_over_starters() -> None:
    score = _score(_predictions({"a": 0.5, "b": 0.3, "c": 0.2}), _starters("b", "a", "c"))
    assert score["binary_brier"] == pytest.approx((0.5**2 + 0.7**2 + 0.2**2) / 3)
    assert score["brier"] == pytest.approx(3 * score["binary_brier"])


def test_retirements() -> None:
    frame = _predictions({"a": 0.5, "b": 0.3, "c": 0.2}).assign(retirement_probability=[0.1, 0.2, 0.4])
    starters = _starters("a", "b", "c", positions=[1, None, None])
    scored = starters.assign(position_text=["1", "DNF", "DSQ"])
    expected = -(math.log(0.9) + math.log(0.2) + math.log(0.6)) / 3
    assert _score(frame, scored)["retirement_log_loss"] == pytest.approx(expected), "DSQ is no retirement"
    assert math.isnan(_score(frame, starters)["retirement_log_loss"]), "nobody says who retired"
    assert math.isnan(_score(frame.drop(columns="retirement_probability"), scored)["retirement_log_loss"])
    sure = frame.assign(retirement_probability=[0.0, 0.0, 0.0])
    assert _score(sure, scored)["retirement_log_loss"] == pytest.approx(-math.log(1e-6) / 3, rel=1e-5)
