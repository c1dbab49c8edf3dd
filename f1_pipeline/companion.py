"""A second process that executes stages beside this one.

The two horizons of a forecast know nothing of each other, and a stage is mostly Python, which uses one core. The companion
imports what stages need while races are still being taken in; that is a quarter of an update of one race. On two cores such an
update takes 58 s and not 66 (``docs/operations.md``); a machine with more of them was not there to be measured.

Orders and answers are lines of JSON on a socket that the two share. When this process ends, however it does, the other one
sees that and ends at once: the turn (``f1_pipeline.turn``) is this process's, and nobody may write without it.
"""

from __future__ import annotations

import gc
import importlib
import json
import logging
import os
import queue
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from f1_pipeline import logs
from f1_pipeline.automation.plan import KeyRange
from f1_pipeline.errors import F1Error, StoreUnavailable, TransientError
from f1_pipeline.settings import get_settings
from f1_pipeline.stages import OBJECTS, Ran, Stage, execute
from f1_pipeline.storage.outages import outages_named

if TYPE_CHECKING:
    from dagster import DagsterInstance

logger = logging.getLogger(__name__)

NEEDED = (
    "f1_pipeline.definitions",
    "f1_pipeline.forecasting.models",
    "mlflow.sklearn",
    "mlflow.xgboost",
    "skops.io",
)
"""What stages import when they need it."""
_PATIENCE = 10.0
"""Seconds in which an interrupted stage enters into Dagster's history that it was."""


class CompanionGone(TransientError):
    """The second process ended in the middle of a stage, or could not be started."""


class Companion:
    """The second process, as the first one has it. It has one stage at a time.

    Raises:
        CompanionGone: it could not be started.
    """

    def __init__(self) -> None:
        from f1_pipeline.dagster_instance import dagster_environment

        here, there = socket.socketpair()
        with there:
            try:
                self._process = subprocess.Popen(
                    # -P: what lies in the current directory is no module of ours, as for the command itself.
                    [sys.executable, "-P", "-m", "f1_pipeline.companion", str(there.fileno())],
                    stdin=subprocess.DEVNULL,
                    pass_fds=[there.fileno()],
                    env=dagster_environment(),
                    start_new_session=True,  # Ctrl-C is for the first process, which passes it on
                )
            except OSError as error:
                here.close()
                raise CompanionGone(_without(f"could not be started: {error}")) from None
        self._line = _Line(here)

    def begin(self, stage: Stage, outer: str | None) -> None:
        """Have it execute a stage; ``outer`` is the run that this is inside of."""
        self._line.say({"stage": asdict(stage), "outer": outer})

    def outcome(self) -> Ran:
        """Wait for the end of the stage.

        Raises:
            CompanionGone: it ended before the stage did.
            StoreUnavailable: a database or the disk did not go along.
            F1Error: what kept the stage from running.
        """
        answer = self._line.hear()
        if answer is None:
            raise CompanionGone(_without(f"ended in the middle of a stage ({_how(self._process.wait())})"))
        if "error" in answer:
            raise (StoreUnavailable if answer["store"] else F1Error)(answer["error"])
        return Ran(**answer)

    def end(self, interrupted: bool = False) -> None:
        """Let it go; ``interrupted``: in the middle of a stage, if it is in one."""
        try:
            if interrupted and self._process.poll() is None:
                self._process.send_signal(signal.SIGINT)
                with suppress(subprocess.TimeoutExpired):
                    self._process.wait(_PATIENCE)
            self._line.close()
            self._process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            pass
        finally:
            # Also after a second Ctrl-C: nobody may write once the turn is somebody else's.
            self._line.close()
            self._process.kill()
            self._process.wait()


def _without(what: str) -> str:
    return f"the second process {what}; with F1_PROCESSES=1 an update does without, and needs half the memory"


def _how(code: int) -> str:
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"


class _Line:
    """One end of what the two processes share; it may be heard by one thread and spoken into by another."""

    def __init__(self, end: socket.socket) -> None:
        self._incoming, self._outgoing = (
            end.makefile("r", encoding="utf-8"),
            end.makefile("w", encoding="utf-8"),
        )
        end.close()  # the files keep it open

    def say(self, what: Mapping[str, Any]) -> None:
        """Tell the other side, if it is there: who is not is missed where something is to be heard."""
        with suppress(OSError):
            self._outgoing.write(json.dumps(what) + "\n")
            self._outgoing.flush()

    def hear(self) -> dict[str, Any] | None:
        """What the other side says next; None once it is gone."""
        try:
            said = self._incoming.readline()
        except OSError:
            return None
        return dict(json.loads(said)) if said.endswith("\n") else None

    def close(self) -> None:
        """End it, for both."""
        for file in (self._outgoing, self._incoming):
            with suppress(OSError):
                file.close()


class _Orders:
    """What the first process wants, heard by a thread: it learns at once when that process is gone."""

    def __init__(self, line: _Line) -> None:
        self._line, self._busy, self._ready = line, False, False
        self._heard: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        threading.Thread(target=self._listen, name="orders", daemon=True).start()

    def _listen(self) -> None:
        while (order := self._line.hear()) is not None:
            self._busy = True
            self._heard.put(order)
        if self._busy or not self._ready:
            # In the middle of a stage, without the turn by now: as if it had been killed as well. Or nothing was wanted in
            # the end, and nobody is to wait until everything is imported.
            os._exit(1)
        self._heard.put(None)

    def next(self) -> dict[str, Any] | None:
        """The next order; None where there is none to come."""
        self._ready = True
        return self._heard.get()

    def done(self, answer: Mapping[str, Any]) -> None:
        """The order has been carried out."""
        self._busy = False
        self._line.say(answer)


def _carry_out(instance: DagsterInstance, order: dict[str, Any]) -> dict[str, Any]:
    wanted = order["stage"]
    span = wanted.pop("span")
    try:
        with outages_named():
            stage = Stage(**wanted, span=None if span is None else KeyRange(**span))
            return asdict(execute(instance, stage, order["outer"]))
    except Exception as error:
        return _told(error)


def _told(error: Exception) -> dict[str, Any]:
    """An error as an answer; what is not the product's own goes into the log as well, with where it came from."""
    if isinstance(error, F1Error):
        return {"error": str(error), "store": isinstance(error, StoreUnavailable)}
    logger.error("in the second process", exc_info=error)
    return {"error": f"{type(error).__name__}: {error}", "store": False}


def _serve(line: _Line) -> None:
    from f1_pipeline.dagster_instance import get_instance

    orders = _Orders(line)
    try:
        with outages_named(), get_instance() as instance:
            for name in NEEDED:
                importlib.import_module(name)
            while (order := orders.next()) is not None:
                answer = _carry_out(instance, order)
                orders.done(answer)
                if answer.get("interrupted"):
                    return  # Dagster has taken the interrupt for the end of a step, and goes on
    except Exception as error:
        # What any stage needs cannot be had: that is the answer to the first order.
        if orders.next() is not None:
            orders.done(_told(error))


def main() -> None:
    """Carry out orders until there are no more."""
    gc.set_threshold(OBJECTS, 10, 10)
    # A shell that starts something in the background has it ignore interrupts; this one comes from the first process.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    logs.quiet(get_settings(), "pipeline")
    try:
        end = socket.socket(fileno=int(sys.argv[1]))
        end.set_inheritable(False)
        _serve(_Line(end))
    except BaseException as error:  # Dagster's own kind of interrupt is no KeyboardInterrupt
        if isinstance(error, Exception):
            raise
        sys.exit(128 + signal.SIGINT)


if __name__ == "__main__":
    main()
