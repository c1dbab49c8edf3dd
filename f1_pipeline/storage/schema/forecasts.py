"""Tables of ratings, features, model versions, forecasts of races and their scores."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    UniqueConstraint,
)

from f1_pipeline.storage.schema.base import UtcDateTime, identifier, metadata, race_key

elo_ratings = Table(
    "elo_ratings",
    metadata,
    race_key(),
    Column("kind", String(12), primary_key=True),  # 'driver' or 'constructor'
    identifier("entity_id", primary_key=True),
    Column("value_before", Float, nullable=False),
    # Equal to value_before for who entered and was not classified; null while there is no result.
    Column("value_after", Float),
    Index("ix_elo_ratings_kind_entity_id", "kind", "entity_id"),
)

joint_ratings = Table(
    "joint_ratings",
    metadata,
    race_key(),
    Column("horizon", String(12), primary_key=True),
    identifier("driver_id", primary_key=True),
    identifier("constructor_id", nullable=False),
    # Pace in per cent of a lap, higher is faster; zero is the mean of the teams at the last winter.
    Column("team_mean", Float, nullable=False),
    Column("team_sd", Float, nullable=False),
    Column("driver_mean", Float, nullable=False),
    Column("driver_sd", Float, nullable=False),
    Column("mean", Float, nullable=False),
    Column("sd", Float, nullable=False),
    # Of the sum against the mean of the field, without the level that all have in common.
    Column("own_sd", Float),
    Index("ix_joint_ratings_driver_id", "driver_id"),
)

feature_matrix = Table(
    "feature_matrix",
    metadata,
    race_key(),
    Column("horizon", String(12), primary_key=True),  # 'pre_weekend' or 'pre_race'
    identifier("driver_id", primary_key=True),
    identifier("constructor_id", nullable=False),
    Column("cutoff", UtcDateTime, nullable=False),
    *(
        Column(name, Float)
        for name in (
            # driver
            "recent_avg_finish",
            "recent_points",
            "current_elo",
            "wins_this_season",
            "podiums_this_season",
            "avg_grid_position",
            "dnf_rate",
            # constructor
            "constructor_elo",
            "joint_rating",
            "joint_rating_sd",
            "joint_rating_own_sd",
            "team_rating",
            "driver_rating",
            # logarithms: odds of the field, ratios of team, driver and circuit to it
            "retirement_field",
            "retirement_team",
            "retirement_driver",
            "retirement_circuit",
            "constructor_wins_this_season",
            "avg_points_per_race",
            "reliability_score",
            # standing in the championship before the race; what the frequency baseline reads
            "championship_position",
            # circuit
            "driver_wins_at_circuit",
            "driver_avg_finish_at_circuit",
            "track_length_km",
            "turn_count",
            "elevation_m",
            # weather: of the newest forecast before the cutoff, never what was observed
            "temperature_c",
            "precipitation_mm",
            "wind_kmh",
            "is_wet",
            # pre_race only
            "grid_position",
            "starts_from_pit_lane",
            "qualifying_position",
            "gap_to_pole_pct",
        )
    ),
)

models = Table(
    "models",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("name", String(32), nullable=False),
    Column("horizon", String(12), nullable=False),
    Column("version", Integer, nullable=False),
    Column("type", String(64), nullable=False),
    # The race the version was trained for; it is in force from there until the next version.
    Column("race_key", String(64), ForeignKey("races.race_key"), nullable=False),
    Column("trained_at", UtcDateTime, nullable=False),
    Column("data_cutoff", UtcDateTime, nullable=False),
    # The last race whose result the model has seen.
    Column("trained_through", String(64), nullable=False),
    Column("training_hash", String(64), nullable=False),
    Column("training_rows", Integer, nullable=False),
    Column("hyperparameters", JSON, nullable=False),
    # Version of the model's code; another one makes another model of the same rows and hyper-parameters.
    Column("recipe", Integer, nullable=False, default=1),
    # 'champion': in force for its race. 'challenger': was compared and stayed out; nothing forecasts with it.
    Column("role", String(12), nullable=False, default="champion"),
    Column("metrics", JSON, nullable=False),
    Column("mlflow_run_id", String(64)),
    Column("mlflow_name", String(128)),
    Column("mlflow_version", String(16)),
    UniqueConstraint("name", "horizon", "version"),
    Index("ix_models_name_horizon_race_key", "name", "horizon", "race_key"),
)

predictions = Table(
    "predictions",
    metadata,
    race_key(),
    Column("horizon", String(12), primary_key=True),
    Column("model", String(32), primary_key=True),
    identifier("driver_id", primary_key=True),
    identifier("constructor_id", nullable=False),
    Column("model_version", Integer, nullable=False),
    Column("win_probability", Float, nullable=False),
    # 95 % interval of the win probability; null where the model states none.
    Column("interval_low", Float),
    Column("interval_high", Float),
    Column("podium_probability", Float, nullable=False),
    Column("points_probability", Float, nullable=False),
    Column("expected_position", Float, nullable=False),
    # Null in forecasts made before there was a retirement model.
    Column("retirement_probability", Float),
    Column("top6_probability", Float),
    Column("expected_points", Float),
    Column("draws", Integer),
    # How the orders were drawn (`forecasting.orders.DRAWINGS`); null in forecasts from before there was more than one way.
    Column("drawing", Integer),
    # Log strength for the places behind the winner (from which on, `drawing` says); null where a model has none of its own.
    Column("place_strength", Float),
    # The race whose versions should have made it: MLflow did not answer, and the last champions stood in for them.
    Column("stood_in_for", String(64)),
    Column("cutoff", UtcDateTime, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("data_release", String(64), nullable=False),
    Column("seed", Integer, nullable=False),
    Index("ix_predictions_driver_id", "driver_id"),
)

position_probabilities = Table(
    "position_probabilities",
    metadata,
    race_key(),
    Column("horizon", String(12), primary_key=True),
    Column("model", String(32), primary_key=True),
    identifier("driver_id", primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("probability", Float, nullable=False),
)

head_to_head = Table(
    "head_to_head",
    metadata,
    race_key(),
    Column("horizon", String(12), primary_key=True),
    Column("model", String(32), primary_key=True),
    # Each pair once, the driver whose id comes first in the alphabet first.
    identifier("driver_id", primary_key=True),
    identifier("rival_id", primary_key=True),
    Column("probability", Float, nullable=False),  # of the driver ahead of the rival
)

constructor_predictions = Table(
    "constructor_predictions",
    metadata,
    race_key(),
    Column("horizon", String(12), primary_key=True),
    Column("model", String(32), primary_key=True),
    identifier("constructor_id", primary_key=True),
    Column("win_probability", Float, nullable=False),
    Column("expected_points", Float, nullable=False),
    # Of scoring more points in the race than any other team; shared where teams are level.
    Column("most_points_probability", Float, nullable=False),
)

prediction_reasons = Table(
    "prediction_reasons",
    metadata,
    race_key(),
    Column("horizon", String(12), primary_key=True),
    Column("model", String(32), primary_key=True),
    identifier("driver_id", primary_key=True),
    Column("feature_group", String(32), primary_key=True),
    # The groups of a driver sum to the logarithm of his win probability, less its mean over the race.
    Column("contribution", Float, nullable=False),
)

sprint_predictions = Table(
    "sprint_predictions",
    metadata,
    race_key(),
    Column("horizon", String(12), primary_key=True),  # 'pre_weekend' or 'pre_sprint'
    Column("model", String(32), primary_key=True),
    identifier("driver_id", primary_key=True),
    identifier("constructor_id", nullable=False),
    Column("win_probability", Float, nullable=False),
    Column("podium_probability", Float, nullable=False),
    Column("points_probability", Float, nullable=False),
    Column("expected_position", Float, nullable=False),
    Column("retirement_probability", Float, nullable=False),
    Column("expected_points", Float, nullable=False),
    Column("cutoff", UtcDateTime, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("data_release", String(64), nullable=False),
    Column("seed", Integer, nullable=False),
    Index("ix_sprint_predictions_driver_id", "driver_id"),
)
