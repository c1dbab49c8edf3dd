"""The canonical line of weather, and what must be true of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Literal

import pandas as pd
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, model_validator

from f1_pipeline.errors import ContractViolation
from f1_pipeline.sources.weather.aggregate import WINDOWS, Conditions, SessionName, is_wet

Provider = Literal["open-meteo", "openweathermap"]
Kind = Literal["forecast", "observed"]

FEATURE_COLUMNS = ("temperature_c", "precipitation_mm", "wind_kmh", "is_wet")
"""Columns that become features; the probability of rain stays in the table."""


class WeatherRow(BaseModel):
    """Weather of one session by one service.

    ``issued_at``: when the answer was taken (UTC). A forecast was taken before its window begins, an observation after
    it ended: so a row of the one kind can never pass for the other where rows are chosen by their time.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    race_key: Annotated[str, Field(min_length=1, max_length=64)]
    session: SessionName
    provider: Provider
    kind: Kind
    # Beyond what the earth has: kelvins taken for degrees, metres per second for something else.
    temperature_c: Annotated[float, Field(ge=-60, le=60)] | None
    precipitation_mm: Annotated[float, Field(ge=0, le=500)] | None
    precipitation_probability: Annotated[float, Field(ge=0, le=1)] | None
    wind_kmh: Annotated[float, Field(ge=0, le=400)] | None
    is_wet: bool | None
    issued_at: AwareDatetime
    valid_from: AwareDatetime
    valid_until: AwareDatetime

    @model_validator(mode="after")
    def _laws(self) -> WeatherRow:
        if self.valid_from >= self.valid_until:
            raise ValueError("the window ends before it begins")
        if self.kind == "forecast" and self.issued_at >= self.valid_from:
            raise ValueError("a forecast has to be taken before its window begins")
        if self.kind == "observed" and self.issued_at < self.valid_until:
            raise ValueError("what was observed is not known before the window has ended")
        if self.is_wet != is_wet(self.precipitation_mm):
            raise ValueError("is_wet does not follow from precipitation_mm")
        return self


def make_row(
    race_key: str,
    session: SessionName,
    provider: Provider,
    kind: Kind,
    conditions: Conditions,
    start: datetime,
    issued_at: datetime,
) -> WeatherRow:
    """The row of a session that begins at ``start``, checked; times are turned to UTC.

    Raises:
        ContractViolation: a value is impossible. Names source, race and field.
    """
    try:
        return WeatherRow(
            race_key=race_key,
            session=session,
            provider=provider,
            kind=kind,
            **vars(conditions),
            issued_at=issued_at.astimezone(UTC),
            valid_from=start.astimezone(UTC),
            valid_until=(start + WINDOWS[session]).astimezone(UTC),
        )
    except ValidationError as error:
        fault = error.errors()[0]
        field = ".".join(map(str, fault["loc"])) or "(row)"
        raise ContractViolation(
            f"{provider}: race {race_key}, session {session}, field {field}: {fault['msg']}"
            + (f", got {fault['input']!r}" if fault["loc"] else "")
        ) from None


def rows_frame(rows: Sequence[WeatherRow]) -> pd.DataFrame:
    """Rows as a frame with the columns of ``WeatherRow``: missing numbers NaN, times UTC in microseconds."""
    frame = pd.DataFrame([row.model_dump() for row in rows], columns=list(WeatherRow.model_fields))
    for name in ("race_key", "session", "provider", "kind"):
        frame[name] = frame[name].astype("str")
    for name in ("temperature_c", "precipitation_mm", "precipitation_probability", "wind_kmh"):
        frame[name] = frame[name].astype("float64")
    frame["is_wet"] = frame["is_wet"].astype("boolean")
    for name in ("issued_at", "valid_from", "valid_until"):
        frame[name] = pd.to_datetime(frame[name], utc=True).astype("datetime64[us, UTC]")
    return frame
