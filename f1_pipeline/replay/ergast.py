"""Rows in the Ergast format from canonical frames: the inverse of what a client of Jolpica does.

All values are texts, as in the real answers. What F1DB's frames do not hold is left out (second and third practice,
lap of the fastest lap); ``nationality`` and ``country`` hold F1DB's country ids, and links lead nowhere.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import pandas as pd

from f1_pipeline.domain.identity import Crosswalk

Row = dict[str, Any]

POSITION_TEXT = {
    "DNF": "R",
    "NC": "R",
    "DSQ": "D",
    "DNS": "W",
    "DNP": "W",
    "DNQ": "F",
    "DNPQ": "F",
    "EX": "E",
}
"""F1DB's codes of who is not classified, as letters of the Ergast format; N is no longer used, R stands for it."""

_STATUS = {"D": "Disqualified", "W": "Did not start", "F": "Did not qualify", "E": "Excluded"}
_SESSIONS = {
    "FirstPractice": "first_practice_at",
    "Qualifying": "qualifying_at",
    "SprintQualifying": "sprint_qualifying_at",
    "Sprint": "sprint_at",
}


def clock_text(millis: int) -> str:
    """``1:25:33.607``, ``1:20.965`` or ``59.043``."""
    seconds, rest = divmod(int(millis), 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}:{minutes:02}:{seconds:02}.{rest:03}"
    return f"{minutes}:{seconds:02}.{rest:03}" if minutes else f"{seconds}.{rest:03}"


