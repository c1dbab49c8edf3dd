"""A small database with invented rows, and the dashboard pointed at it.

Two seasons, six drivers in three teams, three finished races with forecasts and scores, one upcoming,
one cancelled. Every number is chosen here and nowhere else, so a page that shows it read it.
"""

from __future__ import annotations

import datetime as dt
import importlib.util
import math
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from sqlalchemy import Table, create_engine, insert, make_url
from streamlit.components.v2 import manifest_scanner

from f1_app.database import engine_for
from f1_pipeline.settings import get_settings
from f1_pipeline.storage import schema

UTC = dt.UTC
DRIVERS = {  # code, name, team
    "ada-arrow": ("ARR", "Ada Arrow", "comet"),
    "bo-brake": ("BRA", "Bo Brake", "comet"),
    "cy-camber": ("CAM", "Cy Camber", "ferrari"),
    "di-diffuser": ("DIF", "Di Diffuser", "ferrari"),
    "ed-engine": ("ENG", "Ed Engine", "nimbus"),
    "fay-flag": (None, "Fay Flag", "nimbus"),
}
TEAMS = {"comet": "Comet Racing", "ferrari": "Ferrari", "nimbus": "Team Nimbus"}
WIN = (0.4, 0.25, 0.15, 0.1, 0.07, 0.03)
"""The ensemble's win probabilities, by the order of DRIVERS."""
UNIFORM = (1 / 6,) * 6
FINISHED = ("2025-testland", "2026-alphaville", "2026-testland")
NEXT = "2026-betatown"
CANCELLED = "2026-gammaford"
SCORED_AT = dt.datetime(2026, 5, 4, 8, tzinfo=UTC)


