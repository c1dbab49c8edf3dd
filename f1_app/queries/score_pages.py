"""Scores of forecasts a page at a time, and their stored means, of all models and horizons or of some."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, select

from f1_app.queries.shared import page_of, rows_of
from f1_pipeline.domain.vocabulary import MARKET
from f1_pipeline.storage.schema import accuracy_summaries, model_accuracy, races

Rows = list[dict[str, Any]]


def page(
    connection: Connection,
    model: str | None,
    season: int | None,
    horizon: str | None,
    limit: int,
    offset: int,
) -> tuple[int, Rows]:
    """Scores of forecasts of single races, newest race first. Bookmakers' prices only where they are asked for."""
    statement = (
        select(
            races.c.race_key,
            races.c.season,
            races.c.round,
            races.c.name,
            races.c.date,
            *(column for column in model_accuracy.c if column.name not in ("race_key", "result_hash")),
        )
        .select_from(model_accuracy.join(races, model_accuracy.c.race_key == races.c.race_key))
        .order_by(
            races.c.date.desc(), races.c.race_key.desc(), model_accuracy.c.horizon, model_accuracy.c.model
        )
    )
    statement = statement.where(
        model_accuracy.c.model == model if model is not None else model_accuracy.c.model != MARKET
    )
    if season is not None:
        statement = statement.where(races.c.season == season)
    if horizon is not None:
        statement = statement.where(model_accuracy.c.horizon == horizon)
    return page_of(connection, statement, limit, offset)


def means(connection: Connection, period: str, model: str | None, horizon: str | None) -> Rows:
    """Means of the scores over the races of a period (``all``, ``2022+``, ``2026``) with their 95 % intervals."""
    table = accuracy_summaries
    statement = (
        select(
            table.c.model,
            table.c.horizon,
            table.c.score,
            table.c.races,
            table.c.mean,
            table.c.low,
            table.c.high,
        )
        .where(table.c.period == period)
        .order_by(table.c.horizon, table.c.model, table.c.score)
    )
    statement = statement.where(table.c.model == model if model is not None else table.c.model != MARKET)
    if horizon is not None:
        statement = statement.where(table.c.horizon == horizon)
    return rows_of(connection, statement)
