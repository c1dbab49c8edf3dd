"""What all answers are made of."""

from __future__ import annotations

import datetime as dt
from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field

Probability = Annotated[float, Field(ge=0, le=1)]
Table = tuple[list[str], list[Mapping[str, Any]]]
"""Columns and rows of an answer as CSV."""


class Part(BaseModel):
    """A piece of an answer. A name that the tables have and the answer has not is a mistake, not a guess."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Answer(Part):
    """A whole answer."""

    @abstractmethod
    def table(self) -> Table:
        """The answer as rows, for CSV."""


def table(row_type: type[Part], rows: Iterable[Part], before: Mapping[str, Any] | None = None) -> Table:
    """Rows of one class; ``before`` are columns that are the same in every row."""
    before = before or {}
    return [*before, *row_type.model_fields], [{**before, **row.model_dump(mode="json")} for row in rows]


def example(**content: Any) -> ConfigDict:
    """Configuration of an answer with its example."""
    return ConfigDict(extra="forbid", frozen=True, json_schema_extra={"examples": [content]})


class Race(Part):
    """A race; its key names it for ever, its round and its date may change."""

    race_key: str = Field(description="Season and Grand Prix, such as `2026-netherlands`.")
    season: int
    round: int | None
    name: str
    official_name: str | None
    date: dt.date = Field(description="Day of the race as the source gives it.")
    start_at: dt.datetime | None = Field(description="Start in UTC, where it is known.")
    qualifying_at: dt.datetime | None
    sprint_at: dt.datetime | None
    is_sprint_weekend: bool
    is_cancelled: bool
    circuit_id: str | None
    circuit: str | None
    place: str | None
    time_zone: str | None = Field(description="IANA time zone of the circuit.")
    length_km: float | None
    laps: int | None
    finished: bool = Field(description="Whether there is a result.")
    prediction_available: bool


class Provenance(Part):
    """What a forecast knew and what made it: without it a probability cannot be judged."""

    model: str
    model_version: int | None = Field(
        description="Version of the model; 0 for baselines, which are not trained."
    )
    stood_in_for: str | None = Field(
        default=None,
        description="Race whose own versions of the models could not be stored: those of before made the forecast.",
    )
    horizon: str = Field(
        description="`pre_weekend`: entry list only; `pre_race`: practice, qualifying and grid."
    )
    cutoff: dt.datetime = Field(description="Nothing later than this was known.")
    made_at: dt.datetime
    data_release: str
    simulated: bool = Field(description="Whether drivers and results are invented.")


class Source(Part):
    """Which data an answer stands on."""

    data_release: str | None = Field(description="Release of the source; null while nothing is loaded.")
    simulated: bool = Field(description="Whether drivers and results are invented.")


class Page(Answer):
    """A part of a list."""

    total: int = Field(description="Rows of the whole list.")
    limit: int
    offset: int
    source: Source


RACE: dict[str, Any] = {
    "race_key": "2026-netherlands",
    "season": 2026,
    "round": 12,
    "name": "Dutch Grand Prix",
    "official_name": "Formula 1 Dutch Grand Prix 2026",
    "date": "2026-08-23",
    "start_at": "2026-08-23T13:00:00Z",
    "qualifying_at": "2026-08-22T14:00:00Z",
    "sprint_at": "2026-08-22T10:00:00Z",
    "is_sprint_weekend": True,
    "is_cancelled": False,
    "circuit_id": "zandvoort",
    "circuit": "Zandvoort",
    "place": "Zandvoort",
    "time_zone": "Europe/Amsterdam",
    "length_km": 4.259,
    "laps": 72,
    "finished": False,
    "prediction_available": True,
}
PROVENANCE: dict[str, Any] = {
    "model": "pool",
    "model_version": 47,
    "stood_in_for": None,
    "horizon": "pre_weekend",
    "cutoff": "2026-08-21T10:30:00Z",
    "made_at": "2026-08-17T06:12:40Z",
    "data_release": "v2026.11.0",
    "simulated": False,
}
SOURCE: dict[str, Any] = {"data_release": "v2026.11.0", "simulated": False}


def parts(part: type[Part], rows: Sequence[Mapping[str, Any]]) -> list[Any]:
    """Rows of a query as parts of an answer; columns that the answer has not are left out."""
    return [part.model_validate({name: row[name] for name in part.model_fields}) for row in rows]


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows of a frame, with None for every kind of missing value."""
    whole = frame.astype(object)
    return [
        {str(name): value for name, value in row.items()}
        for row in whole.where(whole.notna(), None).to_dict("records")
    ]


def number(value: float) -> float | None:
    """A figure, or None where there is none."""
    return None if pd.isna(value) else float(value)
