"""The update on a small simulated championship: from nothing, again, after a race, after a failure."""

import contextlib
import functools
import importlib
import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from dagster import AssetKey
from dagster._core.storage.tags import ASSET_PARTITION_RANGE_END_TAG, ASSET_PARTITION_RANGE_START_TAG
from sqlalchemy import Engine, delete, select, update

from f1_pipeline import clock
from f1_pipeline.assets.workbench import open_workbench
from f1_pipeline.automation.plan import KeyRange, make_plan
from f1_pipeline.automation.state import changed_races, read_state
from f1_pipeline.backfill import run_backfill, time_left
from f1_pipeline.dagster_instance import dagster_environment
from f1_pipeline.domain.vocabulary import (
    BASELINES,
    COMBINED,
    ENSEMBLE,
    HORIZONS,
    POOL,
    REGISTERED,
    SPRINT_MODELS,
    TRAINED_MODELS,
)
from f1_pipeline.errors import ContractViolation, NotReady, WorldsMixed
from f1_pipeline.forecasting.models import make
from f1_pipeline.forecasting.training import training_hash
from f1_pipeline.registry import PRUNED_TAG
from f1_pipeline.runs import Report, Runs, UpdateFailed
from f1_pipeline.settings import ROOT, Settings, get_settings
from f1_pipeline.sources import simulated
from f1_pipeline.storage import market, reads, schema
from f1_pipeline.storage.carry import carry_over
from f1_pipeline.storage.engine import UpdateLock, get_engine, write_transaction
from f1_pipeline.turn import Turn, alone
from f1_pipeline.update import run_update

# Ranges in one run are beta, partitioned checks preview; Dagster asks pydantic for the old name of a field.
pytestmark = [
    pytest.mark.filterwarnings("ignore::dagster.BetaWarning", "ignore::dagster.PreviewWarning"),
    pytest.mark.filterwarnings("ignore:The `__fields__` attribute is deprecated"),
    # MLflow's tables with the newest SQLAlchemy, and its opinion of the hints of its own class.
    pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy is deprecated"),
    pytest.mark.filterwarnings("ignore:.*Any type hint is inferred as AnyType"),
]

SETTINGS = {
    "F1_SOURCE": "simulated",
    "F1_SIMULATED_SEASONS": "3",
    "F1_DRAWS": "200",
    # Few versions: once in 2025, and every fourth race of 2026.
    "F1_RETRAIN_RECENT_SEASONS": "1",
    "F1_RETRAIN_RECENT": "4",
    # Homes are copied, artefacts are not: nothing may be pruned that a copy still needs.
    "F1_MODEL_VERSIONS_KEPT": "1000",
}
ONCE = functools.lru_cache(maxsize=4)(simulated.simulate)
"""The world is a pure function of its arguments; drawing it takes a second."""
STORES = ("F1_DATABASE_URL", "DAGSTER_POSTGRES_URL", "F1_MLFLOW_TRACKING_URI")
NEXT, AFTER_NEXT = "2026-seven-fells", "2026-amber-road"
NEWEST = "2026-claddagh"
DERIVED = ("elo_ratings", "feature_matrix", "models", "predictions", "model_accuracy")
QUALITY = ("accuracy_summaries", "paired_differences", "reliability")
MOMENTS = {
    "model_accuracy": ["scored_at"],
    "sprint_accuracy": ["scored_at"],
    **{name: ["computed_at"] for name in QUALITY},
}


@dataclass(frozen=True)
class Built:
    home: Path
    report: Report
    told: list[str]
    stores: Mapping[str, str]


def _driver(store: str, address: str) -> str:
    return address if store == "F1_DATABASE_URL" else address.replace("+psycopg:", "+psycopg2:")


