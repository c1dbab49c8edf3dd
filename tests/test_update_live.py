"""A weekend out of two sources on a small championship, and what is corrected, moved or labelled wrongly afterwards."""

from __future__ import annotations

import functools
import importlib
import itertools
import shutil
import warnings
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from dagster import AssetCheckKey, AssetKey
from sqlalchemy import Engine, delete

from f1_pipeline import clock, snapshot
from f1_pipeline.automation.plan import KeyRange
from f1_pipeline.runs import Report, Runs, UpdateFailed, open_runs
from f1_pipeline.settings import Settings, get_settings
from f1_pipeline.sources import simulated
from f1_pipeline.sources.bundle import SourceBundle
from f1_pipeline.sources.live import LiveSession, Slot, slot_hash, slot_rows
from f1_pipeline.storage import live, reads, schema
from f1_pipeline.storage.engine import UpdateLock, get_engine
from f1_pipeline.storage.revisions import revisions_of
from f1_pipeline.turn import Turn
from f1_pipeline.update import run_update

# Ranges in one run are beta, partitioned checks preview; Dagster asks pydantic for the old name of a field.
pytestmark = [
    pytest.mark.filterwarnings("ignore::dagster.BetaWarning", "ignore::dagster.PreviewWarning"),
    pytest.mark.filterwarnings("ignore:The `__fields__` attribute is deprecated"),
    # MLflow's tables with the newest SQLAlchemy, and its opinion of the hints of its own class.
    pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy is deprecated"),
    pytest.mark.filterwarnings("ignore:.*Any type hint is inferred as AnyType"),
]

SETTINGS = {
    "F1_SOURCE": "f1db",
    "F1_FORECAST_FROM_SEASON": "2026",
    "F1_RETRAIN_RECENT": "season",
    "F1_DRAWS": "200",
    "F1_MODEL_VERSIONS_KEPT": "1000",
}
WORLD = functools.lru_cache(maxsize=4)(simulated.simulate)
RACES = WORLD(2, 7).bundle.tables["races"].query("season == 2026").sort_values("date")["race_key"].tolist()
OLD, NEWEST, NEXT, AFTER_NEXT = RACES[4], RACES[7], RACES[8], RACES[9]
"""Eight races of 2026 are run."""
SATURDAY = datetime(2026, 7, 4, 16, 20, tzinfo=UTC)
THURSDAY = SATURDAY - timedelta(days=2)
"""Before the first practice of the next race."""
Tables = dict[str, pd.DataFrame]


class Published:
    """What F1DB has published: stands in for its archive, with the rows of a simulated championship."""

    def __init__(self) -> None:
        self.bundles: dict[str, SourceBundle] = {}
        self.publish("v2026.8.0", WORLD(2, 7).bundle.tables)

    def publish(self, release: str, tables: Tables, **changed: pd.DataFrame) -> None:
        self.newest = SourceBundle("f1db", release, f"digest of {release}", {**tables, **changed})
        self.bundles[self.newest.digest] = self.newest

    def change(self, release: str, **changed: pd.DataFrame) -> None:
        """The same, but for some tables."""
        self.publish(release, self.newest.tables, **changed)

    def patch(self, patch: pytest.MonkeyPatch) -> None:
        def found(settings: Settings, held: str | None) -> snapshot.Snapshot:
            return snapshot.Snapshot("f1db", self.newest.release, self.newest.digest, "nowhere.zip")

        patch.setattr(snapshot, "_f1db", found)
        patch.setattr(snapshot, "_load", lambda source, release, digest, *rest: self.bundles[digest])


def _use(patch: pytest.MonkeyPatch, home: Path) -> Settings:
    for name, value in {**SETTINGS, "F1_HOME": str(home)}.items():
        patch.setenv(name, value)
    get_settings.cache_clear()
    return get_settings()


@pytest.fixture(autouse=True)
def thursday() -> Iterator[None]:
    """Before the weekend, where a test does not say otherwise: what is made again depends on the day."""
    with clock.at(THURSDAY):
        yield


