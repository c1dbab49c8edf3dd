"""The only SQL of the app. Every query is limited to the race or season asked for.

Single things come back as frozen dataclasses, tables as data frames; both can be cached. Times are
aware UTC datetimes, probabilities are in [0, 1] as the tables hold them: rounding and percent signs
belong to the pages.
"""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import pandas as pd
from sqlalchemy import Connection, Exists, Select, and_, exists, func, literal, or_, select, true, tuple_

from f1_app.records import SIMULATED, Loaded, Race, TrainedModel
from f1_pipeline.domain import calendar
from f1_pipeline.domain.vocabulary import MARKET
from f1_pipeline.storage.schema import (
    circuits,
    constructors,
    data_loads,
    drivers,
    model_accuracy,
    models,
    practice_results,
    predictions,
    qualifying_results,
    race_results,
    races,
    sprint_results,
    starting_grid,
)

BULK_SOURCES = ("f1db", SIMULATED)
"""Sources a whole database comes from; others (a late weekend, weather) only add to one of these."""

_SESSIONS = (practice_results, qualifying_results, sprint_results, starting_grid)
"""Tables whose rows say that a weekend has begun."""

SCORE_COLUMNS = (
    "log_loss",
    "brier",
    "podium_log_loss",
    "top3_accuracy",
    "spearman",
    "rank_error",
    "winner_correct",
    "winner_probability",
)


def _frame(connection: Connection, statement: Select[Any]) -> pd.DataFrame:
    result = connection.execute(statement)
    return pd.DataFrame(result.fetchall(), columns=list(result.keys()))


def data_version(connection: Connection) -> str:
    """A short text that changes whenever loads, predictions or scores change.

    The counts are there because two runs may commit in another order than their time stamps say: the
    newest stamp alone would then hide the later commit.
    """
    row = connection.execute(
        select(
            select(func.max(data_loads.c.id)).scalar_subquery(),
            select(func.max(predictions.c.created_at)).scalar_subquery(),
            select(func.count()).select_from(predictions).scalar_subquery(),
            select(func.max(model_accuracy.c.scored_at)).scalar_subquery(),
            select(func.count()).select_from(model_accuracy).scalar_subquery(),
        )
    ).one()
    return "|".join("-" if value is None else str(value) for value in row)


def loaded(connection: Connection) -> Loaded | None:
    """The newest load of a bulk source, or None before the first load."""
    row = connection.execute(
        select(data_loads.c.source, data_loads.c.release, data_loads.c.loaded_at)
        .where(data_loads.c.source.in_(BULK_SOURCES))
        .order_by(data_loads.c.id.desc())
        .limit(1)
    ).first()
    return None if row is None else Loaded(*row)


def _has_result() -> Exists:
    return exists().where(race_results.c.race_key == races.c.race_key)


def _has_forecast() -> Exists:
    return exists().where(predictions.c.race_key == races.c.race_key)


def _race_select() -> Select[Any]:
    return select(
        races.c.race_key,
        races.c.season,
        races.c.round,
        races.c.name,
        races.c.official_name,
        races.c.date,
        races.c.start_at,
        races.c.qualifying_at,
        races.c.laps,
        func.coalesce(races.c.course_length_km, circuits.c.length_km),
        func.coalesce(races.c.turns, circuits.c.turns),
        races.c.is_sprint_weekend,
        races.c.is_cancelled,
        circuits.c.name,
        circuits.c.place,
        circuits.c.time_zone,
    ).select_from(races.outerjoin(circuits, races.c.circuit_id == circuits.c.circuit_id))


def _one_race(connection: Connection, statement: Select[Any]) -> Race | None:
    row = connection.execute(statement.limit(1)).first()
    return None if row is None else Race(*row)


def race(connection: Connection, race_key: str) -> Race | None:
    """One race by its key."""
    return _one_race(connection, _race_select().where(races.c.race_key == race_key))


def next_race(connection: Connection, now: dt.datetime | None = None) -> Race | None:
    """The race that is to be forecast next, as ``domain.calendar.next_race`` says; ``now``: the clock, where it counts."""
    newest = newest_finished_race(connection)
    after = (
        true()
        if newest is None
        else tuple_(races.c.date, races.c.race_key) > tuple_(literal(newest.date), literal(newest.race_key))
    )
    begun = or_(*(exists().where(table.c.race_key == races.c.race_key) for table in _SESSIONS))
    rows = connection.execute(
        select(races.c.race_key, races.c.date, races.c.start_at, begun)
        .where(races.c.is_cancelled.is_(False), ~_has_result(), after)
        .order_by(races.c.date, races.c.race_key)
    ).all()
    midnight = dt.time(tzinfo=dt.UTC)
    starts = {
        key: at or dt.datetime.combine(day, midnight) + dt.timedelta(days=1) for key, day, at, _ in rows
    }
    found = calendar.next_race([row[0] for row in rows], (), [row[0] for row in rows if row[3]], starts, now)
    return None if found is None else race(connection, found)


def data_clock(connection: Connection) -> dt.datetime | None:
    """The time of day where the tables follow a source that is still published, else None: a local archive or a
    simulated season may end at any time."""
    found = loaded(connection)
    return dt.datetime.now(dt.UTC) if found and re.fullmatch(r"v\d{4}\.\d+\.\d+", found.release) else None


def newest_finished_race(connection: Connection) -> Race | None:
    """The last race by date that has a result."""
    return _one_race(
        connection,
        _race_select().where(_has_result()).order_by(races.c.date.desc(), races.c.race_key.desc()),
    )


def forecast_seasons(connection: Connection) -> list[int]:
    """Seasons with at least one forecast, newest first."""
    return list(
        connection.scalars(
            select(races.c.season).where(_has_forecast()).distinct().order_by(races.c.season.desc())
        )
    )


