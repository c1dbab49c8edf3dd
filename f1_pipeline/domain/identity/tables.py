"""The reviewed rows of the crosswalk: CSV files beside this module, read once.

``decided`` says on what a row stands: ``answer`` on names (and date of birth) in an answer of the source that agree
with F1DB's, ``curated`` on what the source has published, checked by hand, ``assumed`` on the id alone. How rows are
added is in docs/contributing.md; ``scripts/crosswalk.py`` proposes them.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib import resources
from itertools import combinations

from f1_pipeline.errors import ContractViolation

DECIDED = frozenset({"answer", "curated", "assumed"})


@dataclass(frozen=True)
class DriverRow:
    """A driver under both ids, with F1DB's names and date of birth to check an answer against."""

    f1db_id: str
    ergast_id: str
    given_name: str
    family_name: str
    date_of_birth: date
    decided: str


@dataclass(frozen=True)
class Seasons:
    """From the first to the last season, both included; None is open."""

    first: int | None
    last: int | None

    def __contains__(self, season: int) -> bool:
        return (self.first is None or season >= self.first) and (self.last is None or season <= self.last)

    def meets(self, other: Seasons) -> bool:
        """Whether some season is in both."""
        first = max(self.first or 0, other.first or 0)
        return first in self and first in other


@dataclass(frozen=True)
class ConstructorRow:
    """A constructor under both ids, in the seasons in which they mean each other.

    Ergast's ``rb`` is F1DB's ``rb`` in 2024 and ``racing-bulls`` since; its ``sauber`` is ``kick-sauber`` in 2024.
    """

    f1db_id: str
    ergast_id: str
    seasons: Seasons
    decided: str


@dataclass(frozen=True)
class CircuitRow:
    """A circuit under both ids."""

    f1db_id: str
    ergast_id: str
    decided: str


@dataclass(frozen=True)
class RaceNameRow:
    """A Grand Prix of F1DB and the name its race has in Ergast, in the seasons in which it has it.

    The Brazilian Grand Prix of 2020 is F1DB's ``brazil``, that of 2026 its ``sao-paulo``.
    """

    f1db_id: str
    race_name: str
    seasons: Seasons
    decided: str


@dataclass(frozen=True)
class Tables:
    """All rows. The order of the rows matters where one F1DB id has two names at a time: the first is the one to write."""

    drivers: tuple[DriverRow, ...]
    constructors: tuple[ConstructorRow, ...]
    circuits: tuple[CircuitRow, ...]
    grands_prix: tuple[RaceNameRow, ...]


@cache
def read_tables() -> Tables:
    """The rows of the package.

    Raises:
        ContractViolation: a row is incomplete; names file, line and field.
    """
    return Tables(
        drivers=tuple(
            DriverRow(
                row["f1db_id"],
                row["ergast_id"],
                row["given_name"],
                row["family_name"],
                date.fromisoformat(row["date_of_birth"]),
                row["decided"],
            )
            for row in _rows("drivers")
        ),
        constructors=tuple(
            ConstructorRow(row["f1db_id"], row["ergast_id"], _seasons(row), row["decided"])
            for row in _rows("constructors")
        ),
        circuits=tuple(
            CircuitRow(row["f1db_id"], row["ergast_id"], row["decided"]) for row in _rows("circuits")
        ),
        grands_prix=tuple(
            RaceNameRow(row["f1db_id"], row["race_name"], _seasons(row), row["decided"])
            for row in _rows("grands_prix")
        ),
    )


def ambiguities(tables: Tables) -> list[str]:
    """Ids and names of the source with two meanings at a time, as texts; a driver of F1DB under two ids too."""
    everywhere = Seasons(None, None)
    kinds: dict[str, list[tuple[str, str, Seasons]]] = {
        "driver": [(row.ergast_id, row.f1db_id, everywhere) for row in tables.drivers],
        "F1DB driver": [(row.f1db_id, row.ergast_id, everywhere) for row in tables.drivers],
        "circuit": [(row.ergast_id, row.f1db_id, everywhere) for row in tables.circuits],
        "constructor": [(row.ergast_id, row.f1db_id, row.seasons) for row in tables.constructors],
        "race name": [(row.race_name, row.f1db_id, row.seasons) for row in tables.grands_prix],
    }
    faults = []
    for kind, rows in kinds.items():
        for (one, meant, seasons), (other, also, others) in combinations(rows, 2):
            if one == other and seasons.meets(others):
                faults.append(f"{kind} {one!r} is {meant} and {also}")
    return faults


def _rows(name: str) -> list[dict[str, str]]:
    text = resources.files(__package__).joinpath(f"{name}.csv").read_text(encoding="utf-8")
    return parse_rows(text.splitlines(), f"{name}.csv")


def parse_rows(lines: Iterable[str], name: str) -> list[dict[str, str]]:
    """Rows of a crosswalk file by column.

    Raises:
        ContractViolation: a cell is missing, or ``decided`` is none of the known words.
    """
    rows = list(csv.DictReader(lines))
    for number, row in enumerate(rows, start=2):
        for column, value in row.items():
            open_season = column in {"first_season", "last_season"}
            if value is None or (value == "" and not open_season):
                raise ContractViolation(f"crosswalk: {name} line {number}, field {column}: empty")
        if row["decided"] not in DECIDED:
            raise ContractViolation(
                f"crosswalk: {name} line {number}, field decided: {row['decided']!r} is none of {', '.join(sorted(DECIDED))}"
            )
    return rows


def _seasons(row: dict[str, str]) -> Seasons:
    first, last = row["first_season"], row["last_season"]
    return Seasons(int(first) if first else None, int(last) if last else None)
