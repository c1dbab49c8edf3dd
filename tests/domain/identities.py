"""The reviewed rows of the crosswalk, and a few invented ones."""

from __future__ import annotations

from datetime import date
from typing import Any

from f1_pipeline.domain.identity import ConstructorRow, DriverRow, RaceNameRow, Tables, read_tables
from f1_pipeline.domain.identity.tables import CircuitRow, Seasons

ALWAYS = Seasons(None, None)
ADA = DriverRow("ada-apex", "apex", "Ada Maria", "Ápex Jr.", date(1999, 2, 28), "answer")
NEW = DriverRow("eve-edge", "eve_edge", "Eve", "Edge", date(2007, 8, 8), "assumed")
ROWS = read_tables()


def tables(**more: Any) -> Tables:
    rows: dict[str, Any] = {
        "drivers": (ADA, NEW),
        "constructors": (
            ConstructorRow("nova-b", "nova", Seasons(2025, None), "curated"),
            ConstructorRow("nova-a", "nova", Seasons(None, 2024), "curated"),
        ),
        "circuits": (CircuitRow("north-ring", "north", "curated"),),
        "grands_prix": (RaceNameRow("alphaland", "Alphaland Grand Prix", ALWAYS, "curated"),),
    }
    return Tables(**(rows | more))
