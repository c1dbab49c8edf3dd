"""MLflow does not answer, or hands over a damaged file: the race to come is forecast all the same, and marked."""

from __future__ import annotations

import io
import logging
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from dagster import AssetCheckKey, AssetCheckSeverity, AssetKey, RunsFilter
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecordStatus
from sqlalchemy import delete, update
from threadpoolctl import threadpool_info, threadpool_limits

from f1_pipeline import mlflow_client
from f1_pipeline.dagster_instance import get_instance
from f1_pipeline.domain.vocabulary import BASELINES, COMBINED, REGISTERED, TRAINED_MODELS
from f1_pipeline.forecasting.models import PlackettLuceWin
from f1_pipeline.runs import UpdateFailed
from f1_pipeline.settings import Settings, get_settings
from f1_pipeline.sources import simulated
from f1_pipeline.storage import reads, schema
from f1_pipeline.storage.engine import get_engine, write_transaction
from f1_pipeline.update import run_update
from tests.quiet import QUIET
from tests.small_updates import ONCE, first_update, use

pytestmark = QUIET

SETTINGS = {
    "F1_SOURCE": "simulated",
    "F1_SIMULATED_SEASONS": "3",
    "F1_FORECAST_FROM_SEASON": "2026",
    "F1_DRAWS": "200",
    # One version of each model, for the first race of 2026.
    "F1_RETRAIN_RECENT": "season",
    "F1_MODEL_VERSIONS_KEPT": "1000",
}
NEXT, LAST = "2026-seven-fells", "2026-claddagh"
HORIZON = "pre_weekend"
AWAY = "http://127.0.0.1:9"


def _use(patch: pytest.MonkeyPatch, home: Path, **more: str) -> Settings:
    settings = use(patch, home, {**SETTINGS, **more})
    mlflow_client._silent.clear()
    return settings


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home after its first update; tests work on copies of it, and share its artefacts."""
    mlflow_client._silent.clear()
    home = tmp_path_factory.mktemp("built") / "home"
    first_update(home, SETTINGS)
    return home


@pytest.fixture
def home(built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy in which the race to come has no forecast yet."""
    copy = tmp_path / "copy"
    shutil.copytree(built, copy, ignore=shutil.ignore_patterns("mlflow-artifacts"))
    monkeypatch.setattr(simulated, "simulate", ONCE)
    _forget(_use(monkeypatch, copy), NEXT)
    return copy


def _forget(settings: Settings, race: str) -> None:
    with write_transaction(get_engine(settings.tables_url)) as connection:
        connection.execute(delete(schema.predictions).where(schema.predictions.c.race_key == race))


def _rows(home: Path, name: str = "predictions", race: str | None = NEXT) -> pd.DataFrame:
    engine = get_engine(f"sqlite:///{home / 'f1.db'}")
    frame = reads.read_table(engine, schema.metadata.tables[name], None if race is None else [race])
    return frame.sort_values([column for column in ("horizon", "model", "driver_id") if column in frame])


def _same_forecast(left: pd.DataFrame, right: pd.DataFrame) -> None:
    unlike = ["created_at", "stood_in_for"]
    pd.testing.assert_frame_equal(
        left.drop(columns=unlike).reset_index(drop=True),
        right.drop(columns=unlike).reset_index(drop=True),
        check_exact=True,
    )


def _check(settings: Settings) -> tuple[bool, str]:
    """Whether the check on the versions passed for the race to come at last, and what it said."""
    key = AssetCheckKey(AssetKey(["predictions", HORIZON]), "meant_versions")
    with get_instance() as instance:
        (record,) = instance.event_log_storage.get_asset_check_execution_history(key, limit=1)
    if record.status is not AssetCheckExecutionRecordStatus.FAILED:
        return True, ""
    evaluation = record.event.dagster_event.asset_check_evaluation_data
    assert evaluation.severity is AssetCheckSeverity.WARN
    return False, f"{evaluation.partition}: {evaluation.description}"


