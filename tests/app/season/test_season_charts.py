"""The parts of the charts of a season: labels, dashes, matrices."""

from __future__ import annotations

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from f1_app.dashboard.charts_matrix import matrix
from f1_app.dashboard.charts_season import (
    distinct_codes,
    final_points_chart,
    places_in_team,
    season_lines,
    spread,
)


@given(st.lists(st.floats(0, 100), min_size=1, max_size=25))
def test_labels_keep_their_order_and_distance(values: list[float]) -> None:
    placed = spread(values, 3.0, 0.0)
    order = np.argsort([-value for value in values], kind="stable")
    gaps = -np.diff([placed[place] for place in order])
    assert (gaps >= 3.0 - 1e-6).all()
    assert min(placed) >= 0
    if len(values) == 1:
        assert placed == values


def test_two_of_one_code_are_told_apart_and_late_comers_change_nobody() -> None:
    frame = pd.DataFrame(
        {
            "entity_id": ["a", "b", "a", "b", "c"],
            "code": ["PAN", "PAN", "PAN", "PAN", "AAA"],
            "name": ["Olivier P", "Giorgio P", "Olivier P", "Giorgio P", "Al A"],
            "constructor_id": ["t"] * 5,
            "race_key": ["1", "1", "2", "2", "2"],
        }
    )
    assert distinct_codes(frame) == {"a": "PAN O.", "b": "PAN G.", "c": "AAA"}
    assert places_in_team(frame) == {"a": 0, "b": 1, "c": 2}


def test_charts_draw_what_they_are_given() -> None:
    frame = pd.DataFrame(
        {
            "entity_id": ["a", "b", "a", "b"],
            "code": ["AAA", "BBB"] * 2,
            "name": ["A", "B"] * 2,
            "constructor_id": ["ferrari"] * 4,
            "x": [0, 0, 1, 1],
            "y": [0.0, 0.0, 10.0, 4.0],
            "when": ["now"] * 4,
        }
    )
    lines = season_lines(frame, 2026, [(0, "0")], title="Round").data
    assert [line.line.dash for line in lines[:2]] == ["dash", "solid"]
    assert lines[0].line.color == lines[1].line.color
    values = pd.DataFrame([[0.004, 0.126], [np.nan, 1.0]], index=["A", "B"], columns=["1", "2"])
    pale, strong = matrix(values, hover="", dark_page=False).data[1:]
    assert (list(pale.text), list(strong.text)) == (["13"], ["100"])
    points = pd.DataFrame(
        {
            "entity_id": ["a"],
            "code": ["AAA"],
            "name": ["A"],
            "constructor_id": ["ferrari"],
            "points": [5.0],
            "expected_points": [9.0],
            "points_low": [7.0],
            "points_high": [12.0],
        }
    )
    marker = final_points_chart(points, 2026, pd.DataFrame({"points": []}), {"a": 0}).data[1]
    assert (marker.error_x.arrayminus[0], marker.error_x.array[0]) == (2.0, 3.0)
