"""The second process from inside: what it answers, and when it ends."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import nullcontext
from typing import Any

import pytest

from f1_pipeline import companion
from f1_pipeline.automation.plan import KeyRange
from f1_pipeline.companion import Companion, _Line, _serve
from f1_pipeline.errors import NotReady, StoreUnavailable
from f1_pipeline.stages import Ran, Stage

ORDER = {
    "stage": {"job": "score", "title": "score", "span": {"start": "a", "end": "b"}, "remake": True},
    "outer": "0",
}


class Ended(BaseException):
    """In place of the end of this process."""


@pytest.fixture
def ends(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[_Line, _Line]]:
    """Both ends of a line, and nothing that takes time to import."""
    monkeypatch.setattr(companion, "NEEDED", ())
    monkeypatch.setattr("f1_pipeline.dagster_instance.get_instance", nullcontext)
    first, second = map(_Line, socket.socketpair())
    yield first, second
    first.close()
    second.close()


def test_orders_are_carried_out_until_there_are_none(
    ends: tuple[_Line, _Line], monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = ends
    asked: list[tuple[Any, ...]] = []

    def execute(instance: Any, stage: Stage, outer: str | None) -> Ran:
        asked.append((stage, outer))
        return Ran(1.5, "no" if len(asked) == 2 else None)

    monkeypatch.setattr(companion, "execute", execute)
    served = threading.Thread(target=_serve, args=(second,))
    served.start()
    for failure in (None, "no"):
        first.say(ORDER)
        assert first.hear() == {"seconds": 1.5, "failure": failure, "interrupted": False}
    first.close()
    served.join(10)
    assert not served.is_alive()
    assert asked == [(Stage("score", "score", KeyRange("a", "b"), True), "0")] * 2


@pytest.mark.parametrize(
    ("error", "told", "store"),
    [
        (NotReady("first this"), "first this", False),
        (StoreUnavailable("full"), "full", True),
        (OSError(28, "No space left on device"), "the disk is full", True),
        (ValueError("odd"), "ValueError: odd", False),
    ],
)
def test_what_keeps_a_stage_from_running_is_an_answer(
    ends: tuple[_Line, _Line], monkeypatch: pytest.MonkeyPatch, error: Exception, told: str, store: bool
) -> None:
    def execute(*_: Any) -> Ran:
        raise error

    monkeypatch.setattr(companion, "execute", execute)
    first, second = ends
    first.say(ORDER)
    served = threading.Thread(target=_serve, args=(second,))
    served.start()
    answer = first.hear()
    assert answer is not None
    assert answer["error"].startswith(told)
    assert answer["store"] is store
    first.close()
    served.join(10)


def test_what_cannot_be_imported_is_the_answer_to_the_first_order(
    ends: tuple[_Line, _Line], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(companion, "NEEDED", ("f1_pipeline.nothing",))
    first, second = ends
    first.say(ORDER)
    _serve(second)
    answer = first.hear()
    assert answer is not None
    assert answer["error"] == "ModuleNotFoundError: No module named 'f1_pipeline.nothing'"
    assert "in the second process" in caplog.text


def test_it_ends_with_a_stage_that_was_interrupted(
    ends: tuple[_Line, _Line], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Dagster goes on after Ctrl-C: nobody would wait for it for ten seconds otherwise."""
    monkeypatch.setattr(companion, "execute", lambda *_: Ran(1.0, "step: ended", True))
    first, second = ends
    first.say(ORDER)
    _serve(second)
    assert first.hear() == {"seconds": 1.0, "failure": "step: ended", "interrupted": True}


@pytest.mark.parametrize("at", ["import", "stage"])
def test_it_ends_at_once_where_the_first_process_is_gone(
    ends: tuple[_Line, _Line], monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    first, second = ends
    exits: list[int] = []
    gone, over = threading.Event(), threading.Event()

    def leave(code: int) -> None:
        exits.append(code)
        gone.set()
        raise Ended

    def linger(*_: Any) -> Any:
        first.close()
        assert gone.wait(10), "the thread that listens has not seen it"
        over.set()
        return Ran(1.0, None)

    monkeypatch.setattr(os, "_exit", leave)
    monkeypatch.setattr(threading, "excepthook", lambda _: None)
    if at == "stage":
        monkeypatch.setattr(companion, "execute", linger)
        first.say(ORDER)
    else:
        monkeypatch.setattr("f1_pipeline.dagster_instance.get_instance", lambda: nullcontext(linger()))
    served = threading.Thread(target=_serve, args=(second,), daemon=True)
    served.start()
    assert over.wait(20)
    assert exits == [1]


def test_one_that_nobody_needs_goes_without_a_word(capfd: pytest.CaptureFixture[str]) -> None:
    unneeded = Companion()
    unneeded.end()
    assert unneeded._process.returncode is not None
    hurried = Companion()
    hurried.end(interrupted=True)
    assert hurried._process.returncode is not None
    assert "Traceback" not in capfd.readouterr().err
