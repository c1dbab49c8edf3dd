"""Keeps what an answer says, slot by slot: what adds to the bulk source or corrects it, and fits to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import pandas as pd
from sqlalchemy import Engine

from f1_pipeline import clock, snapshot
from f1_pipeline.automation.answers import states_other_times
from f1_pipeline.errors import ContractViolation, PermanentError, SourceRefused, UnknownIdentity
from f1_pipeline.settings import Settings
from f1_pipeline.sources.bundle import SourceBundle
from f1_pipeline.sources.corrections import corrected
from f1_pipeline.sources.fitting import merge_fitting
from f1_pipeline.sources.live import LiveSession, Slot, slot_hash, slot_rows
from f1_pipeline.storage.live import newest_marks, read_sessions, remember
from f1_pipeline.storage.polls import complete_versions

_CHECKS = {SourceRefused: "answer", UnknownIdentity: "identity", ContractViolation: "content"}


def check_of(error: PermanentError) -> str:
    """Name of the law of the answers (``decisions.CHECKS``) that an error is about."""
    return next(name for kind, name in _CHECKS.items() if isinstance(error, kind))


@dataclass(frozen=True)
class Found:
    """What came of one answer.

    ``new``: what is new, as texts of slot and content. ``waiting``: why there is nothing yet. ``refused``: (law, what is
    wrong) of each part that was not taken; the rest was.
    """

    new: tuple[str, ...] = ()
    waiting: tuple[str, ...] = ()
    refused: tuple[tuple[str, str], ...] = ()

    def __add__(self, other: Found) -> Found:
        return Found(self.new + other.new, self.waiting + other.waiting, self.refused + other.refused)


def keep(settings: Settings, engine: Engine, rows: Mapping[Slot, pd.DataFrame]) -> Found:
    """Keep versions that say more than the bulk source; of those that exist already only the time moves.

    A version that an update could not merge is refused here, where its answer is at hand: it would otherwise hold up
    every update. It is asked for again like one that never came.
    """
    known = complete_versions(engine)
    now = clock.now()
    candidates: dict[Slot, LiveSession] = {}
    bulk: SourceBundle | None = None
    for slot, frame in rows.items():
        session = LiveSession(slot, frame, now, complete=True)
        if known.get(slot) == session.content_hash:
            remember(engine, session)
            continue
        bulk = bulk or snapshot.load_bulk(snapshot.remembered(settings))
        if slot not in known and not _says_more(bulk, slot, frame):
            continue
        candidates[slot] = replace(session, against=slot_hash(bulk.tables[slot.table], slot))
    if bulk is None or not candidates:
        return Found()
    held = read_sessions(engine, [mark.id for mark in newest_marks(engine)])
    _, misfits = merge_fitting(bulk, {**held, **candidates})
    new = [
        f"{slot.race_key} {slot.table} {session.content_hash[:12]}"
        for slot, session in candidates.items()
        if slot not in misfits and remember(engine, session)
    ]
    wrong = [(check_of(misfits[slot]), str(misfits[slot])) for slot in candidates if slot in misfits]
    return Found(tuple(new), refused=tuple(wrong))


def _says_more(bulk: SourceBundle, slot: Slot, rows: pd.DataFrame) -> bool:
    """Whether rows add to what the bulk source has, or correct it; habits of the source do not count."""
    held = slot_rows(bulk.tables[slot.table], slot)
    if slot.table == "races":
        has_result = bool((bulk.tables["race_results"]["race_key"] == slot.race_key).any())
        return len(held) > 0 and not has_result and states_other_times(rows, held)
    return held.empty or corrected(slot.table, held, rows) is not None
