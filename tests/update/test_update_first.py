"""The first update of a small simulated championship: everything is taken in, forecast, scored and on record."""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3

import numpy as np
import pytest
from dagster import AssetKey

from f1_pipeline.assets.workbench import open_workbench
from f1_pipeline.domain.vocabulary import (
    BASELINES,
    COMBINED,
    ENSEMBLE,
    HORIZONS,
    POOL,
    REGISTERED,
    RETIREMENT,
    TRAINED_MODELS,
)
from f1_pipeline.forecasting.models import make
from f1_pipeline.forecasting.training import training_hash
from f1_pipeline.settings import Settings
from f1_pipeline.sources import simulated
from f1_pipeline.storage import reads, schema
from tests.quiet import QUIET
from tests.update.world import NEWEST, NEXT, QUALITY, Built, dump, engine_of

pytestmark = QUIET


def test_the_first_update_says_what_it_did(built: Built) -> None:
    report = built.report
    assert (report.source, report.release, report.note) == ("simulated", "simulated-7", None)
    assert report.changed_races == 64
    assert report.next_race == NEXT
    assert report.forecasts == 25 + 24, "pre_weekend has the next race too"
    assert report.scores == 24
    assert report.championships == 25
    assert not report.idle
    assert any("simulated-7" in line for line in built.told)
    assert set(report.seconds) >= {"ingest", "ratings and features", "score"}


def test_everything_is_taken_in(home: Settings) -> None:
    bundle = simulated.simulate(3, 7).bundle
    engine = engine_of(home)
    for name, frame in bundle.tables.items():
        assert reads.row_counts(engine)[name] == len(frame), name
    for name in schema.RACE_TABLES:
        stored = reads.stored_hashes(engine, name, bundle.tables["races"]["race_key"])
        assert {key: value for key, value in stored.items() if value} == bundle.race_hashes(name)


def test_what_was_taken_in_is_on_record_in_one_order(home: Settings) -> None:
    """The same update leaves the same record in every process, whatever order its sets have there."""
    loads = dump(home, "data_loads")["data_loads"].dropna(subset="race_key")
    assert len(loads) > 300
    for name, rows in loads.groupby("table_name"):
        assert rows["race_key"].is_monotonic_increasing, name


def test_everything_is_forecast_and_scored(home: Settings) -> None:
    tables = dump(home, "predictions", "model_accuracy", "race_results")
    finished = set(tables["race_results"]["race_key"])
    wanted = {key for key in finished if key >= "2025"}
    for horizon in HORIZONS:
        rows = tables["predictions"].query("horizon == @horizon")
        models = {*TRAINED_MODELS, *COMBINED, *BASELINES[horizon]}
        races = wanted | ({NEXT} if horizon == "pre_weekend" else set())
        sets = rows.groupby(["race_key", "model"])
        assert set(sets.groups) == {(race, model) for race in races for model in models}
        assert (sets.size() == 20).all()
        np.testing.assert_allclose(sets["win_probability"].sum(), 1.0, atol=1e-9)
        scored = tables["model_accuracy"].query("horizon == @horizon")
        assert set(zip(scored["race_key"], scored["model"], strict=True)) == {
            (race, model) for race in wanted for model in models
        }
    assert len(wanted) == 24


def test_forecasts_are_worth_something(home: Settings) -> None:
    scores = dump(home, "model_accuracy")["model_accuracy"]
    mean = scores.groupby(["horizon", "model"])["log_loss"].mean()
    for horizon in HORIZONS:
        assert mean[(horizon, "uniform")] == pytest.approx(np.log(20), abs=0.05)
        # Of two seasons the trees learn nothing worth having; the ratings do.
        for model in ("elo", ENSEMBLE):
            assert mean[(horizon, model)] < mean[(horizon, "uniform")] - 0.3


def test_the_scores_are_summed_up(home: Settings) -> None:
    tables = dump(home, "model_accuracy", *QUALITY)
    scores, summaries = tables["model_accuracy"], tables["accuracy_summaries"]
    assert scores["binary_brier"].notna().all()
    assert set(summaries["period"]) == {"all", "2014+", "2022+", "2025", "2026"}
    every = summaries[summaries["period"] == "all"].set_index(["score", "horizon", "model"]).sort_index()
    for score in ("log_loss", "binary_brier", "winner_correct", "rank_error"):
        expected = scores.assign(winner_correct=scores["winner_correct"].astype(float))
        expected = expected.groupby(["horizon", "model"])[score].mean()
        for key, mean in expected.items():
            row = every.loc[(score, *key)]
            assert (row["races"], row["mean"]) == (24, pytest.approx(mean)), (score, key)
            assert row["low"] <= row["mean"] <= row["high"]
    errors = every.loc["calibration_error", "mean"]
    assert set(errors.index) == set(scores.groupby(["horizon", "model"]).groups)
    assert errors[("pre_race", "uniform")] == pytest.approx(0.0, abs=1e-9), "as many win as were said to"
    differences = (
        tables["paired_differences"].set_index(["period", "horizon", "model", "reference"]).sort_index()
    )
    for horizon in HORIZONS:
        row = differences.loc[("2026", horizon, "elo", "uniform")]
        mean = summaries.set_index(["period", "score", "horizon", "model"])["mean"]
        levels = [mean[("2026", "log_loss", horizon, model)] for model in ("elo", "uniform")]
        assert row["difference"] == pytest.approx(levels[0] - levels[1])
        assert row["low"] < row["difference"] < row["high"]
    assert "market" not in set(summaries["model"])
    reliability = tables["reliability"].query("period == 'all' and horizon == 'pre_race'")
    counts = reliability.groupby(["model", "outcome"])["count"].sum()
    assert (counts == 24 * 20).all()
    won = (reliability["count"] * reliability["observed"]).groupby(reliability["outcome"]).sum()
    models = reliability["model"].nunique()
    assert won["win"] == pytest.approx(24 * models)
    assert won["podium"] == pytest.approx(3 * 24 * models)


