"""Answers that are right in part, and versions that an update could not merge."""

from __future__ import annotations

import copy
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from f1_pipeline import clock, snapshot
from f1_pipeline.automation.watch import Watch
from f1_pipeline.cli.reports import read_status
from f1_pipeline.domain.identity import Crosswalk, DriverRow
from f1_pipeline.errors import ContractViolation
from f1_pipeline.replay import Stage, staged
from f1_pipeline.settings import get_settings
from f1_pipeline.sources.f1db import parse_archive
from f1_pipeline.sources.fitting import merge_fitting
from f1_pipeline.sources.jolpica import Answer, JolpicaClient
from f1_pipeline.sources.live import LiveSession, Slot, slot_hash, slot_rows
from f1_pipeline.sources.merge import merge
from f1_pipeline.storage import migrate
from f1_pipeline.storage.engine import get_engine
from f1_pipeline.storage.polls import complete_versions

sys.path.insert(0, str(Path(__file__).parent))
import small_weekend as small

FIRST, LAST = "2026-alphaland", small.RACE
NOW = small.SUNDAY + timedelta(days=2)
Change = Callable[[dict[str, Any]], None]


@pytest.fixture
def known() -> Crosswalk:
    """Fay Flux has been entered here before the bulk source knows her."""
    found = small.crosswalk()
    fay = DriverRow("fay-flux", "flux", "Fay", "Flux", date(2006, 1, 1), "curated")
    return Crosswalk(replace(found.tables, drivers=(*found.tables.drivers, fay)))


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    """Both sources on the Tuesday after the race, and a home that has read the release."""
    with staged(replace(small.weekend(tmp_path), jolpica_faults=()), small.crosswalk()) as found:
        found.clock.set(NOW)
        for name, value in {
            **small.SETTINGS,
            "F1_F1DB_URL": found.f1db.url,
            "F1_JOLPICA_URL": found.jolpica.url,
        }.items():
            monkeypatch.setenv(name, value)
        get_settings.cache_clear()
        settings = get_settings()
        migrate.upgrade(settings.tables_url)
        with clock.at(NOW):
            snapshot.refresh(settings, "f1db")
            yield found


@pytest.fixture
def engine(stage: Stage) -> Engine:
    return get_engine(get_settings().tables_url)


def changed(monkeypatch: pytest.MonkeyPatch, **changes: Change) -> None:
    """Let the source say something else about races, by the name of the Grand Prix."""
    real = JolpicaClient.results

    def results(self: JolpicaClient, *args: Any, **kwargs: Any) -> Answer:
        answer = real(self, *args, **kwargs)
        items = copy.deepcopy(answer.items)
        for item in items:
            for name, change in changes.items():
                if item["raceName"].lower().startswith(name):
                    change(item)
        return replace(answer, items=items)

    monkeypatch.setitem(sys.modules["f1_pipeline.automation.watch"]._ASK, "race", results)


def swap(item: dict[str, Any]) -> None:
    one, two = item["Results"][:2]
    for name in ("Driver", "Constructor"):
        one[name], two[name] = two[name], one[name]


def two_winners(item: dict[str, Any]) -> None:
    item["Results"][1] |= {"position": "1", "positionText": "1"}


def with_fay(item: dict[str, Any]) -> None:
    item["Results"][2]["Driver"] = {
        "driverId": "flux", "givenName": "Fay", "familyName": "Flux", "dateOfBirth": "2006-01-01",
    }  # fmt: skip


