"""What of the record of a live source is removed, and what never is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from f1_pipeline import clock
from f1_pipeline.automation.forgetting import forget_what_is_old
from f1_pipeline.automation.retention import (
    POLLS_KEPT,
    VERSIONS_KEPT,
    PollMark,
    VersionMark,
    polls_to_forget,
    versions_to_forget,
)
from f1_pipeline.settings import get_settings
from f1_pipeline.snapshot import Snapshot
from f1_pipeline.sources.live import Slot
from f1_pipeline.storage import live, migrate, schema
from f1_pipeline.storage.engine import get_engine, write_transaction
from f1_pipeline.storage.polls import Poll, complete_versions, polls, record

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
RACE = Slot("2026-monaco", "race_results")
QUALIFYING = Slot("2026-monaco", "qualifying_results", "Q")


def test_a_version_that_was_replaced_goes_after_a_while() -> None:
    old, new = NOW - VERSIONS_KEPT - DAY, NOW - VERSIONS_KEPT + DAY
    versions = [
        VersionMark(1, RACE, True, old),
        VersionMark(2, RACE, True, new),
        VersionMark(3, RACE, True, old),
        VersionMark(4, QUALIFYING, True, old),
        VersionMark(5, QUALIFYING, False, old),
        VersionMark(6, QUALIFYING, False, new),
    ]
    assert versions_to_forget(versions, (), NOW) == {1, 5}
    assert versions_to_forget(versions, (1,), NOW) == {5}, "a run may still stand on it"
    assert versions_to_forget(versions, (), NOW + timedelta(days=1000)) == {1, 2, 5, 6}


MARKS = st.lists(
    st.tuples(st.sampled_from([RACE, QUALIFYING]), st.booleans(), st.integers(0, 400)), max_size=12
).map(
    lambda rows: [
        VersionMark(number, slot, whole, NOW - age * DAY) for number, (slot, whole, age) in enumerate(rows)
    ]
)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(MARKS, st.sets(st.integers(0, 11), max_size=3))
def test_what_decides_about_the_next_answer_always_stays(
    versions: list[VersionMark], in_use: set[int]
) -> None:
    gone = versions_to_forget(versions, in_use, NOW)
    kept = [version for version in versions if version.id not in gone]

    def newest(some: list[VersionMark]) -> dict[Slot, int]:
        return {version.slot: version.id for version in some if version.complete}

    assert newest(kept) == newest(versions)
    assert not gone & in_use
    assert versions_to_forget(kept, in_use, NOW) == set()


def test_questions_of_long_ago_go_but_the_last_answer() -> None:
    asked = {
        "2026-monaco race": PollMark(NOW - 100 * DAY, NOW - 100 * DAY),
        "2026-monaco qualifying": PollMark(NOW - 101 * DAY, None),
        "2026 results": PollMark(NOW - POLLS_KEPT, NOW - POLLS_KEPT),
        "2026 calendar": PollMark(NOW - DAY, None),
    }
    assert polls_to_forget(asked, NOW) == {"2026-monaco race", "2026-monaco qualifying"}
    old = {name: asked[name] for name in ("2026-monaco race", "2026-monaco qualifying")}
    assert polls_to_forget(old, NOW) == {"2026-monaco qualifying"}, "the age of the data is still known"
    assert polls_to_forget({}, NOW) == set()


@pytest.fixture
def engine() -> Engine:
    url = get_settings().tables_url
    migrate.upgrade(url)
    return get_engine(url)


def test_the_record_is_cleaned(engine: Engine) -> None:
    row = {
        "race_key": RACE.race_key, "table_name": RACE.table, "session": "", "against": "", "source": "jolpica",
        "complete": True, "row_count": 0, "rows": "[]",
    }  # fmt: skip
    with write_transaction(engine) as connection:
        for age, digest in ((200, "first"), (199, "second"), (198, "third")):
            moment = NOW - age * DAY
            connection.execute(
                schema.live_sessions.insert(),
                [{**row, "content_hash": digest, "seen_at": moment, "confirmed_at": moment}],
            )
    record(engine, Poll("2026-monaco race", NOW - 200 * DAY, "refused", None, "content", "two winners"))
    record(engine, Poll("2026 results", NOW - DAY, "same", NOW - DAY))
    snapshot = Snapshot("f1db", "v2026.20.0", "digest", live=(2,))
    with clock.at(NOW):
        forget_what_is_old(engine, snapshot)
    assert [number for number, *_ in live.all_versions(engine)] == [2, 3]
    assert complete_versions(engine) == {RACE: "third"}
    assert set(polls(engine)) == {"2026 results"}
