"""What the Ergast-compatible source shows of a season at a virtual moment, and the faults of its content.

An answer is a list of parts, a head (a race, a standings list) with its rows. Rows are what is counted and cut into
pages; a part that falls into two pages has its head on both.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice

import pandas as pd

from f1_pipeline.replay.ergast import ErgastRows, Row
from f1_pipeline.replay.faults import Fault

SHOWN_AFTER: dict[str, tuple[str, timedelta]] = {
    "qualifying": ("qualifying_at", timedelta(hours=2)),
    "sprint": ("sprint_at", timedelta(hours=1, minutes=30)),
    "results": ("start_at", timedelta(hours=2)),
    "driverstandings": ("start_at", timedelta(hours=3)),
    "constructorstandings": ("start_at", timedelta(hours=3)),
}
"""When each kind of answer appears, counted from the start of its session: an hour after the end of qualifying (which
takes one) and of a sprint (half of one), when a race of ordinary length ends, and its standings an hour later."""

LISTS = {
    "races": "Races",
    "results": "Results",
    "sprint": "SprintResults",
    "qualifying": "QualifyingResults",
    "driverstandings": "DriverStandings",
    "constructorstandings": "ConstructorStandings",
}
"""Kinds of answers, and the name of the list of rows in each."""

PAGE_DEFAULT, PAGE_MOST = 30, 100
"""Rows on a page if nothing is asked for, and at most: more is silently cut."""


@dataclass
class Part:
    """A head and the rows below it."""

    key: str
    head: Row
    rows: list[Row]


@dataclass(frozen=True)
class Asked:
    """A request in the words of the source."""

    season: int
    round_: int | None
    kind: str

    @property
    def standings(self) -> bool:
        """Whether it is a table of the championship."""
        return self.kind.endswith("standings")


def parse_path(path: str) -> Asked | None:
    """``2026/11/results`` and the like, with or without ``.json``, capitals and the kind; None if it is none."""
    words = path.lower().removesuffix(".json").strip("/").split("/")
    numbers = [word for word in words[:2] if word.isdigit()]
    kind = words[len(numbers) :] or ["races"]
    if not numbers or len(kind) != 1 or kind[0] not in LISTS:
        return None
    return Asked(int(numbers[0]), int(numbers[1]) if len(numbers) > 1 else None, kind[0])


def shown(kind: str, race: Row, now: datetime) -> bool:
    """Whether results of a kind are there at a moment. A session without a known start counts as the end of its day."""
    column, delay = SHOWN_AFTER[kind]
    start = race[column]
    if pd.isna(start):
        start, delay = race["date"].tz_localize("UTC"), timedelta(days=1)
    return bool(start + delay <= now)


def build(rows: ErgastRows, asked: Asked, now: datetime, faults: Sequence[Fault] = ()) -> list[Part]:
    """The parts of an answer at a moment, with the faults of its content but those of its pages."""
    calendar = rows.calendar(asked.season)
    hidden = {fault.race for fault in faults if fault.kind == "renumbered"} & set(calendar)
    numbered = dict(enumerate((key for key in calendar if key not in hidden), start=1))
    if not hidden:
        numbered = {int(rows.races[key]["round"]): key for key in calendar}
    wanted = {number: key for number, key in numbered.items() if asked.round_ in (None, number)}
    if asked.kind == "races":
        parts = [Part(key, {}, [rows.race(key, number)]) for number, key in wanted.items()]
    else:
        there = [(n, key) for n, key in wanted.items() if shown(asked.kind, rows.races[key], now)]
        filled = (part for part in (_part(rows, asked, *one) for one in reversed(there)) if part.rows)
        # Standings of a season are those after its last race.
        parts = list(islice(filled, 1)) if asked.standings else list(filled)[::-1]
    for fault in faults:
        parts = spoil(parts, fault)
    return parts


def _part(rows: ErgastRows, asked: Asked, number: int, key: str) -> Part:
    head = rows.race(key, number)
    match asked.kind:
        case "results":
            return Part(key, head, rows.classification("race_results", key))
        case "sprint":
            return Part(key, head, rows.classification("sprint_results", key))
        case "qualifying":
            return Part(key, head, rows.qualifying(key))
    head = {"season": str(asked.season), "round": str(number)}
    driver = asked.kind == "driverstandings"
    return Part(key, head, rows.driver_standings(key) if driver else rows.constructor_standings(key))


def spoil(parts: list[Part], fault: Fault) -> list[Part]:
    """Parts after a fault of the content; those given stay as they are."""
    if fault.kind == "empty":
        return []
    parts = copy.deepcopy(parts)
    if not parts:
        return parts
    last = parts[-1]
    match fault.kind:
        case "half":
            last.rows = last.rows[: len(last.rows) // 2]
        case "impossible" if len(last.rows) > 1:
            for name in ("position", "positionText"):
                if name in last.rows[0]:
                    last.rows[1][name] = last.rows[0][name]
        case "swapped":
            _swap(last.rows, fault.drivers)
        case "other_id" if fault.drivers is not None:
            for row in (row for part in parts for row in part.rows):
                if row.get("Driver", {}).get("driverId") == fault.drivers[0]:
                    row["Driver"]["driverId"] = fault.drivers[1]
        case "moved":
            for part in parts:
                # In a schedule the races are rows, elsewhere they are heads.
                for race in (part.head, *part.rows):
                    if part.key == fault.race and "time" in race:
                        _delay(race, fault.shift)
        case "next_round" if "round" in last.head:
            last.head["round"] = str(int(last.head["round"]) + 1)
    return parts


def _delay(race: Row, minutes: int) -> None:
    start = datetime.fromisoformat(f"{race['date']}T{race['time']}").astimezone(UTC) + timedelta(
        minutes=minutes
    )
    race |= {"date": f"{start:%Y-%m-%d}", "time": f"{start:%H:%M:%S}Z"}


def _swap(rows: list[Row], drivers: tuple[str, str] | None) -> None:
    """Two drivers change places: car, driver and team go to the other row, with the grid they started from."""
    names = drivers or tuple(row["Driver"]["driverId"] for row in rows[:2])
    pair = [row for row in rows if row.get("Driver", {}).get("driverId") in names]
    if len(pair) == 2:
        for name in ("number", "Driver", "Constructor", "grid", "FastestLap"):
            one, other = (row.pop(name, None) for row in pair)
            for row, value in zip(pair, (other, one), strict=True):
                if value is not None:
                    row[name] = value


def page(
    asked: Asked, parts: list[Part], limit: int, offset: int, url: str, faults: Sequence[Fault] = ()
) -> Row:
    """One page of an answer, as the whole JSON document."""
    limit = min(limit, PAGE_MOST, *(fault.rows for fault in faults if fault.kind == "split"))
    total = sum(len(part.rows) for part in parts)
    total += sum(fault.shift for fault in faults if fault.kind == "lying_total")
    filled: list[Row] = []
    at = 0
    for part in parts:
        cut = part.rows[max(offset - at, 0) : max(offset + limit - at, 0)]
        at += len(part.rows)
        if cut:
            filled += cut if asked.kind == "races" else [{**part.head, LISTS[asked.kind]: cut}]
    table: Row = {"season": str(asked.season)}
    if asked.round_ is not None:
        table["round"] = str(asked.round_)
    if asked.standings:
        if parts:
            table["round"] = parts[-1].head["round"]
        name, content = "StandingsTable", {**table, "StandingsLists": filled}
    else:
        name, content = "RaceTable", {**table, "Races": filled}
    return {
        "MRData": {
            "xmlns": "",
            "series": "f1",
            "url": url,
            "limit": str(limit),
            "offset": str(offset),
            "total": str(total),
            name: content,
        }
    }
