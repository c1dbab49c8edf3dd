"""The product's tables (SQLAlchemy Core). Alembic migrations create them; nothing else does.

Conventions: a race is named by its race key (``2026-bahrain``), because F1DB's race ids and rounds
move when the calendar changes (2026: Bahrain was taken out and put back elsewhere, seven races
moved). Times are UTC. Durations are milliseconds. Probabilities are in [0, 1].
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Date,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class UtcDateTime(TypeDecorator[datetime]):
    """Aware datetimes in, aware UTC datetimes out, on databases with and without time zones.

    SQLite drops the offset; a naive value would be read as local time by the next person.
    """

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """To UTC; SQLite stores it without an offset."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"naive datetime {value!r}: give it a time zone")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Aware, in UTC."""
        if value is None:
            return None
        moment: datetime = value
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _id(name: str, **kwargs: Any) -> Column[str]:
    return Column(name, String(64), **kwargs)


def _race_key() -> Column[str]:
    return Column("race_key", String(64), ForeignKey("races.race_key"), primary_key=True)


seasons = Table("seasons", metadata, Column("season", Integer, primary_key=True))

circuits = Table(
    "circuits",
    metadata,
    _id("circuit_id", primary_key=True),
    Column("name", String(128), nullable=False),
    Column("full_name", String(256)),
    Column("place", String(128)),
    _id("country_id"),
    Column("latitude", Float),
    Column("longitude", Float),
    Column("time_zone", String(64)),
    Column("length_km", Float),
    Column("turns", Integer),
    Column("elevation_m", Float),
    Column("type", String(16)),
    Column("direction", String(24)),
)

drivers = Table(
    "drivers",
    metadata,
    _id("driver_id", primary_key=True),
    Column("code", String(3)),
    Column("name", String(128), nullable=False),
    Column("first_name", String(64)),
    Column("last_name", String(64)),
    Column("number", String(4)),
    Column("date_of_birth", Date),
    _id("country_id"),
)

constructors = Table(
    "constructors",
    metadata,
    _id("constructor_id", primary_key=True),
    Column("name", String(128), nullable=False),
    Column("full_name", String(256)),
    _id("country_id"),
)

races = Table(
    "races",
    metadata,
    _id("race_key", primary_key=True),
    Column("season", Integer, ForeignKey("seasons.season"), nullable=False),
    Column("round", Integer),
    _id("grand_prix_id", nullable=False),
    Column("name", String(128), nullable=False),
    Column("official_name", String(256)),
    _id("circuit_id"),
    Column("date", Date, nullable=False),
    Column("start_at", UtcDateTime),
    Column("first_practice_at", UtcDateTime),
    Column("qualifying_at", UtcDateTime),
    Column("sprint_qualifying_at", UtcDateTime),
    Column("sprint_at", UtcDateTime),
    Column("laps", Integer),
    Column("course_length_km", Float),
    Column("turns", Integer),
    Column("qualifying_format", String(24)),
    Column("is_sprint_weekend", Boolean, nullable=False),
    Column("is_cancelled", Boolean, nullable=False, default=False),
    UniqueConstraint("season", "grand_prix_id"),
    Index("ix_races_date", "date"),
)


def _competitor() -> list[Column[Any]]:
    return [
        _id("driver_id", nullable=False),
        _id("constructor_id", nullable=False),
        Column("car_number", String(8)),
    ]


entries = Table(
    "entries",
    metadata,
    _race_key(),
    _id("driver_id", primary_key=True),
    _id("constructor_id", nullable=False),
    Column("car_number", String(8)),
    _id("engine_id"),
    # 'entered': took part; 'listed': on the published entry list; 'projected': carried over from
    # the last known line-up, because the source has not listed the race yet.
    Column("status", String(12), nullable=False),
    Index("ix_entries_driver_id", "driver_id"),
    Index("ix_entries_constructor_id", "constructor_id"),
)


