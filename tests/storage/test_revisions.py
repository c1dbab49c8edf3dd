"""Earlier versions of a race's rows: kept at every change, with their rows, in the transaction that replaces them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
import pytest
from sqlalchemy import Engine, insert, select

from f1_pipeline.sources.bundle import Origin, content_hashes
from f1_pipeline.sources.contracts import COLUMNS, conform
from f1_pipeline.storage import reads, schema
from f1_pipeline.storage import writes as writing
from f1_pipeline.storage.revisions import current_revision, revised_races, revisions_of
from f1_pipeline.storage.writes import Load, replace_races

ALPHA, BETA = "2026-alphaland", "2026-betaland"
RESULTS = schema.race_results


def results(race: str, *order: str) -> pd.DataFrame:
    rows = [
        {
            "race_key": race, "display_order": place, "driver_id": driver, "constructor_id": "nova",
            "position": place, "position_text": str(place), "shared_car": False, "points": 26.5 - place,
            "fastest_lap": place == 1, "time_ms": 5_400_123 if place == 1 else None,
            "reason_retired": 'Überhitzt, "leck"' if place == 2 else None,
        }
        for place, driver in enumerate(order, start=1)
    ]  # fmt: skip
    return conform("race_results", pd.DataFrame(rows).reindex(columns=list(COLUMNS["race_results"])), "test")


def write(
    engine: Engine,
    frame: pd.DataFrame,
    *races: str,
    release: str = "v1",
    origins: Mapping[str, Origin] | None = None,
) -> None:
    load = Load("f1db", release, content_hashes(frame), origins or {})
    replace_races(engine, RESULTS, frame, races, load=load)


def count(engine: Engine) -> int:
    return reads.row_counts(engine)["revisions"]


FIRST, SECOND = results(ALPHA, "ada", "ben", "cy"), results(ALPHA, "ben", "ada", "cy")


def test_a_first_load_keeps_nothing_twice_and_is_the_current_version(engine: Engine) -> None:
    assert current_revision(engine, ALPHA, "race_results") is None
    write(engine, pd.concat([FIRST, results(BETA, "ada")], ignore_index=True), ALPHA, BETA)
    assert count(engine) == 0
    found = revisions_of(engine, ALPHA, "race_results")
    assert [(version.number, version.source, version.release) for version in found] == [(1, "f1db", "v1")]
    assert found[0].content_hash == content_hashes(FIRST)[ALPHA]
    pd.testing.assert_frame_equal(found[0].rows, FIRST)
    assert revised_races(engine).empty


def test_monaco_changed_twice_months_later(engine: Engine) -> None:
    """Fault 6. Every version stays with hash, source, time and rows, the first one included; the newest is current."""
    third = results(ALPHA, "cy", "ada", "ben")
    both = pd.concat([FIRST, results(BETA, "ada")], ignore_index=True)
    write(engine, both, ALPHA, BETA)
    write(
        engine, SECOND, ALPHA, release="v1", origins={ALPHA: Origin("jolpica", "jolpica@2026-06-12T10:00Z")}
    )
    write(engine, third, ALPHA, release="v2")
    found = revisions_of(engine, ALPHA, "race_results")
    assert [(version.number, version.source, version.release) for version in found] == [
        (1, "f1db", "v1"),
        (2, "jolpica", "jolpica@2026-06-12T10:00Z"),
        (3, "f1db", "v2"),
    ]
    for version, frame in zip(found, (FIRST, SECOND, third), strict=True):
        pd.testing.assert_frame_equal(version.rows, frame)
        # The text is lossless: a version has its hash for ever.
        assert content_hashes(version.rows)[ALPHA] == version.content_hash == content_hashes(frame)[ALPHA]
        assert version.row_count == 3
    assert [version.seen_at for version in found] == sorted(version.seen_at for version in found)
    assert current_revision(engine, ALPHA, "race_results") == found[-1]
    assert len(revisions_of(engine, BETA, "race_results")) == 1
    table = revised_races(engine)
    assert table[["race_key", "table_name", "versions"]].values.tolist() == [[ALPHA, "race_results", 3]]
    assert table["last_seen_at"].iloc[0] == found[-1].seen_at


def test_the_same_again_is_no_version_and_back_again_is_one(engine: Engine) -> None:
    for frame in (FIRST, FIRST, SECOND, SECOND, FIRST):
        write(engine, frame, ALPHA)
    hashes = [version.content_hash for version in revisions_of(engine, ALPHA, "race_results")]
    one, two = content_hashes(FIRST)[ALPHA], content_hashes(SECOND)[ALPHA]
    assert hashes == [one, two, one]


def test_rows_that_were_taken_back_are_a_version_without_rows(engine: Engine) -> None:
    write(engine, FIRST, ALPHA)
    write(engine, FIRST.iloc[:0], ALPHA)
    write(engine, SECOND, ALPHA)
    found = revisions_of(engine, ALPHA, "race_results")
    assert [version.row_count for version in found] == [3, 0, 3]
    assert found[1].content_hash == ""
    assert found[1].rows.empty


def test_other_tables_have_no_versions(engine: Engine) -> None:
    for code in ("BBB", "CCC"):
        frame = pd.DataFrame(
            [{"race_key": ALPHA, "driver_id": code, "constructor_id": "nova", "status": "entered"}]
        )
        replace_races(engine, schema.entries, frame, [ALPHA], load=Load("f1db", "v1", {ALPHA: code}))
    assert count(engine) == 0


@pytest.mark.parametrize("at", ["keep_versions", "_record_loads"])
def test_rows_and_versions_are_written_together_or_not_at_all(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    write(engine, FIRST, ALPHA)
    honest = getattr(writing, at)

    def fails(*args: Any, **kwargs: Any) -> None:
        honest(*args, **kwargs)
        raise RuntimeError("power cut")

    with monkeypatch.context() as patch:
        patch.setattr(writing, at, fails)
        with pytest.raises(RuntimeError, match="power cut"):
            write(engine, SECOND, ALPHA)
    assert count(engine) == 0
    pd.testing.assert_frame_equal(revisions_of(engine, ALPHA, "race_results")[-1].rows, FIRST)
    write(engine, SECOND, ALPHA)
    assert count(engine) == 2


def test_more_races_than_fit_into_one_statement(engine: Engine) -> None:
    keys = [f"2026-race-{number}" for number in range(950)]
    with engine.begin() as connection:
        like = (
            connection.execute(select(schema.races).where(schema.races.c.race_key == ALPHA)).mappings().one()
        )
        connection.execute(
            insert(schema.races), [{**like, "race_key": key, "grand_prix_id": key} for key in keys]
        )
    for driver in ("ada", "ben"):
        one = results(ALPHA, driver)
        frame = pd.concat([one.assign(race_key=key) for key in keys], ignore_index=True)
        write(engine, frame, *keys)
    assert count(engine) == 2 * len(keys)
    assert [
        version.rows["driver_id"].tolist() for version in revisions_of(engine, keys[-1], "race_results")
    ] == [
        ["ada"],
        ["ben"],
    ]


def test_real_and_live_rows_are_one_world_and_the_release_names_both(engine: Engine) -> None:
    write(engine, results(BETA, "ada"), BETA, release="v2026.1.0")
    assert reads.newest_release(engine) == reads.bulk_release(engine) == "v2026.1.0"
    live = Origin("jolpica", "jolpica@2026-07-26T16:05Z")
    write(engine, FIRST, ALPHA, release="v2026.1.0", origins={ALPHA: live})
    assert reads.held_source(engine) == "f1db"
    assert reads.bulk_release(engine) == "v2026.1.0"
    assert reads.newest_release(engine) == "v2026.1.0 jolpica@2026-07-26T16:05Z"
    write(engine, SECOND, ALPHA, release="v2026.2.0")
    assert reads.newest_release(engine) == "v2026.2.0"
    long = "f1db-csv-of-a-very-long-name-that-somebody-gave-to-an-archive@12345678"[:64]
    write(engine, results(BETA, "ben"), BETA, release=long)
    write(engine, FIRST, ALPHA, release=long, origins={ALPHA: live})
    assert len(reads.newest_release(engine)) <= 64
    assert reads.newest_release(engine).endswith(live.release)
