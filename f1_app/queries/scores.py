"""How good forecasts were: of one race, of all, on average, against each other, and as reliability.

Means, differences and reliability are read as the pipeline computed them (``f1 evaluate`` prints the same figures).
The tables of scores have one row a race and model: a few thousand rows, none of them wide.
"""

from __future__ import annotations

import pandas as pd
from sqlalchemy import Connection, and_, func, select

from f1_app.queries.shared import frame_of
from f1_pipeline.domain.vocabulary import MARKET
from f1_pipeline.storage.schema import (
    accuracy_summaries,
    drivers,
    model_accuracy,
    paired_differences,
    predictions,
    races,
    reliability,
    sprint_accuracy,
)

SCORE_COLUMNS = (
    "log_loss",
    "brier",
    "rps",
    "podium_log_loss",
    "retirement_log_loss",
    "top3_accuracy",
    "spearman",
    "rank_error",
    "winner_correct",
    "winner_probability",
)

SPRINT_SCORE_COLUMNS = (
    "log_loss",
    "brier",
    "podium_log_loss",
    "top3_accuracy",
    "spearman",
    "rank_error",
    "winner_correct",
    "winner_probability",
)


def _numbers(frame: pd.DataFrame, names: tuple[str, ...]) -> pd.DataFrame:
    # An all-empty column arrives as objects, and truth as 0 and 1 or as booleans, by the database.
    return frame.astype(dict.fromkeys(names, "float64"))


def race_scores(connection: Connection, race_key: str, horizon: str) -> pd.DataFrame:
    """Scores of every model for one race at one horizon, best log loss first."""
    return frame_of(
        connection,
        select(
            model_accuracy.c.model,
            *(model_accuracy.c[name] for name in SCORE_COLUMNS),
        )
        .where(
            model_accuracy.c.race_key == race_key,
            model_accuracy.c.horizon == horizon,
            model_accuracy.c.model != MARKET,
        )
        .order_by(model_accuracy.c.log_loss, model_accuracy.c.model),
    )


def scored_horizons(connection: Connection) -> list[str]:
    """Horizons that have at least one scored race."""
    return list(connection.scalars(select(model_accuracy.c.horizon).distinct()))


def accuracy(connection: Connection, horizon: str) -> pd.DataFrame:
    """Scores of every race and model at one horizon, in the order in which the races were run.

    Without the market: it has other races than the models, and its mean beside theirs would compare the races.
    """
    frame = frame_of(
        connection,
        select(
            races.c.season,
            races.c.date,
            races.c.race_key,
            races.c.name,
            model_accuracy.c.model,
            *(model_accuracy.c[name] for name in SCORE_COLUMNS),
        )
        .select_from(model_accuracy.join(races, model_accuracy.c.race_key == races.c.race_key))
        .where(model_accuracy.c.horizon == horizon, model_accuracy.c.model != MARKET)
        .order_by(races.c.date, races.c.race_key, model_accuracy.c.model),
    )
    return _numbers(frame, SCORE_COLUMNS)


def summary_periods(connection: Connection, horizon: str) -> list[str]:
    """Periods that have stored means at a horizon: ``all``, seasons, and spans such as ``2022+``."""
    return sorted(
        connection.scalars(
            select(accuracy_summaries.c.period).where(accuracy_summaries.c.horizon == horizon).distinct()
        )
    )


def summaries(connection: Connection, horizon: str, score: str) -> pd.DataFrame:
    """Stored means of one score in every period (``period, model, races, mean, low, high``), without the market."""
    table = accuracy_summaries
    frame = frame_of(
        connection,
        select(table.c.period, table.c.model, table.c.races, table.c.mean, table.c.low, table.c.high)
        .where(table.c.horizon == horizon, table.c.score == score, table.c.model != MARKET)
        .order_by(table.c.period, table.c.model),
    )
    return _numbers(frame, ("mean", "low", "high"))


def period_summaries(connection: Connection, horizon: str, period: str) -> pd.DataFrame:
    """Stored means of all scores in one period (``model, score, races, mean, low, high``), the market's among them."""
    table = accuracy_summaries
    frame = frame_of(
        connection,
        select(table.c.model, table.c.score, table.c.races, table.c.mean, table.c.low, table.c.high)
        .where(table.c.horizon == horizon, table.c.period == period)
        .order_by(table.c.model, table.c.score),
    )
    return _numbers(frame, ("mean", "low", "high"))


