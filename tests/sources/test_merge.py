"""One state out of two sources: what is taken, what is corrected, what waits, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from f1_pipeline.errors import ContractViolation
from f1_pipeline.sources.bundle import Origin, SourceBundle, content_hashes
from f1_pipeline.sources.contracts import COLUMNS, conform
from f1_pipeline.sources.f1db import parse_archive
from f1_pipeline.sources.live import LiveSession, Slot, merged_digest, slot_hash, slot_rows, slots
from f1_pipeline.sources.merge import merge

NEXT, LAST = "2026-gammaland", "2026-betaland"
SEEN = datetime(2026, 5, 2, 16, 5, tzinfo=UTC)
SETTINGS = settings(max_examples=30, deadline=None, derandomize=True)
Car = tuple[Any, ...]


@pytest.fixture(scope="module")
def bundle(small_world: Callable[[], Any], tmp_path_factory: pytest.TempPathFactory) -> SourceBundle:
    path: Path = small_world().write(tmp_path_factory.mktemp("merge") / "f1db.zip")
    return parse_archive(path, "v2026.2.0", "digest of the archive")


def live(
    table: str,
    race: str,
    rows: list[dict[str, Any]],
    *,
    against: str = "",
    complete: bool = True,
    **more: Any,
) -> LiveSession:
    """A version of a slot from rows that say only what matters."""
    filled = [
        {
            "race_key": race, "display_order": order, "shared_car": False, "points": 0.0,
            "position_text": str(row.get("position")), **more, **row,
        }
        for order, row in enumerate(rows, start=1)
    ]  # fmt: skip
    frame = pd.DataFrame(filled).reindex(columns=list(COLUMNS[table]))
    slot = Slot(race, table, str(more.get("session", "")))
    return LiveSession(slot, conform(table, frame, "jolpica"), SEEN, complete, against)


def cars(*found: Car) -> list[dict[str, Any]]:
    """``(place or code, driver, team[, more])`` per car."""
    return [
        {
            "position": place if isinstance(place, int) else None, "position_text": str(place), "driver_id": driver,
            "constructor_id": team, "points": max(0.0, 30.0 - 5 * place) if isinstance(place, int) else 0.0,
            **(more[0] if more else {}),
        }
        for place, driver, team, *more in found
    ]  # fmt: skip


QUALIFYING = cars(
    (1, "dee-drift", "orbit", {"q1_ms": 80100, "q3_ms": 79000}),
    (2, "ada-apex", "nova", {"q1_ms": 80000, "q2_ms": 79500}),
    ("NC", "ben-brake", "nova"),
)
RESULT = cars(
    (1, "ada-apex", "nova", {"grid_text": "2", "grid_position": 2}),
    (2, "ben-brake", "nova"),
    ("DNF", "dee-drift", "orbit"),
)


def qualifying(**more: Any) -> LiveSession:
    return live("qualifying_results", NEXT, QUALIFYING, session="Q", **more)


def merged(bundle: SourceBundle, *sessions: LiveSession) -> SourceBundle:
    return merge(bundle, {session.slot: session for session in sessions})


def of(bundle: SourceBundle, table: str, race: str) -> pd.DataFrame:
    frame = bundle.tables[table]
    return frame[frame["race_key"] == race].reset_index(drop=True)


def untouched(before: SourceBundle, after: SourceBundle, *but: str) -> None:
    for name, frame in before.tables.items():
        if name not in but:
            pd.testing.assert_frame_equal(frame, after.tables[name], obj=name)


# --- a weekend that F1DB has not published ---------------------------------------------------------------


def test_without_live_versions_nothing_is_another_one(bundle: SourceBundle) -> None:
    assert merge(bundle, {}) is bundle
    assert merged(bundle, qualifying(complete=False)) is bundle, "not yet is no error"


def test_qualifying_is_taken_and_makes_a_provisional_grid(bundle: SourceBundle) -> None:
    made = merged(bundle, qualifying())
    assert of(made, "qualifying_results", NEXT)["driver_id"].tolist() == [
        "dee-drift",
        "ada-apex",
        "ben-brake",
    ]
    grid = of(made, "starting_grid", NEXT)
    assert grid["driver_id"].tolist() == ["dee-drift", "ada-apex", "ben-brake"]
    assert grid["position"].tolist() == [1, 2, 3], "who has no time stands behind"
    assert grid["time_ms"].tolist()[:2] == [79000, 79500]
    assert grid["qualifying_position"].isna().tolist() == [False, False, True]
    assert grid["is_provisional"].all()
    assert (grid["session"] == "R").all()
    rest = made.tables["starting_grid"]
    assert rest.loc[rest["race_key"] != NEXT, "is_provisional"].isna().all()
    untouched(bundle, made, "qualifying_results", "starting_grid", "entries")
    assert made.origins[(NEXT, "starting_grid")] == Origin("jolpica", "jolpica@2026-05-02T16:05Z")
    assert set(made.origins_of("qualifying_results")) == {NEXT}
    assert (made.source, made.release) == (bundle.source, bundle.release)


def test_entries_follow_who_took_part(bundle: SourceBundle) -> None:
    """Fault 11: Eve is listed, Ben drives. The other races keep their entries, and the team belongs to the entry."""
    assert of(bundle, "entries", NEXT)["driver_id"].tolist() == ["ada-apex", "dee-drift", "eve-edge"]
    made = merged(bundle, qualifying())
    entries = of(made, "entries", NEXT).set_index("driver_id")
    assert entries["constructor_id"].to_dict() == {
        "ada-apex": "nova",
        "ben-brake": "nova",
        "dee-drift": "orbit",
    }
    assert set(entries["status"]) == {"entered"}
    assert entries["engine_id"].to_dict()["ben-brake"] == "nova-engines"
    old, new = (b.tables["entries"][b.tables["entries"]["race_key"] != NEXT] for b in (bundle, made))
    pd.testing.assert_frame_equal(old.reset_index(drop=True), new.reset_index(drop=True))


def test_a_listed_driver_who_missed_qualifying_is_still_entered_but_not_after_the_race(
    bundle: SourceBundle,
) -> None:
    short = live("qualifying_results", NEXT, QUALIFYING[:2], session="Q")
    entries = of(merged(bundle, short), "entries", NEXT).set_index("driver_id")
    assert entries["status"].to_dict() == {
        "ada-apex": "entered",
        "dee-drift": "entered",
        "eve-edge": "listed",
    }
    raced = live("race_results", NEXT, cars((1, "ada-apex", "nova"), (2, "dee-drift", "orbit")))
    made = merged(bundle, short, raced)
    assert of(made, "entries", NEXT)["driver_id"].tolist() == ["ada-apex", "dee-drift"]


def test_a_result_ends_the_provisional_grid(bundle: SourceBundle) -> None:
    result = live("race_results", NEXT, RESULT)
    made = merged(bundle, qualifying(), result)
    assert of(made, "starting_grid", NEXT).empty, "nobody knows the grid, and the race is over"
    rows = cars((1, "dee-drift", "orbit"), (2, "ada-apex", "nova"), ("PL", "ben-brake", "nova"))
    grid = live("starting_grid", NEXT, rows, session="R")
    made = merged(bundle, qualifying(), result, grid)
    stored = of(made, "starting_grid", NEXT)
    assert stored["position_text"].tolist() == ["1", "2", "PL"]
    assert stored["is_provisional"].isna().all()
    assert of(made, "race_results", NEXT)["driver_id"].tolist() == ["ada-apex", "ben-brake", "dee-drift"]


def test_half_a_result_leaves_everything_as_it_was(bundle: SourceBundle) -> None:
    half = live("race_results", NEXT, RESULT[:2], complete=False)
    made, expected = merged(bundle, qualifying(), half), merged(bundle, qualifying())
    untouched(expected, made)
    assert made.digest == expected.digest


def test_sessions_of_one_table_are_separate(bundle: SourceBundle) -> None:
    """F1DB has the sprint qualifying of 2025 and no qualifying; the live source knows no sprint qualifying."""
    race = "2025-betaland"
    sprint = of(bundle, "qualifying_results", race)
    assert set(sprint["session"]) == {"SQ"}
    rows = cars((1, "cy-curb", "orbit"), (2, "ada-apex", "nova"))
    made = merged(bundle, live("qualifying_results", race, rows, session="Q"))
    both = of(made, "qualifying_results", race)
    pd.testing.assert_frame_equal(both[both["session"] == "SQ"].reset_index(drop=True), sprint)
    assert (both["session"] == "Q").sum() == 2
    assert of(made, "starting_grid", race)["session"].eq("S").all(), "no grid after a race that has a result"
    untouched(bundle, made, "qualifying_results")


def test_a_weekend_with_a_sprint_only(bundle: SourceBundle) -> None:
    """Fault 14: sessions are optional at every step."""
    made = merged(bundle, live("sprint_results", NEXT, RESULT))
    assert len(of(made, "sprint_results", NEXT)) == 3
    assert "ben-brake" in set(of(made, "entries", NEXT)["driver_id"])
    assert of(made, "starting_grid", NEXT).empty


STANDINGS = [
    {"driver_id": "ada-apex", "position": 1, "points": 68.0},
    {"driver_id": "cy-curb", "position": 2, "points": 43.0},
]


def test_standings_wait_for_the_result_of_their_race(bundle: SourceBundle) -> None:
    """Fault 5: they were labelled with the next round."""
    early = live("driver_standings", NEXT, STANDINGS)
    made = merged(bundle, early)
    untouched(bundle, made)
    assert made.notes == (
        f"jolpica: driver_standings of {NEXT} are held back: the race has no result (labelled with the next round?)",
    )
    done = merged(bundle, early, live("race_results", NEXT, RESULT))
    assert of(done, "driver_standings", NEXT)["points"].tolist() == [68.0, 43.0]
    assert done.notes == ()


def test_a_race_that_f1db_does_not_know_is_held_back(bundle: SourceBundle) -> None:
    """Fault 7: put back into the calendar, and F1DB has not published since."""
    made = merged(bundle, live("race_results", "2026-omegaland", RESULT))
    untouched(bundle, made)
    assert made.notes == ("jolpica: 2026-omegaland is not on the calendar of v2026.2.0: held back",)


# --- corrections -----------------------------------------------------------------------------------------

HELD = ["cy-curb", "ada-apex", "dee-drift", "ben-brake"]


def against(bundle: SourceBundle, slot: Slot) -> str:
    return slot_hash(bundle.tables[slot.table], slot)


def as_live(bundle: SourceBundle, slot: Slot, frame: pd.DataFrame, hash_: str | None = None) -> LiveSession:
    return LiveSession(slot, frame, SEEN, True, against(bundle, slot) if hash_ is None else hash_)


RESULT_SLOT = Slot(LAST, "race_results")


def swapped(bundle: SourceBundle) -> pd.DataFrame:
    """The first two have changed places; reasons, laps and numbers are others by habit."""
    rows = of(bundle, "race_results", LAST)
    who = ["driver_id", "constructor_id"]
    rows.loc[[0, 1], who] = rows.loc[[1, 0], who].to_numpy()
    return rows.assign(laps=40, car_number=None, reason_retired="Retired")


def test_a_correction_replaces_the_core_and_keeps_the_rest(bundle: SourceBundle) -> None:
    made = merged(bundle, as_live(bundle, RESULT_SLOT, swapped(bundle)))
    new, old = (of(b, "race_results", LAST).set_index("driver_id") for b in (made, bundle))
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
    rows = of(bundle, "race_results", race)
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
    rows = of(bundle, "race_results", LAST)
    rows = rows.iloc[[1, 2, 0, 3]].reset_index(drop=True)
    rows["position"] = pd.array([1, 2, None, None], dtype="Int64")
    rows["position_text"] = ["1", "2", "DSQ", "DSQ"]
    rows["points"] = [25.0, 18.0, 0.0, 0.0]
    rows["display_order"] = pd.array([1, 2, 3, 4], dtype="Int64")
    new = of(merged(bundle, as_live(bundle, RESULT_SLOT, rows)), "race_results", LAST).set_index("driver_id")
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
    new = of(merged(bundle, as_live(bundle, RESULT_SLOT, rows)), "race_results", LAST).set_index("driver_id")
    assert new.loc["ada-apex", "time_ms"] == 6_000_000
    assert new.loc["cy-curb", "gap_ms"] == 1000


def test_a_correction_of_grid_and_standings(bundle: SourceBundle) -> None:
    race = "2026-alphaland"
    slot = Slot(race, "starting_grid", "R")
    grid = of(bundle, "starting_grid", race)
    grid["position"], grid["position_text"] = pd.array([2, 1, None], dtype="Int64"), ["2", "1", "PL"]
    grid["display_order"] = pd.array([2, 1, 3], dtype="Int64")
    points = Slot(race, "driver_standings")
    table = of(bundle, "driver_standings", race)
    table.loc[0, "points"] = 20.0
    made = merged(bundle, as_live(bundle, slot, grid), as_live(bundle, points, table))
    new = of(made, "starting_grid", race)
    assert new["driver_id"].tolist() == ["ben-brake", "ada-apex", "cy-curb"]
    assert new["penalty"].tolist()[0] == "10 places", "the rest stays"
    assert of(made, "driver_standings", race)["points"].tolist() == [20.0, 18.0, 15.0]


@SETTINGS
@given(st.permutations(range(4)), st.permutations([1, 2, 3, None]), st.booleans())
def test_the_newest_word_about_the_core_holds(
    bundle: SourceBundle, order: list[int], places: list[int | None], seen_against_it: bool
) -> None:
    """Whatever order a live source states against F1DB's rows comes out; against other rows, F1DB's."""
    rows = of(bundle, "race_results", LAST).iloc[order].reset_index(drop=True)
    stated = sorted(places, key=lambda place: place or 9)
    rows["position"] = pd.array(stated, dtype="Int64")
    rows["position_text"] = [str(place) if place else "DSQ" for place in stated]
    rows["display_order"] = pd.array(range(1, 5), dtype="Int64")
    session = as_live(bundle, RESULT_SLOT, rows, None if seen_against_it else "of another release")
    made = merged(bundle, session)
    expected = rows if seen_against_it else of(bundle, "race_results", LAST)
    found = of(made, "race_results", LAST)
    core = ["driver_id", "position", "position_text", "points"]
    pd.testing.assert_frame_equal(found[core], expected[core])
    assert content_hashes(found) == content_hashes(of(merged(bundle, session), "race_results", LAST))


def test_the_same_core_leaves_every_byte(bundle: SourceBundle) -> None:
    for table in ("race_results", "qualifying_results", "starting_grid", "driver_standings"):
        for slot, rows in slots(table, bundle.tables[table]).items():
            if not rows.duplicated("driver_id").any():
                untouched(bundle, merged(bundle, as_live(bundle, slot, rows)))


# --- refused ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (
            cars((1, "ada-apex", "nova"), (1, "dee-drift", "orbit")),
            "jolpica: .*2026-gammaland, field position",
        ),
        (
            cars((2, "ada-apex", "nova"), (3, "dee-drift", "orbit")),
            "2026-gammaland, field position: nobody is first",
        ),
        (
            cars((1, "ada-apex", "nova"), (2, "ada-apex", "nova")),
            "2026-gammaland, field driver_id: ada-apex is in it twice",
        ),
        (
            cars((1, "zed-zoom", "nova"), (2, "ada-apex", "nova")),
            "race 2026-gammaland, field driver_id: 'zed-zoom'",
        ),
    ],
    ids=["two winners", "none first", "a driver twice", "unknown driver"],
)
def test_what_is_impossible_is_refused_as_a_whole(
    bundle: SourceBundle, rows: list[dict[str, Any]], message: str
) -> None:
    before = {name: frame.copy() for name, frame in bundle.tables.items()}
    with pytest.raises(ContractViolation, match=message):
        merged(bundle, qualifying(), live("race_results", NEXT, rows))
    for name, frame in before.items():
        pd.testing.assert_frame_equal(frame, bundle.tables[name], obj=name)


def test_rows_of_another_race_are_refused(bundle: SourceBundle) -> None:
    session = replace(qualifying(), slot=Slot(LAST, "qualifying_results", "Q"))
    with pytest.raises(ContractViolation, match=f"race {LAST}, field race_key"):
        merged(bundle, session)
    with pytest.raises(ContractViolation, match=r"table pit_stops.*not a live table"):
        merged(bundle, replace(session, slot=Slot(NEXT, "pit_stops")))


def test_empty_fields_are_missing_and_not_zero(bundle: SourceBundle) -> None:
    """Fault 13."""
    made = of(merged(bundle, live("race_results", NEXT, RESULT)), "race_results", NEXT)
    for name in ("laps", "time_ms", "gap_ms", "pit_stops", "fastest_lap", "reason_retired"):
        assert made[name].isna().all(), name
    assert made["grid_position"].isna().tolist() == [False, True, True]


# --- schedule --------------------------------------------------------------------------------------------


def moved(bundle: SourceBundle, race: str, **times: Any) -> LiveSession:
    slot = Slot(race, "races")
    rows = slot_rows(bundle.tables["races"], slot).assign(**times)
    return LiveSession(slot, conform("races", rows, "jolpica"), SEEN, True, against(bundle, slot))


def test_a_start_that_moves(bundle: SourceBundle) -> None:
    """Fault 8: within 24 hours. What the live source does not state stays."""
    start = pd.Timestamp("2026-05-03T10:30", tz="UTC")
    made = merged(bundle, moved(bundle, NEXT, start_at=start, qualifying_at=pd.NaT, name="Gamma", round=9))
    race = of(made, "races", NEXT).iloc[0]
    assert race["start_at"] == start
    old = of(bundle, "races", NEXT).iloc[0]
    for name in ("date", "round", "name", "circuit_id"):
        assert race[name] == old[name], name
    untouched(bundle, made, "races")
    rest = made.tables["races"]
    pd.testing.assert_frame_equal(
        rest[rest["race_key"] != NEXT],
        bundle.tables["races"][bundle.tables["races"]["race_key"] != NEXT],
    )


def test_a_moved_start_gives_the_day_at_the_track(bundle: SourceBundle) -> None:
    """Fault 9: the day of UTC is another one."""
    circuits = bundle.tables["circuits"].copy()
    circuits.loc[circuits["circuit_id"] == "northring", "time_zone"] = "America/Los_Angeles"
    vegas = replace(bundle, tables={**bundle.tables, "circuits": circuits})
    start = pd.Timestamp("2026-05-04T04:00", tz="UTC")
    made = merged(vegas, moved(vegas, NEXT, start_at=start, date=pd.Timestamp("2026-05-04")))
    assert of(made, "races", NEXT)["date"].iloc[0] == pd.Timestamp("2026-05-03")


def test_a_race_without_a_time_moves_by_days_only(bundle: SourceBundle) -> None:
    race = "2026-deltaland"
    for day, expected in (("2026-06-08", "2026-06-07"), ("2026-06-21", "2026-06-21")):
        made = merged(bundle, moved(bundle, race, date=pd.Timestamp(day)))
        assert of(made, "races", race)["date"].iloc[0] == pd.Timestamp(expected), day


def test_the_schedule_of_a_finished_race_or_of_a_newer_release_stands(bundle: SourceBundle) -> None:
    start = pd.Timestamp("2026-04-05T09:00", tz="UTC")
    untouched(bundle, merged(bundle, moved(bundle, LAST, start_at=start)))
    stale = replace(moved(bundle, NEXT, start_at=start), against="of another release")
    untouched(bundle, merged(bundle, stale))


# --- digest and hashes -----------------------------------------------------------------------------------


def test_the_digest_covers_both_sources(bundle: SourceBundle) -> None:
    first, second = qualifying(), live("race_results", NEXT, RESULT)
    one, both = merged(bundle, first), merged(bundle, first, second)
    assert len({bundle.digest, one.digest, both.digest}) == 3
    assert both.digest == merged(bundle, second, first).digest, "not the order of versions"
    assert one.digest == merged_digest(bundle.digest, [first.mark])
    later = replace(first, seen_at=SEEN + timedelta(hours=1))
    assert merged(bundle, later).digest == one.digest, "nor when they were seen"
    assert merged(replace(bundle, digest="newer"), first).digest != one.digest


def test_a_column_that_came_later_leaves_hashes_as_they_were(bundle: SourceBundle) -> None:
    grid = bundle.tables["starting_grid"]
    assert content_hashes(grid) == content_hashes(grid.drop(columns="is_provisional"))
    marked = grid.assign(is_provisional=grid["race_key"] == "2026-alphaland")
    marked["is_provisional"] = marked["is_provisional"].where(marked["is_provisional"]).astype("boolean")
    changed = {key for key, value in content_hashes(marked).items() if content_hashes(grid)[key] != value}
    assert changed == {"2026-alphaland"}
    # The hash of one race's rows is the same alone and among all.
    for slot in slots("race_results", bundle.tables["race_results"]):
        assert against(bundle, slot) == bundle.race_hashes("race_results")[slot.race_key]
