"""Sensors and schedules on a small invented world: what they ask for, what they say, and what a tick costs."""

from __future__ import annotations

import importlib
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from dagster import AssetCheckKey, AssetKey, RunRequest, SkipReason
from sqlalchemy import Engine, insert

from f1_pipeline import clock
from f1_pipeline.automation import watch
from f1_pipeline.automation.requests import request, stands_by
from f1_pipeline.errors import BudgetExhausted
from f1_pipeline.rehearsal import SETTINGS, Performance, Scene, rehearse
from f1_pipeline.settings import get_settings
from f1_pipeline.sources.jolpica import JolpicaClient
from f1_pipeline.storage import migrate, reads, schema
from f1_pipeline.storage.engine import get_engine, write_transaction
from f1_pipeline.storage.polls import polls
from f1_pipeline.storage.revisions import revisions_of

sys.path.insert(0, str(Path(__file__).parent))
import small_weekend as small

from tests.quiet import QUIET_DAGSTER

pytestmark = QUIET_DAGSTER

RACE, AFTER, SUNDAY, HOUR = small.RACE, small.AFTER, small.SUNDAY, small.HOUR


@dataclass
class Played:
    performance: Performance
    home: Path
    seen: dict[str, Any] = field(default_factory=dict)

    def scene(self, name: str) -> Scene:
        return next(scene for scene in self.performance.scenes if scene.moment.name == name)

    @property
    def engine(self) -> Engine:
        return get_engine(f"sqlite:///{self.home / 'f1.db'}")


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    # Before F1_AUTOMATION is on: whether sensors run by default is decided once for a process.
    importlib.import_module("f1_pipeline.definitions")
    folder = tmp_path_factory.mktemp("small")
    known = small.crosswalk()
    found = Played(Performance(), folder / "home")

    def look(scene: Scene) -> None:
        from f1_pipeline.dagster_instance import get_instance

        with get_instance() as instance:
            key = AssetCheckKey(AssetKey(["source", "live"]), "content")
            record = instance.event_log_storage.get_latest_asset_check_execution_by_key([key]).get(key)
            found.seen[scene.moment.name] = (
                record and record.event.dagster_event.asset_check_evaluation_data.passed
            )

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(watch, "crosswalk", lambda: known)
        found.performance = rehearse(
            small.weekend(folder), found.home, lambda line: None, known, look, small.SETTINGS
        )
    yield found
    get_settings.cache_clear()


@pytest.mark.usefixtures("after")
def test_status_says_what_is_asked_and_due(played: Played) -> None:
    """Fault 3: the age of the last good copy is shown. Stands first: tests below ask for the race of that Sunday."""
    from f1_pipeline.cli.reports import read_status

    with clock.at(SUNDAY + timedelta(days=27)):
        found = read_status(played.engine, get_settings())
    assert found["live"]["requests_per_hour"] == 200
    assert 0 < found["live"]["requests_last_hour"] < 60
    assert found["live"]["next_due"] == "2026-05-03 15:05 UTC, 2026-gammaland race"
    assert found["live"]["last_asked"].endswith(("same", "not yet", "failed"))
    assert found["hours_since_good"]["Jolpica"] > 24
    assert set(found["hours_since_good"]) == {"F1DB", "Jolpica"}


def test_quiet_days_run_nothing_but_the_daily_looks(played: Played) -> None:
    assert played.performance.failed_runs == []
    assert played.scene("thursday").runs == ()
    assert set(played.scene("during the race").runs) == {"watch"}
    assert played.scene("monday").runs.count("update") == 1, "the weekly training, on Monday at two"
    assert played.scene("tuesday evening").runs == ()
    said = dict(played.scene("thursday").said)
    assert said["f1db_release"] == "F1DB is at v2026.1.0, and so are the tables"
    assert said["weekend_sessions"] == "no session is due; next 2026-betaland race at 2026-04-05 15:05 UTC"
    assert said["corrections"] == "everything that is kept is in the tables"


def test_an_impossible_result_is_a_failed_check_until_it_is_mended(played: Played) -> None:
    """Fault 12."""
    impossible = played.scene("impossible")
    assert impossible.result == ""
    assert impossible.runs.count("update") == 0
    assert any("position 1 is given to two cars" in what for _, what in impossible.said)
    assert played.seen["during the race"] is True
    assert played.seen["impossible"] is False
    assert played.seen["result"] is True


def test_a_result_is_taken_confirmed_and_corrected(played: Played) -> None:
    """Fault 6: both versions are kept."""
    names = ("impossible", "result", "release", "correction")
    assert [played.scene(name).result for name in names] == ["", "Jolpica", "F1DB", "Jolpica"]
    assert played.scene("result").next_race == AFTER
    versions = revisions_of(played.engine, RACE, "race_results")
    assert [version.source for version in versions] == ["jolpica", "f1db", "jolpica"]
    first = versions[-1].rows.set_index("position")["driver_id"]
    assert (first[1], first[2]) == ("ada-apex", "cy-curb")
    assert played.scene("correction").runs.count("update") == 1


def test_the_table_of_the_moments_fits(played: Played, capsys: pytest.CaptureFixture[str]) -> None:
    from f1_pipeline.cli.output import print_table
    from f1_pipeline.cli.replay import moments

    table = moments(played.performance)
    assert len(table) == len(small.MOMENTS)
    assert table.set_index("moment").loc["result", "runs"] == "update"
    assert any(" x" in runs for runs in table["runs"])
    print_table(table)
    assert "…" not in capsys.readouterr().out, "nothing is cut off"


