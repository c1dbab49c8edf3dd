"""The answer that says how the API is."""

from __future__ import annotations

import datetime as dt

from pydantic import Field

from f1_app.api.schemas.base import Answer, Part, Table, example, table


class DataState(Part):
    """What the tables hold."""

    source: str
    release: str
    loaded_at: dt.datetime = Field(
        description="When data were taken in last, of any source: the release, or a weekend after it."
    )
    age_days: float = Field(description="Days since the newest load.")
    simulated: bool
    newest_race: str | None = Field(description="The last race that has a result.")
    next_race: str | None
    next_race_forecast_at: dt.datetime | None = Field(description="When its newest forecast was made.")


class Health(Answer):
    """Whether the API is alive, whether it can answer, and on which data."""

    model_config = example(
        status="ready",
        alive=True,
        ready=True,
        problem=None,
        predictions_enabled=True,
        data={
            "source": "f1db",
            "release": "v2026.11.0",
            "loaded_at": "2026-08-17T06:10:02Z",
            "age_days": 0.4,
            "simulated": False,
            "newest_race": "2026-hungary",
            "next_race": "2026-netherlands",
            "next_race_forecast_at": "2026-08-17T06:12:40Z",
        },
    )
    status: str = Field(description="`ready`, `empty` (tables without data) or `unavailable`.")
    alive: bool
    ready: bool = Field(description="Whether there are data to answer with.")
    problem: str | None = Field(description="`settings`, `missing`, `no_tables`, `unreachable` or `no_data`.")
    predictions_enabled: bool
    data: DataState | None

    def table(self) -> Table:
        """One row."""
        return table(Health, [self])
