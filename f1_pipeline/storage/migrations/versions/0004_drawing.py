"""How the orders of a forecast were drawn, and strengths for the places behind the podium."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("predictions") as batch:
        batch.add_column(sa.Column("drawing", sa.Integer(), nullable=True))
        batch.add_column(sa.Column("place_strength", sa.Float(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("predictions") as batch:
        batch.drop_column("place_strength")
        batch.drop_column("drawing")
