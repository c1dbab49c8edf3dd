"""The model registry: MLflow keeps runs, parameters, metrics, artefacts and versions.

One experiment and one registered model for each model and horizon. Serialisation is safe: scikit-learn based models
are stored as skops with a closed list of trusted types, XGBoost as UBJSON; nothing is un-pickled from a store, and what
MLflow says of a file is not believed (``model_files``). The library takes 4 s to import, so it is imported inside the functions.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pandas as pd

from f1_pipeline.errors import ArtefactCorrupt, NotReady, RegistryUnavailable
from f1_pipeline.mlflow_client import aliases_of, connect, experiment_id, registered_model, require
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
        name = registered_model(self.tracking_uri, self.registered_name(model.name, horizon))
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
        held = aliases_of(client, name)
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
        require(self.tracking_uri)

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
        old = [version for version in versions[keep:] if PRUNED_TAG not in version.tags]
        named = set(aliases_of(client, name).values()) if old else set()
        pruned = 0
        for version in old:
            if str(version.version) in named:
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
        return connect(self.tracking_uri)

    def _experiment(self, name: str) -> str:
        return experiment_id(self.tracking_uri, name, self.artifacts)

    @staticmethod
    def _requirements(model: Model) -> list[str]:
        # Stated, not inferred: MLflow would import the model in a new process to find out, 8 s a version.
        return [*_REQUIREMENTS, "xgboost"] if hasattr(model, "empty_learner") else _REQUIREMENTS
