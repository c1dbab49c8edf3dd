"""Sensors: thin. Each looks, at most at one thing, and says in words why nothing is asked for."""

from __future__ import annotations

from dagster import (
    DagsterInstance,
    DefaultSensorStatus,
    RunFailureSensorContext,
    RunRequest,
    SensorDefinition,
    SensorEvaluationContext,
    SkipReason,
    run_failure_sensor,
    sensor,
)
from sqlalchemy import Engine

from f1_pipeline import clock
from f1_pipeline.automation.alerts import tell_failure
from f1_pipeline.automation.decisions import TOPICS
from f1_pipeline.automation.jobs import update_job, watch_job
from f1_pipeline.automation.requests import (
    UPDATE,
    WATCH,
    asks_nobody,
    open_engine,
    pending,
    request,
    sensor_status,
    stands_by,
)
from f1_pipeline.automation.source_live import report_checks
from f1_pipeline.dagster_store.abandoned import PROCESS_TAG, fail_abandoned_runs
from f1_pipeline.errors import ArchiveCorrupt, SourceRefused, SourceUnavailable
from f1_pipeline.settings import Settings, get_settings
from f1_pipeline.storage.heartbeats import DAEMON, beat

Answer = RunRequest | SkipReason
_BEAT_SECONDS = 60
_PROBE_SECONDS = 10.0
"""Time limit of a request in a tick: the daemon gives a tick a minute."""


def _ready(context: SensorEvaluationContext) -> tuple[DagsterInstance, Settings, Engine] | SkipReason:
    settings = get_settings()
    reason = stands_by(context.instance, settings)
    engine = None if reason else open_engine(settings)
    if reason or engine is None:
        return SkipReason(reason or "there are no tables yet")
    fast = settings.model_copy(
        update={"http_timeout_seconds": min(settings.http_timeout_seconds, _PROBE_SECONDS)}
    )
    return context.instance, fast, engine


@sensor(
    name="f1db_release",
    job=update_job,
    minimum_interval_seconds=900,
    default_status=sensor_status(),
    description="A new release of F1DB: one small request that a redirect answers.",
)
def f1db_release(context: SensorEvaluationContext) -> Answer:
    """Ask which release is the newest, and for an update if the tables hold another one."""
    # Here and below: what a tick needs is not needed to load the code location, and takes seconds to import.
    from f1_pipeline.sources.f1db import latest_release, local_copy
    from f1_pipeline.storage.polls import completed_release

    ready = _ready(context)
    if isinstance(ready, SkipReason):
        return ready
    instance, settings, engine = ready
    try:
        if settings.f1db_archive is not None:
            newest = local_copy(settings.f1db_archive).release
        else:
            newest = latest_release(settings.f1db_url, settings.http_timeout_seconds, ())
    except (SourceUnavailable, SourceRefused, ArchiveCorrupt) as error:
        return SkipReason(f"{error}; what was taken in stays")
    held = completed_release(engine)
    if newest == held:
        return SkipReason(f"F1DB is at {newest}, and so are the tables")
    return request(instance, UPDATE, f"F1DB {newest} after {held}", newest)


@sensor(
    name="weekend_sessions",
    job=update_job,
    minimum_interval_seconds=60,
    default_status=sensor_status(),
    description="The result of a session at Jolpica: asked for from its end on, at a rising interval, one at a time.",
)
def weekend_sessions(context: SensorEvaluationContext) -> Answer:
    """Ask for the most urgent session that is due, and for an update if the answer is new."""
    from f1_pipeline.automation.watch import Watch

    ready = _ready(context)
    if isinstance(ready, SkipReason):
        return ready
    instance, settings, engine = ready
    if off := asks_nobody(settings):
        return SkipReason(off)
    try:
        with Watch(settings, engine) as watch:
            due = watch.due()
            outcomes = [watch.session(due[0])] if due else []
            # What is due beside something new goes into the same update: standings come in two answers.
            outcomes += [watch.session(session) for session in due[1:] if outcomes[0].new]
    except SourceUnavailable as error:
        return SkipReason(str(error))
    if not outcomes:
        return SkipReason(f"no session is due; {_next(engine)}")
    if any(outcome.poll.check_name is not None or outcome.mended for outcome in outcomes):
        report_checks(instance, engine)
    new = pending(settings, engine) if outcomes[0].new else None
    if new is None:
        return SkipReason(f"{outcomes[0]}; {_next(engine)}")
    names = ", ".join(outcome.poll.subject for outcome in outcomes if outcome.new)
    return request(instance, UPDATE, f"{names} at Jolpica", new[0])


