"""A small world in the format of an F1DB archive: two old seasons' habits and one running season, all invented.

The calendar is a list; ids and rounds are counted off it when the archive is written. A race put into the
middle therefore renumbers those behind it, as it happens in F1DB. See ``small_world`` for what is in it.
"""

from __future__ import annotations

import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_SESSION = "raceId year round positionDisplayOrder positionNumber positionText driverNumber driverId constructorId engineManufacturerId tyreManufacturerId"
_RESULT = f"{_SESSION} sharedCar laps time timeMillis timePenalty timePenaltyMillis gap gapMillis gapLaps interval intervalMillis reasonRetired points polePosition qualificationPositionNumber qualificationPositionText gridPositionNumber gridPositionText positionsGained pitStops fastestLap driverOfTheDay grandSlam"
_QUALIFYING = f"{_SESSION} time timeMillis q1 q1Millis q2 q2Millis q3 q3Millis gap gapMillis interval intervalMillis laps"
_GRID = f"{_SESSION} qualificationPositionNumber qualificationPositionText gridPenalty gridPenaltyPositions time timeMillis"
_PRACTICE = f"{_SESSION} time timeMillis gap gapMillis interval intervalMillis laps"
_STANDING = "raceId year round positionDisplayOrder positionNumber positionText"
_TIMED = "preQualifying freePractice1 freePractice2 freePractice3 freePractice4 qualifying1 qualifying2 qualifying sprintQualifying sprintRace"

HEADERS: dict[str, str] = {
    "seasons": "year",
    "circuits": "id name fullName previousNames type direction placeName countryId latitude longitude length turns totalRacesHeld",
    "drivers": "id name firstName lastName fullName abbreviation permanentNumber gender dateOfBirth dateOfDeath nationalityCountryId totalRaceWins",
    "constructors": "id name fullName countryId totalRaceWins",
    "grands-prix": "id name fullName shortName abbreviation countryId totalRacesHeld",
    "races": "id year round date time grandPrixId officialName qualifyingFormat sprintQualifyingFormat circuitId circuitLayoutId circuitType direction courseLength turns laps distance "
    + " ".join(f"{session}Date {session}Time" for session in _TIMED.split())
    + " sprintRaceLaps warmingUpDate warmingUpTime",
    "races-race-results": _RESULT,
    "races-sprint-race-results": _RESULT,
    "races-qualifying-results": _QUALIFYING,
    "races-sprint-qualifying-results": _QUALIFYING,
    "races-starting-grid-positions": _GRID,
    "races-sprint-starting-grid-positions": _GRID,
    "races-pit-stops": f"{_SESSION} stop lap time timeMillis",
    "races-driver-standings": f"{_STANDING} driverId points positionsGained championshipWon",
    "races-constructor-standings": f"{_STANDING} constructorId engineManufacturerId points positionsGained championshipWon",
    "seasons-entrants-drivers": "year entrantId constructorId engineManufacturerId driverId rounds roundsText testDriver",
    "races-free-practice-1-results": _PRACTICE,
    "races-free-practice-2-results": _PRACTICE,
    "races-free-practice-3-results": _PRACTICE,
    "races-free-practice-4-results": _PRACTICE,
    "races-warming-up-results": _PRACTICE,
}
"""Columns per table, in F1DB's order (statistics that nobody reads are left out)."""

POINTS = (25, 18, 15, 12, 10)
Row = dict[str, Any]


@dataclass
class F1dbWorld:
    """Rows to be written; per-race rows carry ``race`` (its key) in place of the three numbers."""

    calendar: list[Row] = field(default_factory=list)
    rows: dict[str, list[Row]] = field(default_factory=lambda: {table: [] for table in HEADERS})

    def add_race(self, key: str, circuit: str, date: str, *, before: str | None = None, **more: Any) -> None:
        """Put a race on the calendar, at the end or in front of another one."""
        year, grand_prix = key.split("-", 1)
        row = {"key": key, "year": int(year), "grandPrixId": grand_prix, "circuitId": circuit, "date": date}
        at = len(self.calendar) if before is None else [race["key"] for race in self.calendar].index(before)
        self.calendar.insert(at, {**row, "officialName": f"{year} {grand_prix} Cup", **more})

    def session(self, table: str, key: str, cars: list[tuple[Any, ...]]) -> list[Row]:
        """Add the order of a session: ``(position or code, number, driver, constructor[, more])`` per car."""
        made = []
        for order, (place, number, driver, constructor, *more) in enumerate(cars, start=1):
            row = {
                "race": key,
                "positionDisplayOrder": order,
                "positionNumber": place if isinstance(place, int) else None,
                "positionText": str(place),
                "driverNumber": number,
                "driverId": driver,
                "constructorId": constructor,
                "engineManufacturerId": f"{constructor}-engines",
            }
            made.append(row | (more[0] if more else {}))
        self.rows[table] += made
        return made

    def result(self, key: str, cars: list[tuple[Any, ...]], table: str = "races-race-results") -> None:
        """Add a classification; places score by ``POINTS`` where nothing else is said."""
        for row in self.session(table, key, cars):
            place = row["positionNumber"]
            scored = POINTS[place - 1] if place and place <= len(POINTS) else None
            for name, value in {"sharedCar": False, "laps": 50, "points": scored}.items():
                row.setdefault(name, value)

    def write(self, path: Path, *, without: str | None = None) -> Path:
        """Write the archive, but for the table ``without``."""
        number = {race["key"]: index for index, race in enumerate(self.calendar, start=1)}
        round_of: dict[str, int] = {}
        in_season: dict[int, int] = {}
        for race in self.calendar:
            in_season[race["year"]] = round_of[race["key"]] = in_season.get(race["year"], 0) + 1
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for table, header in HEADERS.items():
                rows = self.rows[table]
                if table == "races":
                    rows = [
                        {**race, "id": number[race["key"]], "round": round_of[race["key"]]}
                        for race in self.calendar
                    ]
                elif table == "seasons":
                    rows = [{"year": year} for year in in_season]
                elif table == "seasons-entrants-drivers":
                    rows = [
                        {**row, "rounds": ";".join(str(round_of[key]) for key in row["races"])}
                        for row in rows
                    ]
                elif table.startswith("races-"):
                    rows = [
                        {
                            **row,
                            "raceId": number.get(row["race"], 999),
                            "year": int(row["race"][:4]),
                            "round": round_of.get(row["race"]),
                        }
                        for row in rows
                    ]
                if table != without:
                    archive.writestr(f"f1db-{table}.csv", _csv(header.split(), rows))
        return path


