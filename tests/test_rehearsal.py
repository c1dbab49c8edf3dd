"""The weekend of Hungary 2026 by the product itself: sensors and schedules, both sources with their faults, one home."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType

import pandas as pd
import pytest
from sqlalchemy import Engine

from f1_pipeline.automation.decisions import CHECKS
from f1_pipeline.errors import NotReady
from f1_pipeline.rehearsal import Performance, Scene, archives_in, rehearse
from f1_pipeline.replay import Archives, hungary_2026
from f1_pipeline.storage import reads, schema
from f1_pipeline.storage.engine import get_engine
from f1_pipeline.storage.polls import polls
from f1_pipeline.storage.revisions import revisions_of
from tests.quiet import QUIET, import_mlflow

pytestmark = QUIET

RACE, AFTER = "2026-hungary", "2026-netherlands"
BUDGET = 200
"""Requests an hour that the settings allow; a whole week takes less."""


def _small_archive() -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        "small_archive", Path(__file__).parent / "automation" / "small_archive.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@dataclass
class Played:
    """What was there after each moment."""

    performance: Performance = field(default_factory=Performance)
    home: Path = Path()
    forecasts: dict[str, pd.DataFrame] = field(default_factory=dict)
    results: dict[str, pd.DataFrame] = field(default_factory=dict)
    scores: dict[str, pd.DataFrame] = field(default_factory=dict)
    refused: dict[str, set[str]] = field(default_factory=dict)

    def scene(self, name: str) -> Scene:
        return next(scene for scene in self.performance.scenes if scene.moment.name == name)

    @property
    def engine(self) -> Engine:
        return get_engine(f"sqlite:///{self.home / 'f1.db'}")


@pytest.fixture(scope="module")
def played(archives: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    """The rehearsal on archives that begin in 2022: two minutes in place of five."""
    import_mlflow()
    # Before F1_AUTOMATION is on: whether sensors run by default is decided once for a process.
    importlib.import_module("f1_pipeline.definitions")
    folder = tmp_path_factory.mktemp("rehearsal")
    full, since = archives_in(archives / "f1db"), _small_archive().since
    short = Archives(*(since(one, 2022, folder / one.name) for one in (full.before, full.after, full.later)))
    found = Played(home=folder / "home")

    def look(scene: Scene) -> None:
        engine, name = found.engine, scene.moment.name
        found.forecasts[name] = reads.read_table(engine, schema.predictions, [RACE])
        found.results[name] = reads.read_table(engine, schema.race_results, [RACE])
        found.scores[name] = reads.read_table(engine, schema.model_accuracy, [RACE])
        found.refused[name] = {poll.check_name for poll in polls(engine).values() if poll.check_name}

    found.performance = rehearse(hungary_2026(short), found.home, lambda line: None, looked=look)
    return found


@pytest.mark.archive
def test_every_run_ended_well(played: Played) -> None:
    assert played.performance.failed_runs == []


@pytest.mark.archive
def test_before_the_weekend_there_is_a_forecast(played: Played) -> None:
    thursday = played.scene("thursday")
    assert (thursday.next_race, thursday.forecasts, thursday.result) == (RACE, ("pre_weekend",), "")
    assert thursday.runs == ()


@pytest.mark.archive
def test_an_outage_and_a_quiet_friday_change_nothing(played: Played) -> None:
    """Faults 1, 3 and 7: throttled, hours without an answer, a round that is hidden for a while."""
    for name in ("friday", "outage", "renumbered", "start moved", "before qualifying", "after qualifying"):
        assert "update" not in played.scene(name).runs, name
        pd.testing.assert_frame_equal(played.forecasts[name], played.forecasts["thursday"])
    said = dict(played.scene("outage").said)
    assert "what was taken in stays" in said["f1db_release"]
    calendar = reads.calendar(played.engine).set_index("race_key")
    assert not calendar.loc[AFTER, "is_cancelled"], "nothing is deleted because a source hides it"


@pytest.mark.archive
def test_on_saturday_the_race_is_forecast_after_qualifying(played: Played) -> None:
    """Fault 2: the qualifying comes in pages of seven rows. Fault 15: a page comes in place of data before."""
    assert played.refused["sign-in page"] == {"answer"}
    assert "update" not in played.scene("sign-in page").runs
    assert played.scene("split pages").runs == ("update",)
    evening = played.scene("saturday evening")
    assert evening.forecasts == ("pre_weekend", "pre_race")
    assert evening.next_race == RACE
    assert played.refused["saturday evening"] == set()
    made = played.forecasts["saturday evening"]
    start = reads.calendar(played.engine).set_index("race_key").loc[RACE, "start_at"]
    assert (made["created_at"] < start).all(), "before the race, on the clock of the weekend"


@pytest.mark.archive
def test_half_and_impossible_results_are_not_taken(played: Played) -> None:
    """Faults 4, 10 and 12: late, half, two winners, a winner that nobody knows; and a total that lies (fault 2)."""
    refused = {"impossible result": {"content"}, "other id": {"identity"}}
    for name in ("empty result", "half a result", "impossible result", "other id", "lying total"):
        assert played.scene(name).next_race == RACE, name
        assert played.results[name].empty, name
        assert "update" not in played.scene(name).runs, name
        if name in refused:
            assert played.refused[name] == refused[name]
    assert played.refused["standings ahead"] <= {"answer"}
    assert set(CHECKS) >= {"answer", "identity", "content"}


@pytest.mark.archive
def test_after_the_race_the_forecast_is_scored_and_the_next_race_is_on_the_board(played: Played) -> None:
    evening = played.scene("sunday evening")
    assert (evening.result, evening.scored, evening.next_race) == ("Jolpica", True, AFTER)
    assert len(played.results["sunday evening"]) == 22
    standings = reads.read_table(played.engine, schema.driver_standings, [RACE])
    assert len(standings) == 22
    teams = reads.read_table(played.engine, schema.constructor_standings, [RACE])
    assert len(teams) == 11
    assert teams["engine_id"].notna().all(), "the live source names none"
    board = reads.read_table(played.engine, schema.predictions, [AFTER])
    assert set(board["horizon"]) == {"pre_weekend"}


@pytest.mark.archive
def test_the_release_confirms_the_result(played: Played) -> None:
    assert played.scene("monday morning").result == "Jolpica"
    assert played.scene("release").result == "F1DB"


@pytest.mark.archive
def test_a_correction_is_absorbed(played: Played) -> None:
    """Fault 6: the forecast as made stays as made, the score is renewed, both versions are kept."""
    tuesday = played.scene("tuesday")
    assert tuesday.runs.count("update") == 1
    assert any(
        "asks for update: changed at Jolpica: 2026-hungary race_results" in what for _, what in tuesday.said
    )
    made = played.forecasts["saturday evening"]
    for name in ("sunday evening", "release", "tuesday", "three weeks later"):
        pd.testing.assert_frame_equal(played.forecasts[name], made)
    places = {
        name: played.results[name].set_index("driver_id")["position"]
        for name in ("release", "tuesday", "three weeks later")
    }
    two = ["charles-leclerc", "lewis-hamilton"]
    assert places["tuesday"][two].tolist() == places["release"][two[::-1]].tolist()
    assert places["three weeks later"].equals(places["tuesday"]), (
        "the later release has the rows that were corrected"
    )
    scores = [played.scores[name].drop(columns=["scored_at"]) for name in ("release", "tuesday")]
    assert not scores[0]["spearman"].equals(scores[1]["spearman"])
    versions = revisions_of(played.engine, RACE, "race_results")
    assert [version.source for version in versions] == ["jolpica", "f1db", "jolpica"]
    assert versions[1].content_hash != versions[2].content_hash


@pytest.mark.archive
def test_nothing_is_lost_and_nothing_doubled(played: Played) -> None:
    engine = played.engine
    one = reads.read_table(engine, schema.predictions)
    assert not one.duplicated(["race_key", "horizon", "model", "driver_id"]).any()
    sets = one.groupby(["race_key", "horizon", "model"])["created_at"].nunique()
    assert (sets == 1).all(), "one forecast for a race, horizon and model"
    for table in schema.RACE_TABLES:
        rows = reads.read_table(engine, schema.metadata.tables[table])
        assert not rows.duplicated(
            [column.name for column in schema.metadata.tables[table].primary_key]
        ).any()
    results = reads.read_table(engine, schema.race_results)
    assert not results.duplicated(["race_key", "driver_id"]).any()
    assert results["race_key"].nunique() == 103, "92 races of 2022 to 2025, eleven of 2026"


@pytest.mark.archive
def test_a_week_costs_few_requests(played: Played) -> None:
    week = played.scene("tuesday").jolpica
    print(
        f"\nrequests to Jolpica from Thursday to Tuesday: {week}; by path: {dict(played.performance.requests)}"
    )
    assert week < BUDGET / 2
    for scene in played.performance.scenes:
        quiet = [
            what for who, what in scene.said if who == "weekend_sessions" and "no session is due" in what
        ]
        assert scene.runs or quiet, scene.moment.name


@pytest.mark.archive
def test_a_tick_with_nothing_new_makes_two_requests_at_most(played: Played) -> None:
    """Also where a fault is on, pages of seven rows apart."""
    quiet = [tick for tick in played.performance.ticks if not tick.ran]
    assert len(quiet) > 60
    assert max(tick.requests for tick in quiet) <= 2
    assert max(tick.requests for tick in quiet if tick.sensor != "weekend_sessions") == 1


def test_the_archives_of_a_rehearsal_are_named(tmp_path: Path) -> None:
    with pytest.raises(NotReady, match=r"f1db-csv-2026.10.zip"):
        archives_in(tmp_path)
    home = tmp_path / "home"
    home.mkdir()
    (home / "something").touch()
    with pytest.raises(NotReady, match="is not empty"):
        rehearse(hungary_2026(Archives(home, home, home)), home, lambda line: None)
