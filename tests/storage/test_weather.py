"""Weather on SQLite and PostgreSQL: forecasts are added and kept, observations replaced, the newest before a cutoff."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pandas as pd
import pytest
from sqlalchemy import Engine, delete, insert, update

from f1_pipeline.sources.weather import Conditions, is_wet, make_row, rows_frame
from f1_pipeline.storage import reads, schema, weather

ALPHA, BETA = "2026-alphaland", "2026-betaland"
START = dt.datetime(2026, 1, 1, 14, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)


def rows(*hours_before: float, race: str = ALPHA, rain: float | None = 0.0, **changes: Any) -> pd.DataFrame:
    values = {"session": "R", "provider": "open-meteo", "kind": "forecast", **changes}
    conditions = Conditions(20.0, rain, None, 9.0, is_wet=is_wet(rain))
    return rows_frame(
        [
            make_row(race, conditions=conditions, start=START, issued_at=START - hours * HOUR, **values)
            for hours in hours_before
        ]
    )


def stored(engine: Engine) -> pd.DataFrame:
    return reads.read_table(engine, schema.weather_forecasts)


def test_every_forecast_is_kept(engine: Engine) -> None:
    assert len(weather.add_forecasts(engine, rows(48))) == 1
    weather.add_forecasts(engine, rows(24, rain=2.0))
    weather.add_forecasts(engine, pd.concat([rows(24, session="Q"), rows(24, race=BETA)]))
    weather.add_forecasts(engine, rows(24, rain=None, provider="openweathermap"))
    found = stored(engine)
    assert len(found) == 5
    race = found[(found["race_key"] == ALPHA) & (found["session"] == "R")]
    assert race["issued_at"].tolist() == [START - 48 * HOUR, START - 24 * HOUR, START - 24 * HOUR]
    assert race["is_wet"].iloc[:2].tolist() == [0.0, 1.0]
    assert race["precipitation_mm"].isna().tolist() == [False, False, True]
    assert race["is_wet"].isna().tolist() == [False, False, True]


def test_the_same_answer_again_adds_nothing(engine: Engine) -> None:
    weather.add_forecasts(engine, rows(24))
    before = stored(engine)
    assert weather.add_forecasts(engine, rows(24)).empty, "the same key"
    assert weather.add_forecasts(engine, rows(24, rain=5.0)).empty, (
        "a forecast that was taken does not change"
    )
    assert weather.add_forecasts(engine, rows(23.5)).empty, (
        "the same answer from the cache, half an hour later"
    )
    pd.testing.assert_frame_equal(stored(engine), before)
    assert len(weather.add_forecasts(engine, rows(23.4, rain=0.1))) == 1, "it says something else"
    assert len(weather.add_forecasts(engine, rows(22, rain=0.1))) == 1, "it says the same, two hours later"
    assert weather.add_forecasts(engine, rows_frame([])).empty


def test_a_failed_write_leaves_what_was_there(engine: Engine) -> None:
    weather.add_forecasts(engine, rows(24))
    before = stored(engine)
    with pytest.raises(Exception, match=r"(?i)foreign key"):
        weather.add_forecasts(engine, pd.concat([rows(12), rows(12, race="2026-nowhere")]))
    pd.testing.assert_frame_equal(stored(engine), before)


def test_the_newest_forecast_before_a_cutoff(engine: Engine) -> None:
    weather.add_forecasts(
        engine, pd.concat([rows(*hours, rain=float(hours[0])) for hours in ([72], [48], [24])])
    )
    weather.add_forecasts(engine, rows(30, session="Q", rain=99.0))

    def newest(hours: float, race: str = ALPHA) -> list[float]:
        found = weather.newest_forecast_before(engine, race, START - hours * HOUR)
        return list(found["precipitation_mm"])

    assert newest(0) == [24.0]
    assert newest(24) == [48.0], "before the cutoff, not at it"
    assert newest(23.99) == [24.0]
    assert newest(72) == []
    assert newest(0, BETA) == []
    assert list(weather.newest_forecast_before(engine, ALPHA, START, "Q")["precipitation_mm"]) == [99.0]
    assert weather.newest_forecast_before(engine, BETA, START)["issued_at"].dtype == "datetime64[us, UTC]"


def test_what_was_observed_is_replaced_by_session(engine: Engine) -> None:
    seen = rows(-200, kind="observed")
    assert weather.replace_observed(engine, pd.concat([seen, rows(-200, kind="observed", session="Q")])) == 2
    assert weather.replace_observed(engine, rows(-300, kind="observed", rain=4.0)) == 1
    found = reads.read_table(engine, schema.weather_observed).set_index("session")
    assert found["precipitation_mm"].to_dict() == {"Q": 0.0, "R": 4.0}
    assert found.loc["R", "issued_at"] == START + 300 * HOUR
    assert weather.replace_observed(engine, rows_frame([])) == 0
    assert stored(engine).empty, "it is no forecast"


def test_places_of_the_races(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(
            insert(schema.circuits),
            [{"circuit_id": "ring", "name": "Ring", "latitude": 50.3, "longitude": 6.9}],
        )
        races = schema.races
        connection.execute(
            update(races).where(races.c.race_key == ALPHA).values(circuit_id="ring", start_at=START)
        )
        connection.execute(update(races).where(races.c.race_key == BETA).values(is_cancelled=True))
        result = {
            "race_key": ALPHA,
            "display_order": 1,
            "driver_id": "a",
            "constructor_id": "t",
            "points": 25.0,
        }
        connection.execute(
            insert(schema.race_results), [{**result, "position_text": "1", "shared_car": False}]
        )
    found = weather.race_places(engine)
    assert found["race_key"].tolist() == [ALPHA, "2026-gammaland"]
    assert found["finished"].tolist() == [True, False]
    assert found.loc[0, ["latitude", "longitude"]].tolist() == [50.3, 6.9]
    assert found.loc[0, "start_at"] == START
    assert found.loc[1, ["start_at", "latitude", "longitude"]].isna().all()
    with engine.begin() as connection:
        connection.execute(delete(schema.race_results))
    assert not weather.race_places(engine)["finished"].any()
