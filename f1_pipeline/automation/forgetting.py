"""Carries the decisions of ``retention`` out, at the end of an update that did something."""

from __future__ import annotations

from sqlalchemy import Engine

from f1_pipeline import clock
from f1_pipeline.automation.retention import PollMark, VersionMark, polls_to_forget, versions_to_forget
from f1_pipeline.snapshot import Snapshot
from f1_pipeline.storage.live import all_versions, forget_versions
from f1_pipeline.storage.polls import forget_polls, polls


def forget_what_is_old(engine: Engine, snapshot: Snapshot) -> None:
    """Remove versions and questions that nothing needs any more; ``snapshot`` is the state of the source that is in use."""
    now = clock.now()
    versions = (VersionMark(*row) for row in all_versions(engine))
    if old := versions_to_forget(versions, snapshot.live, now):
        forget_versions(engine, old)
    asked = {name: PollMark(poll.asked_at, poll.answered_at) for name, poll in polls(engine).items()}
    if past := polls_to_forget(asked, now):
        forget_polls(engine, past)
