"""Faults of the sources that really happened, switched by path and virtual time.

``KINDS`` says what each does. Faults of the way are done to the finished answer by the server; faults of the content
are done to the rows before they are cut into pages, so that totals and pages are those of the faulty rows.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase

WAY = {
    "throttled": "status 429; with `Retry-After` in seconds if `seconds` is set",
    "throttled_until": "status 429 with `Retry-After` as an HTTP date, `seconds` from the real now",
    "server_error": "status 500",
    "cut": "the connection ends in the middle of the body",
    "truncated": "half of the body, with a length that fits it",
    "html": "status 200 and a page in place of data",
}
CONTENT = {
    "empty": "no rows and a total of 0",
    "split": "pages of at most `rows` rows, whatever was asked for: a race falls into two pages",
    "half": "only the first half of the last race's rows",
    "impossible": "the second row of the last race has the place of the first",
    "swapped": "two drivers of the last race (`drivers`, else the first two) have each other's place, points and time",
    "renumbered": "the race `race` is hidden, and rounds are counted without it",
    "other_id": "the first of `drivers` comes under the id of the second",
    "moved": "the race `race` starts `shift` minutes later than it does",
    "lying_total": "the total is wrong by `shift`",
    "next_round": "standings are labelled with the round after theirs",
}
KINDS = WAY | CONTENT
"""What each kind of fault does."""


@dataclass(frozen=True)
class Fault:
    """One fault: what, where, when, how often.

    ``path`` is a pattern (``*`` and ``?``) over the path after the server's root, such as ``2026/*/results`` or
    ``releases/latest``; ``start`` is included, ``end`` is not, None is open. ``times`` limits it to the first requests
    that meet it. ``drivers`` are ids of the source.
    """

    kind: str
    path: str = "*"
    start: datetime | None = None
    end: datetime | None = None
    times: int | None = None
    seconds: int | None = None
    rows: int = 7
    shift: int = 5
    race: str | None = None
    drivers: tuple[str, str] | None = None

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"no fault {self.kind!r}: {', '.join(KINDS)}")
        if self.kind in {"renumbered", "moved"} and self.race is None:
            raise ValueError(f"the fault {self.kind!r} needs a race")
        if self.kind == "other_id" and self.drivers is None:
            raise ValueError("the fault 'other_id' needs two drivers")

    def on(self, path: str, now: datetime) -> bool:
        """Whether the fault is on for a path at a moment, however often it has been met."""
        begun = self.start is None or now >= self.start
        return begun and (self.end is None or now < self.end) and fnmatchcase(path, self.path)


class FaultTable:
    """The faults of one server, and how often each was met. Safe for threads."""

    def __init__(self, faults: Iterable[Fault] = ()):
        self.faults = list(faults)
        self._met: dict[int, int] = {}
        self._lock = threading.Lock()

    def meet(self, path: str, now: datetime) -> tuple[Fault | None, list[Fault]]:
        """The first fault of the way and all faults of the content that are on, counted as met.

        A fault of the content is not used up by a request that a fault of the way has spoiled.
        """
        with self._lock:
            on = [
                (index, fault)
                for index, fault in enumerate(self.faults)
                if fault.on(path, now) and (fault.times is None or self._met.get(index, 0) < fault.times)
            ]
            way = next(((index, fault) for index, fault in on if fault.kind in WAY), None)
            if way is not None:
                self._met[way[0]] = self._met.get(way[0], 0) + 1
                return way[1], []
            for index, _ in on:
                self._met[index] = self._met.get(index, 0) + 1
            return None, [fault for _, fault in on]
