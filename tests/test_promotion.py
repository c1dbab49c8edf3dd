"""Challengers on a small simulated championship: who takes over, who stays out, and what is on record of it."""

import functools
import json
import shutil
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sqlalchemy import Engine, update

from f1_pipeline.automation.plan import KeyRange
from f1_pipeline.challenge import run_challenge
from f1_pipeline.domain.vocabulary import ENSEMBLE
from f1_pipeline.errors import NotReady, RecipeInvalid
from f1_pipeline.forecasting.models.elo_softmax import EloSoftmax
from f1_pipeline.forecasting.promotion import MIN_RACES
from f1_pipeline.registry import CHALLENGER, CHAMPION, Registry
from f1_pipeline.runs import Report, Runs, UpdateFailed
from f1_pipeline.settings import Settings, get_settings
from f1_pipeline.sources import simulated
from f1_pipeline.storage import reads, schema
from f1_pipeline.storage.decisions import decisions
from f1_pipeline.storage.engine import UpdateLock, get_engine, write_transaction
from f1_pipeline.storage.models import champion, versions
from f1_pipeline.turn import Turn, alone
from f1_pipeline.update import run_update
from tests.small_updates import ONCE, QUIET, first_update, use

pytestmark = QUIET

SETTINGS = {
    "F1_SOURCE": "simulated",
    "F1_SIMULATED_SEASONS": "3",
    "F1_DRAWS": "200",
    # One version for 2025 and one for 2026: the promotion has to begin another one.
    "F1_RETRAIN_RECENT": "season",
    # Homes are copied, artefacts are not: nothing may be pruned that a copy still needs.
    "F1_MODEL_VERSIONS_KEPT": "1000",
}
LAST, NEXT, AFTER_NEXT = "2026-claddagh", "2026-seven-fells", "2026-amber-road"
ELO = ("elo", "pre_weekend")
BAD = 1e6
"""A penalty that leaves nothing of the ratings: everyone is equally likely."""


