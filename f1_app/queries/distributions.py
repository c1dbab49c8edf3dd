"""Views of the pool's finishing orders: places, pairs, and what moved the forecast.

They are stored for the pool only, so none of these asks for a model.
"""

from __future__ import annotations

import pandas as pd
from sqlalchemy import Connection, select

from f1_app.queries.shared import frame_of
from f1_pipeline.domain.vocabulary import POOL
from f1_pipeline.storage.schema import head_to_head, position_probabilities, prediction_reasons


def places(connection: Connection, race_key: str, horizon: str) -> pd.DataFrame:
    """Probability of every driver in every place (``driver_id, position, probability``)."""
    return frame_of(
        connection,
        select(
            position_probabilities.c.driver_id,
            position_probabilities.c.position,
            position_probabilities.c.probability,
        )
        .where(
            position_probabilities.c.race_key == race_key,
            position_probabilities.c.horizon == horizon,
            position_probabilities.c.model == POOL,
        )
        .order_by(position_probabilities.c.driver_id, position_probabilities.c.position),
    )


def pairs(connection: Connection, race_key: str, horizon: str) -> pd.DataFrame:
    """Probability that a driver is ahead of a rival, every pair once (``driver_id, rival_id, probability``)."""
    return frame_of(
        connection,
        select(head_to_head.c.driver_id, head_to_head.c.rival_id, head_to_head.c.probability)
        .where(
            head_to_head.c.race_key == race_key,
            head_to_head.c.horizon == horizon,
            head_to_head.c.model == POOL,
        )
        .order_by(head_to_head.c.driver_id, head_to_head.c.rival_id),
    )


def reasons(connection: Connection, race_key: str, horizon: str) -> pd.DataFrame:
    """Contributions to the logarithm of every driver's win probability (``driver_id, feature_group, contribution``)."""
    return frame_of(
        connection,
        select(
            prediction_reasons.c.driver_id,
            prediction_reasons.c.feature_group,
            prediction_reasons.c.contribution,
        )
        .where(
            prediction_reasons.c.race_key == race_key,
            prediction_reasons.c.horizon == horizon,
            prediction_reasons.c.model == POOL,
        )
        .order_by(prediction_reasons.c.driver_id, prediction_reasons.c.feature_group),
    )