@pytest.fixture
def saturday(thursday: None) -> Iterator[None]:
    with clock.at(SATURDAY):
        yield


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home after its first update; tests work on copies of it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of MLflow's own imports
        importlib.import_module("mlflow.sklearn")
        importlib.import_module("mlflow.xgboost")
    home = tmp_path_factory.mktemp("built") / "home"
    with pytest.MonkeyPatch.context() as patch:
        Published().patch(patch)
        with clock.at(THURSDAY):
            run_update(_use(patch, home), lambda line: None)
    get_settings.cache_clear()
    return home


@pytest.fixture
def home(built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings of a copy of the home after the first update."""
    shutil.copytree(built, tmp_path / "copy", ignore=shutil.ignore_patterns("mlflow-artifacts"))
    return _use(monkeypatch, tmp_path / "copy")


@pytest.fixture
def f1db(monkeypatch: pytest.MonkeyPatch) -> Published:
    published = Published()
    published.patch(monkeypatch)
    return published


def _engine(settings: Settings) -> Engine:
    return get_engine(settings.tables_url)


def _read(settings: Settings, table: str, race: str | None = None) -> pd.DataFrame:
    keys = None if race is None else [race]
    return reads.read_table(_engine(settings), schema.metadata.tables[table], keys)


def _update(settings: Settings) -> Report:
    return run_update(settings, lambda line: None)


def _swapped(frame: pd.DataFrame, race: str, first: int, second: int) -> pd.DataFrame:
    """The results with two places changed: who was where, the rest of the rows as it is."""
    results = frame.copy()
    rows = [
        results.index[(results["race_key"] == race) & (results["position"] == place)][0]
        for place in (first, second)
    ]
    who = ["driver_id", "constructor_id", "car_number"]
    results.loc[rows, who] = results.loc[rows[::-1], who].to_numpy()
    return results


def _says(
    settings: Settings, f1db: Published, slot: Slot, frame: pd.DataFrame, hours: float, complete: bool = True
) -> None:
    """The live source says something of a slot, some hours after Saturday's qualifying."""
    against = slot_hash(f1db.newest.tables[slot.table], slot)
    seen = SATURDAY + timedelta(hours=hours)
    live.remember(_engine(settings), LiveSession(slot, slot_rows(frame, slot), seen, complete, against))


# --- a weekend -------------------------------------------------------------------------------------------


def test_a_weekend_that_f1db_has_not_published(home: Settings, f1db: Published, saturday: None) -> None:
    later = WORLD(2, 7, finished_rounds=9).bundle.tables
    # Faults 11 and 14: a reserve drives instead of somebody who is on the list; no practice, no sprint.
    absent, reserve = _reserve(later)
    later = {name: _instead(frame, absent, reserve) for name, frame in later.items()}
    before = _read(home, "predictions", NEXT)
    assert set(before["horizon"]) == {"pre_weekend"}
    championship = _read(home, "championship_forecasts", NEXT)
    assert absent in set(before["driver_id"])

    _says(home, f1db, Slot(NEXT, "qualifying_results", "Q"), later["qualifying_results"], 0)
    report = _update(home)
    assert report.next_race == NEXT
    grid = _read(home, "starting_grid", NEXT)
    qualifying = _read(home, "qualifying_results", NEXT)
    assert grid["is_provisional"].all()
    assert grid["driver_id"].tolist() == qualifying["driver_id"].tolist()
    on_saturday = _read(home, "predictions", NEXT)
    early = on_saturday[on_saturday["horizon"] == "pre_race"]
    assert set(early["driver_id"]) == set(grid["driver_id"])
    assert reserve in set(early["driver_id"])
    assert absent not in set(early["driver_id"])
    # Of the reserve nobody knew before the first practice: what states that cutoff stays as it was made.
    pd.testing.assert_frame_equal(
        on_saturday[on_saturday["horizon"] == "pre_weekend"].reset_index(drop=True), before, check_exact=True
    )
    pd.testing.assert_frame_equal(_read(home, "championship_forecasts", NEXT), championship, check_exact=True)
    assert set(early["data_release"]) == {"v2026.8.0 jolpica@2026-07-04T16:20Z"}
    assert _update(home).idle

    half = later["race_results"].groupby("race_key").head(10)
    _says(home, f1db, Slot(NEXT, "race_results"), half, 24, complete=False)
    assert _update(home).idle, "not yet is nothing new"
    assert _update(home).next_race == NEXT, "the race has started and has no result"

    seen_live = later["race_results"].assign(pit_stops=None, reason_retired=None)
    _says(home, f1db, Slot(NEXT, "race_results"), seen_live, 25)
    _says(home, f1db, Slot(NEXT, "starting_grid", "R"), later["starting_grid"], 25)
    for kind in ("driver", "constructor"):
        _says(home, f1db, Slot(NEXT, f"{kind}_standings"), later[f"{kind}_standings"], 25)
    report = _update(home)
    assert (report.next_race, report.scores) == (AFTER_NEXT, 1)
    # Grid and result are others than on Saturday: the forecast stays as it was made, ratings and features follow.
    pd.testing.assert_frame_equal(_read(home, "predictions", NEXT), on_saturday, check_exact=True)
    assert _read(home, "starting_grid", NEXT)["is_provisional"].isna().all()
    versions = revisions_of(_engine(home), NEXT, "starting_grid")
    assert [bool(version.rows["is_provisional"].any()) for version in versions] == [True, False]
    elo = _read(home, "elo_ratings", NEXT)
    assert elo["value_after"].notna().all()
    assert _check(home, "driver_standings") == (True, "")
    loads = _read(home, "data_loads", NEXT)
    sources = loads.groupby("table_name")["source"].last()
    assert set(sources[["race_results", "starting_grid", "entries", "driver_standings"]]) == {"jolpica"}
    assert _update(home).idle

    # F1DB publishes: its rows count, and nothing that was forecast or scored moves without need.
    f1db.publish("v2026.9.0", later)
    _update(home)
    stored = _read(home, "race_results", NEXT)
    assert stored["pit_stops"].notna().any()
    newest = _read(home, "data_loads", NEXT).groupby("table_name")["source"].last()
    assert newest["race_results"] == "f1db"
    pd.testing.assert_frame_equal(_read(home, "predictions", NEXT), on_saturday, check_exact=True)
    found = revisions_of(_engine(home), NEXT, "race_results")
    assert [version.source for version in found] == ["jolpica", "f1db"]

    # On Tuesday the stewards change their mind, and F1DB has nothing newer.
    corrected = _swapped(later["race_results"], NEXT, 1, 2).assign(pit_stops=None)
    _says(home, f1db, Slot(NEXT, "race_results"), corrected, 60)
    report = _update(home)
    assert (report.changed_races, report.scores) == (1, 1)
    winner = corrected[(corrected["race_key"] == NEXT) & (corrected["position"] == 1)]["driver_id"].tolist()
    assert _read(home, "model_accuracy", NEXT)["actual_winner"].unique().tolist() == winner
    assert _read(home, "race_results", NEXT)["pit_stops"].notna().any(), "only the core is replaced"
    assert _update(home).idle

    # A release with other rows of that race: F1DB knows better by now.
    results = later["race_results"].copy()
    results.loc[results["race_key"] == NEXT, "pit_stops"] = 3
    f1db.publish("v2026.9.1", later, race_results=results)
    _update(home)
    assert _read(home, "model_accuracy", NEXT)["actual_winner"].unique().tolist() != winner
    versions = revisions_of(_engine(home), NEXT, "race_results")
    assert [version.source for version in versions] == ["jolpica", "f1db", "jolpica", "f1db"]
    pd.testing.assert_frame_equal(_read(home, "predictions", NEXT), on_saturday, check_exact=True)


def _remade(settings: Settings) -> set[str]:
    """Which forecasts of the next race were made on Saturday or later."""
    tables = {"predictions": "predictions", "championship": "championship_forecasts"}
    frames = {name: _read(settings, table, NEXT) for name, table in tables.items()}
    return {name for name, frame in frames.items() if (frame["created_at"] >= SATURDAY).any()}


def test_a_correction_after_the_cutoff_moves_no_forecast_before_the_weekend(
    home: Settings, f1db: Published, saturday: None
) -> None:
    """An old result is changed on a Saturday: ratings follow, and what states the cutoff of Friday does not know of it."""
    before = _read(home, "elo_ratings", NEXT)
    f1db.change("v2026.8.1", race_results=_swapped(f1db.newest.tables["race_results"], OLD, 1, 2))
    report = _update(home)
    assert (report.changed_races, report.scores, report.forecasts, report.championships) == (1, 1, 0, 0)
    assert not _read(home, "elo_ratings", NEXT).equals(before)
    assert _remade(home) == set()
    assert _update(home).idle
    # Not even in a run that somebody starts by hand, unless it is asked for by name.
    by_hand = [("forecast_pre_weekend", "predictions"), ("forecast_championship", "championship")]
    with open_runs(report, lambda line: None, Turn(UpdateLock())) as runs:
        for job, _ in by_hand:
            runs.run(job, "by hand", KeyRange(NEXT, NEXT))
        assert _remade(home) == set()
        for job, _ in by_hand:
            runs.run(job, "by hand", KeyRange(NEXT, NEXT), remake=True)
    assert _remade(home) == {name for _, name in by_hand}


def test_the_same_correction_before_the_cutoff_makes_them_again(home: Settings, f1db: Published) -> None:
    before = {name: _read(home, name, NEXT) for name in ("predictions", "championship_forecasts")}
    f1db.change("v2026.8.1", race_results=_swapped(f1db.newest.tables["race_results"], OLD, 1, 2))
    report = _update(home)
    assert (report.changed_races, report.forecasts, report.championships) == (1, 1, 1)
    for name, frame in before.items():
        assert not _read(home, name, NEXT).equals(frame), name


def test_a_weekend_that_is_put_off_is_open_again(home: Settings, f1db: Published, saturday: None) -> None:
    races = f1db.newest.tables["races"]
    later = pd.Timedelta(days=5)
    here = races["race_key"] == NEXT
    moved = races.copy()
    for name in ("date", "start_at", "first_practice_at", "qualifying_at"):
        moved.loc[here, name] = races.loc[here, name] + later
    f1db.change("v2026.8.1", races=moved)
    report = _update(home)
    assert (report.next_race, report.forecasts) == (NEXT, 1)
    cutoff = moved.loc[here, "first_practice_at"].iloc[0]
    assert set(_read(home, "predictions", NEXT)["cutoff"]) == {cutoff}
    assert set(_read(home, "championship_forecasts", NEXT)["cutoff"]) == {cutoff}


def test_what_is_missing_after_the_cutoff_is_made_and_views_are_drawn_again(
    home: Settings, f1db: Published, saturday: None
) -> None:
    """Installed on a Saturday, or interrupted: late is better than never, and of a forecast that is there only its views."""
    views = ("position_probabilities", "head_to_head", "constructor_predictions")
    held = {name: _read(home, name, NEXT) for name in (*views, "predictions")}
    _forget(home, *views)
    assert _update(home).forecasts == 1
    for name, frame in held.items():
        pd.testing.assert_frame_equal(_read(home, name, NEXT), frame)
    assert _update(home).idle
    _forget(home, *views, "prediction_reasons", "predictions", "championship_forecasts")
    report = _update(home)
    assert (report.forecasts, report.championships) == (1, 1)
    assert _remade(home) == {"predictions", "championship"}
    assert _update(home).idle


def test_training_anew_on_a_saturday_leaves_the_forecast_before_the_weekend(
    home: Settings, f1db: Published, saturday: None
) -> None:
    """Nobody asks for it by name: it is a schedule, and the result of a Sunday can come after Monday's."""
    told: list[str] = []
    report = run_update(home, told.append, retrain=True)
    assert report.forecasts == 0
    assert _remade(home) == set()
    assert any(f"the cutoff before the weekend of {NEXT} has passed" in line for line in told)
    with clock.at(THURSDAY):
        assert run_update(home, told.append, retrain=True).forecasts == 1


def _forget(settings: Settings, *tables: str) -> None:
    with _engine(settings).begin() as connection:
        for name in tables:
            table = schema.metadata.tables[name]
            connection.execute(delete(table).where(table.c.race_key == NEXT))


def _reserve(tables: Tables) -> tuple[str, str]:
    """Somebody who drives, and somebody who has driven before and does not now."""
    entries = tables["entries"]
    driving = entries.loc[entries["race_key"] == NEXT, "driver_id"]
    idle = sorted(set(tables["drivers"]["driver_id"]) - set(driving))
    return str(driving.iloc[-1]), idle[0]


def _instead(frame: pd.DataFrame, absent: str, reserve: str) -> pd.DataFrame:
    if not {"race_key", "driver_id"} <= set(frame.columns) or (
        "points" in frame.columns and "laps" not in frame.columns
    ):
        return frame
    made = frame.copy()
    made.loc[(made["race_key"] == NEXT) & (made["driver_id"] == absent), "driver_id"] = reserve
    return made


def test_what_a_run_began_with_it_ends_with(
    home: Settings, f1db: Published, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A version that is seen while a run goes on belongs to the next state."""
    later = WORLD(2, 7, finished_rounds=9).bundle.tables
    slot = Slot(NEXT, "qualifying_results", "Q")
    _says(home, f1db, slot, later["qualifying_results"], 0)
    found = snapshot.refresh(home, "f1db", live.newest_marks(_engine(home)))
    first = snapshot.load(found)
    reversed_ = later["qualifying_results"].sort_values(
        ["race_key", "session", "position"], ascending=[True, True, False]
    )
    other = reversed_.assign(
        display_order=reversed_.groupby(["race_key", "session"]).cumcount() + 1,
    )
    other = other.assign(position=other["display_order"], position_text=other["display_order"].astype(str))
    _says(home, f1db, slot, other, 1)
    assert snapshot.remembered(home) == found
    monkeypatch.setattr(snapshot, "_last_merged", {})
    again = snapshot.load(snapshot.remembered(home))
    assert again.race_hashes("qualifying_results") == first.race_hashes("qualifying_results")
    assert again.digest == found.digest == first.digest
    newer = snapshot.refresh(home, "f1db", live.newest_marks(_engine(home)))
    assert newer.digest != found.digest
    assert snapshot.load(newer).race_hashes("qualifying_results") != first.race_hashes("qualifying_results")
    assert snapshot.load_bulk(newer) is f1db.newest


def test_a_live_version_that_does_not_fit_is_left_out_by_name(home: Settings, f1db: Published) -> None:
    """It fitted when it was kept, and the bulk source has changed since: the update goes on with F1DB's rows."""
    before = {name: _read(home, name) for name in ("race_results", "entries", "predictions")}
    later = WORLD(2, 7, finished_rounds=9).bundle.tables["race_results"].copy()
    later.loc[later["race_key"] == NEXT, "driver_id"] = later["driver_id"] + "-junior"
    _says(home, f1db, Slot(NEXT, "race_results"), later, 25)
    told: list[str] = []
    run_update(home, told.append)
    assert any("race_results of" in line and NEXT in line and "junior" in line for line in told)
    for name, frame in before.items():
        pd.testing.assert_frame_equal(_read(home, name), frame)
    assert _update(home).idle, "it is not merged again and again"


# --- corrections and the calendar ------------------------------------------------------------------------


def test_a_result_that_is_changed_twice(home: Settings, f1db: Published) -> None:
    """Fault 6, Monaco 2026: rated again from there both times, all three versions stay, forecasts stay as made."""
    tables = f1db.newest.tables
    calendar = reads.calendar(_engine(home))["race_key"].tolist()
    first = _read(home, "predictions")
    ratings = [_read(home, "elo_ratings")]
    winners = []
    once = _swapped(tables["race_results"], OLD, 1, 2)
    twice = _swapped(once, OLD, 1, 3)
    for release, results in (("v2026.8.1", once), ("v2026.8.2", twice)):
        f1db.change(release, race_results=results)
        report = _update(home)
        assert (report.changed_races, report.scores) == (1, 1)
        ratings.append(_read(home, "elo_ratings"))
        winners.append(_read(home, "model_accuracy", OLD)["actual_winner"].iloc[0])
    for old, new in itertools.pairwise(ratings):
        both = old.merge(new, on=["race_key", "kind", "entity_id"])
        moved = both[both["value_after_x"].notna() & (both["value_after_x"] != both["value_after_y"])]
        assert min(set(moved["race_key"]), key=calendar.index) == OLD
    versions = revisions_of(_engine(home), OLD, "race_results")
    assert [version.release for version in versions] == ["v2026.8.0", "v2026.8.1", "v2026.8.2"]
    stated = [version.rows.set_index("position")["driver_id"][1] for version in versions]
    assert stated[1:] == winners
    assert len(set(stated)) == 3
    finished = "race_key != @NEXT"
    pd.testing.assert_frame_equal(
        _read(home, "predictions").query(finished).reset_index(drop=True),
        first.query(finished).reset_index(drop=True),
        check_exact=True,
    )
    assert _update(home).idle


def _dies(*args: Any, **kwargs: Any) -> None:
    raise RuntimeError("power cut")


def test_an_update_that_dies_right_after_the_calendar_is_made_up_for(
    home: Settings, f1db: Published, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing but the calendar is another one, and it is in the tables already: the features must follow all the same."""
    races = f1db.newest.tables["races"].copy()
    races.loc[races["race_key"] == NEXT, ["course_length_km", "turns"]] = [9.75, 31]
    f1db.change("v2026.8.1", races=races)
    with monkeypatch.context() as patch:
        patch.setattr("f1_pipeline.assets.derived.elo_ratings", _dies)
        with pytest.raises(UpdateFailed, match="power cut"):
            _update(home)
    assert set(_read(home, "feature_matrix", NEXT)["track_length_km"]) != {9.75}
    assert set(_read(home, "races", NEXT)["course_length_km"]) == {9.75}
    report = _update(home)
    assert report.forecasts == 1
    assert set(_read(home, "feature_matrix", NEXT)["track_length_km"]) == {9.75}
    assert _update(home).idle


def test_a_start_that_moves_moves_the_cutoff(home: Settings, f1db: Published) -> None:
    """Fault 8: the schedule is read again before a forecast, and the live one knows first."""
    races = f1db.newest.tables["races"]
    old = races.set_index("race_key").loc[NEXT]
    first = old["first_practice_at"] - pd.Timedelta(minutes=90)
    moved = races.assign(first_practice_at=races["first_practice_at"].where(races["race_key"] != NEXT, first))
    _says(home, f1db, Slot(NEXT, "races"), moved, -40)
    report = _update(home)
    assert (report.changed_races, report.forecasts) == (0, 1)
    assert set(_read(home, "predictions", NEXT)["cutoff"]) == {first}
    assert set(_read(home, "feature_matrix", NEXT)["cutoff"]) == {first}
    assert _update(home).idle


def test_a_race_that_is_cancelled_renumbered_and_put_back_elsewhere(home: Settings, f1db: Published) -> None:
    """Fault 7, Bahrain 2026: the same race when it comes back, with its date; nothing is deleted; rounds are attributes."""
    from f1_pipeline.dagster_instance import get_instance

    tables = f1db.newest.tables
    season = tables["races"]
    gone = RACES[10]
    left = season[season["race_key"] != gone].copy()
    left.loc[(left["season"] == 2026) & (left["round"] > 11), "round"] -= 1
    f1db.change("v2026.8.1", races=left, entries=tables["entries"][tables["entries"]["race_key"] != gone])
    kept = _read(home, "predictions")
    assert _update(home).next_race == NEXT
    stored = _read(home, "races", gone).iloc[0]
    assert stored["is_cancelled"]
    with get_instance() as instance:
        assert gone not in instance.get_dynamic_partitions("races")
    assert len(_read(home, "races")) == len(season)

    back = season.copy()
    last = back.loc[back["season"] == 2026, "date"].max() + pd.Timedelta(days=7)
    times = ["start_at", "first_practice_at", "qualifying_at"]
    shift = last - back.loc[back["race_key"] == gone, "date"].iloc[0]
    row = back["race_key"] == gone
    back.loc[row, "date"] = last
    for name in times:
        back.loc[row, name] = back.loc[row, name] + shift
    f1db.change("v2026.8.2", races=back, entries=tables["entries"])
    assert _update(home).next_race == NEXT
    stored = _read(home, "races", gone).iloc[0]
    assert not stored["is_cancelled"]
    assert stored["date"] == last
    with get_instance() as instance:
        assert list(instance.get_dynamic_partitions("races"))[-1] == gone
    assert set(_read(home, "feature_matrix", gone)["cutoff"]) == {back.loc[row, "first_practice_at"].iloc[0]}
    finished = "race_key != @NEXT"
    pd.testing.assert_frame_equal(
        _read(home, "predictions").query(finished).reset_index(drop=True),
        kept.query(finished).reset_index(drop=True),
        check_exact=True,
    )
    assert _update(home).idle


# --- standings -------------------------------------------------------------------------------------------


def _check(settings: Settings, table: str) -> tuple[bool, str]:
    """Whether the check of published standings passed in the newest run, and the first difference."""
    from f1_pipeline.dagster_instance import get_instance

    key = AssetCheckKey(AssetKey(["raw", table]), "agree_with_results")
    with get_instance() as instance:
        records = instance.event_log_storage.get_asset_check_execution_history(key, limit=20)
    events = [record.event.dagster_event for record in records if record.event is not None]
    found = [event.asset_check_evaluation_data for event in events if event is not None]
    newest = next(one for one in found if "first" in one.metadata)
    return newest.passed, str(newest.metadata["first"].value)


def test_standings_that_are_labelled_with_the_next_round_are_named(home: Settings, f1db: Published) -> None:
    """Fault 5. A warning with the first difference: the rows are taken in."""
    from f1_pipeline.dagster_instance import get_instance

    kinds = ("driver", "constructor")
    assert {kind: _check(home, f"{kind}_standings") for kind in kinds} == dict.fromkeys(kinds, (True, ""))
    late: Tables = {}
    for kind in kinds:
        late[f"{kind}_standings"] = f1db.newest.tables[f"{kind}_standings"].copy()
        late[f"{kind}_standings"]["race_key"] = late[f"{kind}_standings"]["race_key"].replace(NEWEST, NEXT)
    f1db.change("v2026.8.1", **late)
    snapshot.refresh(home, "f1db")
    with get_instance() as instance:
        runs = Runs(instance, Report("", "", None), lambda line: None, Turn(UpdateLock()))
        for race, message in (
            (
                NEXT,
                f"of a race that has no result: they are those after {NEWEST}, labelled with the next round",
            ),
            (NEWEST, "are published after a race that has a result"),
        ):
            runs.run("ingest_races", "ingest", KeyRange(race, race))
            for kind in kinds:
                passed, first = _check(home, f"{kind}_standings")
                assert not passed
                assert first.startswith(f"{race}: ")
                assert f"{kind} standings {message}" in first
    assert len(_read(home, "driver_standings", NEXT)) == 20
