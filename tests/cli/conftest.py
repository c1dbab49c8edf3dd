"""A home after `f1 update`, for commands that read it and, as a copy, for those that change it."""

from __future__ import annotations

import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from f1_pipeline.settings import get_settings
from tests.cli.invoked import Said, invoke, use
from tests.quiet import import_mlflow
from tests.small_updates import built_once


@pytest.fixture(scope="session")
def updated(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Said]:
    """A home after ``f1 update``, and what the command said."""

    def build(home: Path) -> dict[str, Any]:
        import_mlflow()
        with pytest.MonkeyPatch.context() as patch:
            use(patch, home)
            result = invoke("update")
        get_settings.cache_clear()
        return asdict(Said(result.exit_code, result.output, result.stdout, result.stderr))

    home, said = built_once(tmp_path_factory, "cli", build)
    return home, Said(**said)


@pytest.fixture
def home(updated: tuple[Path, Said], monkeypatch: pytest.MonkeyPatch) -> Path:
    use(monkeypatch, updated[0])
    return updated[0]


@pytest.fixture
def copy(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of the test's own."""
    shutil.copytree(home, tmp_path / "copy", ignore=shutil.ignore_patterns("mlflow-artifacts"))
    use(monkeypatch, tmp_path / "copy")
    return tmp_path / "copy"
