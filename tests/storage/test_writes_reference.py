"""Tables that are added to and never emptied: drivers, circuits and the like, and versions of models."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import IntegrityError

from f1_pipeline.storage import reads, schema
from f1_pipeline.storage.models import add_version
from f1_pipeline.storage.writes import replace_races
from tests.storage.small_rows import ALPHA, GAMMA, NOW, STANDINGS, drivers, loads, standings, stored, upsert

# --- reference tables ------------------------------------------------------------------------------------


def test_reference_rows_are_added_and_updated_and_never_removed(engine: Engine) -> None:
    assert upsert(engine, drivers("ada", "ben"), content_hash="1")
    assert upsert(engine, drivers("ben", "cy", code="NEW"), content_hash="2")
    rows = stored(engine, schema.drivers).set_index("driver_id")
    assert rows.index.tolist() == ["ada", "ben", "cy"]
    assert rows["code"].isna().tolist() == [True, False, False]
    assert rows.loc["ben", "code"] == "NEW"
    assert loads(engine) == [("drivers", None, "1", 2), ("drivers", None, "2", 2)]


def test_a_value_that_the_source_takes_back_becomes_missing(engine: Engine) -> None:
    upsert(engine, drivers("ada", code="OLD"), content_hash="1")
    upsert(engine, drivers("ada"), content_hash="2")
    assert stored(engine, schema.drivers)["code"].isna().all()


def test_the_same_reference_table_writes_nothing(engine: Engine) -> None:
    assert upsert(engine, drivers("ada"))
    assert not upsert(engine, drivers("ada", code="NEW"))
    assert stored(engine, schema.drivers)["code"].isna().all()
    assert len(loads(engine)) == 1


def test_a_reference_table_of_keys_alone(engine: Engine) -> None:
    for content_hash in ("1", "2"):
        frame = pd.DataFrame({"season": pd.array([2025, 2026], dtype="Int64")})
        assert upsert(engine, frame, schema.seasons, content_hash)
    assert stored(engine, schema.seasons)["season"].tolist() == [2025, 2026]


def test_a_reference_table_that_is_refused_leaves_the_old_one(engine: Engine) -> None:
    upsert(engine, drivers("ada"), content_hash="1")
    with pytest.raises(IntegrityError):
        upsert(engine, drivers("ben", "ada", code="NEW").assign(name=["Ben", None]), content_hash="2")
    assert stored(engine, schema.drivers)[["driver_id", "name"]].values.tolist() == [["ada", "Ada"]]
    assert [row[2] for row in loads(engine)] == ["1"]


def test_a_race_that_others_hang_on_is_updated_in_place(engine: Engine) -> None:
    replace_races(engine, STANDINGS, standings(ALPHA), [ALPHA])
    frame = stored(engine, schema.races).assign(round=[3, 1, None], is_cancelled=[False, False, True])
    upsert(engine, frame, schema.races)
    calendar = reads.calendar(engine).set_index("race_key")
    assert calendar.loc[ALPHA, "round"] == 3
    assert pd.isna(calendar.loc[GAMMA, "round"])
    assert calendar["is_cancelled"].tolist() == [False, False, True]
    assert len(stored(engine)) == 3


# --- versions of models ----------------------------------------------------------------------------------


def version(**more: Any) -> dict[str, Any]:
    return {
        "name": "linear", "horizon": "pre_race", "type": "t", "race_key": ALPHA, "trained_at": NOW,
        "data_cutoff": NOW, "trained_through": ALPHA, "training_hash": "h", "training_rows": 1,
        "hyperparameters": {"a": [1, None]}, "metrics": {}, **more,
    }  # fmt: skip


def test_versions_count_up_by_name_and_horizon(engine: Engine) -> None:
    made = [
        add_version(engine, version(**more))
        for more in ({}, {}, {"horizon": "pre_weekend"}, {"name": "xgboost"}, {})
    ]
    assert made == [1, 2, 1, 1, 3]
    assert stored(engine, schema.models)["hyperparameters"].tolist() == [{"a": [1, None]}] * 5