def _use(patch: pytest.MonkeyPatch, home: Path, stores: Mapping[str, str] | None = None) -> Settings:
    addresses = {name: _driver(name, address) for name, address in (stores or {}).items()}
    for name, value in {**SETTINGS, "F1_HOME": str(home), **addresses}.items():
        patch.setenv(name, value)
    get_settings.cache_clear()
    return get_settings()


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """A home after its first update; tests work on copies of it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of MLflow's own imports
        importlib.import_module("mlflow.sklearn")
        importlib.import_module("mlflow.xgboost")
    return _build(tmp_path_factory.mktemp("built") / "home", {})


@pytest.fixture(scope="module")
def built_on_postgres(
    built: Built, tmp_path_factory: pytest.TempPathFactory, new_postgres: Callable[..., str]
) -> Built:
    """The same with tables, Dagster and MLflow on PostgreSQL, by the configuration that containers use."""
    home = tmp_path_factory.mktemp("postgres") / "home"
    (home / "dagster").mkdir(parents=True)
    shutil.copy(ROOT / "deploy" / "dagster.yaml", home / "dagster")
    return _build(home, {name: new_postgres() for name in STORES})


def _build(home: Path, stores: Mapping[str, str]) -> Built:
    told: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        settings = _use(patch, home, stores)
        patch.setattr(simulated, "simulate", ONCE)
        report = run_update(settings, told.append)
    _let_go(stores)
    get_settings.cache_clear()
    return Built(home, report, told, stores)


def _let_go(stores: Mapping[str, str]) -> None:
    """Close what this process keeps open to tables that are to be copied or removed."""
    if stores:
        get_engine(stores["F1_DATABASE_URL"]).dispose()


@pytest.fixture
def on() -> str:
    """The database of the test. To run on both, parametrize a test with ``both``."""
    return "sqlite"


both = pytest.mark.parametrize("on", ["sqlite", "postgresql"])


@pytest.fixture
def home(
    built: Built, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest, on: str
) -> Iterator[Settings]:
    """Settings of a copy of the home after the first update."""
    monkeypatch.setattr(simulated, "simulate", ONCE)
    stores: dict[str, str] = {}
    if on == "postgresql":
        built = request.getfixturevalue("built_on_postgres")
        new, drop = request.getfixturevalue("new_postgres"), request.getfixturevalue("drop_postgres")
        stores = {name: new(template) for name, template in built.stores.items()}
    shutil.copytree(built.home, tmp_path / "copy", ignore=shutil.ignore_patterns("mlflow-artifacts"))
    yield _use(monkeypatch, tmp_path / "copy", stores)
    _let_go(stores)
    for address in stores.values():
        drop(address)


def _engine(settings: Settings) -> Engine:
    return get_engine(settings.tables_url)


def _dump(settings: Settings, *names: str) -> dict[str, pd.DataFrame]:
    engine = _engine(settings)
    return {
        name: reads.read_table(engine, schema.metadata.tables[name]).drop(columns=MOMENTS.get(name, []))
        for name in names or schema.metadata.tables
    }


def _same(left: dict[str, pd.DataFrame], right: dict[str, pd.DataFrame]) -> None:
    for name, frame in left.items():
        pd.testing.assert_frame_equal(frame, right[name], check_exact=True, obj=name)


def _run(settings: Settings, job: str, span: KeyRange | None, remake: bool = False) -> None:
    from f1_pipeline.dagster_instance import get_instance

    with get_instance() as instance:
        Runs(instance, Report("", "", None), lambda line: None, Turn(UpdateLock())).run(
            job, job, span, remake=remake
        )


def _forget(settings: Settings, table: str, **equal: str) -> None:
    target = schema.metadata.tables[table]
    with write_transaction(_engine(settings)) as connection:
        connection.execute(delete(target).where(*(target.c[key] == value for key, value in equal.items())))


# --- the first update ------------------------------------------------------------------------------------


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


def test_the_rows_are_the_same_on_postgresql(built: Built, built_on_postgres: Built) -> None:
    """All three stores on PostgreSQL: every row of every table, but for names and times of runs."""
    assert built_on_postgres.report.forecasts == built.report.forecasts
    dumps = []
    for made in (built, built_on_postgres):
        with pytest.MonkeyPatch.context() as patch:
            dumps.append(_dump(_use(patch, made.home, made.stores)))
        _let_go(made.stores)
    get_settings.cache_clear()
    here, there = dumps
    for name, table in schema.metadata.tables.items():
        moments = ["mlflow_run_id"] + [  # runs are named by chance
            column.name
            for column in table.columns
            if column.name.endswith("_at") and column.name not in ("start_at", "issued_at")
        ]
        pd.testing.assert_frame_equal(
            here[name].drop(columns=moments, errors="ignore"),
            there[name].drop(columns=moments, errors="ignore"),
            check_exact=True,
            obj=name,
        )
    assert len(here["predictions"]) > 5000
    assert not list(built_on_postgres.home.glob("*.db")), "a store was left on SQLite"
    assert not list(built_on_postgres.home.glob("dagster/**/*.db"))


def test_everything_is_taken_in(home: Settings) -> None:
    bundle = simulated.simulate(3, 7).bundle
    engine = _engine(home)
    for name, frame in bundle.tables.items():
        assert reads.row_counts(engine)[name] == len(frame), name
    for name in schema.RACE_TABLES:
        stored = reads.stored_hashes(engine, name, bundle.tables["races"]["race_key"])
        assert {key: value for key, value in stored.items() if value} == bundle.race_hashes(name)


def test_everything_is_forecast_and_scored(home: Settings) -> None:
    tables = _dump(home, "predictions", "model_accuracy", "race_results")
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
    scores = _dump(home, "model_accuracy")["model_accuracy"]
    mean = scores.groupby(["horizon", "model"])["log_loss"].mean()
    for horizon in HORIZONS:
        assert mean[(horizon, "uniform")] == pytest.approx(np.log(20), abs=0.05)
        # Of two seasons the trees learn nothing worth having; the ratings do.
        for model in ("elo", ENSEMBLE):
            assert mean[(horizon, model)] < mean[(horizon, "uniform")] - 0.3


def test_the_scores_are_summed_up(home: Settings) -> None:
    tables = _dump(home, "model_accuracy", *QUALITY)
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
    tables = _dump(home, "predictions", "models")
    calendar = reads.calendar(_engine(home))
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
    made = _dump(home, "models")["models"]
    for horizon in HORIZONS:
        bench = open_workbench(_engine(home), horizon, home)
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


def test_the_files_are_written_ahead(home: Settings) -> None:
    """Readers do not wait for writers, and a commit waits for the disk once."""
    address = home.tracking_uri.removeprefix("sqlite:///")
    for file in (address, home.home / "f1.db", home.dagster_home / "history" / "runs" / "index.db"):
        with contextlib.closing(sqlite3.connect(file)) as connection:
            assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",), file


def test_an_ensemble_names_the_versions_it_is_made_of(home: Settings) -> None:
    models = _dump(home, "models")["models"]
    race = models.set_index(["name", "horizon", "version"])["race_key"]
    assert set(models["name"]) == {*REGISTERED, *COMBINED}
    for row in models[models["name"].isin(COMBINED)].to_dict("records"):
        for name, version in row["hyperparameters"]["members"].items():
            assert race[(name, row["horizon"], version)] == row["race_key"]
        assert set(row["hyperparameters"]["members"]) == set(COMBINED[row["name"]])


def test_the_championships_are_forecast(home: Settings) -> None:
    """Before every forecast race and the next one; every title and every place adds up; scenarios of the next race."""
    names = ("championship_forecasts", "championship_positions", "championship_scenarios", "driver_standings")
    tables = _dump(home, *names)
    forecasts = tables["championship_forecasts"]
    keys = set(forecasts["race_key"])
    assert len(keys) == 25
    assert NEXT in keys
    for _, rows in forecasts.groupby(["race_key", "kind"]):
        assert rows["title_probability"].sum() == pytest.approx(1.0)
    places = tables["championship_positions"]
    for column in ("entity_id", "position"):
        sums = places.groupby(["race_key", "kind", column])["probability"].sum()
        np.testing.assert_allclose(sums, 1.0, atol=1e-9)
    assert set(tables["championship_scenarios"]["race_key"]) == {NEXT}
    # More draws for the race that people look at.
    assert set(forecasts.loc[forecasts["race_key"] != NEXT, "draws"]) == {100}
    assert set(forecasts.loc[forecasts["race_key"] == NEXT, "draws"]) == {2000}
    standing = tables["driver_standings"].query("race_key == @NEWEST").set_index("driver_id")["points"]
    known = forecasts.query("race_key == @NEXT and kind == 'driver'").set_index("entity_id")["points"]
    pd.testing.assert_series_equal(known[standing.index], standing, check_names=False)


def test_a_championship_made_again_after_the_season_is_the_same(home: Settings) -> None:
    """Remade, knowing all results that followed: a leak would show. Not remade, it is kept with its time."""
    span = KeyRange("2025-citadel", "2025-citadel")
    names = ("championship_forecasts", "championship_positions", "championship_scenarios")
    before = _dump(home, *names)
    _run(home, "forecast_championship", span)
    _same(before, _dump(home, *names))
    _forget(home, "championship_forecasts", race_key="2025-citadel")
    _run(home, "forecast_championship", span)
    after = _dump(home, *names)
    drop = ["created_at"]
    for name in names:
        left, right = (tables[name].drop(columns=drop, errors="ignore") for tables in (before, after))
        pd.testing.assert_frame_equal(left, right, check_exact=True)
    made = after["championship_forecasts"].query("race_key == '2025-citadel'")["created_at"]
    assert (made > before["championship_forecasts"]["created_at"].max()).all()


# --- what the shown forecast is made of ------------------------------------------------------------------

VIEWS = ("position_probabilities", "head_to_head", "constructor_predictions", "prediction_reasons")


def test_every_shown_forecast_has_its_places_pairs_teams_and_reasons(home: Settings) -> None:
    tables = _dump(home, "predictions", *VIEWS)
    shown = tables["predictions"].query("model == 'pool'")
    sets = set(shown.groupby(["race_key", "horizon"]).groups)
    assert len(sets) == 25 + 24
    for name in VIEWS:
        assert set(tables[name]["model"]) == {"pool"}, name
        assert set(tables[name].groupby(["race_key", "horizon"]).groups) == sets, name
    places = tables["position_probabilities"]
    assert len(places) == len(sets) * 20 * 20
    first = places[places["position"] == 1].merge(shown, on=["race_key", "horizon", "driver_id"])
    np.testing.assert_allclose(first["probability"], first["win_probability"], atol=1e-9)
    assert len(tables["head_to_head"]) == len(sets) * 190
    teams = tables["constructor_predictions"].groupby(["race_key", "horizon"])
    np.testing.assert_allclose(teams["win_probability"].sum(), 1.0, atol=1e-9)
    np.testing.assert_allclose(teams["most_points_probability"].sum(), 1.0, atol=1e-9)
    by_driver = ["race_key", "horizon", "driver_id"]
    strength = tables["prediction_reasons"].groupby(by_driver)["contribution"].sum()
    log_p = np.log(shown.set_index(by_driver)["win_probability"])
    centred = log_p - log_p.groupby(["race_key", "horizon"]).transform("mean")
    # The pool lifts a member's millionth or less, the reasons of linear members do not.
    likely = shown.set_index(by_driver)["win_probability"] > 0.001
    gap = (strength.reindex(centred.index) - centred)[likely]
    spread = gap.groupby(["race_key", "horizon"]).agg(np.ptp)
    assert spread.max() < 1e-6


def test_the_orders_behind_a_stored_forecast_can_be_drawn_again(home: Settings) -> None:
    from f1_pipeline.forecasting.views import orders_of

    stored = _dump(home, "predictions")["predictions"]
    for _, rows in stored.query("race_key in ['2025-citadel', @NEXT]").groupby(
        ["race_key", "horizon", "model"]
    ):
        orders = orders_of(rows)
        np.testing.assert_allclose(rows["podium_probability"], orders.top(3), rtol=1e-12)
        np.testing.assert_allclose(rows["expected_position"], orders.expected_position(), rtol=1e-12)


def _sprints(settings: Settings) -> list[str]:
    races = reads.calendar(_engine(settings))
    return races.loc[races["is_sprint_weekend"].astype(bool), "race_key"].tolist()


def test_sprints_are_forecast_and_scored(home: Settings) -> None:
    """Before the weekend and with the grid of the sprint, for every weekend that has one and models before it."""
    tables = _dump(
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


def test_the_forecast_of_a_finished_sprint_stays_as_it_was_made(home: Settings) -> None:
    race = sorted(set(_dump(home, "sprint_predictions")["sprint_predictions"]["race_key"]))[0]
    before = _dump(home, "sprint_predictions", "sprint_accuracy")
    _run(home, "forecast_sprints", KeyRange(race, race))
    _same(before, _dump(home, "sprint_predictions", "sprint_accuracy"))
    # Remade, knowing the result and everything after it: a leak would show.
    _run(home, "forecast_sprints", KeyRange(race, race), remake=True)
    after = _dump(home, "sprint_predictions")["sprint_predictions"]
    old = before["sprint_predictions"]
    pd.testing.assert_frame_equal(after.drop(columns="created_at"), old.drop(columns="created_at"))
    again = after["race_key"] == race
    assert (after.loc[again, "created_at"] > old["created_at"].max()).all()
    pd.testing.assert_frame_equal(after[~again], old[~again], check_exact=True)


# --- again -----------------------------------------------------------------------------------------------


@both
def test_a_second_update_is_idle_and_starts_no_run(home: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    before = _dump(home)

    def no_run() -> None:
        raise AssertionError("an update with nothing to do opened Dagster")

    monkeypatch.setattr("f1_pipeline.dagster_instance.get_instance", no_run)
    monkeypatch.setattr(simulated, "simulate", ONCE.__wrapped__)
    began = time.process_time()  # of computing: what else the machine does is no fault of the update
    report = run_update(home, lambda line: None)
    assert time.process_time() - began < 5
    assert report.idle
    assert report.next_race == NEXT
    assert report.seconds == {}
    _same(before, _dump(home))


def test_materialising_again_gives_the_same_rows(home: Settings) -> None:
    before = _dump(home)
    _run(home, "ingest_races", KeyRange("2023-wombat-coast", "2026-skeleton-sands"))
    report = run_backfill(home, 2023, 2026, tell=lambda line: None)
    assert report.forecasts == 25 + 24
    _same(before, _dump(home))


def test_versions_of_a_pool_of_more_members_stay_with_the_forecasts_made_of_them(home: Settings) -> None:
    """A release that takes a member out of the pool: what finished races were forecast with is not made again."""
    engine = get_engine(home.tables_url)
    table = schema.models
    mine = (table.c.name == POOL) & (table.c.horizon == "pre_race")
    with engine.begin() as connection:
        for row in connection.execute(select(table).where(mine)).mappings().all():
            members = {**row["hyperparameters"]["members"], "random_forest": 1}
            this = mine & (table.c.version == row["version"])
            connection.execute(
                update(table)
                .where(this)
                .values(hyperparameters={**row["hyperparameters"], "members": members})
            )
    before = _dump(home)
    _run(home, "forecast_pre_race", KeyRange(NEWEST, NEWEST))
    _same(before, _dump(home))


def test_a_process_for_each_step_makes_the_same_rows(home: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a stage is run that somebody starts in the Dagster UI: nothing but the tables passes from step to step.

    All stages, with those that train: ``benchmarks/executors.py``.
    """
    names = ("model_accuracy", "sprint_accuracy", *QUALITY)
    before = _dump(home, *names)
    for name in names:
        _forget(home, name)
    monkeypatch.setenv("F1_EXECUTOR", "multiprocess")
    tags = {ASSET_PARTITION_RANGE_START_TAG: "2025-wombat-coast", ASSET_PARTITION_RANGE_END_TAG: NEWEST}
    command = [sys.executable, "-W", "ignore", "-m", "dagster", "job", "execute"]
    options = ["-m", "f1_pipeline.definitions", "-j", "score", "--tags", json.dumps(tags)]
    done = subprocess.run(
        [*command, *options],
        env={**dagster_environment(), "F1_AUTOMATION": "off"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    started = set(re.findall(r" - (\d+) - (accuracy__\w+) - STEP_START ", done.stderr))
    processes, steps = ({pair[place] for pair in started} for place in (0, 1))
    assert len(processes) == len(steps) >= 2, "each in a process of its own"
    assert all(len(frame) for frame in before.values())
    _same(before, _dump(home, *names))


def test_a_range_writes_its_own_races_only(home: Settings) -> None:
    _forget(home, "elo_ratings", race_key="2025-citadel")
    _forget(home, "elo_ratings", race_key="2025-dalmatia")
    _run(home, "rate_and_describe", KeyRange("2025-citadel", "2025-citadel"))
    rated = reads.race_keys_with(_engine(home), schema.elo_ratings)
    assert "2025-citadel" in rated
    assert "2025-dalmatia" not in rated


def test_a_forecast_made_again_after_the_race_is_the_same(home: Settings) -> None:
    """Remade, knowing the result and everything after it: a leak would show."""
    span = KeyRange("2025-citadel", "2025-citadel")
    before = _dump(home, "predictions", "models")
    _run(home, "forecast_pre_race", span, remake=True)
    after = _dump(home, "predictions", "models")
    numbers = ["race_key", "model", "driver_id", "win_probability", "podium_probability", "expected_position"]
    old, new = (
        tables["predictions"]
        .query("race_key == '2025-citadel' and horizon == 'pre_race'")
        .reset_index(drop=True)
        for tables in (before, after)
    )
    pd.testing.assert_frame_equal(old[numbers], new[numbers], check_exact=False, rtol=1e-9)
    assert (new["created_at"] > old["created_at"]).all()
    assert len(after["models"]) == len(before["models"]) + len(REGISTERED) + len(COMBINED)
    rest = "race_key != '2025-citadel' or horizon != 'pre_race'"
    pd.testing.assert_frame_equal(before["predictions"].query(rest), after["predictions"].query(rest))


def test_backfill_makes_what_is_missing_and_keeps_the_rest(home: Settings) -> None:
    before = _dump(home)
    _forget(home, "predictions", race_key="2025-citadel")
    _forget(home, "model_accuracy", race_key="2025-citadel")
    run_backfill(home, 2025, 2025, tell=lambda line: None)
    after = _dump(home)
    rest = "race_key != '2025-citadel'"
    pd.testing.assert_frame_equal(before["predictions"].query(rest), after["predictions"].query(rest))
    drop = ["created_at"]
    pd.testing.assert_frame_equal(
        before["predictions"].drop(columns=drop),
        after["predictions"].drop(columns=drop),
        check_exact=False,
        rtol=1e-9,
    )
    _same({"models": before["models"]}, after)
    pd.testing.assert_frame_equal(
        before["model_accuracy"], after["model_accuracy"], check_exact=False, rtol=1e-9
    )


def test_backfill_of_seasons_that_are_not_there(home: Settings) -> None:
    with pytest.raises(NotReady, match="no races of 1990 to 1991"):
        run_backfill(home, 1990, 1991, tell=lambda line: None)


# --- a race arrives --------------------------------------------------------------------------------------


@pytest.fixture
def one_more_race(monkeypatch: pytest.MonkeyPatch) -> Callable[[], Any]:
    """The same world, one round later."""
    later = functools.partial(ONCE, finished_rounds=9)
    monkeypatch.setattr(simulated, "simulate", later)
    return later


@both
def test_a_new_race_is_taken_in_scored_and_followed(
    home: Settings, one_more_race: Callable[..., Any]
) -> None:
    before = _dump(home)
    calendar_before = reads.calendar(_engine(home))
    moment = datetime.now(UTC)
    new = one_more_race(3, 7).bundle
    changed = changed_races(_engine(home), new, calendar_before)
    assert NEXT in changed
    assert all(key >= NEXT for key in changed), "earlier races are as they were"

    told: list[str] = []
    report = run_update(home, told.append)
    after = _dump(home)
    assert report.next_race == AFTER_NEXT

    loads = after["data_loads"][after["data_loads"]["id"] > before["data_loads"]["id"].max()]
    assert set(loads["race_key"].dropna()) == changed
    assert set(loads.loc[loads["race_key"] == NEXT, "table_name"]) >= {"race_results", "starting_grid"}
    for name in schema.RACE_TABLES:
        pd.testing.assert_frame_equal(
            before[name][~before[name]["race_key"].isin(changed)].reset_index(drop=True),
            after[name][~after[name]["race_key"].isin(changed)].reset_index(drop=True),
            obj=name,
        )
        assert len(after[name]) == len(new.tables[name]), name

    # The forecast made before the race stands as it was, when it was made included.
    old = before["predictions"]
    kept = after["predictions"].merge(old[["race_key", "horizon"]].drop_duplicates())
    pd.testing.assert_frame_equal(kept, old, check_exact=True)
    assert (old.loc[old["race_key"] == NEXT, "created_at"] < moment).all()
    scored = after["model_accuracy"].query("race_key == @NEXT")
    models = len(TRAINED_MODELS) + len(COMBINED)
    assert len(scored) == sum(models + len(BASELINES[horizon]) for horizon in HORIZONS)
    winner = after["race_results"].query("race_key == @NEXT and position == 1")["driver_id"].tolist()
    assert scored["actual_winner"].unique().tolist() == winner
    rest = before["model_accuracy"]
    pd.testing.assert_frame_equal(
        after["model_accuracy"].query("race_key != @NEXT").reset_index(drop=True), rest
    )

    coming = after["predictions"].query("race_key == @AFTER_NEXT")
    assert set(coming["horizon"]) == {"pre_weekend"}
    assert (coming["created_at"] > moment).all()
    assert run_update(home, told.append).idle


# --- the clock jumps -------------------------------------------------------------------------------------


def test_a_clock_that_jumps_ahead_and_back_changes_no_forecast_and_no_score(
    home: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Six days after a race without a result it is given up, by a clock that is wrong: the next one must not stay so."""
    monkeypatch.setattr("f1_pipeline.storage.upcoming.is_published", lambda release: True)
    start = reads.calendar(_engine(home)).set_index("race_key").loc[NEXT, "start_at"].to_pydatetime()
    before = _dump(home)
    shutil.copytree(home.home, tmp_path / "undisturbed")
    with clock.at(start - timedelta(days=1)):
        assert run_update(home).idle
    for days in (400, 30):  # the data simply end before this day: nothing is given up
        with clock.at(start + timedelta(days=days)):
            assert run_update(home).next_race == NEXT
    _same(before, _dump(home))
    with clock.at(start + timedelta(days=6)):
        assert run_update(home).next_race == AFTER_NEXT
    for days in (-1, -400):
        with clock.at(start + timedelta(days=days)):
            assert run_update(home).next_race == NEXT
    held = _dump(home)
    _same({"model_accuracy": before["model_accuracy"]}, held)
    early = held["predictions"].query("race_key != @AFTER_NEXT").reset_index(drop=True)
    pd.testing.assert_frame_equal(early, before["predictions"], check_exact=True)

    # The result comes. What was forecast too early is forecast again, and all is as in a home whose clock was right.
    monkeypatch.setattr(simulated, "simulate", functools.partial(ONCE, finished_rounds=9))
    made = {}
    for name in ("copy", "undisturbed"):
        settings = _use(monkeypatch, tmp_path / name)
        with clock.at(start + timedelta(days=1)):
            assert run_update(settings).next_race == AFTER_NEXT
            assert run_update(settings).idle
        made[name] = {
            table: frame.drop(columns=["model_version", "created_at"], errors="ignore")
            for table, frame in _dump(
                settings, "predictions", "model_accuracy", "championship_forecasts"
            ).items()
        }
    _same(made["undisturbed"], made["copy"])


# --- prices arrive ---------------------------------------------------------------------------------------


def _prices(settings: Settings, race: str, horizon: str, hours: float, power: float = 1.0) -> pd.DataFrame:
    """A book around the pool's probabilities with a margin, taken some hours after the cutoff of a horizon."""
    rows = _dump(settings, "predictions")["predictions"].query(
        "race_key == @race and horizon == @horizon and model == 'pool'"
    )
    odds = 1 / np.clip(1.15 * rows["win_probability"] ** power, 1e-4, 0.95)
    return pd.DataFrame(
        {
            "race_key": race,
            "driver_id": rows["driver_id"],
            "source": "acme",
            "taken_at": rows["cutoff"] + pd.Timedelta(hours=hours),
            "decimal_odds": odds,
        }
    )


def _market_scores(settings: Settings) -> list[tuple[str, str]]:
    rows = _dump(settings, "model_accuracy")["model_accuracy"].query("model == 'market'")
    return sorted(zip(rows["race_key"], rows["horizon"], strict=True))


def test_prices_are_scored_by_the_next_update_and_only_where_they_were_early_enough(home: Settings) -> None:
    before = _dump(home)
    engine = _engine(home)
    early, between = "2025-citadel", NEWEST
    prices = [
        _prices(home, early, "pre_weekend", -1),
        _prices(home, between, "pre_weekend", 1),
        _prices(home, "2025-dalmatia", "pre_race", 0),  # at the start of the race
        _prices(home, NEXT, "pre_weekend", -1),  # not run yet
    ]
    market.add_prices(engine, pd.concat(prices))
    assert _market_scores(home) == [], "taking prices in scores nothing"
    report = run_update(home, lambda line: None)
    assert (report.changed_races, report.forecasts) == (0, 0)
    # A range from the first to the last of them or a few: what lies between may be scored again too.
    assert report.scores >= 3
    assert _market_scores(home) == [(early, "pre_race"), (early, "pre_weekend"), (between, "pre_race")]
    after = _dump(home)
    _same({name: before[name] for name in ("predictions", "models", "race_results")}, after)
    models = after["model_accuracy"].query("model != 'market'").reset_index(drop=True)
    pd.testing.assert_frame_equal(models, before["model_accuracy"])
    found = after["paired_differences"].set_index(["period", "horizon", "reference", "model"]).sort_index()
    assert found.loc[("all", "pre_race", "market", "elo"), "races"] == 2, "on exactly the races with prices"
    assert found.loc[("all", "pre_weekend", "market", "elo"), "races"] == 1
    assert found.loc[("all", "pre_race", "pool", "market"), "races"] == 2
    market_rows = after["reliability"].query("model == 'market' and period == 'all' and outcome == 'win'")
    assert market_rows.groupby("horizon")["count"].sum().to_dict() == {"pre_race": 40, "pre_weekend": 20}
    assert run_update(home, lambda line: None).idle

    # Prices that come later than the cutoff, whatever they say, change no score of that horizon.
    scores = after["model_accuracy"].query("model == 'market'").set_index(["race_key", "horizon"])
    late = _prices(home, early, "pre_race", 0, power=0.2)
    middle = _prices(home, early, "pre_weekend", 1, power=0.5)
    market.add_prices(engine, pd.concat([late, middle]))
    assert run_update(home, lambda line: None).scores == 1
    again = _dump(home, "model_accuracy")["model_accuracy"].query("model == 'market'")
    again = again.set_index(["race_key", "horizon"])
    assert again.loc[(early, "pre_weekend"), "log_loss"] == scores.loc[(early, "pre_weekend"), "log_loss"]
    assert again.loc[(early, "pre_race"), "log_loss"] != scores.loc[(early, "pre_race"), "log_loss"]

    assert market.remove_source(engine, "acme") == 6 * 20
    assert run_update(home, lambda line: None).idle
    assert _market_scores(home) == []
    assert "market" not in set(_dump(home, "accuracy_summaries")["accuracy_summaries"]["model"])


def test_an_update_makes_up_for_scores_of_an_older_version(home: Settings) -> None:
    """After a migration the new columns and tables are empty: the next update fills them without being asked."""
    before = _dump(home)
    with write_transaction(_engine(home)) as connection:
        connection.execute(schema.model_accuracy.update().values(binary_brier=None))
        for name in QUALITY:
            connection.execute(delete(schema.metadata.tables[name]))
    report = run_update(home, lambda line: None)
    assert (report.changed_races, report.forecasts, report.scores) == (0, 0, 24)
    after = _dump(home)
    _same({name: before[name] for name in ("model_accuracy", *QUALITY)}, after)


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
        return _variant(world, "corrected", race_results=results)

    monkeypatch.setattr(simulated, "simulate", functools.lru_cache(corrected))


def _variant(world: Any, digest: str, **tables: pd.DataFrame) -> Any:
    bundle = world.bundle
    changed = type(bundle)(bundle.source, bundle.release, digest, {**bundle.tables, **tables})
    return simulated.SimulatedWorld(changed, world.truth)


def _place(settings: Settings) -> dict[str, int]:
    return {key: index for index, key in enumerate(reads.calendar(_engine(settings))["race_key"])}


@both
@pytest.mark.usefixtures("a_correction")
def test_a_correction_of_an_old_race(home: Settings) -> None:
    """Rated again from there; forecasts of finished races stay, the score of that race is made again."""
    before = _dump(home)
    report = run_update(home, lambda line: None)
    after = _dump(home)
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
    _same({"predictions": after["predictions"], "models": after["models"]}, _dump(home))


@pytest.mark.usefixtures("a_correction")
def test_an_interrupted_correction_is_finished_by_the_next_update(
    home: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The corrected rows are in the tables, so nothing differs any more: the ratings must follow all the same."""
    before = _dump(home, "elo_ratings")["elo_ratings"]

    def broken(*args: Any, **kwargs: Any) -> None:
        raise RuntimeError("power cut")

    with monkeypatch.context() as patch:
        patch.setattr("f1_pipeline.assets.derived.elo_ratings", broken)
        with pytest.raises(UpdateFailed, match="power cut"):
            run_update(home, lambda line: None)
    pd.testing.assert_frame_equal(_dump(home, "elo_ratings")["elo_ratings"], before)
    run_update(home, lambda line: None)
    assert not _dump(home, "elo_ratings")["elo_ratings"].equals(before)
    assert run_update(home, lambda line: None).idle


def test_only_artefacts_that_are_kept_are_stored(home: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """An update that dies between models and forecasts leaves versions that nobody can load. The next one trains them
    again if they would be others by now, because a race before them was corrected; it must not stop there for good."""
    import mlflow

    before = _dump(home, "predictions")["predictions"]
    _forget(home, "models", horizon="pre_race")
    _forget(home, "predictions", horizon="pre_race")
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
    made = _dump(home, "models")["models"].query("horizon == 'pre_race' and name in @REGISTERED")
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
    after = _dump(home, "predictions", "models")
    place = _place(home)
    newest = after["models"].query("horizon == 'pre_race' and name == 'elo'")
    again = newest["race_key"].map(place) > place[CORRECTED]
    bench = open_workbench(_engine(home), "pre_race", home)
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
        return _variant(world, "rebuilt", races=races)

    before = _dump(home, "feature_matrix")["feature_matrix"]
    monkeypatch.setattr(simulated, "simulate", functools.lru_cache(rebuilt))
    report = run_update(home, lambda line: None)
    assert report.forecasts == 1
    after = _dump(home, "feature_matrix")["feature_matrix"]
    length = after.set_index("race_key")["track_length_km"]
    assert set(length[NEXT]) == {9.75}
    rest = "race_key != @NEXT"
    pd.testing.assert_frame_equal(before.query(rest), after.query(rest), check_exact=True)
    assert run_update(home, lambda line: None).idle


def test_a_coming_sprint_is_forecast_before_its_weekend(
    home: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next race becomes a sprint weekend; there is no grid yet, so one horizon; making it again is no news."""

    def with_sprint(seasons: int, seed: int) -> Any:
        world = ONCE(seasons, seed)
        races = world.bundle.tables["races"].copy()
        races.loc[races["race_key"] == NEXT, "is_sprint_weekend"] = True
        return _variant(world, "with-sprint", races=races)

    before = _dump(home, "sprint_predictions")["sprint_predictions"]
    monkeypatch.setattr(simulated, "simulate", functools.lru_cache(with_sprint))
    run_update(home, lambda line: None)
    after = _dump(home, "sprint_predictions")["sprint_predictions"]
    pd.testing.assert_frame_equal(after.query("race_key != @NEXT").reset_index(drop=True), before)
    coming = after.query("race_key == @NEXT")
    assert set(coming["horizon"]) == {"pre_weekend"}
    assert set(coming["model"]) == {"rating", "standings_frequency"}
    np.testing.assert_allclose(coming.groupby("model")["win_probability"].sum(), 1.0, atol=1e-9)
    assert run_update(home, lambda line: None).idle


def test_the_grid_of_a_sprint_that_comes_with_the_result_is_forecast_and_scored(home: Settings) -> None:
    """The weekend was forecast before it began; grid, sprint and race come with one release. What was forecast stays."""
    before = _dump(home, "sprint_predictions", "sprint_accuracy")
    race = str(before["sprint_predictions"].query("horizon == 'pre_sprint'")["race_key"].iloc[-1])
    _forget(home, "sprint_predictions", race_key=race, horizon="pre_sprint")
    _forget(home, "sprint_accuracy", race_key=race)
    run_update(home, lambda line: None)
    after = _dump(home, "sprint_predictions", "sprint_accuracy")
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


def test_views_that_an_interrupted_update_left_out_are_drawn_again(home: Settings) -> None:
    """The forecast is there, so it stays; its places, pairs and teams follow from it."""
    before = _dump(home)
    for table in ("position_probabilities", "head_to_head", "constructor_predictions"):
        _forget(home, table, race_key=NEWEST, horizon="pre_weekend")
    run_update(home, lambda line: None)
    after = _dump(home)
    for table in ("predictions", "position_probabilities", "head_to_head", "constructor_predictions"):
        pd.testing.assert_frame_equal(before[table], after[table], check_exact=True)
    assert run_update(home, lambda line: None).idle


# --- failures --------------------------------------------------------------------------------------------


@both
def test_a_failure_leaves_the_tables_as_they_were_and_names_the_step(
    home: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    _forget(home, "predictions", race_key=NEWEST, horizon="pre_race")
    before = _dump(home)

    def broken(*args: Any, **kwargs: Any) -> None:
        raise RuntimeError("out of orders")

    with monkeypatch.context() as patch:
        patch.setattr("f1_pipeline.assets.forecaster.prediction_rows", broken)
        with pytest.raises(UpdateFailed, match=r"predictions.*pre_race.*out of orders"):
            run_update(home, lambda line: None)
    _same(before, _dump(home))
    report = run_update(home, lambda line: None)
    assert (report.forecasts, report.scores) == (1, 1), "the next update goes on where the last one stopped"
    assert run_update(home, lambda line: None).idle


@both
def test_a_failure_between_delete_and_insert_keeps_the_old_rows(
    home: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = _dump(home, *DERIVED)

    def broken(*args: Any, **kwargs: Any) -> None:
        raise RuntimeError("disk full")

    with monkeypatch.context() as patch:
        patch.setattr("f1_pipeline.storage.writes.insert_rows", broken)
        with pytest.raises(UpdateFailed, match="disk full"):
            _run(home, "rate_and_describe", KeyRange("2025-citadel", "2026-seven-lakes"))
    _same(before, _dump(home, *DERIVED))


def test_wrong_probabilities_are_not_written(home: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    from f1_pipeline.assets import forecaster

    _forget(home, "predictions", race_key=NEWEST, horizon="pre_race")
    before = _dump(home)
    honest = forecaster.prediction_rows

    def unnormalised(*args: Any, **kwargs: Any) -> pd.DataFrame:
        rows = honest(*args, **kwargs)
        return rows.assign(win_probability=rows["win_probability"] * 1.01)

    with monkeypatch.context() as patch:
        patch.setattr(forecaster, "prediction_rows", unnormalised)
        with pytest.raises(UpdateFailed, match=f"check probabilities, race {NEWEST}"):
            run_update(home, lambda line: None)
    _same(before, _dump(home))


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
    held = _dump(home)
    assert NEXT in set(held["race_results"]["race_key"]), "finished stages stay"
    assert NEXT not in set(held["model_accuracy"]["race_key"])
    report = run_update(home, lambda line: None)
    assert report.next_race == AFTER_NEXT
    assert NEXT in set(_dump(home, "model_accuracy")["model_accuracy"]["race_key"])
    assert run_update(home, lambda line: None).idle


@both
def test_real_data_do_not_go_into_a_simulated_database(
    home: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    from f1_pipeline.assets import resources
    from f1_pipeline.sources.bundle import SourceBundle

    before = _dump(home)
    bundle = simulated.simulate(3, 7).bundle
    real = SourceBundle(
        "f1db", "v1", "other", {**bundle.tables, "drivers": bundle.tables["drivers"].assign(code="XXX")}
    )
    monkeypatch.setattr(resources, "load", lambda snapshot: real)
    with pytest.raises(UpdateFailed, match="never mixed"):
        _run(home, "read_source", None)
    _same(before, _dump(home))
    assert issubclass(WorldsMixed, Exception)


# --- what is forecast from when on -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("season", "first"),
    [
        (2014, "2025-wombat-coast"),  # two seasons must lie before: a model needs something to learn from
        (2025, "2025-wombat-coast"),
        (2026, "2026-wombat-coast"),
        (2027, None),
    ],
)
def test_the_first_race_that_is_forecast(home: Settings, season: int, first: str | None) -> None:
    settings = home.model_copy(update={"forecast_from_season": season})
    state = read_state(_engine(home), settings, None)
    assert state.forecast_from == first
    assert make_plan(state).is_empty()


def test_an_earlier_first_season_makes_the_forecasts_that_are_missing(home: Settings) -> None:
    for name in ("predictions", "model_accuracy"):
        for race in ("2025-wombat-coast", "2025-long-cloud"):
            _forget(home, name, race_key=race)
    engine = _engine(home)
    late = home.model_copy(update={"forecast_from_season": 2026})
    assert make_plan(read_state(engine, late, None)).is_empty()
    plan = make_plan(read_state(engine, home, None))
    span = [KeyRange("2025-wombat-coast", "2025-long-cloud")]
    assert plan.forecasts == dict.fromkeys(HORIZONS, span)
    assert plan.scores == span


# --- where the history is --------------------------------------------------------------------------------


def test_the_history_is_on_the_shared_instance(home: Settings) -> None:
    from f1_pipeline.dagster_instance import get_instance
    from f1_pipeline.definitions import defs

    with get_instance() as instance:
        keys = reads.calendar(_engine(home))["race_key"].tolist()
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
    assert reads.completed_digest(_engine(home)) == found["digest"]
    assert os.environ["F1_HOME"] == str(home.home)


def test_an_interrupted_remake_goes_on_where_it_was(home: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[tuple[str, str]] = []
    original = Runs.run

    def run(
        self: Runs, job: str, title: str, span: KeyRange | None, remake: bool = False, **more: Any
    ) -> None:
        if job.startswith("forecast_pre"):
            assert span is not None
            ran.append((job, span.start[:4]))
            if job == "forecast_pre_race" and span.start.startswith("2026") and len(ran) < 5:
                raise UpdateFailed("the lid was closed")
        original(self, job, title, span, remake=remake, **more)

    monkeypatch.setattr(Runs, "run", run)
    told: list[str] = []
    with pytest.raises(UpdateFailed, match="lid"):
        run_backfill(home, 2025, 2026, remake=True, tell=told.append)
    assert ran == [(f"forecast_{horizon}", season) for season in ("2025", "2026") for horizon in HORIZONS]
    assert any(line.startswith("1 of 2 seasons, about ") for line in told)
    ran.clear()
    ran.extend([("", "")] * 5)
    again: list[str] = []
    run_backfill(home, 2025, 2026, remake=True, tell=again.append)
    assert ran[5:] == [(f"forecast_{horizon}", "2026") for horizon in HORIZONS]
    assert "going on with what was interrupted: 1 of 2 seasons are done" in again
    assert "2 of 2 seasons, done" in again
    assert not (home.home / "backfill.json").exists(), "the next remake begins at its beginning"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(2, "about 10 s left"), (44, "about 40 s left"), (240, "about 4 min left"), (7200, "about 2.0 h left")],
)
def test_the_time_left(seconds: float, words: str) -> None:
    assert time_left(seconds) == words


@both
def test_two_updates_wait_for_each_other(home: Settings) -> None:
    told: list[str] = []
    with alone(home, told.append):
        other = threading.Thread(target=lambda: run_update(home, told.append))
        other.start()
        deadline = time.monotonic() + 10
        while not told and time.monotonic() < deadline:
            time.sleep(0.02)
        assert told == ["another update is running; waiting for its end ..."]
    other.join()
    assert any(line.startswith("source: simulated") for line in told)


# --- to another database ---------------------------------------------------------------------------------


def test_tables_that_moved_to_postgresql_go_on_as_the_file_does(
    home: Settings,
    built: Built,
    one_more_race: Callable[[], Any],
    new_postgres: Callable[..., str],
    drop_postgres: Callable[[str], None],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """From a laptop to a server: nothing that was published is lost, and the next race ends in the same rows."""
    later = simulated.simulate
    run_update(home, lambda _: None)
    stayed = _dump(home)

    server = new_postgres()
    carry_over(str(built.home / "f1.db"), server, lambda _: None)
    moved = _use(monkeypatch, tmp_path / "new-home", {"F1_DATABASE_URL": server})
    monkeypatch.setattr(simulated, "simulate", ONCE)
    assert run_update(moved, lambda _: None).idle, "nothing that came along is made again"
    monkeypatch.setattr(simulated, "simulate", later)
    run_update(moved, lambda _: None)
    gone = _dump(moved)

    counts = ["id", "mlflow_run_id", "mlflow_version"]
    moments = ["created_at", "loaded_at", "trained_at", "decided_at"]
    for name, frame in stayed.items():
        left_out = [column for column in [*counts, *moments, *MOMENTS.get(name, [])] if column in frame]
        pd.testing.assert_frame_equal(
            gone[name].drop(columns=left_out), frame.drop(columns=left_out), check_exact=True, obj=name
        )
    _let_go({"F1_DATABASE_URL": server})
    drop_postgres(server)