def test_no_model_has_seen_the_race_it_forecasts(home: Settings) -> None:
    tables = dump(home, "predictions", "models")
    calendar = reads.calendar(engine_of(home))
    place = {key: index for index, key in enumerate(calendar["race_key"])}
    first = calendar.set_index("race_key")["first_practice_at"]
    sets = tables["predictions"].drop_duplicates(["race_key", "horizon", "model"])
    learnt = sets[sets["model_version"] > 0].merge(
        tables["models"],
        left_on=["model", "horizon", "model_version"],
        right_on=["name", "horizon", "version"],
        suffixes=("", "_trained"),
        how="left",
        validate="many_to_one",
    )
    assert len(learnt) == (25 + 24) * (len(TRAINED_MODELS) + len(COMBINED))
    assert (learnt["trained_through"].map(place) < learnt["race_key"].map(place)).all()
    assert (learnt["trained_through"].map(place) < learnt["race_key_trained"].map(place)).all()
    assert (learnt["race_key_trained"].map(place) <= learnt["race_key"].map(place)).all()
    assert (learnt["data_cutoff"] <= learnt["cutoff"]).all()
    early = learnt["horizon"] == "pre_weekend"
    assert (learnt.loc[early, "cutoff"] == learnt.loc[early, "race_key"].map(first)).all()
    trained = learnt.groupby("race_key")["race_key_trained"].first()
    assert trained["2025-skeleton-sands"] == "2025-wombat-coast", "once a season before the recent ones"
    assert trained[NEWEST] == "2026-argolis", "every fourth race in the recent ones"
    assert trained[NEXT] == NEXT


def test_a_version_is_on_record_with_what_it_learnt_from(home: Settings) -> None:
    made = dump(home, "models")["models"]
    for horizon in HORIZONS:
        bench = open_workbench(engine_of(home), horizon, home)
        held = made[(made["horizon"] == horizon) & made["name"].isin(REGISTERED)]
        assert set(held["name"]) == set(REGISTERED)
        for race, rows in held.groupby("race_key"):
            learnt = bench.training(str(race), home)
            assert set(rows["training_hash"]) == {training_hash(learnt, horizon)}
            assert set(rows["training_rows"]) == {len(learnt)}
            through = learnt.loc[learnt["order"] == learnt["order"].max(), "race_key"]
            assert set(rows["trained_through"]) == set(through)
            assert {len(learnt), learnt["race_key"].nunique()} == {
                metrics[name] for metrics in rows["metrics"] for name in ("training_rows", "training_races")
            }
            model = make("elo", horizon, home.seed).fit(learnt)
            record = rows.set_index("name").loc["elo"]
            assert (
                record["metrics"]["training_log_loss"] == model.training_metrics(learnt)["training_log_loss"]
            )


def test_an_ensemble_names_the_versions_it_is_made_of(home: Settings) -> None:
    models = dump(home, "models")["models"]
    race = models.set_index(["name", "horizon", "version"])["race_key"]
    assert set(models["name"]) == {*REGISTERED, *COMBINED}
    for row in models[models["name"].isin(COMBINED)].to_dict("records"):
        for name, version in row["hyperparameters"]["members"].items():
            assert race[(name, row["horizon"], version)] == row["race_key"]
        finishes = {RETIREMENT} if row["name"] == POOL else set()
        assert set(row["hyperparameters"]["members"]) == {*COMBINED[row["name"]], *finishes}


# --- where it is -----------------------------------------------------------------------------------------


def test_the_files_are_written_ahead(home: Settings) -> None:
    """Readers do not wait for writers, and a commit waits for the disk once."""
    address = home.tracking_uri.removeprefix("sqlite:///")
    for file in (address, home.home / "f1.db", home.dagster_home / "history" / "runs" / "index.db"):
        with contextlib.closing(sqlite3.connect(file)) as connection:
            assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",), file


def test_the_history_is_on_the_shared_instance(home: Settings) -> None:
    from f1_pipeline.dagster_instance import get_instance
    from f1_pipeline.definitions import defs

    with get_instance() as instance:
        keys = reads.calendar(engine_of(home))["race_key"].tolist()
        assert list(instance.get_dynamic_partitions("races")) == keys
        graph = defs.resolve_asset_graph()
        # A comparison is asked for; no update starts one. Of an invented world nobody knows the weather or the weekend.
        others = {AssetKey(["models", "promotion"]), AssetKey(["source", "live"])} | {
            AssetKey(["weather", name]) for name in ("forecasts", "observed")
        }
        for key in graph.get_all_asset_keys() - others:
            assert instance.get_latest_materialization_event(key) is not None, key
        names = {record.dagster_run.job_name for record in instance.get_run_records()}
    assert {"read_source", "ingest_races", "rate_and_describe", "score"} <= names


def test_what_was_found_is_remembered(home: Settings) -> None:
    found = json.loads((home.downloads_dir / "snapshot.json").read_text(encoding="utf-8"))
    assert (found["source"], found["seasons"], found["seed"]) == ("simulated", 3, 7)
    assert reads.completed_digest(engine_of(home)) == found["digest"]
    assert os.environ["F1_HOME"] == str(home.home)
