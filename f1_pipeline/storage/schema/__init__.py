"""The product's tables (SQLAlchemy Core). Alembic migrations create them; nothing else does.

Conventions: a race is named by its race key (``2026-bahrain``), because F1DB's race ids and rounds
move when the calendar changes (2026: Bahrain was taken out and put back elsewhere, seven races
moved). Times are UTC. Durations are milliseconds. Probabilities are in [0, 1].
"""

from __future__ import annotations

from f1_pipeline.storage.schema.base import UtcDateTime, metadata
from f1_pipeline.storage.schema.championship import (
    championship_forecasts,
    championship_positions,
    championship_scenarios,
)
from f1_pipeline.storage.schema.forecasts import (
    constructor_predictions,
    elo_ratings,
    feature_matrix,
    head_to_head,
    joint_ratings,
    models,
    position_probabilities,
    prediction_reasons,
    predictions,
    sprint_predictions,
)
from f1_pipeline.storage.schema.heartbeats import heartbeats
from f1_pipeline.storage.schema.live import REVISED_TABLES, feature_marks, live_sessions, revisions
from f1_pipeline.storage.schema.polls import source_polls
from f1_pipeline.storage.schema.scores import (
    accuracy_summaries,
    market_odds,
    model_accuracy,
    model_decisions,
    paired_differences,
    reliability,
    sprint_accuracy,
)
from f1_pipeline.storage.schema.source import (
    RACE_TABLES,
    REFERENCE_TABLES,
    circuits,
    constructor_standings,
    constructors,
    data_loads,
    driver_standings,
    drivers,
    entries,
    pit_stops,
    practice_results,
    qualifying_results,
    race_results,
    races,
    seasons,
    sprint_results,
    starting_grid,
)
from f1_pipeline.storage.schema.weather import weather_forecasts, weather_observed

__all__ = [
    "RACE_TABLES",
    "REFERENCE_TABLES",
    "REVISED_TABLES",
    "UtcDateTime",
    "accuracy_summaries",
    "championship_forecasts",
    "championship_positions",
    "championship_scenarios",
    "circuits",
    "constructor_predictions",
    "constructor_standings",
    "constructors",
    "data_loads",
    "driver_standings",
    "drivers",
    "elo_ratings",
    "entries",
    "feature_marks",
    "feature_matrix",
    "head_to_head",
    "heartbeats",
    "joint_ratings",
    "live_sessions",
    "market_odds",
    "metadata",
    "model_accuracy",
    "model_decisions",
    "models",
    "paired_differences",
    "pit_stops",
    "position_probabilities",
    "practice_results",
    "prediction_reasons",
    "predictions",
    "qualifying_results",
    "race_results",
    "races",
    "reliability",
    "revisions",
    "seasons",
    "source_polls",
    "sprint_accuracy",
    "sprint_predictions",
    "sprint_results",
    "starting_grid",
    "weather_forecasts",
    "weather_observed",
]
