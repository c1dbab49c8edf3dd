"""What the queries of several topics are made of."""

from __future__ import annotations

from typing import Any

import pandas as pd
from sqlalchemy import Connection, Exists, Label, Select, exists, func, select

from f1_pipeline.storage.schema import constructors, drivers, predictions, race_results, races


def frame_of(connection: Connection, statement: Select[Any]) -> pd.DataFrame:
    """The answer of a statement, with its columns named even where there is no row."""
    result = connection.execute(statement)
    # Plain tuples: pandas asks every row of SQLAlchemy whether it is a data class, which took longer than reading it.
    return pd.DataFrame([tuple(row) for row in result], columns=list(result.keys()))


def has_result() -> Exists:
    """Whether the race of the row around it has a result."""
    return exists().where(race_results.c.race_key == races.c.race_key)


def has_forecast() -> Exists:
    """Whether the race of the row around it has a forecast."""
    return exists().where(predictions.c.race_key == races.c.race_key)


def code_of_driver() -> Label[Any]:
    """The three letters a driver is known by; before codes existed, the beginning of the last name."""
    return func.coalesce(drivers.c.code, func.upper(func.substr(drivers.c.last_name, 1, 3))).label("code")


def name_of_driver(driver_id: Any) -> Label[Any]:
    """The name of a driver, or the id where the table of drivers is not filled."""
    return func.coalesce(drivers.c.name, driver_id).label("driver")


def name_of_team(constructor_id: Any) -> Label[Any]:
    """The name of a constructor, or the id where the table of constructors is not filled."""
    return func.coalesce(constructors.c.name, constructor_id).label("team")


def rows_of(connection: Connection, statement: Select[Any]) -> list[dict[str, Any]]:
    """The answer of a statement, a dict a row: no cell is turned into NaN or NaT on the way."""
    return [dict(row) for row in connection.execute(statement).mappings()]


def page_of(
    connection: Connection, statement: Select[Any], limit: int, offset: int
) -> tuple[int, list[dict[str, Any]]]:
    """How many rows a statement has altogether, and those of one page. The statement has to be in a full order."""
    total = connection.scalar(select(func.count()).select_from(statement.order_by(None).subquery())) or 0
    return total, rows_of(connection, statement.limit(limit).offset(offset))
