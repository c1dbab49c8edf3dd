"""MLflow's client: opened once, told to be quiet, and asked first whether anybody is there.

The library takes 4 s to import, so it is imported inside the functions.
"""

from __future__ import annotations

import logging
import os
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock

from f1_pipeline.errors import NotReady, RegistryUnavailable
from f1_pipeline.mlflow_file import make_whole
from f1_pipeline.secrecy import without_passwords

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

_ANSWER_SECONDS = 10.0
"""Time in which an MLflow server says that it is there."""

_OPENING = 0x66316D6C
"""Number of the lock that whoever opens MLflow's store holds on PostgreSQL."""

_SILENT_SECONDS = 60.0
_silent: dict[str, tuple[float, str]] = {}
"""By address: when MLflow did not answer, and why. It is not asked again for a minute: an update has two dozen steps
that would each wait for it."""


def require(tracking_uri: str) -> None:
    """Make sure that MLflow answers.

    Raises:
        RegistryUnavailable: it does not.
    """
    silent = _silent.get(tracking_uri)
    if silent is not None and time.monotonic() - silent[0] < _SILENT_SECONDS:
        raise RegistryUnavailable(silent[1])
    import requests

    try:
        if tracking_uri.startswith("http"):
            # MLflow itself tries for minutes before it says that nobody is there, on databases too.
            requests.get(f"{tracking_uri}/health", timeout=_ANSWER_SECONDS)
        elif tracking_uri.startswith("postgresql"):
            _knock(tracking_uri)
        connect(tracking_uri).search_registered_models(max_results=1)
    except Exception as error:  # of requests, of MLflow, or of the driver of its database
        reason = str(error).strip().splitlines()[0][:300]
        # Without the cause: a run reports the innermost one, and that does not say what was being done.
        told = (
            f"MLflow at {without_passwords(tracking_uri)} does not answer, and nothing was changed: {reason}"
        )
        _silent[tracking_uri] = (time.monotonic(), told)
        raise RegistryUnavailable(told) from None
    _silent.pop(tracking_uri, None)


def _knock(address: str) -> None:
    """Connect to a database server once."""
    from sqlalchemy import create_engine

    engine = create_engine(address, connect_args={"connect_timeout": int(_ANSWER_SECONDS)})
    try:
        engine.connect().close()
    finally:
        engine.dispose()


def aliases_of(client: MlflowClient, name: str) -> dict[str, str]:
    """Versions by alias; none of a model that is not registered."""
    from mlflow.exceptions import MlflowException

    try:
        found = client.get_registered_model(name)  # in half the time of a search
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        return {}
    return {alias: str(version) for alias, version in found.aliases.items()}


@lru_cache(maxsize=4)
def connect(tracking_uri: str) -> MlflowClient:
    """A client of MLflow, one for an address and process; the library is told to be quiet and to give up soon.

    Raises:
        NotReady: MLflow is not installed.
    """
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    # Its client would go on for five minutes with a server that died in the middle of a run.
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "3")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "30")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # deprecations inside MLflow's own imports
        import mlflow

    if not hasattr(mlflow, "set_tracking_uri"):  # a folder named mlflow/ imports as an empty namespace
        raise NotReady("MLflow is not installed in this environment: run `make install`")
    # Two lines a version on what is meant to be so: the version exists, pip has no pinned version.
    logging.getLogger("mlflow").setLevel(logging.ERROR)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    make_whole(tracking_uri)
    mlflow.set_tracking_uri(tracking_uri)
    mlflow.set_registry_uri(tracking_uri)
    with _opening(tracking_uri):
        client = mlflow.MlflowClient()
        if not tracking_uri.startswith("http"):
            client.search_registered_models(max_results=1)
    return client


@contextmanager
def _opening(tracking_uri: str) -> Iterator[None]:
    """One process at a time opens a store: MLflow makes its tables and its first experiment then, without a lock.

    Of two that begin at the same time one could find them half made. A server has opened its store before it answers.
    """
    if tracking_uri.startswith("sqlite:///"):
        with FileLock(f"{tracking_uri.removeprefix('sqlite:///')}.lock"):
            yield
    elif tracking_uri.startswith("postgresql"):
        from sqlalchemy import create_engine, func, select

        engine = create_engine(tracking_uri, isolation_level="AUTOCOMMIT")
        try:
            with engine.connect() as connection:
                connection.execute(select(func.pg_advisory_lock(_OPENING)))
                try:
                    yield
                finally:
                    connection.execute(select(func.pg_advisory_unlock(_OPENING)))
        finally:
            engine.dispose()
    else:
        yield


@lru_cache(maxsize=64)
def experiment_id(tracking_uri: str, name: str, artifacts: Path) -> str:
    """The experiment of a name, made if it is not there; ``artifacts`` is where a local store puts files."""
    client = connect(tracking_uri)
    found = client.get_experiment_by_name(name)
    if found is not None:
        return str(found.experiment_id)
    local = not tracking_uri.startswith("http")
    location = (artifacts / name).as_uri() if local else None  # a server knows where it keeps artefacts
    return str(client.create_experiment(name, artifact_location=location))


@lru_cache(maxsize=64)
def registered_model(tracking_uri: str, name: str) -> str:
    """The name of a registered model that is there, or has been made."""
    client = connect(tracking_uri)
    if not client.search_registered_models(f"name='{name}'"):
        client.create_registered_model(name)
    return name