def forecast_races(connection: Connection, season: int) -> pd.DataFrame:
    """Races of a season that have a forecast, newest first, and whether each has a result."""
    return _frame(
        connection,
        select(
            races.c.race_key,
            races.c.round,
            races.c.name,
            races.c.date,
            _has_result().label("finished"),
        )
        .where(races.c.season == season, _has_forecast())
        .order_by(races.c.date.desc(), races.c.race_key.desc()),
    )


def forecast_choices(connection: Connection, race_key: str) -> list[tuple[str, str]]:
    """The pairs of horizon and model that a race has forecasts of."""
    rows = connection.execute(
        select(predictions.c.horizon, predictions.c.model)
        .where(predictions.c.race_key == race_key)
        .distinct()
        .order_by(predictions.c.horizon, predictions.c.model)
    )
    return [(horizon, model) for horizon, model in rows]


def forecast(connection: Connection, race_key: str, horizon: str, model: str | None = None) -> pd.DataFrame:
    """Forecast of one race at one horizon, most likely winner first; of one model or of all."""
    statement = (
        select(
            predictions.c.model,
            predictions.c.driver_id,
            func.coalesce(drivers.c.code, func.upper(func.substr(drivers.c.last_name, 1, 3))).label("code"),
            func.coalesce(drivers.c.name, predictions.c.driver_id).label("driver"),
            predictions.c.constructor_id,
            func.coalesce(constructors.c.name, predictions.c.constructor_id).label("team"),
            predictions.c.win_probability,
            predictions.c.interval_low,
            predictions.c.interval_high,
            predictions.c.podium_probability,
            predictions.c.points_probability,
            predictions.c.expected_position,
            predictions.c.model_version,
            predictions.c.cutoff,
            predictions.c.created_at,
            predictions.c.data_release,
        )
        .select_from(
            predictions.outerjoin(drivers, predictions.c.driver_id == drivers.c.driver_id).outerjoin(
                constructors, predictions.c.constructor_id == constructors.c.constructor_id
            )
        )
        .where(predictions.c.race_key == race_key, predictions.c.horizon == horizon)
        .order_by(
            predictions.c.model,
            predictions.c.win_probability.desc(),
            predictions.c.expected_position,
            predictions.c.driver_id,
        )
    )
    if model is not None:
        statement = statement.where(predictions.c.model == model)
    frame = _frame(connection, statement)
    frame["code"] = frame["code"].fillna(frame["driver_id"].str[:3].str.upper())
    # All-empty columns arrive as objects; charts and tables want numbers.
    bounds = ["interval_low", "interval_high"]
    frame[bounds] = frame[bounds].astype("float64")
    return frame


def trained_model(connection: Connection, model: str, horizon: str, version: int) -> TrainedModel | None:
    """Where a model version comes from; None for an ensemble or a baseline, which are not trained."""
    row = connection.execute(
        select(
            models.c.version,
            models.c.type,
            models.c.trained_at,
            models.c.trained_through,
            models.c.training_rows,
        ).where(and_(models.c.name == model, models.c.horizon == horizon, models.c.version == version))
    ).first()
    return None if row is None else TrainedModel(*row)


def result(connection: Connection, race_key: str) -> pd.DataFrame:
    """The classification of a race in its official order; no rows before the race."""
    return _frame(
        connection,
        select(
            race_results.c.driver_id,
            func.coalesce(drivers.c.code, func.upper(func.substr(drivers.c.last_name, 1, 3))).label("code"),
            func.coalesce(drivers.c.name, race_results.c.driver_id).label("driver"),
            race_results.c.constructor_id,
            func.coalesce(constructors.c.name, race_results.c.constructor_id).label("team"),
            race_results.c.position,
            race_results.c.position_text,
            race_results.c.reason_retired,
            race_results.c.grid_position,
            race_results.c.points,
        )
        .select_from(
            race_results.outerjoin(drivers, race_results.c.driver_id == drivers.c.driver_id).outerjoin(
                constructors, race_results.c.constructor_id == constructors.c.constructor_id
            )
        )
        .where(race_results.c.race_key == race_key)
        .order_by(race_results.c.display_order),
    )


def race_scores(connection: Connection, race_key: str, horizon: str) -> pd.DataFrame:
    """Scores of every model for one race at one horizon, best log loss first."""
    return _frame(
        connection,
        select(
            model_accuracy.c.model,
            *(model_accuracy.c[name] for name in SCORE_COLUMNS),
        )
        .where(
            model_accuracy.c.race_key == race_key,
            model_accuracy.c.horizon == horizon,
            model_accuracy.c.model != MARKET,
        )
        .order_by(model_accuracy.c.log_loss, model_accuracy.c.model),
    )


def scored_horizons(connection: Connection) -> list[str]:
    """Horizons that have at least one scored race."""
    return list(connection.scalars(select(model_accuracy.c.horizon).distinct()))


def accuracy(connection: Connection, horizon: str) -> pd.DataFrame:
    """Scores of every race and model at one horizon, in the order in which the races were run.

    Without the market: it has other races than the models, and its mean beside theirs would compare the races.
    """
    frame = _frame(
        connection,
        select(
            races.c.season,
            races.c.date,
            races.c.race_key,
            races.c.name,
            model_accuracy.c.model,
            *(model_accuracy.c[name] for name in SCORE_COLUMNS),
        )
        .select_from(model_accuracy.join(races, model_accuracy.c.race_key == races.c.race_key))
        .where(model_accuracy.c.horizon == horizon, model_accuracy.c.model != MARKET)
        .order_by(races.c.date, races.c.race_key, model_accuracy.c.model),
    )
    return frame.astype(dict.fromkeys(SCORE_COLUMNS, "float64"))
