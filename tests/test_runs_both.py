"""Stages beside each other: who runs what, and whose failure is told."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from f1_pipeline import runs as module
from f1_pipeline.automation.plan import KeyRange
from f1_pipeline.companion import CompanionGone
from f1_pipeline.errors import F1Error, StoreUnavailable
from f1_pipeline.runs import Report, Runs, UpdateFailed, UpdateInterrupted
from f1_pipeline.settings import Settings, get_settings
from f1_pipeline.stages import Ran, Stage
from f1_pipeline.storage.engine import UpdateLock
from f1_pipeline.turn import Turn

A, B, C = (Stage(name, name, KeyRange("2026-italy", "2026-italy")) for name in "abc")


class Other:
    """A second process that is none."""

    def __init__(self, outcomes: dict[str, Ran | F1Error]) -> None:
        self.outcomes, self.stage, self.ended = outcomes, "", list[bool]()

    def begin(self, stage: Stage, outer: str | None) -> None:
        assert not self.stage, "one at a time"
        self.stage = stage.job

    def outcome(self) -> Ran:
        found = self.outcomes.get(self.stage, Ran(2.0, None))
        self.stage = ""
        if isinstance(found, F1Error):
            raise found
        return found

    def end(self, interrupted: bool = False) -> None:
        self.ended.append(interrupted)


class Played:
    """Runs whose stages are played: ``failures`` of those that are run here, by job."""

    def __init__(self, patch: pytest.MonkeyPatch, processes: int) -> None:
        patch.setenv("F1_PROCESSES", str(processes))
        get_settings.cache_clear()
        self.told: list[str] = []
        self.failures: dict[str, str] = {}
        self.outcomes: dict[str, Ran | F1Error] = {}
        self.other = Other(self.outcomes)
        self.started = 0
        patch.setattr(module, "Companion", self._start)
        patch.setattr(module, "execute", self._execute)
        self.runs = Runs(None, Report("", "", None), self.told.append, Turn(UpdateLock()))  # type: ignore[arg-type]

    def _start(self) -> Other:
        self.started += 1
        return self.other

    def _execute(self, _instance: Any, stage: Stage, *_: Any) -> Ran:
        return Ran(1.0, self.failures.get(stage.job))


@pytest.fixture
def two(monkeypatch: pytest.MonkeyPatch) -> Iterator[Played]:
    with monkeypatch.context() as patch:
        yield Played(patch, 2)
    get_settings.cache_clear()


def test_with_one_process_all_is_done_in_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    played = Played(monkeypatch, 1)
    played.runs.call_companion()
    played.runs.both([A], [B])
    assert played.started == 0
    assert [line.split()[0] for line in played.told] == ["a", "a", "b", "b"]


def test_a_second_process_that_cannot_be_started_is_told(
    two: Played, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse() -> None:
        raise CompanionGone("the second process could not be started: no memory")

    monkeypatch.setattr(module, "Companion", refuse)
    two.runs.both([A], [B])
    assert two.told[0].startswith("the second process could not be started: no memory; going on with one")
    assert [line.split()[0] for line in two.told[1:]] == ["a", "a", "b", "b"]


def test_nothing_is_begun_where_the_turn_is_lost(two: Played, monkeypatch: pytest.MonkeyPatch) -> None:
    held = iter([True, False])
    monkeypatch.setattr(UpdateLock, "is_held", lambda _: next(held))
    with pytest.raises(StoreUnavailable, match="the lock that keeps other updates out"):
        two.runs.both([A], [B])
    assert two.other.stage == "", "what would have to be waited for"


def test_nothing_is_started_for_stages_of_one_kind(two: Played) -> None:
    two.runs.both([A, C], [])
    two.runs.both([], [B])
    assert two.started == 0
    assert [line.split()[0] for line in two.told] == ["a", "a", "c", "c", "b", "b"]


def test_both_are_begun_before_one_is_done(two: Played) -> None:
    two.runs.both([A, C], [B])
    two.runs.both([C], [B])
    assert two.started == 1, "one for all of an update"
    assert two.told[:6] == [
        "b 2026-italy ...",
        "a 2026-italy ...",
        "a 2026-italy done in 1.0 s",
        "b 2026-italy done in 2.0 s",
        "c 2026-italy ...",
        "c 2026-italy done in 1.0 s",
    ]
    assert two.runs.report.seconds == {"a": 1.0, "b": 4.0, "c": 2.0}
    two.runs.close()
    assert two.other.ended == [False]


def test_whose_failure_is_raised(two: Played) -> None:
    two.outcomes["b"] = Ran(2.0, "b/step: no")
    with pytest.raises(UpdateFailed, match="b/step: no"):
        two.runs.both([A], [B])
    assert "a 2026-italy done in 1.0 s" in two.told, "the other one has finished"
    two.failures["a"] = "a/step: never"
    with pytest.raises(UpdateFailed, match="a/step: never"):
        two.runs.both([A], [B])
    assert two.told[-1] == "b 2026-italy failed, too: b/step: no"
    del two.outcomes["b"]
    with pytest.raises(UpdateFailed, match="a/step: never"):
        two.runs.both([A], [B])
    assert two.told[-1] == "b 2026-italy done in 2.0 s"


def test_a_store_that_is_away_is_told_as_such(two: Played) -> None:
    two.outcomes["b"] = Ran(2.0, "b/step: (sqlite3.OperationalError) database is locked")
    with pytest.raises(UpdateInterrupted, match="locked by another program"):
        two.runs.both([A], [B])
    two.outcomes["b"] = StoreUnavailable("away")
    with pytest.raises(StoreUnavailable, match="away"):
        two.runs.both([A], [B])


@pytest.mark.parametrize(
    ("cores", "stated", "processes"), [(1, None, 1), (2, None, 1), (4, None, 2), (8, 1, 1), (2, 2, 2)]
)
def test_two_processes_where_there_are_four_cores(
    monkeypatch: pytest.MonkeyPatch, cores: int, stated: int | None, processes: int
) -> None:
    monkeypatch.delenv("F1_PROCESSES")
    monkeypatch.setattr("os.sched_getaffinity", lambda _: set(range(cores)), raising=False)
    assert Settings(processes=stated).update_processes == processes
