"""Market prices from a CSV file that somebody kept: read, checked, and taken as a whole or not at all."""

from __future__ import annotations

import csv
import math
import unicodedata
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd

from f1_pipeline.errors import ContractViolation

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "race": ("race", "race_key"),
    "driver": ("driver", "driver_id", "driver_code", "code", "driver_name", "name"),
    "odds": ("odds", "decimal_odds"),
    "time": ("time", "taken_at"),
    "source": ("source", "bookmaker"),
}
"""Fields of a price and the headers they are known by, capitals and spaces aside."""

_SOURCE_LENGTH = 64


class Names:
    """What races and drivers are called.

    ``races``: ``race_key, season``; ``drivers``: ``driver_id, code, name``; ``entries``: ``race_key, driver_id``.
    """

    def __init__(self, races: pd.DataFrame, drivers: pd.DataFrame, entries: pd.DataFrame):
        self.season: dict[str, int] = dict(zip(races["race_key"], races["season"], strict=True))
        self.ids = set(drivers["driver_id"])
        self.called: dict[str, set[str]] = {}
        for row in drivers[["driver_id", "code", "name"]].itertuples(index=False):
            for word in (row.code, row.name):
                if isinstance(word, str):
                    self.called.setdefault(_plain(word), set()).add(str(row.driver_id))
        self.entered: dict[object, set[str]] = {}
        for race, driver in entries[["race_key", "driver_id"]].itertuples(index=False):
            self.entered.setdefault(race, set()).add(driver)
            # By season too: who stands in for somebody is often not on the published list of the race.
            self.entered.setdefault(self.season.get(race), set()).add(driver)

    def driver(self, text: str, race: str) -> str:
        """Id of a driver given by id, three-letter code or full name.

        Codes and names are looked for among the entries of the race, then of its season: VER was Jos before
        it was Max.

        Raises:
            ValueError: nobody, or more than one, is called so.
        """
        if text in self.ids:
            return text
        called = self.called.get(_plain(text), set())
        for field in (race, self.season[race]):
            found = sorted(called & self.entered.get(field, set()))
            if len(found) == 1:
                return found[0]
            if found:
                raise ValueError(f"{text!r} may be {' or '.join(found)}: give the id")
        raise ValueError(f"no driver {text!r} in {self.season[race]}: id, three-letter code or full name")


def read_odds(path: Path, names: Names) -> pd.DataFrame:
    """Prices of a CSV file: ``race_key, driver_id, source, taken_at`` (UTC) and ``decimal_odds``, each key once.

    Raises:
        ContractViolation: the file cannot be read, a column is missing, or rows are wrong. Names line, race and
            field of every fault.
    """
    faults: list[str] = []
    found: dict[tuple[object, ...], tuple[float, int]] = {}
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file)
            place = _header(path, next(reader, []))
            for row in reader:
                if not any(cell.strip() for cell in row):
                    continue
                cells = {name: row[at].strip() if at < len(row) else "" for name, at in place.items()}
                price = _price(cells, names, reader.line_num, faults)
                if price is None:
                    continue
                *key, odds = price
                before = found.setdefault(tuple(key), (odds, reader.line_num))
                if before[0] != odds:
                    where = _where(reader.line_num, cells["race"], "odds")
                    faults.append(f"{where}: another price than in line {before[1]} for the same moment")
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ContractViolation(f"{path} cannot be read as CSV in UTF-8: {error}") from error
    if not faults and not found:
        faults.append("no price in it")
    if faults:
        count = f"{len(faults)} faults" if len(faults) > 1 else "1 fault"
        raise ContractViolation(f"{path}: {count}, nothing was written\n  " + "\n  ".join(faults))
    frame = pd.DataFrame(list(found), columns=["race_key", "driver_id", "source", "taken_at"])
    frame["taken_at"] = pd.to_datetime(frame["taken_at"], utc=True).astype("datetime64[us, UTC]")
    return frame.assign(decimal_odds=[odds for odds, _ in found.values()])


def _header(path: Path, cells: list[str]) -> dict[str, int]:
    words = ["_".join(cell.strip().lower().split()) for cell in cells]
    place: dict[str, int] = {}
    for name, known in COLUMNS.items():
        at = [index for index, word in enumerate(words) if word in known]
        if len(at) != 1:
            what = "no column" if not at else f"{len(at)} columns"
            raise ContractViolation(f"{path}: line 1, field {name}: {what} {' or '.join(known)}")
        place[name] = at[0]
    return place


def _price(
    cells: dict[str, str], names: Names, line: int, faults: list[str]
) -> tuple[str, str, str, datetime, float] | None:
    """Race, driver, source, time and odds of a row; None after its faults were noted."""
    race = cells["race"].lower()
    values: dict[str, Any] = {}
    checks = {
        "driver": lambda text: names.driver(text, race),
        "source": _source,
        "time": _time,
        "odds": _odds,
    }
    if race not in names.season:
        faults.append(f"{_where(line, cells['race'], 'race')}: no such race, a race is called 2026-monaco")
        del checks["driver"]
    for name, check in checks.items():
        try:
            values[name] = check(cells[name])
        except ValueError as error:
            faults.append(f"{_where(line, cells['race'], name)}: {error}")
    if len(values) < 4:
        return None
    return race, values["driver"], values["source"], values["time"], values["odds"]


def _where(line: int, race: str, field: str) -> str:
    return f"line {line}, race {race or '(none)'}, field {field}"


def _source(text: str) -> str:
    if not 0 < len(text) <= _SOURCE_LENGTH:
        raise ValueError(f"a name of 1 to {_SOURCE_LENGTH} characters is needed")
    return text


def _time(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is not a time: ISO 8601, such as 2026-03-08T12:00:00+01:00") from None
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} has no time zone: add Z or an offset such as +01:00")
    return moment


def _odds(text: str) -> float:
    try:
        odds = float(text)
    except ValueError:
        odds = math.nan
    if not math.isfinite(odds) or odds <= 1:
        raise ValueError(f"{text!r} is not decimal odds: a number above 1")
    return odds


def _plain(text: str) -> str:
    """For comparing names: no accents, no capitals."""
    letters = unicodedata.normalize("NFKD", text)
    return " ".join("".join(c for c in letters if not unicodedata.combining(c)).casefold().split())