def _classification() -> list[Any]:
    return [
        Column("position", Integer),
        Column("position_text", String(8), nullable=False),
        Column("shared_car", Boolean, nullable=False),
        Column("laps", Integer),
        Column("time_ms", Integer),
        Column("gap_ms", Integer),
        Column("gap_laps", Integer),
        Column("penalty_ms", Integer),
        Column("reason_retired", String(128)),
        Column("points", Float, nullable=False),
        Column("grid_position", Integer),
        Column("grid_text", String(8)),
        Column("fastest_lap", Boolean),
        Column("pit_stops", Integer),
    ]


race_results = Table(
    "race_results",
    metadata,
    _race_key(),
    Column("display_order", Integer, primary_key=True),
    *_competitor(),
    *_classification(),
    Index("ix_race_results_driver_id", "driver_id"),
    Index("ix_race_results_constructor_id", "constructor_id"),
)

sprint_results = Table(
    "sprint_results",
    metadata,
    _race_key(),
    Column("display_order", Integer, primary_key=True),
    *_competitor(),
    *_classification(),
    Index("ix_sprint_results_driver_id", "driver_id"),
)

qualifying_results = Table(
    "qualifying_results",
    metadata,
    _race_key(),
    # 'Q' qualifying, 'SQ' sprint qualifying (shootout).
    Column("session", String(4), primary_key=True),
    Column("display_order", Integer, primary_key=True),
    *_competitor(),
    Column("position", Integer),
    Column("position_text", String(8), nullable=False),
    Column("time_ms", Integer),
    Column("q1_ms", Integer),
    Column("q2_ms", Integer),
    Column("q3_ms", Integer),
    Column("gap_ms", Integer),
    Column("laps", Integer),
    Index("ix_qualifying_results_driver_id", "driver_id"),
)

practice_results = Table(
    "practice_results",
    metadata,
    _race_key(),
    # 'FP1' to 'FP4', 'WU' warm-up.
    Column("session", String(4), primary_key=True),
    Column("display_order", Integer, primary_key=True),
    *_competitor(),
    Column("position", Integer),
    Column("time_ms", Integer),
    Column("gap_ms", Integer),
    Column("laps", Integer),
    Index("ix_practice_results_driver_id", "driver_id"),
)

starting_grid = Table(
    "starting_grid",
    metadata,
    _race_key(),
    # 'R' race, 'S' sprint.
    Column("session", String(4), primary_key=True),
    Column("display_order", Integer, primary_key=True),
    *_competitor(),
    Column("position", Integer),
    Column("position_text", String(8), nullable=False),
    Column("qualifying_position", Integer),
    Column("penalty", String(64)),
    Column("time_ms", Integer),
    Index("ix_starting_grid_driver_id", "driver_id"),
)

pit_stops = Table(
    "pit_stops",
    metadata,
    _race_key(),
    Column("display_order", Integer, primary_key=True),
    *_competitor(),
    Column("stop", Integer, nullable=False),
    Column("lap", Integer),
    Column("time_ms", Integer),
    Index("ix_pit_stops_driver_id", "driver_id"),
)

driver_standings = Table(
    "driver_standings",
    metadata,
    _race_key(),
    Column("display_order", Integer, primary_key=True),
    _id("driver_id", nullable=False),
    Column("position", Integer),
    Column("position_text", String(8), nullable=False),
    Column("points", Float, nullable=False),
    Index("ix_driver_standings_driver_id", "driver_id"),
)

constructor_standings = Table(
    "constructor_standings",
    metadata,
    _race_key(),
    Column("display_order", Integer, primary_key=True),
    _id("constructor_id", nullable=False),
    _id("engine_id"),
    Column("position", Integer),
    Column("position_text", String(8), nullable=False),
    Column("points", Float, nullable=False),
    Index("ix_constructor_standings_constructor_id", "constructor_id"),
)

elo_ratings = Table(
    "elo_ratings",
    metadata,
    _race_key(),
    Column("kind", String(12), primary_key=True),  # 'driver' or 'constructor'
    _id("entity_id", primary_key=True),
    Column("value_before", Float, nullable=False),
    # Equal to value_before for who entered and was not classified; null while there is no result.
    Column("value_after", Float),
    Index("ix_elo_ratings_kind_entity_id", "kind", "entity_id"),
)

