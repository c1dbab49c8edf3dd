"""When a result is the whole result, when it is "not yet", and when it is impossible."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from f1_pipeline.errors import ContractViolation
from f1_pipeline.sources.jolpica import is_complete, race_results

SETTINGS = settings(max_examples=50, deadline=None, derandomize=True)
ALL = {f"driver_{place}" for place in range(1, 21)}


def test_a_whole_result_is_complete(ergast: ModuleType) -> None:
    frame = race_results([ergast.result(2026, 1)])
    assert is_complete(frame)
    assert is_complete(frame, ALL)
    named = frame.rename(columns={"driver_ref": "driver_id"}).assign(race_key="2026-australia")
    assert is_complete(named, ALL)


@SETTINGS
@given(data=st.data())
def test_half_a_result_is_not_yet(ergast: ModuleType, data: st.DataObject) -> None:
    """Fault 4: any rows of a good result but all of them, with the winner among them, are "not yet"."""
    whole = race_results([ergast.result(2026, 1)])
    there = data.draw(st.sets(st.integers(1, 19), max_size=18))
    half = whole.iloc[[0, *sorted(there)]]
    assert not is_complete(half, ALL)
    if max({0, *there}) + 1 > len(half):
        assert not is_complete(half)


def test_not_yet(ergast: ModuleType) -> None:
    """Fault 4."""
    whole = race_results([ergast.result(2026, 1)])
    assert not is_complete(whole.iloc[:0])
    assert not is_complete(whole, ALL | {"driver_21"})
    assert not is_complete(whole.assign(points=float("nan")))
    nobody = whole.assign(position=pd.array([None] * 20, dtype="Int64"), position_text="DNF")
    assert not is_complete(nobody)
    unsaid = whole.copy()
    unsaid.loc[19, ["position", "position_text"]] = None
    assert not is_complete(unsaid)


def test_a_swap_on_friday_does_not_hold_the_race_up(ergast: ModuleType) -> None:
    """The stand-in is in the result, the driver on the entry list is not."""
    whole = race_results([ergast.result(2026, 1)])
    assert is_complete(whole, (ALL - {"driver_7"}) | {"injured"})
    assert not is_complete(whole.iloc[:19], (ALL - {"driver_20"}) | {"injured"})


@pytest.mark.parametrize(
    ("rows", "fault"),
    [
        ({3: {"position": 3}}, "field position: position 3 is given to two cars"),
        ({0: {"position": None, "position_text": "DSQ"}}, "field position: nobody is first"),
        ({5: {"driver_ref": "driver_1"}}, "field driver: driver_1 is in it twice"),
    ],
)
def test_an_impossible_result_is_refused(
    ergast: ModuleType, rows: dict[int, dict[str, Any]], fault: str
) -> None:
    """Fault 12: a position twice, none first."""
    frame = race_results([ergast.result(2026, 1)])
    for row, change in rows.items():
        for column, value in change.items():
            frame.loc[row, column] = value
    with pytest.raises(ContractViolation, match=f"jolpica: race 2026 round 1, {fault}"):
        is_complete(frame, ALL)


def test_one_race_at_a_time(ergast: ModuleType) -> None:
    with pytest.raises(ValueError, match="more than one race"):
        is_complete(race_results([ergast.result(2026, 1), ergast.result(2026, 2)]))
