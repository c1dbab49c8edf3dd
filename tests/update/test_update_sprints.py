"""Sprints of an updated championship: forecast before the weekend and with their grid, and kept as made."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import pandas as pd
import pytest

from f1_pipeline.automation.plan import KeyRange
from f1_pipeline.automation.state import read_state
from f1_pipeline.settings import Settings
from f1_pipeline.sources import simulated
from f1_pipeline.storage import reads
from f1_pipeline.update import run_update
from tests.quiet import QUIET
from tests.small_updates import ONCE
from tests.update.world import NEXT, dump, engine_of, forget, run_job, same, variant

pytestmark = QUIET


def _sprints(settings: Settings) -> list[str]:
    races = reads.calendar(engine_of(settings))
    return races.loc[races["is_sprint_weekend"].astype(bool), "race_key"].tolist()


def test_sprints_are_forecast_and_scored(home: Settings) -> None:
    """Before the weekend and with the grid of the sprint, for every weekend that has one and models before it."""
    tables = dump(
        home, "sprint_predictions", "sprint_accuracy", "sprint_results", "starting_grid", "race_results"
    )
    made, scores = tables["sprint_predictions"], tables["sprint_accuracy"]
    raced = set(tables["race_results"]["race_key"])
    due = {key for key in _sprints(home) if key >= "2025" and key in raced}
    assert due
    assert set(made.loc[made["horizon"] == "pre_sprint", "race_key"]) == due
    coming = set(made["race_key"]) - due
    assert coming <= {NEXT}
    baselines = {"pre_weekend": "standings_frequency", "pre_sprint": "grid_frequency"}
    sums = made.groupby(["race_key", "horizon", "model"])["win_probability"].sum()
    np.testing.assert_allclose(sums, 1.0, atol=1e-9)
    assert set(sums.index) == {
        (race, horizon, model)
        for race in due
        for horizon, baseline in baselines.items()
        for model in ("rating", baseline)
    } | {(race, "pre_weekend", model) for race in coming for model in ("rating", "standings_frequency")}
    assert set(scores.groupby(["race_key", "horizon", "model"]).groups) == {
        key for key in sums.index if key[0] in due
    }
    winner = tables["sprint_results"].query("position == 1").set_index("race_key")["driver_id"]
    assert (scores["actual_winner"] == scores["race_key"].map(winner)).all()
    mean = scores.groupby(["horizon", "model"])["log_loss"].mean()
    assert mean[("pre_sprint", "rating")] < np.log(20) - 0.5


def test_a_grid_without_the_session_that_made_it_is_not_enough(home: Settings) -> None:
    """It says "after sprint qualifying". With the rating from before the weekend in its place it would not be true."""
    race = max(key for key in _sprints(home) if key < NEXT and key >= "2026")
    forget(home, "joint_ratings", race_key=race, horizon="pre_sprint")
    forget(home, "sprint_predictions", race_key=race)
    state = read_state(engine_of(home), home, None)
    assert race in state.sprint_ready["pre_weekend"]
    assert race not in state.sprint_ready["pre_sprint"]
    run_job(home, "forecast_sprints", KeyRange(race, race))
    made = dump(home, "sprint_predictions")["sprint_predictions"]
    assert set(made.loc[made["race_key"] == race, "horizon"]) == {"pre_weekend"}


def test_the_forecast_of_a_finished_sprint_stays_as_it_was_made(home: Settings) -> None:
    race = sorted(set(dump(home, "sprint_predictions")["sprint_predictions"]["race_key"]))[0]
    before = dump(home, "sprint_predictions", "sprint_accuracy")
    run_job(home, "forecast_sprints", KeyRange(race, race))
    same(before, dump(home, "sprint_predictions", "sprint_accuracy"))
    # Remade, knowing the result and everything after it: a leak would show.
    run_job(home, "forecast_sprints", KeyRange(race, race), remake=True)
    after = dump(home, "sprint_predictions")["sprint_predictions"]
    old = before["sprint_predictions"]
    pd.testing.assert_frame_equal(after.drop(columns="created_at"), old.drop(columns="created_at"))
    again = after["race_key"] == race
    assert (after.loc[again, "created_at"] > old["created_at"].max()).all()
    pd.testing.assert_frame_equal(after[~again], old[~again], check_exact=True)


def test_a_coming_sprint_is_forecast_before_its_weekend(
    home: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next race becomes a sprint weekend; there is no grid yet, so one horizon; making it again is no news."""

    def with_sprint(seasons: int, seed: int) -> Any:
        world = ONCE(seasons, seed)
        races = world.bundle.tables["races"].copy()
        races.loc[races["race_key"] == NEXT, "is_sprint_weekend"] = True
        return variant(world, "with-sprint", races=races)

    before = dump(home, "sprint_predictions")["sprint_predictions"]
    monkeypatch.setattr(simulated, "simulate", functools.lru_cache(with_sprint))
    run_update(home, lambda line: None)
    after = dump(home, "sprint_predictions")["sprint_predictions"]
    pd.testing.assert_frame_equal(after.query("race_key != @NEXT").reset_index(drop=True), before)
    coming = after.query("race_key == @NEXT")
    assert set(coming["horizon"]) == {"pre_weekend"}
    assert set(coming["model"]) == {"rating", "standings_frequency"}
    np.testing.assert_allclose(coming.groupby("model")["win_probability"].sum(), 1.0, atol=1e-9)
    assert run_update(home, lambda line: None).idle


def test_the_grid_of_a_sprint_that_comes_with_the_result_is_forecast_and_scored(home: Settings) -> None:
    """The weekend was forecast before it began; grid, sprint and race come with one release. What was forecast stays."""
    before = dump(home, "sprint_predictions", "sprint_accuracy")
    race = str(before["sprint_predictions"].query("horizon == 'pre_sprint'")["race_key"].iloc[-1])
    forget(home, "sprint_predictions", race_key=race, horizon="pre_sprint")
    forget(home, "sprint_accuracy", race_key=race)
    run_update(home, lambda line: None)
    after = dump(home, "sprint_predictions", "sprint_accuracy")
    early = "not (race_key == @race and horizon == 'pre_sprint')"
    for tables in (before, after):
        tables["kept"] = tables["sprint_predictions"].query(early).reset_index(drop=True)
    pd.testing.assert_frame_equal(before["kept"], after["kept"], check_exact=True)
    assert len(after["sprint_predictions"]) == len(before["sprint_predictions"])
    assert set(after["sprint_accuracy"].query("race_key == @race")["horizon"]) == {
        "pre_weekend",
        "pre_sprint",
    }
    assert run_update(home, lambda line: None).idle
