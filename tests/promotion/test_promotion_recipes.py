"""Recipes and versions that stay: the one before, the one on record under other code, what is never pruned; and what cannot be one."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from f1_pipeline.challenge import run_challenge
from f1_pipeline.errors import NotReady, RecipeInvalid
from f1_pipeline.forecasting.models.elo_softmax import EloSoftmax
from f1_pipeline.registry import CHALLENGER, CHAMPION, Registry
from f1_pipeline.runs import UpdateFailed
from f1_pipeline.settings import Settings, get_settings
from f1_pipeline.storage.decisions import decisions
from f1_pipeline.update import run_update
from tests.promotion.challenged import BAD, ELO, NEXT, engine_of, forecast_of, in_mlflow, run_job, version_of
from tests.quiet import QUIET

pytestmark = QUIET


# --- back, and other code --------------------------------------------------------------------------------


def test_back_to_the_recipe_before(bad: Settings) -> None:
    with pytest.raises(UpdateFailed, match="has had one recipe only"):
        run_challenge(bad, *ELO, {}, rollback=True)
    run_challenge(bad, *ELO, {})
    row = run_challenge(bad, *ELO, {}, rollback=True)
    assert (row["promoted"], row["races"]) == (True, 0)
    assert row["hyperparameters"] == {"penalty": BAD}
    assert row["reason"].startswith("by hand")
    assert set(forecast_of(bad)["model_version"]) == {row["challenger_version"]}
    assert in_mlflow(bad)[0] == {CHAMPION: version_of(bad, row["challenger_version"])["mlflow_version"]}
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
    run_job(home, "forecast_pre_weekend", NEXT)
    used = version_of(home, int(forecast_of(home)["model_version"].iloc[0]))
    assert (used["recipe"], used["hyperparameters"]["penalty"]) == (2, 1.0)
    last = decisions(engine_of(home), *ELO).iloc[-1]
    assert "recipe version changed: from 1 to 2" in last["reason"]
    assert (last["recipe"], last["hyperparameters"]) == (2, {"penalty": 1.0})
    run_job(home, "forecast_pre_weekend", NEXT)
    assert len(decisions(engine_of(home), *ELO)) == 2, "said once"
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
