"""Challengers on a small simulated championship: who takes over, who stays out, and what is on record of it."""

import functools
import json

import numpy as np
import pandas as pd
import pytest

from f1_pipeline.challenge import run_challenge
from f1_pipeline.domain.vocabulary import ENSEMBLE
from f1_pipeline.forecasting.promotion import MIN_RACES
from f1_pipeline.registry import CHALLENGER, CHAMPION
from f1_pipeline.runs import UpdateFailed
from f1_pipeline.settings import Settings, get_settings
from f1_pipeline.sources import simulated
from f1_pipeline.storage.decisions import decisions
from f1_pipeline.storage.models import champion, versions
from f1_pipeline.update import run_update
from tests.promotion.challenged import (
    AFTER_NEXT,
    BAD,
    ELO,
    LAST,
    NEXT,
    engine_of,
    forecast_of,
    in_mlflow,
    read_tables,
    run_job,
    version_of,
)
from tests.quiet import QUIET
from tests.small_updates import ONCE

pytestmark = QUIET


# --- the first recipe ------------------------------------------------------------------------------------


def test_the_first_recipe_of_every_model_is_on_record(home: Settings) -> None:
    made = decisions(engine_of(home))
    assert made["promoted"].all()
    assert (made["races"] == 0).all()
    assert not made[["name", "horizon"]].duplicated().any()
    trained = read_tables(home, "models")["models"].query("mlflow_name.notna()")
    assert set(zip(made["name"], made["horizon"], strict=True)) == set(
        zip(trained["name"], trained["horizon"], strict=True)
    )
    assert decisions(engine_of(home), *ELO)["hyperparameters"].tolist() == [{"penalty": 1.0}]
    aliases, tags = in_mlflow(home)
    newest = champion(versions(engine_of(home), *ELO))
    assert newest is not None
    assert aliases == {CHAMPION: newest["mlflow_version"]}
    assert tags(aliases[CHAMPION])["decision"] == "promoted"
    assert json.loads(tags(aliases[CHAMPION])["recipe"]) == {"penalty": 1.0, "version": 1}


# --- a comparison ----------------------------------------------------------------------------------------


def test_a_worse_challenger_stays_out(home: Settings) -> None:
    before = read_tables(home, "predictions", "models")
    aliases_before, _ = in_mlflow(home)
    row = run_challenge(home, *ELO, {"penalty": BAD})
    assert not row["promoted"]
    assert row["races"] == 24
    assert 0 < row["low"] < row["difference"] < row["high"]
    assert row["reason"].startswith("worse")
    assert (row["hyperparameters"], row["known_through"]) == ({"penalty": BAD}, LAST)

    made = version_of(home, row["challenger_version"])
    assert (made["role"], made["race_key"], made["trained_through"]) == ("challenger", NEXT, LAST)
    assert made["hyperparameters"]["penalty"] == BAD
    aliases, tags = in_mlflow(home)
    assert aliases == {**aliases_before, CHALLENGER: made["mlflow_version"]}
    told = tags(aliases[CHALLENGER])
    assert told["decision"] == "stays out"
    assert told["decision_reason"] == row["reason"]
    assert told["decided_at"] == row["decided_at"].isoformat()
    assert told["decision_races"] == "24"
    for tag, column in (("difference", "difference"), ("low", "low"), ("high", "high")):
        assert float(told[f"decision_{tag}"]) == pytest.approx(row[column], abs=1e-6)
    assert json.loads(told["recipe"]) == {"penalty": BAD, "version": 1}

    # Nothing is forecast with it, now or when the forecasts are made again.
    assert run_update(home).idle
    pd.testing.assert_frame_equal(read_tables(home, "predictions")["predictions"], before["predictions"])
    run_job(home, "forecast_pre_weekend", NEXT, remake=True)
    used = version_of(home, int(forecast_of(home)["model_version"].iloc[0]))
    assert (used["role"], used["hyperparameters"]["penalty"]) == ("champion", 1.0)
    members = champion(versions(engine_of(home), ENSEMBLE, "pre_weekend"))
    assert members is not None
    assert members["hyperparameters"]["members"]["elo"] != row["challenger_version"]


