"""How good forecasts were: of one race, and of all."""

from __future__ import annotations

import pandas as pd
from sqlalchemy import Connection, select

from f1_app.queries.shared import frame_of
from f1_pipeline.domain.vocabulary import MARKET
from f1_pipeline.storage.schema import model_accuracy, races

SCORE_COLUMNS = (
    "log_loss",
    "brier",
    "podium_log_loss",
    "top3_accuracy",
    "spearman",
    "rank_error",
    "winner_correct",
    "winner_probability",
)


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
    return frame.astype(dict.fromkeys(SCORE_COLUMNS, "float64"))
