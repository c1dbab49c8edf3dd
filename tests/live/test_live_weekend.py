"""A weekend out of two sources: what the live one says first, what F1DB makes of it, and what does not fit."""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path

import pandas as pd
import pytest

from f1_pipeline import clock, snapshot
from f1_pipeline.settings import Settings
from f1_pipeline.sources.live import Slot
from f1_pipeline.storage import live
from f1_pipeline.storage.revisions import revisions_of
from f1_pipeline.update import run_update
from tests.live.published import (
    AFTER_NEXT,
    NEXT,
    SATURDAY,
    Published,
    Tables,
    checked,
    engine_of,
    read,
    says,
    swapped,
    update_quietly,
    use,
)
from tests.quiet import QUIET
from tests.small_updates import ONCE

pytestmark = QUIET


def test_a_weekend_that_f1db_has_not_published(home: Settings, f1db: Published, saturday: None) -> None:
    later = ONCE(2, 7, finished_rounds=9).bundle.tables
    # Faults 11 and 14: a reserve drives instead of somebody who is on the list; no practice, no sprint.
    absent, reserve = _reserve(later)
    later = {name: _instead(frame, absent, reserve) for name, frame in later.items()}
    before = read(home, "predictions", NEXT)
    assert set(before["horizon"]) == {"pre_weekend"}
    championship = read(home, "championship_forecasts", NEXT)
    assert absent in set(before["driver_id"])

    says(home, f1db, Slot(NEXT, "qualifying_results", "Q"), later["qualifying_results"], 0)
    report = update_quietly(home)
    assert report.next_race == NEXT
    grid = read(home, "starting_grid", NEXT)
    qualifying = read(home, "qualifying_results", NEXT)
    assert grid["is_provisional"].all()
    assert grid["driver_id"].tolist() == qualifying["driver_id"].tolist()
    on_saturday = read(home, "predictions", NEXT)
    early = on_saturday[on_saturday["horizon"] == "pre_race"]
    assert set(early["driver_id"]) == set(grid["driver_id"])
    assert reserve in set(early["driver_id"])
    assert absent not in set(early["driver_id"])
    # Of the reserve nobody knew before the first practice: what states that cutoff stays as it was made.
    pd.testing.assert_frame_equal(
        on_saturday[on_saturday["horizon"] == "pre_weekend"].reset_index(drop=True), before, check_exact=True
    )
    pd.testing.assert_frame_equal(read(home, "championship_forecasts", NEXT), championship, check_exact=True)
    assert set(early["data_release"]) == {"v2026.8.0 jolpica@2026-07-04T16:20Z"}
    assert update_quietly(home).idle

    half = later["race_results"].groupby("race_key").head(10)
    says(home, f1db, Slot(NEXT, "race_results"), half, 24, complete=False)
    assert update_quietly(home).idle, "not yet is nothing new"
    assert update_quietly(home).next_race == NEXT, "the race has started and has no result"

    seen_live = later["race_results"].assign(pit_stops=None, reason_retired=None)
    says(home, f1db, Slot(NEXT, "race_results"), seen_live, 25)
    for kind in ("driver", "constructor"):
        says(home, f1db, Slot(NEXT, f"{kind}_standings"), later[f"{kind}_standings"], 25)
    report = update_quietly(home)
    assert (report.next_race, report.scores) == (AFTER_NEXT, 1)
    pd.testing.assert_frame_equal(read(home, "predictions", NEXT), on_saturday, check_exact=True)
    # The grid of the result holds what happened later: until F1DB publishes one, it is what was known on Saturday.
    assert read(home, "starting_grid", NEXT)["is_provisional"].all()
    elo = read(home, "elo_ratings", NEXT)
    assert elo["value_after"].notna().all()
    assert checked(home, "driver_standings") == (True, "")
    loads = read(home, "data_loads", NEXT)
    sources = loads.groupby("table_name")["source"].last()
    assert set(sources[["race_results", "starting_grid", "entries", "driver_standings"]]) == {"jolpica"}
    assert update_quietly(home).idle

    # F1DB publishes: its rows count, and nothing that was forecast or scored moves without need.
    f1db.publish("v2026.9.0", later)
    update_quietly(home)
    stored = read(home, "race_results", NEXT)
    assert stored["pit_stops"].notna().any()
    # Grid and result are others than on Saturday: the forecast stays as it was made, ratings and features follow.
    assert read(home, "starting_grid", NEXT)["is_provisional"].isna().all()
    versions = revisions_of(engine_of(home), NEXT, "starting_grid")
    assert [bool(version.rows["is_provisional"].any()) for version in versions] == [True, False]
    newest = read(home, "data_loads", NEXT).groupby("table_name")["source"].last()
    assert newest["race_results"] == "f1db"
    pd.testing.assert_frame_equal(read(home, "predictions", NEXT), on_saturday, check_exact=True)
    found = revisions_of(engine_of(home), NEXT, "race_results")
    assert [version.source for version in found] == ["jolpica", "f1db"]

    # On Tuesday the stewards change their mind, and F1DB has nothing newer.
    corrected = swapped(later["race_results"], NEXT, 1, 2).assign(pit_stops=None)
    says(home, f1db, Slot(NEXT, "race_results"), corrected, 60)
    report = update_quietly(home)
    assert (report.changed_races, report.scores) == (1, 1)
    winner = corrected[(corrected["race_key"] == NEXT) & (corrected["position"] == 1)]["driver_id"].tolist()
    assert read(home, "model_accuracy", NEXT)["actual_winner"].unique().tolist() == winner
    assert read(home, "race_results", NEXT)["pit_stops"].notna().any(), "only the core is replaced"
    assert update_quietly(home).idle

    # A release with other rows of that race: F1DB knows better by now.
    results = later["race_results"].copy()
    results.loc[results["race_key"] == NEXT, "pit_stops"] = 3
    f1db.publish("v2026.9.1", later, race_results=results)
    update_quietly(home)
    assert read(home, "model_accuracy", NEXT)["actual_winner"].unique().tolist() != winner
    versions = revisions_of(engine_of(home), NEXT, "race_results")
    assert [version.source for version in versions] == ["jolpica", "f1db", "jolpica", "f1db"]
    pd.testing.assert_frame_equal(read(home, "predictions", NEXT), on_saturday, check_exact=True)


