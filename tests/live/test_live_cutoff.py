"""What happens around the cutoff of a weekend: what may still move a forecast, and what comes too late for it."""

from __future__ import annotations

import pandas as pd
from sqlalchemy import delete

from f1_pipeline import clock
from f1_pipeline.assets.workbench import open_workbench
from f1_pipeline.automation.plan import KeyRange
from f1_pipeline.domain.calendar import RESULT_WITHIN
from f1_pipeline.runs import open_runs
from f1_pipeline.settings import Settings
from f1_pipeline.sources.live import Slot
from f1_pipeline.storage import schema
from f1_pipeline.storage.engine import UpdateLock
from f1_pipeline.storage.upcoming import calendar_now
from f1_pipeline.turn import Turn
from f1_pipeline.update import run_update
from tests.live.published import (
    AFTER_NEXT,
    NEXT,
    OLD,
    SATURDAY,
    THURSDAY,
    Published,
    engine_of,
    read,
    says,
    swapped,
    update_quietly,
)
from tests.quiet import QUIET

pytestmark = QUIET


def _remade(settings: Settings) -> set[str]:
    """Which forecasts of the next race were made on Saturday or later."""
    tables = {"predictions": "predictions", "championship": "championship_forecasts"}
    frames = {name: read(settings, table, NEXT) for name, table in tables.items()}
    return {name for name, frame in frames.items() if (frame["created_at"] >= SATURDAY).any()}


def _forget(settings: Settings, *tables: str) -> None:
    with engine_of(settings).begin() as connection:
        for name in tables:
            table = schema.metadata.tables[name]
            connection.execute(delete(table).where(table.c.race_key == NEXT))


def test_a_correction_after_the_cutoff_moves_no_forecast_before_the_weekend(
    home: Settings, f1db: Published, saturday: None
) -> None:
    """An old result is changed on a Saturday: ratings follow, and what states the cutoff of Friday does not know of it."""
    before = read(home, "elo_ratings", NEXT)
    f1db.change("v2026.8.1", race_results=swapped(f1db.newest.tables["race_results"], OLD, 1, 2))
    report = update_quietly(home)
    assert (report.changed_races, report.scores, report.forecasts, report.championships) == (1, 1, 0, 0)
    assert not read(home, "elo_ratings", NEXT).equals(before)
    assert _remade(home) == set()
    assert update_quietly(home).idle
    # Not even in a run that somebody starts by hand, unless it is asked for by name.
    by_hand = [("forecast_pre_weekend", "predictions"), ("forecast_championship", "championship")]
    with open_runs(report, lambda line: None, Turn(UpdateLock())) as runs:
        for job, _ in by_hand:
            runs.run(job, "by hand", KeyRange(NEXT, NEXT))
        assert _remade(home) == set()
        for job, _ in by_hand:
            runs.run(job, "by hand", KeyRange(NEXT, NEXT), remake=True)
    assert _remade(home) == {name for _, name in by_hand}


def test_the_same_correction_before_the_cutoff_makes_them_again(home: Settings, f1db: Published) -> None:
    before = {name: read(home, name, NEXT) for name in ("predictions", "championship_forecasts")}
    f1db.change("v2026.8.1", race_results=swapped(f1db.newest.tables["race_results"], OLD, 1, 2))
    report = update_quietly(home)
    assert (report.changed_races, report.forecasts, report.championships) == (1, 1, 1)
    for name, frame in before.items():
        assert not read(home, name, NEXT).equals(frame), name


def test_a_weekend_that_is_put_off_is_open_again(home: Settings, f1db: Published, saturday: None) -> None:
    races = f1db.newest.tables["races"]
    later = pd.Timedelta(days=5)
    here = races["race_key"] == NEXT
    moved = races.copy()
    for name in ("date", "start_at", "first_practice_at", "qualifying_at"):
        moved.loc[here, name] = races.loc[here, name] + later
    f1db.change("v2026.8.1", races=moved)
    report = update_quietly(home)
    assert (report.next_race, report.forecasts) == (NEXT, 1)
    cutoff = moved.loc[here, "first_practice_at"].iloc[0]
    assert set(read(home, "predictions", NEXT)["cutoff"]) == {cutoff}
    assert set(read(home, "championship_forecasts", NEXT)["cutoff"]) == {cutoff}


def test_a_start_that_moves_moves_the_cutoff(home: Settings, f1db: Published) -> None:
    """Fault 8: the schedule is read again before a forecast, and the live one knows first."""
    races = f1db.newest.tables["races"]
    old = races.set_index("race_key").loc[NEXT]
    first = old["first_practice_at"] - pd.Timedelta(minutes=90)
    moved = races.assign(first_practice_at=races["first_practice_at"].where(races["race_key"] != NEXT, first))
    says(home, f1db, Slot(NEXT, "races"), moved, -40)
    report = update_quietly(home)
    assert (report.changed_races, report.forecasts) == (0, 1)
    assert set(read(home, "predictions", NEXT)["cutoff"]) == {first}
    assert set(read(home, "feature_matrix", NEXT)["cutoff"]) == {first}
    assert update_quietly(home).idle


def test_what_is_missing_after_the_cutoff_is_made_and_views_are_drawn_again(
    home: Settings, f1db: Published, saturday: None
) -> None:
    """Installed on a Saturday, or interrupted: late is better than never, and of a forecast that is there only its views."""
    views = ("position_probabilities", "head_to_head", "constructor_predictions")
    held = {name: read(home, name, NEXT) for name in (*views, "predictions")}
    _forget(home, *views)
    assert update_quietly(home).forecasts == 1
    for name, frame in held.items():
        pd.testing.assert_frame_equal(read(home, name, NEXT), frame)
    assert update_quietly(home).idle
    _forget(home, *views, "prediction_reasons", "predictions", "championship_forecasts")
    report = update_quietly(home)
    assert (report.forecasts, report.championships) == (1, 1)
    assert _remade(home) == {"predictions", "championship"}
    assert update_quietly(home).idle


def test_training_anew_on_a_saturday_leaves_the_forecast_before_the_weekend(
    home: Settings, f1db: Published, saturday: None
) -> None:
    """Nobody asks for it by name: it is a schedule, and the result of a Sunday can come after Monday's."""
    told: list[str] = []
    report = run_update(home, told.append, retrain=True)
    assert report.forecasts == 0
    assert _remade(home) == set()
    assert any(f"the cutoff before the weekend of {NEXT} has passed" in line for line in told)
    with clock.at(THURSDAY):
        assert run_update(home, told.append, retrain=True).forecasts == 1


def test_the_steps_of_a_run_agree_on_the_next_race(home: Settings) -> None:
    """A race without a result is given up while a run is under way: its later steps would train for the one after it."""
    engine = engine_of(home)
    given_up = calendar_now(engine).starts[NEXT] + RESULT_WITHIN
    said = {}
    for minutes, run in ((-1, "one"), (1, "one"), (1, "another"), (1, None)):
        with clock.at(given_up + pd.Timedelta(minutes=minutes)):
            bench = open_workbench(engine, "pre_weekend", home, run)
            said[run, minutes] = (bench.upcoming, bench.serving)
    assert said["one", 1] == said["one", -1]
    assert said["one", -1][0] == NEXT
    assert said["another", 1] == said[None, 1]
    assert said[None, 1][0] == AFTER_NEXT
