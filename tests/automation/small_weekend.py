"""The weekend of Betaland, in the small invented world: timeline, crosswalk and settings of its rehearsals."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType

from f1_pipeline.domain.identity import Crosswalk
from f1_pipeline.rehearsal import SETTINGS as USUAL
from f1_pipeline.replay import Fault, Moment, Release, Timeline

RACE, AFTER = "2026-betaland", "2026-gammaland"
SUNDAY = datetime(2026, 4, 5, 13, tzinfo=UTC)
HOUR = timedelta(hours=1)
MOMENTS = (
    Moment(SUNDAY - timedelta(days=3), "thursday", "nothing"),
    Moment(SUNDAY + HOUR, "during the race", "nothing"),
    Moment(SUNDAY + timedelta(hours=2, minutes=5), "impossible", "two winners"),
    Moment(SUNDAY + timedelta(hours=2, minutes=20), "result", "the result"),
    Moment(SUNDAY + 4 * HOUR, "evening", "standings"),
    Moment(SUNDAY + 22 * HOUR, "monday", "nothing new"),
    Moment(SUNDAY + 24 * HOUR, "release", "F1DB has it"),
    Moment(SUNDAY + 50 * HOUR, "correction", "first and second have changed places"),
    Moment(SUNDAY + 54 * HOUR, "tuesday evening", "nothing new"),
)
# Nothing to learn from: this is about what is asked, kept and taken in.
SETTINGS = {**USUAL, "F1_FORECAST_FROM_SEASON": "2030"}
_TESTS = Path(__file__).parent.parent


def load(name: str, path: Path) -> ModuleType:
    """A module by its path: the folder of tests is no package."""
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def crosswalk() -> Crosswalk:
    """Who is who in the small world."""
    fixture = load("automation_replay_world", _TESTS / "replay" / "conftest.py").small_known
    known = fixture.__wrapped__() if hasattr(fixture, "__wrapped__") else fixture._fixture_function()
    assert isinstance(known, Crosswalk)
    return known


def weekend(
    folder: Path,
    moments: Sequence[Moment] = MOMENTS,
    released: timedelta = 23 * HOUR,
    corrected: timedelta = 40 * HOUR,
) -> Timeline:
    """The timeline; its archives are written into a folder. ``released`` and ``corrected``: after the start of the race."""
    world = load("automation_f1db_world", _TESTS / "sources" / "f1db_world.py")
    before = world.small_world()
    before.rows["races-race-results"] = [
        row for row in before.rows["races-race-results"] if row["race"] != RACE
    ]
    results = "2026*results"
    return Timeline(
        race_key=RACE,
        moments=tuple(moments),
        releases=(
            Release("v2026.1.0", before.write(folder / "before.zip"), SUNDAY - timedelta(days=20)),
            Release("v2026.2.0", world.small_world().write(folder / "after.zip"), SUNDAY + released),
        ),
        truths=((SUNDAY - timedelta(days=30), folder / "after.zip"),),
        f1db_faults=(),
        jolpica_faults=(
            Fault(
                "impossible", results, start=SUNDAY + 2 * HOUR, end=SUNDAY + timedelta(hours=2, minutes=18)
            ),
            Fault("swapped", results, start=SUNDAY + corrected, drivers=("curb", "apex")),
        ),
    )
