"""What a live source says of one session of one race, as the bulk source would say it.

A live source (Jolpica) is asked while a weekend runs and for months after it. Each answer is a version of a *slot*: one race, one
table and, where a table holds several sessions, one of them. F1DB may have the sprint qualifying of a weekend and not yet the
qualifying: so they are separate slots.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import NamedTuple

import pandas as pd

from f1_pipeline.domain.classification import classification_faults
from f1_pipeline.errors import ContractViolation
from f1_pipeline.sources.bundle import LIVE, content_hashes

RESULT_TABLES = ("race_results", "sprint_results")
STANDINGS_TABLES = ("driver_standings", "constructor_standings")
LIVE_TABLES = ("races", *RESULT_TABLES, "qualifying_results", *STANDINGS_TABLES)
"""Tables of which a live source has something to say, in the order in which it is taken in: standings wait for results.
Of ``races`` only when sessions begin. No grid: the source states one with the result, and there it holds what happened later
(Rosberg, second at Singapore 2014, had to start from the pit lane). A forecast that was missed on Saturday would read it."""

SCHEDULE = ("date", "start_at", "first_practice_at", "qualifying_at", "sprint_qualifying_at", "sprint_at")
"""Columns of ``races`` that a live schedule states. Rounds are hidden and counted anew while a race is in doubt, and
races come and go: those are left to the bulk source."""


class Slot(NamedTuple):
    """One race, table and session; ``session`` is empty where a table has one session only."""

    race_key: str
    table: str
    session: str = ""


@dataclass(frozen=True)
class LiveSession:
    """One version of a slot.

    Args:
        slot: what it is about.
        rows: canonical rows of the slot (``contracts.conform``).
        seen_at: when this version was first seen (aware).
        complete: whether all of it is there; what is not complete is not merged.
        against: content hash of the bulk source's rows of the slot when it was seen (``slot_hash``), empty where it
            had none. A version corrects exactly these rows: another release with other rows ends the correction.
        source: who says so.
    """

    slot: Slot
    rows: pd.DataFrame = field(repr=False)
    seen_at: datetime
    complete: bool
    against: str = ""
    source: str = LIVE

    @cached_property
    def content_hash(self) -> str:
        """Hash of the rows."""
        return _hash(self.rows, self.slot)

    @property
    def release(self) -> str:
        """Names the version for people."""
        return f"{self.source}@{self.seen_at:%Y-%m-%dT%H:%MZ}"

    @property
    def mark(self) -> str:
        """What decides whether it is merged, and as what, in one line."""
        return " ".join([*self.slot, self.content_hash, self.against, self.source])


def slot_rows(frame: pd.DataFrame, slot: Slot) -> pd.DataFrame:
    """The rows of a slot in the frame of its table."""
    wanted = frame["race_key"] == slot.race_key
    if slot.session:
        wanted &= frame["session"] == slot.session
    return frame[wanted]


def slot_hash(frame: pd.DataFrame, slot: Slot) -> str:
    """Content hash of the rows of a slot in the frame of its table; empty where it has none."""
    return _hash(slot_rows(frame, slot), slot)


def slots(table: str, frame: pd.DataFrame) -> dict[Slot, pd.DataFrame]:
    """A canonical frame, of any number of races, by slot."""
    by = ["race_key", "session"] if "session" in frame.columns else ["race_key"]
    return {
        Slot(str(key[0]), table, *map(str, key[1:])): rows.reset_index(drop=True)
        for key, rows in frame.groupby(by, sort=True)
    }


def check_session(session: LiveSession) -> pd.DataFrame:
    """The rows of a version with canonical types, in key order.

    Raises:
        ContractViolation: they are impossible, or not those of the slot; names source, race and field.
    """
    # pandera takes a second to import: only who checks pays
    from f1_pipeline.sources.contracts import conform

    slot = session.slot
    if slot.table not in LIVE_TABLES:
        raise ContractViolation(
            f"{session.source}: table {slot.table}, race {slot.race_key}: not a live table"
        )
    rows = conform(slot.table, session.rows, session.source)
    if len(slot_rows(rows, slot)) != len(rows) or rows.empty:
        raise ContractViolation(
            f"{session.source}: table {slot.table}, race {slot.race_key}, field race_key: rows of another race or "
            "session, or none"
        )
    who = "constructor_id" if slot.table == "constructor_standings" else "driver_id"
    faults: list[str] = []
    if slot.table != "races":
        faults += [
            f"race {slot.race_key}, field {who}: {name} is in it twice"
            for name in rows.loc[rows.duplicated(who), who]
        ]
    if slot.table in RESULT_TABLES and session.complete:
        faults += classification_faults(rows)
    if faults:
        raise ContractViolation(f"{session.source}: table {slot.table}, {faults[0]}")
    return rows


def merged_digest(digest: str, marks: Iterable[str]) -> str:
    """Digest of a state of the bulk source with live versions (``LiveSession.mark``) on top of it."""
    lines = sorted(marks)
    return hashlib.sha256("\n".join([digest, *lines]).encode()).hexdigest() if lines else digest


def _hash(rows: pd.DataFrame, slot: Slot) -> str:
    columns = ["race_key", *SCHEDULE] if slot.table == "races" else list(rows.columns)
    return content_hashes(rows[columns]).get(slot.race_key, "")
