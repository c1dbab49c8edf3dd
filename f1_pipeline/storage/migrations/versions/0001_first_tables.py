"""The first tables: sources, ratings, features, models, predictions, accuracy, loads."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "circuits",
        sa.Column("circuit_id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("full_name", sa.String(length=256), nullable=True),
        sa.Column("place", sa.String(length=128), nullable=True),
        sa.Column("country_id", sa.String(length=64), nullable=True),
        sa.Column("latitude", sa.Float(), nullable=True),
        sa.Column("longitude", sa.Float(), nullable=True),
        sa.Column("time_zone", sa.String(length=64), nullable=True),
        sa.Column("length_km", sa.Float(), nullable=True),
        sa.Column("turns", sa.Integer(), nullable=True),
        sa.Column("elevation_m", sa.Float(), nullable=True),
        sa.Column("type", sa.String(length=16), nullable=True),
        sa.Column("direction", sa.String(length=24), nullable=True),
        sa.PrimaryKeyConstraint("circuit_id", name=op.f("pk_circuits")),
    )
    op.create_table(
        "constructors",
        sa.Column("constructor_id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("full_name", sa.String(length=256), nullable=True),
        sa.Column("country_id", sa.String(length=64), nullable=True),
        sa.PrimaryKeyConstraint("constructor_id", name=op.f("pk_constructors")),
    )
    op.create_table(
        "data_loads",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("table_name", sa.String(length=64), nullable=False),
        sa.Column("race_key", sa.String(length=64), nullable=True),
        sa.Column("source", sa.String(length=16), nullable=False),
        sa.Column("release", sa.String(length=64), nullable=False),
        sa.Column("content_hash", sa.String(length=64), nullable=False),
        sa.Column("row_count", sa.Integer(), nullable=False),
        sa.Column("loaded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("message", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_data_loads")),
    )
    with op.batch_alter_table("data_loads", schema=None) as batch_op:
        batch_op.create_index(
            "ix_data_loads_table_name_race_key_id", ["table_name", "race_key", "id"], unique=False
        )

    op.create_table(
        "drivers",
        sa.Column("driver_id", sa.String(length=64), nullable=False),
        sa.Column("code", sa.String(length=3), nullable=True),
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("first_name", sa.String(length=64), nullable=True),
        sa.Column("last_name", sa.String(length=64), nullable=True),
        sa.Column("number", sa.String(length=4), nullable=True),
        sa.Column("date_of_birth", sa.Date(), nullable=True),
        sa.Column("country_id", sa.String(length=64), nullable=True),
        sa.PrimaryKeyConstraint("driver_id", name=op.f("pk_drivers")),
    )
    op.create_table(
        "seasons",
        sa.Column("season", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("season", name=op.f("pk_seasons")),
    )
    op.create_table(
        "races",
        sa.Column("race_key", sa.String(length=64), nullable=False),
        sa.Column("season", sa.Integer(), nullable=False),
        sa.Column("round", sa.Integer(), nullable=True),
        sa.Column("grand_prix_id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("official_name", sa.String(length=256), nullable=True),
        sa.Column("circuit_id", sa.String(length=64), nullable=True),
        sa.Column("date", sa.Date(), nullable=False),
        sa.Column("start_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("first_practice_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("qualifying_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sprint_qualifying_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sprint_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("laps", sa.Integer(), nullable=True),
        sa.Column("course_length_km", sa.Float(), nullable=True),
        sa.Column("turns", sa.Integer(), nullable=True),
        sa.Column("qualifying_format", sa.String(length=24), nullable=True),
        sa.Column("is_sprint_weekend", sa.Boolean(), nullable=False),
        sa.Column("is_cancelled", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["season"], ["seasons.season"], name=op.f("fk_races_season")),
        sa.PrimaryKeyConstraint("race_key", name=op.f("pk_races")),
        sa.UniqueConstraint("season", "grand_prix_id", name=op.f("uq_races_season_grand_prix_id")),
    )
    with op.batch_alter_table("races", schema=None) as batch_op:
        batch_op.create_index("ix_races_date", ["date"], unique=False)

    op.create_table(
        "constructor_standings",
        sa.Column("race_key", sa.String(length=64), nullable=False),
        sa.Column("display_order", sa.Integer(), nullable=False),
        sa.Column("constructor_id", sa.String(length=64), nullable=False),
        sa.Column("engine_id", sa.String(length=64), nullable=True),
        sa.Column("position", sa.Integer(), nullable=True),
        sa.Column("position_text", sa.String(length=8), nullable=False),
        sa.Column("points", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(
            ["race_key"], ["races.race_key"], name=op.f("fk_constructor_standings_race_key")
        ),
        sa.PrimaryKeyConstraint("race_key", "display_order", name=op.f("pk_constructor_standings")),
    )
    with op.batch_alter_table("constructor_standings", schema=None) as batch_op:
        batch_op.create_index("ix_constructor_standings_constructor_id", ["constructor_id"], unique=False)

    op.create_table(
        "driver_standings",
        sa.Column("race_key", sa.String(length=64), nullable=False),
        sa.Column("display_order", sa.Integer(), nullable=False),
        sa.Column("driver_id", sa.String(length=64), nullable=False),
        sa.Column("position", sa.Integer(), nullable=True),
        sa.Column("position_text", sa.String(length=8), nullable=False),
        sa.Column("points", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(["race_key"], ["races.race_key"], name=op.f("fk_driver_standings_race_key")),
        sa.PrimaryKeyConstraint("race_key", "display_order", name=op.f("pk_driver_standings")),
    )
    with op.batch_alter_table("driver_standings", schema=None) as batch_op:
        batch_op.create_index("ix_driver_standings_driver_id", ["driver_id"], unique=False)

    op.create_table(
        "elo_ratings",
        sa.Column("race_key", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("entity_id", sa.String(length=64), nullable=False),
        sa.Column("value_before", sa.Float(), nullable=False),
        sa.Column("value_after", sa.Float(), nullable=True),
        sa.ForeignKeyConstraint(["race_key"], ["races.race_key"], name=op.f("fk_elo_ratings_race_key")),
        sa.PrimaryKeyConstraint("race_key", "kind", "entity_id", name=op.f("pk_elo_ratings")),
    )
    with op.batch_alter_table("elo_ratings", schema=None) as batch_op:
        batch_op.create_index("ix_elo_ratings_kind_entity_id", ["kind", "entity_id"], unique=False)

    op.create_table(
        "entries",
        sa.Column("race_key", sa.String(length=64), nullable=False),
        sa.Column("driver_id", sa.String(length=64), nullable=False),
        sa.Column("constructor_id", sa.String(length=64), nullable=False),
        sa.Column("car_number", sa.String(length=8), nullable=True),
        sa.Column("engine_id", sa.String(length=64), nullable=True),
        sa.Column("status", sa.String(length=12), nullable=False),
        sa.ForeignKeyConstraint(["race_key"], ["races.race_key"], name=op.f("fk_entries_race_key")),
        sa.PrimaryKeyConstraint("race_key", "driver_id", name=op.f("pk_entries")),
    )
    with op.batch_alter_table("entries", schema=None) as batch_op:
        batch_op.create_index("ix_entries_constructor_id", ["constructor_id"], unique=False)
        batch_op.create_index("ix_entries_driver_id", ["driver_id"], unique=False)

    op.create_table(
        "feature_matrix",
        sa.Column("race_key", sa.String(length=64), nullable=False),
        sa.Column("horizon", sa.String(length=12), nullable=False),
        sa.Column("driver_id", sa.String(length=64), nullable=False),
        sa.Column("constructor_id", sa.String(length=64), nullable=False),
        sa.Column("cutoff", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recent_avg_finish", sa.Float(), nullable=True),
        sa.Column("recent_points", sa.Float(), nullable=True),
        sa.Column("current_elo", sa.Float(), nullable=True),
        sa.Column("wins_this_season", sa.Float(), nullable=True),
        sa.Column("podiums_this_season", sa.Float(), nullable=True),
        sa.Column("avg_grid_position", sa.Float(), nullable=True),
        sa.Column("dnf_rate", sa.Float(), nullable=True),
        sa.Column("constructor_elo", sa.Float(), nullable=True),
        sa.Column("constructor_wins_this_season", sa.Float(), nullable=True),
        sa.Column("avg_points_per_race", sa.Float(), nullable=True),
        sa.Column("reliability_score", sa.Float(), nullable=True),
        sa.Column("championship_position", sa.Float(), nullable=True),
        sa.Column("driver_wins_at_circuit", sa.Float(), nullable=True),
        sa.Column("driver_avg_finish_at_circuit", sa.Float(), nullable=True),
        sa.Column("track_length_km", sa.Float(), nullable=True),
        sa.Column("turn_count", sa.Float(), nullable=True),
        sa.Column("elevation_m", sa.Float(), nullable=True),
        sa.Column("temperature_c", sa.Float(), nullable=True),
        sa.Column("precipitation_mm", sa.Float(), nullable=True),
        sa.Column("wind_kmh", sa.Float(), nullable=True),
        sa.Column("is_wet", sa.Float(), nullable=True),
        sa.Column("grid_position", sa.Float(), nullable=True),
        sa.Column("starts_from_pit_lane", sa.Float(), nullable=True),
        sa.Column("qualifying_position", sa.Float(), nullable=True),
        sa.Column("gap_to_pole_pct", sa.Float(), nullable=True),
        sa.ForeignKeyConstraint(["race_key"], ["races.race_key"], name=op.f("fk_feature_matrix_race_key")),
        sa.PrimaryKeyConstraint("race_key", "horizon", "driver_id", name=op.f("pk_feature_matrix")),
    )
    op.create_table(
        "model_accuracy",
        sa.Column("race_key", sa.String(length=64), nullable=False),
        sa.Column("horizon", sa.String(length=12), nullable=False),
        sa.Column("model", sa.String(length=32), nullable=False),
        sa.Column("model_version", sa.Integer(), nullable=False),
        sa.Column("starters", sa.Integer(), nullable=False),
        sa.Column("log_loss", sa.Float(), nullable=False),
        sa.Column("brier", sa.Float(), nullable=False),
        sa.Column("podium_log_loss", sa.Float(), nullable=False),
        sa.Column("top3_accuracy", sa.Float(), nullable=False),
        sa.Column("spearman", sa.Float(), nullable=True),
        sa.Column("rank_error", sa.Float(), nullable=False),
        sa.Column("winner_correct", sa.Boolean(), nullable=False),
        sa.Column("winner_probability", sa.Float(), nullable=False),
        sa.Column("predicted_winner", sa.String(length=64), nullable=False),
        sa.Column("actual_winner", sa.String(length=64), nullable=False),
        sa.Column("result_hash", sa.String(length=64), nullable=False),
        sa.Column("scored_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["race_key"], ["races.race_key"], name=op.f("fk_model_accuracy_race_key")),
        sa.PrimaryKeyConstraint("race_key", "horizon", "model", name=op.f("pk_model_accuracy")),
    )
    op.create_table(
        "models",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("horizon", sa.String(length=12), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("type", sa.String(length=64), nullable=False),
        sa.Column("race_key", sa.String(length=64), nullable=False),
        sa.Column("trained_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("data_cutoff", sa.DateTime(timezone=True), nullable=False),
        sa.Column("trained_through", sa.String(length=64), nullable=False),
        sa.Column("training_hash", sa.String(length=64), nullable=False),
        sa.Column("training_rows", sa.Integer(), nullable=False),
        sa.Column("hyperparameters", sa.JSON(), nullable=False),
        sa.Column("metrics", sa.JSON(), nullable=False),
        sa.Column("mlflow_run_id", sa.String(length=64), nullable=True),
        sa.Column("mlflow_name", sa.String(length=128), nullable=True),
        sa.Column("mlflow_version", sa.String(length=16), nullable=True),
        sa.ForeignKeyConstraint(["race_key"], ["races.race_key"], name=op.f("fk_models_race_key")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_models")),
        sa.UniqueConstraint("name", "horizon", "version", name=op.f("uq_models_name_horizon_version")),
    )
    with op.batch_alter_table("models", schema=None) as batch_op:
        batch_op.create_index(
            "ix_models_name_horizon_race_key", ["name", "horizon", "race_key"], unique=False
        )

    op.create_table(
        "pit_stops",
        sa.Column("race_key", sa.String(length=64), nullable=False),
        sa.Column("display_order", sa.Integer(), nullable=False),
        sa.Column("driver_id", sa.String(length=64), nullable=False),
        sa.Column("constructor_id", sa.String(length=64), nullable=False),
        sa.Column("car_number", sa.String(length=8), nullable=True),
        sa.Column("stop", sa.Integer(), nullable=False),
        sa.Column("lap", sa.Integer(), nullable=True),
        sa.Column("time_ms", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["race_key"], ["races.race_key"], name=op.f("fk_pit_stops_race_key")),
        sa.PrimaryKeyConstraint("race_key", "display_order", name=op.f("pk_pit_stops")),
    )
    with op.batch_alter_table("pit_stops", schema=None) as batch_op:
        batch_op.create_index("ix_pit_stops_driver_id", ["driver_id"], unique=False)

    op.create_table(
        "practice_results",
        sa.Column("race_key", sa.String(length=64), nullable=False),
        sa.Column("session", sa.String(length=4), nullable=False),
        sa.Column("display_order", sa.Integer(), nullable=False),
        sa.Column("driver_id", sa.String(length=64), nullable=False),
        sa.Column("constructor_id", sa.String(length=64), nullable=False),
        sa.Column("car_number", sa.String(length=8), nullable=True),
        sa.Column("position", sa.Integer(), nullable=True),
        sa.Column("time_ms", sa.Integer(), nullable=True),
        sa.Column("gap_ms", sa.Integer(), nullable=True),
        sa.Column("laps", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["race_key"], ["races.race_key"], name=op.f("fk_practice_results_race_key")),
        sa.PrimaryKeyConstraint("race_key", "session", "display_order", name=op.f("pk_practice_results")),
    )
    with op.batch_alter_table("practice_results", schema=None) as batch_op:
        batch_op.create_index("ix_practice_results_driver_id", ["driver_id"], unique=False)

    op.create_table(
        "predictions",
        sa.Column("race_key", sa.String(length=64), nullable=False),
        sa.Column("horizon", sa.String(length=12), nullable=False),
        sa.Column("model", sa.String(length=32), nullable=False),
        sa.Column("driver_id", sa.String(length=64), nullable=False),
        sa.Column("constructor_id", sa.String(length=64), nullable=False),
        sa.Column("model_version", sa.Integer(), nullable=False),
        sa.Column("win_probability", sa.Float(), nullable=False),
        sa.Column("interval_low", sa.Float(), nullable=True),
        sa.Column("interval_high", sa.Float(), nullable=True),
        sa.Column("podium_probability", sa.Float(), nullable=False),
        sa.Column("points_probability", sa.Float(), nullable=False),
        sa.Column("expected_position", sa.Float(), nullable=False),
        sa.Column("cutoff", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("data_release", sa.String(length=64), nullable=False),
        sa.Column("seed", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["race_key"], ["races.race_key"], name=op.f("fk_predictions_race_key")),
        sa.PrimaryKeyConstraint("race_key", "horizon", "model", "driver_id", name=op.f("pk_predictions")),
    )
    with op.batch_alter_table("predictions", schema=None) as batch_op:
        batch_op.create_index("ix_predictions_driver_id", ["driver_id"], unique=False)

    op.create_table(
        "qualifying_results",
        sa.Column("race_key", sa.String(length=64), nullable=False),
        sa.Column("session", sa.String(length=4), nullable=False),
        sa.Column("display_order", sa.Integer(), nullable=False),
        sa.Column("driver_id", sa.String(length=64), nullable=False),
        sa.Column("constructor_id", sa.String(length=64), nullable=False),
        sa.Column("car_number", sa.String(length=8), nullable=True),
        sa.Column("position", sa.Integer(), nullable=True),
        sa.Column("position_text", sa.String(length=8), nullable=False),
        sa.Column("time_ms", sa.Integer(), nullable=True),
        sa.Column("q1_ms", sa.Integer(), nullable=True),
        sa.Column("q2_ms", sa.Integer(), nullable=True),
        sa.Column("q3_ms", sa.Integer(), nullable=True),
        sa.Column("gap_ms", sa.Integer(), nullable=True),
        sa.Column("laps", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["race_key"], ["races.race_key"], name=op.f("fk_qualifying_results_race_key")
        ),
        sa.PrimaryKeyConstraint("race_key", "session", "display_order", name=op.f("pk_qualifying_results")),
    )
    with op.batch_alter_table("qualifying_results", schema=None) as batch_op:
        batch_op.create_index("ix_qualifying_results_driver_id", ["driver_id"], unique=False)

    op.create_table(
        "race_results",
        sa.Column("race_key", sa.String(length=64), nullable=False),
        sa.Column("display_order", sa.Integer(), nullable=False),
        sa.Column("driver_id", sa.String(length=64), nullable=False),
        sa.Column("constructor_id", sa.String(length=64), nullable=False),
        sa.Column("car_number", sa.String(length=8), nullable=True),
        sa.Column("position", sa.Integer(), nullable=True),
        sa.Column("position_text", sa.String(length=8), nullable=False),
        sa.Column("shared_car", sa.Boolean(), nullable=False),
        sa.Column("laps", sa.Integer(), nullable=True),
        sa.Column("time_ms", sa.Integer(), nullable=True),
        sa.Column("gap_ms", sa.Integer(), nullable=True),
        sa.Column("gap_laps", sa.Integer(), nullable=True),
        sa.Column("penalty_ms", sa.Integer(), nullable=True),
        sa.Column("reason_retired", sa.String(length=128), nullable=True),
        sa.Column("points", sa.Float(), nullable=False),
        sa.Column("grid_position", sa.Integer(), nullable=True),
        sa.Column("grid_text", sa.String(length=8), nullable=True),
        sa.Column("fastest_lap", sa.Boolean(), nullable=True),
        sa.Column("pit_stops", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["race_key"], ["races.race_key"], name=op.f("fk_race_results_race_key")),
        sa.PrimaryKeyConstraint("race_key", "display_order", name=op.f("pk_race_results")),
    )
    with op.batch_alter_table("race_results", schema=None) as batch_op:
        batch_op.create_index("ix_race_results_constructor_id", ["constructor_id"], unique=False)
        batch_op.create_index("ix_race_results_driver_id", ["driver_id"], unique=False)

    op.create_table(
        "sprint_results",
        sa.Column("race_key", sa.String(length=64), nullable=False),
        sa.Column("display_order", sa.Integer(), nullable=False),
        sa.Column("driver_id", sa.String(length=64), nullable=False),
        sa.Column("constructor_id", sa.String(length=64), nullable=False),
        sa.Column("car_number", sa.String(length=8), nullable=True),
        sa.Column("position", sa.Integer(), nullable=True),
        sa.Column("position_text", sa.String(length=8), nullable=False),
        sa.Column("shared_car", sa.Boolean(), nullable=False),
        sa.Column("laps", sa.Integer(), nullable=True),
        sa.Column("time_ms", sa.Integer(), nullable=True),
        sa.Column("gap_ms", sa.Integer(), nullable=True),
        sa.Column("gap_laps", sa.Integer(), nullable=True),
        sa.Column("penalty_ms", sa.Integer(), nullable=True),
        sa.Column("reason_retired", sa.String(length=128), nullable=True),
        sa.Column("points", sa.Float(), nullable=False),
        sa.Column("grid_position", sa.Integer(), nullable=True),
        sa.Column("grid_text", sa.String(length=8), nullable=True),
        sa.Column("fastest_lap", sa.Boolean(), nullable=True),
        sa.Column("pit_stops", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["race_key"], ["races.race_key"], name=op.f("fk_sprint_results_race_key")),
        sa.PrimaryKeyConstraint("race_key", "display_order", name=op.f("pk_sprint_results")),
    )
    with op.batch_alter_table("sprint_results", schema=None) as batch_op:
        batch_op.create_index("ix_sprint_results_driver_id", ["driver_id"], unique=False)

    op.create_table(
        "starting_grid",
        sa.Column("race_key", sa.String(length=64), nullable=False),
        sa.Column("session", sa.String(length=4), nullable=False),
        sa.Column("display_order", sa.Integer(), nullable=False),
        sa.Column("driver_id", sa.String(length=64), nullable=False),
        sa.Column("constructor_id", sa.String(length=64), nullable=False),
        sa.Column("car_number", sa.String(length=8), nullable=True),
        sa.Column("position", sa.Integer(), nullable=True),
        sa.Column("position_text", sa.String(length=8), nullable=False),
        sa.Column("qualifying_position", sa.Integer(), nullable=True),
        sa.Column("penalty", sa.String(length=64), nullable=True),
        sa.Column("time_ms", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["race_key"], ["races.race_key"], name=op.f("fk_starting_grid_race_key")),
        sa.PrimaryKeyConstraint("race_key", "session", "display_order", name=op.f("pk_starting_grid")),
    )
    with op.batch_alter_table("starting_grid", schema=None) as batch_op:
        batch_op.create_index("ix_starting_grid_driver_id", ["driver_id"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("starting_grid", schema=None) as batch_op:
        batch_op.drop_index("ix_starting_grid_driver_id")

    op.drop_table("starting_grid")
    with op.batch_alter_table("sprint_results", schema=None) as batch_op:
        batch_op.drop_index("ix_sprint_results_driver_id")

    op.drop_table("sprint_results")
    with op.batch_alter_table("race_results", schema=None) as batch_op:
        batch_op.drop_index("ix_race_results_driver_id")
        batch_op.drop_index("ix_race_results_constructor_id")

    op.drop_table("race_results")
    with op.batch_alter_table("qualifying_results", schema=None) as batch_op:
        batch_op.drop_index("ix_qualifying_results_driver_id")

    op.drop_table("qualifying_results")
    with op.batch_alter_table("predictions", schema=None) as batch_op:
        batch_op.drop_index("ix_predictions_driver_id")

    op.drop_table("predictions")
    with op.batch_alter_table("practice_results", schema=None) as batch_op:
        batch_op.drop_index("ix_practice_results_driver_id")

    op.drop_table("practice_results")
    with op.batch_alter_table("pit_stops", schema=None) as batch_op:
        batch_op.drop_index("ix_pit_stops_driver_id")

    op.drop_table("pit_stops")
    with op.batch_alter_table("models", schema=None) as batch_op:
        batch_op.drop_index("ix_models_name_horizon_race_key")

    op.drop_table("models")
    op.drop_table("model_accuracy")
    op.drop_table("feature_matrix")
    with op.batch_alter_table("entries", schema=None) as batch_op:
        batch_op.drop_index("ix_entries_driver_id")
        batch_op.drop_index("ix_entries_constructor_id")

    op.drop_table("entries")
    with op.batch_alter_table("elo_ratings", schema=None) as batch_op:
        batch_op.drop_index("ix_elo_ratings_kind_entity_id")

    op.drop_table("elo_ratings")
    with op.batch_alter_table("driver_standings", schema=None) as batch_op:
        batch_op.drop_index("ix_driver_standings_driver_id")

    op.drop_table("driver_standings")
    with op.batch_alter_table("constructor_standings", schema=None) as batch_op:
        batch_op.drop_index("ix_constructor_standings_constructor_id")

    op.drop_table("constructor_standings")
    with op.batch_alter_table("races", schema=None) as batch_op:
        batch_op.drop_index("ix_races_date")

    op.drop_table("races")
    op.drop_table("seasons")
    op.drop_table("drivers")
    with op.batch_alter_table("data_loads", schema=None) as batch_op:
        batch_op.drop_index("ix_data_loads_table_name_race_key_id")

    op.drop_table("data_loads")
    op.drop_table("constructors")
    op.drop_table("circuits")
