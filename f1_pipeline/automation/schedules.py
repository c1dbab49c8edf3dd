"""Schedules: looks at the whole season, once a day, and new models once a week. Times are UTC."""

from __future__ import annotations

from dagster import (
    JobDefinition,
    RunRequest,
    ScheduleDefinition,
    ScheduleEvaluationContext,
    SkipReason,
    schedule,
)
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from f1_pipeline.automation.console import run_config
from f1_pipeline.automation.decisions import Topic
from f1_pipeline.automation.jobs import update_job, watch_job
from f1_pipeline.automation.requests import WHY, asks_nobody, schedule_status, stands_by
from f1_pipeline.settings import get_settings


def _schedule(
    name: str,
    cron: str,
    job: JobDefinition | UnresolvedAssetJobDefinition,
    why: str,
    config: dict[str, object],
    asks_jolpica: bool,
) -> ScheduleDefinition:
    @schedule(
        name=name,
        cron_schedule=cron,
        execution_timezone="UTC",
        job=job,
        default_status=schedule_status(),
        description=f"{why[0].upper()}{why[1:]}.",
    )
    def made(context: ScheduleEvaluationContext) -> RunRequest | SkipReason:
        settings = get_settings()
        if reason := stands_by(context.instance, settings, job.name):
            return SkipReason(reason)
        if asks_jolpica and (off := asks_nobody(settings)):
            return SkipReason(off)
        at = context.scheduled_execution_time
        return RunRequest(run_key=f"{name}:{at.isoformat()}", run_config=run_config(config), tags={WHY: why})

    return made


def _watch(topic: Topic) -> dict[str, object]:
    return {"ops": {"source__live": {"config": {"topics": [topic]}}}}


schedules = [
    _schedule(
        "calendar",
        "0 6 * * *",
        watch_job,
        "the calendar, read every day: starts move",
        _watch("calendar"),
        True,
    ),
    _schedule(
        "results",
        "0 12 * * *",
        watch_job,
        "the results of the season once more: they change months later",
        _watch("results"),
        True,
    ),
    _schedule(
        "standings",
        "0 13 * * *",
        watch_job,
        "the standings after the last race",
        _watch("standings"),
        True,
    ),
    _schedule(
        "retraining",
        "0 2 * * 1",
        update_job,
        "the next race by models that are fitted anew",
        {"ops": {"bring_up_to_date": {"config": {"retrain": True}}}},
        False,
    ),
]
