"""F1DB tables to canonical frames.

F1DB's race id and round are not stable (in 2026 Bahrain was taken out, put back as round 16, and seven
later races moved), so both end here: from now on a race is its key, season and Grand Prix.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
from tzfpy import get_tz

from f1_pipeline.domain.calendar import race_day
from f1_pipeline.domain.circuits import ELEVATION_M
from f1_pipeline.errors import ArchiveCorrupt
from f1_pipeline.sources.bundle import SourceBundle
from f1_pipeline.sources.contracts import check_bundle, conform
from f1_pipeline.sources.f1db.archive import read_archive
from f1_pipeline.sources.f1db.entries import build_entries

_SESSIONS = {
    "FP1": "races-free-practice-1-results",
    "FP2": "races-free-practice-2-results",
    "FP3": "races-free-practice-3-results",
    "FP4": "races-free-practice-4-results",
    "WU": "races-warming-up-results",
}
TABLES = (
    "seasons",
    "circuits",
    "drivers",
    "constructors",
    "grands-prix",
    "races",
    "races-race-results",
    "races-sprint-race-results",
    "races-qualifying-results",
    "races-sprint-qualifying-results",
    "races-starting-grid-positions",
    "races-sprint-starting-grid-positions",
    "races-pit-stops",
    "races-driver-standings",
    "races-constructor-standings",
    "seasons-entrants-drivers",
    *_SESSIONS.values(),
)
"""The tables of the archive that are read."""

_NAMES = {
    "positionDisplayOrder": "display_order",
    "positionNumber": "position",
    "positionText": "position_text",
    "driverNumber": "car_number",
    "driverId": "driver_id",
    "constructorId": "constructor_id",
    "engineManufacturerId": "engine_id",
    "sharedCar": "shared_car",
    "timeMillis": "time_ms",
    "gapMillis": "gap_ms",
    "gapLaps": "gap_laps",
    "timePenaltyMillis": "penalty_ms",
    "reasonRetired": "reason_retired",
    "gridPositionNumber": "grid_position",
    "gridPositionText": "grid_text",
    "qualificationPositionNumber": "qualifying_position",
    "gridPenalty": "penalty",
    "fastestLap": "fastest_lap",
    "pitStops": "pit_stops",
    "q1Millis": "q1_ms",
    "q2Millis": "q2_ms",
    "q3Millis": "q3_ms",
    "year": "season",
    "id": "id",
    "circuitId": "circuit_id",
    "fullName": "full_name",
    "placeName": "place",
    "countryId": "country_id",
    "length": "length_km",
}


def parse_archive(path: Path, release: str, digest: str) -> SourceBundle:
    """Parse a whole archive.

    Raises:
        ArchiveCorrupt: the archive cannot be read.
        ContractViolation: its content is impossible; names source, race and field.
    """
    raw = read_archive(path, TABLES)
    try:
        tables = _canonical(raw)
    except KeyError as error:
        raise ArchiveCorrupt(f"f1db: {path.name} has no column {error}") from error
    tables = {name: conform(name, frame, "f1db") for name, frame in tables.items()}
    check_bundle(tables, "f1db")
    return SourceBundle("f1db", release, digest, tables)


def _canonical(raw: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    circuits = _circuits(raw["circuits"])
    races = _races(raw["races"], raw["grands-prix"])
    races["date"] = _days_at_the_track(races, circuits)
    key_of = dict(zip(raw["races"]["id"], races["race_key"], strict=True))

    def per_race(table: str) -> pd.DataFrame:
        frame = raw[table]
        return frame.assign(race_key=frame["raceId"].map(key_of)).rename(columns=_NAMES)

    def sessions(tables: dict[str, str]) -> pd.DataFrame:
        return pd.concat([per_race(table).assign(session=name) for name, table in tables.items()])

    # The sprints of 2021 and 2022 have neither a date nor a format in the calendar, only results.
    with_sprint = set(raw["races-sprint-race-results"]["raceId"].map(key_of))
    races["is_sprint_weekend"] |= races["race_key"].isin(with_sprint)
    results = per_race("races-race-results")
    return {
        "seasons": raw["seasons"].rename(columns=_NAMES),
        "circuits": circuits,
        "drivers": _drivers(raw["drivers"]),
        "constructors": raw["constructors"].rename(columns={**_NAMES, "id": "constructor_id"}),
        "races": races,
        "entries": build_entries(raw["races"], races, results, raw["seasons-entrants-drivers"]),
        "race_results": _classification(results),
        "sprint_results": _classification(per_race("races-sprint-race-results")),
        "qualifying_results": sessions(
            {"Q": "races-qualifying-results", "SQ": "races-sprint-qualifying-results"}
        ),
        "practice_results": sessions(_SESSIONS),
        "starting_grid": sessions(
            {"R": "races-starting-grid-positions", "S": "races-sprint-starting-grid-positions"}
        ),
        "pit_stops": per_race("races-pit-stops"),
        "driver_standings": per_race("races-driver-standings"),
        "constructor_standings": per_race("races-constructor-standings"),
    }


def _instant(raw: pd.DataFrame, session: str) -> pd.Series:
    """Start of a session in UTC where date and time are known, else missing."""
    # A column without a single value is read as one of numbers.
    date = raw[session + "Date" if session else "date"].astype("str")
    clock = raw[session + "Time" if session else "time"].astype("str")
    return _moments(date + "T" + clock, "%Y-%m-%dT%H:%M", utc=True)


def _moments(text: pd.Series, form: str, utc: bool = False) -> pd.Series:
    """The text as dates or times; as it is where some of it is neither, for the contract to name."""
    moments = pd.to_datetime(text, format=form, errors="coerce", utc=utc)
    return text if (moments.isna() & text.notna()).any() else moments


def _races(raw: pd.DataFrame, grands_prix: pd.DataFrame) -> pd.DataFrame:
    names = grands_prix.set_index("id")["fullName"]
    sprint = raw["sprintQualifyingFormat"].notna() | raw["sprintRaceDate"].notna()
    return pd.DataFrame(
        {
            "race_key": raw["year"].astype("str") + "-" + raw["grandPrixId"],
            "season": raw["year"],
            "round": raw["round"],
            "grand_prix_id": raw["grandPrixId"],
            "name": raw["grandPrixId"].map(names),
            "official_name": raw["officialName"],
            "circuit_id": raw["circuitId"],
            "date": _moments(raw["date"], "%Y-%m-%d"),
            "start_at": _instant(raw, ""),
            "first_practice_at": _instant(raw, "freePractice1"),
            "qualifying_at": _instant(raw, "qualifying"),
            "sprint_qualifying_at": _instant(raw, "sprintQualifying"),
            "sprint_at": _instant(raw, "sprintRace"),
            "laps": raw["laps"],
            "course_length_km": raw["courseLength"],
            "turns": raw["turns"],
            "qualifying_format": raw["qualifyingFormat"],
            "is_sprint_weekend": sprint,
            "is_cancelled": False,
        }
    )


def _days_at_the_track(races: pd.DataFrame, circuits: pd.DataFrame) -> pd.Series:
    """F1DB's date is that of UTC: in Las Vegas it is still Saturday. Known from 2024 on, where it gives a time."""
    zones = races["circuit_id"].map(circuits.set_index("circuit_id")["time_zone"])
    if not all(pd.api.types.is_datetime64_any_dtype(races[name]) for name in ("date", "start_at")):
        return races["date"]  # some of it is no date: left for the contract to name
    days: list[Any] = []
    for day, start, zone in zip(races["date"], races["start_at"], zones, strict=True):
        known = not pd.isna(start) and not pd.isna(zone)
        days.append(race_day(day.date(), start, zone) if known else day)
    return pd.Series(pd.to_datetime(days), index=races.index)


def _circuits(raw: pd.DataFrame) -> pd.DataFrame:
    zones = [get_tz(lon, lat) or None for lon, lat in zip(raw["longitude"], raw["latitude"], strict=True)]
    return raw.rename(columns={**_NAMES, "id": "circuit_id"}).assign(
        time_zone=pd.Series(zones, index=raw.index, dtype="str"), elevation_m=raw["id"].map(ELEVATION_M)
    )


def _drivers(raw: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "driver_id": raw["id"],
            "code": raw["abbreviation"],
            "name": raw["name"],
            "first_name": raw["firstName"],
            "last_name": raw["lastName"],
            "number": raw["permanentNumber"],
            "date_of_birth": _moments(raw["dateOfBirth"], "%Y-%m-%d"),
            "country_id": raw["nationalityCountryId"],
        }
    )


def _classification(frame: pd.DataFrame) -> pd.DataFrame:
    # An empty cell in `points` means none were given; in `fastestLap` that nobody knows.
    points = frame["points"].astype("object").fillna(0.0)
    return frame.assign(points=points, shared_car=frame["shared_car"].fillna(False))