def test_nothing_is_doubled(played: Played) -> None:
    results = reads.read_table(played.engine, schema.race_results, [RACE])
    assert len(results) == 4
    assert not results.duplicated("driver_id").any()


def test_what_was_asked_is_on_record(played: Played) -> None:
    record = polls(played.engine)
    assert record["2026-betaland race"].answered_at is not None
    assert {"2026 calendar", "2026 results", "2026 standings"} <= set(record)
    assert played.scene("tuesday evening").jolpica < 60


@pytest.fixture
def after(played: Played, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The instance of the home after the rehearsal, on a quiet Wednesday; its sources are closed."""
    from f1_pipeline.dagster_instance import get_instance

    for name, value in {**SETTINGS, "F1_HOME": str(played.home)}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("F1_F1DB_URL", "http://127.0.0.1:9/releases")
    monkeypatch.setenv("F1_JOLPICA_URL", "http://127.0.0.1:9/ergast")
    get_settings.cache_clear()
    with get_instance() as instance, clock.at(SUNDAY + timedelta(days=9)):
        yield instance


def tick(instance: Any, name: str) -> tuple[list[RunRequest], str]:
    from dagster import build_sensor_context

    from f1_pipeline.definitions import defs

    context = build_sensor_context(
        instance=instance, sensor_name=name, repository_def=defs.get_repository_def()
    )
    data = defs.resolve_sensor_def(name).evaluate_tick(context)
    return list(data.run_requests or ()), data.skip_message or ""


def test_a_tick_with_nothing_new_is_quick_and_asks_nobody(after: Any) -> None:
    for name in ("weekend_sessions", "corrections"):
        tick(after, name)  # what has to be imported
        # Its own time: the machine may be busy with something else.
        began = time.process_time()
        found, said = tick(after, name)
        assert time.process_time() - began < 1
        assert (found, bool(said)) == ([], True)


def test_a_tick_with_nothing_new_makes_two_requests_at_most(played: Played) -> None:
    """The calendar, which is mostly still in the cache, and one session; the release of F1DB is one."""
    quiet = [tick for tick in played.performance.ticks if not tick.ran]
    costs = {
        name: {tick.requests for tick in quiet if tick.sensor == name}
        for name in ("f1db_release", "weekend_sessions", "corrections")
    }
    assert costs["f1db_release"] == {1}
    assert costs["corrections"] == {0}
    assert {0, 1} <= costs["weekend_sessions"] <= {0, 1, 2}


def test_an_outage_is_no_failure(after: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fault 3."""
    assert "what was taken in stays" in tick(after, "f1db_release")[1]
    with clock.at(datetime(2026, 5, 3, 15, 10, tzinfo=UTC)):
        found, said = tick(after, "weekend_sessions")
    assert found == []
    assert "2026-gammaland race: failed" in said


def test_an_exhausted_budget_stops_and_goes_on(after: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fault 1: nothing is asked, what is due stays due, and the daily look is asked for again when it may be."""
    soon = datetime.now(UTC) + timedelta(minutes=30)

    def full(*_: object, **__: object) -> None:
        raise BudgetExhausted("jolpica: 200 requests in the last hour", soon)

    monkeypatch.setattr(JolpicaClient, "_ask", full)
    with watch.Watch(get_settings(), get_engine(get_settings().tables_url)) as looking:
        outcome = looking.topic("results")
    assert outcome.stopped
    assert outcome.poll.retry_at is not None
    assert abs(outcome.poll.retry_at - clock.now() - timedelta(minutes=30)) < timedelta(minutes=1)
    assert tick(after, "corrections")[0] == []
    with clock.at(clock.now() + HOUR):
        found, _ = tick(after, "corrections")
    assert [one.job_name for one in found] == ["watch"]
    assert found[0].run_config == {"ops": {"source__live": {"config": {"topics": ["results"]}}}}


def test_the_same_content_is_asked_for_once_a_day(after: Any) -> None:
    """Fault 6: a correction runs, a repeat does not."""
    first = request(after, "update", "why", "content")
    assert isinstance(first, RunRequest)
    after.create_run_for_job(_job(), tags=first.tags)
    assert isinstance(request(after, "update", "why", "content"), SkipReason)
    other = request(after, "update", "why", "other content")
    assert isinstance(other, RunRequest)
    assert other.run_key != first.run_key
    with clock.at(clock.now() + timedelta(days=1)):
        assert isinstance(request(after, "update", "why", "content"), RunRequest), "a failed one, tomorrow"


def _job() -> Any:
    from dagster import job, op

    @op
    def nothing() -> None:
        """Nothing."""

    @job
    def empty() -> None:
        nothing()

    return empty


def test_an_installation_without_data_is_left_alone() -> None:
    from f1_pipeline.dagster_instance import get_instance

    settings = get_settings()
    with get_instance() as instance:
        assert "run `f1 update` once" in str(stands_by(instance, settings))
        assert not (settings.home / "f1.db").exists(), "looking creates nothing"
        migrate.upgrade(settings.tables_url)
        assert "has not been finished" in str(stands_by(instance, settings))
        engine = get_engine(settings.tables_url)
        load = {
            "table_name": reads.COMPLETED, "source": "simulated", "release": "simulated-7", "content_hash": "x",
            "row_count": 0, "loaded_at": clock.now(),
        }  # fmt: skip
        with write_transaction(engine) as connection:
            connection.execute(insert(schema.data_loads), [load])
        assert stands_by(instance, settings) == "the championship is simulated: nothing new ever comes"
