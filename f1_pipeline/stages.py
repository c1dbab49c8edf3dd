"""Stages of an update: a Dagster job over a range of races, executed in this process as a run of its own."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from f1_pipeline import logs
from f1_pipeline.automation.plan import KeyRange

if TYPE_CHECKING:
    from dagster import DagsterInstance, JobDefinition
    from dagster_shared.error import SerializableErrorInfo

OBJECTS = 50_000
"""New objects after which a process of an update looks for garbage. Dagster and MLflow bring half a million objects that
stay; looking at them after every 700 new ones takes 2.7 of 35 s of computing, like this .7, and the memory is the same."""

_INTERRUPT = "DagsterExecutionInterruptedError"
"""What Dagster raises in a step that is ended, and then takes for the failure of that step."""


@dataclass(frozen=True)
class Stage:
    """A job, what it is called where people read, and its races (None: it has none).

    ``remake`` makes forecasts anew that exist.
    """

    job: str
    title: str
    span: KeyRange | None = None
    remake: bool = False

    def __str__(self) -> str:
        if self.span is None:
            return self.title
        start, end = self.span.start, self.span.end
        return f"{self.title} {start}" + ("" if start == end else f" to {end}")


@dataclass(frozen=True)
class Ran:
    """How a stage went: seconds on the clock, what its first failed step said (None: all is well), and whether somebody
    has ended it (Ctrl-C, or in the Dagster UI)."""

    seconds: float
    failure: str | None
    interrupted: bool = False


def execute(
    instance: DagsterInstance, stage: Stage, outer: str | None = None, ops: Mapping[str, Any] | None = None
) -> Ran:
    """Run a stage to its end; ``ops`` is the config of its steps, ``outer`` the run that this is inside of."""
    from dagster._core.storage.tags import ASSET_PARTITION_RANGE_END_TAG, ASSET_PARTITION_RANGE_START_TAG
    from dagster._core.utils import make_new_run_id

    from f1_pipeline.dagster_store.abandoned import process_tag
    from f1_pipeline.definitions import defs

    tags = process_tag(outer)
    if stage.span is not None:
        tags |= {
            ASSET_PARTITION_RANGE_START_TAG: stage.span.start,
            ASSET_PARTITION_RANGE_END_TAG: stage.span.end,
        }
    began = time.monotonic()
    definition = defs.resolve_job_def(stage.job)
    run_id = make_new_run_id()
    with logs.bound(run=run_id, job=stage.job, race=logs.races_of(tags)):
        result = definition.execute_in_process(
            run_config=_run_config(definition, stage.remake) | ({"ops": dict(ops)} if ops else {}),
            instance=instance,
            tags=tags,
            raise_on_error=False,
            run_id=run_id,
        )
    took = time.monotonic() - began
    if result.success:
        return Ran(took, None)
    failure = failure_of(result.all_events) or f"job {stage.job} failed"
    return Ran(took, failure, failure.endswith(_INTERRUPT))


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
    """The message of the first failed step of a run, and which it was; None if nothing failed.

    Where no step failed and the run did, its own: the database of Dagster's history was full between two steps.
    """
    for event in events:
        if getattr(event, "is_step_failure", False):
            # Steps are named like their asset, with two underscores for the slash.
            step = str(event.step_key).replace("__", "/")  # type: ignore[attr-defined]
            return _message(step, event.step_failure_data.error)  # type: ignore[attr-defined]
    for event in events:
        if getattr(event, "is_job_failure", False):
            return _message(f"job {event.job_name}", event.job_failure_data.error)  # type: ignore[attr-defined]
    return None


def _message(what: str, error: SerializableErrorInfo | None) -> str | None:
    while error is not None and error.cause is not None:
        error = error.cause
    return None if error is None else f"{what}: {str(error.message).strip()}"
