"""The one place where the pipeline's "now" comes from.

What is due, what was known before a race, and when a row was made are all questions to a clock. With one clock a race
weekend can be played again (``f1 replay``): the code that decides is the code that runs, only the moment is another one.
Limits of requests, waits and timeouts stay on the real clock: they are promises to others.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

VARIABLE = "F1_NOW"
"""Environment variable with a virtual moment (ISO 8601 with a zone), or ``@`` and the path of a file that holds one; read at
each call, inherited by children. A file moves the clock of servers that run already (``hand``)."""


def now() -> datetime:
    """The moment (aware, UTC): the real one, or that of ``F1_NOW``.

    Raises:
        ValueError: the variable holds no moment, or one without a zone: nobody would know whose noon it is.
        OSError: the file that it names cannot be read.
    """
    stated = os.environ.get(VARIABLE)
    if stated and stated.startswith("@"):
        stated = Path(stated[1:]).read_text(encoding="ascii")
    return datetime.now(UTC) if not stated else _parse(stated)


@contextmanager
def at(moment: datetime) -> Iterator[None]:
    """Stand at a moment (aware) inside the ``with`` statement, in this process and in its children.

    Raises:
        ValueError: the moment has no zone.
    """
    with _stated(_parse(moment.isoformat()).isoformat()):
        yield


@contextmanager
def hand(file: Path, moment: datetime) -> Iterator[None]:
    """Go by a file inside the ``with`` statement, in this process and in its children; it stands at a moment (aware) at first.

    Raises:
        ValueError: the moment has no zone.
    """
    move(file, moment)
    with _stated(f"@{file.absolute()}"):
        yield


def move(file: Path, moment: datetime) -> None:
    """Move a clock that others go by, in one step: nobody reads half a moment.

    Raises:
        ValueError: the moment has no zone.
    """
    fresh = file.with_suffix(".new")
    fresh.write_text(_parse(moment.isoformat()).isoformat(), encoding="ascii")
    fresh.replace(file)


@contextmanager
def _stated(value: str) -> Iterator[None]:
    before = os.environ.get(VARIABLE)
    os.environ[VARIABLE] = value
    try:
        yield
    finally:
        if before is None:
            del os.environ[VARIABLE]
        else:
            os.environ[VARIABLE] = before


def _parse(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{VARIABLE}: {text!r} has no time zone")
    return moment.astimezone(UTC)


def on_this_clock(moment: datetime) -> datetime:
    """A moment of the real clock (until when a source wants to be left alone) on this one."""
    return now() + (moment - datetime.now(UTC))
