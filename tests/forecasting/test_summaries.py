"""Means, differences and their intervals over many races; calibration."""

import math
from functools import partial

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from f1_pipeline.domain.vocabulary import MARKET, POOL
from f1_pipeline.forecasting.scoring import (
    OUTCOMES,
    SUMMARY,
    bootstrap_mean,
    calibration_errors,
    chance_errors,
    outcome_pairs,
    paired_differences,
    quality_tables,
    reliability_table,
    score_means,
    score_races,
    summarise,
)
from f1_pipeline.forecasting.scoring.calibration import BINS, wilson
from f1_pipeline.forecasting.scoring.summaries import bootstrap_means, race_weights

SETTINGS = settings(max_examples=50, deadline=None, derandomize=True)


def _accuracy(scores: dict[str, list[float]], horizon: str = "pre_race", season: int = 2026) -> pd.DataFrame:
    """Scores of models on races 0, 1, ...; NaN where a model was not scored."""
    rows = [
        {"race_key": f"{season}-{race}", "horizon": horizon, "model": model, "log_loss": value}
        for model, values in scores.items()
        for race, value in enumerate(values)
        if not math.isnan(value)
    ]
    return pd.DataFrame(rows).assign(**{name: 1.0 for name in SUMMARY if name != "log_loss"})


# --- the interval ----------------------------------------------------------------------------------------


def test_every_resample_has_as_many_races_as_there_are() -> None:
    weights = race_weights(23)
    assert weights.shape == (2000, 23)
    assert (weights.sum(axis=1) == 23).all()
    assert weights.mean() == pytest.approx(1.0)
    assert weights.var() == pytest.approx(1 - 1 / 23, rel=0.05), "multinomial"
    with pytest.raises(ValueError, match="read-only"):
        weights[0, 0] = 5  # it is shared


def test_columns_together_are_what_they_are_alone() -> None:
    rng = np.random.default_rng(3)
    values = rng.exponential(1.0, (40, 5))
    values[rng.random(values.shape) < 0.2] = np.nan
    values[:, 4] = np.nan
    mean, low, high, races = bootstrap_means(values)
    for column in range(4):
        there = values[~np.isnan(values[:, column]), column]
        assert (mean[column], low[column], high[column]) == pytest.approx(bootstrap_mean(there))
        assert races[column] == len(there)
    assert races[4] == 0
    assert np.isnan([mean[4], low[4], high[4]]).all()


def test_score_means_leave_out_what_no_race_has() -> None:
    rows = pd.DataFrame({name: [1.0, 2.0] for name in SUMMARY}).assign(model="m", rps=[np.nan, 0.2])
    rows["race_key"] = ["2026-australia", "2026-china"]
    found = score_means(rows.assign(retirement_log_loss=np.nan), ["model"]).set_index("score")
    assert set(found.index) == set(SUMMARY) - {"retirement_log_loss"}
    assert found["races"].to_dict()["rps"] == 1
    assert found.loc["rps", "mean"] == 0.2
    assert found.loc["log_loss", ["mean", "low", "high"]].tolist() == [1.5, 1.0, 2.0]
    wide = summarise(rows, ["model"]).iloc[0]
    assert (wide["races"], wide["rps"], wide["brier_high"]) == (2, 0.2, 2.0)


def test_no_order_of_the_rows_changes_what_is_said_of_them() -> None:
    """``f1 evaluate`` had other intervals than the table that the dashboard shows: it read the same rows by date."""
    rng = np.random.default_rng(6)
    scores = _accuracy({name: rng.exponential(1.5, 60).tolist() for name in ("m", POOL)})
    pairs = outcome_pairs(*_world(60, 0.7))
    mixed_scores, mixed_pairs = (frame.sample(frac=1, random_state=4) for frame in (scores, pairs))
    for say, frame, mixed in (
        (partial(score_means, by=["horizon", "model"]), scores, mixed_scores),
        (partial(summarise, by=["horizon", "model"]), scores, mixed_scores),
        (paired_differences, scores, mixed_scores),
        *((partial(calibration_errors, even=even), pairs, mixed_pairs) for even in (False, True)),
        *((partial(chance_errors, even=even), pairs, mixed_pairs) for even in (False, True)),
        (reliability_table, pairs, mixed_pairs),
    ):
        pd.testing.assert_frame_equal(say(frame), say(mixed), rtol=1e-12)


