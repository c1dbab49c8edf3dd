"""The process of Dagster's daemon in a rehearsal: the daemon as it is, on the clock of the rehearsal.

``python -m f1_pipeline.rehearsal.daemon_process WORKSPACE`` runs until its standard input is closed, so that it ends with whoever
plays. Of the daemons it runs those that this is about: sensors, schedules, and the queue of runs. The monitor of runs
compares moments of this clock with those of running processes, which go by the real one.

Dagster takes the time of sensors and schedules from two functions, which it has for tests (``freeze_time``). Waits between two looks
are those of a clock that goes by itself, half a minute to a whole one; on one that stands until nothing is left to do they would
be most of the rehearsal. So they are shorter here. What is due is still decided by Dagster, by the minimum interval of a
sensor and the times of a schedule.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from types import ModuleType
from typing import Any

from f1_pipeline import clock

LOOK_SECONDS = 0.5
"""Between two looks of the daemon at what is due."""


def main(workspace: str) -> None:
    """Run the daemons until standard input is closed.

    Raises:
        AttributeError: this version of Dagster takes its time from elsewhere.
    """
    from dagster._core.run_coordinator import QueuedRunCoordinator
    from dagster._core.workspace.load_target import WorkspaceFileTarget
    from dagster._daemon.controller import daemon_controller_from_instance
    from dagster._daemon.daemon import SchedulerDaemon, SensorDaemon
    from dagster._daemon.run_coordinator.queued_run_coordinator_daemon import QueuedRunCoordinatorDaemon

    from f1_pipeline.dagster_instance import get_instance

    _go_by_the_clock()
    ended = threading.Event()
    threading.Thread(target=_wait_for_the_end, args=(ended,), daemon=True).start()
    with get_instance() as instance:
        if not isinstance(instance.run_coordinator, QueuedRunCoordinator):
            raise TypeError(
                "runs are not queued: dagster.yaml in the Dagster home names another run coordinator"
            )
        with daemon_controller_from_instance(
            instance,
            WorkspaceFileTarget([workspace]),
            gen_daemons=lambda one: [
                SensorDaemon(settings=one.get_sensor_settings()),
                SchedulerDaemon(),  # type: ignore[no-untyped-call]
                QueuedRunCoordinatorDaemon(interval_seconds=LOOK_SECONDS),
            ],
        ) as controller:
            while not ended.wait(LOOK_SECONDS):
                controller.check_daemon_threads()


def _wait_for_the_end(ended: threading.Event) -> None:
    sys.stdin.read()
    ended.set()


def _go_by_the_clock() -> None:
    import dagster._daemon.daemon
    import dagster._daemon.sensor
    import dagster._scheduler.scheduler
    import dagster._time

    _replace(dagster._time, "_mockable_get_current_datetime", clock.now)
    _replace(dagster._time, "_mockable_get_current_timestamp", lambda: clock.now().timestamp())
    # Signs of life are for the Dagster UI, which looks at the real clock.
    _replace(dagster._daemon.daemon, "get_current_datetime", lambda: datetime.now(UTC))
    _replace(dagster._daemon.sensor, "MIN_INTERVAL_LOOP_TIME", LOOK_SECONDS)
    _replace(
        dagster._scheduler.scheduler,
        "_get_next_scheduler_iteration_time",
        lambda start: start + LOOK_SECONDS,
    )


def _replace(module: ModuleType, name: str, value: float | Callable[..., Any]) -> None:
    getattr(module, name)  # a new name in another version must not pass for a clock that moves
    setattr(module, name, value)


if __name__ == "__main__":
    main(sys.argv[1])
