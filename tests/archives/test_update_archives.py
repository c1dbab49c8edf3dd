"""The update on the real archives: a weekend arrives piece by piece, and the calendar moves."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from f1_pipeline.snapshot import load, remembered
from f1_pipeline.sources.bundle import content_hashes
from f1_pipeline.sources.contracts import conform
from f1_pipeline.storage import reads, schema
from f1_pipeline.storage.engine import get_engine
from tests.archives.world import BAHRAIN, FILES, HUNGARY, NETHERLANDS, STEPS, Step, use
from tests.quiet import QUIET

pytestmark = [pytest.mark.archive, *QUIET]


def _changed(steps: dict[str, Step], step: str) -> dict[str, set[str]]:
    """Races whose rows differ between a step's archive and the one before, by table."""
    old, new = steps[STEPS[STEPS.index(step) - 1]].hashes, steps[step].hashes
    return {
        name: {key for key in {*old[name], *new[name]} if old[name].get(key) != new[name].get(key)}
        for name in schema.RACE_TABLES
    }


def _new_loads(steps: dict[str, Step], step: str) -> pd.DataFrame:
    before = steps[STEPS[STEPS.index(step) - 1]].tables["data_loads"]
    now = steps[step].tables["data_loads"]
    return now[now["id"] > before["id"].max()]


def test_the_next_race(steps: dict[str, Step]) -> None:
    found = [steps[step].report.next_race for step in STEPS]
    assert found == [HUNGARY, HUNGARY, NETHERLANDS, NETHERLANDS]


def test_row_counts(steps: dict[str, Step]) -> None:
    """The counts of the archives' own files."""
    expected = {
        "races": (1171, 1171, 1171, 1172),
        "race_results": (27511, 27511, 27533, 27533),
        "driver_standings": (21427, 21427, 21449, 21449),
        "constructor_standings": (10599, 10599, 10610, 10610),
        "pit_stops": (22386, 22386, 22430, 22430),
        "sprint_results": (568, 568, 568, 568),
        "starting_grid": (25748 + 567, 25770 + 567, 25770 + 567, 25770 + 567),
        "drivers": (917, 917, 917, 917),
        "circuits": (78, 78, 78, 78),
    }
    for name, counts in expected.items():
        assert tuple(steps[step].counts[name] for step in STEPS) == counts, name


@pytest.mark.parametrize("step", STEPS)
def test_nothing_is_lost_and_nothing_doubled(steps: dict[str, Step], step: str) -> None:
    found = steps[step]
    assert {name: found.counts[name] for name in found.rows} == found.rows
    assert found.stored == found.hashes
    assert found.idle, "a second update has nothing to do"


