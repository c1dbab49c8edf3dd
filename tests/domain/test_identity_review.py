"""The review of the crosswalk: what it proposes, what it lists, and that nothing real is without a row."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pandas as pd
import pytest

from f1_pipeline.domain.identity import Crosswalk, crosswalk
from f1_pipeline.settings import ROOT
from f1_pipeline.sources.f1db import parse_archive
from tests.domain.identities import ROWS


@pytest.fixture(scope="session")
def review() -> ModuleType:
    """The script, which is in no package."""
    spec = importlib.util.spec_from_file_location("crosswalk_review", ROOT / "scripts" / "crosswalk.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def answer(driver: str, given_name: str, family_name: str, born: str) -> dict[str, Any]:
    said = {"driverId": driver, "givenName": given_name, "familyName": family_name, "dateOfBirth": born}
    race = {
        "season": "2026",
        "raceName": "Alphaland Grand Prix",
        "Circuit": {"circuitId": "north", "circuitName": "Northring"},
        "Results": [{"Driver": said, "Constructor": {"constructorId": "nova", "name": "Nova"}}],
    }
    return {"MRData": {"RaceTable": {"Races": [race]}}}


def test_the_review_proposes_who_is_the_same_and_lists_the_rest(review: ModuleType, small: Crosswalk) -> None:
    drivers = pd.DataFrame(
        {
            "driver_id": ["cy-curb", "di-drift", "eve-edge"],
            "first_name": ["Cy", "Di", "Eve"],
            "last_name": ["Curb", "Drift", "Edge"],
            "date_of_birth": pd.to_datetime(["2001-12-31", "2001-12-31", "2007-08-08"]),
        }
    )
    named = review.Named()
    review.collect(answer("curb", "Cy", "Curb", "2001-12-31"), named)
    review.collect(answer("drift", "Di", "Drift", "2000-01-01"), named)
    review.collect(answer("eve_edge", "Eve", "Edge", "2007-08-08"), named)
    assert named.constructors == {("nova", 2026)}
    assert (named.circuits, named.races) == ({"north"}, {(2026, "Alphaland Grand Prix")})
    assert list(review.proposals(named, drivers, small)) == [
        ["cy-curb", "curb", "Cy", "Curb", "2001-12-31", "answer"],
        ["eve-edge", "eve_edge", "Eve", "Edge", "2007-08-08", "answer"],
    ]
    refused = "\n".join(review.unmatched(named, small))
    assert "'curb'" in refused
    assert "'drift'" in refused
    assert "'eve_edge'" not in refused
    assert "'nova'" not in refused


@pytest.mark.archive
def test_every_id_of_the_recorded_answers_means_one_of_f1db(archives: Path, review: ModuleType) -> None:
    folder = archives / "jolpica"
    if not folder.is_dir():
        pytest.skip(f"{folder} is not there")
    named = review.read_answers(folder)
    assert len(named.drivers) == 46
    assert len(named.circuits) == 30
    assert not list(review.unmatched(named, crosswalk()))
    known = {row.ergast_id: row for row in ROWS.drivers}
    assert {name for name in named.drivers if known[name].decided != "answer"} == set()


@pytest.mark.archive
def test_the_review_is_quiet_when_all_is_covered(
    archives: Path,
    review: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    (tmp_path / "stranger.json").write_text(json.dumps(answer("stranger", "Si", "Stranger", "2000-01-01")))
    (tmp_path / "page.html").write_text("<html>")
    options = ["crosswalk.py", "--archive", str(archives / "f1db" / "f1db-csv.zip")]
    monkeypatch.setattr(sys, "argv", options)
    assert review.main() == 0
    assert "drivers of F1DB since 2000 without a row: 0" in capsys.readouterr().out
    monkeypatch.setattr(sys, "argv", [*options, "--answers", str(tmp_path)])
    assert review.main() == 1
    assert "driver 'stranger'" in capsys.readouterr().out


@pytest.mark.archive
@pytest.mark.parametrize("name", ["f1db-csv-2026.10.zip", "f1db-csv.zip"])
def test_everything_that_raced_since_2000_has_a_row(archives: Path, review: ModuleType, name: str) -> None:
    bundle = parse_archive(archives / "f1db" / name, "test", "").tables
    known = crosswalk()
    assert review.uncovered(bundle, 2000, known) == {
        "drivers": [],
        "constructors": [],
        "circuits": [],
        "races": [],
    }
    # Circuits and races are covered from the first season on.
    earlier = review.uncovered(bundle, 1950, known)
    assert not earlier["circuits"]
    assert not earlier["races"]
    assert earlier["drivers"]
    season = bundle["races"].set_index("race_key")["season"]
    assert {known.race_key(int(season[key]), known.race_name(key)) for key in season.index} == set(
        season.index
    )