def _csv(columns: list[str], rows: list[Row]) -> str:
    lines = [",".join(f'"{name}"' for name in columns)]
    lines += [",".join(_cell(row.get(name)) for name in columns) for row in rows]
    return "\n".join(lines) + "\n"


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else '"' + value.replace('"', '""') + '"'


def _named(text: str) -> str:
    return text.replace("-", " ").title()


def small_world() -> F1dbWorld:
    """The world of the tests.

    1955: a car shared by two drivers wins. 2025: a sprint weekend. 2026: two races held (before the second
    one Cy and Dee change seats), one with a published entry list, two of which nothing is known yet.
    """
    world = F1dbWorld()
    for driver, code, number, born in (
        ("ada-apex", "APX", "08", "1999-02-28"),
        ("ben-brake", "BRK", None, None),
        ("cy-curb", "CRB", "44", "2001-12-31"),
        ("dee-drift", "DRF", "7", "2003-07-01"),
        ("eve-edge", None, None, "1920-01-01"),
    ):
        world.rows["drivers"].append(
            {
                "id": driver, "name": _named(driver), "firstName": _named(driver).split()[0],
                "lastName": _named(driver).split()[1], "abbreviation": code, "permanentNumber": number,
                "dateOfBirth": born, "nationalityCountryId": "nowhere", "totalRaceWins": 0,
            }
        )  # fmt: skip
    for team in ("nova", "orbit"):
        world.rows["constructors"].append(
            {"id": team, "name": _named(team), "fullName": f"{_named(team)} GP"}
        )
    for grand_prix in ("alphaland", "betaland", "gammaland", "deltaland", "epsilonland", "zetaland"):
        world.rows["grands-prix"].append({"id": grand_prix, "fullName": f"{_named(grand_prix)} Grand Prix"})
    world.rows["circuits"] += [
        {"id": "northring", "name": "Northring", "type": "RACE", "direction": "CLOCKWISE", "placeName": "North",
         "countryId": "nowhere", "latitude": 52.0706, "longitude": -1.0174, "length": 5.891, "turns": 18},
        {"id": "zandvoort", "name": "Dunes", "latitude": 52.3888, "longitude": 4.5409, "length": 4.259, "turns": 14},
    ]  # fmt: skip

    world.add_race("1955-alphaland", "northring", "1955-05-08", laps=70, courseLength=4.649)
    world.result(
        "1955-alphaland",
        [
            (1, "2", "eve-edge", "orbit", {"points": 4.5}),
            (1, "2", "ben-brake", "orbit", {"sharedCar": True, "points": 4.5, "fastestLap": True}),
            (2, "4", "ada-apex", "nova", {"points": 6}),
            ("DNF", "6", "ben-brake", "nova", {"laps": 12, "reasonRetired": "Engine, oil"}),
        ],
    )
    world.add_race(
        "2025-betaland", "zandvoort", "2025-06-01", time="13:00", qualifyingFormat="KNOCKOUT",
        sprintQualifyingFormat="SPRINT_SHOOTOUT", qualifyingDate="2025-05-31", qualifyingTime="14:00",
        sprintQualifyingDate="2025-05-30", sprintQualifyingTime="14:30", sprintRaceDate="2025-05-31",
        sprintRaceTime="10:00", freePractice1Date="2025-05-30", freePractice1Time="10:30",
    )  # fmt: skip
    grid_25 = [("ada-apex", "nova"), ("ben-brake", "nova"), ("cy-curb", "orbit"), ("dee-drift", "orbit")]
    world.result("2025-betaland", [(i, str(i), *car) for i, car in enumerate(grid_25, start=1)])
    world.result(
        "2025-betaland",
        [(i, str(i), *car, {"points": 9 - i}) for i, car in enumerate(grid_25, start=1)],
        table="races-sprint-race-results",
    )
    world.session(
        "races-sprint-qualifying-results",
        "2025-betaland",
        [(i, str(i), *car, {"q1Millis": 70000 + i, "laps": 6}) for i, car in enumerate(grid_25, start=1)],
    )
    world.session(
        "races-sprint-starting-grid-positions",
        "2025-betaland",
        [(i, str(i), *car) for i, car in enumerate(grid_25, start=1)],
    )

    # Melbourne-like hours: practice falls on the day before in UTC.
    world.add_race(
        "2026-alphaland", "northring", "2026-03-08", time="04:00", qualifyingDate="2026-03-07",
        qualifyingTime="05:00", freePractice1Date="2026-03-06", freePractice1Time="23:30", laps=58,
    )  # fmt: skip
    world.result(
        "2026-alphaland",
        [
            (1, "08", "ada-apex", "nova", {"timeMillis": 5000000, "pitStops": 2, "gridPositionNumber": 1, "gridPositionText": "1", "fastestLap": True}),
            (2, "44", "cy-curb", "orbit", {"gapMillis": 1234, "pitStops": 1, "gridPositionText": "PL", "fastestLap": False}),
            (3, "12", "ben-brake", "nova", {"gapLaps": 1, "timePenaltyMillis": 5000, "gridPositionNumber": 2, "gridPositionText": "2"}),
            ("DNS", "7", "dee-drift", "nova"),
        ],
    )  # fmt: skip
    world.session(
        "races-starting-grid-positions",
        "2026-alphaland",
        [
            (1, "08", "ada-apex", "nova", {"qualificationPositionNumber": 1, "timeMillis": 80123}),
            (2, "12", "ben-brake", "nova", {"qualificationPositionNumber": 3, "gridPenalty": "10 places"}),
            ("PL", "44", "cy-curb", "orbit", {"qualificationPositionNumber": 2}),
        ],
    )
    world.session(
        "races-qualifying-results",
        "2026-alphaland",
        [
            (
                1,
                "08",
                "ada-apex",
                "nova",
                {"q1Millis": 81000, "q2Millis": 80500, "q3Millis": 80123, "laps": 20},
            ),
            (2, "44", "cy-curb", "orbit", {"q1Millis": 81100, "gapMillis": 977}),
            ("NC", "12", "ben-brake", "nova"),
            ("DSQ", "12", "ben-brake", "nova"),
        ],
    )
    for table in ("1", "2"):
        world.session(
            f"races-free-practice-{table}-results",
            "2026-alphaland",
            [
                (1, "44", "cy-curb", "orbit", {"timeMillis": 82000, "laps": 30}),
                (None, "12", "ben-brake", "nova"),
            ],
        )
    world.session("races-warming-up-results", "1955-alphaland", [(1, "2", "eve-edge", "orbit")])
    world.session(
        "races-pit-stops",
        "2026-alphaland",
        [(1, "08", "ada-apex", "nova", {"stop": 1, "lap": 20, "timeMillis": 22345})],
    )
    for order, (driver, points) in enumerate((("ada-apex", 25), ("cy-curb", 18), ("ben-brake", 15)), start=1):
        world.rows["races-driver-standings"].append(
            {"race": "2026-alphaland", "positionDisplayOrder": order, "positionNumber": order,
             "positionText": str(order), "driverId": driver, "points": points}
        )  # fmt: skip
    world.rows["races-constructor-standings"].append(
        {"race": "2026-alphaland", "positionDisplayOrder": 1, "positionText": "EX", "constructorId": "nova",
         "engineManufacturerId": "nova-engines", "points": 40.5}
    )  # fmt: skip

    world.add_race("2026-betaland", "zandvoort", "2026-04-05", time="13:00")
    world.result(
        "2026-betaland",
        [
            (1, "44", "cy-curb", "nova"),
            (2, "08", "ada-apex", "nova"),
            (3, "7", "dee-drift", "orbit"),
            ("DSQ", "12", "ben-brake", "orbit"),
        ],
    )
    world.add_race("2026-gammaland", "northring", "2026-05-03", time="13:00")
    world.add_race("2026-deltaland", "northring", "2026-06-07")
    world.add_race("2026-epsilonland", "zandvoort", "2026-07-05", time="18:00")
    listed = ["2026-alphaland", "2026-betaland", "2026-gammaland"]
    for driver, team, races, test in (
        ("ada-apex", "nova", listed, False),
        ("cy-curb", "orbit", listed[:1], False),
        ("cy-curb", "nova", listed[1:2], False),
        ("dee-drift", "orbit", listed[1:], False),
        ("eve-edge", "nova", listed[2:], False),
        ("ben-brake", "nova", [], True),
    ):
        world.rows["seasons-entrants-drivers"].append(
            {"year": 2026, "entrantId": f"{team}-racing", "constructorId": team, "driverId": driver,
             "engineManufacturerId": f"{team}-engines", "races": races, "testDriver": test}
        )  # fmt: skip
    return world
