"""What a live source corrects of a published race, and what is only another habit."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from f1_pipeline.sources.bundle import Origin, SourceBundle, content_hashes
from f1_pipeline.sources.live import LiveSession, Slot, slots
from tests.sources.bundles import of_race
from tests.sources.merging import LAST, SEEN, against, merged, untouched

SETTINGS = settings(max_examples=30, deadline=None, derandomize=True)
HELD = ["cy-curb", "ada-apex", "dee-drift", "ben-brake"]


def as_live(bundle: SourceBundle, slot: Slot, frame: pd.DataFrame, hash_: str | None = None) -> LiveSession:
    return LiveSession(slot, frame, SEEN, True, against(bundle, slot) if hash_ is None else hash_)


RESULT_SLOT = Slot(LAST, "race_results")


def swapped(bundle: SourceBundle) -> pd.DataFrame:
    """The first two have changed places; reasons, laps and numbers are others by habit."""
    rows = of_race(bundle, "race_results", LAST)
    who = ["driver_id", "constructor_id"]
    rows.loc[[0, 1], who] = rows.loc[[1, 0], who].to_numpy()
    return rows.assign(laps=40, car_number=None, reason_retired="Retired")


def test_a_correction_replaces_the_core_and_keeps_the_rest(bundle: SourceBundle) -> None:
    made = merged(bundle, as_live(bundle, RESULT_SLOT, swapped(bundle)))
    new, old = (of_race(b, "race_results", LAST).set_index("driver_id") for b in (made, bundle))
    assert new["position"].to_dict() | {"ben-brake": None} == {
        "ada-apex": 1, "cy-curb": 2, "dee-drift": 3, "ben-brake": None,
    }  # fmt: skip
    assert new.loc["ada-apex", "points"] == old.loc["cy-curb", "points"]
    assert new.sort_values("display_order").index.tolist() == [
        "ada-apex",
        "cy-curb",
        "dee-drift",
        "ben-brake",
    ]
    kept = ["laps", "car_number", "constructor_id", "reason_retired", "pit_stops"]
    pd.testing.assert_frame_equal(new.loc[HELD, kept], old.loc[HELD, kept])
    untouched(bundle, made, "race_results")
    assert made.origins == {(LAST, "race_results"): Origin("jolpica", "jolpica@2026-05-02T16:05Z")}


def test_a_release_with_other_rows_ends_a_correction(bundle: SourceBundle) -> None:
    session = as_live(bundle, RESULT_SLOT, swapped(bundle))
    results = bundle.tables["race_results"].copy()
    results.loc[results["race_key"] == LAST, "pit_stops"] = 2
    newer = replace(bundle, digest="newer", tables={**bundle.tables, "race_results": results})
    made = merged(newer, session)
    untouched(newer, made)
    assert made.origins == {}
    # A version that was seen before F1DB had anything corrects nothing either.
    untouched(bundle, merged(bundle, replace(session, against="")))


@pytest.mark.parametrize("habit", ["words", "order of the retired", "missing non-starter"])
def test_habits_of_a_source_are_no_correction(bundle: SourceBundle, habit: str) -> None:
    race = "2026-alphaland"
    slot = Slot(race, "race_results")
    rows = of_race(bundle, "race_results", race)
    if habit == "words":
        rows = rows.assign(reason_retired="Lapped", time_ms=None, pit_stops=None, laps=1)
        rows.loc[rows["position_text"] == "DNS", "position_text"] = "DNQ"
    elif habit == "order of the retired":
        rows = rows.assign(display_order=rows["display_order"] + 3)
    else:
        rows = rows[rows["position_text"] != "DNS"]
    untouched(bundle, merged(bundle, as_live(bundle, slot, rows)))


def test_a_driver_that_only_one_source_has_in_a_place_is_no_correction(bundle: SourceBundle) -> None:
    rows = swapped(bundle).iloc[:2]
    untouched(bundle, merged(bundle, as_live(bundle, RESULT_SLOT, rows)))
    strange = swapped(bundle)
    strange.loc[2, "driver_id"] = "eve-edge"
    untouched(bundle, merged(bundle, as_live(bundle, RESULT_SLOT, strange)))


def test_a_disqualification(bundle: SourceBundle) -> None:
    rows = of_race(bundle, "race_results", LAST)
    rows = rows.iloc[[1, 2, 0, 3]].reset_index(drop=True)
    rows["position"] = pd.array([1, 2, None, None], dtype="Int64")
    rows["position_text"] = ["1", "2", "DSQ", "DSQ"]
    rows["points"] = [25.0, 18.0, 0.0, 0.0]
    rows["display_order"] = pd.array([1, 2, 3, 4], dtype="Int64")
    new = of_race(merged(bundle, as_live(bundle, RESULT_SLOT, rows)), "race_results", LAST).set_index(
        "driver_id"
    )
    assert new["position_text"].to_dict() == {
        "ada-apex": "1",
        "dee-drift": "2",
        "cy-curb": "DSQ",
        "ben-brake": "DSQ",
    }
    assert new.loc["cy-curb", "points"] == 0


def test_times_come_along_with_a_correction(bundle: SourceBundle) -> None:
    rows = swapped(bundle)
    rows["time_ms"] = pd.array([6_000_000, 6_001_000, None, None], dtype="Int64")
    rows["gap_ms"] = pd.array([None, 1000, None, None], dtype="Int64")
    new = of_race(merged(bundle, as_live(bundle, RESULT_SLOT, rows)), "race_results", LAST).set_index(
        "driver_id"
    )
    assert new.loc["ada-apex", "time_ms"] == 6_000_000
    assert new.loc["cy-curb", "gap_ms"] == 1000


def test_a_correction_of_standings(bundle: SourceBundle) -> None:
    race = "2026-alphaland"
    table = of_race(bundle, "driver_standings", race)
    table.loc[0, "points"] = 20.0
    made = merged(bundle, as_live(bundle, Slot(race, "driver_standings"), table))
    assert of_race(made, "driver_standings", race)["points"].tolist() == [20.0, 18.0, 15.0]


@SETTINGS
@given(st.permutations(range(4)), st.permutations([1, 2, 3, None]), st.booleans())
def test_the_newest_word_about_the_core_holds(
    bundle: SourceBundle, order: list[int], places: list[int | None], seen_against_it: bool
) -> None:
    """Whatever order a live source states against F1DB's rows comes out; against other rows, F1DB's."""
    rows = of_race(bundle, "race_results", LAST).iloc[order].reset_index(drop=True)
    stated = sorted(places, key=lambda place: place or 9)
    rows["position"] = pd.array(stated, dtype="Int64")
    rows["position_text"] = [str(place) if place else "DSQ" for place in stated]
    rows["display_order"] = pd.array(range(1, 5), dtype="Int64")
    session = as_live(bundle, RESULT_SLOT, rows, None if seen_against_it else "of another release")
    made = merged(bundle, session)
    expected = rows if seen_against_it else of_race(bundle, "race_results", LAST)
    found = of_race(made, "race_results", LAST)
    core = ["driver_id", "position", "position_text", "points"]
    pd.testing.assert_frame_equal(found[core], expected[core])
    assert content_hashes(found) == content_hashes(of_race(merged(bundle, session), "race_results", LAST))


def test_the_same_core_leaves_every_byte(bundle: SourceBundle) -> None:
    for table in ("race_results", "qualifying_results", "driver_standings"):
        for slot, rows in slots(table, bundle.tables[table]).items():
            if not rows.duplicated("driver_id").any():
                untouched(bundle, merged(bundle, as_live(bundle, slot, rows)))
