"""What Prometheus is told about the pipeline: right numbers, few labels, and never nothing because one part fails."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from dagster import DagsterInstance, DagsterRunStatus, build_sensor_context
from dagster._core.test_utils import create_run_for_test
from dagster._daemon.types import DaemonHeartbeat
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import insert
from typer.testing import CliRunner

from f1_pipeline.cli.app import app
from f1_pipeline.dagster_instance import get_instance
from f1_pipeline.errors import NotReady
from f1_pipeline.live import jolpica_budget
from f1_pipeline.metrics.collector import Pipeline
from f1_pipeline.metrics.runs import read_runs
from f1_pipeline.metrics.server import as_text, serving
from f1_pipeline.settings import ROOT, Settings, get_settings
from f1_pipeline.storage import schema
from f1_pipeline.storage.engine import get_engine, write_transaction
from f1_pipeline.storage.heartbeats import DAEMON, beat, beats
from f1_pipeline.storage.migrate import downgrade, upgrade
from f1_pipeline.storage.reads import COMPLETED
from tests.quiet import QUIET_DAGSTER

pytestmark = QUIET_DAGSTER
HOUR = 3600.0


def values(text: str) -> dict[str, dict[str, float]]:
    """Numbers by name and by the value of their one label."""
    found: dict[str, dict[str, float]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            assert len(sample.labels) <= 1, sample
            found.setdefault(sample.name, {})["".join(sample.labels.values())] = sample.value
    return found


def _ago(hours: float) -> datetime:
    return datetime.now(UTC) - timedelta(hours=hours)


@pytest.fixture
def tables() -> Settings:
    """Settings of migrated tables: two races, one of them with a result, forecast and scored by two models."""
    settings = get_settings()
    upgrade(settings.tables_url)
    day = datetime.now(UTC).date()
    with write_transaction(get_engine(settings.tables_url)) as connection:
        connection.execute(insert(schema.seasons).values(season=2026))
        connection.execute(
            insert(schema.circuits).values(
                circuit_id="ring", name="Ring", place="Town", country_id="land", type="RACE"
            )
        )
        for number, date in enumerate((day - timedelta(days=9), day - timedelta(days=2)), start=1):
            connection.execute(insert(schema.races).values(**_race(number, date)))
        connection.execute(insert(schema.drivers).values(**_required(schema.drivers, driver_id="ada")))
        connection.execute(
            insert(schema.constructors).values(**_required(schema.constructors, constructor_id="comet"))
        )
        for key, made in (("2026-one", 200.0), ("2026-two", 3.0)):
            for model in ("pool", "elo"):
                connection.execute(
                    insert(schema.predictions).values(
                        **_required(
                            schema.predictions,
                            race_key=key,
                            horizon="pre_race",
                            model=model,
                            driver_id="ada",
                            constructor_id="comet",
                            created_at=_ago(made),
                        )
                    )
                )
                connection.execute(
                    insert(schema.model_accuracy).values(
                        **_required(
                            schema.model_accuracy,
                            race_key=key,
                            horizon="pre_race",
                            model=model,
                            log_loss=made + (0.5 if model == "pool" else 0.0),
                            scored_at=_ago(1),
                        )
                    )
                )
            connection.execute(
                insert(schema.race_results).values(
                    **_required(schema.race_results, race_key=key, driver_id="ada", constructor_id="comet")
                )
            )
        for name, hours in ((COMPLETED, 4.0), ("race_results", 5.0), ("races", 90.0)):
            connection.execute(
                insert(schema.data_loads).values(
                    **_required(schema.data_loads, table_name=name, source="f1db", loaded_at=_ago(hours))
                )
            )
        connection.execute(
            insert(schema.source_polls).values(
                **_required(schema.source_polls, source="jolpica", subject="x", answered_at=_ago(2))
            )
        )
    return settings


def _required(table: Any, **given: Any) -> dict[str, Any]:
    """The given values, and something for every other column that must have one."""
    made: dict[str, Any] = {}
    for column in table.columns:
        automatic = column.autoincrement is True or (column.primary_key and column.name == "id")
        if column.name in given or (column.nullable and not column.primary_key) or automatic:
            continue
        kind = column.type.python_type if not isinstance(column.type, schema.UtcDateTime) else datetime
        made[column.name] = {str: "x", int: 1, float: 0.5, bool: False, datetime: _ago(1)}.get(kind, {})
    return made | given


def _race(number: int, date: Any) -> dict[str, Any]:
    name = ("one", "two")[number - 1]
    return _required(
        schema.races,
        race_key=f"2026-{name}",
        season=2026,
        round=number,
        grand_prix_id=name,
        circuit_id="ring",
        date=date,
    )


@pytest.fixture
def instance() -> Iterator[DagsterInstance]:
    with get_instance() as opened:
        yield opened


def test_the_numbers_of_the_tables(tables: Settings) -> None:
    beat(get_engine(tables.tables_url), DAEMON, 60)
    found = values(as_text(tables))
    assert found["f1_readable"] == {"tables": 1, "dagster": 1, "requests": 1}
    assert found["f1_update_age_seconds"][""] == pytest.approx(4 * HOUR, abs=60)
    assert found["f1_data_age_seconds"][""] == pytest.approx(5 * HOUR, abs=60)
    assert 2 * 24 * HOUR <= found["f1_newest_result_age_seconds"][""] < 3 * 24 * HOUR + 60
    assert found["f1_forecast_races"] == {"pre_race": 2}
    assert found["f1_forecast_age_seconds"]["pre_race"] == pytest.approx(3 * HOUR, abs=60)
    assert found["f1_last_log_loss"] == {"pre_race": 3.5}, "of the pool, on the newest race by date"
    assert found["f1_score_age_seconds"]["pre_race"] == pytest.approx(HOUR, abs=60)
    assert found["f1_source_answer_age_seconds"]["jolpica"] == pytest.approx(2 * HOUR, abs=60)
    assert found["f1_heartbeat_age_seconds"][DAEMON] == pytest.approx(0, abs=60)


def test_the_numbers_of_dagster(tables: Settings, instance: DagsterInstance) -> None:
    for status in (
        *[DagsterRunStatus.SUCCESS] * 3,
        *[DagsterRunStatus.FAILURE] * 2,
        DagsterRunStatus.CANCELED,
        DagsterRunStatus.NOT_STARTED,
        DagsterRunStatus.STARTED,
        DagsterRunStatus.STARTING,
    ):
        create_run_for_test(instance, status=status)
    instance.add_daemon_heartbeat(DaemonHeartbeat(time.time() - 90, "SENSOR", "an-id"))
    found = values(as_text(tables))
    assert found["f1_runs_last_day"] == {"success": 3, "failure": 2, "canceled": 1}
    assert found["f1_runs_open"] == {"waiting": 1, "running": 2}
    assert found["f1_daemon_heartbeat_age_seconds"]["SENSOR"] == pytest.approx(90, abs=30)
    # A day later they are of yesterday; what is open stays so.
    later = read_runs(instance, datetime.now(UTC) + timedelta(hours=25))
    assert later.ended == {"success": 0, "failure": 0, "canceled": 0}
    assert later.unfinished == {"waiting": 1, "running": 2}


def test_requests_are_those_of_the_hour(tables: Settings) -> None:
    assert values(as_text(tables))["f1_source_requests_last_hour"] == {"jolpica": 0}
    assert not tables.limits_dir.exists(), "to look begins no count"
    for _ in range(3):
        jolpica_budget(tables).acquire()
    found = values(as_text(tables))
    assert found["f1_source_requests_last_hour"] == {"jolpica": 3}
    assert found["f1_source_requests_allowed"] == {"jolpica": tables.jolpica_per_hour}


def test_with_nothing_there_it_says_so_and_makes_nothing() -> None:
    settings = get_settings()
    found = values(as_text(settings))
    assert found["f1_readable"] == {"tables": 0, "dagster": 1, "requests": 1}
    assert "f1_update_age_seconds" not in found
    assert not (settings.home / "f1.db").exists()


def test_one_part_that_fails_leaves_the_others(
    tables: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    downgrade(tables.tables_url, "0007")  # no table of heartbeats
    found = values(as_text(tables))
    assert found["f1_readable"] == {"tables": 0, "dagster": 1, "requests": 1}
    assert "metrics: tables cannot be read: " in caplog.text
    upgrade(tables.tables_url)

    def broken(*_: object) -> None:
        raise OSError("the disk is gone")

    registry = CollectorRegistry()
    pipeline = Pipeline(tables, kept_seconds=-1)
    registry.register(pipeline)
    with monkeypatch.context() as patch:
        patch.setattr("f1_pipeline.metrics.collector.read_runs", broken)
        assert registry.get_sample_value("f1_readable", {"part": "dagster"}) == 0
        assert registry.get_sample_value("f1_readable", {"part": "tables"}) == 1
    assert registry.get_sample_value("f1_readable", {"part": "dagster"}) == 1, "opened anew"
    pipeline.close()


def test_what_was_read_is_told_again_for_a_moment(tables: Settings) -> None:
    found = {}
    for kept in (-1.0, 1000.0):
        registry, pipeline = CollectorRegistry(), Pipeline(tables, kept_seconds=kept)
        registry.register(pipeline)
        with write_transaction(get_engine(tables.tables_url)) as connection:
            connection.execute(schema.heartbeats.delete())
        ages = [registry.get_sample_value("f1_heartbeat_age_seconds", {"name": DAEMON})]
        beat(get_engine(tables.tables_url), DAEMON, 60)
        ages.append(registry.get_sample_value("f1_heartbeat_age_seconds", {"name": DAEMON}))
        pipeline.close()
        found[kept] = [age is not None for age in ages]
    assert found == {-1.0: [False, True], 1000.0: [False, False]}


def test_it_is_served(tables: Settings) -> None:
    with serving(tables, port=0) as port:
        address = f"http://127.0.0.1:{port}/metrics"
        answer = requests.get(address, timeout=20)
        assert answer.headers["Content-Type"].startswith("text/plain; version=")
        assert values(answer.text)["f1_forecast_races"] == {"pre_race": 2}
        with pytest.raises(NotReady, match="F1_METRICS_PORT"), serving(tables, port=port):
            pass
    with pytest.raises(requests.ConnectionError):
        requests.get(address, timeout=5)


def test_as_the_supervisor_starts_it(tables: Settings, tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {**os.environ, "F1_METRICS_PORT": str(port)}
    log = tmp_path / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "f1_pipeline.metrics"],
            env=environment,
            cwd=ROOT,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        deadline = time.monotonic() + 60
        while True:
            assert process.poll() is None, log.read_text()
            try:
                text = requests.get(f"http://127.0.0.1:{port}/metrics", timeout=10).text
                break
            except requests.ConnectionError:
                assert time.monotonic() < deadline, log.read_text()
                time.sleep(0.1)
        assert values(text)["f1_readable"] == {"tables": 1, "dagster": 1, "requests": 1}
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    finally:
        process.kill()
        process.wait(20)


def test_printed_once(tables: Settings) -> None:
    result = CliRunner().invoke(app, ["metrics", "--once"])
    assert result.exit_code == 0, result.output
    assert values(result.stdout)["f1_forecast_races"] == {"pre_race": 2}


# --- the sign of life -------------------------------------------------------------------------------------


def _tick() -> str:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from f1_pipeline.definitions import defs
    data = defs.resolve_sensor_def("heartbeat").evaluate_tick(
        build_sensor_context(instance=DagsterInstance.ephemeral(), sensor_name="heartbeat")
    )
    assert not data.run_requests
    return str(data.skip_message)


def test_a_tick_of_the_daemon_is_a_sign_of_life(tables: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = get_engine(tables.tables_url)
    assert _tick() == "alive"
    first = beats(engine)[DAEMON]
    assert (first.every_seconds, first.host) == (60, socket.gethostname())
    # On the clock of the system, also while a weekend of last year is played.
    monkeypatch.setenv("F1_NOW", "2025-07-26T14:00:00+02:00")
    assert _tick() == "alive"
    second = beats(engine)[DAEMON]
    assert timedelta() <= second.beat_at - first.beat_at < timedelta(minutes=2)
    assert list(beats(engine)) == [DAEMON]


def test_without_tables_a_tick_makes_none() -> None:
    assert _tick() == "there are no tables of this version yet"
    assert not (get_settings().home / "f1.db").exists()
