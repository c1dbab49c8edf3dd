"""The update: look for a new state of the source, take in what changed, and do again what stands on it.

Every step is a Dagster run of some assets over some races on the shared instance, so that the Dagster UI shows the
same history whoever started it.
"""

from __future__ import annotations

import gc
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout
from sqlalchemy import Engine, insert

from f1_pipeline import clock, logs, weather
from f1_pipeline.automation.forgetting import forget_what_is_old
from f1_pipeline.automation.plan import KeyRange, Plan, key_ranges, make_plan
from f1_pipeline.automation.state import read_state
from f1_pipeline.domain.vocabulary import HORIZONS
from f1_pipeline.errors import F1Error, SourceUnavailable, StoreUnavailable
from f1_pipeline.settings import Settings
from f1_pipeline.snapshot import Snapshot, load, refresh, remembered
from f1_pipeline.storage import reads, schema
from f1_pipeline.storage.decisions import stood_in
from f1_pipeline.storage.engine import get_engine, only_update, write_transaction
from f1_pipeline.storage.live import newest_marks
from f1_pipeline.storage.marks import remember_marks
from f1_pipeline.storage.migrate import upgrade
from f1_pipeline.storage.outages import outage, outages_named
from f1_pipeline.storage.upcoming import calendar_now, is_published

if TYPE_CHECKING:
    from dagster import DagsterInstance, JobDefinition

logger = logging.getLogger(__name__)
Tell = Callable[[str], None]

_OBJECTS = 50_000
"""New objects after which Python looks for garbage. Dagster and MLflow bring half a million objects that stay; looking
at them after every 700 new ones takes 2.7 of 35 s of computing, like this .7, and the memory is the same."""


@dataclass
class Report:
    """What an update did. ``seconds`` by stage; ``next_race`` is the race to be forecast next,
    ``weather`` the one whose weather forecast is new."""

    source: str
    release: str
    note: str | None
    changed_races: int = 0
    forecasts: int = 0
    championships: int = 0
    scores: int = 0
    next_race: str | None = None
    weather: str | None = None
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def idle(self) -> bool:
        """Nothing was new."""
        return not (self.changed_races or self.forecasts or self.championships or self.scores)


class UpdateFailed(F1Error):
    """A Dagster run of the update failed; the message is that of its first failed step."""


class UpdateInterrupted(UpdateFailed, StoreUnavailable):
    """The same, because a database or the disk did not go along: the next update goes on there."""


def run_update(settings: Settings, tell: Tell = logger.info, retrain: bool = False) -> Report:
    """Bring everything up to date; ``tell`` receives a line per stage. Waits for another update that is running.

    ``retrain``: forecast the next race by models that are fitted anew, even if nothing is new.

    Raises:
        F1Error: what kept it from finishing. Stages that were finished stay; the next update goes on there.
    """
    gc.set_threshold(_OBJECTS, 10, 10)
    with alone(settings, tell):
        return _update(settings, tell, retrain)


_WAITING = "another update is running; waiting for its end ..."


@contextmanager
def alone(settings: Settings, tell: Tell) -> Iterator[None]:
    """One update or backfill of an installation at a time: a schedule may start one while somebody types `f1 update`.

    The system lets go of the lock when a process dies.

    Raises:
        StoreUnavailable: inside, a database or the disk did not go along.
    """
    with outages_named(), _alone(settings, tell):
        yield


