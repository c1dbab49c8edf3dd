"""What is refused as a whole, and what the digest of both sources and the hashes of races cover."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pandas as pd
import pytest

from f1_pipeline.errors import ContractViolation
from f1_pipeline.sources.bundle import SourceBundle, content_hashes
from f1_pipeline.sources.live import Slot, merged_digest, slots
from tests.sources.merging import LAST, NEXT, RESULT, SEEN, against, cars, live, merged, qualifying

# --- refused ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (
            cars((1, "ada-apex", "nova"), (1, "dee-drift", "orbit")),
            "jolpica: .*2026-gammaland, field position",
        ),
        (
            cars((2, "ada-apex", "nova"), (3, "dee-drift", "orbit")),
            "2026-gammaland, field position: nobody is first",
        ),
        (
            cars((1, "ada-apex", "nova"), (2, "ada-apex", "nova")),
            "2026-gammaland, field driver_id: ada-apex is in it twice",
        ),
        (
            cars((1, "zed-zoom", "nova"), (2, "ada-apex", "nova")),
            "race 2026-gammaland, field driver_id: 'zed-zoom'",
        ),
    ],
    ids=["two winners", "none first", "a driver twice", "unknown driver"],
)
def test_what_is_impossible_is_refused_as_a_whole(
    bundle: SourceBundle, rows: list[dict[str, Any]], message: str
) -> None:
    before = {name: frame.copy() for name, frame in bundle.tables.items()}
    with pytest.raises(ContractViolation, match=message):
        merged(bundle, qualifying(), live("race_results", NEXT, rows))
    for name, frame in before.items():
        pd.testing.assert_frame_equal(frame, bundle.tables[name], obj=name)


def test_rows_of_another_race_are_refused(bundle: SourceBundle) -> None:
    session = replace(qualifying(), slot=Slot(LAST, "qualifying_results", "Q"))
    with pytest.raises(ContractViolation, match=f"race {LAST}, field race_key"):
        merged(bundle, session)
    with pytest.raises(ContractViolation, match=r"table pit_stops.*not a live table"):
        merged(bundle, replace(session, slot=Slot(NEXT, "pit_stops")))


# --- digest and hashes -----------------------------------------------------------------------------------


def test_the_digest_covers_both_sources(bundle: SourceBundle) -> None:
    first, second = qualifying(), live("race_results", NEXT, RESULT)
    one, both = merged(bundle, first), merged(bundle, first, second)
    assert len({bundle.digest, one.digest, both.digest}) == 3
    assert both.digest == merged(bundle, second, first).digest, "not the order of versions"
    assert one.digest == merged_digest(bundle.digest, [first.mark])
    later = replace(first, seen_at=SEEN + timedelta(hours=1))
    assert merged(bundle, later).digest == one.digest, "nor when they were seen"
    assert merged(replace(bundle, digest="newer"), first).digest != one.digest


def test_a_column_that_came_later_leaves_hashes_as_they_were(bundle: SourceBundle) -> None:
    grid = bundle.tables["starting_grid"]
    assert content_hashes(grid) == content_hashes(grid.drop(columns="is_provisional"))
    marked = grid.assign(is_provisional=grid["race_key"] == "2026-alphaland")
    marked["is_provisional"] = marked["is_provisional"].where(marked["is_provisional"]).astype("boolean")
    changed = {key for key, value in content_hashes(marked).items() if content_hashes(grid)[key] != value}
    assert changed == {"2026-alphaland"}
    # The hash of one race's rows is the same alone and among all.
    for slot in slots("race_results", bundle.tables["race_results"]):
        assert against(bundle, slot) == bundle.race_hashes("race_results")[slot.race_key]
