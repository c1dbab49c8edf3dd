"""Charts of ratings: gaps, colours, labels and bands."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from f1_app.dashboard import charts_people
from f1_app.dashboard.components import people


def ratings(entity: str, years: list[int], team: str = "ferrari") -> pd.DataFrame:
    values = np.linspace(0.1, 0.4, len(years))
    return pd.DataFrame(
        {
            "entity_id": entity,
            "season": years,
            "date": [dt.date(year, 5, 1) for year in years],
            "race": "Testland Grand Prix",
            "constructor_id": team,
            "team": "Ferrari",
            "value": values,
            "low": values - 0.2,
            "high": values + 0.2,
        }
    )


def test_an_absence_breaks_the_line_and_its_band() -> None:
    rows = charts_people.broken(ratings("ann", [2001, 2003, 2010]))
    assert rows["value"].isna().tolist() == [False, True, False, True, False]
    frame = ratings("ann", [2001, 2003, 2010])
    lines = charts_people.lines_of(frame, ["ann"], {"ann": ("ANN", "Ann")})
    figure = charts_people.rating_chart(frame, lines, "Rating", ".2f", bands=True)
    assert len(figure.data) == 4  # three pieces of the band and the line
    assert figure.data[-1].connectgaps is False


def test_team_mates_share_a_colour_and_differ_in_their_dashes() -> None:
    frame = pd.concat([ratings(name, [2024, 2025]) for name in ("ann", "ben")])
    lines = charts_people.lines_of(
        frame, ["ben", "nobody", "ann"], {"ann": ("ANN", "Ann"), "ben": ("BEN", "Ben")}
    )
    assert [(line.code, line.dash) for line in lines] == [("BEN", "solid"), ("ANN", "dash")]
    assert len({line.colour for line in lines}) == 1


@given(st.lists(st.floats(-100, 100), max_size=8), st.floats(0.1, 10))
def test_labels_are_moved_apart_and_keep_their_order(values: list[float], gap: float) -> None:
    moved = charts_people.spread(values, gap)
    assert sum(moved) == pytest.approx(sum(values), abs=1e-6)
    ordered = sorted(range(len(values)), key=values.__getitem__)
    steps = np.diff([moved[index] for index in ordered])
    assert (steps >= gap - 1e-6).all()
    if all(np.diff(sorted(values)) >= gap):
        assert moved == pytest.approx(values)


def test_two_of_one_code_are_called_by_their_names() -> None:
    labels = charts_people.unique_labels(
        pd.Series(["SCH", "VER", "SCH"]), pd.Series(["Michael", "Max", "Ralf"])
    )
    assert labels == ["Michael", "VER", "Ralf"]


@pytest.mark.parametrize(("place", "text"), [(1, "1st"), (2, "2nd"), (3, "3rd"), (11, "11th"), (22, "22nd")])
def test_places_in_words(place: int, text: str) -> None:
    assert people.ordinal(place) == text


@pytest.mark.parametrize(
    ("value", "text"), [(26.0, "26"), (12.5, "12.5"), (0.0, "0"), (5187.5, "5,187.5"), (11930.77, "11,931")]
)
def test_numbers_without_needless_digits(value: float, text: str) -> None:
    assert people.number(value) == text