def _use(patch: pytest.MonkeyPatch, home: Path, **more: str) -> Settings:
    return use(patch, home, {**SETTINGS, **more})


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home after its first update; tests work on copies of it."""
    home = tmp_path_factory.mktemp("built") / "home"
    first_update(home, SETTINGS)
    return home


@pytest.fixture
def home(built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    shutil.copytree(built, tmp_path / "copy", ignore=shutil.ignore_patterns("mlflow-artifacts"))
    monkeypatch.setattr(simulated, "simulate", ONCE)
    return _use(monkeypatch, tmp_path / "copy")


def _engine(settings: Settings) -> Engine:
    return get_engine(settings.tables_url)


def _run(settings: Settings, job: str, race: str, remake: bool = False) -> None:
    from f1_pipeline.dagster_instance import get_instance

    with get_instance() as instance:
        Runs(instance, Report("", "", None), lambda line: None, Turn(UpdateLock())).run(
            job, job, KeyRange(race, race), remake
        )


@pytest.fixture
def bad(home: Settings) -> Settings:
    """A home whose champion is hopeless: the recipe on record is not that of the code, and it forecast the next race."""
    with write_transaction(_engine(home)) as connection:
        connection.execute(
            update(schema.model_decisions)
            .where(schema.model_decisions.c.name == "elo", schema.model_decisions.c.horizon == "pre_weekend")
            .values(hyperparameters={"penalty": BAD})
        )
    _run(home, "forecast_pre_weekend", NEXT, remake=True)
    return home


def _tables(settings: Settings, *names: str) -> dict[str, pd.DataFrame]:
    return {name: reads.read_table(_engine(settings), schema.metadata.tables[name]) for name in names}


def _forecast(settings: Settings, race: str = NEXT, model: str = "elo") -> pd.DataFrame:
    rows = reads.read_table(_engine(settings), schema.predictions, [race], horizon="pre_weekend", model=model)
    assert len(rows)
    return rows


def _mlflow(settings: Settings, horizon: str = "pre_weekend") -> tuple[dict[str, str], Any]:
    """Aliases of the registered model, and a function that gives the tags of a version."""
    import mlflow

    client = mlflow.MlflowClient(settings.tracking_uri, settings.tracking_uri)
    name = Registry.registered_name("elo", horizon)
    aliases = {key: str(value) for key, value in client.get_registered_model(name).aliases.items()}
    return aliases, lambda version: client.get_model_version(name, version).tags


def _version(settings: Settings, number: int) -> pd.Series:
    return versions(_engine(settings), *ELO).set_index("version").loc[number]


# --- the first recipe ------------------------------------------------------------------------------------


def test_the_first_recipe_of_every_model_is_on_record(home: Settings) -> None:
    made = decisions(_engine(home))
    assert made["promoted"].all()
    assert (made["races"] == 0).all()
    assert not made[["name", "horizon"]].duplicated().any()
    trained = _tables(home, "models")["models"].query("mlflow_name.notna()")
    assert set(zip(made["name"], made["horizon"], strict=True)) == set(
        zip(trained["name"], trained["horizon"], strict=True)
    )
    assert decisions(_engine(home), *ELO)["hyperparameters"].tolist() == [{"penalty": 1.0}]
    aliases, tags = _mlflow(home)
    newest = champion(versions(_engine(home), *ELO))
    assert newest is not None
    assert aliases == {CHAMPION: newest["mlflow_version"]}
    assert tags(aliases[CHAMPION])["decision"] == "promoted"
    assert json.loads(tags(aliases[CHAMPION])["recipe"]) == {"penalty": 1.0, "version": 1}


# --- a comparison ----------------------------------------------------------------------------------------


def test_a_worse_challenger_stays_out(home: Settings) -> None:
    before = _tables(home, "predictions", "models")
    aliases_before, _ = _mlflow(home)
    row = run_challenge(home, *ELO, {"penalty": BAD})
    assert not row["promoted"]
    assert row["races"] == 24
    assert 0 < row["low"] < row["difference"] < row["high"]
    assert row["reason"].startswith("worse")
    assert (row["hyperparameters"], row["known_through"]) == ({"penalty": BAD}, LAST)

    made = _version(home, row["challenger_version"])
    assert (made["role"], made["race_key"], made["trained_through"]) == ("challenger", NEXT, LAST)
    assert made["hyperparameters"]["penalty"] == BAD
    aliases, tags = _mlflow(home)
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
    pd.testing.assert_frame_equal(_tables(home, "predictions")["predictions"], before["predictions"])
    _run(home, "forecast_pre_weekend", NEXT, remake=True)
    used = _version(home, int(_forecast(home)["model_version"].iloc[0]))
    assert (used["role"], used["hyperparameters"]["penalty"]) == ("champion", 1.0)
    members = champion(versions(_engine(home), ENSEMBLE, "pre_weekend"))
    assert members is not None
    assert members["hyperparameters"]["members"]["elo"] != row["challenger_version"]


def test_a_better_challenger_takes_over(bad: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    assert np.ptp(_forecast(bad)["win_probability"]) < 0.01, "the champion on record says nothing"
    before = _tables(bad, "predictions", "model_accuracy")
    row = run_challenge(bad, *ELO, {})
    assert row["promoted"]
    assert row["low"] < row["difference"] < row["high"] < 0
    assert row["hyperparameters"] == {"penalty": 1.0}
    made = _version(bad, row["challenger_version"])
    assert (made["role"], made["race_key"]) == ("champion", NEXT)
    assert _version(bad, row["champion_version"])["hyperparameters"]["penalty"] == BAD
    aliases, tags = _mlflow(bad)
    assert aliases == {CHAMPION: made["mlflow_version"]}, "it is no challenger any more"
    assert tags(aliases[CHAMPION])["decision"] == "promoted"

    # The next race is forecast by it, alone and in what it is a member of; races that were run keep their forecasts.
    coming = _forecast(bad)
    assert set(coming["model_version"]) == {row["challenger_version"]}
    assert coming["win_probability"].max() > 0.1
    pool = champion(versions(_engine(bad), ENSEMBLE, "pre_weekend"))
    assert pool is not None
    assert pool["hyperparameters"]["members"]["elo"] == row["challenger_version"]
    assert set(_forecast(bad, model=ENSEMBLE)["model_version"]) == {pool["version"]}
    after = _tables(bad, "predictions", "model_accuracy")
    finished = "race_key != @NEXT"
    pd.testing.assert_frame_equal(before["predictions"].query(finished), after["predictions"].query(finished))
    pd.testing.assert_frame_equal(before["model_accuracy"], after["model_accuracy"])
    assert run_update(bad).idle

    # The next race arrives. A refit is the same recipe on newer data, and takes over without a comparison.
    monkeypatch.setattr(simulated, "simulate", functools.partial(ONCE, finished_rounds=9))
    monkeypatch.setenv("F1_RETRAIN_RECENT", "race")
    get_settings.cache_clear()
    run_update(get_settings())
    refit = _version(bad, int(_forecast(bad, AFTER_NEXT)["model_version"].iloc[0]))
    assert (refit["race_key"], refit["trained_through"]) == (AFTER_NEXT, NEXT)
    assert refit["hyperparameters"]["penalty"] == 1.0
    assert _mlflow(bad)[0] == {CHAMPION: refit["mlflow_version"]}
    assert len(decisions(_engine(bad), *ELO)) == 2


def test_a_recipe_forecasts_no_race_it_was_chosen_on(bad: Settings) -> None:
    """Made anew after the promotion, a race that the comparison knew is forecast by the recipe of its time."""
    run_challenge(bad, *ELO, {})
    for race in (LAST, NEXT):
        _run(bad, "forecast_pre_weekend", race, remake=True)
    penalties = [
        _version(bad, int(_forecast(bad, race)["model_version"].iloc[0]))["hyperparameters"]["penalty"]
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


# --- back, and other code --------------------------------------------------------------------------------


def test_back_to_the_recipe_before(bad: Settings) -> None:
    with pytest.raises(UpdateFailed, match="has had one recipe only"):
        run_challenge(bad, *ELO, {}, rollback=True)
    run_challenge(bad, *ELO, {})
    row = run_challenge(bad, *ELO, {}, rollback=True)
    assert (row["promoted"], row["races"]) == (True, 0)
    assert row["hyperparameters"] == {"penalty": BAD}
    assert row["reason"].startswith("by hand")
    assert set(_forecast(bad)["model_version"]) == {row["challenger_version"]}
    assert _mlflow(bad)[0] == {CHAMPION: _version(bad, row["challenger_version"])["mlflow_version"]}
    assert run_update(bad).idle


def test_the_recipe_on_record_outlives_other_defaults_and_other_code(
    home: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An upgrade brings another default and another version of the code: the first waits for a comparison."""
    plain = EloSoftmax.__init__

    def upgraded(self: EloSoftmax, horizon: str = "pre_weekend", penalty: float = 9.0) -> None:
        plain(self, horizon, penalty)

    monkeypatch.setattr(EloSoftmax, "__init__", upgraded)
    monkeypatch.setattr(EloSoftmax, "recipe", 2)
    _run(home, "forecast_pre_weekend", NEXT)
    used = _version(home, int(_forecast(home)["model_version"].iloc[0]))
    assert (used["recipe"], used["hyperparameters"]["penalty"]) == (2, 1.0)
    last = decisions(_engine(home), *ELO).iloc[-1]
    assert "recipe version changed: from 1 to 2" in last["reason"]
    assert (last["recipe"], last["hyperparameters"]) == (2, {"penalty": 1.0})
    _run(home, "forecast_pre_weekend", NEXT)
    assert len(decisions(_engine(home), *ELO)) == 2, "said once"
    # Without a word on the hyper-parameters the challenger is what the code would do today.
    assert run_challenge(home, *ELO, {})["hyperparameters"] == {"penalty": 9.0}


