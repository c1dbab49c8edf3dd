"""Tables with a race that starts in some days, and a weather service that is asked about it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from sqlalchemy import Engine

from f1_pipeline.dagster_instance import get_instance
from f1_pipeline.partitions import sync_partitions
from f1_pipeline.runs import Report, Runs
from f1_pipeline.settings import Settings, get_settings
from f1_pipeline.sources.bundle import content_hashes
from f1_pipeline.sources.simulated import simulate
from f1_pipeline.storage import schema
from f1_pipeline.storage.engine import UpdateLock, get_engine
from f1_pipeline.storage.migrate import upgrade
from f1_pipeline.storage.writes import Load, replace_races, upsert_reference
from f1_pipeline.turn import Turn
from tests.weather.races import DAY, TIMES, now


@pytest.fixture(scope="session")
def tables() -> dict[str, pd.DataFrame]:
    """A world in the middle of its third season, moved in time so that its next race starts in three to four days."""
    found = dict(simulate(2, 7).bundle.tables)
    races = found["races"].sort_values("date").reset_index(drop=True)
    finished = races["race_key"].isin(found["race_results"]["race_key"])
    following = int(finished[finished].index.max()) + 1
    moved = pd.Timedelta((now() + 4 * DAY - races["start_at"].iloc[following]).days, unit="D")
    for name in ("date", *TIMES):
        races[name] = races[name] + moved
    return {**found, "races": races}


@pytest.fixture(scope="session")
def calendar(tables: dict[str, pd.DataFrame]) -> tuple[list[str], str, str]:
    """Race keys in calendar order, the last finished one and the next one."""
    keys = tables["races"]["race_key"].tolist()
    finished = set(tables["race_results"]["race_key"])
    at = max(index for index, key in enumerate(keys) if key in finished)
    return keys, keys[at], keys[at + 1]


@pytest.fixture
def settings(weather_service: Any, monkeypatch: pytest.MonkeyPatch) -> Settings:
    for name in ("OPEN_METEO_URL", "OPEN_METEO_ARCHIVE_URL", "OPENWEATHERMAP_URL"):
        monkeypatch.setenv(f"F1_{name}", weather_service.url)
    monkeypatch.setenv("F1_WEATHER", "auto")
    monkeypatch.setenv("F1_HTTP_RETRY_SECONDS", "0.01")
    get_settings.cache_clear()
    return get_settings()


@pytest.fixture(scope="session")
def filled(tables: dict[str, pd.DataFrame], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The world in the tables, as if it came from F1DB: of an invented one nobody knows the weather."""
    file = tmp_path_factory.mktemp("filled") / "f1.db"
    url = f"sqlite:///{file}"
    upgrade(url)
    engine = get_engine(url)
    for name in schema.REFERENCE_TABLES:
        table = schema.metadata.tables[name]
        upsert_reference(engine, table, tables[name], source="f1db", release="r", content_hash="h")
    for name in schema.RACE_TABLES:
        load = Load("f1db", "r", content_hashes(tables[name]))
        keys = tables["races"]["race_key"].tolist()
        replace_races(engine, schema.metadata.tables[name], tables[name], keys, load=load)
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    engine.dispose()
    return file


@pytest.fixture
def engine(settings: Settings, filled: Path) -> Iterator[Engine]:
    settings.home.mkdir(parents=True, exist_ok=True)
    shutil.copy(filled, settings.home / "f1.db")
    engine = get_engine(settings.tables_url)
    yield engine
    engine.dispose()


@pytest.fixture
def runs(engine: Engine, calendar: tuple[list[str], str, str]) -> Iterator[Runs]:
    with get_instance() as instance:
        sync_partitions(instance, calendar[0])
        yield Runs(instance, Report("f1db", "r", None), lambda line: None, Turn(UpdateLock()))