# --- differences -----------------------------------------------------------------------------------------


def test_a_difference_is_taken_on_common_races_only() -> None:
    nan = float("nan")
    scores = _accuracy({"m": [1.0, 2.0, 3.0, nan], POOL: [0.5, nan, 2.0, 4.0], MARKET: [nan] * 4})
    found = paired_differences(scores)
    assert found[["model", "reference", "races"]].to_numpy().tolist() == [["m", POOL, 2]]
    row = found.iloc[0]
    assert (row["log_loss"], row["reference_log_loss"]) == (2.0, 1.25)
    assert (row["difference"], row["low"], row["high"]) == (0.75, 0.5, 1.0)
    assert paired_differences(scores, "nobody").empty


def test_the_references_are_those_of_the_horizon_the_pool_and_the_market() -> None:
    names = ("m", POOL, MARKET, "uniform", "elo_share", "grid_frequency", "standings_frequency")
    scores = {name: [1.0 + place, 2.0] for place, name in enumerate(names)}
    found = paired_differences(pd.concat([_accuracy(scores), _accuracy(scores, "pre_weekend")]))
    against = found[found["model"] == "m"].groupby("horizon")["reference"].agg(set).to_dict()
    assert against == {
        "pre_race": {"uniform", "elo_share", "grid_frequency", POOL, MARKET},
        "pre_weekend": {"uniform", "elo_share", "standings_frequency", POOL, MARKET},
    }
    assert not (found["model"] == found["reference"]).any()


def test_a_difference_can_be_certain_where_the_intervals_of_the_means_overlap() -> None:
    rng = np.random.default_rng(8)
    hard = rng.exponential(1.5, 200)
    found = paired_differences(
        _accuracy({"m": list(hard + rng.normal(0.05, 0.05, 200)), POOL: list(hard)})
    ).iloc[0]
    assert 0 < found["low"] < found["difference"] < found["high"] < 0.1
    assert bootstrap_mean(hard)[2] > bootstrap_mean(hard + 0.05)[1]


# --- calibration -----------------------------------------------------------------------------------------


