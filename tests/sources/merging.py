"""Versions of a live source as rows that say only what matters, and what becomes of a bundle with them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pandas as pd

from f1_pipeline.sources.bundle import SourceBundle
from f1_pipeline.sources.contracts import COLUMNS, conform
from f1_pipeline.sources.live import LiveSession, Slot, slot_hash
from f1_pipeline.sources.merge import merge

NEXT, LAST = "2026-gammaland", "2026-betaland"
SEEN = datetime(2026, 5, 2, 16, 5, tzinfo=UTC)
Car = tuple[Any, ...]


def live(
    table: str,
    race: str,
    rows: list[dict[str, Any]],
    *,
    against: str = "",
    complete: bool = True,
    **more: Any,
) -> LiveSession:
    """A version of a slot from rows that say only what matters."""
    filled = [
        {
            "race_key": race, "display_order": order, "shared_car": False, "points": 0.0,
            "position_text": str(row.get("position")), **more, **row,
        }
        for order, row in enumerate(rows, start=1)
    ]  # fmt: skip
    frame = pd.DataFrame(filled).reindex(columns=list(COLUMNS[table]))
    slot = Slot(race, table, str(more.get("session", "")))
    return LiveSession(slot, conform(table, frame, "jolpica"), SEEN, complete, against)


def cars(*found: Car) -> list[dict[str, Any]]:
    """``(place or code, driver, team[, more])`` per car."""
    return [
        {
            "position": place if isinstance(place, int) else None, "position_text": str(place), "driver_id": driver,
            "constructor_id": team, "points": max(0.0, 30.0 - 5 * place) if isinstance(place, int) else 0.0,
            **(more[0] if more else {}),
        }
        for place, driver, team, *more in found
    ]  # fmt: skip


QUALIFYING = cars(
    (1, "dee-drift", "orbit", {"q1_ms": 80100, "q3_ms": 79000}),
    (2, "ada-apex", "nova", {"q1_ms": 80000, "q2_ms": 79500}),
    ("NC", "ben-brake", "nova"),
)
RESULT = cars(
    (1, "ada-apex", "nova", {"grid_text": "2", "grid_position": 2}),
    (2, "ben-brake", "nova"),
    ("DNF", "dee-drift", "orbit"),
)


def qualifying(**more: Any) -> LiveSession:
    return live("qualifying_results", NEXT, QUALIFYING, session="Q", **more)


def merged(bundle: SourceBundle, *sessions: LiveSession) -> SourceBundle:
    return merge(bundle, {session.slot: session for session in sessions})


def untouched(before: SourceBundle, after: SourceBundle, *but: str) -> None:
    for name, frame in before.tables.items():
        if name not in but:
            pd.testing.assert_frame_equal(frame, after.tables[name], obj=name)


def against(bundle: SourceBundle, slot: Slot) -> str:
    return slot_hash(bundle.tables[slot.table], slot)
