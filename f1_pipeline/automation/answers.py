"""What an answer of the weekend's API says, in our words: rows by race, or why it says nothing yet. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

import pandas as pd

from f1_pipeline.automation.decisions import TABLES, Kind
from f1_pipeline.domain.classification import contradictions, open_places
from f1_pipeline.domain.identity import Crosswalk
from f1_pipeline.errors import ContractViolation
from f1_pipeline.sources import jolpica
from f1_pipeline.sources.bundle import LIVE
from f1_pipeline.sources.live import SCHEDULE, Slot, slots

Items = list[dict[str, Any]]

_FRAMES: dict[Kind, Callable[[Items], pd.DataFrame]] = {
    "race": jolpica.race_results,
    "sprint": jolpica.sprint_results,
    "qualifying": jolpica.qualifying_results,
    "driver_standings": jolpica.driver_standings,
    "constructor_standings": jolpica.constructor_standings,
}
_LISTS: dict[Kind, str] = {
    "race": "Results",
    "sprint": "SprintResults",
    "qualifying": "QualifyingResults",
    "driver_standings": "DriverStandings",
    "constructor_standings": "ConstructorStandings",
}


class Resolver:
    """Our ids of the words of one answer; drivers are compared with the names and the date of birth that it states.

    An id that means somebody else from one day to the next would pass without the names (fault 10).
    """

    def __init__(self, known: Crosswalk, season: int, kind: Kind | None, items: Items) -> None:
        self._known, self._season = known, season
        rows = (row for item in items for row in item.get(_LISTS[kind], ())) if kind else ()
        self._people = {row["Driver"]["driverId"]: row["Driver"] for row in rows if "Driver" in row}

    def driver(self, ref: str) -> str:
        """Raises UnknownIdentity."""
        person = self._people.get(ref, {})
        return self._known.check_driver(
            ref, person.get("givenName"), person.get("familyName"), person.get("dateOfBirth")
        )

    def constructor(self, ref: str) -> str:
        """Raises UnknownIdentity."""
        return self._known.constructor(ref, self._season)

    def circuit(self, ref: str) -> str:
        """Raises UnknownIdentity."""
        return self._known.circuit(ref)


def race_keys(items: Items, season: int, known: Crosswalk) -> dict[tuple[int, int], str]:
    """Race key of each (season, round) of an answer, by the names in it: rounds are renumbered (fault 7).

    Raises:
        UnknownIdentity: a name that nobody has entered.
        ContractViolation: a race without a round or a name.
    """
    found = {}
    for item in items:
        try:
            found[season, int(item["round"])] = known.race_key(season, str(item["raceName"]))
        except (KeyError, TypeError, ValueError) as error:
            raise ContractViolation(f"{LIVE}: race {season}, field round or raceName: {error!r}") from error
    return found


def whole_rows(
    kind: Kind,
    items: Items,
    season: int,
    known: Crosswalk,
    keys: Mapping[tuple[int, int], str],
    expected: Mapping[str, Collection[str]],
    settled: Collection[str] = (),
) -> tuple[dict[Slot, pd.DataFrame], list[str]]:
    """Canonical rows of each slot that is there as a whole, and the races that are not whole yet (fault 4).

    Args:
        kind: what was asked for.
        items: of the answer.
        season: of the answer.
        known: who is who.
        keys: race key of each round of the answer.
        expected: entered drivers of each race, where they are known.
        settled: races whose qualifying is long over: whoever is missing in it did not take part.

    Raises:
        UnknownIdentity: an id or a name that nobody has entered, or that is somebody else's.
        ContractViolation: a field means nothing, or a classification is impossible (fault 12).
    """
    stated = _FRAMES[kind](items)
    resolve = Resolver(known, season, kind, items)
    frame = jolpica.to_canonical(stated, resolve)
    found: dict[Slot, pd.DataFrame] = {}
    waiting = []
    for number in sorted(set(frame["round"].tolist())):
        rows = frame[frame["round"] == number]
        race = keys.get((season, number))
        if race is None:
            raise ContractViolation(
                f"{LIVE}: table {TABLES[kind]}, race {season} round {number}, field round: not on the calendar"
            )
        rows = rows.reset_index(drop=True)
        if not _is_whole(kind, rows, () if race in settled else expected.get(race, ())):
            waiting.append(race)
            continue
        found |= slots(TABLES[kind], jolpica.with_race_keys(TABLES[kind], rows, keys))
    return found, waiting


def _is_whole(kind: Kind, rows: pd.DataFrame, expected: Collection[str]) -> bool:
    if kind in ("race", "sprint"):
        return jolpica.is_complete(rows, expected)
    if kind == "qualifying":
        named = rows.assign(race_key=rows["season"].astype("str") + " round " + rows["round"].astype("str"))
        if faults := contradictions(named):
            raise ContractViolation(f"{LIVE}: qualifying, {faults[0]}")
        absent = set(expected) - set(rows["driver_id"])
        # Somebody unexpected in a seat stands for whoever is absent (fault 11).
        return not open_places(named) and len(absent) <= len(set(rows["driver_id"]) - set(expected))
    return bool(len(rows)) and not rows["position_text"].isna().any()


def calendar_rows(
    items: Items, season: int, known: Crosswalk
) -> tuple[dict[Slot, pd.DataFrame], dict[str, int], list[str]]:
    """Rows of ``races`` by slot, the round of each race in the source now, and what is wrong with times.

    Races whose sessions are not before the race are left out: one of the two times is wrong (fault 9).

    Raises:
        UnknownIdentity, ContractViolation: as above.
    """
    frame = jolpica.schedule(items)
    keys = race_keys(items, season, known)
    faults = jolpica.schedule_faults(frame)
    wrong = {number for number in frame["round"] if any(f"round {number}," in fault for fault in faults)}
    sound = jolpica.to_canonical(frame[~frame["round"].isin(wrong)], Resolver(known, season, None, items))
    rows = jolpica.with_race_keys("races", sound, keys)
    return slots("races", rows), {key: number for (_, number), key in keys.items()}, faults


def states_other_times(rows: pd.DataFrame, held: pd.DataFrame) -> bool:
    """Whether a schedule states another start of a session than the bulk source, of one race."""
    stated, known = rows.iloc[0], held.iloc[0]
    return any(
        pd.notna(stated[name]) and (pd.isna(known[name]) or stated[name] != known[name])
        for name in SCHEDULE
        if name.endswith("_at")
    )
