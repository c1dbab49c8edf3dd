"""The one place where "now" comes from."""

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from f1_pipeline import clock

NOON = datetime(2026, 7, 26, 12, tzinfo=UTC)


def test_without_a_virtual_moment_it_is_the_real_one() -> None:
    before = datetime.now(UTC)
    assert before <= clock.now() <= datetime.now(UTC)


def test_a_virtual_moment_stands_and_ends() -> None:
    with clock.at(NOON):
        assert clock.now() == NOON
        assert clock.now() == NOON
        with clock.at(NOON + timedelta(hours=1)):
            assert clock.now() == NOON + timedelta(hours=1)
        assert clock.now() == NOON
    assert clock.VARIABLE not in os.environ
    assert clock.now() > NOON


def test_a_moment_of_another_zone_is_the_same_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(clock.VARIABLE, "2026-07-26T14:00:00+02:00")
    assert clock.now() == NOON
    assert clock.now().tzinfo is UTC


def test_a_moment_without_a_zone_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(clock.VARIABLE, "2026-07-26T14:00:00")
    with pytest.raises(ValueError, match="no time zone"):
        clock.now()
    with pytest.raises(ValueError, match="no time zone"), clock.at(NOON.replace(tzinfo=None)):
        pass


def test_a_clock_in_a_file_moves_for_whoever_goes_by_it(tmp_path: Path) -> None:
    """Servers that run already, and what they start."""
    file = tmp_path / "clock"
    look = [sys.executable, "-c", "from f1_pipeline import clock; print(clock.now().isoformat())"]
    with clock.hand(file, NOON):
        assert clock.now() == NOON
        clock.move(file, NOON + timedelta(minutes=1))
        assert clock.now() == NOON + timedelta(minutes=1)
        said = subprocess.run(look, capture_output=True, text=True, check=True).stdout.strip()
        assert datetime.fromisoformat(said) == NOON + timedelta(minutes=1)
        with pytest.raises(ValueError, match="no time zone"):
            clock.move(file, NOON.replace(tzinfo=None))
        assert clock.now() == NOON + timedelta(minutes=1)
    assert clock.VARIABLE not in os.environ
