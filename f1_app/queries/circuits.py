"""Circuits: facts, everything that was raced on one, and what the models know of it."""

from __future__ import annotations

import pandas as pd
from sqlalchemy import Connection, and_, case, func, select

from f1_app.queries.cars import frame_of_cars, grid_order, grid_position, on_grid, select_cars
from f1_app.queries.shared import (
    code_of_driver,
    frame_of,
    has_result,
    name_of_driver,
    name_of_team,
)
from f1_app.records import Circuit
from f1_pipeline.domain.vocabulary import POOL
from f1_pipeline.storage.schema import (
    circuits,
    constructors,
    drivers,
    feature_matrix,
    prediction_reasons,
    race_results,
    races,
    starting_grid,
)


def circuits_ever(connection: Connection) -> pd.DataFrame:
    """Circuits that had a race or will have one, the newest first.

    Columns ``circuit_id, circuit, place, country_id, races`` (run), ``first_season, last_season``.
    """
    return frame_of(
        connection,
        select(
            races.c.circuit_id,
            func.coalesce(circuits.c.name, races.c.circuit_id).label("circuit"),
            circuits.c.place,
            circuits.c.country_id,
            func.sum(case((has_result(), 1), else_=0)).label("races"),
            func.min(races.c.season).label("first_season"),
            func.max(races.c.season).label("last_season"),
        )
        .select_from(races.outerjoin(circuits, races.c.circuit_id == circuits.c.circuit_id))
        .where(races.c.circuit_id.is_not(None), races.c.is_cancelled.is_(False))
        .group_by(races.c.circuit_id, circuits.c.name, circuits.c.place, circuits.c.country_id)
        .order_by(func.max(races.c.season).desc(), func.coalesce(circuits.c.name, races.c.circuit_id)),
    )


def circuit_of(connection: Connection, race_key: str) -> str | None:
    """The circuit of a race."""
    return connection.scalar(select(races.c.circuit_id).where(races.c.race_key == race_key))


def circuit(connection: Connection, circuit_id: str) -> Circuit | None:
    """One circuit."""
    row = connection.execute(
        select(
            circuits.c.circuit_id,
            circuits.c.name,
            circuits.c.full_name,
            circuits.c.place,
            circuits.c.country_id,
            circuits.c.latitude,
            circuits.c.longitude,
            circuits.c.length_km,
            circuits.c.turns,
            circuits.c.elevation_m,
            circuits.c.type,
            circuits.c.direction,
        ).where(circuits.c.circuit_id == circuit_id)
    ).first()
    return None if row is None else Circuit(**row._mapping)


def layouts(connection: Connection, circuit_id: str) -> pd.DataFrame:
    """Lengths and turns raced on, the newest first: ``length_km, turns, first_season, last_season, races``.

    Races that are still to come count: it is the layout of the calendar.
    """
    return frame_of(
        connection,
        select(
            races.c.course_length_km.label("length_km"),
            races.c.turns,
            func.min(races.c.season).label("first_season"),
            func.max(races.c.season).label("last_season"),
            func.count().label("races"),
        )
        .where(races.c.circuit_id == circuit_id, races.c.is_cancelled.is_(False))
        .group_by(races.c.course_length_km, races.c.turns)
        .order_by(func.max(races.c.season).desc(), func.min(races.c.season).desc()),
    ).astype({"length_km": "float64", "turns": "Int64"})


def cars(connection: Connection, circuit_id: str) -> pd.DataFrame:
    """Every row of a classification at a circuit, newest race first, with its starting place (``grid_position``,
    penalties included; empty for the pit lane) and ``grid_order``, which counts on through the pit lane."""
    return frame_of_cars(
        connection,
        select_cars()
        .where(races.c.circuit_id == circuit_id)
        .order_by(races.c.date.desc(), races.c.race_key.desc(), race_results.c.display_order),
    )


def cars_of_all(connection: Connection, first_season: int) -> pd.DataFrame:
    """What ``summaries.by_race`` needs, of every race from a season on, in no order: circuits are compared with it."""
    return frame_of(
        connection,
        select(
            races.c.circuit_id,
            races.c.race_key,
            race_results.c.shared_car,
            race_results.c.position,
            race_results.c.position_text,
            grid_position(),
            grid_order(),
        )
        .select_from(
            race_results.join(races, race_results.c.race_key == races.c.race_key).outerjoin(
                starting_grid, on_grid()
            )
        )
        .where(races.c.season >= first_season),
    ).astype({"position": "Int64", "grid_position": "Int64", "grid_order": "Int64"})


