"""What live sources said is remembered, version by version, and comes back as it was."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest
from sqlalchemy import Engine, insert, select

from f1_pipeline.errors import ContractViolation
from f1_pipeline.sources.contracts import COLUMNS, conform
from f1_pipeline.sources.live import LiveSession, Slot
from f1_pipeline.storage import reads, schema
from f1_pipeline.storage.live import last_asked, newest_marks, read_sessions, remember

RACE = "2026-alphaland"
SLOT = Slot(RACE, "qualifying_results", "Q")
SEEN = datetime(2026, 3, 7, 16, 5, tzinfo=UTC)


def version(*drivers: str, minutes: int = 0, complete: bool = True, against: str = "") -> LiveSession:
    rows = [
        {"race_key": RACE, "session": "Q", "display_order": place, "driver_id": driver, "constructor_id": "nova",
         "position": place, "position_text": str(place), "q1_ms": 80000 + place if place > 1 else None}
        for place, driver in enumerate(drivers, start=1)
    ]  # fmt: skip
    frame = pd.DataFrame(rows).reindex(columns=list(COLUMNS["qualifying_results"]))
    frame = conform("qualifying_results", frame, "jolpica")
    return LiveSession(SLOT, frame, SEEN + timedelta(minutes=minutes), complete, against)


def stored(engine: Engine) -> int:
    return reads.row_counts(engine)["live_sessions"]


def test_a_version_comes_back_as_it_was(engine: Engine) -> None:
    said = version("ada", "ben", against="hash")
    assert remember(engine, said)
    (mark,) = newest_marks(engine)
    assert mark.mark == said.mark
    (back,) = read_sessions(engine, [mark.id]).values()
    pd.testing.assert_frame_equal(back.rows, said.rows)
    assert (back.slot, back.seen_at, back.complete, back.against, back.mark) == (
        SLOT, SEEN, True, "hash", said.mark,
    )  # fmt: skip


def test_the_times_of_sessions_come_back_as_they_were(engine: Engine) -> None:
    row = {
        "race_key": RACE, "season": 2026, "round": 1, "grand_prix_id": "alphaland", "name": "Alpha",
        "date": pd.Timestamp("2026-03-08"), "start_at": pd.Timestamp("2026-03-08T04:00", tz="UTC"),
        "is_sprint_weekend": False, "is_cancelled": False,
    }  # fmt: skip
    frame = conform("races", pd.DataFrame([row]).reindex(columns=list(COLUMNS["races"])), "jolpica")
    said = LiveSession(Slot(RACE, "races"), frame, SEEN, complete=True)
    assert remember(engine, said)
    (back,) = read_sessions(engine, [newest_marks(engine)[0].id]).values()
    pd.testing.assert_frame_equal(back.rows, frame)
    # Only when sessions begin is a version, not what the race is called.
    assert not remember(engine, replace(said, rows=frame.assign(name="Beta", round=2)))


def test_the_same_again_only_confirms(engine: Engine) -> None:
    assert remember(engine, version("ada", "ben", against="first"))
    before = newest_marks(engine)
    assert not remember(engine, version("ada", "ben", minutes=30, against="of a later release"))
    assert newest_marks(engine) == before, "what it was seen against stays"
    assert last_asked(engine) == {SLOT: SEEN + timedelta(minutes=30)}
    (back,) = read_sessions(engine, [before[0].id]).values()
    assert back.seen_at == SEEN


def test_the_newest_complete_version_counts_and_all_of_them_stay(engine: Engine) -> None:
    for minutes, (drivers, complete) in enumerate(
        [(("ada",), False), (("ada", "ben"), True), (("ben", "ada"), True), (("ben",), False)]
    ):
        assert remember(engine, version(*drivers, minutes=minutes, complete=complete))
    assert stored(engine) == 4
    (mark,) = newest_marks(engine)
    (back,) = read_sessions(engine, [mark.id]).values()
    assert back.rows["driver_id"].tolist() == ["ben", "ada"], "half an answer takes nothing back"
    assert back.seen_at == SEEN + timedelta(minutes=2)
    # A run that began with an earlier version still finds it.
    (early,) = read_sessions(engine, [mark.id - 1]).values()
    assert early.rows["driver_id"].tolist() == ["ada", "ben"]


def test_what_an_older_release_remembered_of_other_tables_does_not_count(engine: Engine) -> None:
    """Grids, which it took from results."""
    assert remember(engine, version("ada", "ben"))
    table = schema.live_sessions
    with engine.begin() as connection:
        row = dict(connection.execute(select(table)).mappings().one())
        del row["id"]
        connection.execute(insert(table), {**row, "table_name": "starting_grid", "session": "R"})
    (mark,) = newest_marks(engine)
    assert "qualifying_results" in mark.mark


def test_back_to_what_it_was_is_a_new_version(engine: Engine) -> None:
    for drivers in (("ada", "ben"), ("ben", "ada"), ("ada", "ben")):
        assert remember(engine, version(*drivers))
    assert stored(engine) == 3


def test_nothing_said_and_half_an_answer_are_nothing_to_merge(engine: Engine) -> None:
    assert newest_marks(engine) == ()
    remember(engine, version("ada", complete=False))
    assert newest_marks(engine) == ()
    assert read_sessions(engine, []) == {}


def test_what_is_impossible_is_not_remembered(engine: Engine) -> None:
    with pytest.raises(
        ContractViolation, match=f"jolpica: table qualifying_results, race {RACE}, field driver_id"
    ):
        remember(engine, version("ada", "ada"))
    with pytest.raises(ContractViolation, match="field race_key: rows of another race or session, or none"):
        remember(engine, version())
    assert stored(engine) == 0
