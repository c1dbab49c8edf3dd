"""What is corrected between two updates: results of an old race, the layout of a circuit."""

from __future__ import annotations

import functools
from typing import Any

import pandas as pd
import pytest

from f1_pipeline.assets.workbench import open_workbench
from f1_pipeline.backfill import run_backfill
from f1_pipeline.domain.vocabulary import REGISTERED, SPRINT_MODELS  # noqa: F401 - one of them in a query
from f1_pipeline.forecasting.training import training_hash
from f1_pipeline.registry import PRUNED_TAG
from f1_pipeline.runs import UpdateFailed
from f1_pipeline.settings import Settings, get_settings
from f1_pipeline.sources import simulated
from f1_pipeline.storage import reads
from f1_pipeline.update import run_update
from tests.quiet import QUIET
from tests.small_updates import ONCE
from tests.update.world import NEXT, both, dump, engine_of, forget, same, variant

pytestmark = QUIET
CORRECTED = "2026-marble-gorge"


@pytest.fixture
def a_correction(home: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same world, but two drivers of a race of some weeks ago have changed places."""
    _correct(monkeypatch)


def _correct(monkeypatch: pytest.MonkeyPatch) -> None:
    def corrected(seasons: int, seed: int) -> Any:
        world = ONCE(seasons, seed)
        results = world.bundle.tables["race_results"].copy()
        rows = results.index[(results["race_key"] == CORRECTED) & results["position"].isin([1, 2])]
        who = ["driver_id", "constructor_id", "car_number"]
        results.loc[rows, who] = results.loc[rows[::-1], who].to_numpy()
        return variant(world, "corrected", race_results=results)

    monkeypatch.setattr(simulated, "simulate", functools.lru_cache(corrected))


def _place(settings: Settings) -> dict[str, int]:
    return {key: index for index, key in enumerate(reads.calendar(engine_of(settings))["race_key"])}


@both
@pytest.mark.usefixtures("a_correction")
def test_a_correction_of_an_old_race(home: Settings) -> None:
    """Rated again from there; forecasts of finished races stay, the score of that race is made again."""
    before = dump(home)
    report = run_update(home, lambda line: None)
    after = dump(home)
    assert (report.changed_races, report.scores) == (1, 1)
    old, new = (
        tables["predictions"].query("race_key != @NEXT").reset_index(drop=True) for tables in (before, after)
    )
    pd.testing.assert_frame_equal(old, new, check_exact=True)
    winners = [
        tables["model_accuracy"].set_index("race_key").loc[CORRECTED, "actual_winner"].unique().tolist()
        for tables in (before, after)
    ]
    assert winners[0] != winners[1]
    place = _place(home)
    for name in ("elo_ratings", "feature_matrix"):
        early, early_after = (
            tables[name][tables[name]["race_key"].map(place) < place[CORRECTED]].reset_index(drop=True)
            for tables in (before, after)
        )
        pd.testing.assert_frame_equal(early, early_after, check_exact=True)
        assert not before[name].equals(after[name])
    coming = after["predictions"].query("race_key == @NEXT")
    stale = before["predictions"].query("race_key == @NEXT")
    assert coming["created_at"].max() > stale["created_at"].max(), (
        "the next race is forecast with the correction"
    )
    # Asked for the whole season, with other features than at the time: the forecasts stay what they were.
    run_backfill(home, 2026, 2026, tell=lambda line: None)
    same({"predictions": after["predictions"], "models": after["models"]}, dump(home))


@pytest.mark.usefixtures("a_correction")
def test_an_interrupted_correction_is_finished_by_the_next_update(
    home: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The corrected rows are in the tables, so nothing differs any more: the ratings must follow all the same."""
    before = dump(home, "elo_ratings")["elo_ratings"]

    def broken(*args: Any, **kwargs: Any) -> None:
        raise RuntimeError("power cut")

    with monkeypatch.context() as patch:
        patch.setattr("f1_pipeline.assets.derived.elo_ratings", broken)
        with pytest.raises(UpdateFailed, match="power cut"):
            run_update(home, lambda line: None)
    pd.testing.assert_frame_equal(dump(home, "elo_ratings")["elo_ratings"], before)
    run_update(home, lambda line: None)
    assert not dump(home, "elo_ratings")["elo_ratings"].equals(before)
    assert run_update(home, lambda line: None).idle


def test_only_artefacts_that_are_kept_are_stored(home: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """An update that dies between models and forecasts leaves versions that nobody can load. The next one trains them
    again if they would be others by now, because a race before them was corrected; it must not stop there for good."""
    import mlflow

    before = dump(home, "predictions")["predictions"]
    forget(home, "models", horizon="pre_race")
    forget(home, "predictions", horizon="pre_race")
    monkeypatch.setenv("F1_MODEL_VERSIONS_KEPT", "2")
    monkeypatch.setenv("F1_RETRAIN_RECENT", "2")
    get_settings.cache_clear()
    home = get_settings()

    def broken(*args: Any, **kwargs: Any) -> None:
        raise RuntimeError("power cut")

    with monkeypatch.context() as patch:
        patch.setattr("f1_pipeline.assets.forecaster.prediction_rows", broken)
        with pytest.raises(UpdateFailed, match="power cut"):
            run_update(home, lambda line: None)
    client = mlflow.MlflowClient(home.tracking_uri, home.tracking_uri)
    made = dump(home, "models")["models"].query("horizon == 'pre_race' and name in @REGISTERED")
    for name, rows in made.groupby("name"):
        held = [
            client.get_model_version(*key)
            for key in zip(rows["mlflow_name"], rows["mlflow_version"], strict=True)
        ]
        stored = [PRUNED_TAG not in version.tags for version in held]
        assert len(stored) > 3
        assert sum(stored) == (len(stored) if name in SPRINT_MODELS else 2)
        assert all(stored[-2:])
        assert all(client.get_run(run).data.metrics for run in rows["mlflow_run_id"])
    _correct(monkeypatch)
    run_update(home, lambda line: None)
    after = dump(home, "predictions", "models")
    place = _place(home)
    newest = after["models"].query("horizon == 'pre_race' and name == 'elo'")
    again = newest["race_key"].map(place) > place[CORRECTED]
    bench = open_workbench(engine_of(home), "pre_race", home)
    known = newest.drop_duplicates("race_key", keep="last")
    assert newest[again].groupby("race_key").size().eq(2).all()
    assert newest[~again].groupby("race_key").size().eq(1).all()
    assert again.sum() > 2 * 2, "more of them than were stored"
    assert not again.all()
    for version in known.itertuples():
        assert version.training_hash == training_hash(bench.training(str(version.race_key), home), "pre_race")
    old = before["race_key"].map(place) <= place[CORRECTED]
    columns = ["race_key", "horizon", "model", "driver_id", "win_probability", "expected_position"]
    kept = after["predictions"].merge(before.loc[old, columns[:4]], on=columns[:4])
    pd.testing.assert_frame_equal(kept[columns], before.loc[old, columns].reset_index(drop=True))
    assert run_update(home, lambda line: None).idle


def test_another_layout_reaches_the_features(home: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """The calendar is no table by race: no row of results, grid or entries differs."""

    def rebuilt(seasons: int, seed: int) -> Any:
        world = ONCE(seasons, seed)
        races = world.bundle.tables["races"].copy()
        races.loc[races["race_key"] == NEXT, "course_length_km"] = 9.75
        return variant(world, "rebuilt", races=races)

    before = dump(home, "feature_matrix")["feature_matrix"]
    monkeypatch.setattr(simulated, "simulate", functools.lru_cache(rebuilt))
    report = run_update(home, lambda line: None)
    assert report.forecasts == 1
    after = dump(home, "feature_matrix")["feature_matrix"]
    length = after.set_index("race_key")["track_length_km"]
    assert set(length[NEXT]) == {9.75}
    rest = "race_key != @NEXT"
    pd.testing.assert_frame_equal(before.query(rest), after.query(rest), check_exact=True)
    assert run_update(home, lambda line: None).idle
