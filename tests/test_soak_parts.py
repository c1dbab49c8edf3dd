"""What the soak finds, without a soak: a comparison that sees nothing would call everything the same."""

from __future__ import annotations

import importlib
import random
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from f1_pipeline.settings import ROOT


@pytest.fixture(scope="module")
def modules() -> Iterator[tuple[Any, Any]]:
    """``soak`` and ``soak_parts``."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT / "benchmarks"))
        patch.setattr(sys, "path", [*sys.path])  # the soak puts its folder there too
        yield importlib.import_module("soak"), importlib.import_module("soak_parts")


def _table(*rows: tuple[str, str, str, float]) -> dict[str, pd.DataFrame]:
    columns = ["race_key", "horizon", "entity_id", "value"]
    return {"predictions": pd.DataFrame(list(rows), columns=columns)}


ADA, BEA = ("2026-alpha", "pre_race", "ada", 0.5), ("2026-alpha", "pre_race", "bea", 0.25)
NEXT = ("2026-beta", "pre_race", "ada", 0.1)
NEW_ADA, NEW_BEA = (*ADA[:3], 0.6), (*BEA[:3], 0.15)
BEFORE, AFTER = (ADA, BEA), (NEW_ADA, NEW_BEA, NEXT)


@pytest.mark.parametrize("held", [BEFORE, AFTER, (BEA, ADA, NEXT), (NEW_ADA, NEW_BEA)])
def test_parts_as_before_or_as_after_are_whole(modules: tuple[Any, Any], held: tuple[Any, ...]) -> None:
    _, parts = modules
    assert parts.halves(_table(*held), _table(*BEFORE), _table(*AFTER)) == []


@pytest.mark.parametrize(
    ("held", "race"),
    [
        ((ADA,), "2026-alpha"),  # half of it is lost
        ((), "2026-alpha"),  # all of it is
        ((ADA, BEA, BEA), "2026-alpha"),  # doubled
        ((NEW_ADA, BEA), "2026-alpha"),  # half new
        ((ADA, BEA, NEXT, NEXT), "2026-beta"),
        ((ADA, BEA, ("2026-gamma", "pre_race", "ada", 0.1)), "2026-gamma"),  # out of nowhere
        ((ADA, (*BEA[:3], 0.25000000000000006)), "2026-alpha"),  # the last bit
    ],
)
def test_parts_that_are_lost_doubled_or_half(
    modules: tuple[Any, Any], held: tuple[Any, ...], race: str
) -> None:
    _, parts = modules
    found = parts.halves(_table(*held), _table(*BEFORE), _table(*AFTER))
    assert len(found) == 1
    assert race in found[0]


def test_differences_are_found_to_the_last_bit(modules: tuple[Any, Any]) -> None:
    _, parts = modules
    assert parts.differences(_table(*AFTER), _table(*AFTER)) == []
    assert parts.differences(_table(ADA), _table(ADA, BEA))
    assert parts.differences(_table(BEA), _table((*BEA[:3], 0.25000000000000006)))


@pytest.mark.parametrize("on", ["sqlite", "postgresql"])
def test_every_fault_that_can_be_drawn_can_be_done(
    modules: tuple[Any, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, on: str
) -> None:
    """One was drawn whose preparation was gone: the soak broke off, and only a soak of minutes could say so."""
    soak, parts = modules
    prepared: list[Callable[[], None] | None] = []

    def update(place: Any, drawn: object, now: str, fault: Callable[[], None] | None = None) -> int:
        prepared.append(fault)
        place.home.with_suffix(".log").touch()
        return 0

    monkeypatch.setattr(parts, "update", update)
    monkeypatch.setattr(parts, "ended", lambda child: 0)
    monkeypatch.setattr(parts, "has_tables", lambda *_: False)
    server = {"databases": ["a", "b"], "restart": ["true"], "disk": tmp_path} if on == "postgresql" else {}
    made = soak.Soak(tmp_path, random.Random(1), **server)
    drawn = {made._draw() for _ in range(200)}
    assert drawn == set(soak.SAYS) - ({"locked"} if server else {"restart"})
    for kind in sorted(drawn):
        prepared.clear()
        made._fault(kind, None, "2026-03-02T12:00:00+00:00", 1, {}, 1000)
        assert len(prepared) == (2 if kind == "two at once" else 1)
        undisturbed = kind in soak.SURVIVED  # other updates, or another clock
        assert all((fault is None) == undisturbed for fault in prepared), kind
    assert made.happened == dict.fromkeys(drawn, 1)
