"""Dagster runs of an update, a backfill or a challenge: started one by one in this process, on the shared instance."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from f1_pipeline import logs
from f1_pipeline.automation.plan import KeyRange
from f1_pipeline.errors import F1Error, StoreUnavailable
from f1_pipeline.storage.outages import outage
from f1_pipeline.turn import Turn

if TYPE_CHECKING:
    from dagster import DagsterInstance, JobDefinition
    from dagster_shared.error import SerializableErrorInfo

Tell = Callable[[str], None]


@dataclass
class Report:
    """What an update did. ``seconds`` by stage; ``next_race`` is the race to be forecast next,
    ``weather`` the one whose weather forecast is new."""

    source: str
    release: str
    note: str | None
    changed_races: int = 0
    forecasts: int = 0
    championships: int = 0
    scores: int = 0
    next_race: str | None = None
    weather: str | None = None
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def idle(self) -> bool:
        """Nothing was new."""
        return not (self.changed_races or self.forecasts or self.championships or self.scores)


class UpdateFailed(F1Error):
    """A Dagster run of the update failed; the message is that of its first failed step."""


class UpdateInterrupted(UpdateFailed, StoreUnavailable):
    """The same, because a database or the disk did not go along: the next update goes on there."""


@contextmanager
def open_runs(report: Report, tell: Tell, turn: Turn) -> Iterator[Runs]:
    """Runs on the shared instance; those whose process is gone are recorded as failed first."""
    from f1_pipeline.dagster_instance import get_instance
    from f1_pipeline.dagster_store.abandoned import fail_abandoned_runs

    with get_instance() as instance:
        fail_abandoned_runs(instance, alone=True)
        yield Runs(instance, report, tell, turn)


class Runs:
    """Starts jobs on the instance, over a range of races, and tells about them."""

    def __init__(self, instance: DagsterInstance, report: Report, tell: Tell, turn: Turn):
        self.instance, self.report, self.tell, self._turn = instance, report, tell, turn

    def run(
        self,
        job: str,
        title: str,
        span: KeyRange | None,
        remake: bool = False,
        ops: dict[str, Any] | None = None,
    ) -> None:
        """Run a job to its end; ``remake`` makes forecasts anew that exist, ``ops`` is the config of its steps.

        Raises:
            UpdateFailed: a step failed; ``UpdateInterrupted`` where a store is why. Or nothing was started, because somebody has
                ended the run that this is the step of.
            StoreUnavailable: nothing was started, because somebody else may be at work.
        """
        self._turn.check()
        self._refuse_for_an_ended_run()
        from dagster._core.storage.tags import (
            ASSET_PARTITION_RANGE_END_TAG,
            ASSET_PARTITION_RANGE_START_TAG,
        )
        from dagster._core.utils import make_new_run_id

        from f1_pipeline.dagster_store.abandoned import process_tag
        from f1_pipeline.definitions import defs

        races = (
            "" if span is None else f" {span.start}" + (f" to {span.end}" if span.end != span.start else "")
        )
        self.tell(f"{title}{races} ...")
        tags = (
            {}
            if span is None
            else {ASSET_PARTITION_RANGE_START_TAG: span.start, ASSET_PARTITION_RANGE_END_TAG: span.end}
        )
        tags |= process_tag(self._turn.outer)
        began = time.monotonic()
        definition = defs.resolve_job_def(job)
        run_id = make_new_run_id()
        with logs.bound(run=run_id, job=job, race=logs.races_of(tags)):
            result = definition.execute_in_process(
                run_config=_run_config(definition, remake) | ({"ops": ops} if ops else {}),
                instance=self.instance,
                tags=tags,
                raise_on_error=False,
                run_id=run_id,
            )
        took = time.monotonic() - began
        self.report.seconds[title] = self.report.seconds.get(title, 0.0) + took
        if not result.success:
            message = failure_of(result.all_events) or f"job {job} failed"
            if words := outage(message):
                raise UpdateInterrupted(f"{message.splitlines()[0]}: {words}")
            raise UpdateFailed(message)
        self.tell(f"{title}{races} done in {took:.1f} s")

    def _refuse_for_an_ended_run(self) -> None:
        """The run monitor and the Dagster UI can end a run on paper while its process goes on; what comes next is not to be
        kept waiting by its stages."""
        outer = None if self._turn.outer is None else self.instance.get_run_by_id(self._turn.outer)
        if outer is not None and outer.is_finished:
            raise UpdateFailed(f"the run {outer.run_id} was ended ({outer.status.value}): no stage follows")


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