@pytest.fixture(scope="session", autouse=True)
def _components_are_looked_for_once() -> Iterator[None]:
    """Each run of a page under AppTest would read what is installed again: half a second, four fifths of the run."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            manifest_scanner, "scan_component_manifests", cache(manifest_scanner.scan_component_manifests)
        )
        yield


def _races(next_date: dt.date) -> list[dict[str, Any]]:
    def race(key: str, round_: int, name: str, date: dt.date, **more: Any) -> dict[str, Any]:
        season, grand_prix = key.split("-", 1)
        return {
            "race_key": key,
            "season": int(season),
            "round": round_,
            "grand_prix_id": grand_prix,
            "name": name,
            "circuit_id": "testring",
            "date": date,
            "start_at": dt.datetime.combine(date, dt.time(5), UTC),
            "laps": 50,
            "course_length_km": 5.25,
            "turns": 15,
            "is_sprint_weekend": False,
            "is_cancelled": False,
            **more,
        }

    return [
        race("2025-testland", 1, "Testland Grand Prix", dt.date(2025, 5, 4)),
        race("2026-alphaville", 1, "Alphaville Grand Prix", dt.date(2026, 4, 5)),
        race("2026-testland", 2, "Testland Grand Prix", dt.date(2026, 5, 3)),
        race(CANCELLED, 3, "Gammaford Grand Prix", next_date - dt.timedelta(7), is_cancelled=True),
        race(NEXT, 4, "Betatown Grand Prix", next_date, is_sprint_weekend=True),
        race("2026-deltaburg", 5, "Deltaburg Grand Prix", next_date + dt.timedelta(7), start_at=None),
    ]


def _predictions(key: str, horizon: str, model: str, win: tuple[float, ...]) -> list[dict[str, Any]]:
    stated = model == "ensemble"
    cutoff = dt.datetime(2026, 5, 2, 15, 40, tzinfo=UTC)
    return [
        {
            "race_key": key,
            "horizon": horizon,
            "model": model,
            "driver_id": driver,
            "constructor_id": team,
            "model_version": 7,
            "win_probability": probability,
            "interval_low": probability * 0.8 if stated else None,
            "interval_high": probability * 1.2 if stated else None,
            "podium_probability": min(1.0, probability * 2),
            "points_probability": min(1.0, probability * 3),
            "expected_position": float(place),
            "cutoff": cutoff,
            "created_at": cutoff + dt.timedelta(minutes=5),
            "data_release": "v2026.5",
            "seed": 1,
        }
        for place, ((driver, (_, _, team)), probability) in enumerate(
            zip(DRIVERS.items(), win, strict=True), start=1
        )
    ]


def _score(key: str, horizon: str, model: str, win: tuple[float, ...], winner: int) -> dict[str, Any]:
    ids = list(DRIVERS)
    return {
        "race_key": key,
        "horizon": horizon,
        "model": model,
        "model_version": 7,
        "starters": 6,
        "log_loss": -math.log(win[winner]),
        "brier": sum((p - (place == winner)) ** 2 for place, p in enumerate(win)),
        "podium_log_loss": 0.5,
        "top3_accuracy": 2 / 3,
        "spearman": None if model == "uniform" else 0.6,
        "rank_error": 1.5,
        "winner_correct": winner == 0,
        "winner_probability": win[winner],
        "predicted_winner": ids[0],
        "actual_winner": ids[winner],
        "result_hash": "hash",
        "scored_at": SCORED_AT,
    }


def _results(key: str, winner: int) -> list[dict[str, Any]]:
    ids = list(DRIVERS)
    order = [ids[winner], *(driver for driver in ids if driver != ids[winner])]
    return [
        {
            "race_key": key,
            "display_order": place,
            "driver_id": driver,
            "constructor_id": DRIVERS[driver][2],
            "position": place if place < 6 else None,
            "position_text": str(place) if place < 6 else "DNF",
            "shared_car": False,
            "reason_retired": None if place < 6 else "Gearbox",
            "points": float(max(0, 10 - place)),
            "grid_position": None if place == 5 else 7 - place,
        }
        for place, driver in enumerate(order, start=1)
    ]


def build(
    url: str,
    *,
    source: str = "f1db",
    forecasts: bool = True,
    scores: bool = True,
    next_date: dt.date | None = None,
) -> None:
    """Fill the tables, made where they are not there; without a next date the next race is in three weeks."""
    next_date = next_date or dt.datetime.now(UTC).date() + dt.timedelta(21)
    models = {"ensemble": WIN, "elo": (0.3, 0.2, 0.2, 0.1, 0.1, 0.1), "uniform": UNIFORM}
    winners = dict(zip(FINISHED, (0, 1, 0), strict=True))
    rows: dict[Table, list[dict[str, Any]]] = {
        schema.seasons: [{"season": 2025}, {"season": 2026}],
        schema.circuits: [
            {
                "circuit_id": "testring",
                "name": "Testring",
                "place": "Testford",
                "time_zone": "Australia/Sydney",
            }
        ],
        schema.drivers: [
            {"driver_id": key, "code": code, "name": name, "last_name": name.split()[1]}
            for key, (code, name, _) in DRIVERS.items()
        ],
        schema.constructors: [{"constructor_id": key, "name": name} for key, name in TEAMS.items()],
        schema.races: _races(next_date),
        schema.race_results: [row for key, winner in winners.items() for row in _results(key, winner)],
        schema.data_loads: [
            {
                "table_name": "races",
                "source": source,
                "release": "v2026.5",
                "content_hash": "hash",
                "row_count": 6,
                "loaded_at": dt.datetime(2026, 5, 4, 7, tzinfo=UTC),
            }
        ],
    }
    if forecasts:
        rows[schema.predictions] = [
            row
            for key in (*FINISHED, NEXT)
            for horizon in (("pre_weekend",) if key == NEXT else ("pre_weekend", "pre_race"))
            for model, win in models.items()
            for row in _predictions(key, horizon, model, win)
        ]
        rows[schema.models] = [
            {
                "name": "elo",
                "horizon": "pre_weekend",
                "version": 7,
                "type": "Elo",
                "race_key": NEXT,
                "trained_at": SCORED_AT,
                "data_cutoff": SCORED_AT,
                "trained_through": "2026-testland",
                "training_hash": "hash",
                "training_rows": 1234,
                "hyperparameters": {},
                "metrics": {},
            }
        ]
    if forecasts and scores:
        rows[schema.model_accuracy] = [
            _score(key, horizon, model, win, winner)
            for key, winner in winners.items()
            for horizon in ("pre_weekend", "pre_race")
            for model, win in models.items()
        ]
    engine = create_engine(url)
    schema.metadata.create_all(engine)
    with engine.begin() as connection:
        for table, values in rows.items():
            connection.execute(insert(table), values)
    engine.dispose()


@pytest.fixture
def backend() -> str:
    """The database of the test. To run on both, parametrize a test with ``["sqlite", "postgresql"]``."""
    return "sqlite"


@pytest.fixture(autouse=True)
def f1_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest, backend: str
) -> Iterator[Path]:
    """A state directory of the test's own; what other tests cached is forgotten."""
    monkeypatch.setenv("F1_HOME", str(tmp_path))
    monkeypatch.delenv("F1_DATABASE_URL", raising=False)
    get_settings.cache_clear()
    st.cache_data.clear()
    if backend == "sqlite":
        yield tmp_path
    else:
        url = request.getfixturevalue("new_postgres")(request.getfixturevalue("migrated_postgres"))
        drop = request.getfixturevalue("drop_postgres")
        monkeypatch.setenv("F1_DATABASE_URL", url)
        yield tmp_path
        engine_for(make_url(url)).dispose()
        drop(url)
    get_settings.cache_clear()


@pytest.fixture
def make_database(f1_home: Path) -> Callable[..., Path]:
    """Build the database of the settings, with the options of ``build``; its file (on PostgreSQL there is none)."""

    def make(**options: Any) -> Path:
        build(get_settings().tables_url, **options)
        return f1_home / "f1.db"

    return make


@pytest.fixture
def database(make_database: Callable[..., Path]) -> Path:
    """The full database."""
    return make_database()


@pytest.fixture(scope="session")
def race_rows() -> Any:
    """The module of invented rows for the pages of a race."""
    # Tests are imported file by file, so a module beside them is not on any path.
    spec = importlib.util.spec_from_file_location("race_rows", Path(__file__).with_name("race_rows.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def race_database(database: Path, race_rows: Any) -> Path:
    """The full database with all that a page of a race can show."""
    race_rows.fill(database)
    return database
