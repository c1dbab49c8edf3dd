"""Weather: forecasts as they were taken before a session, and what was observed."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def _session() -> list[sa.Column[Any]]:
    return [
        sa.Column("race_key", sa.String(length=64), nullable=False),
        sa.Column("session", sa.String(length=4), nullable=False),
        sa.Column("provider", sa.String(length=16), nullable=False),
    ]


def _conditions() -> list[sa.Column[Any]]:
    return [
        sa.Column("temperature_c", sa.Float(), nullable=True),
        sa.Column("precipitation_mm", sa.Float(), nullable=True),
        sa.Column("precipitation_probability", sa.Float(), nullable=True),
        sa.Column("wind_kmh", sa.Float(), nullable=True),
        sa.Column("is_wet", sa.Boolean(), nullable=True),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("valid_until", sa.DateTime(timezone=True), nullable=False),
    ]


def upgrade() -> None:
    op.create_table(
        "weather_forecasts",
        *_session(),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        *_conditions(),
        sa.ForeignKeyConstraint(["race_key"], ["races.race_key"], name=op.f("fk_weather_forecasts_race_key")),
        sa.PrimaryKeyConstraint(
            "race_key", "session", "provider", "issued_at", name=op.f("pk_weather_forecasts")
        ),
    )
    op.create_table(
        "weather_observed",
        *_session(),
        *_conditions(),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["race_key"], ["races.race_key"], name=op.f("fk_weather_observed_race_key")),
        sa.PrimaryKeyConstraint("race_key", "session", "provider", name=op.f("pk_weather_observed")),
    )


def downgrade() -> None:
    op.drop_table("weather_observed")
    op.drop_table("weather_forecasts")
