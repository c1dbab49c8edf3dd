"""The command line as tests call it: its settings, what it prints, the line that it ends with."""

from __future__ import annotations

import csv
import io
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from f1_pipeline import cli
from tests import small_updates

# Two seasons and eight races: the third season is forecast, each horizon by one version.
SETTINGS = {
    "F1_SOURCE": "simulated",
    "F1_SIMULATED_SEASONS": "2",
    "F1_DRAWS": "200",
    "F1_RETRAIN_RECENT": "season",
}
REQUIRED = [
    "race_key",
    "season",
    "round",
    "horizon",
    "model",
    "model_version",
    "driver",
    "driver_code",
    "constructor",
    "win_probability",
    "podium_probability",
    "expected_position",
    "cutoff",
]
NEXT, LAST = "2026-amber-road", "2026-dalmatia"


@dataclass(frozen=True)
class Said:
    """What a command ended with and printed."""

    exit_code: int
    output: str
    stdout: str
    stderr: str


def use(patch: pytest.MonkeyPatch, home: Path) -> None:
    small_updates.use(patch, home, SETTINGS)


def invoke(*arguments: str) -> Result:
    return CliRunner().invoke(cli.app, list(arguments))


def ok(*arguments: str) -> str:
    result = invoke(*arguments)
    assert result.exit_code == 0, result.output + repr(result.exception)
    return result.stdout


def error_of(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The one line that ``f1 ...`` ends with."""
    monkeypatch.setattr(sys, "argv", ["f1", *arguments])
    monkeypatch.setattr(cli.app.__class__, "__call__", cli.app.__class__.__call__)
    with pytest.raises(SystemExit) as stopped:
        cli.main()
    assert stopped.value.code == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    lines = captured.err.strip().splitlines()
    assert len(lines) == 1, captured.err
    assert lines[0].startswith("error: ")
    return lines[0]


def rows_of(text: str, form: str) -> list[dict[str, Any]]:
    return json.loads(text) if form == "json" else list(csv.DictReader(io.StringIO(text)))