@sensor(
    name="corrections",
    jobs=[update_job, watch_job],
    minimum_interval_seconds=300,
    default_status=sensor_status(),
    description="What the daily looks at Jolpica brought and the tables do not hold: a corrected result, a moved start. "
    "It asks nobody.",
)
def corrections(context: SensorEvaluationContext) -> Answer:
    """Ask for an update if a kept version is not in the tables, and for the rest of what our limit of requests stopped."""
    from f1_pipeline.storage.polls import polls

    ready = _ready(context)
    if isinstance(ready, SkipReason):
        return ready
    instance, settings, engine = ready
    new = pending(settings, engine)
    if new is not None:
        return request(instance, UPDATE, f"changed at Jolpica: {new[1]}", new[0])
    for poll in polls(engine).values():
        topic = poll.subject.split(" ")[-1]
        if poll.retry_at is not None and poll.retry_at <= clock.now() and topic in TOPICS:
            config: dict[str, object] = {"ops": {"source__live": {"config": {"topics": [topic]}}}}
            reason = f"{poll.subject} was stopped until {poll.retry_at:%H:%M}"
            return request(instance, WATCH, reason, poll.subject, poll.retry_at.isoformat(), config=config)
    return SkipReason("everything that is kept is in the tables")


@run_failure_sensor(
    name="failures",
    minimum_interval_seconds=30,
    default_status=sensor_status(),
    description="Tells the address of F1_FAILURE_WEBHOOK about a failed run.",
)
def failures(context: RunFailureSensorContext) -> SkipReason | None:
    """Tell about a run that failed; those of a stage are told about by the run or the command that started them."""
    run = context.dagster_run
    if PROCESS_TAG in run.tags:
        return SkipReason(f"{run.job_name} belongs to a process that says so itself")
    causes = [_cause(event) for event in context.get_step_failure_events()]
    error = (
        "; ".join(cause for cause in causes if cause) or context.failure_event.message or "no reason given"
    )
    said = tell_failure(get_settings(), run.run_id, run.job_name, error)
    context.log.info(said)
    return None


@sensor(
    name="heartbeat",
    minimum_interval_seconds=_BEAT_SECONDS,
    # On with automation off as well: it asks nobody and starts nothing, and runs that somebody asks for in the Dagster
    # UI wait for a daemon that is dead, or behind a run that is, just the same.
    default_status=DefaultSensorStatus.RUNNING,
    description="A sign of life of the daemon in the product's tables: the dashboard says when it stays away. It also marks "
    "as failed what nobody executes any more.",
)
def heartbeat(context: SensorEvaluationContext) -> SkipReason:
    """Note that the daemon evaluates sensors, and that the code it needs for that answers; clear dead runs out of the way.

    With one run at a time a single one that was killed (out of memory, say) would hold up all updates that follow.
    """
    engine = open_engine(get_settings())
    if engine is not None:
        beat(engine, DAEMON, _BEAT_SECONDS)
    said = "there are no tables of this version yet" if engine is None else "alive"
    if gone := fail_abandoned_runs(context.instance):
        said += f"; marked as failed, since nobody executes them any more: {', '.join(gone)}"
    return SkipReason(said)


def _cause(event: object) -> str | None:
    data = getattr(event, "step_failure_data", None)
    error = getattr(data, "error", None)
    while error is not None and error.cause is not None:
        error = error.cause
    return None if error is None else str(error.message).strip()


def _next(engine: Engine) -> str:
    from f1_pipeline.automation.watch import coming

    found = coming(engine)
    if found is None:
        return "none is in sight"
    at, session = found
    return f"next {session.subject} at {at:%Y-%m-%d %H:%M} UTC"


sensors: list[SensorDefinition] = [f1db_release, weekend_sessions, corrections, failures, heartbeat]
