"""Tables that say how good the forecasts were, which model is used, and what the market said."""

from __future__ import annotations

from sqlalchemy import JSON, Boolean, Column, Float, Index, Integer, String, Table, Text

from f1_pipeline.storage.schema.base import UtcDateTime, identifier, metadata, race_key

model_accuracy = Table(
    "model_accuracy",
    metadata,
    race_key(),
    Column("horizon", String(12), primary_key=True),
    Column("model", String(32), primary_key=True),
    Column("model_version", Integer, nullable=False),
    Column("starters", Integer, nullable=False),
    Column("log_loss", Float, nullable=False),  # -ln p(winner), nats, p over the starters
    Column("brier", Float, nullable=False),  # multi-class: sum over starters of (p - won)^2
    Column("binary_brier", Float),  # mean over starters of (p - won)^2
    Column("rps", Float),  # ranked probability score of the finishing positions, mean over starters
    Column("podium_log_loss", Float, nullable=False),
    Column("retirement_log_loss", Float),  # mean over starters; null where none was forecast
    Column("top3_accuracy", Float, nullable=False),  # share of the podium that was named
    Column("spearman", Float),
    Column("rank_error", Float, nullable=False),  # mean |predicted rank - finishing rank|
    Column("winner_correct", Boolean, nullable=False),
    Column("winner_probability", Float, nullable=False),
    identifier("predicted_winner", nullable=False),
    identifier("actual_winner", nullable=False),
    Column("result_hash", String(64), nullable=False),
    Column("scored_at", UtcDateTime, nullable=False),
)

sprint_accuracy = Table(
    "sprint_accuracy",
    metadata,
    race_key(),
    Column("horizon", String(12), primary_key=True),
    Column("model", String(32), primary_key=True),
    Column("starters", Integer, nullable=False),
    Column("log_loss", Float, nullable=False),
    Column("brier", Float, nullable=False),
    Column("podium_log_loss", Float, nullable=False),
    Column("top3_accuracy", Float, nullable=False),
    Column("spearman", Float),
    Column("rank_error", Float, nullable=False),
    Column("winner_correct", Boolean, nullable=False),
    Column("winner_probability", Float, nullable=False),
    identifier("predicted_winner", nullable=False),
    identifier("actual_winner", nullable=False),
    Column("result_hash", String(64), nullable=False),
    Column("scored_at", UtcDateTime, nullable=False),
)

accuracy_summaries = Table(
    "accuracy_summaries",
    metadata,
    # Seasons: 'all', '2014+', '2022+' or a season.
    Column("period", String(12), primary_key=True),
    Column("horizon", String(12), primary_key=True),
    Column("model", String(32), primary_key=True),
    Column("score", String(32), primary_key=True),  # 'log_loss', 'brier', 'calibration_error', ...
    Column("races", Integer, nullable=False),
    Column("mean", Float),
    # 95 % interval from resampling races.
    Column("low", Float),
    Column("high", Float),
    Column("computed_at", UtcDateTime, nullable=False),
)

paired_differences = Table(
    "paired_differences",
    metadata,
    Column("period", String(12), primary_key=True),
    Column("horizon", String(12), primary_key=True),
    Column("model", String(32), primary_key=True),
    Column("reference", String(32), primary_key=True),  # the baseline it is compared with
    Column("races", Integer, nullable=False),
    Column("difference", Float, nullable=False),  # mean log loss of the model minus that of the reference
    Column("low", Float, nullable=False),
    Column("high", Float, nullable=False),
    Column("computed_at", UtcDateTime, nullable=False),
)

reliability = Table(
    "reliability",
    metadata,
    Column("period", String(12), primary_key=True),
    Column("horizon", String(12), primary_key=True),
    Column("model", String(32), primary_key=True),
    Column("outcome", String(16), primary_key=True),  # 'win', 'podium', 'points' or 'retirement'
    Column("bin", Integer, primary_key=True),
    Column("count", Integer, nullable=False),
    Column("forecast", Float, nullable=False),  # mean probability in the bin
    Column("observed", Float, nullable=False),  # share that came true
    Column("low", Float, nullable=False),  # 95 % interval of the share (Wilson)
    Column("high", Float, nullable=False),
    Column("computed_at", UtcDateTime, nullable=False),
)

model_decisions = Table(
    "model_decisions",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("name", String(32), nullable=False),
    Column("horizon", String(12), nullable=False),
    # Version of the model that the decision is about, and that of the champion it was compared with.
    Column("challenger_version", Integer),
    Column("champion_version", Integer),
    Column("hyperparameters", JSON, nullable=False),
    Column("recipe", Integer, nullable=False),
    Column("promoted", Boolean, nullable=False),
    # The newest race whose result the decision knew: a promoted recipe is used for later races only.
    Column("known_through", String(64)),
    Column("races", Integer, nullable=False),
    # Mean log loss of the challenger minus that of the champion on the same races, and its 95 % interval.
    Column("difference", Float),
    Column("low", Float),
    Column("high", Float),
    Column("reason", Text, nullable=False),
    Column("decided_at", UtcDateTime, nullable=False),
    Index("ix_model_decisions_name_horizon", "name", "horizon"),
)

market_odds = Table(
    "market_odds",
    metadata,
    race_key(),
    identifier("driver_id", primary_key=True),
    Column("source", String(64), primary_key=True),
    Column("taken_at", UtcDateTime, primary_key=True),
    Column("decimal_odds", Float, nullable=False),
    Column("imported_at", UtcDateTime, nullable=False),
)
