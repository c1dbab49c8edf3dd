"""A race weekend played again with the product itself: what it would have done by itself, moment by moment.

The sources are servers on the loopback interface (``f1_pipeline.replay``), the clock is a virtual one. Everything else is real: the
sensors and schedules of the code location are evaluated, and what they ask for is executed, on tables and history of a home of its own.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from f1_pipeline import clock
from f1_pipeline.errors import F1Error, NotReady
from f1_pipeline.replay import Archives, Moment, Stage, Timeline, staged
from f1_pipeline.settings import Settings, get_settings

if TYPE_CHECKING:
    from dagster import DagsterInstance, Definitions, RunRequest

    from f1_pipeline.domain.identity import Crosswalk

Tell = Callable[[str], None]

SETTINGS = {
    "F1_SOURCE": "f1db",
    "F1_JOLPICA_ENABLED": "true",
    "F1_WEATHER": "off",
    "F1_AUTOMATION": "on",
    # One season, one version of each model, few rows to learn from: this is about what happens when.
    "F1_FORECAST_FROM_SEASON": "2026",
    "F1_TRAIN_FROM_SEASON": "2022",
    "F1_RETRAIN_RECENT": "season",
    "F1_DRAWS": "200",
    "F1_HTTP_RETRY_SECONDS": "0.1,0.2",
}
"""Of a rehearsal, where the environment does not say otherwise."""

_TICKS = 4
"""Ticks of a sensor at one moment at most: some minutes of a daemon."""
_ASLEEP = timedelta(hours=36)
"""After a longer pause between two moments the daemon counts as switched off: it then makes up the last tick of a schedule only."""


@dataclass(frozen=True)
class Scene:
    """What happened at a moment. ``said``: (sensor or schedule, what it said or asked for)."""

    moment: Moment
    said: tuple[tuple[str, str], ...]
    runs: tuple[str, ...]
    next_race: str | None
    forecasts: tuple[str, ...]
    """Horizons at which the race is forecast."""
    result: str
    """Where the result in the tables is from; empty without one."""
    scored: bool
    versions: int
    """Of the result, so far."""
    jolpica: int
    """Requests since the beginning."""
    f1db: int


@dataclass
class Performance:
    """The whole rehearsal."""

    scenes: list[Scene] = field(default_factory=list)
    requests: Counter[str] = field(default_factory=Counter)
    """To Jolpica, by path."""
    failed_runs: list[str] = field(default_factory=list)


def archives_in(directory: Path) -> Archives:
    """The three F1DB archives of a folder that the weekend of Hungary 2026 needs.

    Raises:
        NotReady: one is missing.
    """
    names = ("f1db-csv-2026.10.zip", "f1db-csv-2026.11.zip", "f1db-csv.zip")
    missing = [name for name in names if not (directory / name).is_file()]
    if missing:
        raise NotReady(
            f"{directory} lacks {', '.join(missing)}: F1DB's releases v2026.10, v2026.11 and a later one"
        )
    return Archives(*(directory / name for name in names))


def rehearse(
    timeline: Timeline,
    home: Path,
    tell: Tell,
    known: Crosswalk | None = None,
    looked: Callable[[Scene], None] = lambda _: None,
    settings: Mapping[str, str] = SETTINGS,
) -> Performance:
    """Play a timeline in a home that is new or of an earlier rehearsal's end; ``looked`` is called after each moment.

    Raises:
        NotReady: the home holds something already.
        F1Error: the first update failed.
    """
    if home.exists() and any(home.iterdir()):
        raise NotReady(f"{home} is not empty: a rehearsal needs a home of its own")
    with staged(timeline, known) as stage, _environment(stage, home, settings) as configured:
        from f1_pipeline.dagster_instance import get_instance
        from f1_pipeline.update import run_update

        player = _Player(stage, configured, tell, looked)
        with clock.at(stage.clock.now()):
            tell(f"{stage.clock.now():%a %d %b %H:%M}  the first update, by hand")
            run_update(configured, lambda line: tell(f"    {line}"))
        with get_instance() as instance:
            player.play(instance)
        player.performance.requests = Counter(stage.jolpica.counts)
        return player.performance


@contextmanager
def _environment(stage: Stage, home: Path, wanted: Mapping[str, str]) -> Iterator[Settings]:
    values = {
        **wanted,
        "F1_HOME": str(home),
        "F1_F1DB_URL": stage.f1db.url,
        "F1_JOLPICA_URL": stage.jolpica.url,
    }
    unset = ("F1_F1DB_ARCHIVE", "F1_DATABASE_URL", "F1_MLFLOW_TRACKING_URI", "DAGSTER_HOME")
    before = {name: os.environ.get(name) for name in (*values, *unset)}
    for name in unset:
        os.environ.pop(name, None)
    os.environ.update(values)
    get_settings.cache_clear()
    try:
        yield get_settings()
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        get_settings.cache_clear()


class _Player:
    """Goes from moment to moment, and does what Dagster's daemon does at each."""

    def __init__(self, stage: Stage, settings: Settings, tell: Tell, looked: Callable[[Scene], None]) -> None:
        self.stage, self.settings, self.tell, self.looked = stage, settings, tell, looked
        self.performance = Performance()
        self._cursors: dict[str, str | None] = {}
        self._said: list[tuple[str, str]] = []
        self._runs: list[str] = []

    def play(self, instance: DagsterInstance) -> None:
        from f1_pipeline.definitions import defs

        before = self.stage.timeline.moments[0].at
        for moment in self.stage.timeline.moments:
            self._said, self._runs = [], []
            for at, name in _missed(defs, before, moment.at):
                with self._at(at):
                    self._tick_schedule(instance, defs, name, at)
            with self._at(moment.at):
                for name in ("f1db_release", "weekend_sessions", "corrections"):
                    self._tick_sensor(instance, defs, name)
                scene = self._scene(moment)
            self.performance.scenes.append(scene)
            self.looked(scene)
            before = moment.at

    @contextmanager
    def _at(self, at: datetime) -> Iterator[None]:
        self.stage.clock.set(at)
        with clock.at(at):
            yield

    def _tick_schedule(self, instance: DagsterInstance, defs: Definitions, name: str, at: datetime) -> None:
        from dagster import build_schedule_context

        found = defs.resolve_schedule_def(name)
        context = build_schedule_context(
            instance=instance, scheduled_execution_time=at, repository_def=defs.get_repository_def()
        )
        data = found.evaluate_tick(context)
        self._take(instance, defs, f"{name} ({at:%a %H:%M})", found.job_name, data)

    def _tick_sensor(self, instance: DagsterInstance, defs: Definitions, name: str) -> None:
        from dagster import build_sensor_context

        found = defs.resolve_sensor_def(name)
        for _ in range(_TICKS):
            context = build_sensor_context(
                instance=instance,
                cursor=self._cursors.get(name),
                sensor_name=name,
                repository_def=defs.get_repository_def(),
            )
            asked_before = self.stage.jolpica.log[-1:]
            data = found.evaluate_tick(context)
            self._cursors[name] = data.cursor
            ran = self._take(instance, defs, name, found.targets[0].job_name, data)
            if not ran and self.stage.jolpica.log[-1:] == asked_before:
                return  # neither a run nor a question: the next tick would say the same

    def _take(self, instance: DagsterInstance, defs: Definitions, who: str, job: str, data: Any) -> bool:
        if data.skip_message:
            self._note(who, data.skip_message)
        requests = [request for request in data.run_requests if self._is_new(instance, request)]
        for request in requests:
            self._note(who, f"asks for {request.job_name or job}: {request.tags.get('f1/why', '')}")
            self._run(instance, defs, request, request.job_name or job)
        return bool(requests)

    def _is_new(self, instance: DagsterInstance, request: RunRequest) -> bool:
        """As the daemon: the same run key is run once."""
        from dagster import RunsFilter
        from dagster._core.storage.tags import RUN_KEY_TAG

        return instance.get_runs_count(RunsFilter(tags={RUN_KEY_TAG: request.run_key or ""})) == 0

    def _run(self, instance: DagsterInstance, defs: Definitions, request: RunRequest, job: str) -> None:
        from dagster._core.storage.tags import RUN_KEY_TAG

        from f1_pipeline.dagster_store.abandoned import process_tag
        from f1_pipeline.update import failure_of

        result = defs.resolve_job_def(job).execute_in_process(
            run_config={**request.run_config, "loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
            instance=instance,
            tags={**request.tags, RUN_KEY_TAG: request.run_key or "", **process_tag()},
            raise_on_error=False,
        )
        self._runs.append(job)
        if not result.success:
            self.performance.failed_runs.append(f"{job} at {clock.now():%a %H:%M}")
            self._note(job, f"FAILED: {failure_of(result.all_events)}")

    def _note(self, who: str, what: str) -> None:
        self._said.append((who, what))
        self.tell(f"{clock.now():%a %d %b %H:%M}  {who}: {what}")

    def _scene(self, moment: Moment) -> Scene:
        from f1_pipeline.storage import reads, schema
        from f1_pipeline.storage.engine import get_engine
        from f1_pipeline.storage.polls import result_source
        from f1_pipeline.storage.revisions import revisions_of
        from f1_pipeline.storage.upcoming import calendar_now

        engine, race = get_engine(self.settings.tables_url), self.stage.timeline.race_key
        made = reads.read_table(engine, schema.predictions, [race], columns=["horizon"])
        names = {None: "", "f1db": "F1DB", "jolpica": "Jolpica"}
        return Scene(
            moment=moment,
            said=tuple(self._said),
            runs=tuple(self._runs),
            next_race=calendar_now(engine).upcoming,
            forecasts=tuple(sorted(set(made["horizon"]), reverse=True)),
            result=names[result_source(engine, race)],
            scored=race in reads.race_keys_with(engine, schema.model_accuracy),
            versions=len(revisions_of(engine, race, "race_results")),
            jolpica=sum(self.stage.jolpica.counts.values()),
            f1db=sum(self.stage.f1db.counts.values()),
        )


def _missed(defs: Definitions, before: datetime, now: datetime) -> list[tuple[datetime, str]]:
    """Ticks of schedules after ``before`` and up to ``now``, in order; after a long pause only the last of each."""
    from dagster._utils.schedules import cron_string_iterator

    found = []
    for schedule in defs.schedules or ():
        times = []
        for at in cron_string_iterator(before.timestamp() + 1, str(schedule.cron_schedule), "UTC"):  # type: ignore[union-attr]
            if at > now:
                break
            times.append(at)
        found += [(at, schedule.name) for at in (times if now - before <= _ASLEEP else times[-1:])]
    return sorted(found)


__all__ = ["F1Error", "Performance", "Scene", "archives_in", "rehearse"]
