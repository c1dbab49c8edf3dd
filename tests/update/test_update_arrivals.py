"""What arrives between two updates: a race, another time, the prices of bookmakers, a new version of the code."""

from __future__ import annotations

import functools
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sqlalchemy import delete

from f1_pipeline import clock
from f1_pipeline.automation.state import changed_races
from f1_pipeline.domain.vocabulary import BASELINES, COMBINED, HORIZONS, TRAINED_MODELS
from f1_pipeline.settings import Settings
from f1_pipeline.sources import simulated
from f1_pipeline.storage import market, reads, schema
from f1_pipeline.storage.engine import write_transaction
from f1_pipeline.update import run_update
from tests.quiet import QUIET
from tests.small_updates import ONCE
from tests.update.world import AFTER_NEXT, NEWEST, NEXT, QUALITY, both, dump, engine_of, same, use

pytestmark = QUIET


# --- a race arrives --------------------------------------------------------------------------------------


@both
def test_a_new_race_is_taken_in_scored_and_followed(
    home: Settings, one_more_race: Callable[..., Any]
) -> None:
    before = dump(home)
    calendar_before = reads.calendar(engine_of(home))
    moment = datetime.now(UTC)
    new = one_more_race(3, 7).bundle
    changed = changed_races(engine_of(home), new, calendar_before)
    assert NEXT in changed
    assert all(key >= NEXT for key in changed), "earlier races are as they were"

    told: list[str] = []
    report = run_update(home, told.append)
    after = dump(home)
    assert report.next_race == AFTER_NEXT

    loads = after["data_loads"][after["data_loads"]["id"] > before["data_loads"]["id"].max()]
    assert set(loads["race_key"].dropna()) == changed
    assert set(loads.loc[loads["race_key"] == NEXT, "table_name"]) >= {"race_results", "starting_grid"}
    for name in schema.RACE_TABLES:
        pd.testing.assert_frame_equal(
            before[name][~before[name]["race_key"].isin(changed)].reset_index(drop=True),
            after[name][~after[name]["race_key"].isin(changed)].reset_index(drop=True),
            obj=name,
        )
        assert len(after[name]) == len(new.tables[name]), name

    # The forecast made before the race stands as it was, when it was made included.
    old = before["predictions"]
    kept = after["predictions"].merge(old[["race_key", "horizon"]].drop_duplicates())
    pd.testing.assert_frame_equal(kept, old, check_exact=True)
    assert (old.loc[old["race_key"] == NEXT, "created_at"] < moment).all()
    scored = after["model_accuracy"].query("race_key == @NEXT")
    models = len(TRAINED_MODELS) + len(COMBINED)
    assert len(scored) == sum(models + len(BASELINES[horizon]) for horizon in HORIZONS)
    winner = after["race_results"].query("race_key == @NEXT and position == 1")["driver_id"].tolist()
    assert scored["actual_winner"].unique().tolist() == winner
    rest = before["model_accuracy"]
    pd.testing.assert_frame_equal(
        after["model_accuracy"].query("race_key != @NEXT").reset_index(drop=True), rest
    )

    coming = after["predictions"].query("race_key == @AFTER_NEXT")
    assert set(coming["horizon"]) == {"pre_weekend"}
    assert (coming["created_at"] > moment).all()
    assert run_update(home, told.append).idle


# --- the clock jumps -------------------------------------------------------------------------------------


