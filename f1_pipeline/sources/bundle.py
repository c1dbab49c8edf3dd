"""What every source hands over: canonical frames, and where they come from."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Literal

import pandas as pd

SourceName = Literal["f1db", "simulated"]


@dataclass(frozen=True)
class SourceBundle:
    """One consistent state of a source, as canonical frames.

    ``tables`` maps a table name to a frame whose columns are those of the table (see
    ``f1_pipeline.sources.contracts``, which also says the types). Per-race tables carry ``race_key``.
    ``release`` names the state for people (``v2026.11.0``); ``digest`` names its content.
    """

    source: SourceName
    release: str
    digest: str
    tables: dict[str, pd.DataFrame] = field(repr=False)
    _hashes: dict[str, dict[str, str]] = field(default_factory=dict, init=False, repr=False, compare=False)

    def race_hashes(self, table: str) -> dict[str, str]:
        """Content hash of each race's rows of one per-race table: ``{race_key: sha256 hex}``.

        The hash covers canonical columns only. F1DB renumbers races and ids when the calendar
        moves; neither is in a canonical frame, so a renumbered race keeps its hash. Computed once for each table: an
        update asks three times, .7 s for all of them.
        """
        if table not in self._hashes:
            self._hashes[table] = content_hashes(self.tables[table])
        return dict(self._hashes[table])


def content_hashes(frame: pd.DataFrame) -> dict[str, str]:
    """Hash the rows of each race of a frame with a ``race_key`` column, in their given order."""
    if frame.empty:
        return {}
    lines = frame.drop(columns="race_key").to_csv(index=False, header=False).splitlines()
    if len(lines) != len(frame):  # a line break inside a quoted field
        raise ValueError("a text field holds a line break; rows cannot be hashed line by line")
    grouped: dict[str, list[str]] = {}
    for key, line in zip(frame["race_key"], lines, strict=True):
        grouped.setdefault(str(key), []).append(line)
    return {key: hashlib.sha256("\n".join(rows).encode()).hexdigest() for key, rows in grouped.items()}


def frame_hash(frame: pd.DataFrame) -> str:
    """Content hash of a whole frame (reference tables)."""
    return hashlib.sha256(frame.to_csv(index=False).encode()).hexdigest()
