"""Rows of classifications with the starting place beside them: what drivers, teams and circuits are told from.

A row is a driver in a car. In the 1950s two drivers could share a car (both rows have its place, and
``shared_car`` marks who took it over), and a driver could appear in one race with several cars; nothing
here joins in a way that would multiply such rows.
"""

from __future__ import annotations

from typing import Any

import pandas as pd
from sqlalchemy import ColumnElement, Connection, Label, Select, Table, and_, case, func, or_, select

from f1_app.queries.shared import code_of_driver, frame_of, name_of_driver, name_of_team
from f1_pipeline.storage.schema import (
    circuits,
    constructors,
    drivers,
    qualifying_results,
    race_results,
    races,
    sprint_results,
    starting_grid,
)

WHOLE = ("round", "grid_position", "grid_order", "position", "qualifying_position", "sprint_position")
"""Columns of whole numbers that may be empty."""


def on_grid(results: Table = race_results, session: str = "R") -> ColumnElement[bool]:
    """The row of the starting grid that belongs to a row of the results; no order of qualifying in its place.

    A driver is on a grid once, so no row of the results is multiplied.
    """
    return and_(
        starting_grid.c.race_key == results.c.race_key,
        starting_grid.c.session == session,
        starting_grid.c.driver_id == results.c.driver_id,
        starting_grid.c.is_provisional.is_not(True),
    )


def grid_position(results: Table = race_results) -> Label[Any]:
    """The place somebody started from, empty for the pit lane: on every page the same.

    The published grid and the results disagree in 37 rows since 2014. The grid is right about places (the results of Styria
    2020 leave out a penalty); who had to start from the pit lane after it was published only the results know.
    """
    place = func.coalesce(starting_grid.c.position, results.c.grid_position)
    return case((_in_pit_lane(results), None), else_=place).label("grid_position")


def grid_order(results: Table = race_results) -> Label[Any]:
    """Places in the order of the grid, on through the pit lane; by the results while nobody has published a grid.

    The live source has none, so for some days the newest race would be the only one in which nobody gained a place.
    """
    return func.coalesce(starting_grid.c.display_order, results.c.grid_position).label("grid_order")


def grid_text(results: Table = race_results) -> Label[Any]:
    """The same in words: a number, or ``PL`` for the pit lane."""
    words = func.coalesce(starting_grid.c.position_text, results.c.grid_text)
    return case((_in_pit_lane(results), "PL"), else_=words).label("grid_text")


def _in_pit_lane(results: Table) -> ColumnElement[bool]:
    return or_(results.c.grid_text == "PL", starting_grid.c.position_text == "PL")


def select_cars() -> Select[Any]:
    """Classification with drivers, teams, circuits and the starting grid."""
    return select(
        races.c.season,
        races.c.round,
        races.c.date,
        races.c.race_key,
        races.c.name.label("race"),
        races.c.circuit_id,
        func.coalesce(circuits.c.name, races.c.circuit_id).label("circuit"),
        race_results.c.display_order,
        race_results.c.driver_id,
        code_of_driver(),
        name_of_driver(race_results.c.driver_id),
        race_results.c.constructor_id,
        name_of_team(race_results.c.constructor_id),
        race_results.c.car_number,
        race_results.c.shared_car,
        grid_position(),
        grid_order(),
        grid_text(),
        race_results.c.position,
        race_results.c.position_text,
        race_results.c.reason_retired,
        race_results.c.points,
    ).select_from(
        race_results.join(races, race_results.c.race_key == races.c.race_key)
        .outerjoin(circuits, races.c.circuit_id == circuits.c.circuit_id)
        .outerjoin(drivers, race_results.c.driver_id == drivers.c.driver_id)
        .outerjoin(constructors, race_results.c.constructor_id == constructors.c.constructor_id)
        .outerjoin(starting_grid, on_grid())
    )


def select_weekends() -> Select[Any]:
    """The same with the place in qualifying and the sprint, for the rows of a driver or a team."""
    # The best row: in Great Britain 2023 the source has one driver twice in qualifying.
    qualifying = (
        select(func.min(qualifying_results.c.position))
        .where(
            qualifying_results.c.race_key == race_results.c.race_key,
            qualifying_results.c.session == "Q",
            qualifying_results.c.driver_id == race_results.c.driver_id,
        )
        .scalar_subquery()
    )

    def of_sprint(column: Any) -> Any:
        return (
            select(column)
            .where(
                sprint_results.c.race_key == race_results.c.race_key,
                sprint_results.c.driver_id == race_results.c.driver_id,
            )
            .scalar_subquery()
        )

    return select_cars().add_columns(
        qualifying.label("qualifying_position"),
        of_sprint(func.min(sprint_results.c.position)).label("sprint_position"),
        of_sprint(func.sum(sprint_results.c.points)).label("sprint_points"),
    )


def frame_of_cars(connection: Connection, statement: Select[Any]) -> pd.DataFrame:
    """The rows of one of the statements above, with types that do not depend on which values are missing."""
    frame = frame_of(connection, statement)
    kinds = {name: "Int64" for name in WHOLE if name in frame}
    kinds["points"] = "float64"
    if "sprint_points" in frame:
        kinds["sprint_points"] = "float64"
    return frame.astype(kinds)
