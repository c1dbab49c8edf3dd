"""What of the record of a live source no longer matters: pure decisions. Whatever was taken into the tables stays in ``revisions``.

A season of questions every few minutes leaves a version for each half answer, and a question for each session that was ever asked for;
a law that an answer broke a year ago would stay a failed check for ever.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from f1_pipeline.sources.live import Slot

VERSIONS_KEPT = timedelta(days=90)
"""Since a version that is not the newest was last confirmed. It was either taken in, and then it is in ``revisions``, or
replaced before it was; for a while one may want to see what a source said when."""

POLLS_KEPT = timedelta(days=14)
"""Since the last question: a session is not asked for any more five days after its end, the season every day."""


@dataclass(frozen=True)
class VersionMark:
    """A version of a slot: its number, and when its source said it last (aware)."""

    id: int
    slot: Slot
    complete: bool
    confirmed_at: datetime


@dataclass(frozen=True)
class PollMark:
    """The last question about a subject, and when one about it was answered last (aware)."""

    asked_at: datetime
    answered_at: datetime | None


def versions_to_forget(versions: Iterable[VersionMark], in_use: Collection[int], now: datetime) -> set[int]:
    """Numbers of versions that nothing needs any more.

    The newest complete version of a slot stays for ever: it decides whether an answer is new. So does what a state of the
    source that is in use was merged from (``in_use``).
    """
    found = sorted(versions, key=lambda version: version.id)
    newest = {version.slot: version.id for version in found if version.complete}
    needed = {*newest.values(), *in_use}
    return {
        version.id
        for version in found
        if version.id not in needed and now - version.confirmed_at > VERSIONS_KEPT
    }


def polls_to_forget(polls: Mapping[str, PollMark], now: datetime) -> set[str]:
    """Subjects of questions that decide nothing any more. The one that was answered last stays: it is the age of the data."""
    answered = {name: poll.answered_at for name, poll in polls.items() if poll.answered_at is not None}
    newest = max(answered, key=lambda name: (answered[name], name), default=None)
    return {name for name, poll in polls.items() if name != newest and now - poll.asked_at > POLLS_KEPT}
