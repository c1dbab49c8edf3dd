"""The tables of weather: forecasts are added and never changed, observations replaced session by session."""

from __future__ import annotations

from datetime import datetime, timedelta

import pandas as pd
from sqlalchemy import Connection, Engine, and_, delete, exists, insert, select

from f1_pipeline.storage.engine import write_transaction
from f1_pipeline.storage.records import read_frame, to_records
from f1_pipeline.storage.schema import circuits, race_results, races, weather_forecasts, weather_observed

_SAME = timedelta(hours=1)
"""Age up to which a forecast that says the same counts as the same one: that long an answer comes from the cache."""
_SESSION = ["race_key", "session", "provider"]
_VALUES = [
    "temperature_c",
    "precipitation_mm",
    "precipitation_probability",
    "wind_kmh",
    "is_wet",
    "valid_from",
    "valid_until",
]


def add_forecasts(engine: Engine, forecasts: pd.DataFrame) -> pd.DataFrame:
    """Add forecasts in one transaction; the rows that were new.

    ``forecasts``: canonical rows (``sources.weather.rows_frame``). What is stored stays as it is: a forecast under the
    same key, or one of the last hour that says the same, is not written again.
    """
    table = weather_forecasts
    columns = [column.name for column in table.columns]
    records = to_records(table, forecasts[columns])
    with write_transaction(engine) as connection:
        new = [not _is_stored(connection, row) for row in records]
        if any(new):
            connection.execute(
                insert(table), [row for row, is_new in zip(records, new, strict=True) if is_new]
            )
    return forecasts[pd.Series(new, index=forecasts.index, dtype="bool")]


def _is_stored(connection: Connection, row: dict[str, object]) -> bool:
    table, issued_at = weather_forecasts, row["issued_at"]
    assert isinstance(issued_at, datetime)  # noqa: S101 - narrows the type
    # Before and after: of one answer, the time that the cache remembers is some milliseconds before the row's.
    near = table.c.issued_at.between(issued_at - _SAME, issued_at + _SAME)
    rows = connection.execute(
        select(table).where(*(table.c[name] == row[name] for name in _SESSION), near)
    ).mappings()
    closest = min(rows, key=lambda stored: abs(stored["issued_at"] - issued_at), default=None)
    if closest is None:
        return False
    return closest["issued_at"] == issued_at or all(closest[name] == row[name] for name in _VALUES)


def replace_observed(engine: Engine, observed: pd.DataFrame) -> int:
    """Put observations in the place of those of the same session and service, in one transaction; how many rows."""
    table = weather_observed
    columns = [column.name for column in table.columns]
    records = to_records(table, observed[columns])
    if records:
        with write_transaction(engine) as connection:
            for row in records:
                connection.execute(delete(table).where(*(table.c[name] == row[name] for name in _SESSION)))
            connection.execute(insert(table), records)
    return len(records)


def newest_forecast_before(
    engine: Engine, race_key: str, cutoff: datetime, session: str = "R"
) -> pd.DataFrame:
    """The newest forecast of a session that was taken before ``cutoff``: one row, or none."""
    table = weather_forecasts
    query = (
        select(table)
        .where(table.c.race_key == race_key, table.c.session == session, table.c.issued_at < cutoff)
        .order_by(table.c.issued_at.desc(), table.c.provider)
        .limit(1)
    )
    return read_frame(engine, query)


def race_places(engine: Engine) -> pd.DataFrame:
    """Races that were not cancelled, in calendar order: when each session begins, where, and whether it was run.

    ``race_key, season, date, start_at, qualifying_at, sprint_at, latitude, longitude, finished``.
    """
    query = (
        select(
            races.c.race_key,
            races.c.season,
            races.c.date,
            races.c.start_at,
            races.c.qualifying_at,
            races.c.sprint_at,
            circuits.c.latitude,
            circuits.c.longitude,
            exists(select(1).where(race_results.c.race_key == races.c.race_key)).label("finished"),
        )
        .outerjoin(circuits, and_(circuits.c.circuit_id == races.c.circuit_id))
        .where(races.c.is_cancelled.is_(False))
        .order_by(races.c.date, races.c.race_key)
    )
    return read_frame(engine, query)
