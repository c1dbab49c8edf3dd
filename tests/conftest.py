"""Fixtures for every test: no test sees the settings, the history or the data of whoever runs it."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from f1_pipeline.settings import Settings, get_settings

KEPT = {"F1_TEST_DATA", "F1_REQUIRE_ARCHIVE"}
"""Settings of the tests themselves."""


def _clean_environment(patch: pytest.MonkeyPatch, home: Path) -> None:
    for name in list(os.environ):
        if name.startswith(("F1_", "DAGSTER_", "MLFLOW_")) and name not in KEPT:
            patch.delenv(name)
    patch.setenv("F1_HOME", str(home))
    # No test asks a weather service, or Jolpica, that it did not start itself.
    patch.setenv("F1_WEATHER", "off")
    patch.setenv("F1_JOLPICA_ENABLED", "false")
    patch.setenv("DAGSTER_DISABLE_TELEMETRY", "yes")
    patch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    # The .env of a checkout holds somebody's own settings.
    patch.setitem(Settings.model_config, "env_file", None)
    get_settings.cache_clear()


@pytest.fixture(scope="session", autouse=True)
def _session_settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Fixtures of a wider scope than one test are isolated too, in a home of their own."""
    with pytest.MonkeyPatch.context() as patch:
        _clean_environment(patch, tmp_path_factory.mktemp("f1-home"))
        yield
    get_settings.cache_clear()


@pytest.fixture(autouse=True)
def _test_settings(_session_settings: None, tmp_path: Path) -> Iterator[None]:
    """Each test has its own ``F1_HOME`` and reads its settings anew."""
    with pytest.MonkeyPatch.context() as patch:
        _clean_environment(patch, tmp_path / "f1-home")
        yield
    get_settings.cache_clear()


def _archive_required() -> bool:
    return os.environ.get("F1_REQUIRE_ARCHIVE") == "1"


@pytest.fixture(scope="session")
def archives() -> Path:
    """The folder of test data, with the real archives in ``f1db``; the test is skipped without it."""
    configured = os.environ.get("F1_TEST_DATA")
    if not configured:
        pytest.skip("F1_TEST_DATA is not set: the real F1DB archives are not here")
    folder = Path(configured)
    if not any(folder.glob("f1db/*.zip")):
        pytest.skip(f"F1_TEST_DATA={configured} holds no f1db/*.zip")
    return folder


@pytest.fixture
def weather_service() -> Iterator[Any]:
    """A weather service on the loopback interface; see ``weather_service.py``, which is loaded by its path."""
    spec = importlib.util.spec_from_file_location(
        "weather_service", Path(__file__).with_name("weather_service.py")
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    with module.serving(module.Service()) as service:
        yield service


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Iterator[pytest.TestReport | None]:
    """With ``F1_REQUIRE_ARCHIVE=1`` a test on the real archives that is skipped counts as failed.

    Otherwise a wrong path would turn the tests that matter most into green silence.
    """
    report: pytest.TestReport = yield  # type: ignore[assignment, misc]
    needs_archive = item.get_closest_marker("archive") or "archives" in getattr(item, "fixturenames", ())
    if report.skipped and not hasattr(report, "wasxfail") and needs_archive and _archive_required():
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        report.outcome = "failed"
        report.longrepr = f"F1_REQUIRE_ARCHIVE=1, but this test was skipped: {reason}"
    return report  # type: ignore[return-value]