def differences(connection: Connection, horizon: str, period: str) -> pd.DataFrame:
    """Log loss of each model minus that of each reference, on the races that both have (nats)."""
    table = paired_differences
    return frame_of(
        connection,
        select(table.c.model, table.c.reference, table.c.races, table.c.difference, table.c.low, table.c.high)
        .where(table.c.horizon == horizon, table.c.period == period)
        .order_by(table.c.reference, table.c.difference),
    )


def reliability_of(connection: Connection, horizon: str, period: str) -> pd.DataFrame:
    """What was forecast, in tenths of the probability, and how often it happened; of every model and outcome."""
    table = reliability
    return frame_of(
        connection,
        select(
            table.c.model,
            table.c.outcome,
            table.c.bin,
            table.c.count,
            table.c.forecast,
            table.c.observed,
            table.c.low,
            table.c.high,
        )
        .where(table.c.horizon == horizon, table.c.period == period)
        .order_by(table.c.model, table.c.outcome, table.c.bin),
    )


def worst_races(
    connection: Connection,
    horizon: str,
    model: str,
    *,
    first: int | None = None,
    last: int | None = None,
    limit: int = 15,
) -> pd.DataFrame:
    """Races whose winner had the least probability by one model, of the seasons ``first`` to ``last``."""
    score = model_accuracy
    winner, favourite = drivers.alias("winner"), drivers.alias("favourite")
    statement = (
        select(
            score.c.race_key,
            races.c.season,
            races.c.name,
            func.coalesce(winner.c.name, score.c.actual_winner).label("winner"),
            score.c.winner_probability,
            func.coalesce(favourite.c.name, score.c.predicted_winner).label("favourite"),
            predictions.c.win_probability.label("favourite_probability"),
            score.c.log_loss,
        )
        .select_from(
            score.join(races, score.c.race_key == races.c.race_key)
            .outerjoin(winner, winner.c.driver_id == score.c.actual_winner)
            .outerjoin(favourite, favourite.c.driver_id == score.c.predicted_winner)
            .outerjoin(
                predictions,
                and_(
                    predictions.c.race_key == score.c.race_key,
                    predictions.c.horizon == score.c.horizon,
                    predictions.c.model == score.c.model,
                    predictions.c.driver_id == score.c.predicted_winner,
                ),
            )
        )
        .where(score.c.horizon == horizon, score.c.model == model)
        .order_by(score.c.winner_probability, races.c.date.desc(), races.c.race_key)
        .limit(limit)
    )
    if first is not None:
        statement = statement.where(races.c.season >= first)
    if last is not None:
        statement = statement.where(races.c.season <= last)
    return _numbers(frame_of(connection, statement), ("favourite_probability",))


def market_accuracy(connection: Connection, horizon: str) -> pd.DataFrame:
    """Scores of the market and of every model on exactly the races that the market has prices for."""
    priced = select(model_accuracy.c.race_key).where(
        model_accuracy.c.horizon == horizon, model_accuracy.c.model == MARKET
    )
    frame = frame_of(
        connection,
        select(
            races.c.season,
            model_accuracy.c.race_key,
            model_accuracy.c.model,
            *(model_accuracy.c[name] for name in SCORE_COLUMNS),
        )
        .select_from(model_accuracy.join(races, model_accuracy.c.race_key == races.c.race_key))
        .where(model_accuracy.c.horizon == horizon, model_accuracy.c.race_key.in_(priced))
        .order_by(races.c.date, model_accuracy.c.model),
    )
    return _numbers(frame, SCORE_COLUMNS)


def sprint_scores(connection: Connection) -> pd.DataFrame:
    """Scores of every sprint, horizon and model, in the order in which the sprints were run."""
    frame = frame_of(
        connection,
        select(
            races.c.season,
            races.c.date,
            sprint_accuracy.c.race_key,
            sprint_accuracy.c.horizon,
            sprint_accuracy.c.model,
            *(sprint_accuracy.c[name] for name in SPRINT_SCORE_COLUMNS),
        )
        .select_from(sprint_accuracy.join(races, sprint_accuracy.c.race_key == races.c.race_key))
        .order_by(races.c.date, sprint_accuracy.c.model),
    )
    return _numbers(frame, SPRINT_SCORE_COLUMNS)
