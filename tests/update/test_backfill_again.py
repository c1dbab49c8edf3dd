"""Backfills of an updated championship, one that is interrupted too, and what is forecast from when on."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from f1_pipeline.automation.plan import KeyRange, make_plan
from f1_pipeline.automation.state import read_state
from f1_pipeline.backfill import run_backfill, time_left
from f1_pipeline.domain.vocabulary import HORIZONS
from f1_pipeline.errors import NotReady
from f1_pipeline.runs import Runs, UpdateFailed
from f1_pipeline.settings import Settings
from tests.quiet import QUIET
from tests.update.world import dump, engine_of, forget, same

pytestmark = QUIET


def test_backfill_makes_what_is_missing_and_keeps_the_rest(home: Settings) -> None:
    before = dump(home)
    forget(home, "predictions", race_key="2025-citadel")
    forget(home, "model_accuracy", race_key="2025-citadel")
    run_backfill(home, 2025, 2025, tell=lambda line: None)
    after = dump(home)
    rest = "race_key != '2025-citadel'"
    pd.testing.assert_frame_equal(before["predictions"].query(rest), after["predictions"].query(rest))
    drop = ["created_at"]
    pd.testing.assert_frame_equal(
        before["predictions"].drop(columns=drop),
        after["predictions"].drop(columns=drop),
        check_exact=False,
        rtol=1e-9,
    )
    same({"models": before["models"]}, after)
    pd.testing.assert_frame_equal(
        before["model_accuracy"], after["model_accuracy"], check_exact=False, rtol=1e-9
    )


def test_backfill_of_seasons_that_are_not_there(home: Settings) -> None:
    with pytest.raises(NotReady, match="no races of 1990 to 1991"):
        run_backfill(home, 1990, 1991, tell=lambda line: None)


def test_an_interrupted_remake_goes_on_where_it_was(home: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Up to the interruption no forecast is really made again: that is half a minute, and the second call does it."""
    ran: list[tuple[str, str]] = []
    interrupted = False
    original = Runs.run

    def run(
        self: Runs, job: str, title: str, span: KeyRange | None, remake: bool = False, **more: Any
    ) -> None:
        if job.startswith("forecast_pre"):
            assert span is not None
            assert remake
            ran.append((job, span.start[:4]))
            if not interrupted:
                if ran[-1] == ("forecast_pre_race", "2026"):
                    raise UpdateFailed("the lid was closed")
                return
        original(self, job, title, span, remake=remake, **more)

    monkeypatch.setattr(Runs, "run", run)
    before = dump(home, "predictions")["predictions"]
    told: list[str] = []
    with pytest.raises(UpdateFailed, match="lid"):
        run_backfill(home, 2025, 2026, remake=True, tell=told.append)
    assert ran == [(f"forecast_{horizon}", season) for season in ("2025", "2026") for horizon in HORIZONS]
    assert any(line.startswith("1 of 2 seasons, about ") for line in told)
    ran.clear()
    interrupted = True
    again: list[str] = []
    run_backfill(home, 2025, 2026, remake=True, tell=again.append)
    assert ran == [(f"forecast_{horizon}", "2026") for horizon in HORIZONS]
    assert "going on with what was interrupted: 1 of 2 seasons are done" in again
    assert "2 of 2 seasons, done" in again
    assert not (home.home / "backfill.json").exists(), "the next remake begins at its beginning"
    after = dump(home, "predictions")["predictions"]
    made_again = after["created_at"] > before["created_at"]
    assert made_again.equals(after["race_key"] >= "2026")
    drop = ["created_at", "model_version"]
    pd.testing.assert_frame_equal(
        before.drop(columns=drop), after.drop(columns=drop), check_exact=False, rtol=1e-9
    )


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(2, "about 10 s left"), (44, "about 40 s left"), (240, "about 4 min left"), (7200, "about 2.0 h left")],
)
def test_the_time_left(seconds: float, words: str) -> None:
    assert time_left(seconds) == words


# --- what is forecast from when on -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("season", "first"),
    [
        (2014, "2025-wombat-coast"),  # two seasons must lie before: a model needs something to learn from
        (2025, "2025-wombat-coast"),
        (2026, "2026-wombat-coast"),
        (2027, None),
    ],
)
def test_the_first_race_that_is_forecast(home: Settings, season: int, first: str | None) -> None:
    settings = home.model_copy(update={"forecast_from_season": season})
    state = read_state(engine_of(home), settings, None)
    assert state.forecast_from == first
    assert make_plan(state).is_empty()


def test_an_earlier_first_season_makes_the_forecasts_that_are_missing(home: Settings) -> None:
    for name in ("predictions", "model_accuracy"):
        for race in ("2025-wombat-coast", "2025-long-cloud"):
            forget(home, name, race_key=race)
    engine = engine_of(home)
    late = home.model_copy(update={"forecast_from_season": 2026})
    assert make_plan(read_state(engine, late, None)).is_empty()
    plan = make_plan(read_state(engine, home, None))
    span = [KeyRange("2025-wombat-coast", "2025-long-cloud")]
    assert plan.forecasts == dict.fromkeys(HORIZONS, span)
    assert plan.scores == span