def test_one_broken_race_does_not_keep_the_others_away(
    stage: Stage, engine: Engine, known: Crosswalk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fault 12, in an answer about the whole season; fault 6 in another race of it."""
    slot = Slot(LAST, "race_results")
    with Watch(get_settings(), engine, known=known) as watch:
        changed(monkeypatch, betaland=swap)
        watch.topic("results")
        before = complete_versions(engine)[slot]
        changed(monkeypatch, alphaland=swap, betaland=two_winners)
        outcome = watch.topic("results")
    assert (outcome.poll.outcome, outcome.poll.check_name) == ("refused", "content")
    assert f"{LAST} race: " in str(outcome.poll.message)
    assert "position 1 is given to two cars" in str(outcome.poll.message)
    assert FIRST not in str(outcome.poll.message)
    assert [text.split()[:2] for text in outcome.new] == [[FIRST, "race_results"]]
    assert complete_versions(engine)[slot] == before, "what was kept of the broken race stays"
    refused = read_status(engine, get_settings())["live"]
    assert refused is None or refused["refused"]
    with Watch(get_settings(), engine, known=known) as watch:
        changed(monkeypatch)
        assert watch.topic("results").mended


def test_an_unknown_driver_in_one_race_is_named_with_the_race(
    stage: Stage, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fault 10."""
    changed(monkeypatch, betaland=with_fay, alphaland=swap)
    with Watch(get_settings(), engine, known=small.crosswalk()) as watch:
        outcome = watch.topic("results")
    assert outcome.poll.check_name == "identity"
    assert str(outcome.poll.message).startswith(f"{LAST} race: ")
    assert len(outcome.new) == 1


def test_a_version_that_an_update_could_not_merge_is_refused_on_arrival(
    stage: Stage, engine: Engine, known: Crosswalk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """She is known, so the answer is one of people that exist; the bulk source does not have her yet."""
    stage.clock.set(NOW - timedelta(days=1.5))  # no release with the race yet
    with clock.at(stage.clock.now()):
        snapshot.refresh(get_settings(), "f1db")
        changed(monkeypatch, betaland=with_fay)
        with Watch(get_settings(), engine, known=known) as watch:
            outcome = watch.topic("results")
            assert outcome.poll.check_name == "content"
            assert "fay-flux" in str(outcome.poll.message)
            assert Slot(LAST, "race_results") not in complete_versions(engine)
            changed(monkeypatch)
            again = watch.topic("results")
    assert [text.split()[:2] for text in again.new] == [[LAST, "race_results"]]


def test_a_version_that_fits_no_more_is_left_out_by_name(tmp_path: Path) -> None:
    """The bulk source changed after it was kept: updates go on with its own rows, and with all other versions."""
    small.weekend(tmp_path)
    bundle = parse_archive(tmp_path / "after.zip", "v2026.2.0", "digest")

    def says(race: str, change: Callable[[Any], Any]) -> LiveSession:
        slot = Slot(race, "race_results")
        rows = change(slot_rows(bundle.tables["race_results"], slot).copy())
        return LiveSession(slot, rows, NOW, True, slot_hash(bundle.tables["race_results"], slot))

    def swapped(rows: Any) -> Any:
        rows.loc[rows.index[:2], "driver_id"] = rows["driver_id"].iloc[[1, 0]].to_numpy()
        return rows

    def with_nobody(rows: Any) -> Any:
        rows.loc[rows.index[1], "driver_id"] = "fay-flux"
        return rows

    good, bad = says(FIRST, swapped), says(LAST, with_nobody)
    gone = replace(bad, slot=Slot("2026-gammaland", "race_results"), against="")
    gone = replace(gone, rows=gone.rows.assign(race_key="2026-gammaland"))
    live = {good.slot: good, gone.slot: gone}
    with pytest.raises(ContractViolation, match="fay-flux"):
        merge(bundle, live)
    found, misfits = merge_fitting(bundle, live)
    assert set(misfits) == {gone.slot}
    assert any("2026-gammaland is left out" in note and "fay-flux" in note for note in found.notes)
    only_good = merge(bundle, {good.slot: good})
    for name, frame in only_good.tables.items():
        assert frame.equals(found.tables[name]), name
    assert found.digest != only_good.digest, "the same versions, the same name"
    assert merge_fitting(bundle, {good.slot: good})[0].digest == only_good.digest
