"""Updates that fail: nothing is half written, the error names the step, and the next one goes on from there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest

from f1_pipeline.automation.plan import KeyRange
from f1_pipeline.errors import ContractViolation, WorldsMixed
from f1_pipeline.runs import UpdateFailed
from f1_pipeline.settings import Settings
from f1_pipeline.sources import simulated
from f1_pipeline.update import run_update
from tests.quiet import QUIET
from tests.update.world import AFTER_NEXT, NEWEST, NEXT, both, dump, forget, run_job, same

pytestmark = QUIET
DERIVED = ("elo_ratings", "feature_matrix", "models", "predictions", "model_accuracy")


@both
def test_a_failure_leaves_the_tables_as_they_were_and_names_the_step(
    home: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    forget(home, "predictions", race_key=NEWEST, horizon="pre_race")
    before = dump(home)

    def broken(*args: Any, **kwargs: Any) -> None:
        raise RuntimeError("out of orders")

    with monkeypatch.context() as patch:
        patch.setattr("f1_pipeline.assets.forecaster.prediction_rows", broken)
        with pytest.raises(UpdateFailed, match=r"predictions.*pre_race.*out of orders"):
            run_update(home, lambda line: None)
    same(before, dump(home))
    report = run_update(home, lambda line: None)
    assert (report.forecasts, report.scores) == (1, 1), "the next update goes on where the last one stopped"
    assert run_update(home, lambda line: None).idle


@both
def test_a_failure_between_delete_and_insert_keeps_the_old_rows(
    home: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = dump(home, *DERIVED)

    def broken(*args: Any, **kwargs: Any) -> None:
        raise RuntimeError("disk full")

    with monkeypatch.context() as patch:
        patch.setattr("f1_pipeline.storage.writes.insert_rows", broken)
        with pytest.raises(UpdateFailed, match="disk full"):
            run_job(home, "rate_and_describe", KeyRange("2025-citadel", "2026-seven-lakes"))
    same(before, dump(home, *DERIVED))


def test_wrong_probabilities_are_not_written(home: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    from f1_pipeline.assets import forecaster

    forget(home, "predictions", race_key=NEWEST, horizon="pre_race")
    before = dump(home)
    honest = forecaster.prediction_rows

    def unnormalised(*args: Any, **kwargs: Any) -> pd.DataFrame:
        rows = honest(*args, **kwargs)
        return rows.assign(win_probability=rows["win_probability"] * 1.01)

    with monkeypatch.context() as patch:
        patch.setattr(forecaster, "prediction_rows", unnormalised)
        with pytest.raises(UpdateFailed, match=f"check probabilities, race {NEWEST}"):
            run_update(home, lambda line: None)
    same(before, dump(home))


@both
def test_an_interrupted_ingest_is_finished_by_the_next_update(
    home: Settings, one_more_race: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*args: Any, **kwargs: Any) -> None:
        raise ContractViolation("nothing goes")

    with monkeypatch.context() as patch:
        patch.setattr("f1_pipeline.assets.derived.feature_matrix", broken)
        with pytest.raises(UpdateFailed, match="nothing goes"):
            run_update(home, lambda line: None)
    held = dump(home)
    assert NEXT in set(held["race_results"]["race_key"]), "finished stages stay"
    assert NEXT not in set(held["model_accuracy"]["race_key"])
    report = run_update(home, lambda line: None)
    assert report.next_race == AFTER_NEXT
    assert NEXT in set(dump(home, "model_accuracy")["model_accuracy"]["race_key"])
    assert run_update(home, lambda line: None).idle


@both
def test_real_data_do_not_go_into_a_simulated_database(
    home: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    from f1_pipeline.assets import resources
    from f1_pipeline.sources.bundle import SourceBundle

    before = dump(home)
    bundle = simulated.simulate(3, 7).bundle
    real = SourceBundle(
        "f1db", "v1", "other", {**bundle.tables, "drivers": bundle.tables["drivers"].assign(code="XXX")}
    )
    monkeypatch.setattr(resources, "load", lambda snapshot: real)
    with pytest.raises(UpdateFailed, match="never mixed"):
        run_job(home, "read_source", None)
    same(before, dump(home))
    assert issubclass(WorldsMixed, Exception)
