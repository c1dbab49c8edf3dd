"""Standings, line-ups and championship forecasts for the invented seasons of ``tests/app/conftest.py``."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, insert

from f1_pipeline.storage import schema

NEXT = "2026-betatown"
RUN = ("2025-testland", "2026-alphaville", "2026-testland")
DRIVERS = {
    "ada-arrow": "comet",
    "bo-brake": "comet",
    "cy-camber": "ferrari",
    "di-diffuser": "ferrari",
    "ed-engine": "nimbus",
    "fay-flag": "nimbus",
}
TEAMS = ("comet", "ferrari", "nimbus")
CUTOFF = dt.datetime(2026, 5, 8, 10, 30, tzinfo=dt.UTC)


def _forecasts(
    race: str, kind: str, ids: tuple[str, ...], chances: tuple[float, ...]
) -> list[dict[str, Any]]:
    return [
        {
            "race_key": race,
            "kind": kind,
            "entity_id": key,
            "points": 50.0 - 10 * place,
            "expected_points": 120.0 - 15 * place,
            "points_low": 100.0 - 15 * place,
            "points_high": 140.0 - 15 * place,
            "expected_position": 1.5 + place,
            "title_probability": chance,
            "top3_probability": min(1.0, 2 * chance),
            "can_win": chance > 0,
            "races_left": 2,
            "draws": 20_000,
            "seed": 1,
            "cutoff": CUTOFF,
            "created_at": CUTOFF,
            "data_release": "v2026.5",
        }
        for place, (key, chance) in enumerate(zip(ids, chances, strict=True))
    ]


def _standings(race: str, order: tuple[str, ...], points: tuple[float, ...]) -> list[dict[str, Any]]:
    return [
        {
            "race_key": race,
            "display_order": n,
            "driver_id": key,
            "position": n,
            "position_text": str(n),
            "points": p,
        }
        for n, (key, p) in enumerate(zip(order, points, strict=True), start=1)
    ]


@pytest.fixture
def season(database: Path) -> Path:
    """The small database with standings, entries and championships. Bo Brake leads after the first race of 2026."""
    ids = tuple(DRIVERS)
    swapped = (ids[1], ids[0], *ids[2:])
    chances = (0.6, 0.3, 0.1, 0.0, 0.0, 0.0)
    rows: dict[Any, list[dict[str, Any]]] = {
        schema.entries: [
            {
                "race_key": race,
                "driver_id": key,
                # A change of teams during the season.
                "constructor_id": "nimbus" if (race, key) == (RUN[1], "di-diffuser") else team,
                "engine_id": "coventry-climax",
                "status": "entered",
            }
            for race in (*RUN, NEXT)
            for key, team in DRIVERS.items()
        ],
        schema.driver_standings: [
            *_standings(RUN[0], ids, (9, 8, 7, 6, 5, 0)),
            *_standings(RUN[1], swapped, (9, 8, 7, 6, 5, 0)),
            *_standings(RUN[2], ids, (18, 16, 14, 12, 10, 0.5)),
        ],
        schema.constructor_standings: [
            {
                "race_key": race,
                "display_order": place,
                "constructor_id": team,
                "engine_id": engine,
                "position": place,
                "position_text": str(place),
                "points": 40.0 - 10 * place,
            }
            for race in RUN
            for place, (team, engine) in enumerate(
                (("comet", "coventry-climax"), ("ferrari", "ferrari"), ("comet", "brm")), start=1
            )
        ],
        schema.championship_forecasts: [
            *_forecasts(RUN[0], "driver", ids, (0.9, 0.1, 0.0, 0.0, 0.0, 0.0)),
            *_forecasts(RUN[1], "driver", ids, (0.4, 0.5, 0.1, 0.0, 0.0, 0.0)),
            *_forecasts(NEXT, "driver", ids, chances),
            *_forecasts(NEXT, "constructor", TEAMS, (1.0, 0.0, 0.0)),
        ],
        schema.championship_positions: [
            {"race_key": NEXT, "kind": "driver", "entity_id": key, "position": place, "probability": 1 / 6}
            for key in ids
            for place in range(1, 7)
        ],
        schema.championship_scenarios: [
            {
                "race_key": NEXT,
                "kind": "driver",
                "driver_id": "ada-arrow",
                "position": place,
                "entity_id": key,
                "probability": 0.25,
                "title_probability": chance,
            }
            for place, chance_of_leader in ((1, 0.8), (2, 0.5), (0, 0.2))
            for key, chance in (("ada-arrow", chance_of_leader), ("bo-brake", 1 - chance_of_leader))
        ],
    }
    engine = create_engine(f"sqlite:///{database}")
    with engine.begin() as connection:
        for table, values in rows.items():
            connection.execute(insert(table), values)
    engine.dispose()
    return database


@pytest.fixture
def write(season: Path) -> Iterator[Callable[..., None]]:
    """Execute statements on the database of ``season``."""
    engine = create_engine(f"sqlite:///{season}")

    def execute(*statements: Any) -> None:
        with engine.begin() as connection:
            for statement in statements:
                connection.execute(statement)

    yield execute
    engine.dispose()
