"""The model registry: MLflow keeps runs, parameters, metrics, artefacts and versions.

One experiment and one registered model for each model and horizon. Serialisation is safe: scikit-learn based models
are stored as skops with a closed list of trusted types, XGBoost as UBJSON; nothing is un-pickled from a store, and what
MLflow says of a file is not believed (``model_files``). The library takes 4 s to import, so it is imported inside the functions.
"""

from __future__ import annotations

import logging
import os
import re
import time
import warnings
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pandas as pd
from filelock import FileLock

from f1_pipeline.errors import ArtefactCorrupt, NotReady, RegistryUnavailable
from f1_pipeline.model_files import read_model, trusted_types

if TYPE_CHECKING:
    from mlflow.entities.model_registry import ModelVersion
    from mlflow.tracking import MlflowClient

    from f1_pipeline.forecasting.models import Model

logger = logging.getLogger(__name__)

CHAMPION = "champion"
"""Alias of the version that the next forecast uses."""

CHALLENGER = "challenger"
"""Alias of the version of the newest challenger, until one is promoted."""

PRUNED_TAG = "artefact"
"""Tag of a version whose artefact the housekeeping removed, or would remove and was never stored; run, parameters and
metrics stay."""

_ANSWER_SECONDS = 10.0
"""Time in which an MLflow server says that it is there."""

_SILENT_SECONDS = 60.0
_silent: dict[str, tuple[float, str]] = {}
"""By address: when MLflow did not answer, and why. It is not asked again for a minute: an update has two dozen steps
that would each wait for it."""

_REQUIREMENTS = ["scikit-learn", "skops", "numpy", "pandas"]


@dataclass(frozen=True)
class Registered:
    """Where a version is: MLflow run, registered name and version."""

    run_id: str
    name: str
    version: str


