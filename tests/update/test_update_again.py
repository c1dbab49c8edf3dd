"""The same again: an update with nothing to do, and rows that are made a second time and are the same."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
import time

import pandas as pd
import pytest
from dagster._core.storage.tags import ASSET_PARTITION_RANGE_END_TAG, ASSET_PARTITION_RANGE_START_TAG
from sqlalchemy import select, update

from f1_pipeline.automation.plan import KeyRange
from f1_pipeline.backfill import run_backfill
from f1_pipeline.dagster_instance import dagster_environment
from f1_pipeline.domain.vocabulary import COMBINED, POOL, POOL_MEMBERS, REGISTERED, RETIREMENT
from f1_pipeline.settings import ROOT, Settings
from f1_pipeline.sources import simulated
from f1_pipeline.storage import reads, schema
from f1_pipeline.storage.engine import get_engine
from f1_pipeline.turn import alone
from f1_pipeline.update import run_update
from tests.quiet import QUIET
from tests.small_updates import ONCE
from tests.update.world import NEWEST, NEXT, QUALITY, both, dump, engine_of, forget, run_job, same

pytestmark = QUIET


@both
def test_a_second_update_is_idle_and_starts_no_run(home: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    before = dump(home)

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
    same(before, dump(home))


def test_materialising_again_gives_the_same_rows(home: Settings) -> None:
    before = dump(home)
    run_job(home, "ingest_races", KeyRange("2023-wombat-coast", "2026-skeleton-sands"))
    report = run_backfill(home, 2023, 2026, tell=lambda line: None)
    assert report.forecasts == 25 + 24
    same(before, dump(home))


@pytest.mark.parametrize("then", [{"random_forest": 1}, {}], ids=["one member more", "no retirements"])
def test_versions_of_another_pool_stay_with_the_forecasts_made_of_them(
    home: Settings, then: dict[str, int]
) -> None:
    """Releases that take a member out of the pool, or let it know who may retire: what finished races were forecast with is
    not made again. The next race is forecast by the pool of today."""
    engine = get_engine(home.tables_url)
    table = schema.models
    mine = table.c.name == POOL
    with engine.begin() as connection:
        for row in connection.execute(select(table).where(mine)).mappings().all():
            members = {name: row["hyperparameters"]["members"][name] for name in POOL_MEMBERS} | then
            this = mine & (table.c.version == row["version"])
            connection.execute(
                update(table)
                .where(this)
                .values(hyperparameters={**row["hyperparameters"], "members": members})
            )
    before = dump(home)
    run_job(home, "forecast_pre_race", KeyRange(NEWEST, NEWEST))
    same(before, dump(home))
    run_job(home, "forecast_pre_weekend", KeyRange(NEXT, NEXT))
    pools = dump(home, "models")["models"].query("name == @POOL and horizon == 'pre_weekend'")
    assert len(pools) == len(before["models"].query("name == @POOL and horizon == 'pre_weekend'")) + 1
    newest = pools.loc[pools["version"].idxmax()]
    assert newest["race_key"] == NEXT
    assert set(newest["hyperparameters"]["members"]) == {*POOL_MEMBERS, RETIREMENT}


def test_a_process_for_each_step_makes_the_same_rows(home: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a stage is run that somebody starts in the Dagster UI: nothing but the tables passes from step to step.

    All stages, with those that train: ``benchmarks/executors.py``.
    """
    names = ("model_accuracy", "sprint_accuracy", *QUALITY)
    before = dump(home, *names)
    for name in names:
        forget(home, name)
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
    same(before, dump(home, *names))


def test_a_range_writes_its_own_races_only(home: Settings) -> None:
    forget(home, "elo_ratings", race_key="2025-citadel")
    forget(home, "elo_ratings", race_key="2025-dalmatia")
    run_job(home, "rate_and_describe", KeyRange("2025-citadel", "2025-citadel"))
    rated = reads.race_keys_with(engine_of(home), schema.elo_ratings)
    assert "2025-citadel" in rated
    assert "2025-dalmatia" not in rated


def test_a_forecast_made_again_after_the_race_is_the_same(home: Settings) -> None:
    """Remade, knowing the result and everything after it: a leak would show."""
    span = KeyRange("2025-citadel", "2025-citadel")
    before = dump(home, "predictions", "models")
    run_job(home, "forecast_pre_race", span, remake=True)
    after = dump(home, "predictions", "models")
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
