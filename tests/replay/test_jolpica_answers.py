"""The replayed API on a small world: format, what is shown when, pages."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd
import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from f1_pipeline.domain.identity import Crosswalk
from f1_pipeline.replay import Clock, JolpicaServer, ergast
from f1_pipeline.replay.answers import Asked, Part, page, parse_path
from f1_pipeline.replay.ergast import clock_text
from tests.replay.asking import LATE, QUALIFYING_START, RACE_START, Serve, get, results


def test_the_schedule_has_the_names_and_times_of_the_source(serve: Serve) -> None:
    with serve() as server:
        data = get(server, "2026/")
        assert {name: data[name] for name in ("limit", "offset", "total", "series")} == {
            "limit": "30",
            "offset": "0",
            "total": "5",
            "series": "f1",
        }
        assert data["RaceTable"]["season"] == "2026"
        first = data["RaceTable"]["Races"][0]
        assert (first["season"], first["round"], first["raceName"]) == ("2026", "1", "Alphaland Grand Prix")
        assert (first["date"], first["time"]) == ("2026-03-08", "04:00:00Z")
        assert first["Qualifying"] == {"date": "2026-03-07", "time": "05:00:00Z"}
        assert first["Circuit"]["circuitId"] == "north_ring"
        # A race without a known hour has a date alone.
        fourth = data["RaceTable"]["Races"][3]
        assert (fourth["date"], "time" in fourth, "Qualifying" in fourth) == ("2026-06-07", False, False)
        sprint = get(server, "2025/races.json")["RaceTable"]["Races"][0]
        assert {"Sprint", "SprintQualifying", "FirstPractice"} <= set(sprint)
        assert get(server, "2026/2/")["RaceTable"]["Races"][0]["raceName"] == "Betaland Grand Prix"


def test_a_result_in_the_format_of_the_source(serve: Serve) -> None:
    with serve() as server:
        first, second, third, last = results(server)
        assert first["Driver"] == {
            "driverId": "apex",
            "permanentNumber": "08",
            "code": "APX",
            "url": "",
            "givenName": "Ada",
            "familyName": "Apex",
            "dateOfBirth": "1999-02-28",
            "nationality": "nowhere",
        }
        assert first["Constructor"]["constructorId"] == "team_nova"
        assert first["Time"] == {"millis": "5000000", "time": "1:23:20.000"}
        assert (first["points"], first["grid"], first["status"]) == ("25", "1", "Finished")
        assert first["FastestLap"] == {"rank": "1"}
        assert second["Time"] == {"millis": "5001234", "time": "+1.234"}
        assert second["grid"] == "0"
        assert (third["status"], third["position"]) == ("Lapped", "3")
        assert (last["positionText"], last["position"], last["status"]) == ("W", "4", "Did not start")
        assert [row["positionText"] for row in results(server, "2026/2/results/")] == ["1", "2", "3", "D"]


@pytest.mark.parametrize(
    ("car", "words"),
    [
        ({"position": 1, "gap_ms": None, "gap_laps": None}, "Finished"),
        ({"position": 2, "gap_ms": 1234, "gap_laps": None}, "Finished"),
        ({"position": 15, "gap_ms": None, "gap_laps": 2}, "Lapped"),
        # Bearman at Barcelona: stopped, and had done enough of it.
        ({"position": 17, "gap_ms": None, "gap_laps": None}, "Retired"),
    ],
)
def test_the_status_of_who_is_classified(car: dict[str, Any], words: str) -> None:
    assert ergast._status(pd.Series(car), str(car["position"]), 2026) == words


def test_qualifying_sprint_and_standings(serve: Serve) -> None:
    with serve() as server:
        rows = get(server, "2026/1/qualifying/")["RaceTable"]["Races"][0]["QualifyingResults"]
        assert (rows[0]["Q1"], rows[0]["Q3"]) == ("1:21.000", "1:20.123")
        assert "Q2" not in rows[1]
        assert [row["position"] for row in rows] == ["1", "2", "3", "4"]
        sprint = get(server, "2025/1/sprint/")["RaceTable"]["Races"][0]["SprintResults"]
        assert [row["points"] for row in sprint] == ["8", "7", "6", "5"]
        assert get(server, "2026/1/sprint/")["total"] == "0"
        table = get(server, "2026/driverStandings/")["StandingsTable"]
        assert (table["season"], table["round"]) == ("2026", "1")
        (standings,) = table["StandingsLists"]
        leader = standings["DriverStandings"][0]
        assert (leader["position"], leader["points"], leader["wins"]) == ("1", "25", "1")
        assert [team["constructorId"] for team in leader["Constructors"]] == ["team_nova"]
        teams = get(server, "2026/1/constructorstandings/")["StandingsTable"]["StandingsLists"][0]
        assert teams["ConstructorStandings"][0]["points"] == "40.5"
        assert teams["ConstructorStandings"][0]["positionText"] == "E"


@pytest.mark.parametrize(
    ("path", "start", "after"),
    [
        ("2026/1/qualifying/", QUALIFYING_START, timedelta(hours=2)),
        ("2026/1/results/", RACE_START, timedelta(hours=2)),
        ("2026/1/driverstandings/", RACE_START, timedelta(hours=3)),
        ("2026/1/constructorstandings/", RACE_START, timedelta(hours=3)),
        ("2025/1/sprint/", datetime(2025, 5, 31, 10, tzinfo=UTC), timedelta(minutes=90)),
    ],
)
def test_what_is_shown_depends_on_the_clock(
    serve: Serve, path: str, start: datetime, after: timedelta
) -> None:
    with serve() as server:
        server.clock.set(start + after - timedelta(seconds=1))
        assert get(server, path)["total"] == "0"
        server.clock.set(start + after)
        assert get(server, path)["total"] != "0"


def test_nothing_that_is_not_there_is_an_error(serve: Serve) -> None:
    with serve() as server:
        for path in ("2026/99/results/", "1999/results/", "2026/5/results/", "1999/"):
            data = get(server, path)
            assert (data["total"], data["RaceTable"]["Races"]) == ("0", [])
        assert get(server, "1999/driverstandings/")["StandingsTable"]["StandingsLists"] == []
        for path in ("2026/1/laps/", "drivers/apex/", "2026/1/results/1/"):
            assert requests.get(f"{server.url}/{path}", timeout=5).status_code == 404


def test_pages_are_counted_in_rows_and_cut_races(serve: Serve) -> None:
    with serve() as server:
        whole = get(server, "2026/results/", limit=1000)
        assert (whole["limit"], whole["total"]) == ("100", "8")
        second = get(server, "2026/results/", limit=3, offset=3)["RaceTable"]["Races"]
        assert [(race["round"], len(race["Results"])) for race in second] == [("1", 1), ("2", 2)]
        past = get(server, "2026/results/", offset=8)
        assert (past["total"], past["RaceTable"]["Races"]) == ("8", [])


@given(st.lists(st.integers(0, 30), max_size=6), st.integers(1, 120))
def test_pages_joined_are_the_whole(sizes: list[int], limit: int) -> None:
    parts = [
        Part(f"2026-{n}", {"round": str(n)}, [{"n": f"{n}/{k}"} for k in range(size)])
        for n, size in enumerate(sizes)
    ]
    rows: list[str] = []
    offset = 0
    while True:
        data = page(Asked(2026, None, "results"), parts, limit, offset, "")["MRData"]
        assert int(data["limit"]) == min(limit, 100)
        rows += [row["n"] for race in data["RaceTable"]["Races"] for row in race["Results"]]
        offset += int(data["limit"])
        if offset >= int(data["total"]):
            break
    assert rows == [row["n"] for part in parts for row in part.rows]


def test_an_answer_that_the_client_has_is_not_sent_again(serve: Serve) -> None:
    with serve(now=RACE_START) as server:
        url = f"{server.url}/2026/1/results/"
        first = requests.get(url, timeout=5)
        assert "max-age=3600" in first.headers["Cache-Control"]
        again = requests.get(url, headers={"If-None-Match": first.headers["ETag"]}, timeout=5)
        assert (again.status_code, again.content) == (304, b"")
        server.clock.set(LATE)
        news = requests.get(url, headers={"If-None-Match": first.headers["ETag"]}, timeout=5)
        assert news.status_code == 200
        assert news.headers["ETag"] != first.headers["ETag"]
        assert server.counts == {"2026/1/results": 3}
        assert [line.status for line in server.log] == [200, 304, 200]


def test_other_frames_are_taken_when_there_are_some(
    small_tables: dict[str, Any], small_known: Crosswalk
) -> None:
    later = dict(small_tables)
    later["race_results"] = small_tables["race_results"].assign(points=1.5)
    clock = Clock(LATE)
    frames = lambda: later if clock.now() > LATE else small_tables  # noqa: E731
    with JolpicaServer(frames, clock, known=small_known) as server:
        assert results(server)[0]["points"] == "25"
        clock.set(LATE + timedelta(seconds=1))
        assert results(server)[0]["points"] == "1.5"


@pytest.mark.parametrize(
    ("path", "asked"),
    [
        ("2026", Asked(2026, None, "races")),
        ("2026/11/races", Asked(2026, 11, "races")),
        ("2026/11/Results.json", Asked(2026, 11, "results")),
        ("/2026/driverStandings/", Asked(2026, None, "driverstandings")),
        ("results", None),
        ("2026/11/laps", None),
        ("2026/11/12/results", None),
        ("", None),
    ],
)
def test_paths(path: str, asked: Asked | None) -> None:
    assert parse_path(path) == asked


@given(st.integers(0, 5 * 3_600_000))
def test_times_are_texts_that_say_the_milliseconds(millis: int) -> None:
    text = clock_text(millis)
    assert re.fullmatch(r"(\d+:)?(\d+:)?\d+\.\d{3}", text)
    seconds = 0.0
    for word in text.split(":"):
        seconds = seconds * 60 + float(word)
    assert round(seconds * 1000) == millis


def test_answers_are_json_of_texts(serve: Serve) -> None:
    with serve() as server:
        for path in ("2026/", "2026/1/results/", "2026/driverstandings/"):
            text = json.dumps(get(server, path))
            assert not re.search(r": (-?\d|true|false|null|NaN)", text)
