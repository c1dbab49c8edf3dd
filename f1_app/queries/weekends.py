"""What belongs to the days around a race: when its sessions start, and what weather is forecast for them."""

from __future__ import annotations

import pandas as pd
from sqlalchemy import Connection, exists, func, select

from f1_app.queries.shared import frame_of
from f1_pipeline.storage.schema import races, starting_grid, weather_forecasts

SESSION_COLUMNS = {
    "FP1": "first_practice_at",
    "SQ": "sprint_qualifying_at",
    "S": "sprint_at",
    "Q": "qualifying_at",
    "R": "start_at",
}
"""Sessions by the short name that results and weather use, and the column of ``races`` that says when they start."""

_AMOUNTS = ("temperature_c", "precipitation_mm", "precipitation_probability", "wind_kmh")


def sessions(connection: Connection, race_key: str) -> pd.DataFrame:
    """Sessions of a weekend whose start is known, in order of time (``session, start_at`` in UTC)."""
    row = connection.execute(
        select(*(races.c[column] for column in SESSION_COLUMNS.values())).where(races.c.race_key == race_key)
    ).first()
    found = [] if row is None else zip(SESSION_COLUMNS, row, strict=True)
    known = sorted(((name, at) for name, at in found if at is not None), key=lambda pair: pair[1])
    return pd.DataFrame(known, columns=["session", "start_at"])


def weather(connection: Connection, race_key: str) -> pd.DataFrame:
    """The newest weather forecast of every session of a race; no rows where none was taken.

    A forecast was always taken before its session, so the newest says what was expected, never what came.
    """
    newest = (
        select(weather_forecasts.c.session, func.max(weather_forecasts.c.issued_at).label("issued_at"))
        .where(weather_forecasts.c.race_key == race_key)
        .group_by(weather_forecasts.c.session)
        .subquery()
    )
    frame = frame_of(
        connection,
        select(
            weather_forecasts.c.session,
            weather_forecasts.c.provider,
            weather_forecasts.c.issued_at,
            weather_forecasts.c.valid_from,
            weather_forecasts.c.valid_until,
            *(weather_forecasts.c[name] for name in _AMOUNTS),
            weather_forecasts.c.is_wet,
        )
        .select_from(
            weather_forecasts.join(
                newest,
                (weather_forecasts.c.session == newest.c.session)
                & (weather_forecasts.c.issued_at == newest.c.issued_at),
            )
        )
        .where(weather_forecasts.c.race_key == race_key)
        .order_by(weather_forecasts.c.valid_from, weather_forecasts.c.provider),
    ).drop_duplicates("session")
    return frame.astype(dict.fromkeys(_AMOUNTS, "float64")).reset_index(drop=True)


def grid_is_provisional(connection: Connection, race_key: str) -> bool:
    """Whether the grid of the race that is held is the order of qualifying, without penalties."""
    return bool(
        connection.scalar(
            select(
                exists().where(
                    starting_grid.c.race_key == race_key,
                    starting_grid.c.session == "R",
                    starting_grid.c.is_provisional.is_(True),
                )
            )
        )
    )
