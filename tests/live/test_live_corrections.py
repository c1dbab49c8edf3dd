"""What is corrected, moved, cancelled or labelled wrongly in a season that goes on."""

from __future__ import annotations

import itertools
from typing import Any

import pandas as pd
import pytest

from f1_pipeline import snapshot
from f1_pipeline.automation.plan import KeyRange
from f1_pipeline.runs import Report, Runs, UpdateFailed
from f1_pipeline.settings import Settings
from f1_pipeline.storage import reads
from f1_pipeline.storage.engine import UpdateLock
from f1_pipeline.storage.revisions import revisions_of
from f1_pipeline.turn import Turn
from tests.live.published import (
    NEWEST,
    NEXT,
    OLD,
    RACES,
    Published,
    Tables,
    checked,
    engine_of,
    read,
    swapped,
    update_quietly,
)
from tests.quiet import QUIET

pytestmark = QUIET


def test_a_result_that_is_changed_twice(home: Settings, f1db: Published) -> None:
    """Fault 6, Monaco 2026: rated again from there both times, all three versions stay, forecasts stay as made."""
    tables = f1db.newest.tables
    calendar = reads.calendar(engine_of(home))["race_key"].tolist()
    first = read(home, "predictions")
    ratings = [read(home, "elo_ratings")]
    winners = []
    once = swapped(tables["race_results"], OLD, 1, 2)
    twice = swapped(once, OLD, 1, 3)
    for release, results in (("v2026.8.1", once), ("v2026.8.2", twice)):
        f1db.change(release, race_results=results)
        report = update_quietly(home)
        assert (report.changed_races, report.scores) == (1, 1)
        ratings.append(read(home, "elo_ratings"))
        winners.append(read(home, "model_accuracy", OLD)["actual_winner"].iloc[0])
    for old, new in itertools.pairwise(ratings):
        both = old.merge(new, on=["race_key", "kind", "entity_id"])
        moved = both[both["value_after_x"].notna() & (both["value_after_x"] != both["value_after_y"])]
        assert min(set(moved["race_key"]), key=calendar.index) == OLD
    versions = revisions_of(engine_of(home), OLD, "race_results")
    assert [version.release for version in versions] == ["v2026.8.0", "v2026.8.1", "v2026.8.2"]
    stated = [version.rows.set_index("position")["driver_id"][1] for version in versions]
    assert stated[1:] == winners
    assert len(set(stated)) == 3
    finished = "race_key != @NEXT"
    pd.testing.assert_frame_equal(
        read(home, "predictions").query(finished).reset_index(drop=True),
        first.query(finished).reset_index(drop=True),
        check_exact=True,
    )
    assert update_quietly(home).idle


def _dies(*args: Any, **kwargs: Any) -> None:
    raise RuntimeError("power cut")


def test_an_update_that_dies_right_after_the_calendar_is_made_up_for(
    home: Settings, f1db: Published, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing but the calendar is another one, and it is in the tables already: the features must follow all the same."""
    races = f1db.newest.tables["races"].copy()
    races.loc[races["race_key"] == NEXT, ["course_length_km", "turns"]] = [9.75, 31]
    f1db.change("v2026.8.1", races=races)
    with monkeypatch.context() as patch:
        patch.setattr("f1_pipeline.assets.derived.elo_ratings", _dies)
        with pytest.raises(UpdateFailed, match="power cut"):
            update_quietly(home)
    assert set(read(home, "feature_matrix", NEXT)["track_length_km"]) != {9.75}
    assert set(read(home, "races", NEXT)["course_length_km"]) == {9.75}
    report = update_quietly(home)
    assert report.forecasts == 1
    assert set(read(home, "feature_matrix", NEXT)["track_length_km"]) == {9.75}
    assert update_quietly(home).idle


def test_a_race_that_is_cancelled_renumbered_and_put_back_elsewhere(home: Settings, f1db: Published) -> None:
    """Fault 7, Bahrain 2026: the same race when it comes back, with its date; nothing is deleted; rounds are attributes."""
    from f1_pipeline.dagster_instance import get_instance

    tables = f1db.newest.tables
    season = tables["races"]
    gone = RACES[10]
    left = season[season["race_key"] != gone].copy()
    left.loc[(left["season"] == 2026) & (left["round"] > 11), "round"] -= 1
    f1db.change("v2026.8.1", races=left, entries=tables["entries"][tables["entries"]["race_key"] != gone])
    kept = read(home, "predictions")
    assert update_quietly(home).next_race == NEXT
    stored = read(home, "races", gone).iloc[0]
    assert stored["is_cancelled"]
    with get_instance() as instance:
        assert gone not in instance.get_dynamic_partitions("races")
    assert len(read(home, "races")) == len(season)

    back = season.copy()
    last = back.loc[back["season"] == 2026, "date"].max() + pd.Timedelta(days=7)
    times = ["start_at", "first_practice_at", "qualifying_at"]
    shift = last - back.loc[back["race_key"] == gone, "date"].iloc[0]
    row = back["race_key"] == gone
    back.loc[row, "date"] = last
    for name in times:
        back.loc[row, name] = back.loc[row, name] + shift
    f1db.change("v2026.8.2", races=back, entries=tables["entries"])
    assert update_quietly(home).next_race == NEXT
    stored = read(home, "races", gone).iloc[0]
    assert not stored["is_cancelled"]
    assert stored["date"] == last
    with get_instance() as instance:
        assert list(instance.get_dynamic_partitions("races"))[-1] == gone
    assert set(read(home, "feature_matrix", gone)["cutoff"]) == {back.loc[row, "first_practice_at"].iloc[0]}
    finished = "race_key != @NEXT"
    pd.testing.assert_frame_equal(
        read(home, "predictions").query(finished).reset_index(drop=True),
        kept.query(finished).reset_index(drop=True),
        check_exact=True,
    )
    assert update_quietly(home).idle


def test_standings_that_are_labelled_with_the_next_round_are_named(home: Settings, f1db: Published) -> None:
    """Fault 5. A warning with the first difference: the rows are taken in."""
    from f1_pipeline.dagster_instance import get_instance

    kinds = ("driver", "constructor")
    assert {kind: checked(home, f"{kind}_standings") for kind in kinds} == dict.fromkeys(kinds, (True, ""))
    late: Tables = {}
    for kind in kinds:
        late[f"{kind}_standings"] = f1db.newest.tables[f"{kind}_standings"].copy()
        late[f"{kind}_standings"]["race_key"] = late[f"{kind}_standings"]["race_key"].replace(NEWEST, NEXT)
    f1db.change("v2026.8.1", **late)
    snapshot.refresh(home, "f1db")
    with get_instance() as instance:
        runs = Runs(instance, Report("", "", None), lambda line: None, Turn(UpdateLock()))
        for race, message in (
            (
                NEXT,
                f"of a race that has no result: they are those after {NEWEST}, labelled with the next round",
            ),
            (NEWEST, "are published after a race that has a result"),
        ):
            runs.run("ingest_races", "ingest", KeyRange(race, race))
            for kind in kinds:
                passed, first = checked(home, f"{kind}_standings")
                assert not passed
                assert first.startswith(f"{race}: ")
                assert f"{kind} standings {message}" in first
    assert len(read(home, "driver_standings", NEXT)) == 20