def track_coefficients(connection: Connection, circuit_id: str, horizon: str = "pre_weekend") -> pd.DataFrame:
    """What the feature matrix said of the circuit itself before each race there, newest first.

    Columns ``season, date, race_key, race``; ``retirement_circuit``: logarithm of the retirements over those expected
    of the cars, so 0 is average and 0.1 is 10.5 % more; ``track_length_km``, ``turn_count``, ``elevation_m``. The same for
    everybody in the race. Races whose features are not made yet are missing.
    """
    names = ("retirement_circuit", "track_length_km", "turn_count", "elevation_m")
    return frame_of(
        connection,
        select(
            races.c.season,
            races.c.date,
            races.c.race_key,
            races.c.name.label("race"),
            *(func.max(feature_matrix.c[name]).label(name) for name in names),
        )
        .select_from(feature_matrix.join(races, feature_matrix.c.race_key == races.c.race_key))
        .where(races.c.circuit_id == circuit_id, feature_matrix.c.horizon == horizon)
        .group_by(races.c.season, races.c.date, races.c.race_key, races.c.name)
        .order_by(races.c.date.desc(), races.c.race_key.desc()),
    ).astype(dict.fromkeys(names, "float64"))


def driver_coefficients(connection: Connection, race_key: str, horizon: str = "pre_weekend") -> pd.DataFrame:
    """What the models know of the drivers of a race at its circuit, and what that did to the pool's forecast.

    Columns ``driver_id, code, driver, constructor_id, team, driver_wins_at_circuit, driver_avg_finish_at_circuit`` and
    ``contribution``: log strength that the group ``circuit`` adds, relative to the mean of the race; empty where the race
    was not forecast.
    """
    return frame_of(
        connection,
        select(
            feature_matrix.c.driver_id,
            code_of_driver(),
            name_of_driver(feature_matrix.c.driver_id),
            feature_matrix.c.constructor_id,
            name_of_team(feature_matrix.c.constructor_id),
            feature_matrix.c.driver_wins_at_circuit,
            feature_matrix.c.driver_avg_finish_at_circuit,
            prediction_reasons.c.contribution,
        )
        .select_from(
            feature_matrix.outerjoin(drivers, feature_matrix.c.driver_id == drivers.c.driver_id)
            .outerjoin(constructors, feature_matrix.c.constructor_id == constructors.c.constructor_id)
            .outerjoin(
                prediction_reasons,
                and_(
                    prediction_reasons.c.race_key == feature_matrix.c.race_key,
                    prediction_reasons.c.horizon == feature_matrix.c.horizon,
                    prediction_reasons.c.model == POOL,
                    prediction_reasons.c.driver_id == feature_matrix.c.driver_id,
                    prediction_reasons.c.feature_group == "circuit",
                ),
            )
        )
        .where(feature_matrix.c.race_key == race_key, feature_matrix.c.horizon == horizon)
        # PostgreSQL puts what is empty first where it sorts downwards, SQLite last.
        .order_by(
            prediction_reasons.c.contribution.is_(None),
            prediction_reasons.c.contribution.desc(),
            feature_matrix.c.driver_id,
        ),
    ).astype(
        dict.fromkeys(("driver_wins_at_circuit", "driver_avg_finish_at_circuit", "contribution"), "float64")
    )


def reasons(connection: Connection, horizon: str = "pre_race") -> pd.DataFrame:
    """How far each group of features moved the drivers of each race apart, of every race forecast.

    Columns ``circuit_id, season, race_key, feature_group, drivers, mean, mean_square`` (log strength): the standard
    deviation over the drivers is what of a forecast comes from that group.
    """
    contribution = prediction_reasons.c.contribution
    return frame_of(
        connection,
        select(
            races.c.circuit_id,
            races.c.season,
            prediction_reasons.c.race_key,
            prediction_reasons.c.feature_group,
            func.count().label("drivers"),
            func.avg(contribution).label("mean"),
            func.avg(contribution * contribution).label("mean_square"),
        )
        .select_from(prediction_reasons.join(races, prediction_reasons.c.race_key == races.c.race_key))
        .where(prediction_reasons.c.model == POOL, prediction_reasons.c.horizon == horizon)
        .group_by(
            races.c.circuit_id,
            races.c.season,
            prediction_reasons.c.race_key,
            prediction_reasons.c.feature_group,
        )
        .order_by(races.c.season, prediction_reasons.c.race_key, prediction_reasons.c.feature_group),
    )
