"""What every source hands over: canonical frames, and where they come from."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import pandas as pd

SourceName = Literal["f1db", "simulated"]

LIVE = "jolpica"
"""The source that fills the weekend which the bulk source has not published yet."""

REAL_SOURCES = ("f1db", LIVE)
"""Sources of one world; what is simulated is another one."""

LATER_COLUMNS = ("is_provisional",)
"""Columns that came after there were databases. Rows without a value keep the hash that they had without the column:
an update after an upgrade would otherwise take in eleven hundred races anew."""


@dataclass(frozen=True)
class Origin:
    """Source and release of rows that were merged into the state of another source."""

    source: str
    release: str


@dataclass(frozen=True)
class SourceBundle:
    """One consistent state of a source, as canonical frames.

    ``tables`` maps a table name to a frame whose columns are those of the table (see
    ``f1_pipeline.sources.contracts``, which also says the types). Per-race tables carry ``race_key``.
    ``release`` names the state for people (``v2026.11.0``); ``digest`` names its content. ``origins`` says for
    (race, table) that rows come from another source; ``notes`` what of it was held back, and why.
    """

    source: SourceName
    release: str
    digest: str
    tables: dict[str, pd.DataFrame] = field(repr=False)
    origins: Mapping[tuple[str, str], Origin] = field(default_factory=dict, repr=False)
    notes: tuple[str, ...] = ()
    _hashes: dict[str, dict[str, str]] = field(default_factory=dict, init=False, repr=False, compare=False)

    def origins_of(self, table: str) -> dict[str, Origin]:
        """Where rows of a table come from that are not those of ``source``, by race."""
        return {race: origin for (race, name), origin in self.origins.items() if name == table}

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
    later = [name for name in LATER_COLUMNS if name in frame.columns]
    lines = frame.drop(columns=["race_key", *later]).to_csv(index=False, header=False).splitlines()
    if len(lines) != len(frame):  # a line break inside a quoted field
        raise ValueError("a text field holds a line break; rows cannot be hashed line by line")
    for name in later:
        said = frame[name].notna().to_numpy()
        for index in np.flatnonzero(said):
            lines[index] += f",{name}={frame[name].iloc[index]}"
    grouped: dict[str, list[str]] = {}
    for key, line in zip(frame["race_key"], lines, strict=True):
        grouped.setdefault(str(key), []).append(line)
    return {key: hashlib.sha256("\n".join(rows).encode()).hexdigest() for key, rows in grouped.items()}


def frame_hash(frame: pd.DataFrame) -> str:
    """Content hash of a whole frame (reference tables)."""
    return hashlib.sha256(frame.to_csv(index=False).encode()).hexdigest()
