"""What sensors and schedules have in common: when they stand by, and that the same content is asked for once."""

from __future__ import annotations

import hashlib
from functools import cache

from dagster import (
    DagsterInstance,
    DagsterRunStatus,
    DefaultScheduleStatus,
    DefaultSensorStatus,
    RunRequest,
    RunsFilter,
    SkipReason,
)
from sqlalchemy import Engine

from f1_pipeline import clock
from f1_pipeline.automation.console import run_config
from f1_pipeline.automation.decisions import run_key
from f1_pipeline.errors import NotReady
from f1_pipeline.settings import Settings, get_settings
from f1_pipeline.storage import migrate, reads
from f1_pipeline.storage.engine import get_engine
from f1_pipeline.storage.upcoming import data_clock

UPDATE, WATCH = "update", "watch"
WHY, CONTENT = "f1/why", "f1/content"
"""Tags of a requested run: the reason in words, and a key of what is new."""

_WAITING = [
    DagsterRunStatus.QUEUED,
    DagsterRunStatus.NOT_STARTED,
    DagsterRunStatus.STARTING,
    DagsterRunStatus.STARTED,
    DagsterRunStatus.CANCELING,
]


def running_by_default() -> bool:
    """Whether sensors and schedules are on where nobody has switched them by hand."""
    return get_settings().automation == "on"


def sensor_status() -> DefaultSensorStatus:
    """Default status of a sensor."""
    return DefaultSensorStatus.RUNNING if running_by_default() else DefaultSensorStatus.STOPPED


def schedule_status() -> DefaultScheduleStatus:
    """Default status of a schedule."""
    return DefaultScheduleStatus.RUNNING if running_by_default() else DefaultScheduleStatus.STOPPED


_head = cache(migrate.head)
"""Reading the migrations takes longer than the rest of a tick, and they do not change while a process lives."""


def open_engine(settings: Settings) -> Engine | None:
    """Engine of tables that are there and of this version; None otherwise. Nothing is created or migrated."""
    if settings.database_url is None and not (settings.home / "f1.db").is_file():
        return None
    if migrate.current(settings.tables_url) != _head():
        return None
    return get_engine(settings.tables_url)


def stands_by(instance: DagsterInstance, settings: Settings, job: str = UPDATE) -> str | None:
    """Why nothing is looked for now, in words; None if there is no reason.

    An installation without data is left alone: its first update trains for minutes and is started by a person. So is the simulated
    world, which has no news. And while a run is under way another one would find the same.
    """
    engine = open_engine(settings)
    if engine is None:
        return "there are no tables of this version yet: run `f1 update` once"
    if reads.held_source(engine) == "simulated":
        return "the championship is simulated: nothing new ever comes"
    if reads.completed_digest(engine) is None:
        return "the first update has not been finished: run `f1 update`"
    if data_clock(engine) is None and settings.f1db_archive is None:
        return "the data stand still: they are of no release that was published"
    if instance.get_runs_count(RunsFilter(job_name=job, statuses=_WAITING)):
        return f"a run of the job {job} is under way or waiting"
    return None


def asks_nobody(settings: Settings) -> str | None:
    """Why Jolpica is not asked, in words; None if it is."""
    if not settings.jolpica_enabled:
        return "the API is turned off (F1_JOLPICA_ENABLED)"
    if settings.f1db_archive is not None:
        return "the data are of a local archive, which may be of any age (F1_F1DB_ARCHIVE)"
    return None


def pending(settings: Settings, engine: Engine) -> tuple[str, str] | None:
    """What is kept of the live source and not in the tables yet: a digest of it, and words. None if all is taken in."""
    # Here, because they bring the contracts of the sources along: the code location loads without them.
    from f1_pipeline.snapshot import remembered
    from f1_pipeline.sources.live import merged_digest
    from f1_pipeline.storage.live import newest_marks

    try:
        snapshot = remembered(settings)
    except NotReady:
        return None
    marks = newest_marks(engine)
    digest = merged_digest(snapshot.archive_digest or snapshot.digest, (mark.mark for mark in marks))
    if digest == reads.completed_digest(engine):
        return None
    new = [mark.mark.split(" ")[:2] for mark in marks if mark.id not in snapshot.live]
    names = sorted({" ".join(words) for words in new})
    return digest, ", ".join(names[:4]) + (" and more" if len(names) > 4 else "") or "what was read last"


def request(
    instance: DagsterInstance, job: str, why: str, *content: str, config: dict[str, object] | None = None
) -> RunRequest | SkipReason:
    """Ask for a run, unless the same content was asked for today, by whichever sensor: a correction runs, a repeat does not.

    A run that failed is thus not started again every minute, but once more on the next day.
    """
    key = run_key(
        job, hashlib.sha256("\n".join(sorted(content)).encode()).hexdigest()[:16], f"{clock.now():%Y-%m-%d}"
    )
    if instance.get_runs_count(RunsFilter(tags={CONTENT: key})):
        return SkipReason(f"{why}: asked for already today, and not taken in; see the failed run")
    return RunRequest(run_key=key, job_name=job, tags={WHY: why, CONTENT: key}, run_config=run_config(config))
