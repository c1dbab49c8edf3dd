"""Dagster runs of an update, a backfill or a challenge: on the shared instance, one by one, or two beside each other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from f1_pipeline.automation.plan import KeyRange
from f1_pipeline.companion import Companion, CompanionGone
from f1_pipeline.errors import F1Error, StoreUnavailable
from f1_pipeline.settings import get_settings
from f1_pipeline.stages import Ran, Stage, execute
from f1_pipeline.storage.outages import outage
from f1_pipeline.turn import Turn

if TYPE_CHECKING:
    from dagster import DagsterInstance

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


class UpdateEnded(UpdateFailed):
    """Somebody has ended it in the middle of a stage: Ctrl-C, or in the Dagster UI."""


class UpdateInterrupted(UpdateFailed, StoreUnavailable):
    """The same, because a database or the disk did not go along: the next update goes on there."""


def forecast(horizon: str, span: KeyRange, remake: bool = False) -> Stage:
    """The stage that trains what is due and forecasts at a horizon."""
    return Stage(f"forecast_{horizon}", f"train and forecast, {horizon}", span, remake)


@contextmanager
def open_runs(report: Report, tell: Tell, turn: Turn) -> Iterator[Runs]:
    """Runs on the shared instance; those whose process is gone are recorded as failed first."""
    from f1_pipeline.dagster_instance import get_instance
    from f1_pipeline.dagster_store.abandoned import fail_abandoned_runs

    with get_instance() as instance:
        fail_abandoned_runs(instance, alone=True)
        runs = Runs(instance, report, tell, turn)
        try:
            yield runs
        except BaseException as error:
            runs.close(interrupted=isinstance(error, UpdateEnded) or not isinstance(error, Exception))
            raise
        runs.close()


class Runs:
    """Starts jobs on the instance, over a range of races, and tells about them."""

    def __init__(self, instance: DagsterInstance, report: Report, tell: Tell, turn: Turn):
        self.instance, self.report, self.tell, self._turn = instance, report, tell, turn
        self._companion: Companion | None = None

    def run(
        self,
        job: str,
        title: str,
        span: KeyRange | None,
        remake: bool = False,
        ops: Mapping[str, Any] | None = None,
    ) -> None:
        """Run a job to its end; ``remake`` makes forecasts anew that exist, ``ops`` is the config of its steps.

        Raises:
            UpdateFailed: a step failed; ``UpdateInterrupted`` where a store is why, ``UpdateEnded`` where somebody is. Or
                nothing was started, because somebody has ended the run that this is the step of.
            StoreUnavailable: nothing was started, because somebody else may be at work.
        """
        stage = Stage(job, title, span, remake)
        self._begin(stage)
        self._end(stage, execute(self.instance, stage, self._turn.outer, ops))

    def call_companion(self) -> None:
        """Start the second process, if there is to be one: it gets ready while other things are done."""
        if self._companion is None and get_settings().update_processes > 1:
            try:
                self._companion = Companion()
            except CompanionGone as error:
                self.tell(f"{error}; going on with one")

    def both(self, here: Sequence[Stage], beside: Sequence[Stage]) -> None:
        """Run stages that do not depend on each other: some here, the others in the second process; without one in turn.

        What one of them has finished stays if the other fails.

        Raises:
            UpdateFailed, StoreUnavailable: as ``run`` does, once both have ended; of two the one that was here.
            CompanionGone: the second process ended.
        """
        if here and beside:
            self.call_companion()
        if self._companion is None:
            for stage in (*here, *beside):
                self._run(stage)
            return
        for mine, other in zip_longest(here, beside):
            if mine is not None and other is not None:
                self._pair(self._companion, mine, other)
            else:
                self._run(mine or other)

    def _run(self, stage: Stage) -> None:
        self.run(stage.job, stage.title, stage.span, stage.remake)

    def _pair(self, companion: Companion, mine: Stage, other: Stage) -> None:
        for stage in (other, mine):  # both, before anything is done that would have to be waited for
            self._begin(stage)
        companion.begin(other, self._turn.outer)
        try:
            self._end(mine, execute(self.instance, mine, self._turn.outer))
        except UpdateEnded:
            raise
        except Exception:
            try:
                self._end(other, companion.outcome())
            except F1Error as error:
                self.tell(f"{other} failed, too: {error}")
            raise
        self._end(other, companion.outcome())

    def close(self, interrupted: bool = False) -> None:
        """Let the second process go; ``interrupted``: in the middle of what it does."""
        if self._companion is not None:
            self._companion.end(interrupted)
            self._companion = None

    def _begin(self, stage: Stage) -> None:
        self._turn.check()
        self._refuse_for_an_ended_run()
        self.tell(f"{stage} ...")

    def _end(self, stage: Stage, ran: Ran) -> None:
        before = self.report.seconds.get(stage.title, 0.0)
        self.report.seconds[stage.title] = before + ran.seconds
        if ran.failure is None:
            self.tell(f"{stage} done in {ran.seconds:.1f} s")
            return
        if ran.interrupted:
            raise UpdateEnded(f"{stage}: ended in the middle; the same command goes on there")
        if words := outage(ran.failure):
            raise UpdateInterrupted(f"{ran.failure.splitlines()[0]}: {words}")
        raise UpdateFailed(ran.failure)

    def _refuse_for_an_ended_run(self) -> None:
        """The run monitor and the Dagster UI can end a run on paper while its process goes on; what comes next is not to be
        kept waiting by its stages."""
        outer = None if self._turn.outer is None else self.instance.get_run_by_id(self._turn.outer)
        if outer is not None and outer.is_finished:
            raise UpdateFailed(f"the run {outer.run_id} was ended ({outer.status.value}): no stage follows")
