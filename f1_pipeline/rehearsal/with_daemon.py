"""Plays a timeline with Dagster's daemon: this only moves the clock, when nothing is left to do, and watches."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from f1_pipeline import clock
from f1_pipeline.rehearsal.performance import Performance, Said, Scene, Tell, scene_of
from f1_pipeline.rehearsal.servers import ServerDied
from f1_pipeline.rehearsal.stops import missed
from f1_pipeline.rehearsal.ticks import Ticks
from f1_pipeline.replay import Moment, Stage
from f1_pipeline.settings import Settings

if TYPE_CHECKING:
    from dagster import DagsterInstance, DagsterRun
    from dagster._core.scheduler.instigation import InstigatorTick

_POLL_SECONDS = 0.3
_FAILURES = "failures"
"""The sensor that says nothing but that no run has failed, in Dagster's own words."""
_PATIENCE_SECONDS = 1800.0
"""Of the real clock, for all that is to be done at one moment."""
_BUSY, _QUIET = timedelta(minutes=1), timedelta(minutes=5)
"""How far the clock goes while something happens (a sensor asks for one session at a time), and once nothing does: the longest
interval of a sensor that looks at what others brought."""


class DaemonPlayer:
    """Moves the clock of a daemon that runs; ``hands`` is the file that the daemon and its runs go by.

    From one moment to the next the clock stops where a schedule is due. At a moment it goes on by minutes until five of them
    were quiet, or the next moment is reached.
    """

    def __init__(
        self,
        stage: Stage,
        settings: Settings,
        hands: Path,
        alive: Callable[[], None],
        tell: Tell,
        looked: Callable[[Scene], None],
    ) -> None:
        self.stage, self.settings, self.tell, self.looked = stage, settings, tell, looked
        self.performance = Performance()
        self._hands, self._alive = hands, alive
        self._said: list[Said] = []
        self._runs: list[str] = []
        self._running: dict[str, tuple[str, float]] = {}
        self._last_told: dict[str, str] = {}

    def play(self, instance: DagsterInstance) -> None:
        """Go from moment to moment.

        Raises:
            ServerDied: a server is gone, or nothing came to an end at a moment.
        """
        from f1_pipeline.definitions import defs

        moments = self.stage.timeline.moments
        ticks = Ticks(instance, defs, moments[0].at)
        before = moments[0].at
        for moment, following in zip(moments, [*moments[1:], None], strict=True):
            self._said, self._runs, self._last_told = [], [], {}
            for at in sorted({at for at, _ in missed(defs, before, moment.at)} - {moment.at}):
                self._stand(instance, ticks, at)
            at = moment.at
            busy = self._stand(instance, ticks, at)
            while True:
                step = _BUSY if busy else _QUIET
                if following is not None:
                    # What is due shortly before the next moment belongs to this one: its faults end there.
                    step = min(step, following.at - _BUSY - at)
                if step <= timedelta(0):
                    break
                at += step
                was, busy = busy, self._stand(instance, ticks, at)
                if not (was or busy):
                    break
            self._show(moment)
            before = max(moment.at, clock.now())

    def _stand(self, instance: DagsterInstance, ticks: Ticks, at: datetime) -> bool:
        """Go to a moment and wait until all is done that is due then; whether anything was."""
        asked, ran = sum(self.stage.jolpica.counts.values()), len(self._runs)
        self.stage.clock.set(at)
        clock.move(self._hands, at)
        deadline = time.monotonic() + _PATIENCE_SECONDS
        rests = False
        while not rests:
            self._alive()
            if time.monotonic() > deadline:
                raise ServerDied(
                    f"the daemon is not done with {at:%a %d %b %H:%M} after {_PATIENCE_SECONDS:.0f} s"
                )
            rests = ticks.settled(at)
            for name, tick in ticks.new():
                self._heard(instance, name, tick)
            for run_id in list(self._running):
                run = instance.get_run_by_id(run_id)
                if run is not None and run.is_finished:
                    self._ended(instance, run)
            time.sleep(0 if rests else _POLL_SECONDS)
        return len(self._runs) > ran or sum(self.stage.jolpica.counts.values()) > asked

    def _heard(self, instance: DagsterInstance, name: str, tick: InstigatorTick) -> None:
        from f1_pipeline.automation.requests import WHY

        if tick.error is not None:
            self.performance.failed_runs.append(f"{name} at {clock.now():%a %H:%M}")
            self._note(name, f"FAILED: {str(tick.error.message).strip()}")
        elif tick.skip_reason and name != _FAILURES:
            self._note(name, tick.skip_reason)
        for run_id in tick.run_ids:
            run = instance.get_run_by_id(run_id)
            if run is not None and run_id not in self._running:
                self._running[run_id] = (run.job_name, time.monotonic())
                self._runs.append(run.job_name)
                self._note(name, f"asks for {run.job_name}: {run.tags.get(WHY, '')}")

    def _ended(self, instance: DagsterInstance, run: DagsterRun) -> None:
        from dagster import DagsterEventType

        from f1_pipeline.stages import failure_of

        job, began = self._running.pop(run.run_id)
        if run.is_success:
            self.tell(f"{clock.now():%a %d %b %H:%M}  {job}: done after {time.monotonic() - began:.0f} s")
            return
        entries = instance.all_logs(run.run_id, of_type=DagsterEventType.STEP_FAILURE)
        cause = (
            failure_of([entry.dagster_event for entry in entries]) or f"run {run.run_id} {run.status.value}"
        )
        self.performance.failed_runs.append(f"{job} at {clock.now():%a %H:%M}")
        self._note(job, f"FAILED: {cause}")

    def _note(self, who: str, what: str) -> None:
        self._said.append((who, what))
        # A sensor says every minute that nothing is due.
        if self._last_told.get(who) != what:
            self._last_told[who] = what
            self.tell(f"{clock.now():%a %d %b %H:%M}  {who}: {what}")

    def _show(self, moment: Moment) -> None:
        scene = scene_of(self.stage, self.settings, moment, self._said, self._runs)
        self.performance.scenes.append(scene)
        self.looked(scene)
