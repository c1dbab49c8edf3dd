"""Answers that list what there is: races, people, teams, circuits, and points tables."""

from __future__ import annotations

import datetime as dt

from pydantic import Field

from f1_app.api.schemas.base import RACE, SOURCE, Answer, Page, Part, Race, Source, Table, example, table

_PAGE = {"total": 1, "limit": 100, "offset": 0, "source": SOURCE}


class Races(Page):
    """Races, newest first."""

    model_config = example(items=[RACE], **_PAGE)
    items: list[Race]

    def table(self) -> Table:
        """A row a race."""
        return table(Race, self.items)


class Calendar(Answer):
    """A season's calendar in its order, cancelled races among them."""

    model_config = example(season=2026, source=SOURCE, races=[RACE])
    season: int
    source: Source
    races: list[Race]

    def table(self) -> Table:
        """A row a race."""
        return table(Race, self.races)


class Driver(Part):
    """A driver."""

    driver_id: str
    code: str | None = Field(
        description="Three letters; before codes existed, the beginning of the last name."
    )
    name: str
    number: str | None
    date_of_birth: dt.date | None
    country_id: str | None


class Drivers(Page):
    """Drivers by name."""

    model_config = example(
        items=[
            {
                "driver_id": "lando-norris",
                "code": "NOR",
                "name": "Lando Norris",
                "number": "4",
                "date_of_birth": "1999-11-13",
                "country_id": "united-kingdom",
            }
        ],
        **_PAGE,
    )
    items: list[Driver]

    def table(self) -> Table:
        """A row a driver."""
        return table(Driver, self.items)


class Constructor(Part):
    """A constructor."""

    constructor_id: str
    name: str
    full_name: str | None
    country_id: str | None


class Constructors(Page):
    """Constructors by name."""

    model_config = example(
        items=[
            {
                "constructor_id": "mclaren",
                "name": "McLaren",
                "full_name": "McLaren Racing",
                "country_id": "united-kingdom",
            }
        ],
        **_PAGE,
    )
    items: list[Constructor]

    def table(self) -> Table:
        """A row a constructor."""
        return table(Constructor, self.items)


class Circuit(Part):
    """A circuit as it is today; layouts of other days are in the races."""

    circuit_id: str
    name: str
    full_name: str | None
    place: str | None
    country_id: str | None
    latitude: float | None
    longitude: float | None
    time_zone: str | None
    length_km: float | None
    turns: int | None
    elevation_m: float | None = Field(description="Height above the sea.")
    type: str | None
    direction: str | None


CIRCUIT = {
    "circuit_id": "zandvoort",
    "name": "Zandvoort",
    "full_name": "Circuit Zandvoort",
    "place": "Zandvoort",
    "country_id": "netherlands",
    "latitude": 52.389,
    "longitude": 4.541,
    "time_zone": "Europe/Amsterdam",
    "length_km": 4.259,
    "turns": 14,
    "elevation_m": 6.0,
    "type": "RACE",
    "direction": "CLOCKWISE",
}


class Circuits(Page):
    """Circuits by name."""

    model_config = example(items=[CIRCUIT], **_PAGE)
    items: list[Circuit]

    def table(self) -> Table:
        """A row a circuit."""
        return table(Circuit, self.items)


class DriverStanding(Part):
    """A driver's place in the championship."""

    position: int | None
    position_text: str
    driver_id: str
    code: str | None
    driver: str
    constructor_id: str | None = Field(description="The team he last drove for, up to this race.")
    team: str | None
    points: float
    wins: int = Field(description="Races won so far.")
    podiums: int
    change: int | None = Field(description="Places gained by this race.")


class ConstructorStanding(Part):
    """A constructor's place in the championship."""

    position: int | None
    position_text: str
    constructor_id: str
    team: str
    engine_id: str | None = Field(
        description="Constructors were placed by chassis and engine; of old seasons."
    )
    points: float
    wins: int = Field(description="Races won so far.")
    podiums: int
    change: int | None = Field(description="Places gained by this race.")


_AFTER = {**RACE, "race_key": "2026-hungary", "round": 11, "name": "Hungarian Grand Prix", "finished": True}


class DriverStandings(Answer):
    """The drivers' championship after a race."""

    model_config = example(
        after=_AFTER,
        source=SOURCE,
        standings=[
            {
                "position": 1,
                "position_text": "1",
                "driver_id": "lando-norris",
                "code": "NOR",
                "driver": "Lando Norris",
                "constructor_id": "mclaren",
                "team": "McLaren",
                "points": 180.0,
                "wins": 4,
                "podiums": 8,
                "change": 0,
            }
        ],
    )
    after: Race = Field(description="The race after which it stood so.")
    source: Source
    standings: list[DriverStanding]

    def table(self) -> Table:
        """A row a driver."""
        return table(DriverStanding, self.standings, {"race_key": self.after.race_key})


class ConstructorStandings(Answer):
    """The constructors' championship after a race."""

    model_config = example(
        after=_AFTER,
        source=SOURCE,
        standings=[
            {
                "position": 1,
                "position_text": "1",
                "constructor_id": "mclaren",
                "team": "McLaren",
                "engine_id": "mercedes",
                "points": 301.0,
                "wins": 4,
                "podiums": 8,
                "change": 0,
            }
        ],
    )
    after: Race = Field(description="The race after which it stood so.")
    source: Source
    standings: list[ConstructorStanding]

    def table(self) -> Table:
        """A row a constructor."""
        return table(ConstructorStanding, self.standings, {"race_key": self.after.race_key})
