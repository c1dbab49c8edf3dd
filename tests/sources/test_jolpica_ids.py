"""Rows of the Ergast format with our own ids: the contracts of the tables, and words that nobody knows."""

from __future__ import annotations

from types import ModuleType

import pytest

from f1_pipeline.errors import ContractViolation, PermanentError
from f1_pipeline.sources.contracts import COLUMNS
from f1_pipeline.sources.jolpica import (
    constructor_standings,
    driver_standings,
    qualifying_results,
    race_results,
    schedule,
    sprint_results,
    to_canonical,
    with_race_keys,
)
from tests.sources.ergast_parts import Race, at, start, values


class Known:
    """Ids of the examples; other words are unknown."""

    def driver(self, ref: str) -> str:
        return self._id(ref, "driver_")

    def constructor(self, ref: str) -> str:
        return self._id(ref, "team_")

    def circuit(self, ref: str) -> str:
        return self._id(ref, "circuit_")

    def _id(self, ref: str, prefix: str) -> str:
        if not ref.startswith(prefix):
            raise PermanentError(f"unknown: {ref}")
        return ref.replace("_", "-")


def test_with_our_ids_the_rows_keep_the_contracts_of_the_tables(ergast: ModuleType, race: Race) -> None:
    item = ergast.result(2026, 3)
    rows = item["Results"]
    keys = {(2026, 3): "2026-japan"}
    frames = {
        "race_results": race_results([item]),
        "sprint_results": sprint_results([race(2026, 3, SprintResults=rows)]),
        "qualifying_results": qualifying_results(
            [race(2026, 3, QualifyingResults=[{**row, "Q1": "1:30.1"} for row in rows])]
        ),
        "driver_standings": driver_standings([{"season": "2026", "round": "3", "DriverStandings": rows}]),
        "constructor_standings": constructor_standings(
            [{"season": "2026", "round": "3", "ConstructorStandings": rows[:1]}]
        ),
        "races": schedule([race(2026, 3, Sprint=at(2, 11))]),
    }
    for table, frame in frames.items():
        found = with_race_keys(table, to_canonical(frame, Known()), keys)
        assert list(found.columns) == list(COLUMNS[table])
        assert set(found["race_key"]) == {"2026-japan"}
        assert len(found) == len(frame)
        empty = with_race_keys(table, to_canonical(frame.iloc[:0], Known()), keys)
        assert list(empty.columns) == list(COLUMNS[table])
    races = with_race_keys("races", to_canonical(frames["races"], Known()), keys)
    assert values(races, "grand_prix_id") == ["japan"]
    assert values(races, "circuit_id") == ["circuit-3"]
    assert values(races, "sprint_at") == [start(2, 11)]


def test_an_unknown_word_is_an_error(ergast: ModuleType) -> None:
    item = ergast.result(2026, 3)
    with pytest.raises(
        ContractViolation, match="table race_results, race 2026 round 3, field race_key: unknown"
    ):
        with_race_keys("race_results", to_canonical(race_results([item]), Known()), {(2026, 4): "2026-japan"})
    item["Results"][4]["Driver"]["driverId"] = "somebody"
    with pytest.raises(PermanentError, match="unknown: somebody"):
        to_canonical(race_results([item]), Known())