# --- what goes wrong -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"pennalty": 3}, "no hyper-parameter 'pennalty': there are penalty"),
        ({"penalty": "high"}, "penalty='high' is no float"),
        ({"penalty": True}, "is no float"),
        ({"penalty": float("nan")}, "is no float"),
        ({"seed": 3}, "no hyper-parameter 'seed'"),
    ],
)
def test_what_cannot_be_a_recipe(given: dict[str, Any], says: str) -> None:
    with pytest.raises(RecipeInvalid, match=says):
        run_challenge(get_settings(), *ELO, given)
    assert not get_settings().home.exists(), "refused before anything was touched"


def test_the_champion_does_not_challenge_itself(home: Settings) -> None:
    with pytest.raises(UpdateFailed, match="champion's own recipe"):
        run_challenge(home, *ELO, {"penalty": 1})


@pytest.mark.parametrize("rollback", [False, True])
def test_a_challenge_waits_for_an_update(monkeypatch: pytest.MonkeyPatch, rollback: bool) -> None:
    """Beside one, it would decide about a champion that the update is training with."""
    settings = get_settings()
    held, order, told = threading.Event(), [], []

    def began(*args: Any) -> dict[str, Any]:
        order.append("challenge")
        assert args[-1].lock.is_held()
        return {}

    monkeypatch.setattr("f1_pipeline.challenge._challenge", began)

    def tell(line: str) -> None:
        told.append(line)
        held.set()

    with alone(settings, print):
        other = threading.Thread(
            target=lambda: run_challenge(settings, *ELO, {}, rollback=rollback, tell=tell)
        )
        other.start()
        assert held.wait(30)
        order.append("update")
    other.join(30)
    assert told == ["another update is running; waiting for its end ..."]
    assert order == ["update", "challenge"]


