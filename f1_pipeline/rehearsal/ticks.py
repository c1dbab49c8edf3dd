"""What Dagster's daemon has done so far: ticks of sensors and schedules, and runs, as the instance has them on record."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING

from f1_pipeline.rehearsal.stops import last_tick

if TYPE_CHECKING:
    from dagster import DagsterInstance, Definitions
    from dagster._core.scheduler.instigation import InstigatorState, InstigatorTick


class Ticks:
    """The record of one instance, for the sensors and schedules of the definitions.

    ``began``: the moment of the clock when the daemon was started; schedules tick for times after it.
    """

    def __init__(self, instance: DagsterInstance, defs: Definitions, began: datetime) -> None:
        self._instance, self._defs, self._began = instance, defs, began
        self._told: dict[str, int] = {}
        self._intervals = {one.name: float(one.minimum_interval_seconds or 0) for one in defs.sensors or ()}
        self._schedules = [one.name for one in defs.schedules or ()]

    def settled(self, now: datetime) -> bool:
        """Whether nothing is left to do at this moment: every sensor and schedule that is due has ticked, no run waits or runs."""
        from dagster import DagsterRunStatus, RunsFilter
        from dagster._core.storage.dagster_run import FINISHED_STATUSES

        states = self._states()
        if not all(self._sensor_rests(states.get(name), now) for name in self._intervals):
            return False
        if not all(self._schedule_rests(states.get(name), name, now) for name in self._schedules):
            return False
        # In this order: a tick is on record as finished after its runs are.
        unfinished = [status for status in DagsterRunStatus if status not in FINISHED_STATUSES]
        return self._instance.get_runs_count(RunsFilter(statuses=unfinished)) == 0

    def new(self) -> Iterator[tuple[str, InstigatorTick]]:
        """Finished ticks that were not given yet, of each sensor and schedule in order."""
        from dagster._core.scheduler.instigation import TickStatus

        for name, state in self._states().items():
            ticks = self._instance.get_ticks(state.instigator_origin_id, state.selector_id, limit=30)
            for tick in sorted(ticks, key=lambda one: one.tick_id):
                if tick.status == TickStatus.STARTED:
                    break
                if tick.tick_id > self._told.get(name, -1):
                    self._told[name] = tick.tick_id
                    yield name, tick

    def _states(self) -> dict[str, InstigatorState]:
        return {state.instigator_name: state for state in self._instance.all_instigator_state()}

    def _sensor_rests(self, state: InstigatorState | None, now: datetime) -> bool:
        if state is None:
            return False
        began = getattr(state.instigator_data, "last_tick_start_timestamp", None)
        tick = self._latest(state)
        return (
            began is not None
            and tick is not None
            # The state is written before the tick: the tick of before is not the answer.
            and tick.timestamp >= began
            and now.timestamp() - began < self._intervals[state.instigator_name]
        )

    def _schedule_rests(self, state: InstigatorState | None, name: str, now: datetime) -> bool:
        due = last_tick(self._defs, name, now)
        if due <= self._began:
            return True
        tick = None if state is None else self._latest(state)
        return tick is not None and tick.timestamp >= due.timestamp()

    def _latest(self, state: InstigatorState) -> InstigatorTick | None:
        """The newest tick, if it is over."""
        from dagster._core.scheduler.instigation import TickStatus

        ticks = self._instance.get_ticks(state.instigator_origin_id, state.selector_id, limit=1)
        return ticks[0] if ticks and ticks[0].status != TickStatus.STARTED else None