def test_a_clock_that_jumps_ahead_and_back_changes_no_forecast_and_no_score(
    home: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Six days after a race without a result it is given up, by a clock that is wrong: the next one must not stay so."""
    monkeypatch.setattr("f1_pipeline.storage.upcoming.is_published", lambda release: True)
    start = reads.calendar(engine_of(home)).set_index("race_key").loc[NEXT, "start_at"].to_pydatetime()
    before = dump(home)
    shutil.copytree(home.home, tmp_path / "undisturbed")
    with clock.at(start - timedelta(days=1)):
        assert run_update(home).idle
    for days in (400, 30):  # the data simply end before this day: nothing is given up
        with clock.at(start + timedelta(days=days)):
            assert run_update(home).next_race == NEXT
    same(before, dump(home))
    with clock.at(start + timedelta(days=6)):
        assert run_update(home).next_race == AFTER_NEXT
    for days in (-1, -400):
        with clock.at(start + timedelta(days=days)):
            assert run_update(home).next_race == NEXT
    held = dump(home)
    same({"model_accuracy": before["model_accuracy"]}, held)
    early = held["predictions"].query("race_key != @AFTER_NEXT").reset_index(drop=True)
    pd.testing.assert_frame_equal(early, before["predictions"], check_exact=True)

    # The result comes. What was forecast too early is forecast again, and all is as in a home whose clock was right.
    monkeypatch.setattr(simulated, "simulate", functools.partial(ONCE, finished_rounds=9))
    made = {}
    for name in ("copy", "undisturbed"):
        settings = use(monkeypatch, tmp_path / name)
        with clock.at(start + timedelta(days=1)):
            assert run_update(settings).next_race == AFTER_NEXT
            assert run_update(settings).idle
        made[name] = {
            table: frame.drop(columns=["model_version", "created_at"], errors="ignore")
            for table, frame in dump(
                settings, "predictions", "model_accuracy", "championship_forecasts"
            ).items()
        }
    same(made["undisturbed"], made["copy"])


# --- prices arrive ---------------------------------------------------------------------------------------


def _prices(settings: Settings, race: str, horizon: str, hours: float, power: float = 1.0) -> pd.DataFrame:
    """A book around the pool's probabilities with a margin, taken some hours after the cutoff of a horizon."""
    rows = dump(settings, "predictions")["predictions"].query(
        "race_key == @race and horizon == @horizon and model == 'pool'"
    )
    odds = 1 / np.clip(1.15 * rows["win_probability"] ** power, 1e-4, 0.95)
    return pd.DataFrame(
        {
            "race_key": race,
            "driver_id": rows["driver_id"],
            "source": "acme",
            "taken_at": rows["cutoff"] + pd.Timedelta(hours=hours),
            "decimal_odds": odds,
        }
    )


def _market_scores(settings: Settings) -> list[tuple[str, str]]:
    rows = dump(settings, "model_accuracy")["model_accuracy"].query("model == 'market'")
    return sorted(zip(rows["race_key"], rows["horizon"], strict=True))


def test_prices_are_scored_by_the_next_update_and_only_where_they_were_early_enough(home: Settings) -> None:
    before = dump(home)
    engine = engine_of(home)
    early, between = "2025-citadel", NEWEST
    prices = [
        _prices(home, early, "pre_weekend", -1),
        _prices(home, between, "pre_weekend", 1),
        _prices(home, "2025-dalmatia", "pre_race", 0),  # at the start of the race
        _prices(home, NEXT, "pre_weekend", -1),  # not run yet
    ]
    market.add_prices(engine, pd.concat(prices))
    assert _market_scores(home) == [], "taking prices in scores nothing"
    report = run_update(home, lambda line: None)
    assert (report.changed_races, report.forecasts) == (0, 0)
    # A range from the first to the last of them or a few: what lies between may be scored again too.
    assert report.scores >= 3
    assert _market_scores(home) == [(early, "pre_race"), (early, "pre_weekend"), (between, "pre_race")]
    after = dump(home)
    same({name: before[name] for name in ("predictions", "models", "race_results")}, after)
    models = after["model_accuracy"].query("model != 'market'").reset_index(drop=True)
    pd.testing.assert_frame_equal(models, before["model_accuracy"])
    found = after["paired_differences"].set_index(["period", "horizon", "reference", "model"]).sort_index()
    assert found.loc[("all", "pre_race", "market", "elo"), "races"] == 2, "on exactly the races with prices"
    assert found.loc[("all", "pre_weekend", "market", "elo"), "races"] == 1
    assert found.loc[("all", "pre_race", "pool", "market"), "races"] == 2
    market_rows = after["reliability"].query("model == 'market' and period == 'all' and outcome == 'win'")
    assert market_rows.groupby("horizon")["count"].sum().to_dict() == {"pre_race": 40, "pre_weekend": 20}
    assert run_update(home, lambda line: None).idle

    # Prices that come later than the cutoff, whatever they say, change no score of that horizon.
    scores = after["model_accuracy"].query("model == 'market'").set_index(["race_key", "horizon"])
    late = _prices(home, early, "pre_race", 0, power=0.2)
    middle = _prices(home, early, "pre_weekend", 1, power=0.5)
    market.add_prices(engine, pd.concat([late, middle]))
    assert run_update(home, lambda line: None).scores == 1
    again = dump(home, "model_accuracy")["model_accuracy"].query("model == 'market'")
    again = again.set_index(["race_key", "horizon"])
    assert again.loc[(early, "pre_weekend"), "log_loss"] == scores.loc[(early, "pre_weekend"), "log_loss"]
    assert again.loc[(early, "pre_race"), "log_loss"] != scores.loc[(early, "pre_race"), "log_loss"]

    assert market.remove_source(engine, "acme") == 6 * 20
    assert run_update(home, lambda line: None).idle
    assert _market_scores(home) == []
    assert "market" not in set(dump(home, "accuracy_summaries")["accuracy_summaries"]["model"])


# --- a new version of the code arrives -------------------------------------------------------------------


def test_an_update_makes_up_for_scores_of_an_older_version(home: Settings) -> None:
    """After a migration the new columns and tables are empty: the next update fills them without being asked."""
    before = dump(home)
    with write_transaction(engine_of(home)) as connection:
        connection.execute(schema.model_accuracy.update().values(binary_brier=None))
        for name in QUALITY:
            connection.execute(delete(schema.metadata.tables[name]))
    report = run_update(home, lambda line: None)
    assert (report.changed_races, report.forecasts, report.scores) == (0, 0, 24)
    after = dump(home)
    same({name: before[name] for name in ("model_accuracy", *QUALITY)}, after)
