"""A challenge beside an update, without MLflow, and killed halfway."""

import threading
from typing import Any

import pandas as pd
import pytest

from f1_pipeline.challenge import run_challenge
from f1_pipeline.registry import CHAMPION
from f1_pipeline.runs import UpdateFailed
from f1_pipeline.settings import Settings, get_settings
from f1_pipeline.storage.decisions import decisions
from f1_pipeline.turn import alone
from f1_pipeline.update import run_update
from tests.promotion.challenged import BAD, ELO, engine_of, forecast_of, in_mlflow, read_tables, version_of
from tests.quiet import QUIET

pytestmark = QUIET


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
    before = read_tables(home, "models", "model_decisions", "predictions")
    monkeypatch.setenv("F1_MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    get_settings.cache_clear()
    with pytest.raises(UpdateFailed, match=r"MLflow at http://127\.0\.0\.1:9 does not answer"):
        run_challenge(get_settings(), *ELO, {"penalty": BAD})
    for name, frame in read_tables(home, *before).items():
        pd.testing.assert_frame_equal(frame, before[name], obj=name)


def _killed(*args: Any, **kwargs: Any) -> None:
    raise KeyboardInterrupt("killed")


def test_killed_before_the_tables_know(bad: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """There is a version in MLflow that nobody refers to; the next challenge takes its alias."""
    before = read_tables(bad, "models", "model_decisions", "predictions")
    held = in_mlflow(bad)[0]
    with monkeypatch.context() as patch:
        patch.setattr("f1_pipeline.assets.promotion.add_decided_version", _killed)
        with pytest.raises((KeyboardInterrupt, UpdateFailed)):
            run_challenge(bad, *ELO, {})
    for name, frame in read_tables(bad, *before).items():
        pd.testing.assert_frame_equal(frame, before[name], obj=name)
    assert in_mlflow(bad)[0][CHAMPION] == held[CHAMPION]
    assert run_update(bad).idle
    row = run_challenge(bad, *ELO, {})
    assert row["promoted"]
    assert in_mlflow(bad)[0] == {CHAMPION: version_of(bad, row["challenger_version"])["mlflow_version"]}


def test_killed_before_mlflow_knows(bad: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """The decision stands; the next update forecasts by it and brings MLflow up to date."""
    held = in_mlflow(bad)[0]
    calls: list[str] = []

    def second(*args: Any) -> None:
        calls.append("")
        if len(calls) == 2:
            _killed()

    with monkeypatch.context() as patch:
        patch.setattr("f1_pipeline.assets.promotion.settle", second)
        with pytest.raises((KeyboardInterrupt, UpdateFailed)):
            run_challenge(bad, *ELO, {})
    row = decisions(engine_of(bad), *ELO).iloc[-1]
    assert row["promoted"]
    assert in_mlflow(bad)[0][CHAMPION] == held[CHAMPION]
    report = run_update(bad)
    assert report.forecasts == 1
    assert set(forecast_of(bad)["model_version"]) == {row["challenger_version"]}
    aliases, tags = in_mlflow(bad)
    assert aliases == {CHAMPION: version_of(bad, row["challenger_version"])["mlflow_version"]}
    assert tags(aliases[CHAMPION])["decided_at"] == row["decided_at"].isoformat()
    assert run_update(bad).idle
