"""Rows for the pages of drivers, teams and circuits: a race of the kind the 1950s had, ratings and features.

Added to the small database of ``conftest``: the 1955 race has a car that two drivers shared, a driver in two cars and one
who did not start; in 2026 one starts from the pit lane and a penalty makes the fastest in qualifying second on the grid.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Table, create_engine, insert, select

from f1_pipeline.storage import schema

OLD = "1955-oldland"
GRIDS = {  # of the races of conftest: the order on the grid; the last starts from the pit lane where it says so
    "2025-testland": ("bo-brake", "ada-arrow", "cy-camber", "di-diffuser", "ed-engine", "fay-flag"),
    "2026-alphaville": ("bo-brake", "ada-arrow", "cy-camber", "di-diffuser", "fay-flag", "ed-engine"),
    "2026-testland": ("ada-arrow", "bo-brake", "cy-camber", "di-diffuser", "ed-engine", "fay-flag"),
}
PIT_LANE = ("2026-testland", "fay-flag")


def _old_race() -> list[dict[str, Any]]:
    rows = [  # driver, team, car, place, took over, points
        ("ada-arrow", "comet", "2", 1, False, 4.0),
        ("gus-gasket", "comet", "2", 1, True, 4.0),
        ("cy-camber", "ferrari", "4", 2, False, 6.0),
        ("bo-brake", "comet", "8", 3, False, 4.0),
        ("gus-gasket", "comet", "6", None, False, 0.0),
        ("ed-engine", "nimbus", "9", None, False, 0.0),
    ]
    return [
        {
            "race_key": OLD,
            "display_order": order,
            "driver_id": driver,
            "constructor_id": team,
            "car_number": car,
            "position": place,
            "position_text": str(place) if place else "DNS" if driver == "ed-engine" else "DNF",
            "shared_car": took_over,
            "reason_retired": "Engine" if car == "6" else None,
            "points": points,
        }
        for order, (driver, team, car, place, took_over, points) in enumerate(rows, start=1)
    ]


def _grid(key: str, order: tuple[str, ...], teams: dict[str, str]) -> list[dict[str, Any]]:
    return [
        {
            "race_key": key,
            "session": "R",
            "display_order": place,
            "driver_id": driver,
            "constructor_id": teams[driver],
            "position": None if (key, driver) == PIT_LANE else place,
            "position_text": "PL" if (key, driver) == PIT_LANE else str(place),
        }
        for place, driver in enumerate(order, start=1)
    ]


def _teams(connection: Connection) -> dict[str, str]:
    """The drivers of the small database in their order, with their teams."""
    rows = connection.execute(
        select(schema.race_results.c.driver_id, schema.race_results.c.constructor_id)
        .where(schema.race_results.c.race_key == "2026-testland")
        .order_by(schema.race_results.c.driver_id)
    )
    return {row.driver_id: row.constructor_id for row in rows}


@pytest.fixture
def people(database: Path) -> Path:
    """The small database with the rows of this module."""
    engine = create_engine(f"sqlite:///{database}")
    with engine.begin() as connection:
        for table, values in _rows(_teams(connection)).items():
            connection.execute(insert(table), values)
    engine.dispose()
    return database


def _rows(teams: dict[str, str]) -> dict[Table, list[dict[str, Any]]]:
    rated = list(GRIDS)
    return {
        schema.seasons: [{"season": 1955}],
        schema.drivers: [
            {"driver_id": "gus-gasket", "code": None, "name": "Gus Gasket", "last_name": "Gasket"}
        ],
        schema.races: [
            {
                "race_key": OLD,
                "season": 1955,
                "round": 1,
                "grand_prix_id": "oldland",
                "name": "Oldland Grand Prix",
                "circuit_id": "testring",
                "date": dt.date(1955, 6, 5),
                "course_length_km": 6.5,
                "turns": 9,
                "is_sprint_weekend": False,
                "is_cancelled": False,
            }
        ],
        schema.race_results: _old_race(),
        schema.starting_grid: [
            row
            for key, order in {
                OLD: ("gus-gasket", "cy-camber", "ada-arrow", "bo-brake"),
                **GRIDS,
            }.items()
            for row in _grid(key, order, {**teams, "gus-gasket": "comet"})
        ],
        schema.qualifying_results: [
            {
                "race_key": key,
                "session": "Q",
                "display_order": place,
                "driver_id": driver,
                "constructor_id": teams[driver],
                "position": place,
                "position_text": str(place),
            }
            for key in GRIDS
            for place, driver in enumerate(teams, start=1)
        ],
        schema.sprint_results: [
            {
                "race_key": "2026-testland",
                "display_order": 1,
                "driver_id": "bo-brake",
                "constructor_id": "comet",
                "position": 1,
                "position_text": "1",
                "points": 8.0,
                "shared_car": False,
            }
        ],
        schema.entries: [
            {
                "race_key": key,
                "driver_id": driver,
                "constructor_id": team,
                "status": "entered",
            }
            for key in rated
            for driver, team in teams.items()
        ],
        schema.driver_standings: [
            {
                "race_key": key,
                "display_order": place,
                "driver_id": driver,
                "position": place,
                "position_text": str(place),
                "points": 50.0 - place,
            }
            for key in ("2025-testland", "2026-alphaville", "2026-testland")
            for place, driver in enumerate(teams, start=1)
        ],
        schema.constructor_standings: [
            {
                "race_key": key,
                "display_order": place,
                "constructor_id": team,
                "position": place,
                "position_text": str(place),
                "points": 90.0 - place,
            }
            for key in ("2025-testland", "2026-testland")
            for place, team in enumerate(("comet", "ferrari", "nimbus"), start=1)
        ],
        schema.elo_ratings: [
            {
                "race_key": key,
                "kind": kind,
                "entity_id": entity,
                "value_before": 1500.0 + 10 * step,
                "value_after": 1510.0 + 10 * step,
            }
            for kind, entities in (("driver", teams), ("constructor", set(teams.values())))
            for entity in entities
            for step, key in enumerate(rated)
        ],
        schema.joint_ratings: [
            {
                "race_key": key,
                "horizon": "pre_weekend",
                "driver_id": driver,
                "constructor_id": team,
                "team_mean": 0.5 if team == "comet" else 0.0,
                "team_sd": 0.2,
                "driver_mean": 0.3 if driver == "ada-arrow" else 0.0,
                "driver_sd": 0.1,
                "mean": (0.5 if team == "comet" else 0.0) + (0.3 if driver == "ada-arrow" else 0.0),
                "sd": 0.25,
                "own_sd": 0.2,
            }
            for key in rated
            for driver, team in teams.items()
        ],
        schema.feature_matrix: [
            {
                "race_key": key,
                "horizon": "pre_weekend",
                "driver_id": driver,
                "constructor_id": team,
                "cutoff": dt.datetime(2026, 5, 1, tzinfo=dt.UTC),
                "retirement_circuit": 0.1 * step,
                "track_length_km": 5.25,
                "turn_count": 15.0,
                "driver_wins_at_circuit": 1.0 if driver == "ada-arrow" else 0.0,
                "driver_avg_finish_at_circuit": 2.5,
            }
            for step, key in enumerate(rated)
            for driver, team in teams.items()
        ],
        schema.prediction_reasons: [
            {
                "race_key": key,
                "horizon": horizon,
                "model": "pool",
                "driver_id": driver,
                "feature_group": group,
                "contribution": sign * size,
            }
            for key in ("2025-testland", "2026-testland")
            for horizon in ("pre_weekend", "pre_race")
            for group, size in (("circuit", 0.05), ("rating", 0.8))
            for sign, driver in ((1, "ada-arrow"), (-1, "bo-brake"))
        ],
    }
