"""What goes with the shown forecast: championships, places, pairs, teams and reasons."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from f1_pipeline.automation.plan import KeyRange
from f1_pipeline.settings import Settings
from f1_pipeline.update import run_update
from tests.quiet import QUIET
from tests.update.world import NEWEST, NEXT, dump, forget, run_job, same

pytestmark = QUIET


# --- championships ---------------------------------------------------------------------------------------


def test_the_championships_are_forecast(home: Settings) -> None:
    """Before every forecast race and the next one; every title and every place adds up; scenarios of the next race."""
    names = ("championship_forecasts", "championship_positions", "championship_scenarios", "driver_standings")
    tables = dump(home, *names)
    forecasts = tables["championship_forecasts"]
    keys = set(forecasts["race_key"])
    assert len(keys) == 25
    assert NEXT in keys
    for _, rows in forecasts.groupby(["race_key", "kind"]):
        assert rows["title_probability"].sum() == pytest.approx(1.0)
    places = tables["championship_positions"]
    for column in ("entity_id", "position"):
        sums = places.groupby(["race_key", "kind", column])["probability"].sum()
        np.testing.assert_allclose(sums, 1.0, atol=1e-9)
    assert set(tables["championship_scenarios"]["race_key"]) == {NEXT}
    # More draws for the race that people look at.
    assert set(forecasts.loc[forecasts["race_key"] != NEXT, "draws"]) == {100}
    assert set(forecasts.loc[forecasts["race_key"] == NEXT, "draws"]) == {2000}
    standing = tables["driver_standings"].query("race_key == @NEWEST").set_index("driver_id")["points"]
    known = forecasts.query("race_key == @NEXT and kind == 'driver'").set_index("entity_id")["points"]
    pd.testing.assert_series_equal(known[standing.index], standing, check_names=False)


def test_a_championship_made_again_after_the_season_is_the_same(home: Settings) -> None:
    """Remade, knowing all results that followed: a leak would show. Not remade, it is kept with its time."""
    span = KeyRange("2025-citadel", "2025-citadel")
    names = ("championship_forecasts", "championship_positions", "championship_scenarios")
    before = dump(home, *names)
    run_job(home, "forecast_championship", span)
    same(before, dump(home, *names))
    forget(home, "championship_forecasts", race_key="2025-citadel")
    run_job(home, "forecast_championship", span)
    after = dump(home, *names)
    drop = ["created_at"]
    for name in names:
        left, right = (tables[name].drop(columns=drop, errors="ignore") for tables in (before, after))
        pd.testing.assert_frame_equal(left, right, check_exact=True)
    made = after["championship_forecasts"].query("race_key == '2025-citadel'")["created_at"]
    assert (made > before["championship_forecasts"]["created_at"].max()).all()


# --- what the shown forecast is made of ------------------------------------------------------------------


VIEWS = ("position_probabilities", "head_to_head", "constructor_predictions", "prediction_reasons")


def test_every_shown_forecast_has_its_places_pairs_teams_and_reasons(home: Settings) -> None:
    tables = dump(home, "predictions", *VIEWS)
    shown = tables["predictions"].query("model == 'pool'")
    sets = set(shown.groupby(["race_key", "horizon"]).groups)
    assert len(sets) == 25 + 24
    for name in VIEWS:
        assert set(tables[name]["model"]) == {"pool"}, name
        assert set(tables[name].groupby(["race_key", "horizon"]).groups) == sets, name
    places = tables["position_probabilities"]
    assert len(places) == len(sets) * 20 * 20
    first = places[places["position"] == 1].merge(shown, on=["race_key", "horizon", "driver_id"])
    np.testing.assert_allclose(first["probability"], first["win_probability"], atol=1e-9)
    assert len(tables["head_to_head"]) == len(sets) * 190
    teams = tables["constructor_predictions"].groupby(["race_key", "horizon"])
    np.testing.assert_allclose(teams["win_probability"].sum(), 1.0, atol=1e-9)
    np.testing.assert_allclose(teams["most_points_probability"].sum(), 1.0, atol=1e-9)
    by_driver = ["race_key", "horizon", "driver_id"]
    strength = tables["prediction_reasons"].groupby(by_driver)["contribution"].sum()
    log_p = np.log(shown.set_index(by_driver)["win_probability"])
    centred = log_p - log_p.groupby(["race_key", "horizon"]).transform("mean")
    # The pool lifts a member's millionth or less, the reasons of linear members do not.
    likely = shown.set_index(by_driver)["win_probability"] > 0.001
    gap = (strength.reindex(centred.index) - centred)[likely]
    spread = gap.groupby(["race_key", "horizon"]).agg(np.ptp)
    assert spread.max() < 1e-6


def test_the_orders_behind_a_stored_forecast_can_be_drawn_again(home: Settings) -> None:
    from f1_pipeline.forecasting.views import orders_of

    stored = dump(home, "predictions")["predictions"]
    for _, rows in stored.query("race_key in ['2025-citadel', @NEXT]").groupby(
        ["race_key", "horizon", "model"]
    ):
        orders = orders_of(rows)
        np.testing.assert_allclose(rows["podium_probability"], orders.top(3), rtol=1e-12)
        np.testing.assert_allclose(rows["expected_position"], orders.expected_position(), rtol=1e-12)


def test_views_that_an_interrupted_update_left_out_are_drawn_again(home: Settings) -> None:
    """The forecast is there, so it stays; its places, pairs and teams follow from it."""
    before = dump(home)
    for table in ("position_probabilities", "head_to_head", "constructor_predictions"):
        forget(home, table, race_key=NEWEST, horizon="pre_weekend")
    run_update(home, lambda line: None)
    after = dump(home)
    for table in ("predictions", "position_probabilities", "head_to_head", "constructor_predictions"):
        pd.testing.assert_frame_equal(before[table], after[table], check_exact=True)
    assert run_update(home, lambda line: None).idle
