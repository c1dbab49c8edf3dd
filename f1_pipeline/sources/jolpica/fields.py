"""Reading one field of one row, with an error that says which one, and making frames of what was read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import pandas as pd

from f1_pipeline.errors import ContractViolation
from f1_pipeline.sources.jolpica import words

Items = list[dict[str, Any]]
Row = dict[str, Any]
T = TypeVar("T")

_WHOLE = {
    *("season", "round", "display_order", "position", "laps", "time_ms", "gap_ms", "gap_laps", "penalty_ms"),
    *("grid_position", "pit_stops", "q1_ms", "q2_ms", "q3_ms", "qualifying_position"),
}
_TRUTHS = {"fastest_lap", "shared_car", "is_sprint_weekend", "is_cancelled"}


class Fields:
    """The fields of a row of race ``race``, by path: ``Fields(row, race)("Time.millis", words.whole)``."""

    def __init__(self, row: object, race: str) -> None:
        self._row = row
        self._race = race

    def __call__(self, path: str, convert: Callable[[object], T | None]) -> T | None:
        """The converted value, None where it or something on the way to it is missing.

        Raises:
            ContractViolation: it cannot be converted.
        """
        value: object = self._row
        for name in path.split("."):
            if value is not None and not isinstance(value, dict):
                raise self.fault(path, f"{value!r} has no fields")
            value = None if value is None else value.get(name)
        try:
            return convert(value)
        except ValueError as error:
            raise self.fault(path, error) from None

    def required(self, path: str, convert: Callable[[object], T | None]) -> T:
        """The converted value.

        Raises:
            ContractViolation: it is missing, or cannot be converted.
        """
        value = self(path, convert)
        if value is None:
            raise self.fault(path, "missing")
        return value

    def fault(self, path: str, error: object) -> ContractViolation:
        """The error to raise about a field."""
        return ContractViolation(f"jolpica: race {self._race}, field {path}: {error}")


def listed(item: Row, name: str, race: str) -> list[Row]:
    """The rows of an item.

    Raises:
        ContractViolation: there is no such list.
    """
    rows = item.get(name)
    if not isinstance(rows, list):
        raise ContractViolation(f"jolpica: race {race}, field {name}: no list of rows")
    return rows


def races(items: Items) -> Iterator[tuple[Row, Row, str]]:
    """Each race with what names it (season, round, circuit, date) and how to call it in an error.

    Raises:
        ContractViolation: season, round, circuit or date are missing.
    """
    for item in items:
        name = f"{item.get('season')} round {item.get('round')}"
        get = Fields(item, name)
        yield (
            item,
            {
                "season": get.required("season", words.whole),
                "round": get.required("round", words.whole),
                "circuit_ref": get.required("Circuit.circuitId", words.text),
                "date": get.required("date", words.day),
            },
            name,
        )


def competitor(get: Fields, race: Row, place: int) -> Row:
    """What every row about a driver begins with; ``place`` is that of the row in the source's table."""
    return {
        **race,
        "display_order": place,
        "driver_ref": get.required("Driver.driverId", words.text),
        "constructor_ref": get.required("Constructor.constructorId", words.text),
        "car_number": get("number", words.text),
    }


def frame(rows: list[Row], columns: list[str]) -> pd.DataFrame:
    """Rows as a frame of these columns, with their types also where every value is missing."""
    return pd.DataFrame(
        {name: pd.array([row.get(name) for row in rows], dtype=_type(name)) for name in columns}
    )


def _type(column: str) -> Any:
    if column in _WHOLE:
        return "Int64"
    if column in _TRUTHS:
        return "boolean"
    if column == "points":
        return "float64"
    if column == "date":
        return "datetime64[us]"
    return "datetime64[us, UTC]" if column.endswith("_at") else "str"