def test_the_tables_are_those_of_a_fresh_load(
    steps: dict[str, Step], archives: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = use(monkeypatch, home, archives / "f1db" / FILES["newest"])
    engine, bundle = get_engine(settings.tables_url), load(remembered(settings))
    for name in schema.RACE_TABLES:
        table = schema.metadata.tables[name]
        keys = [column.name for column in table.primary_key]
        fresh = bundle.tables[name].sort_values(keys, kind="stable")
        stored = reads.read_table(engine, table)[list(fresh.columns)]
        stored = conform(name, stored, "f1db").sort_values(keys, kind="stable")
        assert content_hashes(stored) == content_hashes(fresh), name


@pytest.mark.parametrize("step", STEPS[1:])
def test_only_what_changed_is_written_again(steps: dict[str, Step], step: str) -> None:
    loads = _new_loads(steps, step)
    for name, changed in _changed(steps, step).items():
        rows = loads[loads["table_name"] == name]
        assert set(rows["race_key"]) == changed, name
        assert not rows.duplicated("race_key").any()


def test_the_saturday_brings_sessions_and_the_sunday_the_race(steps: dict[str, Step]) -> None:
    saturday, sunday = _changed(steps, "2026.11-pre-race"), _changed(steps, "2026.11")
    for name in ("practice_results", "qualifying_results", "starting_grid"):
        assert saturday[name] == {HUNGARY}
        assert sunday[name] == set()
    for name in ("race_results", "pit_stops", "driver_standings", "constructor_standings"):
        assert HUNGARY not in saturday[name]
        assert HUNGARY in sunday[name]
    assert all(key >= "2026" for step in STEPS[1:] for keys in _changed(steps, step).values() for key in keys)


def test_the_calendar_moves(steps: dict[str, Step]) -> None:
    before, after = steps["2026.11"].tables["races"], steps["newest"].tables["races"]
    assert BAHRAIN not in set(before["race_key"])
    rounds = [frame.set_index("race_key")["round"] for frame in (before, after)]
    assert rounds[1][BAHRAIN] == 16
    later = [key for key in rounds[0].index if key.startswith("2026") and rounds[0][key] >= 16]
    assert later
    assert all(rounds[1][key] == rounds[0][key] + 1 for key in later)
    assert set(before["race_key"]) < set(after["race_key"])


@pytest.mark.parametrize("step", STEPS)
def test_partitions_are_in_calendar_order(steps: dict[str, Step], step: str) -> None:
    races = steps[step].tables["races"]
    held = races[~races["is_cancelled"].astype(bool)].sort_values(["date", "race_key"])
    assert steps[step].partitions == held["race_key"].tolist()


def test_the_partition_of_bahrain_is_where_its_date_is(steps: dict[str, Step]) -> None:
    partitions = steps["newest"].partitions
    races = steps["newest"].tables["races"].set_index("race_key")
    place = partitions.index(BAHRAIN)
    assert races["round"][partitions[place - 1]] == 15
    assert races["round"][partitions[place + 1]] == 17


def _of(steps: dict[str, Step], step: str, table: str, race: str) -> pd.DataFrame:
    frame = steps[step].tables[table]
    return frame[frame["race_key"] == race].reset_index(drop=True)


def test_the_forecasts_made_before_the_race_are_kept_and_scored(steps: dict[str, Step]) -> None:
    first = _of(steps, "2026.10", "predictions", HUNGARY)
    assert set(first["horizon"]) == {"pre_weekend"}
    saturday = _of(steps, "2026.11-pre-race", "predictions", HUNGARY)
    assert set(saturday["horizon"]) == {"pre_weekend", "pre_race"}
    assert saturday.groupby(["horizon", "model"]).size().eq(22).all()
    for step in ("2026.11", "newest"):
        # Byte for byte, and when it was made.
        pd.testing.assert_frame_equal(_of(steps, step, "predictions", HUNGARY), saturday, check_exact=True)
        scores = _of(steps, step, "model_accuracy", HUNGARY)
        assert scores.groupby("horizon").size().to_dict() == dict(
            saturday.groupby("horizon")["model"].nunique()
        )
        assert set(scores["actual_winner"]) == {"lando-norris"}
    assert _of(steps, "2026.11-pre-race", "model_accuracy", HUNGARY).empty
    assert (saturday["data_release"] != "").all()


def test_the_next_race_is_forecast_once_the_last_is_over(steps: dict[str, Step]) -> None:
    assert _of(steps, "2026.11-pre-race", "predictions", NETHERLANDS).empty
    after = _of(steps, "2026.11", "predictions", NETHERLANDS)
    assert set(after["horizon"]) == {"pre_weekend"}
    # Drivers changed seats in the break, which this source told with the first practice: what was said before it stands.
    newest = _of(steps, "newest", "predictions", NETHERLANDS).query("horizon == 'pre_weekend'")
    pd.testing.assert_frame_equal(
        newest.reset_index(drop=True), after.reset_index(drop=True), check_exact=True
    )
    seats = _of(steps, "newest", "entries", NETHERLANDS).set_index("driver_id")["constructor_id"]
    assert seats["liam-lawson"] == "red-bull"
    assert set(newest.loc[newest["driver_id"] == "liam-lawson", "constructor_id"]) == {"racing-bulls"}
    assert _of(steps, "newest", "predictions", BAHRAIN).empty


def test_earlier_forecasts_and_ratings_do_not_move(steps: dict[str, Step]) -> None:
    for name in ("predictions", "model_accuracy", "elo_ratings"):
        frames = [
            steps[step]
            .tables[name]
            .query("race_key < '2026' or race_key in @steps['2026.10'].tables['model_accuracy'].race_key")
            for step in STEPS
        ]
        for frame in frames[1:]:
            pd.testing.assert_frame_equal(
                frame.reset_index(drop=True), frames[0].reset_index(drop=True), check_exact=True
            )


def test_reports(steps: dict[str, Step]) -> None:
    first = steps["2026.10"].report
    assert first.changed_races == 1171
    assert (first.forecasts, first.scores) == (11 + 10, 10), (
        "ten races of 2026, and Hungary before the weekend"
    )
    assert steps["2026.11"].report.scores == 1
    assert all(1 <= steps[step].report.changed_races < 15 for step in STEPS[1:]), "of 1,171"
