"""What tests of whole updates share: settings of a home, a world drawn once, a home that is built once."""

from __future__ import annotations

import functools
import json
import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from f1_pipeline.runs import Report
from f1_pipeline.settings import Settings, get_settings
from f1_pipeline.sources import simulated
from f1_pipeline.update import run_update
from tests.quiet import import_mlflow

ONCE = functools.lru_cache(maxsize=8)(simulated.simulate)
"""The world is a pure function of its arguments; drawing it takes a second."""


def use(patch: pytest.MonkeyPatch, home: Path, settings: Mapping[str, str]) -> Settings:
    """From now on these are the settings, with this home."""
    for name, value in {**settings, "F1_HOME": str(home)}.items():
        patch.setenv(name, value)
    get_settings.cache_clear()
    return get_settings()


def first_update(
    home: Path, settings: Mapping[str, str], tell: Callable[[str], None] = lambda line: None
) -> Report:
    """Fill a home by its first update of the simulated world."""
    import_mlflow()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(simulated, "simulate", ONCE)
        report = run_update(use(patch, home, settings), tell)
    get_settings.cache_clear()
    return report


def built_once(
    factory: pytest.TempPathFactory, name: str, build: Callable[[Path], dict[str, Any]]
) -> tuple[Path, dict[str, Any]]:
    """A home, and what its building returned (as JSON has it): built by whichever worker is the first to ask.

    The others copy what nobody opens: of tables that are in use files come and go. Artefacts stay where they were
    written, and MLflow knows where that is.
    """
    home, base = factory.mktemp(name) / "home", factory.getbasetemp()
    place = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / f"built-{name}"
    said = place / "said.json"
    with FileLock(f"{place}.lock"):
        if said.exists():
            shutil.copytree(place / "home", home)
        else:
            found = json.dumps(build(home))
            shutil.rmtree(place, ignore_errors=True)
            shutil.copytree(home, place / "home", ignore=shutil.ignore_patterns("mlflow-artifacts"))
            said.write_text(found, encoding="utf-8")
    return home, json.loads(said.read_text(encoding="utf-8"))
