"""Which recipe of a model is used from when on, and why: the table of decisions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
from sqlalchemy import Engine, Table, insert, select

from f1_pipeline.storage.engine import write_transaction
from f1_pipeline.storage.models import insert_version
from f1_pipeline.storage.records import read_frame
from f1_pipeline.storage.schema import feature_matrix, model_decisions, predictions


def decisions(engine: Engine, name: str | None = None, horizon: str | None = None) -> pd.DataFrame:
    """Decisions, oldest first; of one model and horizon where they are given."""
    given = {"name": name, "horizon": horizon}
    conditions = [model_decisions.c[key] == value for key, value in given.items() if value is not None]
    return read_frame(engine, select(model_decisions).where(*conditions).order_by(model_decisions.c.id))


def add_decision(engine: Engine, record: dict[str, Any]) -> None:
    """Record a decision about versions that exist."""
    with write_transaction(engine) as connection:
        connection.execute(insert(model_decisions), [record])


def add_decided_version(engine: Engine, version: dict[str, Any], decision: dict[str, Any]) -> int:
    """Insert a version and the decision about it in one transaction; returns its number.

    Together, because one without the other would be a version that nobody decided about, or a recipe in force that
    no version of the next race has.
    """
    with write_transaction(engine) as connection:
        number = insert_version(connection, version)
        connection.execute(insert(model_decisions), [{**decision, "challenger_version": number}])
    return number


def decision_for(rows: pd.DataFrame, order: Mapping[str, int], race_key: str) -> dict[str, Any] | None:
    """The decision whose recipe forecasts a race: the newest promoted one that knew earlier races only.

    ``rows``: ``decisions`` of one model and horizon; ``order``: place of each race in the calendar. A recipe that was
    chosen knowing a race must not forecast it, nor any race before: that would be a choice by the result.
    """
    for row in reversed(rows[rows["promoted"]].to_dict("records")):
        through = row["known_through"]
        if not isinstance(through, str) or order[through] < order[race_key]:
            return {str(name): value for name, value in row.items()}
    return None


def promoted_after(engine: Engine, horizon: str) -> set[str]:
    """Races after which a recipe of some model was promoted, or gone back to: the next race has a version of its own."""
    made = model_decisions
    query = select(made.c.known_through).where(
        made.c.horizon == horizon, made.c.promoted, made.c.known_through.is_not(None)
    )
    with engine.connect() as connection:
        return {str(race) for race in connection.scalars(query.distinct())}


def superseded_forecasts(engine: Engine, race_key: str, closed: bool = False) -> set[str]:
    """Horizons at which the stored forecast of a race is to be made again though nothing is new: it is older than a
    promotion of one of its models, or versions that were not meant for it stood in for others.

    ``closed``: the cutoff before the weekend has passed. Then the forecast before it counts only while the field is the
    one that it is of: better models must not bring a reserve along of whom nobody knew on Friday.
    """
    made = model_decisions
    query = (
        select(predictions.c.horizon)
        .join(made, (made.c.name == predictions.c.model) & (made.c.horizon == predictions.c.horizon))
        .where(
            predictions.c.race_key == race_key,
            made.c.promoted,
            made.c.known_through.is_not(None),
            made.c.challenger_version > predictions.c.model_version,
        )
        .distinct()
    )
    with engine.connect() as connection:
        found = {str(horizon) for horizon in connection.scalars(query)} | stood_in(engine, race_key)
    if closed and _field(engine, predictions, race_key) != _field(engine, feature_matrix, race_key):
        found.discard("pre_weekend")
    return found


def _field(engine: Engine, table: Table, race_key: str) -> set[tuple[str, str]]:
    """Who is in the rows of a race before the weekend, in which team."""
    query = select(table.c.driver_id, table.c.constructor_id).where(
        table.c.race_key == race_key, table.c.horizon == "pre_weekend"
    )
    with engine.connect() as connection:
        return {(str(driver), str(team)) for driver, team in connection.execute(query.distinct())}


def stood_in(engine: Engine, race_key: str) -> set[str]:
    """Horizons at which a race was forecast by versions that stood in for those that were meant."""
    query = (
        select(predictions.c.horizon)
        .where(predictions.c.race_key == race_key, predictions.c.stood_in_for.is_not(None))
        .distinct()
    )
    with engine.connect() as connection:
        return {str(horizon) for horizon in connection.scalars(query)}