@contextmanager
def _alone(settings: Settings, tell: Tell) -> Iterator[None]:
    settings.home.mkdir(parents=True, exist_ok=True)
    lock = FileLock(settings.home / "update.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        tell(_WAITING)
        lock.acquire()
    try:
        # In a cluster, machines share tables and no files.
        with only_update(get_engine(settings.tables_url), lambda: tell(_WAITING)):
            yield
    finally:
        lock.release()


def _update(settings: Settings, tell: Tell, retrain: bool) -> Report:
    upgrade(settings.tables_url)
    engine = get_engine(settings.tables_url)
    snapshot = refresh(settings, reads.held_source(engine), newest_marks(engine))
    tell(f"source: {snapshot.source} {snapshot.release}" + (f" — {snapshot.note}" if snapshot.note else ""))
    report = Report(snapshot.source, snapshot.release, snapshot.note)
    known = reads.completed_digest(engine) == snapshot.digest
    plan = make_plan(read_state(engine, settings, None if known else load(snapshot)))
    if (retrain or not known or not plan.is_empty()) and _calendar_is_new(settings, engine, snapshot, tell):
        snapshot = refresh(settings, reads.held_source(engine), newest_marks(engine))
        known = reads.completed_digest(engine) == snapshot.digest
        plan = make_plan(read_state(engine, settings, None if known else load(snapshot)))
    if not known or not plan.is_empty():
        _carry_out(settings, engine, snapshot, known, plan, report, tell)
    elif any(weather.due(settings, engine, clock.now())):
        with _open_runs(report, tell) as runs:
            _fetch_weather(settings, engine, runs, None)
    report.next_race = calendar_now(engine).upcoming
    if retrain and report.next_race is not None:
        with _open_runs(report, tell) as runs:
            _retrain(engine, runs, report.next_race)
    return report


def _calendar_is_new(settings: Settings, engine: Engine, snapshot: Snapshot, tell: Tell) -> bool:
    """Read the calendar of the season once more before anything is forecast: a start has moved within 24 hours.

    An extra: without an answer the starts that are known go on.
    """
    # Here, because it brings the contracts of the sources along, which the command line does not need.
    from f1_pipeline.automation.decisions import calendar_due
    from f1_pipeline.automation.watch import Watch
    from f1_pipeline.storage.polls import polls

    now = clock.now()
    if not settings.jolpica_enabled or not is_published(snapshot.release):
        return False
    read = polls(engine).get(f"{now.year} calendar")
    if not calendar_due(read.asked_at if read and read.asked else None, now, before_forecast=True):
        return False
    try:
        with Watch(settings, engine) as watch:
            outcome = watch.topic("calendar")
    except SourceUnavailable as error:
        tell(f"{error}; going on with the calendar as it is")
        return False
    if outcome.poll.answered_at != now:
        tell(f"{outcome}; going on with the calendar as it is")
    return bool(outcome.new)


def _retrain(engine: Engine, runs: Runs, race: str) -> None:
    span = KeyRange(race, race)
    for horizon in HORIZONS:
        if race in reads.race_keys_with(engine, schema.predictions, horizon=horizon):
            runs.run(f"forecast_{horizon}", f"train anew and forecast, {horizon}", span, remake=True)
            runs.report.forecasts += 1
    if runs.report.forecasts:
        runs.run("prune_models", "prune old model artefacts", None)


def _carry_out(
    settings: Settings,
    engine: Engine,
    snapshot: Snapshot,
    known: bool,
    plan: Plan,
    report: Report,
    tell: Tell,
) -> None:
    bundle = None if known else load(snapshot)
    with _open_runs(report, tell) as runs:
        if bundle is not None:
            # Before the calendar is another one: features of an older version of the product have no marks.
            remember_marks(engine)
            runs.run("read_source", "calendar and names", None)
            snapshot = remembered(settings)  # the run looked once more, and its assets see what it found
            bundle = load(snapshot)
            for note in bundle.notes:
                tell(note)
            plan = make_plan(read_state(engine, settings, bundle))
        report.changed_races = _count(plan.raw, engine)
        for span in plan.raw:
            runs.run("ingest_races", "ingest", span)
        _fetch_weather(settings, engine, runs, plan.derived)
        if plan.derived is not None:
            runs.run("rate_and_describe", "ratings and features", plan.derived)
        if plan.raw or plan.derived:
            # Grids and entries that were new are in the tables only now.
            plan = make_plan(read_state(engine, settings, None, derived=plan.derived))
        for horizon in HORIZONS:
            for span in plan.forecasts.get(horizon, []):
                report.forecasts += _count([span], engine)
                runs.run(f"forecast_{horizon}", f"train and forecast, {horizon}", span)
            if said := _stood_in(engine, horizon, plan.forecasts.get(horizon, [])):
                tell(said)
        for span in plan.sprints:
            runs.run("forecast_sprints", "forecast the sprints", span)
        for span in plan.championship:
            report.championships += _count([span], engine)
            runs.run("forecast_championship", "forecast the championships", span)
        for span in plan.scores:
            report.scores += _count([span], engine)
            runs.run("score", "score", span)
        if any(plan.forecasts.values()):
            runs.run("prune_models", "prune old model artefacts", None)
    _complete(engine, snapshot)
    forget_what_is_old(engine, snapshot)


def _stood_in(engine: Engine, horizon: str, spans: Sequence[KeyRange]) -> str | None:
    """What there is to say of a forecast that was just made by the champions of before; None if none was."""
    upcoming = calendar_now(engine).upcoming
    if not spans or upcoming is None or horizon not in stood_in(engine, upcoming):
        return None
    return f"MLflow does not answer: {upcoming} is forecast, {horizon}, by the last champions; the next update tries again"


def _fetch_weather(settings: Settings, engine: Engine, runs: Runs, derived: KeyRange | None) -> None:
    """Weather of the next race, before its features are made, and of races that were run. Nothing stops without it.

    ``derived``: the range whose features are about to be made. If the next race is in none, its features are made
    here; its forecast stays, since no model reads them.
    """
    race, past = weather.due(settings, engine, clock.now())
    calendar = reads.calendar(engine)
    keys = calendar.loc[~calendar["is_cancelled"], "race_key"].tolist()
    wanted = [*past, *([] if race is None else [race])]
    if not wanted:
        return
    before = reads.row_counts(engine)[schema.weather_forecasts.name]
    try:
        for span in key_ranges(wanted, keys):
            runs.run("fetch_weather", "weather", span)
    except UpdateFailed as error:
        runs.tell(f"{error}; going on without weather")
        return
    if race is not None and reads.row_counts(engine)[schema.weather_forecasts.name] > before:
        runs.report.weather = race
        if derived is None:
            runs.run("rate_and_describe", "features with the new weather", KeyRange(race, race))


@contextmanager
def _open_runs(report: Report, tell: Tell) -> Iterator[Runs]:
    from f1_pipeline.dagster_instance import get_instance
    from f1_pipeline.dagster_store.abandoned import fail_abandoned_runs

    with get_instance() as instance:
        fail_abandoned_runs(instance)
        yield Runs(instance, report, tell)


class Runs:
    """Starts jobs on the instance, over a range of races, and tells about them."""

    def __init__(self, instance: DagsterInstance, report: Report, tell: Tell):
        self.instance, self.report, self.tell = instance, report, tell

    def run(
        self,
        job: str,
        title: str,
        span: KeyRange | None,
        remake: bool = False,
        ops: dict[str, Any] | None = None,
    ) -> None:
        """Run a job to its end; ``remake`` makes forecasts anew that exist, ``ops`` is the config of its steps.

        Raises:
            UpdateFailed: a step failed; ``UpdateInterrupted`` where a store is why.
        """
        from dagster._core.storage.tags import (
            ASSET_PARTITION_RANGE_END_TAG,
            ASSET_PARTITION_RANGE_START_TAG,
        )
        from dagster._core.utils import make_new_run_id

        from f1_pipeline.dagster_store.abandoned import process_tag
        from f1_pipeline.definitions import defs

        races = (
            "" if span is None else f" {span.start}" + (f" to {span.end}" if span.end != span.start else "")
        )
        self.tell(f"{title}{races} ...")
        tags = (
            {}
            if span is None
            else {ASSET_PARTITION_RANGE_START_TAG: span.start, ASSET_PARTITION_RANGE_END_TAG: span.end}
        )
        tags |= process_tag()
        began = time.monotonic()
        definition = defs.resolve_job_def(job)
        run_id = make_new_run_id()
        with logs.bound(run=run_id, job=job, race=logs.races_of(tags)):
            result = definition.execute_in_process(
                run_config=_run_config(definition, remake) | ({"ops": ops} if ops else {}),
                instance=self.instance,
                tags=tags,
                raise_on_error=False,
                run_id=run_id,
            )
        took = time.monotonic() - began
        self.report.seconds[title] = self.report.seconds.get(title, 0.0) + took
        if not result.success:
            message = failure_of(result.all_events) or f"job {job} failed"
            if words := outage(message):
                raise UpdateInterrupted(f"{message.splitlines()[0]}: {words}")
            raise UpdateFailed(message)
        self.tell(f"{title}{races} done in {took:.1f} s")


def _run_config(job: JobDefinition, remake: bool) -> dict[str, Any]:
    # The console gets what went wrong; the whole log of a run is in the Dagster UI.
    config: dict[str, Any] = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
    if remake:
        takes = [
            node.name
            for node in job.nodes
            if node.name.startswith(("models__", "predictions__", "championship"))
        ]
        config["ops"] = {
            name: {"config": {"remake": True}}
            for name in takes
            if not name.startswith(("models__ensemble", "models__pool"))
        }
    return config


def failure_of(events: Sequence[object]) -> str | None:
    """The message of the first failed step of a run, and which it was; None if none failed."""
    for event in events:
        if getattr(event, "is_step_failure", False):
            error = event.step_failure_data.error  # type: ignore[attr-defined]
            while error is not None and error.cause is not None:
                error = error.cause
            # Steps are named like their asset, with two underscores for the slash.
            step = str(event.step_key).replace("__", "/")  # type: ignore[attr-defined]
            return None if error is None else f"{step}: {str(error.message).strip()}"
    return None


def _count(spans: Sequence[KeyRange], engine: Engine) -> int:
    calendar = reads.calendar(engine)
    keys = calendar.loc[~calendar["is_cancelled"], "race_key"].tolist()
    place = {key: index for index, key in enumerate(keys)}
    return sum(place[span.end] - place[span.start] + 1 for span in spans)


def _complete(engine: Engine, snapshot: Snapshot) -> None:
    with write_transaction(engine) as connection:
        connection.execute(
            insert(schema.data_loads),
            [
                {
                    "table_name": reads.COMPLETED,
                    "race_key": None,
                    "source": snapshot.source,
                    "release": snapshot.release,
                    "content_hash": snapshot.digest,
                    "row_count": 0,
                    "loaded_at": clock.now(),
                    "message": snapshot.note,
                }
            ],
        )
