"""The weekend of Hungary 2026 as data, and played on the real archives."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from f1_pipeline.domain.identity import Crosswalk, crosswalk
from f1_pipeline.replay import Archives, Moment, Release, Stage, Timeline, hungary_2026, staged
from f1_pipeline.replay.answers import Asked, build, shown
from f1_pipeline.replay.ergast import ErgastRows
from f1_pipeline.replay.faults import KINDS
from f1_pipeline.sources.f1db import fetch, latest_release, parse_archive

HERE = Archives(Path("before.zip"), Path("after.zip"), Path("later.zip"))
LATER = datetime(2026, 12, 31, tzinfo=UTC)


def latest(timeline: Timeline, at: datetime) -> Release:
    return [release for release in timeline.releases if release.published_at <= at][-1]


def test_moments_are_in_order_and_have_names_of_their_own() -> None:
    moments = hungary_2026(HERE).moments
    times = [moment.at for moment in moments]
    assert times == sorted(set(times))
    assert len({moment.name for moment in moments}) == len(moments)
    assert {moment.at.strftime("%a") for moment in moments[:-1]} == {"Thu", "Fri", "Sat", "Sun", "Mon", "Tue"}
    assert all(moment.at.tzinfo is UTC for moment in moments)


def test_f1db_has_the_race_from_monday_on() -> None:
    timeline = hungary_2026(HERE)
    known = {moment.name: latest(timeline, moment.at) for moment in timeline.moments}
    assert known["thursday"].archive == HERE.before
    assert known["sunday evening"].version == known["monday morning"].version == "v2026.10.1"
    assert (known["release"].version, known["release"].archive) == ("v2026.11.0", HERE.after)
    assert known["three weeks later"].archive == HERE.later


def test_the_other_source_is_ahead_of_f1db() -> None:
    timeline = hungary_2026(HERE)
    assert timeline.truth(timeline.moment("thursday").at) == HERE.after
    assert timeline.truth(timeline.moment("three weeks later").at) == HERE.later
    assert timeline.truth(datetime(2020, 1, 1, tzinfo=UTC)) == HERE.after


def test_every_kind_of_fault_is_met_at_some_moment() -> None:
    timeline = hungary_2026(HERE)
    faults = [*timeline.f1db_faults, *timeline.jolpica_faults]
    assert {fault.kind for fault in faults} == set(KINDS)
    for fault in faults:
        begun = [moment for moment in timeline.moments if fault.start is None or moment.at >= fault.start]
        assert any(fault.end is None or moment.at < fault.end for moment in begun), fault


def test_a_replay_without_faults() -> None:
    calm = hungary_2026(HERE, faulty=False)
    assert (calm.f1db_faults, calm.jolpica_faults) == ((), ())
    assert calm.moments == hungary_2026(HERE).moments


def test_both_servers_stand_on_one_clock(small_archive: Path, small_known: Crosswalk) -> None:
    before, after = datetime(2026, 3, 8, 5, tzinfo=UTC), datetime(2026, 3, 9, tzinfo=UTC)
    timeline = Timeline(
        race_key="2026-alphaland",
        moments=(Moment(before, "before", ""), Moment(after, "after", "")),
        releases=(
            Release("v2026.0.0", small_archive, before - timedelta(days=9)),
            Release("v2026.1.0", small_archive, after),
        ),
        truths=((before, small_archive),),
        f1db_faults=(),
        jolpica_faults=(),
    )
    with staged(timeline, small_known) as stage:
        assert latest_release(stage.f1db.url, 5, ()) == "v2026.0.0"
        assert len(rows(stage, "2026/1/results")) == 0
        assert stage.go("after").at == after
        assert latest_release(stage.f1db.url, 5, ()) == "v2026.1.0"
        assert len(rows(stage, "2026/1/results")) == 4
    with pytest.raises(StopIteration):
        timeline.moment("never")


def ask(stage: Stage, path: str) -> requests.Response:
    return requests.get(f"{stage.jolpica.url}/{path}/", params={"limit": 100}, timeout=30)


def rows(stage: Stage, path: str) -> list[dict[str, Any]]:
    answer = ask(stage, path)
    assert answer.status_code == 200
    races = answer.json()["MRData"]["RaceTable"]["Races"]
    lists = {"results": "Results", "qualifying": "QualifyingResults"}
    return races[0][lists[path.split("/")[-1]]] if races else []


def calendar(stage: Stage) -> list[tuple[int, str]]:
    races = ask(stage, "2026").json()["MRData"]["RaceTable"]["Races"]
    return [(int(race["round"]), crosswalk().race_key(2026, race["raceName"])) for race in races]


@pytest.mark.archive
def test_the_weekend_of_hungary(archives: Path, tmp_path: Path) -> None:
    folder = archives / "f1db"
    real = Archives(folder / "f1db-csv-2026.10.zip", folder / "f1db-csv-2026.11.zip", folder / "f1db-csv.zip")
    qualifying, results = "2026/11/qualifying", "2026/11/results"
    with staged(hungary_2026(real)) as stage:
        assert ask(stage, "2026").headers["Retry-After"] == "1"
        assert calendar(stage)[10:12] == [(11, "2026-hungary"), (12, "2026-netherlands")]
        stage.go("friday")
        assert ask(stage, "2026").status_code == 429
        stage.go("outage")
        assert [ask(stage, path).status_code for path in ("2026", results)] == [500, 500]
        stage.go("renumbered")
        assert calendar(stage)[10:12] == [(11, "2026-hungary"), (12, "2026-italy")]
        stage.go("start moved")
        assert ask(stage, "2026").json()["MRData"]["RaceTable"]["Races"][10]["time"] == "11:30:00Z"
        stage.go("after qualifying")
        assert rows(stage, qualifying) == []
        stage.go("sign-in page")
        assert "html" in ask(stage, qualifying).headers["Content-Type"]
        stage.go("split pages")
        assert len(rows(stage, qualifying)) == 7
        stage.go("saturday evening")
        assert len(rows(stage, qualifying)) == 22
        for name, cars in (("during the race", 0), ("empty result", 0), ("half a result", 11)):
            stage.go(name)
            assert len(rows(stage, results)) == cars
        stage.go("impossible result")
        assert [row["position"] for row in rows(stage, results)[:3]] == ["1", "1", "3"]
        stage.go("other id")
        assert rows(stage, results)[0]["Driver"]["driverId"] == "lando_norris"
        stage.go("lying total")
        assert ask(stage, results).json()["MRData"]["total"] == "27"
        stage.go("standings ahead")
        assert ask(stage, "2026/driverstandings").json()["MRData"]["StandingsTable"]["round"] == "12"
        stage.go("sunday evening")
        with pytest.raises(requests.exceptions.ChunkedEncodingError):
            ask(stage, results)
        whole = rows(stage, results)
        assert [row["Driver"]["code"] for row in whole[:5]] == ["NOR", "VER", "ANT", "LEC", "HAM"]
        stage.go("monday morning")
        assert "Retry-After" not in ask(stage, results).headers
        assert latest_release(stage.f1db.url, 5, ()) == "v2026.10.1"
        stage.go("release")
        copy, _ = fetch(stage.f1db.url, tmp_path, 30, (0.01,))
        assert copy.release == "v2026.11.0"
        stage.go("tuesday")
        assert [row["Driver"]["code"] for row in rows(stage, results)[3:5]] == ["HAM", "LEC"]
        stage.go("three weeks later")
        assert (16, "2026-bahrain") in calendar(stage)


@pytest.fixture(scope="module")
def newest(archives: Path) -> ErgastRows:
    return ErgastRows(parse_archive(archives / "f1db" / "f1db-csv.zip", "newest", "").tables, crosswalk())


@pytest.mark.archive
@pytest.mark.parametrize("season", [2000, 2006, 2010, 2015, 2020, 2024, 2026])
def test_answers_lead_back_to_the_rows_they_were_made_of(newest: ErgastRows, season: int) -> None:
    known = crosswalk()
    for kind, table in (("results", "race_results"), ("sprint", "sprint_results")):
        parts = build(newest, Asked(season, None, kind), LATER)
        frame = newest.tables[table]
        for part in parts:
            assert known.race_key(season, part.head["raceName"]) == part.key
            back = []
            for row in part.rows:
                driver = row["Driver"]
                who = known.check_driver(
                    driver["driverId"], driver["givenName"], driver["familyName"], driver["dateOfBirth"]
                )
                team = known.constructor(row["Constructor"]["constructorId"], season)
                back.append((who, team, row["number"], float(row["points"])))
            there = frame[frame["race_key"] == part.key].sort_values("display_order")
            assert back == list(
                there[["driver_id", "constructor_id", "car_number", "points"]].itertuples(
                    index=False, name=None
                )
            )
        held = [key for key in newest.calendar(season) if (frame["race_key"] == key).any()]
        assert [part.key for part in parts] == held
    (standings,) = build(newest, Asked(season, None, "driverstandings"), LATER)
    assert standings.rows[0]["position"] == "1"
    (teams,) = build(newest, Asked(season, None, "constructorstandings"), LATER)
    assert sum(int(row["wins"]) for row in teams.rows) == sum(int(row["wins"]) for row in standings.rows)


@pytest.mark.archive
def test_a_race_of_old_counts_as_over_when_its_day_is(newest: ErgastRows) -> None:
    race = newest.races["1976-japan"]
    assert not shown("results", race, datetime(1976, 10, 24, 23, 59, tzinfo=UTC))
    assert shown("results", race, datetime(1976, 10, 25, tzinfo=UTC))