joint_ratings = Table(
    "joint_ratings",
    metadata,
    _race_key(),
    Column("horizon", String(12), primary_key=True),
    _id("driver_id", primary_key=True),
    _id("constructor_id", nullable=False),
    # Pace in per cent of a lap, higher is faster; zero is the mean of the teams at the last winter.
    Column("team_mean", Float, nullable=False),
    Column("team_sd", Float, nullable=False),
    Column("driver_mean", Float, nullable=False),
    Column("driver_sd", Float, nullable=False),
    Column("mean", Float, nullable=False),
    Column("sd", Float, nullable=False),
    Index("ix_joint_ratings_driver_id", "driver_id"),
)

feature_matrix = Table(
    "feature_matrix",
    metadata,
    _race_key(),
    Column("horizon", String(12), primary_key=True),  # 'pre_weekend' or 'pre_race'
    _id("driver_id", primary_key=True),
    _id("constructor_id", nullable=False),
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
            "team_rating",
            "driver_rating",
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
            # weather: empty until a forecast made before the race is there
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
    _race_key(),
    Column("horizon", String(12), primary_key=True),
    Column("model", String(32), primary_key=True),
    _id("driver_id", primary_key=True),
    _id("constructor_id", nullable=False),
    Column("model_version", Integer, nullable=False),
    Column("win_probability", Float, nullable=False),
    # 95 % interval of the win probability; null where the model states none.
    Column("interval_low", Float),
    Column("interval_high", Float),
    Column("podium_probability", Float, nullable=False),
    Column("points_probability", Float, nullable=False),
    Column("expected_position", Float, nullable=False),
    Column("cutoff", UtcDateTime, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("data_release", String(64), nullable=False),
    Column("seed", Integer, nullable=False),
    Index("ix_predictions_driver_id", "driver_id"),
)

model_accuracy = Table(
    "model_accuracy",
    metadata,
    _race_key(),
    Column("horizon", String(12), primary_key=True),
    Column("model", String(32), primary_key=True),
    Column("model_version", Integer, nullable=False),
    Column("starters", Integer, nullable=False),
    Column("log_loss", Float, nullable=False),  # -ln p(winner), nats, p over the starters
    Column("brier", Float, nullable=False),  # multi-class: sum over starters of (p - won)^2
    Column("podium_log_loss", Float, nullable=False),
    Column("top3_accuracy", Float, nullable=False),  # share of the podium that was named
    Column("spearman", Float),
    Column("rank_error", Float, nullable=False),  # mean |predicted rank - finishing rank|
    Column("winner_correct", Boolean, nullable=False),
    Column("winner_probability", Float, nullable=False),
    _id("predicted_winner", nullable=False),
    _id("actual_winner", nullable=False),
    Column("result_hash", String(64), nullable=False),
    Column("scored_at", UtcDateTime, nullable=False),
)

data_loads = Table(
    "data_loads",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("table_name", String(64), nullable=False),
    # Null for a table that is not kept per race (drivers, circuits, the calendar).
    Column("race_key", String(64)),
    Column("source", String(16), nullable=False),
    Column("release", String(64), nullable=False),
    Column("content_hash", String(64), nullable=False),
    Column("row_count", Integer, nullable=False),
    Column("loaded_at", UtcDateTime, nullable=False),
    Column("message", Text),
    Index("ix_data_loads_table_name_race_key_id", "table_name", "race_key", "id"),
)

REFERENCE_TABLES = ("seasons", "circuits", "drivers", "constructors", "races")
"""Tables replaced as a whole by a load; rows that are no longer in the source are kept."""

RACE_TABLES = (
    "entries",
    "race_results",
    "qualifying_results",
    "sprint_results",
    "practice_results",
    "starting_grid",
    "pit_stops",
    "driver_standings",
    "constructor_standings",
)
"""Source tables kept per race: one race is replaced in one transaction."""
