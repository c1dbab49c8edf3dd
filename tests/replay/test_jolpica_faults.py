"""The replayed API on a small world: every fault."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
import requests

from f1_pipeline.domain.identity import Crosswalk
from f1_pipeline.errors import UnknownIdentity
from f1_pipeline.replay import Clock, Fault, JolpicaServer
from f1_pipeline.replay.faults import CONTENT, KINDS, WAY, FaultTable
from tests.replay.asking import LATE, Serve, get, results


def test_throttled_with_and_without_a_word(serve: Serve) -> None:
    faults = (
        Fault("throttled", times=1),
        Fault("throttled", times=1, seconds=7),
        Fault("throttled_until", times=1, seconds=60),
    )
    with serve(*faults) as server:
        answers = [requests.get(f"{server.url}/2026/", timeout=5) for _ in range(4)]
        assert [answer.status_code for answer in answers] == [429, 429, 429, 200]
        assert "Retry-After" not in answers[0].headers
        assert answers[1].headers["Retry-After"] == "7"
        wait = parsedate_to_datetime(answers[2].headers["Retry-After"]) - datetime.now(UTC)
        assert timedelta(seconds=50) < wait <= timedelta(seconds=60)


def test_broken_answers(serve: Serve) -> None:
    kinds = ("server_error", "html", "truncated", "cut")
    with serve(*(Fault(kind, "2026/1/results", times=1) for kind in kinds)) as server:
        url = f"{server.url}/2026/1/results/"
        assert requests.get(url, timeout=5).status_code == 500
        page_ = requests.get(url, timeout=5)
        assert (page_.status_code, page_.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
        half = requests.get(url, timeout=5)
        with pytest.raises(requests.exceptions.JSONDecodeError):
            half.json()
        with pytest.raises(requests.exceptions.ChunkedEncodingError):
            requests.get(url, timeout=5)
        assert len(results(server)) == 4
        assert get(server, "2026/")["total"] == "5"


def test_a_fault_is_on_for_its_path_and_its_time(serve: Serve) -> None:
    end = LATE + timedelta(hours=1)
    with serve(Fault("empty", "2026/*/results", start=LATE, end=end)) as server:
        assert get(server, "2026/1/results/")["total"] == "0"
        assert get(server, "2026/1/qualifying/")["total"] == "4"
        server.clock.set(LATE - timedelta(seconds=1))
        assert get(server, "2026/1/results/")["total"] == "4"
        server.clock.set(end)
        assert get(server, "2026/1/results/")["total"] == "4"


def test_faulty_results(serve: Serve) -> None:
    path = "2026/1/results"
    with serve(Fault("half", path)) as server:
        assert [row["Driver"]["driverId"] for row in results(server)] == ["apex", "curb"]
        assert get(server, path)["total"] == "2"
    with serve(Fault("impossible", path)) as server:
        assert [row["position"] for row in results(server)] == ["1", "1", "3", "4"]
    with serve(Fault("other_id", path, drivers=("apex", "ada"))) as server:
        assert [row["Driver"]["driverId"] for row in results(server)] == ["ada", "curb", "brake", "drift"]
    with serve(Fault("lying_total", path, shift=-2)) as server:
        assert (get(server, path)["total"], len(results(server))) == ("2", 4)
    with serve(Fault("split", path, rows=3)) as server:
        data = get(server, path, limit=100)
        assert (data["limit"], data["total"], len(results(server))) == ("3", "4", 3)
        assert len(results(server, offset=3)) == 1


@pytest.mark.parametrize("drivers", [None, ("curb", "apex")])
def test_two_drivers_change_places_with_their_points(serve: Serve, drivers: tuple[str, str] | None) -> None:
    with serve(Fault("swapped", "2026/1/results", drivers=drivers, start=LATE)) as server:
        changed = results(server)
        server.clock.set(LATE - timedelta(days=1))
        before = results(server)
        assert [row["Driver"]["driverId"] for row in changed[:2]] == ["curb", "apex"]
        assert [row["points"] for row in changed] == [row["points"] for row in before]
        assert [row["position"] for row in changed] == [row["position"] for row in before]
        for one, other in zip(changed[:2], before[1::-1], strict=True):
            for name in ("Driver", "Constructor", "number", "grid", "FastestLap"):
                assert one.get(name) == other.get(name)
        assert changed[2:] == before[2:]


def test_a_calendar_that_is_renumbered(serve: Serve) -> None:
    with serve(Fault("renumbered", race="2026-alphaland", end=LATE)) as server:
        server.clock.set(LATE - timedelta(days=1))
        races = get(server, "2026/")["RaceTable"]["Races"]
        assert [(race["round"], race["raceName"]) for race in races[:2]] == [
            ("1", "Betaland Grand Prix"),
            ("2", "Gammaland Grand Prix"),
        ]
        assert results(server)[0]["Driver"]["driverId"] == "curb"
        assert get(server, "2025/")["total"] == "1"
        server.clock.set(LATE)
        assert get(server, "2026/2/")["RaceTable"]["Races"][0]["raceName"] == "Betaland Grand Prix"


def test_a_start_that_moved(serve: Serve) -> None:
    with serve(Fault("moved", race="2026-alphaland", shift=-300)) as server:
        first, second, *_ = get(server, "2026/")["RaceTable"]["Races"]
        assert (first["date"], first["time"]) == ("2026-03-07", "23:00:00Z")
        assert (second["date"], second["time"]) == ("2026-04-05", "13:00:00Z")
        head = get(server, "2026/1/results/")["RaceTable"]["Races"][0]
        assert (head["date"], head["time"]) == ("2026-03-07", "23:00:00Z")


def test_standings_that_are_labelled_with_the_next_round(serve: Serve) -> None:
    with serve(Fault("next_round", "2026*standings")) as server:
        table = get(server, "2026/driverstandings/")["StandingsTable"]
        assert (table["round"], table["StandingsLists"][0]["round"]) == ("2", "2")


def test_a_fault_of_the_way_does_not_use_up_one_of_the_content() -> None:
    table = FaultTable([Fault("empty", times=1), Fault("cut", times=1)])
    way, content = table.meet("2026", LATE)
    assert (way, content) == (table.faults[1], [])
    assert table.meet("2026", LATE) == (None, [table.faults[0]])
    assert table.meet("2026", LATE) == (None, [])


def test_a_fault_without_sense_is_refused() -> None:
    assert KINDS == WAY | CONTENT
    with pytest.raises(ValueError, match="no fault 'sleep'"):
        Fault("sleep")
    for kind in ("renumbered", "moved"):
        with pytest.raises(ValueError, match="needs a race"):
            Fault(kind)
    with pytest.raises(ValueError, match="two drivers"):
        Fault("other_id")


def test_a_bug_of_the_replay_is_not_a_fault_of_the_source(
    small_tables: dict[str, Any], small_known: Crosswalk, caplog: pytest.LogCaptureFixture
) -> None:
    drivers = small_tables["drivers"]
    strangers = small_tables | {"race_results": small_tables["race_results"].assign(driver_id="si-stranger")}
    strangers["drivers"] = drivers.assign(driver_id="si-stranger")
    with pytest.raises(RuntimeError, match="failed 1 times") as error:  # noqa: SIM117
        with JolpicaServer(lambda: strangers, Clock(LATE), known=small_known) as server:
            assert requests.get(f"{server.url}/2026/1/results/", timeout=5).status_code == 500
    assert isinstance(error.value.__cause__, UnknownIdentity)
    assert "2026/1/results" in caplog.text
