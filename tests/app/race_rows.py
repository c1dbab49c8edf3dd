"""Invented rows for the pages of a race: the pool with its places, pairs and reasons, sprints, weather, a circuit."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pandas as pd
from sqlalchemy import create_engine, insert, update

from f1_pipeline.storage import migrate, schema

UTC = dt.UTC
NEXT = "2026-betatown"
DONE = "2026-alphaville"
TEAMS = {
    "ada-arrow": "comet",
    "bo-brake": "comet",
    "cy-camber": "ferrari",
    "di-diffuser": "ferrari",
    "ed-engine": "nimbus",
    "fay-flag": "nimbus",
}
IDS = list(TEAMS)
POOL_WIN = (0.5, 0.2, 0.12, 0.1, 0.05, 0.03)
BEFORE_WIN = (0.3, 0.3, 0.22, 0.1, 0.05, 0.03)
"""What the pool of ``DONE`` said before its weekend."""
SPRINT_WIN = (0.35, 0.3, 0.15, 0.1, 0.06, 0.04)
TEAM_MATES = {
    ("ada-arrow", "bo-brake"): 0.62,
    ("cy-camber", "di-diffuser"): 0.3,
    ("ed-engine", "fay-flag"): 0.55,
}
"""Probability of the first of a team to be ahead of the second: BRA's, DIF's and ENG's chances follow from it."""
CUTOFF = dt.datetime(2026, 5, 2, 15, 40, tzinfo=UTC)
STARTS = {
    "first_practice_at": dt.datetime(2026, 9, 4, 1, 30, tzinfo=UTC),
    "sprint_qualifying_at": dt.datetime(2026, 9, 4, 5, 30, tzinfo=UTC),
    "sprint_at": dt.datetime(2026, 9, 5, 2, tzinfo=UTC),
    "qualifying_at": dt.datetime(2026, 9, 5, 6, tzinfo=UTC),
}
ISSUED = dt.datetime(2026, 9, 3, 12, tzinfo=UTC)


def _common(key: str, horizon: str) -> dict[str, Any]:
    return {
        "race_key": key,
        "horizon": horizon,
        "cutoff": CUTOFF,
        "created_at": CUTOFF + dt.timedelta(minutes=5),
        "data_release": "v2026.5",
        "seed": 1,
    }


def _pool(key: str, horizon: str, win: tuple[float, ...]) -> list[dict[str, Any]]:
    return [
        {
            **_common(key, horizon),
            "model": "pool",
            "driver_id": driver,
            "constructor_id": TEAMS[driver],
            "model_version": 3,
            "win_probability": win[place],
            "interval_low": win[place] * 0.5,
            "interval_high": min(1.0, win[place] * 1.5),
            "podium_probability": 0.9 - 0.16 * place,
            "points_probability": 0.95 - 0.1 * place,
            "expected_position": 1.5 + 0.8 * place,
            "retirement_probability": 0.05 + 0.01 * place,
            "top6_probability": 1.0,
            "expected_points": 20.0 - 3 * place,
            "draws": 10_000,
        }
        for place, driver in enumerate(IDS)
    ]


def _views(key: str, horizon: str) -> dict[Any, list[dict[str, Any]]]:
    at = {"race_key": key, "horizon": horizon, "model": "pool"}
    return {
        schema.position_probabilities: [
            # A circulant: every driver and every place sums to one.
            {**at, "driver_id": driver, "position": place, "probability": POOL_WIN[(place - 1 - row) % 6]}
            for row, driver in enumerate(IDS)
            for place in range(1, 7)
        ],
        schema.head_to_head: [
            {**at, "driver_id": one, "rival_id": other, "probability": TEAM_MATES.get((one, other), 0.6)}
            for row, one in enumerate(IDS)
            for other in IDS[row + 1 :]
        ],
        schema.prediction_reasons: [
            {**at, "driver_id": driver, "feature_group": group, "contribution": value}
            for row, driver in enumerate(IDS)
            for group, value in (("rating", 1.0 - 0.4 * row), ("circuit", 0.1 * (-1) ** row))
        ],
    }


