"""A schedule that a live source changes: what moves, and when the one of the release stands."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pandas as pd

from f1_pipeline.sources.bundle import SourceBundle
from f1_pipeline.sources.contracts import conform
from f1_pipeline.sources.live import LiveSession, Slot, slot_rows
from tests.sources.bundles import of_race
from tests.sources.merging import LAST, NEXT, SEEN, against, merged, untouched


def moved(bundle: SourceBundle, race: str, **times: Any) -> LiveSession:
    slot = Slot(race, "races")
    rows = slot_rows(bundle.tables["races"], slot).assign(**times)
    return LiveSession(slot, conform("races", rows, "jolpica"), SEEN, True, against(bundle, slot))


def test_a_start_that_moves(bundle: SourceBundle) -> None:
    """Fault 8: within 24 hours. What the live source does not state stays."""
    start = pd.Timestamp("2026-05-03T10:30", tz="UTC")
    made = merged(bundle, moved(bundle, NEXT, start_at=start, qualifying_at=pd.NaT, name="Gamma", round=9))
    race = of_race(made, "races", NEXT).iloc[0]
    assert race["start_at"] == start
    old = of_race(bundle, "races", NEXT).iloc[0]
    for name in ("date", "round", "name", "circuit_id"):
        assert race[name] == old[name], name
    untouched(bundle, made, "races")
    rest = made.tables["races"]
    pd.testing.assert_frame_equal(
        rest[rest["race_key"] != NEXT],
        bundle.tables["races"][bundle.tables["races"]["race_key"] != NEXT],
    )


def test_a_moved_start_gives_the_day_at_the_track(bundle: SourceBundle) -> None:
    """Fault 9: the day of UTC is another one."""
    circuits = bundle.tables["circuits"].copy()
    circuits.loc[circuits["circuit_id"] == "northring", "time_zone"] = "America/Los_Angeles"
    vegas = replace(bundle, tables={**bundle.tables, "circuits": circuits})
    start = pd.Timestamp("2026-05-04T04:00", tz="UTC")
    made = merged(vegas, moved(vegas, NEXT, start_at=start, date=pd.Timestamp("2026-05-04")))
    assert of_race(made, "races", NEXT)["date"].iloc[0] == pd.Timestamp("2026-05-03")


def test_a_race_without_a_time_moves_by_days_only(bundle: SourceBundle) -> None:
    race = "2026-deltaland"
    for day, expected in (("2026-06-08", "2026-06-07"), ("2026-06-21", "2026-06-21")):
        made = merged(bundle, moved(bundle, race, date=pd.Timestamp(day)))
        assert of_race(made, "races", race)["date"].iloc[0] == pd.Timestamp(expected), day


def test_the_schedule_of_a_finished_race_or_of_a_newer_release_stands(bundle: SourceBundle) -> None:
    start = pd.Timestamp("2026-04-05T09:00", tz="UTC")
    untouched(bundle, merged(bundle, moved(bundle, LAST, start_at=start)))
    stale = replace(moved(bundle, NEXT, start_at=start), against="of another release")
    untouched(bundle, merged(bundle, stale))
