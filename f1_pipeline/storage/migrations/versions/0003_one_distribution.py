"""Forecasts as views of one joint distribution: retirements, positions, head-to-heads, reasons, sprints, the
championship; and what is known of their quality: summaries, comparisons, reliability, decisions, market prices."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_RATES = ("retirement_field", "retirement_team", "retirement_driver", "retirement_circuit")


def upgrade() -> None:
    op.create_table(
        "accuracy_summaries",
        sa.Column("period", sa.String(length=12), nullable=False),
        sa.Column("horizon", sa.String(length=12), nullable=False),
        sa.Column("model", sa.String(length=32), nullable=False),
        sa.Column("score", sa.String(length=32), nullable=False),
        sa.Column("races", sa.Integer(), nullable=False),
        sa.Column("mean", sa.Float(), nullable=True),
        sa.Column("low", sa.Float(), nullable=True),
        sa.Column("high", sa.Float(), nullable=True),
        sa.Column("computed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("period", "horizon", "model", "score", name=op.f("pk_accuracy_summaries")),
    )
    op.create_table(
        "model_decisions",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("horizon", sa.String(length=12), nullable=False),
        sa.Column("challenger_version", sa.Integer(), nullable=True),
        sa.Column("champion_version", sa.Integer(), nullable=True),
        sa.Column("hyperparameters", sa.JSON(), nullable=False),
        sa.Column("recipe", sa.Integer(), nullable=False),
        sa.Column("promoted", sa.Boolean(), nullable=False),
        sa.Column("known_through", sa.String(length=64), nullable=True),
        sa.Column("races", sa.Integer(), nullable=False),
        sa.Column("difference", sa.Float(), nullable=True),
        sa.Column("low", sa.Float(), nullable=True),
        sa.Column("high", sa.Float(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_model_decisions")),
    )
    with op.batch_alter_table("model_decisions", schema=None) as batch_op:
        batch_op.create_index("ix_model_decisions_name_horizon", ["name", "horizon"], unique=False)

    op.create_table(
        "paired_differences",
        sa.Column("period", sa.String(length=12), nullable=False),
        sa.Column("horizon", sa.String(length=12), nullable=False),
        sa.Column("model", sa.String(length=32), nullable=False),
        sa.Column("reference", sa.String(length=32), nullable=False),
        sa.Column("races", sa.Integer(), nullable=False),
        sa.Column("difference", sa.Float(), nullable=False),
        sa.Column("low", sa.Float(), nullable=False),
        sa.Column("high", sa.Float(), nullable=False),
        sa.Column("computed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint(
            "period", "horizon", "model", "reference", name=op.f("pk_paired_differences")
        ),
    )
    op.create_table(
        "reliability",
        sa.Column("period", sa.String(length=12), nullable=False),
        sa.Column("horizon", sa.String(length=12), nullable=False),
        sa.Column("model", sa.String(length=32), nullable=False),
        sa.Column("outcome", sa.String(length=16), nullable=False),
        sa.Column("bin", sa.Integer(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("forecast", sa.Float(), nullable=False),
        sa.Column("observed", sa.Float(), nullable=False),
        sa.Column("low", sa.Float(), nullable=False),
        sa.Column("high", sa.Float(), nullable=False),
        sa.Column("computed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("period", "horizon", "model", "outcome", "bin", name=op.f("pk_reliability")),
    )
    op.create_table(
        "championship_forecasts",
        sa.Column("race_key", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("entity_id", sa.String(length=64), nullable=False),
        sa.Column("points", sa.Float(), nullable=False),
        sa.Column("expected_points", sa.Float(), nullable=False),
        sa.Column("points_low", sa.Float(), nullable=False),
        sa.Column("points_high", sa.Float(), nullable=False),
        sa.Column("expected_position", sa.Float(), nullable=False),
        sa.Column("title_probability", sa.Float(), nullable=False),
        sa.Column("top3_probability", sa.Float(), nullable=False),
        sa.Column("can_win", sa.Boolean(), nullable=False),
        sa.Column("races_left", sa.Integer(), nullable=False),
        sa.Column("draws", sa.Integer(), nullable=False),
        sa.Column("seed", sa.Integer(), nullable=False),
        sa.Column("cutoff", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("data_release", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["race_key"], ["races.race_key"], name=op.f("fk_championship_forecasts_race_key")
        ),
        sa.PrimaryKeyConstraint("race_key", "kind", "entity_id", name=op.f("pk_championship_forecasts")),
    )
    with op.batch_alter_table("championship_forecasts", schema=None) as batch_op:
        batch_op.create_index("ix_championship_forecasts_kind_entity_id", ["kind", "entity_id"], unique=False)

    op.create_table(
        "championship_positions",
        sa.Column("race_key", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("entity_id", sa.String(length=64), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("probability", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(
            ["race_key"], ["races.race_key"], name=op.f("fk_championship_positions_race_key")
        ),
        sa.PrimaryKeyConstraint(
            "race_key", "kind", "entity_id", "position", name=op.f("pk_championship_positions")
        ),
    )
    op.create_table(
        "championship_scenarios",
        sa.Column("race_key", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("driver_id", sa.String(length=64), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("entity_id", sa.String(length=64), nullable=False),
        sa.Column("probability", sa.Float(), nullable=False),
        sa.Column("title_probability", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(
            ["race_key"], ["races.race_key"], name=op.f("fk_championship_scenarios_race_key")
        ),
        sa.PrimaryKeyConstraint(
            "race_key", "kind", "driver_id", "position", "entity_id", name=op.f("pk_championship_scenarios")
        ),
    )
    op.create_table(
        "constructor_predictions",
        sa.Column("race_key", sa.String(length=64), nullable=False),
        sa.Column("horizon", sa.String(length=12), nullable=False),
        sa.Column("model", sa.String(length=32), nullable=False),
        sa.Column("constructor_id", sa.String(length=64), nullable=False),
        sa.Column("win_probability", sa.Float(), nullable=False),
        sa.Column("expected_points", sa.Float(), nullable=False),
        sa.Column("most_points_probability", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(
            ["race_key"], ["races.race_key"], name=op.f("fk_constructor_predictions_race_key")
        ),
        sa.PrimaryKeyConstraint(
            "race_key", "horizon", "model", "constructor_id", name=op.f("pk_constructor_predictions")
        ),
    )
    op.create_table(
        "head_to_head",
        sa.Column("race_key", sa.String(length=64), nullable=False),
        sa.Column("horizon", sa.String(length=12), nullable=False),
        sa.Column("model", sa.String(length=32), nullable=False),
        sa.Column("driver_id", sa.String(length=64), nullable=False),
        sa.Column("rival_id", sa.String(length=64), nullable=False),
        sa.Column("probability", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(["race_key"], ["races.race_key"], name=op.f("fk_head_to_head_race_key")),
        sa.PrimaryKeyConstraint(
            "race_key", "horizon", "model", "driver_id", "rival_id", name=op.f("pk_head_to_head")
        ),
    )
    op.create_table(
        "market_odds",
        sa.Column("race_key", sa.String(length=64), nullable=False),
        sa.Column("driver_id", sa.String(length=64), nullable=False),
        sa.Column("source", sa.String(length=64), nullable=False),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decimal_odds", sa.Float(), nullable=False),
        sa.Column("imported_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["race_key"], ["races.race_key"], name=op.f("fk_market_odds_race_key")),
        sa.PrimaryKeyConstraint("race_key", "driver_id", "source", "taken_at", name=op.f("pk_market_odds")),
    )
    op.create_table(
        "position_probabilities",
        sa.Column("race_key", sa.String(length=64), nullable=False),
        sa.Column("horizon", sa.String(length=12), nullable=False),
        sa.Column("model", sa.String(length=32), nullable=False),
        sa.Column("driver_id", sa.String(length=64), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("probability", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(
            ["race_key"], ["races.race_key"], name=op.f("fk_position_probabilities_race_key")
        ),
        sa.PrimaryKeyConstraint(
            "race_key", "horizon", "model", "driver_id", "position", name=op.f("pk_position_probabilities")
        ),
    )
    op.create_table(
        "prediction_reasons",
        sa.Column("race_key", sa.String(length=64), nullable=False),
        sa.Column("horizon", sa.String(length=12), nullable=False),
        sa.Column("model", sa.String(length=32), nullable=False),
        sa.Column("driver_id", sa.String(length=64), nullable=False),
        sa.Column("feature_group", sa.String(length=32), nullable=False),
        sa.Column("contribution", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(
            ["race_key"], ["races.race_key"], name=op.f("fk_prediction_reasons_race_key")
        ),
        sa.PrimaryKeyConstraint(
            "race_key", "horizon", "model", "driver_id", "feature_group", name=op.f("pk_prediction_reasons")
        ),
    )
    op.create_table(
        "sprint_accuracy",
        sa.Column("race_key", sa.String(length=64), nullable=False),
        sa.Column("horizon", sa.String(length=12), nullable=False),
        sa.Column("model", sa.String(length=32), nullable=False),
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
        sa.ForeignKeyConstraint(["race_key"], ["races.race_key"], name=op.f("fk_sprint_accuracy_race_key")),
        sa.PrimaryKeyConstraint("race_key", "horizon", "model", name=op.f("pk_sprint_accuracy")),
    )
    op.create_table(
        "sprint_predictions",
        sa.Column("race_key", sa.String(length=64), nullable=False),
        sa.Column("horizon", sa.String(length=12), nullable=False),
        sa.Column("model", sa.String(length=32), nullable=False),
        sa.Column("driver_id", sa.String(length=64), nullable=False),
        sa.Column("constructor_id", sa.String(length=64), nullable=False),
        sa.Column("win_probability", sa.Float(), nullable=False),
        sa.Column("podium_probability", sa.Float(), nullable=False),
        sa.Column("points_probability", sa.Float(), nullable=False),
        sa.Column("expected_position", sa.Float(), nullable=False),
        sa.Column("retirement_probability", sa.Float(), nullable=False),
        sa.Column("expected_points", sa.Float(), nullable=False),
        sa.Column("cutoff", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("data_release", sa.String(length=64), nullable=False),
        sa.Column("seed", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["race_key"], ["races.race_key"], name=op.f("fk_sprint_predictions_race_key")
        ),
        sa.PrimaryKeyConstraint(
            "race_key", "horizon", "model", "driver_id", name=op.f("pk_sprint_predictions")
        ),
    )
    with op.batch_alter_table("sprint_predictions", schema=None) as batch_op:
        batch_op.create_index("ix_sprint_predictions_driver_id", ["driver_id"], unique=False)

    with op.batch_alter_table("model_accuracy", schema=None) as batch_op:
        batch_op.add_column(sa.Column("binary_brier", sa.Float(), nullable=True))
        batch_op.add_column(sa.Column("rps", sa.Float(), nullable=True))
        batch_op.add_column(sa.Column("retirement_log_loss", sa.Float(), nullable=True))

    # Versions made until now were in force, by the first version of each model's code.
    with op.batch_alter_table("models", schema=None) as batch_op:
        batch_op.add_column(sa.Column("recipe", sa.Integer(), nullable=False, server_default="1"))
        batch_op.add_column(
            sa.Column("role", sa.String(length=12), nullable=False, server_default="champion")
        )
    with op.batch_alter_table("models", schema=None) as batch_op:
        batch_op.alter_column("recipe", server_default=None)
        batch_op.alter_column("role", server_default=None)

    with op.batch_alter_table("predictions", schema=None) as batch_op:
        batch_op.add_column(sa.Column("retirement_probability", sa.Float(), nullable=True))
        batch_op.add_column(sa.Column("top6_probability", sa.Float(), nullable=True))
        batch_op.add_column(sa.Column("expected_points", sa.Float(), nullable=True))
        batch_op.add_column(sa.Column("draws", sa.Integer(), nullable=True))

    for name in _RATES:
        op.add_column("feature_matrix", sa.Column(name, sa.Float(), nullable=True))
    op.add_column("feature_matrix", sa.Column("joint_rating_own_sd", sa.Float(), nullable=True))
    op.add_column("joint_ratings", sa.Column("own_sd", sa.Float(), nullable=True))
    # Ratings have new parameters and features new columns: both are made again from the results by the next update,
    # in seconds. Forecasts and model versions stay.
    op.execute("DELETE FROM feature_matrix")
    op.execute("DELETE FROM joint_ratings")


def downgrade() -> None:
    with op.batch_alter_table("joint_ratings") as batch:
        batch.drop_column("own_sd")
    with op.batch_alter_table("feature_matrix") as batch:
        batch.drop_column("joint_rating_own_sd")
        for name in reversed(_RATES):
            batch.drop_column(name)
    # Versions before this one know no challengers: the newest version of a race would forecast it.
    op.execute("DELETE FROM models WHERE role = 'challenger'")
    with op.batch_alter_table("models", schema=None) as batch_op:
        batch_op.drop_column("role")
        batch_op.drop_column("recipe")

    with op.batch_alter_table("predictions", schema=None) as batch_op:
        batch_op.drop_column("draws")
        batch_op.drop_column("expected_points")
        batch_op.drop_column("top6_probability")
        batch_op.drop_column("retirement_probability")

    with op.batch_alter_table("model_accuracy", schema=None) as batch_op:
        batch_op.drop_column("retirement_log_loss")
        batch_op.drop_column("rps")
        batch_op.drop_column("binary_brier")

    with op.batch_alter_table("sprint_predictions", schema=None) as batch_op:
        batch_op.drop_index("ix_sprint_predictions_driver_id")

    op.drop_table("sprint_predictions")
    op.drop_table("sprint_accuracy")
    op.drop_table("prediction_reasons")
    op.drop_table("position_probabilities")
    op.drop_table("market_odds")
    op.drop_table("head_to_head")
    op.drop_table("constructor_predictions")
    op.drop_table("championship_scenarios")
    op.drop_table("championship_positions")
    with op.batch_alter_table("championship_forecasts", schema=None) as batch_op:
        batch_op.drop_index("ix_championship_forecasts_kind_entity_id")

    op.drop_table("championship_forecasts")
    op.drop_table("reliability")
    op.drop_table("paired_differences")
    with op.batch_alter_table("model_decisions", schema=None) as batch_op:
        batch_op.drop_index("ix_model_decisions_name_horizon")

    op.drop_table("model_decisions")
    op.drop_table("accuracy_summaries")
