"""Charts of a race's finishing orders and of where it is: what they draw is what they were given."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from f1_app.dashboard import charts_race, charts_venue
from f1_app.dashboard.components.tables import outcome_rows

FORECAST = pd.DataFrame(
    {
        "driver_id": ["ann", "ben", "cat", "dan"],
        "code": ["ANN", "BEN", "CAT", "DAN"],
        "driver": ["Ann", "Ben", "Cat", "Dan"],
        "team": ["Red", "Red", "Blue", "Blue"],
        "constructor_id": ["red", "red", "blue", "blue"],
        "expected_position": [2.9, 1.4, 2.2, 3.5],
        "win_probability": [0.1, 0.6, 0.2, 0.1],
        "podium_probability": [0.7, 0.9, 0.8, 0.6],
        "points_probability": [0.9, 0.95, 0.9, 0.8],
        "retirement_probability": [0.1, 0.1, 0.1, 0.2],
    }
)


def test_heat_map_has_the_leader_on_top_and_rings_where_they_came_in() -> None:
    places = pd.DataFrame(
        [(d, p, 0.25 + 0.1 * (d == "ben" and p == 1)) for d in FORECAST["driver_id"] for p in range(1, 5)],
        columns=["driver_id", "position", "probability"],
    )
    figure = charts_race.places_chart(FORECAST, places, {"ben": 3, "ann": 1}, "dark")
    heat, written, rings = figure.data
    assert list(heat.y) == ["BEN", "CAT", "ANN", "DAN"]
    assert heat.z[0][0] == pytest.approx(35)
    assert (written.x[0], written.y[0], written.text[0]) == (1, "BEN", "35")
    assert written.textfont.color == "#FFFFFF"
    assert list(zip(rings.y, rings.x, strict=True)) == [("BEN", 3), ("ANN", 1)]
    assert tuple(figure.layout.yaxis.range) == (3.5, -0.5)
    assert len(charts_race.places_chart(FORECAST, places).data) == 2


def test_team_mates_are_pairs_of_one_team_with_the_likelier_one_first() -> None:
    pairs = pd.DataFrame(
        [("ann", "ben", 0.2), ("ann", "cat", 0.9), ("cat", "dan", 0.55), ("ann", "who", 0.9)],
        columns=["driver_id", "rival_id", "probability"],
    )
    mates = charts_race.team_mates(FORECAST, pairs)
    assert mates[["ahead", "behind"]].values.tolist() == [["BEN", "ANN"], ["CAT", "DAN"]]
    assert mates["probability"].tolist() == pytest.approx([0.8, 0.55])
    left, right = charts_race.team_mates_chart(FORECAST, mates, 2026).data
    assert np.asarray(left.x) + np.asarray(right.x) == pytest.approx([100, 100])
    assert charts_race.team_mates(FORECAST, pairs.head(0)).empty


def test_reasons_add_up_to_the_mark_and_are_in_order_of_strength() -> None:
    reasons = pd.DataFrame(
        [("ann", "rating", 0.5), ("ann", "circuit", -0.2), ("ben", "rating", 1.0), ("ben", "circuit", 0.1)],
        columns=["driver_id", "feature_group", "contribution"],
    )
    *bars, total = charts_race.reasons_chart(FORECAST, reasons).data
    assert [bar.name for bar in bars] == ["Pace rating of car and driver", "Record at this circuit"]
    assert list(total.y) == ["BEN", "ANN"]
    assert list(total.x) == pytest.approx([1.1, 0.3])
    assert sum(np.asarray(bar.x) for bar in bars) == pytest.approx(np.asarray(total.x))


@pytest.mark.parametrize(
    ("longitude", "latitude"), [(151.2, -33.9), (4.5, 52.4), (-97.6, 30.1), (179.0, -17.0)]
)
def test_locator_draws_the_land_around_and_the_pin(longitude: float, latitude: float) -> None:
    coast, pin = charts_venue.locator(latitude, longitude, "Ring").data
    assert (pin.x[0], pin.y[0]) == (longitude, latitude)
    drawn = [x for x in coast.x if x is not None]
    assert any(abs(x - longitude) < 15 for x in drawn), "there is land near every circuit"
    jumps = [
        abs(a - b) for a, b in zip(coast.x, coast.x[1:], strict=False) if a is not None and b is not None
    ]
    assert max(jumps) < 60, "no line runs across the map where a coast crosses the date line"


def test_land_is_closed_rings_of_the_earth() -> None:
    for ring in charts_venue.land():
        assert ring[0] == pytest.approx(ring[-1], abs=0.2)
        assert all(-60 < latitude < 84 for _, latitude in ring)


def test_outcome_is_in_the_order_of_the_result_and_loses_nobody() -> None:
    result = pd.DataFrame(
        {
            "driver_id": ["cat", "eve", "ben"],
            "code": ["CAT", "EVE", "BEN"],
            "driver": ["Cat", "Eve", "Ben"],
            "team": ["Blue", "Red", "Red"],
            "constructor_id": ["blue", "red", "red"],
            "position": [1, 2, None],
            "position_text": ["1", "2", "DSQ"],
            "reason_retired": [None, None, None],
            "grid_position": [3, None, 1],
            "points": [25.0, 18.0, 0.0],
        }
    )
    rows = outcome_rows(FORECAST, result)
    assert rows["Code"].tolist() == ["CAT", "EVE", "BEN", "ANN", "DAN"]
    assert rows["Out"].tolist() == ["", "", "DSQ", "did not take part", "did not take part"]
    assert rows["Forecast"].astype("object").where(rows["Forecast"].notna(), None).tolist() == [
        2,
        None,
        1,
        3,
        4,
    ]
    assert rows["Win"].iloc[2] == pytest.approx(60)
