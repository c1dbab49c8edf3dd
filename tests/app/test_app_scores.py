"""The page on accuracy: stored means before computed ones, and every part of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from f1_app import queries
from f1_app.dashboard import charts_scores, scores, style
from f1_app.database import reading
from tests.app import scored
from tests.app.test_app_pages import show, texts

PAGE = "views/accuracy.py"


@pytest.fixture
def filled(database: Path) -> Path:
    scored.add(database)
    return database


def table_with(at, column: str) -> pd.DataFrame:  # type: ignore[no-untyped-def]
    found = [frame.value for frame in at.dataframe if column in frame.value.columns]
    assert found, column
    return found[0]


def test_stored_means_stand_before_computed_ones(filled: Path) -> None:
    at = show(PAGE)
    table = table_with(at, "mean").set_index("model")
    assert table.loc["Ensemble", "low"] == pytest.approx(0.973), "as stored, not drawn again"
    assert list(table.index) == ["Ensemble", "Uniform (baseline)"], "nothing is added to what is stored"
    assert [(card.label, card.value) for card in at.metric][2] == ("Difference on the same races", "-0.719")
    # A score that no table has a mean of is computed from the races.
    at = show(PAGE, metric="winner_probability")
    assert table_with(at, "mean").set_index("model").loc["Ensemble", "mean"] == pytest.approx(0.35)


def test_spans_of_seasons_are_in_the_address(filled: Path) -> None:
    at = show(PAGE, season="from-2026")
    assert at.selectbox(key="accuracy:season").value == "from-2026"
    assert "2026 to today" in at.selectbox(key="accuracy:season").options
    assert table_with(at, "mean")["mean"].iloc[0] == pytest.approx(1.152)


def test_differences_follow_the_reference(filled: Path) -> None:
    at = show(PAGE)
    assert at.selectbox(key="accuracy:against").value == "uniform", "the best baseline"
    assert "Market prices" not in at.selectbox(key="accuracy:against").options
    at = show(PAGE, against="ensemble")
    table = table_with(at, "difference")
    assert list(table["model"]) == ["Elo"]
    assert table["difference"].iloc[0] == pytest.approx(0.219)


def test_calibration_states_counts_and_intervals(filled: Path) -> None:
    table = table_with(show(PAGE), "Happened")
    assert list(table["Forecast between"]) == ["0 and 10 %", "40 and 50 %"]
    assert list(table["Pairs"]) == [12, 3]
    assert list(table["Happened"]) == pytest.approx([6, 50])
    assert "No calibration of Elo" in texts(show(PAGE, model="elo"))


def test_worst_misses_come_first_and_lead_to_the_race(filled: Path) -> None:
    table = table_with(show(PAGE, model="ensemble"), "Winner")
    assert table["Race"].iloc[0] == "2026 Alphaville Grand Prix"
    assert table["Winner"].iloc[0] == "Bo Brake"
    assert table["Favourite"].iloc[0] == "Ada Arrow"
    assert table["had"].iloc[0] == pytest.approx(25)
    assert table["favourite had"].iloc[0] == pytest.approx(40)
    assert table["Forecast"].iloc[0] == "compare?race=2026-alphaville&horizon=pre_race&model=ensemble"
    assert list(table_with(show(PAGE, season="2025", model="elo"), "Winner")["Race"]) == [
        "2025 Testland Grand Prix"
    ]


def test_sprints_and_the_market_have_parts_of_their_own(filled: Path) -> None:
    at = show(PAGE)
    sprints, market = [
        frame.value for frame in at.dataframe if {"winner_correct", "races"} <= set(frame.value)
    ]
    assert sprints["mean"].iloc[0] == pytest.approx(1.5)
    assert sprints["horizon"].iloc[0] == "With the grid of the sprint"
    assert list(market["model"]) == ["Market prices", "Ensemble", "Elo", "Uniform (baseline)"]
    assert set(market["races"]) == {1}, "only the race with prices"
    assert "exactly the 1 race with prices" in texts(at)
    assert "Beside the market" not in texts(show(PAGE, season="2025"))
    assert "Sprints" in texts(show(PAGE, season="2025"))


def test_a_score_of_periods_has_no_line_over_time(filled: Path) -> None:
    at = show(PAGE, metric="calibration_error")
    assert at.metric[0].value == "0.0123"
    assert "Over time" not in texts(at)
    assert "No calibration error here" in texts(show(PAGE, metric="calibration_error", season="2025"))


def test_queries_are_limited_to_what_was_asked(filled: Path) -> None:
    with reading() as connection:
        assert queries.scores.summary_periods(connection, "pre_race") == ["2026", "2026+", "all"]
        assert queries.scores.summary_periods(connection, "pre_weekend") == []
        assert "market" not in set(queries.scores.summaries(connection, "pre_race", "log_loss")["model"])
        assert set(queries.scores.period_summaries(connection, "pre_race", "2026")["model"]) == {"ensemble"}
        assert queries.scores.reliability_of(connection, "pre_race", "2026").empty
        assert len(queries.scores.worst_races(connection, "pre_race", "elo", limit=2)) == 2
        assert list(queries.scores.worst_races(connection, "pre_race", "elo", first=2026)["season"]) == [
            2026,
            2026,
        ]
        market = queries.scores.market_accuracy(connection, "pre_race")
        assert set(market["race_key"]) == {scored.KEY}
        assert queries.scores.market_accuracy(connection, "pre_weekend").empty


@given(st.lists(st.integers(1950, 2030), min_size=1, max_size=30))
def test_every_period_keeps_exactly_its_seasons(seasons: list[int]) -> None:
    frame = pd.DataFrame({"season": seasons})
    for period in scores.periods(["all", "1990+", "2022+"], seasons):
        kept = set(scores.in_period(frame, period)["season"])
        if period.endswith("+"):
            assert kept == {season for season in seasons if season >= int(period[:-1])}
            assert kept != set(seasons), "a span that is everything is not offered"
        else:
            assert kept == (set(seasons) if period == "all" else {int(period)})
    with pytest.raises(ValueError, match="invalid literal"):
        scores.seasons_of("lately")


def test_charts_survive_one_race_without_an_interval() -> None:
    table = pd.DataFrame(
        {"model": ["pool", "uniform"], "races": [1, 1], "mean": [1.0, 3.0], "low": np.nan, "high": np.nan}
    )
    figure = charts_scores.means_chart(table, style.METRICS["log_loss"])
    assert list(figure.data[0].error_x.array) == [0, 0]
    assert "95 %" not in figure.data[0].customdata[0][0]
    figure = charts_scores.differences_chart(table.rename(columns={"mean": "difference"}), "uniform")
    assert figure.data[0].customdata[0][0] == "+1.000"
