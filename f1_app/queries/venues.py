"""Where a race is held, and who won there before."""

from __future__ import annotations

import pandas as pd
from sqlalchemy import Connection, func, or_, select

from f1_app.queries.cars import grid_position, on_grid
from f1_app.queries.shared import code_of_driver, frame_of, name_of_driver, name_of_team
from f1_app.records import Venue
from f1_pipeline.storage.schema import circuits, constructors, drivers, race_results, races, starting_grid


def venue(connection: Connection, race_key: str) -> Venue | None:
    """The circuit of a race, with length and turns of the layout of that day; None where it is not known."""
    row = connection.execute(
        select(
            circuits.c.circuit_id,
            circuits.c.name,
            circuits.c.full_name,
            circuits.c.place,
            circuits.c.country_id,
            circuits.c.latitude,
            circuits.c.longitude,
            func.coalesce(races.c.course_length_km, circuits.c.length_km),
            func.coalesce(races.c.turns, circuits.c.turns),
            circuits.c.elevation_m,
            circuits.c.type,
            circuits.c.direction,
        )
        .select_from(races.join(circuits, races.c.circuit_id == circuits.c.circuit_id))
        .where(races.c.race_key == race_key)
    ).first()
    return None if row is None else Venue(*tuple(row))


def past_winners(connection: Connection, race_key: str, limit: int = 10) -> pd.DataFrame:
    """Winners of earlier races at the circuit of a race or of its Grand Prix, newest first.

    Both, because each alone misleads: a Grand Prix moves (Spain went to Madrid in 2026), and a circuit
    changes its Grand Prix (Imola). ``same_circuit`` tells them apart. Shared drives give two rows.
    """
    this = connection.execute(
        select(races.c.date, races.c.circuit_id, races.c.grand_prix_id).where(races.c.race_key == race_key)
    ).first()
    columns = [
        races.c.race_key,
        races.c.season,
        races.c.name,
        circuits.c.name.label("circuit"),
        races.c.circuit_id,
        race_results.c.driver_id,
        code_of_driver(),
        name_of_driver(race_results.c.driver_id),
        race_results.c.constructor_id,
        name_of_team(race_results.c.constructor_id),
        grid_position(),
    ]
    statement = (
        select(*columns)
        .select_from(
            races.join(race_results, race_results.c.race_key == races.c.race_key)
            .outerjoin(circuits, circuits.c.circuit_id == races.c.circuit_id)
            .outerjoin(drivers, drivers.c.driver_id == race_results.c.driver_id)
            .outerjoin(constructors, constructors.c.constructor_id == race_results.c.constructor_id)
            .outerjoin(starting_grid, on_grid())
        )
        .order_by(races.c.date.desc(), race_results.c.display_order)
        .limit(limit)
    )
    if this is None:
        names = [column.name for column in columns]
        return pd.DataFrame(columns=[*names, "same_circuit"])
    # The races first, and their results by key: in one statement SQLite starts with the table of results and reads
    # all of it (24 ms of 25,000 rows, against 1).
    earlier = connection.scalars(
        select(races.c.race_key)
        .where(
            races.c.date < this.date,
            or_(races.c.circuit_id == this.circuit_id, races.c.grand_prix_id == this.grand_prix_id),
        )
        .order_by(races.c.date.desc(), races.c.race_key)
        # A race that was never run has no winner; a season has one of them at most.
        .limit(2 * limit)
    ).all()
    frame = frame_of(
        connection,
        statement.where(race_results.c.race_key.in_(earlier), race_results.c.position == 1),
    )
    return frame.assign(same_circuit=frame["circuit_id"] == this.circuit_id)
