"""What tests of whole updates share: warnings that are not theirs, a world drawn once, a home that is built once."""

from __future__ import annotations

import functools
import importlib
import json
import os
import shutil
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from f1_pipeline.runs import Report
from f1_pipeline.settings import Settings, get_settings
from f1_pipeline.sources import simulated
from f1_pipeline.update import run_update

QUIET_DAGSTER = [
    # Ranges in one run are beta, partitioned checks preview; Dagster asks pydantic for the old name of a field.
    pytest.mark.filterwarnings("ignore::dagster.BetaWarning", "ignore::dagster.PreviewWarning"),
    pytest.mark.filterwarnings("ignore:The `__fields__` attribute is deprecated"),
]
"""The ``pytestmark`` of a module whose tests run stages."""
QUIET = [
    *QUIET_DAGSTER,
    # MLflow's tables with the newest SQLAlchemy, and its opinion of the hints of its own class.
    pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy is deprecated"),
    pytest.mark.filterwarnings("ignore:.*Any type hint is inferred as AnyType"),
]
"""That of a module whose tests train models too."""
ONCE = functools.lru_cache(maxsize=8)(simulated.simulate)
"""The world is a pure function of its arguments; drawing it takes a second."""


def import_mlflow() -> None:
    """Before a fixture of a wider scope than one test updates: the marks of a test do not count for it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of MLflow's own imports
        importlib.import_module("mlflow.sklearn")
        importlib.import_module("mlflow.xgboost")


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
