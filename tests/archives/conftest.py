"""A home that took the four archives in: made once, and copied for the workers that did not make it."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pytest

from f1_pipeline.settings import get_settings
from tests.archives.world import FILES, STEPS, Step, step, use
from tests.quiet import import_mlflow
from tests.small_updates import built_once

FOUND = "steps.pickle"


@pytest.fixture(scope="session")
def home(archives: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home after the newest archive."""

    def build(home: Path) -> dict[str, Any]:
        import_mlflow()
        found = {}
        for name in STEPS:
            with pytest.MonkeyPatch.context() as patch:
                found[name] = step(use(patch, home, archives / "f1db" / FILES[name]))
        get_settings.cache_clear()
        (home / FOUND).write_bytes(pickle.dumps(found))
        return {}

    return built_once(tmp_path_factory, "archives", build)[0]


@pytest.fixture(scope="session")
def steps(home: Path) -> dict[str, Step]:
    """What each archive left behind."""
    found: dict[str, Step] = pickle.loads((home / FOUND).read_bytes())  # noqa: S301 - a worker of this very run wrote it
    return found
