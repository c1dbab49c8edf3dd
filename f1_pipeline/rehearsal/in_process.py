"""Plays a timeline in one process: evaluates the sensors and schedules as the daemon does, and executes what they ask for.

Minutes quicker than with the daemon (``with_daemon``), and an error has its traceback here.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any

from f1_pipeline import clock
from f1_pipeline.rehearsal.performance import Performance, Said, Scene, Tell, Tick, scene_of
from f1_pipeline.rehearsal.stops import missed
from f1_pipeline.replay import Stage
from f1_pipeline.settings import Settings

if TYPE_CHECKING:
    from dagster import DagsterInstance, Definitions, RunRequest

_TICKS = 4
"""Ticks of a sensor at one moment at most: some minutes of a daemon."""


class Player:
    """Goes from moment to moment, and does what Dagster's daemon does at each."""

    def __init__(self, stage: Stage, settings: Settings, tell: Tell, looked: Callable[[Scene], None]) -> None:
        self.stage, self.settings, self.tell, self.looked = stage, settings, tell, looked
        self.performance = Performance()
        self._cursors: dict[str, str | None] = {}
        self._said: list[Said] = []
        self._runs: list[str] = []

    def play(self, instance: DagsterInstance) -> None:
        """Go from moment to moment."""
        from f1_pipeline.definitions import defs

        before = self.stage.timeline.moments[0].at
        for moment in self.stage.timeline.moments:
            self._said, self._runs = [], []
            for at, name in missed(defs, before, moment.at):
                with self._at(at):
                    self._tick_schedule(instance, defs, name, at)
            with self._at(moment.at):
                for name in ("f1db_release", "weekend_sessions", "corrections"):
                    self._tick_sensor(instance, defs, name)
                scene = scene_of(self.stage, self.settings, moment, self._said, self._runs)
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
            requests, began, computed = self._requests(), time.perf_counter(), time.process_time()
            data = found.evaluate_tick(context)
            self.performance.ticks.append(
                Tick(
                    name,
                    clock.now(),
                    time.perf_counter() - began,
                    time.process_time() - computed,
                    self._requests() - requests,
                    bool(data.run_requests),
                )
            )
            self._cursors[name] = data.cursor
            ran = self._take(instance, defs, name, found.targets[0].job_name, data)
            if not ran and self.stage.jolpica.log[-1:] == asked_before:
                return  # neither a run nor a question: the next tick would say the same

    def _requests(self) -> int:
        return sum(self.stage.jolpica.counts.values()) + sum(self.stage.f1db.counts.values())

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
        from f1_pipeline.stages import failure_of

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
