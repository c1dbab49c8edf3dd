"""Weather from the service to the feature matrix: what is asked when, kept, used, and what happens without it."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from pydantic import ValidationError
from sqlalchemy import Engine, insert, update

from f1_pipeline import update as updating
from f1_pipeline import weather
from f1_pipeline.automation.plan import KeyRange, Plan
from f1_pipeline.dagster_instance import get_instance
from f1_pipeline.errors import ContractViolation, NotReady, SourceRefused, SourceUnavailable
from f1_pipeline.partitions import sync_partitions
from f1_pipeline.runs import Report, Runs
from f1_pipeline.settings import Settings, get_settings
from f1_pipeline.snapshot import Snapshot
from f1_pipeline.sources.bundle import content_hashes
from f1_pipeline.sources.simulated import simulate
from f1_pipeline.sources.weather import Conditions, make_row, rows_frame
from f1_pipeline.storage import reads, schema
from f1_pipeline.storage import weather as stored
from f1_pipeline.storage.engine import UpdateLock, get_engine
from f1_pipeline.storage.migrate import upgrade
from f1_pipeline.storage.writes import Load, replace_races, upsert_reference
from f1_pipeline.turn import Turn
from f1_pipeline.update import run_update

pytestmark = [
    pytest.mark.filterwarnings("ignore::dagster.BetaWarning", "ignore::dagster.PreviewWarning"),
    pytest.mark.filterwarnings("ignore:The `__fields__` attribute is deprecated"),
]

FEATURES = ["temperature_c", "precipitation_mm", "wind_kmh", "is_wet"]
TIMES = ["start_at", "first_practice_at", "qualifying_at", "sprint_qualifying_at", "sprint_at"]
HOUR, DAY = dt.timedelta(hours=1), dt.timedelta(days=1)
KEY = "s3cret-key"


def now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


@pytest.fixture(scope="module")
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


@pytest.fixture(scope="module")
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


@pytest.fixture(scope="module")
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


def matrix(engine: Engine, race: str) -> pd.DataFrame:
    return reads.read_table(engine, schema.feature_matrix, [race], horizon="pre_weekend")


def move(engine: Engine, race: str, **values: Any) -> None:
    table = schema.races
    with engine.begin() as connection:
        connection.execute(update(table).where(table.c.race_key == race).values(**values))


# --- the decisions ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("environment", "held", "expected"),
    [
        ({}, "f1db", ("open-meteo",)),
        ({"F1_WEATHER": "open-meteo", "F1_OPENWEATHERMAP_KEY": KEY}, "f1db", ("open-meteo",)),
        ({"F1_OPENWEATHERMAP_KEY": KEY}, "f1db", ("openweathermap", "open-meteo")),
        ({"F1_WEATHER": "openweathermap", "F1_OPENWEATHERMAP_KEY": KEY}, None, ("openweathermap",)),
        ({"F1_WEATHER": "off", "F1_OPENWEATHERMAP_KEY": KEY}, "f1db", ()),
        ({"F1_OPENWEATHERMAP_KEY": KEY}, "simulated", ()),
    ],
)
def test_which_services_are_asked(
    environment: dict[str, str], held: str | None, expected: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("F1_WEATHER", "auto")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    settings = Settings()
    assert weather.services(settings, held) == expected
    assert KEY not in repr(settings)
    assert KEY not in settings.model_dump_json()


def test_openweathermap_needs_its_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("F1_WEATHER", "openweathermap")
    with pytest.raises(ValidationError, match="openweathermap needs F1_OPENWEATHERMAP_KEY") as found:
        Settings()
    assert found.value.errors()[0]["loc"] == ("weather",)


RACE = pd.Series(
    {"race_key": "2026-x", "season": 2026, "finished": False, "start_at": pd.Timestamp("2026-07-26T13:00Z"),
     "latitude": 47.6, "longitude": 19.2}
)  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "before", "words"),
    [
        ({}, 3 * DAY, None),
        ({}, 20 * DAY, "too far away"),
        ({}, dt.timedelta(0), "it has begun"),
        ({"finished": True}, 3 * DAY, "it has been run"),
        ({"start_at": pd.NaT}, 3 * DAY, "start time is not known"),
        ({"latitude": float("nan")}, 3 * DAY, "coordinates"),
    ],
)
def test_when_a_forecast_can_be_taken(
    changes: dict[str, Any], before: dt.timedelta, words: str | None
) -> None:
    race = pd.Series({**RACE, **changes})
    moment = (RACE["start_at"] - before).to_pydatetime()
    reason = weather.why_no_forecast(race, ["open-meteo"], moment)
    assert (reason is None) if words is None else (reason is not None and words in reason)
    assert weather.why_no_forecast(race, [], moment) is not None
    assert weather.why_no_forecast(None, ["open-meteo"], moment) == "it is not in the calendar"


def test_what_is_looked_up_after_the_fact() -> None:
    """Of a thousand races none by accident: only the last weeks, or from the season that somebody set."""
    moment = dt.datetime(2026, 11, 25, tzinfo=dt.UTC)
    days = [3000, 700, 60, 20, 8, 2, -5]
    start = pd.Series([pd.Timestamp(moment - number * DAY) for number in days])
    places = pd.DataFrame(
        {
            "race_key": [f"r{number}" for number in days],
            "season": start.dt.year,
            "start_at": start,
            "latitude": 1.0,
            "longitude": 2.0,
            "finished": start < moment,
        }
    )
    places.loc[len(places)] = {**places.iloc[3], "race_key": "nowhere", "latitude": float("nan")}
    places.loc[len(places)] = {**places.iloc[3], "race_key": "sometime", "start_at": pd.NaT}
    assert weather.observed_due(places, [], None, moment) == ["r20", "r8"]
    assert weather.observed_due(places, ["r20"], None, moment) == ["r8"]
    assert weather.observed_due(places, [], 2024, moment) == ["r700", "r60", "r20", "r8"]
    assert weather.observed_due(places, [], 2027, moment) == []


# --- one forecast ----------------------------------------------------------------------------------------


def test_a_forecast_of_the_weekend_is_taken_and_kept(
    engine: Engine, settings: Settings, calendar: tuple[list[str], str, str], weather_service: Any
) -> None:
    race, began = calendar[2], now()
    new = weather.take_forecast(settings, engine, race, began)
    place = stored.race_places(engine).set_index("race_key").loc[race]
    sessions = {"R", "Q"} | ({"S"} if pd.notna(place["sprint_at"]) else set())
    assert set(new["session"]) == sessions
    assert weather_service.asked == ["/v1/forecast"], "one request for all sessions"
    row = stored.newest_forecast_before(engine, race, now()).iloc[0]
    assert (row["provider"], row["temperature_c"], row["wind_kmh"]) == ("open-meteo", 21.5, 14.0)
    assert (row["precipitation_mm"], row["precipitation_probability"], row["is_wet"]) == (
        pytest.approx(0.4),
        0.6,
        1,
    )
    assert began <= row["issued_at"] <= now()
    assert (row["valid_from"], row["valid_until"]) == (place["start_at"], place["start_at"] + 2 * HOUR)
    assert weather.take_forecast(settings, engine, race, now()).empty, "the same answer, from the cache"
    assert len(weather_service.asked) == 1


def test_no_forecast_of_a_race_that_was_run_or_begins_after_the_reach(
    engine: Engine, settings: Settings, calendar: tuple[list[str], str, str], weather_service: Any
) -> None:
    keys, last, coming = calendar
    for race in (last, keys[keys.index(coming) + 2], "2026-nowhere"):
        with pytest.raises(NotReady, match=race):
            weather.take_forecast(settings, engine, race, now())
    start = stored.race_places(engine).set_index("race_key").loc[coming, "start_at"]
    with pytest.raises(NotReady, match="it has begun"):
        weather.take_forecast(settings, engine, coming, start.to_pydatetime())
    assert weather_service.asked == []


def test_a_session_that_is_over_is_not_forecast(
    engine: Engine, settings: Settings, calendar: tuple[list[str], str, str]
) -> None:
    start = stored.race_places(engine).set_index("race_key").loc[calendar[2], "start_at"]
    new = weather.take_forecast(settings, engine, calendar[2], (start - HOUR).to_pydatetime())
    assert set(new["session"]) == {"R"}


def test_a_forecast_without_values_is_none(
    engine: Engine, settings: Settings, calendar: tuple[list[str], str, str], weather_service: Any
) -> None:
    weather_service.values = False
    assert weather.take_forecast(settings, engine, calendar[2], now()).empty
    assert reads.read_table(engine, schema.weather_forecasts).empty


@pytest.mark.parametrize(
    ("script", "error"),
    [
        (["503", "503"], SourceUnavailable),
        (["404"], SourceRefused),
        (["html"], SourceRefused),
        (["shape"], ContractViolation),
    ],
)
def test_errors_are_typed(
    engine: Engine,
    settings: Settings,
    calendar: tuple[list[str], str, str],
    weather_service: Any,
    script: list[str],
    error: type[Exception],
) -> None:
    weather_service.script = list(script)
    with pytest.raises(error, match=calendar[2]):
        weather.take_forecast(settings, engine, calendar[2], now())
    assert reads.read_table(engine, schema.weather_forecasts).empty


def test_with_a_key_openweathermap_comes_first_and_the_other_after_it(
    engine: Engine,
    settings: Settings,
    calendar: tuple[list[str], str, str],
    weather_service: Any,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setenv("F1_OPENWEATHERMAP_KEY", KEY)
    keyed = Settings()
    new = weather.take_forecast(keyed, engine, calendar[2], now())
    assert set(new["provider"]) == {"openweathermap"}
    weather_service.refused.append("/2.5/forecast")
    # A start in another hour asks for the same address: the answer has to be gone from the cache.
    keyed.weather_cache.unlink()
    new = weather.take_forecast(keyed, engine, calendar[2], now())
    assert set(new["provider"]) == {"open-meteo"}
    assert "HTTP 401" in caplog.text
    assert "asking open-meteo" in caplog.text
    assert KEY not in caplog.text


# --- the assets and the update ---------------------------------------------------------------------------


def test_an_update_takes_weather_before_it_makes_features(
    engine: Engine,
    settings: Settings,
    runs: Runs,
    calendar: tuple[list[str], str, str],
    weather_service: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _, last, coming = calendar
    move(engine, last, start_at=now() - 10 * DAY, qualifying_at=now() - 11 * DAY)
    with engine.begin() as connection:
        done = {"table_name": reads.COMPLETED, "source": "f1db", "release": "r", "content_hash": "digest"}
        connection.execute(insert(schema.data_loads), [{**done, "row_count": 0, "loaded_at": now()}])
    # A release that is known, and a plan with nothing in it: what is left is the weather.
    monkeypatch.setattr(updating, "refresh", lambda *_: Snapshot("f1db", "r", "digest"))
    monkeypatch.setattr(updating, "make_plan", lambda *_: Plan())
    told: list[str] = []
    report = run_update(settings, told.append)
    assert report.weather == coming
    assert report.idle, "no race, no forecast of a race"
    assert set(report.seconds) == {"weather", "features with the new weather"}
    rows = matrix(engine, coming)
    assert len(rows) == 20
    for name, value in zip(FEATURES, (21.5, 0.4, 14.0, 1.0), strict=True):
        assert rows[name].tolist() == pytest.approx([value] * 20), name
    seen = reads.read_table(engine, schema.weather_observed)
    assert last in set(seen["race_key"])
    assert (seen["issued_at"] >= seen["valid_until"]).all()
    asked = len(weather_service.asked)
    again = run_update(settings, told.append)
    assert (again.weather, again.seconds) == (None, {}), "six hours later"
    assert len(weather_service.asked) == asked
    move(engine, coming, start_at=pd.Timestamp(rows["cutoff"].iloc[0]).to_pydatetime() + 2 * DAY + HOUR)
    assert weather.due(settings, engine, now())[0] == coming, "the start has moved"


@pytest.mark.parametrize("fault", ["503", "html", "shape", "unreachable"])
def test_missing_weather_is_a_warning_and_an_empty_column(
    engine: Engine,
    settings: Settings,
    runs: Runs,
    calendar: tuple[list[str], str, str],
    weather_service: Any,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    fault: str,
) -> None:
    coming = calendar[2]
    if fault == "unreachable":
        monkeypatch.setenv("F1_OPEN_METEO_URL", "http://127.0.0.1:9")
        get_settings.cache_clear()
    weather_service.script = [fault] * 9
    updating._fetch_weather(get_settings(), engine, runs, None)
    assert runs.report.weather is None
    assert "going on without" in caplog.text
    assert coming in caplog.text
    if fault != "503":
        return  # it is all the same from here on
    runs.run("rate_and_describe", "features", KeyRange(coming, coming))
    rows = matrix(engine, coming)
    assert len(rows) == 20
    assert rows[FEATURES].isna().all(axis=None)
    assert rows["current_elo"].notna().all()


def test_a_stage_that_breaks_does_not_stop_the_update(
    engine: Engine, settings: Settings, runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("a mistake in the code")

    monkeypatch.setattr(weather, "take_forecast", broken)
    told: list[str] = []
    runs.tell = told.append
    updating._fetch_weather(settings, engine, runs, None)
    assert any("a mistake in the code; going on without weather" in line for line in told)


def test_only_the_next_race_is_forecast_and_no_history_is_fetched(
    engine: Engine,
    settings: Settings,
    runs: Runs,
    calendar: tuple[list[str], str, str],
    weather_service: Any,
) -> None:
    keys, _, coming = calendar
    runs.run("fetch_weather", "everything", KeyRange(keys[0], keys[-1]))
    assert set(reads.read_table(engine, schema.weather_forecasts)["race_key"]) == {coming}
    seen = set(reads.read_table(engine, schema.weather_observed)["race_key"])
    assert len(seen) <= 3 < len(keys)
    assert weather_service.asked.count("/v1/forecast") == 1
    assert weather_service.asked.count("/v1/archive") == len(seen)


def test_a_race_that_never_got_a_result_does_not_keep_the_weather_of_the_next_one_away(
    engine: Engine,
    settings: Settings,
    runs: Runs,
    calendar: tuple[list[str], str, str],
    weather_service: Any,
) -> None:
    """A forecast that was not taken before a race cannot be fetched later."""
    keys, _, given_up = calendar
    following = keys[keys.index(given_up) + 1]
    move(engine, given_up, date=(now() - 7 * DAY).date(), start_at=now() - 7 * DAY)
    move(engine, following, date=(now() + 3 * DAY).date(), start_at=now() + 3 * DAY)
    assert weather.due(settings, engine, now())[0] is None, "data of any age have no race that is overdue"
    loads = schema.data_loads
    with engine.begin() as connection:
        connection.execute(update(loads).where(loads.c.source == "f1db").values(release="v2026.10.1"))
    assert weather.due(settings, engine, now())[0] == following
    runs.run("fetch_weather", "both", KeyRange(given_up, following))
    assert set(reads.read_table(engine, schema.weather_forecasts)["race_key"]) == {following}


def test_older_seasons_are_looked_up_when_asked_for_some_races_a_run(
    engine: Engine,
    settings: Settings,
    runs: Runs,
    calendar: tuple[list[str], str, str],
    weather_service: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    keys = calendar[0]
    monkeypatch.setenv("F1_WEATHER_OBSERVED_FROM_SEASON", "2025")
    get_settings.cache_clear()
    monkeypatch.setattr("f1_pipeline.assets.weather.MOST_RACES", 5)
    span = KeyRange(keys[0], keys[-1])
    runs.run("fetch_weather", "five", span)
    seen = reads.read_table(engine, schema.weather_observed)
    assert seen["race_key"].nunique() == 5
    assert {key[:4] for key in seen["race_key"]} == {"2025"}
    runs.run("fetch_weather", "five more", span)
    assert reads.read_table(engine, schema.weather_observed)["race_key"].nunique() == 10
    weather_service.script = ["503"] * 99
    asked = len(weather_service.asked)
    runs.run("fetch_weather", "not now", span)
    assert len(weather_service.asked) - asked == 2, "one race, one retry: the next ones are as unreachable"


def test_an_observation_without_values_is_kept_as_such(
    engine: Engine, settings: Settings, calendar: tuple[list[str], str, str], weather_service: Any
) -> None:
    last = calendar[1]
    move(engine, last, start_at=now() - 10 * DAY)
    weather_service.values = False
    weather.take_observed(settings, engine, last, now())
    seen = reads.read_table(engine, schema.weather_observed, [last])
    assert len(seen) >= 1
    assert seen[["temperature_c", "precipitation_mm", "is_wet"]].isna().all(axis=None)
    assert last not in weather.due(settings, engine, now())[1]
    with pytest.raises(NotReady, match="no observed weather"):
        weather.take_observed(settings, engine, calendar[2], now())


def test_observed_weather_never_reaches_a_feature(
    engine: Engine, settings: Settings, runs: Runs, calendar: tuple[list[str], str, str]
) -> None:
    """Whatever stands in the table of observations, and even with times that make it look like a forecast."""
    _, last, coming = calendar
    places = stored.race_places(engine).set_index("race_key")
    wet = Conditions(11.0, 9.0, None, 30.0, is_wet=True)
    frames = []
    for race in (last, coming):
        start = places.loc[race, "start_at"].to_pydatetime()
        frame = rows_frame([make_row(race, "R", "open-meteo", "observed", wet, start, start + 9 * DAY)])
        frames.append(frame.assign(issued_at=frame["valid_from"] - pd.Timedelta(days=9)))
    stored.replace_observed(engine, pd.concat(frames))
    assert len(reads.read_table(engine, schema.weather_observed)) == 2
    runs.run("rate_and_describe", "features", KeyRange(last, coming))
    rows = reads.read_table(engine, schema.feature_matrix, [last, coming])
    assert set(rows["race_key"]) == {last, coming}
    assert rows[FEATURES].isna().all(axis=None)


def test_off_asks_nobody(
    engine: Engine,
    runs: Runs,
    weather_service: Any,
    monkeypatch: pytest.MonkeyPatch,
    calendar: tuple[list[str], str, str],
) -> None:
    monkeypatch.setenv("F1_WEATHER", "off")
    get_settings.cache_clear()
    assert weather.due(get_settings(), engine, now()) == (None, [])
    runs.run("fetch_weather", "weather", KeyRange(calendar[2], calendar[2]))
    with pytest.raises(NotReady, match="weather is off"):
        weather.take_forecast(get_settings(), engine, calendar[2], now())
    with pytest.raises(NotReady, match="it is off"):
        weather.take_observed(get_settings(), engine, calendar[1], now())
    assert weather_service.asked == []


def test_features_of_a_past_race_know_its_forecast_at_each_horizon(
    engine: Engine, settings: Settings, runs: Runs, calendar: tuple[list[str], str, str]
) -> None:
    """The forecast before the weekend for the one horizon, the one of Sunday morning for the other."""
    last = calendar[1]
    place = reads.calendar(engine).set_index("race_key").loc[last]
    start, practice = place["start_at"].to_pydatetime(), place["first_practice_at"].to_pydatetime()
    taken = {practice - HOUR: 15.0, practice: 20.0, start - HOUR: 25.0}
    rows = [
        make_row(
            last, "R", "open-meteo", "forecast", Conditions(value, None, None, None, None), start, moment
        )
        for moment, value in taken.items()
    ]
    stored.add_forecasts(engine, rows_frame(rows))
    runs.run("rate_and_describe", "features", KeyRange(last, last))
    found = reads.read_table(engine, schema.feature_matrix, [last]).groupby("horizon")["temperature_c"]
    assert found.unique().map(list).to_dict() == {"pre_weekend": [15.0], "pre_race": [25.0]}