def _reserve(tables: Tables) -> tuple[str, str]:
    """Somebody who drives, and somebody who has driven before and does not now."""
    entries = tables["entries"]
    driving = entries.loc[entries["race_key"] == NEXT, "driver_id"]
    idle = sorted(set(tables["drivers"]["driver_id"]) - set(driving))
    return str(driving.iloc[-1]), idle[0]


def _instead(frame: pd.DataFrame, absent: str, reserve: str) -> pd.DataFrame:
    if not {"race_key", "driver_id"} <= set(frame.columns) or (
        "points" in frame.columns and "laps" not in frame.columns
    ):
        return frame
    made = frame.copy()
    made.loc[(made["race_key"] == NEXT) & (made["driver_id"] == absent), "driver_id"] = reserve
    return made


def test_a_forecast_that_was_missed_on_saturday_is_that_of_saturday(
    built: Path,
    home: Settings,
    f1db: Published,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    saturday: None,
) -> None:
    """Qualifying and result are taken in by one update, on Sunday evening: nothing of the result may be in the forecast."""
    later = ONCE(2, 7, finished_rounds=9).bundle.tables
    numbers = ["model", "model_version", "driver_id", "win_probability", "podium_probability", "cutoff"]

    def forecast(settings: Settings) -> pd.DataFrame:
        rows = read(settings, "predictions", NEXT)
        return rows.loc[rows["horizon"] == "pre_race", numbers].reset_index(drop=True)

    says(home, f1db, Slot(NEXT, "qualifying_results", "Q"), later["qualifying_results"], 0)
    update_quietly(home)
    in_time = forecast(home)
    assert len(in_time)

    shutil.copytree(built, tmp_path / "late", ignore=shutil.ignore_patterns("mlflow-artifacts"))
    late = use(monkeypatch, tmp_path / "late")
    # As the result has it, whoever was first on Saturday started last.
    results = later["race_results"].copy()
    here = results["race_key"] == NEXT
    results.loc[here, ["grid_position", "grid_text"]] = results.loc[
        here, ["grid_position", "grid_text"]
    ].to_numpy()[::-1]
    says(late, f1db, Slot(NEXT, "qualifying_results", "Q"), later["qualifying_results"], 0)
    says(late, f1db, Slot(NEXT, "race_results"), results, 25)
    with clock.at(SATURDAY + timedelta(hours=26)):
        assert update_quietly(late).next_race == AFTER_NEXT
    pd.testing.assert_frame_equal(forecast(late), in_time, check_exact=True)


def test_what_a_run_began_with_it_ends_with(
    home: Settings, f1db: Published, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A version that is seen while a run goes on belongs to the next state."""
    later = ONCE(2, 7, finished_rounds=9).bundle.tables
    slot = Slot(NEXT, "qualifying_results", "Q")
    says(home, f1db, slot, later["qualifying_results"], 0)
    found = snapshot.refresh(home, "f1db", live.newest_marks(engine_of(home)))
    first = snapshot.load(found)
    reversed_ = later["qualifying_results"].sort_values(
        ["race_key", "session", "position"], ascending=[True, True, False]
    )
    other = reversed_.assign(
        display_order=reversed_.groupby(["race_key", "session"]).cumcount() + 1,
    )
    other = other.assign(position=other["display_order"], position_text=other["display_order"].astype(str))
    says(home, f1db, slot, other, 1)
    assert snapshot.remembered(home) == found
    monkeypatch.setattr(snapshot, "_last_merged", {})
    again = snapshot.load(snapshot.remembered(home))
    assert again.race_hashes("qualifying_results") == first.race_hashes("qualifying_results")
    assert again.digest == found.digest == first.digest
    newer = snapshot.refresh(home, "f1db", live.newest_marks(engine_of(home)))
    assert newer.digest != found.digest
    assert snapshot.load(newer).race_hashes("qualifying_results") != first.race_hashes("qualifying_results")
    assert snapshot.load_bulk(newer) is f1db.newest


def test_a_live_version_that_does_not_fit_is_left_out_by_name(home: Settings, f1db: Published) -> None:
    """It fitted when it was kept, and the bulk source has changed since: the update goes on with F1DB's rows."""
    before = {name: read(home, name) for name in ("race_results", "entries", "predictions")}
    later = ONCE(2, 7, finished_rounds=9).bundle.tables["race_results"].copy()
    later.loc[later["race_key"] == NEXT, "driver_id"] = later["driver_id"] + "-junior"
    says(home, f1db, Slot(NEXT, "race_results"), later, 25)
    told: list[str] = []
    run_update(home, told.append)
    assert any("race_results of" in line and NEXT in line and "junior" in line for line in told)
    for name, frame in before.items():
        pd.testing.assert_frame_equal(read(home, name), frame)
    assert update_quietly(home).idle, "it is not merged again and again"
