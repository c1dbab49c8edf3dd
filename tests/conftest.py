"""Fixtures for every test: no test sees the settings, the history or the data of whoever runs it."""

from __future__ import annotations

import functools
import gc
import importlib.util
import itertools
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import make_url

from f1_app.database import engine_for
from f1_pipeline import mlflow_file
from f1_pipeline.settings import Settings, get_settings
from f1_pipeline.stages import OBJECTS
from f1_pipeline.storage.engine import get_engine
from f1_pipeline.storage.migrate import upgrade
from tests.postgres_server import Started, administer, postgres_server, started

# They assert for tests, and should say as much as those do when that fails.
pytest.register_assert_rewrite(
    "tests.cli.invoked",
    "tests.dagster_assets",
    "tests.forecasting.features.shuffle",
    "tests.in_browser",
    "tests.promotion.challenged",
    "tests.replay.asking",
)

LONGEST = (
    "archives/test_update_archives.py",
    "test_rehearsal.py",
    "update/test_update_failures.py",
    "update/test_second_process.py",
    "promotion/test_promotion_recipes.py",
    "automation/test_daemon_rehearsal.py",
    "app/test_app_browser.py",
    "archives/test_pages_of_archives.py",
    "update/test_backfill_again.py",
    "update/test_update_corrections.py",
    "live/test_live_cutoff.py",
    "update/test_update_arrivals.py",
    "update/test_update_again.py",
    "test_mlflow_away.py",
    "promotion/test_promotion_comparison.py",
    "forecasting/features/test_features_leaks.py",
    "deploy/test_compose_services.py",
    "live/test_live_weekend.py",
    "update/test_update_on_postgres.py",
    "forecasting/test_intervals.py",
)
"""Files that take more than half a minute. They come first: a worker that begins one at the end works alone."""

# As updates do it: looking at half a million objects that stay, after every 700 new ones, is a sixth of all importing.
gc.set_threshold(OBJECTS, 10, 10)
_numbers = itertools.count()
KEPT = {"F1_TEST_DATA", "F1_REQUIRE_ARCHIVE"}
"""Settings of the tests themselves."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files first, the others in the order in which they were found."""
    here = Path(__file__).parent
    gone = [name for name in LONGEST if not (here / name).exists()]
    if gone:
        raise pytest.UsageError(f"named in {__file__}, but not there: {', '.join(gone)}")
    place = {here / name: number for number, name in enumerate(LONGEST)}
    items.sort(key=lambda item: place.get(item.path, len(place)))


def pytest_xdist_auto_num_workers() -> int:
    """Half as many workers again as cores: a worker for each left a sixth of two cores idle, waiting for browsers, servers
    and homes that another one builds. More than twelve would wait for the longest files.
    """
    cores = os.cpu_count() or 1
    return min(cores + cores // 2, 12)


def _clean_environment(patch: pytest.MonkeyPatch, home: Path) -> None:
    for name in list(os.environ):
        if name.startswith(("F1_", "DAGSTER_", "MLFLOW_")) and name not in KEPT:
            patch.delenv(name)
    patch.setenv("F1_HOME", str(home))
    # Tests put things into this process, and share the cores among themselves; those of the second process ask for it.
    patch.setenv("F1_PROCESSES", "1")
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


@pytest.fixture(scope="session", autouse=True)
def _mlflow_copied(tmp_path_factory: pytest.TempPathFactory, _session_settings: None) -> Iterator[None]:
    """MLflow's empty tables are made once for a worker, and copied: fifty migrations take as long as a small update.

    Tests of how they are made use ``mlflow_file._make.__wrapped__``.
    """
    make, made = mlflow_file._make, tmp_path_factory.mktemp("mlflow") / "mlflow.db"

    @functools.wraps(make)
    def copied(file: Path) -> None:
        if not made.exists():
            make(made)
        making = file.with_name(f"{file.name}.copied")
        shutil.copyfile(made, making)
        mlflow_file._remove(file)
        making.replace(file)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mlflow_file, "_make", copied)
        yield


@pytest.fixture(scope="session", autouse=True)
def _output_in_files_only() -> Iterator[None]:
    """What a run of this process says is in its files. Dagster shows it on the console as well, by four processes for each
    of some thousand runs."""
    from dagster._core.execution import compute_logs

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compute_logs, "tail_to_stream", lambda path, stream: nullcontext((None, None)))
        yield


@pytest.fixture(autouse=True)
def _test_settings(_session_settings: None, tmp_path: Path) -> Iterator[None]:
    """Each test has its own ``F1_HOME`` and reads its settings anew."""
    with pytest.MonkeyPatch.context() as patch:
        _clean_environment(patch, tmp_path / "f1-home")
        yield
    get_settings.cache_clear()
    # Each test has a database of its own: their open files, and connections, would add up.
    get_engine.close()
    engine_for.close()


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """Address of a real PostgreSQL server (of its database ``postgres``) that lives as long as the tests run.

    Its binaries come with a package of the development environment: there is no machine on which this is skipped.
    """
    with postgres_server() as (_, address):
        yield address


@pytest.fixture(scope="module")
def own_postgres() -> Iterator[tuple[list[str], str]]:
    """A server that nobody else uses: the command that restarts it, as a service manager does, and its address."""
    with started() as server:
        yield server.restart, server.address


@pytest.fixture(scope="session")
def new_server() -> Callable[..., AbstractContextManager[Started]]:
    """Starts a server for as long as it is entered, in a directory if one is given."""
    return started


@pytest.fixture(scope="session")
def new_postgres(postgres: str) -> Callable[..., str]:
    """Makes a database and returns its address; with a template, a copy of it, and whoever uses the template is cut off.

    Who makes one removes it with ``drop_postgres`` where a test makes many.
    """

    def make(template: str | None = None) -> str:
        name = f"test_{next(_numbers)}"
        if template is None:
            administer(postgres, f"CREATE DATABASE {name}")
        else:
            source = make_url(template).database
            administer(
                postgres,
                # MLflow keeps connections to its stores for as long as the process lives.
                f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{source}'",  # noqa: S608
                f"CREATE DATABASE {name} TEMPLATE {source} STRATEGY file_copy",
            )
        return postgres.replace("/postgres?", f"/{name}?")

    return make


@pytest.fixture(scope="session")
def drop_postgres(postgres: str) -> Callable[[str], None]:
    """Removes a database by its address, whoever is connected to it."""

    def drop(address: str) -> None:
        get_engine(address).dispose()
        administer(postgres, f"DROP DATABASE {make_url(address).database} WITH (FORCE)")

    return drop


@pytest.fixture(scope="session")
def migrated_postgres(new_postgres: Callable[..., str]) -> str:
    """Address of a database with all tables and no rows, to be copied: a copy takes a fifth of the migrations."""
    address = new_postgres()
    upgrade(address)
    get_engine(address).dispose()
    return address


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same as a SQLite file."""
    file = tmp_path_factory.mktemp("migrated") / "tables.db"
    upgrade(f"sqlite:///{file}")
    get_engine(f"sqlite:///{file}").dispose()
    return file


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
def browser() -> Iterator[Any]:
    """A browser without a window. What its pages are opened with: ``in_browser.py``."""
    from tests.in_browser import opened

    with opened() as chromium:
        yield chromium


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
