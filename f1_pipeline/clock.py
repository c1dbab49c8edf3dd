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

VARIABLE = "F1_NOW"
"""Environment variable with a virtual moment (ISO 8601 with a zone); read at each call, inherited by children."""


def now() -> datetime:
    """The moment (aware, UTC): the real one, or that of ``F1_NOW``.

    Raises:
        ValueError: the variable holds no moment, or one without a zone: nobody would know whose noon it is.
    """
    stated = os.environ.get(VARIABLE)
    return datetime.now(UTC) if not stated else _parse(stated)


@contextmanager
def at(moment: datetime) -> Iterator[None]:
    """Stand at a moment (aware) inside the ``with`` statement, in this process and in its children.

    Raises:
        ValueError: the moment has no zone.
    """
    before = os.environ.get(VARIABLE)
    os.environ[VARIABLE] = _parse(moment.isoformat()).isoformat()
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
