"""Dagster's own daemon evaluates the sensors and schedules and launches what they ask for, on a clock that is moved."""

from __future__ import annotations

import importlib
import os
import sys
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest

from f1_pipeline.rehearsal import Daemon, Performance, Scene, rehearse
from f1_pipeline.replay import Moment
from f1_pipeline.storage import reads, schema
from f1_pipeline.storage.engine import get_engine
from f1_pipeline.storage.revisions import revisions_of

sys.path.insert(0, str(Path(__file__).parent))
import small_weekend as small

from tests.quiet import QUIET_DAGSTER

pytestmark = QUIET_DAGSTER

# One day and few runs: each is a process of its own, which imports the product. Six hours after a result it is asked for again.
MOMENTS = (
    Moment(small.SUNDAY - small.HOUR / 30, "before", "nothing"),
    *(moment for moment in small.MOMENTS if moment.name in ("impossible", "result")),
    Moment(small.SUNDAY + 8.5 * small.HOUR, "correction", "first and second have changed places"),
)
SHOWN = [moment.name for moment in MOMENTS]


@dataclass
class Played:
    performance: Performance = field(default_factory=Performance)
    home: Path = Path()
    told: list[str] = field(default_factory=list)

    def scene(self, name: str) -> Scene:
        return next(scene for scene in self.performance.scenes if scene.moment.name == name)


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Played:
    # Before F1_AUTOMATION is on: whether sensors run by default is decided once for a process.
    importlib.import_module("f1_pipeline.definitions")
    folder = tmp_path_factory.mktemp("daemon")
    found = Played(home=folder / "home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(Path(__file__).parent))
        found.performance = rehearse(
            small.weekend(folder, MOMENTS, corrected=7 * small.HOUR),
            found.home,
            found.told.append,
            small.crosswalk(),
            settings=small.SETTINGS,
            daemon=Daemon(module="small_definitions"),
        )
    return found


def test_the_daemon_takes_a_result_and_its_correction(played: Played) -> None:
    assert played.performance.failed_runs == []
    assert [played.scene(name).result for name in SHOWN] == ["", "", "Jolpica", "Jolpica"]
    assert played.scene("result").next_race == small.AFTER
    engine = get_engine(f"sqlite:///{played.home / 'f1.db'}")
    versions = revisions_of(engine, small.RACE, "race_results")
    assert [version.source for version in versions] == ["jolpica", "jolpica"]
    results = reads.read_table(engine, schema.race_results, [small.RACE])
    assert len(results) == 4
    assert not results.duplicated("driver_id").any()
    assert {version.seen_at.date() for version in versions} == {small.SUNDAY.date()}, (
        "runs go by the clock of the rehearsal"
    )


def test_what_was_wrong_or_the_same_started_no_update(played: Played) -> None:
    assert "update" not in played.scene("before").runs
    assert "update" not in played.scene("impossible").runs
    assert any("position 1 is given to two cars" in what for _, what in played.scene("impossible").said)
    for name in ("result", "correction"):
        # The daemon ticks sensors side by side: the second one may have seen the same new version at the same moment.
        assert set(played.scene(name).runs) == {"update"}, name
        assert len(played.scene(name).runs) <= 2, name
    said = [what for who, what in played.scene("correction").said if who == "corrections"]
    assert said[-1] == "everything that is kept is in the tables"
    said = [what for who, what in played.scene("before").said if who == "f1db_release"]
    assert said[-1] == "F1DB is at v2026.1.0, and so are the tables"


def test_each_asked_for_what_it_looks_for(played: Played) -> None:
    asked = {
        (scene.moment.name, who)
        for scene in played.performance.scenes
        for who, what in scene.said
        if "asks for" in what
    }
    assert {moment for moment, _ in asked} == {"before", "result", "correction"}
    assert ("before", "standings") in asked
    assert ("result", "weekend_sessions") in asked or ("result", "corrections") in asked
    assert ("correction", "weekend_sessions") in asked or ("correction", "corrections") in asked
    assert {who for _, who in asked} <= {"standings", "weekend_sessions", "corrections"}


def test_it_is_told_as_it_happens_and_nothing_is_left_running(played: Played) -> None:
    assert any("dagster-daemon is ready" in line for line in played.told)
    assert any("update: done after" in line for line in played.told)
    left = [
        process.pid
        for process in psutil.Process(os.getpid()).children(recursive=True)
        if "rehearsal.daemon_process" in " ".join(process.cmdline())
    ]
    assert left == []