def test_without_mlflow_nothing_changes(home: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    before = _tables(home, "models", "model_decisions", "predictions")
    monkeypatch.setenv("F1_MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    get_settings.cache_clear()
    with pytest.raises(UpdateFailed, match=r"MLflow at http://127\.0\.0\.1:9 does not answer"):
        run_challenge(get_settings(), *ELO, {"penalty": BAD})
    for name, frame in _tables(home, *before).items():
        pd.testing.assert_frame_equal(frame, before[name], obj=name)


def _killed(*args: Any, **kwargs: Any) -> None:
    raise KeyboardInterrupt("killed")


def test_killed_before_the_tables_know(bad: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """There is a version in MLflow that nobody refers to; the next challenge takes its alias."""
    before = _tables(bad, "models", "model_decisions", "predictions")
    held = _mlflow(bad)[0]
    with monkeypatch.context() as patch:
        patch.setattr("f1_pipeline.assets.promotion.add_decided_version", _killed)
        with pytest.raises((KeyboardInterrupt, UpdateFailed)):
            run_challenge(bad, *ELO, {})
    for name, frame in _tables(bad, *before).items():
        pd.testing.assert_frame_equal(frame, before[name], obj=name)
    assert _mlflow(bad)[0][CHAMPION] == held[CHAMPION]
    assert run_update(bad).idle
    row = run_challenge(bad, *ELO, {})
    assert row["promoted"]
    assert _mlflow(bad)[0] == {CHAMPION: _version(bad, row["challenger_version"])["mlflow_version"]}


def test_killed_before_mlflow_knows(bad: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """The decision stands; the next update forecasts by it and brings MLflow up to date."""
    held = _mlflow(bad)[0]
    calls: list[str] = []

    def second(*args: Any) -> None:
        calls.append("")
        if len(calls) == 2:
            _killed()

    with monkeypatch.context() as patch:
        patch.setattr("f1_pipeline.assets.promotion.settle", second)
        with pytest.raises((KeyboardInterrupt, UpdateFailed)):
            run_challenge(bad, *ELO, {})
    row = decisions(_engine(bad), *ELO).iloc[-1]
    assert row["promoted"]
    assert _mlflow(bad)[0][CHAMPION] == held[CHAMPION]
    report = run_update(bad)
    assert report.forecasts == 1
    assert set(_forecast(bad)["model_version"]) == {row["challenger_version"]}
    aliases, tags = _mlflow(bad)
    assert aliases == {CHAMPION: _version(bad, row["challenger_version"])["mlflow_version"]}
    assert tags(aliases[CHAMPION])["decided_at"] == row["decided_at"].isoformat()
    assert run_update(bad).idle


# --- retention -------------------------------------------------------------------------------------------


def test_champion_and_challenger_are_not_pruned(tmp_path: Path, built: Path) -> None:
    registry = Registry(f"sqlite:///{tmp_path / 'mlflow.db'}", tmp_path / "artefacts")
    rows = pd.DataFrame(
        {
            "race_key": np.repeat(["2025-a", "2025-b"], 2),
            "finish": [1, 2, 1, 2],
            "current_elo": [1600.0, 1500.0, 1550.0, 1500.0],
            "constructor_elo": [1500.0, 1500.0, 1520.0, 1500.0],
        }
    )
    model = EloSoftmax().fit(rows)
    stored = [registry.register(model, "pre_weekend", rows, {}, {}) for _ in range(4)]
    name = stored[0].name
    registry.point(name, {CHAMPION: "1", CHALLENGER: "2"})
    assert registry.prune("elo", "pre_weekend", keep=1) == 1, "of four: two are named, one is the newest"

    def load(version: str) -> Any:
        return registry.load(EloSoftmax(), stored[int(version) - 1])

    for kept in ("1", "2", "4"):
        assert load(kept).weights_ == pytest.approx(model.weights_)
    registry.point(name, {CHALLENGER: None})
    assert registry.prune("elo", "pre_weekend", keep=1) == 1


def test_another_version_of_the_same_number_is_not_taken_for_it(tmp_path: Path, built: Path) -> None:
    """Numbers begin anew with a new MLflow: version 1 of the tables would have been somebody else's model."""
    rows = pd.DataFrame(
        {
            "race_key": ["2025-a", "2025-a"],
            "finish": [1, 2],
            "current_elo": [1600.0, 1500.0],
            "constructor_elo": [1500.0, 1500.0],
        }
    )
    model = EloSoftmax().fit(rows)
    old, new = (
        Registry(f"sqlite:///{tmp_path / name}.db", tmp_path / f"{name}-artefacts") for name in ("old", "new")
    )
    meant = old.register(model, "pre_weekend", rows, {}, {})
    other = new.register(model, "pre_weekend", rows, {}, {})
    assert (meant.name, meant.version) == (other.name, other.version)
    assert new.holds(other)
    assert not new.holds(meant)
    with pytest.raises(
        NotReady, match=f"version f1-elo-pre-weekend 1 of run {meant.run_id} is not in MLflow"
    ):
        new.load(EloSoftmax(), meant)
