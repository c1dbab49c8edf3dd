"""The joint rating: its table, and its columns in the feature matrix."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_FEATURES = ("joint_rating", "joint_rating_sd", "team_rating", "driver_rating")


def upgrade() -> None:
    op.create_table(
        "joint_ratings",
        sa.Column("race_key", sa.String(length=64), nullable=False),
        sa.Column("horizon", sa.String(length=12), nullable=False),
        sa.Column("driver_id", sa.String(length=64), nullable=False),
        sa.Column("constructor_id", sa.String(length=64), nullable=False),
        *(
            sa.Column(name, sa.Float(), nullable=False)
            for name in ("team_mean", "team_sd", "driver_mean", "driver_sd", "mean", "sd")
        ),
        sa.ForeignKeyConstraint(["race_key"], ["races.race_key"], name=op.f("fk_joint_ratings_race_key")),
        sa.PrimaryKeyConstraint("race_key", "horizon", "driver_id", name=op.f("pk_joint_ratings")),
    )
    op.create_index("ix_joint_ratings_driver_id", "joint_ratings", ["driver_id"])
    for name in _FEATURES:
        op.add_column("feature_matrix", sa.Column(name, sa.Float(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("feature_matrix") as batch:
        for name in reversed(_FEATURES):
            batch.drop_column(name)
    op.drop_index("ix_joint_ratings_driver_id", table_name="joint_ratings")
    op.drop_table("joint_ratings")
