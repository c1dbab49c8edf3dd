"""The update: look for a new state of the source, take in what changed, and do again what stands on it.

Every step is a Dagster run of some assets over some races on the shared instance, so that the Dagster UI shows the
same history whoever started it.
"""

from __future__ import annotations

import gc
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Engine, insert

from f1_pipeline.automation.plan import KeyRange, Plan, make_plan, next_race
from f1_pipeline.automation.state import moved_races, read_state
from f1_pipeline.domain.vocabulary import HORIZONS
from f1_pipeline.errors import F1Error
from f1_pipeline.settings import Settings
from f1_pipeline.snapshot import Snapshot, load, refresh
from f1_pipeline.storage import reads, schema
from f1_pipeline.storage.engine import get_engine, write_transaction
from f1_pipeline.storage.migrate import upgrade

if TYPE_CHECKING:
    from dagster import DagsterInstance, JobDefinition

logger = logging.getLogger(__name__)
Tell = Callable[[str], None]

_OBJECTS = 50_000
"""New objects after which Python looks for garbage. Dagster and MLflow bring half a million objects that stay; looking
at them after every 700 new ones takes 2.7 of 35 s of computing, like this .7, and the memory is the same."""


@dataclass
class Report:
    """What an update did. ``seconds`` by stage; ``next_race`` is the race to be forecast next."""

    source: str
    release: str
    note: str | None
    changed_races: int = 0
    forecasts: int = 0
    championships: int = 0
    scores: int = 0
    next_race: str | None = None
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def idle(self) -> bool:
        """Nothing was new."""
        return not (self.changed_races or self.forecasts or self.championships or self.scores)


class UpdateFailed(F1Error):
    """A Dagster run of the update failed; the message is that of its first failed step."""


def run_update(settings: Settings, tell: Tell = logger.info) -> Report:
    """Bring everything up to date; ``tell`` receives a line per stage.

    Raises:
        F1Error: what kept it from finishing. Stages that were finished stay; the next update goes on there.
    """
    gc.set_threshold(_OBJECTS, 10, 10)
    upgrade(settings.tables_url)
    engine = get_engine(settings.tables_url)
    snapshot = refresh(settings, reads.held_source(engine))
    tell(f"source: {snapshot.source} {snapshot.release}" + (f" — {snapshot.note}" if snapshot.note else ""))
    report = Report(snapshot.source, snapshot.release, snapshot.note)
    known = reads.completed_digest(engine) == snapshot.digest
    plan = make_plan(read_state(engine, settings, None if known else load(snapshot)))
    if not known or not plan.is_empty():
        _carry_out(settings, engine, snapshot, known, plan, report, tell)
    calendar = reads.calendar(engine)
    calendar = calendar[~calendar["is_cancelled"]]
    report.next_race = next_race(
        calendar["race_key"].tolist(), set(calendar.loc[calendar["finished"], "race_key"])
    )
    return report


def _carry_out(
    settings: Settings,
    engine: Engine,
    snapshot: Snapshot,
    known: bool,
    plan: Plan,
    report: Report,
    tell: Tell,
) -> None:
    from f1_pipeline.dagster_instance import get_instance
    from f1_pipeline.dagster_store.abandoned import fail_abandoned_runs

    bundle = None if known else load(snapshot)
    with get_instance() as instance:
        fail_abandoned_runs(instance)
        runs = Runs(instance, report, tell)
        if bundle is not None:
            # Once the calendar is taken in, nothing shows any more that it was another one.
            moved = moved_races(bundle, reads.calendar(engine))
            runs.run("read_source", "calendar and names", None)
            plan = make_plan(read_state(engine, settings, bundle, moved=moved))
        report.changed_races = _count(plan.raw, engine)
        for span in plan.raw:
            runs.run("ingest_races", "ingest", span)
        if plan.derived is not None:
            runs.run("rate_and_describe", "ratings and features", plan.derived)
        if plan.raw or plan.derived:
            # Grids and entries that were new are in the tables only now.
            plan = make_plan(read_state(engine, settings, None, derived=plan.derived))
        for horizon in HORIZONS:
            for span in plan.forecasts.get(horizon, []):
                report.forecasts += _count([span], engine)
                runs.run(f"forecast_{horizon}", f"train and forecast, {horizon}", span)
        for span in plan.sprints:
            runs.run("forecast_sprints", "forecast the sprints", span)
        for span in plan.championship:
            report.championships += _count([span], engine)
            runs.run("forecast_championship", "forecast the championships", span)
        for span in plan.scores:
            report.scores += _count([span], engine)
            runs.run("score", "score", span)
        if any(plan.forecasts.values()):
            runs.run("prune_models", "prune old model artefacts", None)
    _complete(engine, snapshot)


class Runs:
    """Starts jobs on the instance, over a range of races, and tells about them."""

    def __init__(self, instance: DagsterInstance, report: Report, tell: Tell):
        self.instance, self.report, self.tell = instance, report, tell

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
            UpdateFailed: a step failed.
        """
        from dagster._core.storage.tags import (
            ASSET_PARTITION_RANGE_END_TAG,
            ASSET_PARTITION_RANGE_START_TAG,
        )

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
        tags |= process_tag()
        began = time.monotonic()
        definition = defs.resolve_job_def(job)
        result = definition.execute_in_process(
            run_config=_run_config(definition, remake) | ({"ops": ops} if ops else {}),
            instance=self.instance,
            tags=tags,
            raise_on_error=False,
        )
        took = time.monotonic() - began
        self.report.seconds[title] = self.report.seconds.get(title, 0.0) + took
        if not result.success:
            raise UpdateFailed(_failure(result.all_events) or f"job {job} failed")
        self.tell(f"{title}{races} done in {took:.1f} s")


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


def _failure(events: Sequence[object]) -> str | None:
    for event in events:
        if getattr(event, "is_step_failure", False):
            error = event.step_failure_data.error  # type: ignore[attr-defined]
            while error is not None and error.cause is not None:
                error = error.cause
            # Steps are named like their asset, with two underscores for the slash.
            step = str(event.step_key).replace("__", "/")  # type: ignore[attr-defined]
            return None if error is None else f"{step}: {str(error.message).strip()}"
    return None


def _count(spans: Sequence[KeyRange], engine: Engine) -> int:
    calendar = reads.calendar(engine)
    keys = calendar.loc[~calendar["is_cancelled"], "race_key"].tolist()
    place = {key: index for index, key in enumerate(keys)}
    return sum(place[span.end] - place[span.start] + 1 for span in spans)


def _complete(engine: Engine, snapshot: Snapshot) -> None:
    with write_transaction(engine) as connection:
        connection.execute(
            insert(schema.data_loads),
            [
                {
                    "table_name": reads.COMPLETED,
                    "race_key": None,
                    "source": snapshot.source,
                    "release": snapshot.release,
                    "content_hash": snapshot.digest,
                    "row_count": 0,
                    "loaded_at": datetime.now(UTC),
                    "message": snapshot.note,
                }
            ],
        )