def test_the_last_champions_forecast_and_are_marked_until_mlflow_is_back(
    built: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # From now on every race has versions of its own: those for the next one are missing.
    away = _use(monkeypatch, home, F1_RETRAIN_RECENT="race", F1_MLFLOW_TRACKING_URI=AWAY)
    versions = _rows(home, "models", None)
    told: list[str] = []
    report = run_update(away, told.append)
    assert report.forecasts == 1
    assert f"MLflow does not answer: {NEXT} is forecast, {HORIZON}, by the last champions" in "\n".join(told)
    rows = _rows(home)
    marked = rows[rows["stood_in_for"].notna()]
    assert set(marked["stood_in_for"]) == {NEXT}
    assert set(marked["model"]) == {*TRAINED_MODELS, *COMBINED}
    assert set(rows["model"]) - set(marked["model"]) == set(BASELINES[HORIZON])
    _same_forecast(rows, _rows(built))  # trained again from the same rows: the same to the last bit
    assert len(_rows(home, "models", None)) == len(versions)
    passed, first = _check(away)
    assert not passed
    assert first.startswith(f"{NEXT}: forecast by versions of before")
    # Still away: tried again, and nothing changes.
    made_at = set(rows["created_at"])
    run_update(away)
    assert set(_rows(home)["created_at"]) == made_at

    back = _use(monkeypatch, home, F1_RETRAIN_RECENT="race", F1_MLFLOW_TRACKING_URI="")
    assert run_update(back).forecasts == 1
    rows = _rows(home)
    assert rows["stood_in_for"].isna().all()
    new = _rows(home, "models", None)
    trained = new[(new["race_key"] == NEXT) & (new["horizon"] == HORIZON)]
    assert set(trained["name"]) == {*REGISTERED, *COMBINED}
    assert _check(back)[0]
    assert run_update(back).idle


def test_finished_races_wait_for_the_models_that_are_meant(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    away = _use(monkeypatch, home, F1_RETRAIN_RECENT="race", F1_MLFLOW_TRACKING_URI=AWAY)
    _forget(away, LAST)
    with pytest.raises(
        UpdateFailed, match=r"does not answer.*It is needed: versions of \w+ are to be trained"
    ):
        run_update(away)
    assert _rows(home, race=LAST).empty


def test_without_the_same_rows_nothing_is_made_up(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    away = _use(monkeypatch, home, F1_MLFLOW_TRACKING_URI=AWAY)
    with write_transaction(get_engine(away.tables_url)) as connection:
        connection.execute(update(schema.models).values(training_hash="of other rows"))
    with pytest.raises(UpdateFailed, match=r"does not answer"):
        run_update(away)
    assert _rows(home).empty


@pytest.fixture
def damaged(built: Path, tmp_path: Path) -> Iterator[list[Path]]:
    """The files of all models, cut in half while a test runs."""
    files = [path for ending in ("*.skops", "*.ubj") for path in (built / "mlflow-artifacts").rglob(ending)]
    kept = {file: file.read_bytes() for file in files}
    assert len(kept) >= 2 * len(REGISTERED)
    for file, content in kept.items():
        file.write_bytes(content[: len(content) // 2])
    yield files
    for file, content in kept.items():
        file.write_bytes(content)


def test_a_damaged_artefact_is_trained_again(
    built: Path,
    home: Path,
    damaged: list[Path],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fit, threads = PlackettLuceWin.fit, set()

    def fitted(model: PlackettLuceWin, rows: pd.DataFrame) -> PlackettLuceWin:
        threads.update(pool["num_threads"] for pool in threadpool_info())
        return fit(model, rows)

    monkeypatch.setattr(PlackettLuceWin, "fit", fitted)
    with threadpool_limits(2):  # as on any machine; tests have one thread each
        assert run_update(get_settings()).forecasts == 1
    assert threads == {1}, "the last digits would be others than those of the first training"
    rows = _rows(home)
    _same_forecast(rows, _rows(built))
    assert rows["stood_in_for"].isna().all(), "they are the versions that were meant"
    assert "cannot be read" in caplog.text
    assert "from the same rows" in caplog.text
    with get_instance() as instance:  # where whoever looks at the run in Dagster's pages sees it
        run = instance.get_runs(RunsFilter(job_name=f"forecast_{HORIZON}"), limit=1)[0]
        told = [
            entry.user_message for entry in instance.all_logs(run.run_id) if entry.level == logging.WARNING
        ]
    assert any("from the same rows" in line for line in told), told


def test_an_mlflow_that_was_made_anew_is_gone_on_with(
    built: Path, home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Tables restored from their dump alone, or carried to another server: it ended in "Model Version not found"."""
    anew = _use(monkeypatch, home, F1_MLFLOW_TRACKING_URI=f"sqlite:///{tmp_path / 'anew.db'}")
    assert run_update(anew).forecasts == 1
    rows = _rows(home)
    _same_forecast(rows, _rows(built))
    assert rows["stood_in_for"].isna().all(), "they are the versions that were meant"
    assert run_update(anew).idle


def test_a_damaged_artefact_of_other_rows_is_named(home: Path, damaged: list[Path]) -> None:
    settings = get_settings()
    finished = schema.models.c.race_key != NEXT
    with write_transaction(get_engine(settings.tables_url)) as connection:
        connection.execute(update(schema.models).where(finished).values(training_hash="of other rows"))
    with pytest.raises(
        UpdateFailed,
        match=r"model version f1-[\w-]+ 1: model\.\w+ cannot be read .* cannot be trained again .* what it was trained on",
    ):
        run_update(settings)
    assert _rows(home).empty


def test_no_artefact_is_or_holds_a_pickle(built: Path) -> None:
    files = [path for path in (built / "mlflow-artifacts").rglob("*") if path.is_file()]
    models = [path for path in files if path.suffix in (".skops", ".ubj")]
    assert len(models) >= 2 * len(REGISTERED)
    texts = {"MLmodel", "conda.yaml", "python_env.yaml", "requirements.txt", "input_example.json"}
    texts |= {"serving_input_example.json"}
    for path in files:
        if path in models:
            continue
        assert path.name in texts, path
        # The key is called so whatever the format.
        text = path.read_text(encoding="utf-8").replace("pickled_model: model.skops", "")
        assert "pickle" not in text, path
    for path in models:
        assert not path.read_bytes().startswith(b"\x80"), path
        if path.suffix != ".skops":
            continue
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                assert name == "schema.json" or name.endswith(".npy"), (path, name)
                if name.endswith(".npy"):  # raises for an array of objects, which numpy would un-pickle
                    np.load(io.BytesIO(archive.read(name)), allow_pickle=False)
