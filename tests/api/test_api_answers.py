"""Every route answers, in both forms, with what the tables hold."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, update

from f1_app.api.schemas import analytics, forecasts, listings
from f1_app.api.schemas.base import Answer
from f1_pipeline.storage import schema

ROUTES: dict[str, tuple[type[Answer], str]] = {
    "predictions/next-race": (forecasts.RaceForecast, "drivers"),
    "predictions/race/2026-testland": (forecasts.RaceForecast, "drivers"),
    "predictions/race/2026-2?model=elo&horizon=pre_weekend": (forecasts.RaceForecast, "drivers"),
    "predictions/race/2026-testland/distribution": (forecasts.Distribution, "drivers"),
    "predictions/compare/2026-testland": (forecasts.Comparison, "forecasts"),
    "championship": (forecasts.Championship, "entries"),
    "championship?kind=constructor&season=2026&round=4": (forecasts.Championship, "entries"),
    "standings/drivers": (listings.DriverStandings, "standings"),
    "standings/constructors?season=2026&round=1": (listings.ConstructorStandings, "standings"),
    "calendar/2026": (listings.Calendar, "races"),
    "races?season=2026": (listings.Races, "items"),
    "drivers": (listings.Drivers, "items"),
    "constructors?season=2026": (listings.Constructors, "items"),
    "circuits?season=2025": (listings.Circuits, "items"),
    "analytics/model-accuracy?season=2026": (analytics.Accuracy, "items"),
    "analytics/driver-performance/ada-arrow": (analytics.DriverPerformance, "items"),
    "analytics/track-coefficients/testring": (analytics.Track, "items"),
}
FORECASTS = [route for route in ROUTES if route.startswith(("predictions", "championship"))]
PROVENANCE = (
    "cutoff",
    "made_at",
    "model",
    "model_version",
    "stood_in_for",
    "horizon",
    "data_release",
    "simulated",
)


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


@pytest.mark.parametrize("route", ROUTES)
def test_every_route_in_both_forms(api: Any, route: str) -> None:
    model, rows = ROUTES[route]
    answer = api(route)
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == "application/json"
    content = answer.json()
    parsed = model.model_validate(content)
    assert content[rows]
    table = api(route, accept="text/csv")
    assert table.status_code == 200
    assert table.headers["Content-Type"] == "text/csv; charset=utf-8"
    columns, expected = parsed.table()
    found = rows_of(table.text)
    assert list(found[0]) == columns
    assert len(found) == len(expected)
    joined = "&" if "?" in route else "?"
    assert api(f"{route}{joined}format=csv").content == table.content
    assert api(f"{route}{joined}format=json", accept="text/csv").content == answer.content


def provenances(content: Any) -> list[dict[str, Any]]:
    return (
        [content["forecast"]] if "forecast" in content else [one["forecast"] for one in content["forecasts"]]
    )


@pytest.mark.parametrize("route", FORECASTS)
def test_every_forecast_says_what_it_knew_and_what_made_it(api: Any, route: str) -> None:
    for found in provenances(api(route).json()):
        assert set(found) == set(PROVENANCE)
        assert found["data_release"] == "v2026.5"
        assert found["simulated"] is False
        assert found["cutoff"].endswith("Z")
    for row in rows_of(api(route, accept="text/csv").text):
        assert all(row[name] for name in PROVENANCE if name not in ("model_version", "stood_in_for"))
        assert row["simulated"] == "false"


def test_numbers_are_those_of_the_tables(api: Any) -> None:
    content = api("predictions/next-race").json()
    assert content["race"]["race_key"] == "2026-betatown"
    assert (
        content["forecast"]["model"] == "elo"
    )  # before the ensemble in the order of models; there is no pool
    assert [row["win_probability"] for row in content["drivers"]] == [0.3, 0.2, 0.2, 0.1, 0.1, 0.1]
    ensemble = api("predictions/next-race?model=ensemble").json()
    assert ensemble["forecast"]["model_version"] == 7
    assert ensemble["drivers"][0] == {
        **{"driver_id": "ada-arrow", "code": "ARR", "driver": "Ada Arrow"},
        **{"constructor_id": "comet", "team": "Comet Racing"},
        **{"win_probability": 0.4, "interval_low": pytest.approx(0.32), "interval_high": pytest.approx(0.48)},
        **{"podium_probability": 0.8, "top6_probability": None, "points_probability": 1.0},
        **{"expected_position": 1.0, "expected_points": None, "retirement_probability": None},
    }
    finished = api("predictions/race/2026-testland").json()
    assert finished["forecast"]["horizon"] == "pre_race"  # the one that knew most
    places = api("predictions/race/2026-betatown/distribution").json()["drivers"]
    assert places[1]["probabilities"] == [0.1, 0.5, 0.1, 0.1, 0.1, 0.1]
    compared = api("predictions/compare/2026-testland?horizon=pre_weekend").json()["forecasts"]
    assert {one["forecast"]["model"]: one["score"]["winner_probability"] for one in compared} == {
        "ensemble": 0.4,
        "elo": 0.3,
        "uniform": pytest.approx(1 / 6),
    }
    assert api("predictions/compare/2026-betatown").json()["forecasts"][0]["score"] is None


def test_standings_and_titles(api: Any) -> None:
    newest = api("standings/drivers").json()
    assert newest["after"]["race_key"] == "2026-testland"
    assert newest["source"] == {"data_release": "v2026.5", "simulated": False}
    first = newest["standings"][0]
    assert (first["position"], first["code"], first["team"], first["points"]) == (
        1,
        "ARR",
        "Comet Racing",
        29.0,
    )
    assert api("standings/drivers?season=2026&round=1").json()["after"]["race_key"] == "2026-alphaville"
    assert api("standings/drivers?round=1").json()["after"]["race_key"] == "2026-alphaville"
    assert api("championship?round=4").json()["race"]["race_key"] == "2026-betatown"
    assert api("standings/drivers?season=2025").json()["after"]["race_key"] == "2025-testland"
    title = api("championship").json()
    assert title["race"]["race_key"] == "2026-betatown"
    assert (title["draws"], title["races_left"]) == (20000, 2)
    assert title["entries"][0]["title_probability"] == 0.5


def test_a_calendar_says_what_is_forecast(api: Any) -> None:
    races = {race["race_key"]: race for race in api("calendar/2026").json()["races"]}
    assert [key for key, race in races.items() if race["prediction_available"]] == [
        "2026-alphaville",
        "2026-testland",
        "2026-betatown",
    ]
    assert races["2026-gammaford"]["is_cancelled"]
    file = api("calendar/2026.ics")
    assert file.headers["Content-Type"] == "text/calendar; charset=utf-8"
    assert file.text.startswith("BEGIN:VCALENDAR")
    assert "UID:2026-betatown-race@f1-forecast" in file.text
    assert api("calendar/2026", accept="text/calendar").content == file.content
    # A browser takes anything, and gets data.
    assert api("calendar/2026", accept="text/html,*/*;q=0.8").headers["Content-Type"] == "application/json"


def test_analytics(api: Any) -> None:
    driver = api("analytics/driver-performance/ada-arrow").json()
    assert driver["total"] == 4
    ahead, last = driver["items"][:2]
    assert (ahead["race_key"], ahead["position"], ahead["elo_before"]) == ("2026-betatown", None, 1500.0)
    assert (last["race_key"], last["position"], last["elo_after"]) == ("2026-testland", 1, 1510.0)
    assert last["driver_rating"] == pytest.approx(-0.25)  # the others are 0.1 to 0.5 faster
    assert [
        row["season"] for row in api("analytics/driver-performance/ada-arrow?season=2025").json()["items"]
    ] == [2025]
    track = api("analytics/track-coefficients/testring").json()
    newest = track["items"][0]
    # Ada Arrow won from the last place of the grid, five to the fourth place behind the first finished behind her.
    assert (newest["race_key"], newest["winner_grid"], newest["pole_won"]) == ("2026-testland", 6, False)
    assert track["coefficients"]["races"] == 3
    assert api("analytics/track-coefficients/testring?from_season=2026").json()["total"] == 2
    scores = api("analytics/model-accuracy?model=ensemble&horizon=pre_race").json()
    assert scores["total"] == 3
    assert scores["means"][0]["mean"] == 1.1
    assert scores["items"][0]["race_key"] == "2026-testland"


def test_pages_cover_a_list_without_gaps(api: Any) -> None:
    whole = api("races").json()
    assert (whole["total"], whole["limit"], whole["offset"]) == (6, 100, 0)
    pieces = [api(f"races?limit=2&offset={offset}") for offset in (0, 2, 4, 6)]
    assert [row for piece in pieces for row in piece.json()["items"]] == whole["items"]
    assert [len(piece.json()["items"]) for piece in pieces] == [2, 2, 2, 0]
    assert {piece.headers["X-Total-Count"] for piece in pieces} == {"6"}
    assert api("races?limit=501").status_code == 422
    empty = api("races?offset=100", accept="text/csv")
    assert rows_of(empty.text) == []
    assert empty.text.startswith("race_key,season,")


def test_simulated_data_say_so(home: Path, small_database: Any, serving: Any) -> None:
    small_database(source="simulated")
    with serving() as api:
        assert provenances(api("predictions/next-race").json())[0]["simulated"] is True
        assert api("races").json()["source"]["simulated"] is True
        assert api("health").json()["data"]["simulated"] is True


def test_health_before_and_after_the_first_update(home: Path, small_database: Any, serving: Any) -> None:
    with serving() as api:
        assert api("/health/live").json() == {"alive": True}
        missing = api("health")
        assert missing.status_code == 503
        assert (missing.json()["status"], missing.json()["problem"]) == ("unavailable", "missing")
        refused = api("races")
        assert (refused.status_code, refused.json()["code"]) == (503, "EXTERNAL_SERVICE_ERROR")
        assert str(home) not in missing.text + refused.text
        small_database()
        ready = api("/health")
        assert ready.status_code == 200
        assert ready.headers["Cache-Control"] == "no-store"
        data = ready.json()["data"]
        assert (data["newest_race"], data["next_race"]) == ("2026-testland", "2026-betatown")
        assert data["next_race_forecast_at"] == "2026-05-02T15:45:00Z"
        assert api("races").status_code == 200  # the same process, without a new start
        (home / "f1.db").unlink()
        assert api("races").status_code == 503


def test_older_models_that_had_to_stand_in_are_named(own_api: Any, database: Path) -> None:
    """While MLflow does not answer, the versions of before make the forecast: whoever reads it is told."""
    assert own_api("predictions/next-race?model=ensemble").json()["forecast"]["stood_in_for"] is None
    engine = create_engine(f"sqlite:///{database}")
    with engine.begin() as connection:
        connection.execute(
            update(schema.predictions)
            .where(schema.predictions.c.model == "ensemble")
            .values(stood_in_for="2026-betatown")
        )
    engine.dispose()
    marked = own_api("predictions/next-race?model=ensemble").json()["forecast"]
    assert (marked["model_version"], marked["stood_in_for"]) == (7, "2026-betatown")
    assert own_api("predictions/next-race?model=elo").json()["forecast"]["stood_in_for"] is None