class ErgastRows:
    """The rows of one state of the data, by race key. ``tables`` are canonical frames (``sources.contracts``).

    Raises UnknownIdentity for what has no id in the source.
    """

    def __init__(self, tables: Mapping[str, pd.DataFrame], known: Crosswalk):
        self.tables = tables
        self.known = known
        self._drivers = tables["drivers"].set_index("driver_id", drop=False)
        self._constructors = tables["constructors"].set_index("constructor_id", drop=False)
        self._circuits = tables["circuits"].set_index("circuit_id", drop=False)
        self.races: dict[str, Row] = {
            str(race["race_key"]): {str(name): value for name, value in race.items()}
            for race in tables["races"].to_dict("records")
        }

    def calendar(self, season: int) -> list[str]:
        """Race keys of a season by round."""
        keys = [key for key, race in self.races.items() if race["season"] == season]
        return sorted(keys, key=lambda key: self.races[key]["round"])

    def race(self, key: str, round_: int) -> Row:
        """A race of a schedule, under the round it has in the answer."""
        race = self.races[key]
        circuit = self._circuits.loc[race["circuit_id"]]
        row: Row = {
            "season": str(race["season"]),
            "round": str(round_),
            "url": "",
            "raceName": self.known.race_name(key),
            "Circuit": {
                "circuitId": self.known.circuit_ref(str(race["circuit_id"])),
                "url": "",
                "circuitName": _text(circuit["full_name"]) or _text(circuit["name"]),
                "Location": {
                    "lat": _number(circuit["latitude"]),
                    "long": _number(circuit["longitude"]),
                    "locality": _text(circuit["place"]),
                    "country": _text(circuit["country_id"]),
                },
            },
            **(_moment(race["start_at"]) or {"date": f"{race['date']:%Y-%m-%d}"}),
        }
        for name, column in _SESSIONS.items():
            moment = _moment(race[column])
            if moment is not None:
                # The session that decides the sprint's grid had this name in 2023 alone.
                shootout = name == "SprintQualifying" and race["season"] == 2023
                row["SprintShootout" if shootout else name] = moment
        return row

    def classification(self, table: str, key: str) -> list[Row]:
        """Rows of ``race_results`` or ``sprint_results``."""
        season, winner = int(key[:4]), 0
        rows: list[Row] = []
        for car in self._of(table, key):
            place: str = (
                car["position_text"] if pd.notna(car["position"]) else POSITION_TEXT[car["position_text"]]
            )
            row = {
                "number": _text(car["car_number"]),
                "position": str(car["position"] if pd.notna(car["position"]) else car["display_order"]),
                "positionText": place,
                "points": _number(car["points"]),
                "Driver": self.driver(car["driver_id"]),
                "Constructor": self.constructor(car["constructor_id"], season),
                "grid": "0" if pd.isna(car["grid_position"]) else str(car["grid_position"]),
                "laps": "0" if pd.isna(car["laps"]) else str(car["laps"]),
                "status": _status(car, place, season),
            }
            if not rows and pd.notna(car["time_ms"]):
                winner = car["time_ms"]
                row["Time"] = {"millis": str(winner), "time": clock_text(winner)}
            elif winner and pd.notna(car["gap_ms"]):
                row["Time"] = {
                    "millis": str(winner + car["gap_ms"]),
                    "time": f"+{clock_text(car['gap_ms'])}",
                }
            if pd.notna(car["fastest_lap"]) and car["fastest_lap"]:
                row["FastestLap"] = {"rank": "1"}
            rows.append(row)
        return rows

    def qualifying(self, key: str) -> list[Row]:
        """Rows of the qualifying for the race; sprint qualifying is not in the source."""
        rows = []
        for car in self._of("qualifying_results", key):
            if car["session"] != "Q":
                continue
            row = {
                "number": _text(car["car_number"]),
                "position": str(car["position"] if pd.notna(car["position"]) else car["display_order"]),
                "Driver": self.driver(car["driver_id"]),
                "Constructor": self.constructor(car["constructor_id"], int(key[:4])),
            }
            for number in (1, 2, 3):
                if pd.notna(car[f"q{number}_ms"]):
                    row[f"Q{number}"] = clock_text(car[f"q{number}_ms"])
            rows.append(row)
        return rows

    def driver_standings(self, key: str) -> list[Row]:
        """Standings after a race, with the wins and teams of the season up to it."""
        season, raced = int(key[:4]), self._raced(key)
        wins = Counter(raced[raced["position"] == 1]["driver_id"])
        teams = raced.groupby("driver_id")["constructor_id"].unique().to_dict()
        return [
            {
                **_standing(row, wins[row["driver_id"]]),
                "Driver": self.driver(row["driver_id"]),
                "Constructors": [self.constructor(team, season) for team in teams.get(row["driver_id"], ())],
            }
            for row in self._of("driver_standings", key)
        ]

    def constructor_standings(self, key: str) -> list[Row]:
        """Standings of the constructors after a race."""
        raced = self._raced(key)
        wins = Counter(raced[raced["position"] == 1]["constructor_id"])
        return [
            {
                **_standing(row, wins[row["constructor_id"]]),
                "Constructor": self.constructor(row["constructor_id"], int(key[:4])),
            }
            for row in self._of("constructor_standings", key)
        ]

    def driver(self, driver_id: str) -> Row:
        """A driver as answers name him."""
        driver = self._drivers.loc[driver_id]
        row = {"driverId": self.known.driver_ref(driver_id)}
        for name, column in {"permanentNumber": "number", "code": "code"}.items():
            if _text(driver[column]):
                row[name] = _text(driver[column])
        row |= {"url": "", "givenName": _text(driver["first_name"]), "familyName": _text(driver["last_name"])}
        if pd.notna(driver["date_of_birth"]):
            row["dateOfBirth"] = f"{driver['date_of_birth']:%Y-%m-%d}"
        return row | {"nationality": _text(driver["country_id"])}

    def constructor(self, constructor_id: str, season: int) -> Row:
        """A constructor as answers name it in a season."""
        row = self._constructors.loc[constructor_id]
        return {
            "constructorId": self.known.constructor_ref(constructor_id, season),
            "url": "",
            "name": _text(row["name"]),
            "nationality": _text(row["country_id"]),
        }

    def _of(self, table: str, key: str) -> list[Row]:
        frame = self.tables[table]
        rows = frame[frame["race_key"] == key].sort_values("display_order").to_dict("records")
        return [{str(name): value for name, value in row.items()} for row in rows]

    def _raced(self, key: str) -> pd.DataFrame:
        calendar = self.calendar(int(key[:4]))
        results = self.tables["race_results"]
        return results[results["race_key"].isin(calendar[: calendar.index(key) + 1])]


def _standing(row: Row, wins: int) -> Row:
    ranked = pd.notna(row["position"])
    place: int = row["position"] if ranked else row["display_order"]
    text: str = row["position_text"] if ranked else POSITION_TEXT.get(row["position_text"], "-")
    return {
        "position": str(place),
        "positionText": text,
        "points": _number(row["points"]),
        "wins": str(wins),
    }


def _status(car: Row, place: str, season: int) -> str:
    """The outcome in words; since 2025 every retirement is only "Retired", whatever broke."""
    if pd.notna(car["position"]):
        if pd.notna(car["gap_laps"]) and car["gap_laps"] > 0:
            return "Lapped"
        # Who stopped and is classified has neither a gap nor laps behind.
        return "Finished" if car["position"] == 1 or pd.notna(car["gap_ms"]) or season < 2025 else "Retired"
    if place != "R":
        return _STATUS[place]
    return "Retired" if season >= 2025 else (_text(car["reason_retired"]) or "Retired")


def _moment(at: datetime | Any) -> Row | None:
    return None if pd.isna(at) else {"date": f"{at:%Y-%m-%d}", "time": f"{at:%H:%M:%S}Z"}


def _text(value: Any) -> str:
    return "" if pd.isna(value) else str(value)


def _number(value: Any) -> str:
    return "" if pd.isna(value) else f"{float(value):.6g}"