class Registry:
    """Registered versions in one MLflow server or database."""

    def __init__(self, tracking_uri: str, artifacts: Path):
        self.tracking_uri = tracking_uri
        self.artifacts = artifacts

    @staticmethod
    def registered_name(model: str, horizon: str) -> str:
        """Name of the registered model, and of its experiment."""
        return f"f1-{model}-{horizon}".replace("_", "-")

    def register(
        self,
        model: Model,
        horizon: str,
        rows: pd.DataFrame,
        metrics: dict[str, float],
        tags: dict[str, str],
        alias: str | None = None,
        artefact: bool = True,
    ) -> Registered:
        """Store a fitted model as a new version, or without ``artefact`` what there is to know about it.

        ``rows`` are some of the training rows: the input signature and example are taken from them. ``tags`` carry
        the data cutoff, the last race seen and the race that the version was trained for. The alias of the champion
        is not given here: ``point`` does that, once the tables say which version it is.
        """
        import mlflow
        from mlflow.entities import Metric, Param

        client = self._client()
        name = _registered_model(self.tracking_uri, self.registered_name(model.name, horizon))
        parameters = model.hyperparameters()
        with mlflow.start_run(experiment_id=self._experiment(name), tags=tags) as run:
            model_id = self._log_model(model, rows.head(20)) if artefact else None
            source = f"models:/{model_id}" if artefact else f"{run.info.artifact_uri}/model"
            # After the model, and for it: MLflow reads metrics that a run has before one by one, to write them again.
            now = int(time.time() * 1000)
            client.log_batch(
                run.info.run_id,
                metrics=[Metric(key, value, now, 0, model_id=model_id) for key, value in metrics.items()],
                params=[Param(key, str(value)) for key, value in parameters.items()],
            )
            version = client.create_model_version(
                name,
                source=source,
                run_id=run.info.run_id,
                tags=tags if artefact else {**tags, PRUNED_TAG: "not stored"},
            )
        if alias is not None:
            client.set_registered_model_alias(name, alias, version.version)
        return Registered(run.info.run_id, name, str(version.version))

    def _log_model(self, model: Model, example: pd.DataFrame) -> str:
        """Store a model under the active run; the id of the logged model."""
        import mlflow
        from mlflow.models import infer_signature

        inputs = example[model.features()].astype("float64")
        if not hasattr(model, "empty_learner"):
            inputs.insert(0, "race_key", example["race_key"])
        common: dict[str, Any] = {
            "name": "model",
            "signature": infer_signature(inputs, model.predict(example)),
            "pip_requirements": self._requirements(model),
            "params": model.hyperparameters(),
        }
        if hasattr(model, "empty_learner"):
            info = mlflow.xgboost.log_model(model.learner_, model_format="ubj", **common)
        else:
            info = mlflow.sklearn.log_model(
                model, serialization_format="skops", skops_trusted_types=trusted_types(), **common
            )
        return str(info.model_id)

    def holds(self, stored: Registered) -> bool:
        """Whether MLflow has this version, and not another one of the same number.

        Numbers begin anew in a store that was made anew, and go back in one that was restored: the tables may mean a
        version that another model has the number of. The run that made it is the same one only for the same version.
        """
        return self._found(stored) is not None

    def _found(self, stored: Registered) -> ModelVersion | None:
        from mlflow.exceptions import MlflowException

        try:
            found = self._client().get_model_version(stored.name, stored.version)
        except MlflowException as error:
            if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                raise
            return None
        return found if found.run_id == stored.run_id else None

    def load(self, model: Model, stored: Registered) -> Model:
        """The fitted model of a version; ``model`` is an unfitted one with its hyper-parameters.

        Raises:
            NotReady: MLflow does not hold the version, or it has no artefact (any more).
            ArtefactCorrupt: its artefact is damaged, or holds something else.
            RegistryUnavailable: MLflow does not answer.
        """
        self.require()
        import mlflow

        name, version = stored.name, stored.version
        try:
            found = self._found(stored)
            if found is None:
                raise NotReady(f"model version {name} {version} of run {stored.run_id} is not in MLflow")
            if PRUNED_TAG in found.tags:
                raise NotReady(f"model version {name} {version} has no artefact: only the newest are kept")
            with TemporaryDirectory() as scratch:
                # Of a local store it is the place itself, and nothing is copied.
                folder = mlflow.artifacts.download_artifacts(f"models:/{name}/{version}", dst_path=scratch)
                return read_model(model, Path(folder))
        except ArtefactCorrupt as error:
            raise ArtefactCorrupt(f"model version {name} {version}: {error}") from None
        except (mlflow.exceptions.MlflowException, OSError) as error:
            raise NotReady(f"model version {name} {version} cannot be loaded: {error}") from None

    def point(self, name: str, aliases: dict[str, str | None]) -> None:
        """Let each alias name a version of a registered model, or none; what is so already is not written.

        Of a model that MLflow does not know there is nothing to point at.
        """
        client = self._client()
        held = _aliases(client, name)
        for alias, version in aliases.items():
            if version is None and alias in held:
                client.delete_registered_model_alias(name, alias)
            elif version is not None and held.get(alias) != version:
                client.set_registered_model_alias(name, alias, version)

    def tag(self, name: str, version: str, tags: dict[str, str]) -> None:
        """Set tags of a version; those it has already are not written."""
        client = self._client()
        held = client.get_model_version(name, version).tags
        for key, value in tags.items():
            if held.get(key) != value:
                client.set_model_version_tag(name, version, key, value)

    def require(self) -> None:
        """Make sure that MLflow answers, before minutes are spent on what has to be stored in it.

        Raises:
            RegistryUnavailable: it does not.
        """
        silent = _silent.get(self.tracking_uri)
        if silent is not None and time.monotonic() - silent[0] < _SILENT_SECONDS:
            raise RegistryUnavailable(silent[1])
        import requests

        try:
            if self.tracking_uri.startswith("http"):
                # MLflow itself tries for minutes before it says that nobody is there, on databases too.
                requests.get(f"{self.tracking_uri}/health", timeout=_ANSWER_SECONDS)
            elif self.tracking_uri.startswith("postgresql"):
                _knock(self.tracking_uri)
            self._client().search_registered_models(max_results=1)
        except Exception as error:  # of requests, of MLflow, or of the driver of its database
            reason = str(error).strip().splitlines()[0][:300]
            # Without the cause: a run reports the innermost one, and that does not say what was being done.
            told = f"MLflow at {_shown(self.tracking_uri)} does not answer, and nothing was changed: {reason}"
            _silent[self.tracking_uri] = (time.monotonic(), told)
            raise RegistryUnavailable(told) from None
        _silent.pop(self.tracking_uri, None)

    def silence(self) -> str | None:
        """Why MLflow is no help now, in words; None while it answers."""
        try:
            self.require()
        except RegistryUnavailable as error:
            return str(error)
        return None

    def prune(self, model: str, horizon: str, keep: int) -> int:
        """Remove the artefacts of all but the newest ``keep`` versions, champion and challenger; returns how many.

        A season of forests is some 120 MB. Versions, runs, parameters and metrics stay, tagged; a pruned version
        can be trained again, because its cutoff and seed are known.
        """
        client = self._client()
        name = self.registered_name(model, horizon)
        versions = sorted(client.search_model_versions(f"name='{name}'"), key=lambda v: -int(v.version))
        named = set(_aliases(client, name).values()) if versions else set()
        pruned = 0
        for version in versions[keep:]:
            if str(version.version) in named or PRUNED_TAG in version.tags:
                continue
            self._remove_artefact(client, version)
            client.set_model_version_tag(name, version.version, PRUNED_TAG, "pruned")
            pruned += 1
        return pruned

    def _remove_artefact(self, client: MlflowClient, version: Any) -> None:
        from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

        # A version points at its logged model as ``models:/m-<id>``; only that one knows the place.
        model = client.get_logged_model(version.source.rsplit("/", 1)[-1])
        get_artifact_repository(model.artifact_location).delete_artifacts("")

    def _client(self) -> MlflowClient:
        return _connect(self.tracking_uri)

    def _experiment(self, name: str) -> str:
        return _experiment_id(self.tracking_uri, name, self.artifacts)

    @staticmethod
    def _requirements(model: Model) -> list[str]:
        # Stated, not inferred: MLflow would import the model in a new process to find out, 8 s a version.
        return [*_REQUIREMENTS, "xgboost"] if hasattr(model, "empty_learner") else _REQUIREMENTS


