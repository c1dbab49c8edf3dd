"""What the tables say about the work of the pipeline: a few numbers, for metrics."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Engine, func, select

from f1_pipeline.storage.reads import COMPLETED
from f1_pipeline.storage.schema import (
    data_loads,
    model_accuracy,
    predictions,
    race_results,
    races,
    source_polls,
)


@dataclass(frozen=True)
class Forecasts:
    """Of one model at one horizon: races it forecast, and when it did so last."""

    races: int
    made_at: datetime


@dataclass(frozen=True)
class Score:
    """Of one model at one horizon: the score of the newest race that has one (nats, and the same scored by chance)."""

    race_key: str
    log_loss: float
    scored_at: datetime


@dataclass(frozen=True)
class Observed:
    """Moments are UTC, None where the thing never happened. Forecasts and scores by horizon."""

    updated_at: datetime | None
    loaded_at: datetime | None
    newest_result: date | None
    answered_at: dict[str, datetime]
    forecasts: dict[str, Forecasts]
    scores: dict[str, Score]


def observe(engine: Engine, model: str) -> Observed:
    """Read it all at one state of the tables; ``model`` is the one whose forecasts are shown.

    60 ms with all of history, most of it for the forecasts: their table has a row for each of 130,000 drivers of a race.
    """
    loads, made, scored = data_loads.c, predictions.c, model_accuracy.c
    with engine.connect() as connection:
        updated_at = connection.scalar(select(func.max(loads.loaded_at)).where(loads.table_name == COMPLETED))
        loaded_at = connection.scalar(select(func.max(loads.loaded_at)).where(loads.table_name != COMPLETED))
        newest = connection.scalar(
            select(races.c.date)
            .where(races.c.race_key.in_(select(race_results.c.race_key)))
            .order_by(races.c.date.desc())
            .limit(1)
        )
        answers = connection.execute(
            select(source_polls.c.source, func.max(source_polls.c.answered_at)).group_by(
                source_polls.c.source
            )
        )
        answered_at = {str(source): moment for source, moment in answers if moment is not None}
        counts = connection.execute(
            select(made.horizon, func.count(made.race_key.distinct()), func.max(made.created_at))
            .where(made.model == model)
            .group_by(made.horizon)
        )
        forecasts = {str(horizon): Forecasts(int(number), moment) for horizon, number, moment in counts}
        scores: dict[str, Score] = {}
        rows = connection.execute(
            select(scored.horizon, scored.race_key, scored.log_loss, scored.scored_at)
            .join(races, races.c.race_key == scored.race_key)
            .where(scored.model == model)
            .order_by(races.c.date)
        )
        for horizon, *score in rows:
            scores[str(horizon)] = Score(*score)
    return Observed(updated_at, loaded_at, newest, answered_at, forecasts, scores)
