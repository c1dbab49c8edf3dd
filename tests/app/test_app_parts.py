"""The pure parts: words and formats, colours, means with intervals, charts."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from f1_app.dashboard import charts, colours, scores, style
from f1_pipeline.forecasting.scoring import bootstrap_mean


def test_start_shows_the_viewers_time_first_and_another_day_by_name() -> None:
    start = dt.datetime(2026, 11, 22, 4, tzinfo=dt.UTC)  # Las Vegas: Saturday night there
    main, beside = style.start_times(start, style.zone("Europe/Berlin"), style.zone("America/Los_Angeles"))
    assert main == "Sunday 22 November 2026, 05:00 your time"
    assert beside == "Saturday 20:00 at the track (America/Los_Angeles) · 04:00 UTC"
    main, beside = style.start_times(start, None, style.zone("America/Los_Angeles"))
    assert main == "Saturday 21 November 2026, 20:00 at the track (America/Los_Angeles)"
    assert beside == "Sunday 04:00 UTC"
    assert style.start_times(start, None, None) == ("Sunday 22 November 2026, 04:00 UTC", "")


@pytest.mark.parametrize("name", [None, "", "Nowhere/Atall", "../../etc/passwd", "Europe", "a\x00b"])
def test_a_time_zone_that_does_not_exist_is_none(name: str | None) -> None:
    assert style.zone(name) is None


def test_percent_never_shows_something_as_nothing() -> None:
    assert [style.percent(value) for value in (0, 0.0001, 0.3456, 1)] == [
        "0.0 %",
        "<0.1 %",
        "34.6 %",
        "100.0 %",
    ]


def test_order_keeps_what_it_does_not_know() -> None:
    assert style.in_order(["zeta", "uniform", "ensemble", "alpha"], style.MODELS) == [
        "ensemble",
        "uniform",
        "alpha",
        "zeta",
    ]
    assert style.model_label("some_new_model") == "Some new model"


def test_team_colours_are_those_of_the_season() -> None:
    assert colours.team_colour(2014, "mclaren") != colours.team_colour(2026, "mclaren")
    assert colours.team_colour(2026, "audi") is not None
    assert colours.team_colour(2025, "audi") is None


def test_spans_of_seasons_do_not_overlap() -> None:
    for team, spans in colours.TEAM_COLOURS.items():
        for (first, last, colour), (after, _, _) in zip(spans, [*spans[1:], (10**6, 0, "")], strict=True):
            assert first <= last < after, team
            assert len(colour) == 7


def test_unlisted_teams_get_distinct_colours_that_do_not_depend_on_order() -> None:
    teams = [f"team-{number}" for number in range(12)]
    found = colours.team_colours(2026, teams)
    assert found == colours.team_colours(2026, reversed(teams))
    assert len(set(found.values())) == 12
    assert len(colours.team_colours(2026, [f"team-{number}" for number in range(30)])) == 30


def test_text_on_a_team_colour_can_be_read() -> None:
    assert colours.text_on("#FFE100") == "#000000"
    assert colours.text_on("#2A3F8F") == "#FFFFFF"


def test_interval_holds_the_mean_and_is_the_same_every_day() -> None:
    values = np.random.default_rng(3).normal(2, 1, 100)
    low, high = scores.mean_interval(values)
    assert low < values.mean() < high
    assert high - low == pytest.approx(2 * 1.96 * values.std() / 10, rel=0.1)
    assert (low, high) == scores.mean_interval(values)
    assert all(np.isnan(scores.mean_interval(values[:1])))


def test_intervals_are_those_that_are_stored() -> None:
    frame = _scores().query("model == 'a'").assign(log_loss=[3.1, 0.2, 1.7, 2.9, 0.4, 6.3])
    expected = bootstrap_mean(frame["log_loss"].to_numpy())
    for order in (frame, frame.iloc[::-1], frame.iloc[[3, 0, 5, 1, 4, 2]]):
        row = scores.summary(order, "log_loss", ["model"]).iloc[0]
        assert (row["mean"], row["low"], row["high"]) == pytest.approx(expected, rel=1e-12)


def _scores() -> pd.DataFrame:
    days = pd.date_range("2026-01-01", periods=6, freq="7D")
    return pd.DataFrame(
        {
            "season": 2026,
            "date": [*days, *days],
            "race_key": [f"race-{number}" for number in range(6)] * 2,
            "name": "Race",
            "model": ["a"] * 6 + ["b"] * 6,
            "log_loss": [1.0, 2, 3, 4, 5, 6, 2, 2, 2, 2, 2, np.nan],
        }
    )


def test_summary_counts_only_what_was_scored() -> None:
    table = scores.summary(_scores(), "log_loss", ["model"]).set_index("model")
    assert table["races"].to_dict() == {"a": 6, "b": 5}
    assert table["mean"].to_dict() == {"a": 3.5, "b": 2.0}
    assert (table["low"]["b"], table["high"]["b"]) == (2.0, 2.0)
    assert scores.summary(_scores().head(0), "log_loss", ["model"]).empty


def test_over_time_rolls_or_accumulates() -> None:
    rolling = scores.over_time(_scores(), "log_loss", 3).query("model == 'a'")
    assert rolling["value"].tolist() == [2, 3, 4, 5]
    assert set(rolling["races"]) == {3}
    everything = scores.over_time(_scores(), "log_loss", None).query("model == 'a'")
    assert everything["value"].tolist() == [3, 3.5]
    assert everything["races"].tolist() == [5, 6]
    assert scores.over_time(_scores().head(0), "log_loss", 3).empty


def test_the_pattern_of_a_driver_does_not_depend_on_the_forecast() -> None:
    frame = pd.DataFrame(
        {"driver_id": ["x", "y", "z"], "code": ["XXX", "YYY", "ZZZ"], "constructor_id": ["t", "t", "u"]}
    )
    assert charts.second_drivers(frame) == {"y"} == charts.second_drivers(frame.iloc[::-1])


def test_win_chart_puts_the_leader_on_top_and_draws_the_interval() -> None:
    frame = pd.DataFrame(
        {
            "driver_id": ["x", "y"],
            "code": ["XXX", "YYY"],
            "driver": ["X", "Y"],
            "constructor_id": ["ferrari", "ferrari"],
            "team": ["Ferrari", "Ferrari"],
            "win_probability": [0.75, 0.25],
            "interval_low": [0.7, 0.2],
            "interval_high": [0.8, 0.35],
        }
    )
    figure = charts.win_chart(frame, 2026)
    bars = figure.data[0]
    assert list(bars.y) == ["XXX", "YYY"]
    assert figure.layout.yaxis.autorange == "reversed"
    assert list(bars.error_x.array) == pytest.approx([5, 10])
    assert list(bars.error_x.arrayminus) == pytest.approx([5, 5])
    assert list(bars.marker.pattern.shape) == ["", "/"]
    without = charts.win_chart(frame.assign(interval_low=np.nan, interval_high=np.nan), 2026)
    assert without.data[0].error_x.visible is False