def _knock(address: str) -> None:
    """Connect to a database server once."""
    from sqlalchemy import create_engine

    engine = create_engine(address, connect_args={"connect_timeout": int(_ANSWER_SECONDS)})
    try:
        engine.connect().close()
    finally:
        engine.dispose()


def _shown(address: str) -> str:
    """An address without the password that may be in it: messages end in logs and in Dagster's history."""
    return re.sub(r"://([^:/@]*):[^@]*@", r"://\1:***@", address)


def _aliases(client: MlflowClient, name: str) -> dict[str, str]:
    """Versions by alias; none of a model that is not registered."""
    found = client.search_registered_models(f"name='{name}'")
    return {alias: str(version) for model in found for alias, version in model.aliases.items()}


@lru_cache(maxsize=4)
def _connect(tracking_uri: str) -> MlflowClient:
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
    if tracking_uri.startswith("sqlite:///"):
        Path(tracking_uri.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True)
    # Two lines a version on what is meant to be so: the version exists, pip has no pinned version.
    logging.getLogger("mlflow").setLevel(logging.ERROR)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    mlflow.set_tracking_uri(tracking_uri)
    mlflow.set_registry_uri(tracking_uri)
    if not tracking_uri.startswith("sqlite:///"):
        return mlflow.MlflowClient()
    # It makes its tables when it is opened, without a lock: of two steps that begin at the same time, each in a process of
    # its own, one found half of them and said that MLflow does not answer.
    with FileLock(f"{tracking_uri.removeprefix('sqlite:///')}.lock"):
        client = mlflow.MlflowClient()
        client.search_registered_models(max_results=1)
    return client


@lru_cache(maxsize=64)
def _experiment_id(tracking_uri: str, name: str, artifacts: Path) -> str:
    client = _connect(tracking_uri)
    found = client.get_experiment_by_name(name)
    if found is not None:
        return str(found.experiment_id)
    local = not tracking_uri.startswith("http")
    location = (artifacts / name).as_uri() if local else None  # a server knows where it keeps artefacts
    return str(client.create_experiment(name, artifact_location=location))


@lru_cache(maxsize=64)
def _registered_model(tracking_uri: str, name: str) -> str:
    client = _connect(tracking_uri)
    if not client.search_registered_models(f"name='{name}'"):
        client.create_registered_model(name)
    return name
