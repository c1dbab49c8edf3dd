"""A weekend that F1DB has not published: what is taken from the live source, and what waits."""

from __future__ import annotations

import pandas as pd

from f1_pipeline.sources.bundle import Origin, SourceBundle
from f1_pipeline.sources.merge import merge, with_engines
from tests.sources.bundles import of_race
from tests.sources.merging import NEXT, QUALIFYING, RESULT, cars, live, merged, qualifying, untouched


def test_without_live_versions_nothing_is_another_one(bundle: SourceBundle) -> None:
    assert merge(bundle, {}) is bundle
    assert merged(bundle, qualifying(complete=False)) is bundle, "not yet is no error"


def test_qualifying_is_taken_and_makes_a_provisional_grid(bundle: SourceBundle) -> None:
    made = merged(bundle, qualifying())
    assert of_race(made, "qualifying_results", NEXT)["driver_id"].tolist() == [
        "dee-drift",
        "ada-apex",
        "ben-brake",
    ]
    grid = of_race(made, "starting_grid", NEXT)
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
    assert of_race(bundle, "entries", NEXT)["driver_id"].tolist() == ["ada-apex", "dee-drift", "eve-edge"]
    made = merged(bundle, qualifying())
    entries = of_race(made, "entries", NEXT).set_index("driver_id")
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
    entries = of_race(merged(bundle, short), "entries", NEXT).set_index("driver_id")
    assert entries["status"].to_dict() == {
        "ada-apex": "entered",
        "dee-drift": "entered",
        "eve-edge": "listed",
    }
    raced = live("race_results", NEXT, cars((1, "ada-apex", "nova"), (2, "dee-drift", "orbit")))
    made = merged(bundle, short, raced)
    assert of_race(made, "entries", NEXT)["driver_id"].tolist() == ["ada-apex", "dee-drift"]


def test_no_result_says_where_anybody_started(bundle: SourceBundle) -> None:
    """The grid of a result holds what happened later: a forecast that was missed on Saturday is made of what was known then."""
    result = live("race_results", NEXT, RESULT)
    late = merged(bundle, qualifying(), result)
    pd.testing.assert_frame_equal(
        of_race(late, "starting_grid", NEXT), of_race(merged(bundle, qualifying()), "starting_grid", NEXT)
    )
    assert of_race(late, "race_results", NEXT)["driver_id"].tolist() == ["ada-apex", "ben-brake", "dee-drift"]
    assert of_race(merged(bundle, result), "starting_grid", NEXT).empty


def test_half_a_result_leaves_everything_as_it_was(bundle: SourceBundle) -> None:
    half = live("race_results", NEXT, RESULT[:2], complete=False)
    made, expected = merged(bundle, qualifying(), half), merged(bundle, qualifying())
    untouched(expected, made)
    assert made.digest == expected.digest


def test_sessions_of_one_table_are_separate(bundle: SourceBundle) -> None:
    """F1DB has the sprint qualifying of 2025 and no qualifying; the live source knows no sprint qualifying."""
    race = "2025-betaland"
    sprint = of_race(bundle, "qualifying_results", race)
    assert set(sprint["session"]) == {"SQ"}
    rows = cars((1, "cy-curb", "orbit"), (2, "ada-apex", "nova"))
    made = merged(bundle, live("qualifying_results", race, rows, session="Q"))
    both = of_race(made, "qualifying_results", race)
    pd.testing.assert_frame_equal(both[both["session"] == "SQ"].reset_index(drop=True), sprint)
    assert (both["session"] == "Q").sum() == 2
    assert of_race(made, "starting_grid", race)["session"].eq("S").all(), (
        "no grid after a race that has a result"
    )
    untouched(bundle, made, "qualifying_results")


def test_a_weekend_with_a_sprint_only(bundle: SourceBundle) -> None:
    """Fault 14: sessions are optional at every step."""
    made = merged(bundle, live("sprint_results", NEXT, RESULT))
    assert len(of_race(made, "sprint_results", NEXT)) == 3
    assert "ben-brake" in set(of_race(made, "entries", NEXT)["driver_id"])
    assert of_race(made, "starting_grid", NEXT).empty


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
    assert of_race(done, "driver_standings", NEXT)["points"].tolist() == [68.0, 43.0]
    assert done.notes == ()


def test_standings_name_the_engine_that_the_team_raced_with(bundle: SourceBundle) -> None:
    """The live source names none, and a team is constructor and engine: all of them had no wins until F1DB published."""
    teams = [
        {"constructor_id": "nova", "position": 1, "points": 90.0},
        {"constructor_id": "orbit", "position": 2, "points": 40.0},
    ]
    made = merged(bundle, live("race_results", NEXT, RESULT), live("constructor_standings", NEXT, teams))
    standings = of_race(made, "constructor_standings", NEXT).set_index("constructor_id")
    assert standings["engine_id"].to_dict() == {"nova": "nova-engines", "orbit": "orbit-engines"}
    untouched(bundle, made, "race_results", "entries", "constructor_standings")


def test_an_engine_that_nobody_names_stays_missing() -> None:
    standings = pd.DataFrame({"constructor_id": ["a", "b", "c"], "engine_id": [None, None, "stated"]})
    entered = pd.DataFrame({"constructor_id": ["a", "a", "c"], "engine_id": [None, "newest", "other"]})
    assert with_engines(standings, entered)["engine_id"].fillna("-").tolist() == ["newest", "-", "stated"]


def test_a_race_that_f1db_does_not_know_is_held_back(bundle: SourceBundle) -> None:
    """Fault 7: put back into the calendar, and F1DB has not published since."""
    made = merged(bundle, live("race_results", "2026-omegaland", RESULT))
    untouched(bundle, made)
    assert made.notes == ("jolpica: 2026-omegaland is not on the calendar of v2026.2.0: held back",)


def test_empty_fields_are_missing_and_not_zero(bundle: SourceBundle) -> None:
    """Fault 13."""
    made = of_race(merged(bundle, live("race_results", NEXT, RESULT)), "race_results", NEXT)
    for name in ("laps", "time_ms", "gap_ms", "pit_stops", "fastest_lap", "reason_retired"):
        assert made[name].isna().all(), name
    assert made["grid_position"].isna().tolist() == [False, True, True]
