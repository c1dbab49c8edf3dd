"""Marks of features, and which race the tables say is next."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd
import pytest
from sqlalchemy import Engine, insert, update

from f1_pipeline.forecasting.features import calendar_marks as marks_of_calendar
from f1_pipeline.forecasting.features.calendar_marks import CALENDAR_ATTRIBUTES, calendar_marks
from f1_pipeline.sources.bundle import content_hashes
from f1_pipeline.storage import reads, schema
from f1_pipeline.storage.marks import outdated_races
from f1_pipeline.storage.upcoming import calendar_now
from f1_pipeline.storage.writes import Load, replace_races

ALPHA, BETA, GAMMA = "2026-alphaland", "2026-betaland", "2026-gammaland"


def features(*races: str) -> pd.DataFrame:
    cutoff = pd.Timestamp("2026-01-01", tz="UTC")
    rows = [{"race_key": race, "horizon": "pre_weekend", "driver_id": "ada", "constructor_id": "nova", "cutoff": cutoff}
            for race in races]  # fmt: skip
    return pd.DataFrame(rows, columns=["race_key", "horizon", "driver_id", "constructor_id", "cutoff"])


def circuits(engine: Engine) -> pd.DataFrame:
    return reads.read_table(engine, schema.circuits)


def describe(engine: Engine, *races: str, marked: bool = True) -> None:
    marks = {
        key: mark
        for key, mark in calendar_marks(reads.calendar(engine), circuits(engine)).items()
        if key in races
    }
    replace_races(
        engine, schema.feature_matrix, features(*races), races,
        scope={"horizon": "pre_weekend"}, marks=marks if marked else None,
    )  # fmt: skip


def change(engine: Engine, race: str, **values: Any) -> None:
    with engine.begin() as connection:
        connection.execute(update(schema.races).where(schema.races.c.race_key == race).values(**values))


@pytest.mark.parametrize(
    ("values", "outdated"),
    [
        ({"date": datetime(2026, 5, 1).date()}, {BETA}),
        ({"start_at": datetime(2026, 2, 1, 13, tzinfo=UTC)}, {BETA}),
        ({"turns": 15}, {BETA}),
        ({"course_length_km": 4.25}, {BETA}),
        ({"round": 7, "name": "Beta", "laps": 60}, set()),
    ],
)
def test_features_know_which_calendar_they_stand_on(
    engine: Engine, values: dict[str, Any], outdated: set[str]
) -> None:
    describe(engine, ALPHA, BETA)
    assert outdated_races(engine) == set()
    change(engine, BETA, **values)
    assert outdated_races(engine) == outdated
    describe(engine, BETA)
    assert outdated_races(engine) == set()


def test_a_missing_value_elsewhere_changes_no_mark(engine: Engine) -> None:
    """Columns of whole numbers become floats where one is missing."""
    change(engine, ALPHA, turns=15)
    whole = calendar_marks(pd.DataFrame(reads.calendar(engine).iloc[:1]), circuits(engine))
    mixed = calendar_marks(reads.calendar(engine), circuits(engine))
    assert whole[ALPHA] == mixed[ALPHA]
    typed = reads.calendar(engine).iloc[:1].astype({"turns": "Int64"})
    assert calendar_marks(typed, circuits(engine)) == whole
    assert set(CALENDAR_ATTRIBUTES) <= set(reads.calendar(engine).columns)


@pytest.fixture
def ring(engine: Engine) -> Engine:
    """All races are at one circuit."""
    with engine.begin() as connection:
        connection.execute(
            insert(schema.circuits), [{"circuit_id": "ring", "name": "Ring", "length_km": 5.0, "turns": 12}]
        )
        connection.execute(update(schema.races).values(circuit_id="ring"))
    return engine


def change_circuit(engine: Engine, **values: Any) -> None:
    with engine.begin() as connection:
        connection.execute(update(schema.circuits).values(**values))


def test_a_fact_of_the_circuit_counts_where_the_race_does_not_state_its_own(ring: Engine) -> None:
    engine = ring
    change(engine, ALPHA, course_length_km=4.25, turns=14)
    change(engine, BETA, course_length_km=None, turns=14)
    describe(engine, ALPHA, BETA)
    assert outdated_races(engine) == set()
    change_circuit(engine, turns=20, name="Ring", full_name="The Ring")
    assert outdated_races(engine) == set()
    change_circuit(engine, length_km=5.1)
    assert outdated_races(engine) == {BETA}
    describe(engine, BETA)
    assert outdated_races(engine) == set()
    change_circuit(engine, elevation_m=733.0)
    assert outdated_races(engine) == {ALPHA, BETA}


def test_features_of_other_code_are_outdated(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """An installation that is brought up to date must not learn from old numbers and new ones side by side."""
    describe(engine, ALPHA, BETA)
    monkeypatch.setattr(marks_of_calendar, "CODE", marks_of_calendar.CODE + 1)
    assert outdated_races(engine) == {ALPHA, BETA}
    describe(engine, ALPHA)
    assert outdated_races(engine) == {BETA}


def test_marks_are_written_with_the_features_or_not_at_all(engine: Engine) -> None:
    describe(engine, ALPHA)
    change(engine, ALPHA, turns=20)
    with pytest.raises(Exception, match=r"(?i)foreign key"):
        replace_races(
            engine, schema.feature_matrix, features(ALPHA), [ALPHA],
            scope={"horizon": "pre_weekend"}, marks={ALPHA: "new", "2026-nowhere": "new"},
        )  # fmt: skip
    assert outdated_races(engine) == {ALPHA}


def test_features_without_a_mark_are_outdated(engine: Engine) -> None:
    describe(engine, ALPHA, marked=False)
    describe(engine, BETA)
    assert outdated_races(engine) == {ALPHA}
    describe(engine, ALPHA)
    assert outdated_races(engine) == set()


# --- which race is next ----------------------------------------------------------------------------------


def finish(engine: Engine, race: str, release: str = "v2026.1.0") -> None:
    row = {"race_key": race, "display_order": 1, "driver_id": "ada", "constructor_id": "nova", "position": 1,
           "position_text": "1", "shared_car": False, "points": 25.0}  # fmt: skip
    frame = pd.DataFrame([row])
    replace_races(
        engine, schema.race_results, frame, [race], load=Load("f1db", release, content_hashes(frame))
    )


def begin(engine: Engine, race: str) -> None:
    row = {
        "race_key": race,
        "session": "FP1",
        "display_order": 1,
        "driver_id": "ada",
        "constructor_id": "nova",
    }
    with engine.begin() as connection:
        connection.execute(insert(schema.practice_results), [row])


def test_the_next_race_neither_sticks_nor_flips(engine: Engine) -> None:
    change(engine, BETA, start_at=datetime(2026, 2, 1, 13, tzinfo=UTC))
    finish(engine, ALPHA)
    start = datetime(2026, 2, 1, 13, tzinfo=UTC)
    for hours, expected in ((-1, BETA), (1, BETA), (40, BETA), (24 * 5, GAMMA)):
        assert calendar_now(engine, now=start + timedelta(hours=hours)).upcoming == expected, hours
    # Long after: the data end before today.
    assert calendar_now(engine, now=start + timedelta(days=200)).upcoming == BETA
    begin(engine, BETA)
    assert calendar_now(engine, now=start + timedelta(hours=1)).upcoming == BETA
    begin(engine, GAMMA)
    assert calendar_now(engine, now=start + timedelta(hours=1)).upcoming == GAMMA, "a later weekend has begun"
    finish(engine, BETA)
    assert calendar_now(engine).upcoming == GAMMA


def test_a_cancelled_race_is_not_next(engine: Engine) -> None:
    finish(engine, ALPHA)
    change(engine, BETA, is_cancelled=True)
    assert calendar_now(engine).upcoming == GAMMA
    change(engine, BETA, is_cancelled=False)
    assert calendar_now(engine, now=datetime(2026, 2, 1, tzinfo=UTC)).upcoming == BETA


@pytest.mark.parametrize(
    ("release", "clock"), [("v2026.1.0", True), ("f1db-csv@12345678", False), ("v2026.1.0-mine@1234", False)]
)
def test_only_data_that_are_published_have_a_clock(engine: Engine, release: str, clock: bool) -> None:
    finish(engine, ALPHA, release)
    assert (calendar_now(engine).now is not None) is clock