def test_a_better_challenger_takes_over(bad: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    assert np.ptp(forecast_of(bad)["win_probability"]) < 0.01, "the champion on record says nothing"
    before = read_tables(bad, "predictions", "model_accuracy")
    row = run_challenge(bad, *ELO, {})
    assert row["promoted"]
    assert row["low"] < row["difference"] < row["high"] < 0
    assert row["hyperparameters"] == {"penalty": 1.0}
    made = version_of(bad, row["challenger_version"])
    assert (made["role"], made["race_key"]) == ("champion", NEXT)
    assert version_of(bad, row["champion_version"])["hyperparameters"]["penalty"] == BAD
    aliases, tags = in_mlflow(bad)
    assert aliases == {CHAMPION: made["mlflow_version"]}, "it is no challenger any more"
    assert tags(aliases[CHAMPION])["decision"] == "promoted"

    # The next race is forecast by it, alone and in what it is a member of; races that were run keep their forecasts.
    coming = forecast_of(bad)
    assert set(coming["model_version"]) == {row["challenger_version"]}
    assert coming["win_probability"].max() > 0.1
    pool = champion(versions(engine_of(bad), ENSEMBLE, "pre_weekend"))
    assert pool is not None
    assert pool["hyperparameters"]["members"]["elo"] == row["challenger_version"]
    assert set(forecast_of(bad, model=ENSEMBLE)["model_version"]) == {pool["version"]}
    after = read_tables(bad, "predictions", "model_accuracy")
    finished = "race_key != @NEXT"
    pd.testing.assert_frame_equal(before["predictions"].query(finished), after["predictions"].query(finished))
    pd.testing.assert_frame_equal(before["model_accuracy"], after["model_accuracy"])
    assert run_update(bad).idle

    # The next race arrives. A refit is the same recipe on newer data, and takes over without a comparison.
    monkeypatch.setattr(simulated, "simulate", functools.partial(ONCE, finished_rounds=9))
    monkeypatch.setenv("F1_RETRAIN_RECENT", "race")
    get_settings.cache_clear()
    run_update(get_settings())
    refit = version_of(bad, int(forecast_of(bad, AFTER_NEXT)["model_version"].iloc[0]))
    assert (refit["race_key"], refit["trained_through"]) == (AFTER_NEXT, NEXT)
    assert refit["hyperparameters"]["penalty"] == 1.0
    assert in_mlflow(bad)[0] == {CHAMPION: refit["mlflow_version"]}
    assert len(decisions(engine_of(bad), *ELO)) == 2


def test_a_recipe_forecasts_no_race_it_was_chosen_on(bad: Settings) -> None:
    """Made anew after the promotion, a race that the comparison knew is forecast by the recipe of its time."""
    run_challenge(bad, *ELO, {})
    for race in (LAST, NEXT):
        run_job(bad, "forecast_pre_weekend", race, remake=True)
    penalties = [
        version_of(bad, int(forecast_of(bad, race)["model_version"].iloc[0]))["hyperparameters"]["penalty"]
        for race in (LAST, NEXT)
    ]
    assert penalties == [BAD, 1.0]
    assert run_update(bad).idle


def test_too_few_races_decide_nothing(bad: Settings) -> None:
    row = run_challenge(bad, *ELO, {}, start_season=2026)
    assert row["high"] < 0, "better, on these"
    assert (row["promoted"], row["races"]) == (False, 8)
    assert str(MIN_RACES) in row["reason"]
    with pytest.raises(UpdateFailed, match="no finished race from 2031 on"):
        run_challenge(bad, *ELO, {}, start_season=2031)
