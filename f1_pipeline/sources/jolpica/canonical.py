"""From Ergast's ids to ours: a word that nobody has entered is an error, not a new driver (fault 10)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import pandas as pd

from f1_pipeline.errors import ContractViolation
from f1_pipeline.sources.contracts import COLUMNS, conform


class Resolve(Protocol):
    """Our ids of Ergast's words. Each raises a ``PermanentError`` on a word that it does not know."""

    def driver(self, ref: str) -> str:
        """``max_verstappen`` to ``max-verstappen``."""
        ...

    def constructor(self, ref: str) -> str:
        """``red_bull`` to ``red-bull``."""
        ...

    def circuit(self, ref: str) -> str:
        """``albert_park`` to ``melbourne``."""
        ...


def to_canonical(frame: pd.DataFrame, resolve: Resolve) -> pd.DataFrame:
    """The frame with ``driver_id``, ``constructor_id`` and ``circuit_id`` in place of Ergast's references.

    Raises:
        PermanentError: what ``resolve`` raises on a word that it does not know.
    """
    found = frame.copy()
    lookups = {"driver": resolve.driver, "constructor": resolve.constructor, "circuit": resolve.circuit}
    for name, lookup in lookups.items():
        if f"{name}_ref" in found.columns:
            ids = {ref: lookup(ref) for ref in found[f"{name}_ref"].unique()}
            found[f"{name}_ref"] = found[f"{name}_ref"].map(ids).astype("str")
            found = found.rename(columns={f"{name}_ref": f"{name}_id"})
    return found


def with_race_keys(table: str, frame: pd.DataFrame, keys: Mapping[tuple[int, int], str]) -> pd.DataFrame:
    """The frame of ``to_canonical`` as rows of a table, checked against its contract.

    ``keys``: race key of each (season, round). The source renumbers rounds when a race is cancelled or put back
    (fault 7), so they have to be made from a schedule of the same time as the frame.

    Raises:
        ContractViolation: a round without a race key, or rows that break the contract of the table.
    """
    rounds = list(zip(frame["season"], frame["round"], strict=True))
    for season, number in rounds:
        if (season, number) not in keys:
            raise ContractViolation(
                f"jolpica: table {table}, race {season} round {number}, field race_key: unknown"
            )
    named = frame.assign(race_key=pd.Series([keys[pair] for pair in rounds], index=frame.index, dtype="str"))
    if table == "races":
        named["grand_prix_id"] = named["race_key"].str.slice(5)
        # The source knows neither of these.
        for column in set(COLUMNS["races"]) - set(named.columns):
            named[column] = None
    return conform(table, named, "jolpica")
