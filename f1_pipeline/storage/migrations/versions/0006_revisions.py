"""Earlier versions of race tables, live sessions, marks of features, and grids that are not published yet."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "revisions",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("race_key", sa.String(length=64), nullable=False),
        sa.Column("table_name", sa.String(length=64), nullable=False),
        sa.Column("content_hash", sa.String(length=64), nullable=False),
        sa.Column("source", sa.String(length=16), nullable=False),
        sa.Column("release", sa.String(length=64), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("row_count", sa.Integer(), nullable=False),
        sa.Column("rows", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_revisions")),
    )
    op.create_index(
        "ix_revisions_race_key_table_name_id", "revisions", ["race_key", "table_name", "id"], unique=False
    )
    op.create_table(
        "live_sessions",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("race_key", sa.String(length=64), nullable=False),
        sa.Column("table_name", sa.String(length=64), nullable=False),
        sa.Column("session", sa.String(length=4), nullable=False),
        sa.Column("content_hash", sa.String(length=64), nullable=False),
        sa.Column("against", sa.String(length=64), nullable=False),
        sa.Column("source", sa.String(length=16), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("complete", sa.Boolean(), nullable=False),
        sa.Column("row_count", sa.Integer(), nullable=False),
        sa.Column("rows", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_live_sessions")),
    )
    op.create_index(
        "ix_live_sessions_race_key_table_name_session_id",
        "live_sessions",
        ["race_key", "table_name", "session", "id"],
        unique=False,
    )
    op.create_table(
        "feature_marks",
        sa.Column("race_key", sa.String(length=64), nullable=False),
        sa.Column("horizon", sa.String(length=12), nullable=False),
        sa.Column("calendar_hash", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["race_key"], ["races.race_key"], name=op.f("fk_feature_marks_race_key")),
        sa.PrimaryKeyConstraint("race_key", "horizon", name=op.f("pk_feature_marks")),
    )
    op.add_column("starting_grid", sa.Column("is_provisional", sa.Boolean(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("starting_grid") as batch:
        batch.drop_column("is_provisional")
    op.drop_table("feature_marks")
    op.drop_index("ix_live_sessions_race_key_table_name_session_id", table_name="live_sessions")
    op.drop_table("live_sessions")
    op.drop_index("ix_revisions_race_key_table_name_id", table_name="revisions")
    op.drop_table("revisions")
