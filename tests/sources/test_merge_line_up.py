"""Who is expected in later races once a live result shows another line-up than the bulk source carries over."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest

from f1_pipeline.sources.bundle import Origin, SourceBundle
from f1_pipeline.sources.live import LiveSession
from f1_pipeline.sources.merge import merge
from tests.sources.bundles import Parse, World, of_race
from tests.sources.merging import NEXT, RESULT, cars, live, merged, qualifying, untouched

FIRST, SECOND = "2026-deltaland", "2026-epsilonland"
RACED = {"ada-apex": "nova", "ben-brake": "nova", "dee-drift": "orbit"}
KNOWN = {"ada-apex": "nova", "dee-drift": "orbit", "eve-edge": "nova"}
SWAPPED = cars((1, "ada-apex", "orbit"), (2, "ben-brake", "nova"), ("DNF", "dee-drift", "nova"))


def result(race: str = NEXT, rows: list[dict[str, object]] = RESULT) -> LiveSession:
    return live("race_results", race, rows)


def seats(bundle: SourceBundle, race: str) -> dict[str, str]:
    return dict(of_race(bundle, "entries", race).set_index("driver_id")["constructor_id"])


def changed(bundle: SourceBundle, table: str, race: str, **values: object) -> SourceBundle:
    """The bundle with other values in all rows of a race."""
    frame = bundle.tables[table].copy()
    for name, value in values.items():
        frame.loc[frame["race_key"] == race, name] = value
    return replace(bundle, tables={**bundle.tables, table: frame})


def test_a_result_is_carried_over_to_the_later_races(bundle: SourceBundle) -> None:
    assert seats(bundle, FIRST) == seats(bundle, SECOND) == KNOWN
    numbered = [{**row, "car_number": str(order)} for order, row in enumerate(RESULT, start=1)]
    made = merged(bundle, result(rows=numbered))
    raced = of_race(made, "entries", NEXT)
    assert seats(made, NEXT) == RACED
    assert raced["engine_id"].notna().all()
    assert raced["car_number"].tolist() == ["1", "2", "3"]
    for race in (FIRST, SECOND):
        expected = raced.assign(race_key=race, status="projected")
        pd.testing.assert_frame_equal(of_race(made, "entries", race), expected)
        assert made.origins[(race, "entries")] == Origin("jolpica", "jolpica@2026-05-02T16:05Z")
    old, new = (b.tables["entries"].query("race_key < '2026-d'") for b in (bundle, made))
    pd.testing.assert_frame_equal(old.reset_index(drop=True), new.reset_index(drop=True))
    untouched(bundle, made, "entries", "race_results")


@pytest.mark.parametrize("session", [qualifying(), live("sprint_results", NEXT, RESULT)])
def test_an_earlier_session_says_nothing_of_later_races(bundle: SourceBundle, session: LiveSession) -> None:
    made = merged(bundle, session)
    assert "ben-brake" in seats(made, NEXT)
    assert seats(made, FIRST) == seats(made, SECOND) == KNOWN
    assert set(made.origins_of("entries")) == {NEXT}


@pytest.mark.parametrize("status", ["listed", "entered"])
def test_a_known_line_up_stays_and_so_does_what_follows_it(bundle: SourceBundle, status: str) -> None:
    known = changed(bundle, "entries", FIRST, status=status)
    made = merged(known, result())
    for race in (FIRST, SECOND):
        pd.testing.assert_frame_equal(of_race(made, "entries", race), of_race(known, "entries", race))
    made = merged(changed(bundle, "entries", SECOND, status=status), result())
    assert (seats(made, FIRST), seats(made, SECOND)) == (RACED, KNOWN)


def test_a_cancelled_race_stays_and_is_passed_over(bundle: SourceBundle) -> None:
    made = merged(changed(bundle, "races", FIRST, is_cancelled=True), result())
    assert (seats(made, FIRST), seats(made, SECOND)) == (KNOWN, RACED)


def test_later_is_said_by_the_date(bundle: SourceBundle) -> None:
    early = changed(bundle, "races", FIRST, date=pd.Timestamp("2026-04-20"), round=None)
    made = merged(early, result())
    assert (seats(made, FIRST), seats(made, SECOND)) == (KNOWN, RACED)


def test_a_race_of_the_next_season_stays(world: World, parse: Parse) -> None:
    world.add_race("2027-alphaland", "northring", "2027-03-07")
    made = merged(parse(world), result())
    assert seats(made, SECOND) == RACED
    assert of_race(made, "entries", "2027-alphaland").empty


def test_where_nobody_changed_seats_nothing_changes(bundle: SourceBundle) -> None:
    """Numbers alone are no other line-up: a published list has none, and sources differ in them."""
    rows = cars(
        (1, "ada-apex", "nova", {"car_number": "8"}), (2, "eve-edge", "nova"), (3, "dee-drift", "orbit")
    )
    made = merged(bundle, result(rows=rows))
    old, new = (b.tables["entries"][b.tables["entries"]["race_key"] != NEXT] for b in (bundle, made))
    pd.testing.assert_frame_equal(old.reset_index(drop=True), new.reset_index(drop=True))
    assert set(made.origins_of("entries")) == {NEXT}
    before, after = bundle.race_hashes("entries"), made.race_hashes("entries")
    assert {race for race in before if before[race] != after[race]} == {NEXT}


def test_of_two_live_races_the_last_one_before_counts(bundle: SourceBundle) -> None:
    later = replace(result(FIRST, SWAPPED), seen_at=result().seen_at + pd.Timedelta(days=35))
    for made in (merged(bundle, result(), later), merged(bundle, later, result())):
        assert seats(made, FIRST) == {"ada-apex": "orbit", "ben-brake": "nova", "dee-drift": "nova"}
        assert seats(made, SECOND) == seats(made, FIRST)
        assert set(of_race(made, "entries", FIRST)["status"]) == {"entered"}
        assert set(of_race(made, "entries", SECOND)["status"]) == {"projected"}
        assert made.origins[(SECOND, "entries")].release == later.release


def test_a_version_seen_late_of_an_earlier_race_is_no_newer_line_up(bundle: SourceBundle) -> None:
    late = replace(result(), seen_at=result().seen_at + pd.Timedelta(days=60))
    made = merged(bundle, late, result(FIRST, SWAPPED))
    assert seats(made, SECOND) == seats(made, FIRST) != RACED
    assert made.origins[(SECOND, "entries")].release == result().release


def test_the_next_qualifying_does_not_take_the_result_back(bundle: SourceBundle) -> None:
    """Its race is entered then, but what comes after it still carries over the last race; who missed it is of that line-up."""
    short = live(
        "qualifying_results", FIRST, cars((1, "ada-apex", "nova"), (2, "dee-drift", "orbit")), session="Q"
    )
    made = merged(bundle, result(), short)
    assert seats(made, FIRST) == seats(made, SECOND) == RACED
    assert of_race(made, "entries", FIRST)["status"].tolist() == ["entered", "projected", "entered"]


def test_a_result_of_the_bulk_source_ends_it(bundle: SourceBundle) -> None:
    """Published with another line-up: its projection stands."""
    race = "2026-betaland"
    rows = cars((1, "ada-apex", "nova"), (2, "eve-edge", "orbit"))
    untouched(bundle, merged(bundle, result(race, rows)))


def test_merged_again_it_is_the_same_state(bundle: SourceBundle) -> None:
    sessions = {s.slot: s for s in (qualifying(), result(), result(FIRST, SWAPPED))}
    once, anew = merge(bundle, sessions), merge(bundle, dict(reversed(sessions.items())))
    untouched(once, anew)
    assert (once.digest, once.origins) == (anew.digest, anew.origins)
    assert merge(once, {}) is once
    untouched(once, merge(once, sessions))
