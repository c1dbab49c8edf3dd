"""What goes wrong is said in one line, and the next step is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.invoked import NEXT, error_of, invoke, ok
from tests.quiet import QUIET

pytestmark = QUIET


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["forecast", "2026-atlantis"], "2026-atlantis"),
        (["forecast", "nonsense"], "nonsense"),
        (["forecast", "--model", "oracle"], "no model 'oracle'"),
        (["forecast", "--horizon", "after"], "no horizon 'after'"),
        (["forecast", "2024-wombat-coast"], "no forecast of 2024-wombat-coast"),
        (["forecast", NEXT, "--horizon", "pre_race"], f"no forecast of {NEXT} by pool at pre_race"),
        (["forecast", "2024-wombat-coast", "--why"], "no forecast of 2024-wombat-coast by pool"),
        (["forecast", NEXT, "--why", "--horizon", "pre_race"], f"no forecast of {NEXT} by pool at pre_race"),
        (
            ["evaluate", "--start-season", "1990", "--end-season", "1991"],
            "no scored forecasts in 1990 to 1991",
        ),
        (["evaluate", "--model", "oracle"], "no model 'oracle'"),
        (["evaluate", "--against", "oracle"], "no model 'oracle'"),
        (["evaluate", "--against", "market"], "that market and a model were scored on"),
        (["evaluate", "--model", "market"], "no scored forecasts by market"),
        (["evaluate", "--reliability", "--model", "market"], "no scored forecasts by market"),
        (["odds", "import", "nowhere.csv"], "nowhere.csv cannot be read"),
        (["odds", "remove", "--source", "nobody"], "no prices of 'nobody'"),
        (["predictions", "--start-season", "2026", "--end-season", "2026", "--model", "oracle"], "no model"),
        (["backfill", "--start-season", "1990", "--end-season", "1991"], "no races of 1990 to 1991"),
        (["challenge", "pool", "--horizon", "pre_race"], "no trained model 'pool'"),
        (["challenge", "elo", "--horizon", "after"], "no horizon 'after'"),
        (["challenge", "elo", "--horizon", "pre_race", "--set", "penalty"], "is set like penalty=40"),
        (["challenge", "elo", "--horizon", "pre_race", "--set", "depth=4"], "no hyper-parameter 'depth'"),
        (["challenge", "elo", "--horizon", "pre_race", "--set", "penalty=big"], "penalty='big' is no float"),
        (["rollback", "oracle", "--horizon", "pre_race"], "no trained model 'oracle'"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_errors_are_one_line(
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    says: str,
) -> None:
    assert says in error_of(monkeypatch, capsys, *arguments)


@pytest.mark.parametrize(
    "arguments",
    [
        ["forecast"],
        ["evaluate"],
        ["status"],
        ["models"],
        ["challenge", "elo", "--horizon", "pre_race"],
        ["predictions", "--start-season", "2026", "--end-season", "2026"],
    ],
    ids=lambda value: value[0],
)
def test_without_data_the_next_step_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    assert "run `f1 update`" in error_of(monkeypatch, capsys, *arguments)


def test_usage_errors_and_help() -> None:
    assert invoke("predictions").exit_code == 2
    assert invoke("evaluate", "--format", "csv").exit_code == 2
    assert invoke("evaluate", "--against", "pool", "--reliability").exit_code == 2
    text = ok("--help")
    for command in (
        "run",
        "update",
        "backfill",
        "forecast",
        "evaluate",
        "predictions",
        "challenge",
        "rollback",
        "models",
        "status",
        "serve",
        "db",
        "doctor",
    ):
        assert command in text
