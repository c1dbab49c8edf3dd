"""Answers that are forecasts: of a race, and of the championship."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from f1_app.api.schemas.base import (
    PROVENANCE,
    RACE,
    Answer,
    Part,
    Probability,
    Provenance,
    Race,
    Table,
    example,
    table,
)


class DriverForecast(Part):
    """The forecast of one driver in a race."""

    driver_id: str
    code: str | None
    driver: str
    constructor_id: str
    team: str
    win_probability: Probability
    interval_low: Probability | None = Field(description="95 % interval of the win probability.")
    interval_high: Probability | None
    podium_probability: Probability
    top6_probability: Probability | None
    points_probability: Probability
    expected_position: float
    expected_points: float | None
    retirement_probability: Probability | None


_NORRIS: dict[str, Any] = {
    "driver_id": "lando-norris",
    "code": "NOR",
    "driver": "Lando Norris",
    "constructor_id": "mclaren",
    "team": "McLaren",
    "win_probability": 0.31,
    "interval_low": 0.22,
    "interval_high": 0.41,
    "podium_probability": 0.66,
    "top6_probability": 0.87,
    "points_probability": 0.93,
    "expected_position": 4.1,
    "expected_points": 14.8,
    "retirement_probability": 0.08,
}


def _flat(race: Race, provenance: Provenance) -> dict[str, Any]:
    """What every row of a forecast carries as CSV."""
    return {"race_key": race.race_key, **provenance.model_dump(mode="json")}


class RaceForecast(Answer):
    """The forecast of a race by one model at one horizon, most likely winner first."""

    model_config = example(race=RACE, forecast=PROVENANCE, drivers=[_NORRIS])
    race: Race
    forecast: Provenance
    drivers: list[DriverForecast]

    def table(self) -> Table:
        """A row a driver."""
        return table(DriverForecast, self.drivers, _flat(self.race, self.forecast))


class Score(Part):
    """How good a forecast was."""

    log_loss: float = Field(description="-ln of the probability of the winner; lower is better.")
    brier: float
    winner_probability: Probability
    winner_correct: bool


class ModelForecast(Part):
    """The forecast of one model, with its score once there is a result."""

    forecast: Provenance
    score: Score | None
    drivers: list[DriverForecast]


class Comparison(Answer):
    """The forecasts of a race by all models at one horizon."""

    model_config = example(
        race=RACE,
        horizon="pre_weekend",
        forecasts=[{"forecast": PROVENANCE, "score": None, "drivers": [_NORRIS]}],
    )
    race: Race
    horizon: str
    forecasts: list[ModelForecast]

    def table(self) -> Table:
        """A row a model and driver."""
        columns: list[str] = []
        rows: list[Any] = []
        for one in self.forecasts:
            columns, more = table(DriverForecast, one.drivers, _flat(self.race, one.forecast))
            rows += more
        return columns, rows


class DriverPlaces(Part):
    """Where one driver may finish."""

    driver_id: str
    code: str | None
    driver: str
    constructor_id: str
    team: str
    expected_position: float
    probabilities: list[Probability] = Field(
        description="Probability of each place, first place first. Who retires has a place behind: the sum is 1."
    )


class Distribution(Answer):
    """The probability of every finishing place of every driver."""

    model_config = example(
        race=RACE,
        forecast=PROVENANCE,
        drivers=[
            {
                **{name: _NORRIS[name] for name in ("driver_id", "code", "driver", "constructor_id", "team")},
                "expected_position": 2.1,
                "probabilities": [0.31, 0.28, 0.41],
            }
        ],
    )
    race: Race
    forecast: Provenance
    drivers: list[DriverPlaces]

    def table(self) -> Table:
        """A row a driver and place."""
        before = _flat(self.race, self.forecast)
        names = ("driver_id", "code", "driver", "constructor_id", "team")
        rows = [
            {**before, **one.model_dump(include=set(names)), "position": position, "probability": probability}
            for one in self.drivers
            for position, probability in enumerate(one.probabilities, start=1)
        ]
        return [*before, *names, "position", "probability"], list(rows)


Kind = Literal["driver", "constructor"]


class Title(Part):
    """The rest of the season of one driver or constructor."""

    entity_id: str = Field(description="Id of the driver or constructor.")
    code: str | None
    name: str
    constructor_id: str | None = Field(description="The team he drove for then.")
    team: str | None
    points: float = Field(description="Points before the race, those that count.")
    expected_points: float = Field(description="Points at the end of the season.")
    points_low: float = Field(description="5th percentile of the points at the end.")
    points_high: float = Field(description="95th percentile of the points at the end.")
    expected_position: float
    title_probability: Probability
    top3_probability: Probability
    can_win: bool = Field(
        description="Whether the points that are left allow the title, whatever the forecast says."
    )


class Championship(Answer):
    """The championship as it was forecast before a race, best title chance first."""

    model_config = example(
        race=RACE,
        kind="driver",
        races_left=12,
        draws=20000,
        forecast={**PROVENANCE, "model": "rating"},
        entries=[
            {
                "entity_id": "lando-norris",
                "code": "NOR",
                "name": "Lando Norris",
                "constructor_id": "mclaren",
                "team": "McLaren",
                "points": 180.0,
                "expected_points": 341.5,
                "points_low": 281.0,
                "points_high": 402.0,
                "expected_position": 1.7,
                "title_probability": 0.48,
                "top3_probability": 0.95,
                "can_win": True,
            }
        ],
    )
    race: Race = Field(description="The race before which the forecast stands.")
    kind: Kind
    races_left: int = Field(description="Races left, this one among them.")
    draws: int = Field(description="Seasons that were drawn: a probability of 0 is less than one in so many.")
    forecast: Provenance = Field(description="The seasons are drawn from the ratings of this model.")
    entries: list[Title]

    def table(self) -> Table:
        """A row a driver or constructor."""
        before = {**_flat(self.race, self.forecast), "kind": self.kind, "races_left": self.races_left}
        return table(Title, self.entries, before)