def _world(races: int, power: float, seed: int = 0) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Races whose winner is drawn from known probabilities, and forecasts that sharpen (> 1) or flatten those."""
    rng = np.random.default_rng(seed)
    forecasts, results = [], []
    for race in range(races):
        key = f"{2000 + race % 20}-{race}"
        strength = rng.gamma(0.4, 1.0, 20) + 1e-3
        order = np.argsort(-(np.log(strength) + rng.gumbel(size=20)))
        names = [f"d{number:02d}" for number in range(20)]
        place = np.empty(20)
        place[order] = np.arange(1, 21)
        p = strength**power / (strength**power).sum()
        frame = pd.DataFrame({"race_key": key, "driver_id": names, "win_probability": p})
        forecasts.append(frame)
        results.append(
            pd.DataFrame({"race_key": key, "driver_id": names, "finish": place, "position": place}).assign(
                position_text="1"
            )
        )
    predictions = pd.concat(forecasts, ignore_index=True).assign(
        horizon="pre_race", model="m", model_version=1, podium_probability=0.15, expected_position=10.0
    )
    return predictions, pd.concat(results, ignore_index=True)


def test_the_true_probabilities_are_calibrated_and_others_are_not() -> None:
    errors = {}
    for power in (1.0, 0.5, 2.0):
        found = calibration_errors(outcome_pairs(*_world(2000, power))).iloc[0]
        errors[power] = found["mean"]
        assert found["races"] == 2000
        assert found["low"] < found["high"]
    assert errors[1.0] < 0.003
    assert errors[0.5] > 0.015
    assert errors[2.0] > 0.015


def test_the_calibration_error_by_hand() -> None:
    pairs = pd.DataFrame(
        {
            "race_key": ["2026-a"] * 3 + ["2026-b"] * 3,
            "horizon": "pre_race",
            "model": "m",
            "p_win": [0.62, 0.33, 0.05, 0.68, 0.27, 0.05],
            "is_win": [1.0, 0, 0, 0, 1, 0],
        }
    )
    # Bins: .62 and .68 (one won), .33 (none), .27 (won), .05 twice (none).
    expected = abs(0.62 + 0.68 - 1) + 0.33 + abs(0.27 - 1) + 0.10
    assert calibration_errors(pairs)["mean"].tolist() == pytest.approx([expected / 6])


def test_even_bins_by_hand() -> None:
    pairs = pd.DataFrame(
        {
            "race_key": np.repeat([f"2026-{name}" for name in "abcde"], 4),
            "horizon": "pre_race",
            "model": "m",
            "p_win": np.tile([0.7, 0.15, 0.1, 0.05], 5),
            "is_win": [1.0, 0, 0, 0] * 4 + [0, 1.0, 0, 0],
        }
    )
    # Four values, five pairs each: equal ones share a bin whatever the quantiles say.
    expected = (abs(5 * 0.7 - 4) + abs(5 * 0.15 - 1) + 5 * 0.1 + 5 * 0.05) / 20
    found = calibration_errors(pairs, even=True)
    assert found["mean"].tolist() == pytest.approx([expected])
    shuffled = pairs.sample(frac=1.0, random_state=3)
    assert calibration_errors(shuffled, even=True)["mean"].tolist() == pytest.approx([expected])


@pytest.mark.parametrize("even", [False, True])
def test_chance_leaves_what_true_probabilities_show(even: bool) -> None:
    """The errors of many worlds with true probabilities lie where the forecasts of one of them say."""
    said = chance_errors(outcome_pairs(*_world(60, 1.0)), draws=4000, even=even).iloc[0]
    assert said["low"] < said["mean"] < said["high"]
    seen = [
        calibration_errors(outcome_pairs(*_world(60, 1.0, seed)), draws=10, even=even)["mean"].iloc[0]
        for seed in range(40)
    ]
    assert np.mean(seen) == pytest.approx(said["mean"], rel=0.15)
    assert np.mean([said["low"] <= error <= said["high"] for error in seen]) >= 0.85
    flat = calibration_errors(outcome_pairs(*_world(600, 0.5)), draws=10, even=even)["mean"].iloc[0]
    assert flat > chance_errors(outcome_pairs(*_world(600, 0.5)), draws=200, even=even)["high"].iloc[0]


def test_reliability_counts_every_pair_once() -> None:
    predictions, starters = _world(60, 1.0)
    predictions = predictions.assign(points_probability=0.5, retirement_probability=np.nan)
    table = reliability_table(outcome_pairs(predictions, starters))
    assert set(table["outcome"]) == set(OUTCOMES) - {"retirement"}
    assert (table.groupby("outcome")["count"].sum() == 60 * 20).all()
    win = table[table["outcome"] == "win"]
    assert (win["count"] * win["observed"]).sum() == pytest.approx(60), "one winner a race"
    assert (win["forecast"].between(win["bin"] / BINS, (win["bin"] + 1) / BINS)).all()
    assert (win["low"] <= win["observed"]).all()
    assert (win["observed"] <= win["high"]).all()
    podium = table[table["outcome"] == "podium"]
    assert podium[["bin", "observed"]].to_numpy().tolist() == [[1, pytest.approx(3 / 20)]]


def test_pairs_are_what_is_scored() -> None:
    predictions, starters = _world(3, 1.0)
    strange = (
        starters[starters["driver_id"] == "d00"].head(1).assign(driver_id="late", finish=21, position=np.nan)
    )
    retired = starters.assign(
        position_text=np.where(starters["position"] > 18, "DNF", "1"),
        position=starters["position"].where(starters["position"] <= 18),
    )
    starters = pd.concat([retired, strange.assign(position_text="DNF")], ignore_index=True)
    starters = starters[starters["driver_id"] != "d05"]
    pairs = outcome_pairs(predictions.assign(retirement_probability=0.1), starters)
    scores = score_races(predictions, starters)
    assert pairs.groupby("race_key")["p_win"].sum().tolist() == pytest.approx([1.0] * 3)
    brier = ((pairs["p_win"] - pairs["is_win"]) ** 2).groupby(pairs["race_key"]).sum()
    has_winner = pairs.groupby("race_key")["is_win"].sum() == 1
    assert brier[has_winner].tolist() == pytest.approx(scores["brier"].tolist())
    late = pairs[pairs["p_retirement"].isna()]
    assert late[["p_win", "p_podium", "is_retirement"]].to_numpy().tolist() == [[0.0, 0.0, 1.0]]
    assert pairs["is_retirement"].sum() == (starters["position_text"] == "DNF").sum()


@SETTINGS
@given(share=st.floats(0, 1), number=st.integers(1, 5000))
def test_the_interval_of_a_share_holds_it_and_is_never_empty(share: float, number: int) -> None:
    low, high = (float(end[0]) for end in wilson(np.array([share]), np.array([number])))
    assert 0 <= low <= share <= high <= 1
    assert high - low > 0


def test_the_interval_of_a_share_is_wilsons() -> None:
    low, high = wilson(np.array([0.0, 0.5]), np.array([10, 100]))
    assert low.tolist() == pytest.approx([0.0, 0.4038], abs=1e-4)
    assert high.tolist() == pytest.approx([0.2775, 0.5962], abs=1e-4)


# --- the tables ------------------------------------------------------------------------------------------


def test_the_periods_of_the_tables() -> None:
    predictions, starters = _world(60, 1.0)
    scores = score_races(predictions, starters)
    pool = scores.assign(model=POOL, log_loss=scores["log_loss"] + 0.1)
    tables = quality_tables(pd.concat([scores, pool]), outcome_pairs(predictions, starters))
    summaries = tables["accuracy_summaries"]
    races = summaries[(summaries["score"] == "log_loss") & (summaries["model"] == "m")]
    races = races.set_index("period")["races"].to_dict()
    assert races["all"] == 60
    assert races["2014+"] == sum(
        count for period, count in races.items() if period.isdigit() and period >= "2014"
    )
    assert "2022+" not in races, "no race, no row"
    assert set(races) == {"all", "2014+", *(str(season) for season in range(2000, 2020))}
    errors = summaries[summaries["score"] == "calibration_error"]
    assert set(errors["period"]) == set(races)
    differences = tables["paired_differences"].query("model == 'm'")
    assert differences["difference"].to_numpy() == pytest.approx(-0.1)
    assert set(tables["reliability"]["period"]) == set(races)
    for name, keys in (
        ("accuracy_summaries", ["period", "horizon", "model", "score"]),
        ("paired_differences", ["period", "horizon", "model", "reference"]),
        ("reliability", ["period", "horizon", "model", "outcome", "bin"]),
    ):
        assert not tables[name].duplicated(keys).any()


def test_no_scores_no_tables() -> None:
    predictions, starters = _world(1, 1.0)
    empty = score_races(predictions, starters.assign(race_key="2000-other"))
    assert empty.empty
    scores = score_races(predictions, starters).head(0)
    tables = quality_tables(scores, outcome_pairs(predictions, starters).head(0))
    assert all(frame.empty for frame in tables.values())