def _sprint(key: str, horizon: str, win: tuple[float, ...]) -> list[dict[str, Any]]:
    return [
        {
            **_common(key, horizon),
            "model": "rating",
            "driver_id": driver,
            "constructor_id": TEAMS[driver],
            "win_probability": win[place],
            "podium_probability": 0.8 - 0.1 * place,
            "points_probability": 0.9 - 0.1 * place,
            "expected_position": 2.0 + 0.6 * place,
            "retirement_probability": 0.03,
            "expected_points": 6.0 - place,
        }
        for place, driver in enumerate(IDS)
    ]


def _weather(session: str, issued_at: dt.datetime, start: dt.datetime, temperature: float) -> dict[str, Any]:
    return {
        "race_key": NEXT,
        "session": session,
        "provider": "open-meteo",
        "issued_at": issued_at,
        "temperature_c": temperature,
        "precipitation_mm": 1.4,
        "precipitation_probability": 0.65,
        "wind_kmh": 18.0,
        "is_wet": True,
        "valid_from": start,
        "valid_until": start + dt.timedelta(hours=2),
    }


def fill(file: Path) -> None:
    """Add the rows to a database of ``conftest.build``, and mark it as one of this version for the ``f1`` command."""
    engine = create_engine(f"sqlite:///{file}")
    race_start = dt.datetime(2026, 9, 6, 5, tzinfo=UTC)
    sprint_order = [IDS[1], IDS[0], *IDS[2:]]
    rows: dict[Any, list[dict[str, Any]]] = {
        schema.predictions: [
            *_pool(NEXT, "pre_weekend", POOL_WIN),
            *_pool(DONE, "pre_weekend", BEFORE_WIN),
            *_pool(DONE, "pre_race", POOL_WIN),
        ],
        schema.sprint_predictions: [
            *_sprint(NEXT, "pre_weekend", SPRINT_WIN),
            *_sprint(DONE, "pre_weekend", SPRINT_WIN),
            *_sprint(DONE, "pre_sprint", SPRINT_WIN[::-1]),
        ],
        schema.sprint_results: [
            {
                "race_key": DONE,
                "display_order": place,
                "driver_id": driver,
                "constructor_id": TEAMS[driver],
                "position": place,
                "position_text": str(place),
                "shared_car": False,
                "points": float(max(0, 9 - place)),
            }
            for place, driver in enumerate(sprint_order, start=1)
        ],
        schema.weather_forecasts: [
            _weather("R", ISSUED - dt.timedelta(days=1), race_start, 31.0),
            _weather("R", ISSUED, race_start, 19.0),
            _weather("Q", ISSUED, STARTS["qualifying_at"], 22.0),
        ],
    }
    for key, horizon in ((NEXT, "pre_weekend"), (DONE, "pre_race")):
        for table, values in _views(key, horizon).items():
            rows.setdefault(table, []).extend(values)
    with engine.begin() as connection:
        for table, values in rows.items():
            connection.execute(insert(table), values)
        connection.execute(
            update(schema.circuits).values(
                latitude=-33.87,
                longitude=151.21,
                country_id="australia",
                full_name="Testring of Testford",
                elevation_m=12.0,
                type="STREET",
                direction="ANTI_CLOCKWISE",
            )
        )
        races = schema.races
        connection.execute(
            update(races).where(races.c.race_key == NEXT).values(start_at=race_start, **STARTS)
        )
        connection.execute(update(races).where(races.c.race_key == DONE).values(is_sprint_weekend=True))
        pd.DataFrame({"version_num": [migrate.head()]}).to_sql(
            "alembic_version", connection, index=False, if_exists="replace"
        )
    engine.dispose()
