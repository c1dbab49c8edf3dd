"""Settings that cannot work are refused where they are read, with the name of the variable."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from f1_pipeline.cli import app, main
from f1_pipeline.settings import Settings, get_settings


@pytest.mark.parametrize("name", ["what?now", "a%20b"])
def test_a_state_directory_that_ends_an_address(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The files were made in another directory, which `f1 status` then did not find."""
    home = tmp_path / name
    with pytest.raises(ValueError, match="cannot contain"):
        Settings(home=home)
    monkeypatch.setenv("F1_HOME", str(home))
    monkeypatch.setattr("sys.argv", ["f1", "db", "upgrade"])
    get_settings.cache_clear()
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 1
    assert "setting F1_HOME: " in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_state_directory_with_other_characters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "50% Größe & #1"
    monkeypatch.setenv("F1_HOME", str(home))
    get_settings.cache_clear()
    assert CliRunner().invoke(app, ["db", "upgrade"]).exit_code == 0
    assert (home / "f1.db").is_file()
