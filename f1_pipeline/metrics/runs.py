"""Runs and daemon, as Dagster's own storage has them on record."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dagster import DagsterInstance

DAY = timedelta(hours=24)


@dataclass(frozen=True)
class Runs:
    """Counts of runs by state, and the newest sign of life of each part of the daemon."""

    ended: dict[str, int]
    unfinished: dict[str, int]
    daemons: dict[str, datetime]


def read_runs(instance: DagsterInstance, now: datetime) -> Runs:
    """Count the runs; ``now`` on the clock of the system, which Dagster's record is kept by."""
    from dagster import DagsterRunStatus as Status
    from dagster import RunsFilter

    def count(*statuses: Status, since: datetime | None = None) -> int:
        return instance.get_runs_count(RunsFilter(statuses=list(statuses), updated_after=since))

    since = now - DAY
    return Runs(
        ended={
            "success": count(Status.SUCCESS, since=since),
            "failure": count(Status.FAILURE, since=since),
            "canceled": count(Status.CANCELED, since=since),
        },
        unfinished={
            "waiting": count(Status.QUEUED, Status.NOT_STARTED),
            "running": count(Status.STARTING, Status.STARTED, Status.CANCELING),
        },
        daemons={
            name: datetime.fromtimestamp(beat.timestamp, UTC)
            for name, beat in instance.get_daemon_heartbeats().items()
        },
    )
