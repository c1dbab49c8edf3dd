"""Prediction sets."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

import pandas as pd
from dagster import AssetExecutionContext, AssetsDefinition, asset
from sqlalchemy import Engine

from f1_pipeline.assets.checks import PROBABILITIES
from f1_pipeline.assets.common import emit, per_race
from f1_pipeline.assets.models import RemakeConfig
from f1_pipeline.assets.resources import Database, Models
from f1_pipeline.assets.workbench import Workbench, open_workbench
from f1_pipeline.domain.vocabulary import BASELINES, COMBINED, REGISTERED, RETIREMENT, TRAINED_MODELS
from f1_pipeline.errors import NotReady
from f1_pipeline.forecasting.features import HORIZONS
from f1_pipeline.forecasting.predict import ModelForecast, add_combined, prediction_rows, race_seed
from f1_pipeline.forecasting.training import training_hash
from f1_pipeline.registry import Registry
from f1_pipeline.settings import Settings
from f1_pipeline.storage import reads, schema
from f1_pipeline.storage.models import in_force, versions

if TYPE_CHECKING:
    from f1_pipeline.forecasting.models import Model

_KEEP = ["race_key", "model", "driver_id"]


class Forecaster:
    """Makes the prediction sets of one horizon; holds the versions that it has loaded."""

    def __init__(
        self, horizon: str, bench: Workbench, engine: Engine, registry: Registry, settings: Settings
    ):
        self.horizon, self.bench, self.settings, self.registry = horizon, bench, settings, registry
        self.versions = {name: in_force(versions(engine, name, horizon)) for name in (*REGISTERED, *COMBINED)}
        self.release = reads.newest_release(engine)
        self._loaded: dict[tuple[str, int], Model] = {}

    def race(self, race_key: str) -> pd.DataFrame:
        """The prediction rows of one race, by every model, baseline and the ensemble.

        Raises:
            NotReady: there is no model version for the race.
        """
        from f1_pipeline.forecasting.models import make_win

        rows = self.bench.matrix[self.bench.matrix["race_key"] == race_key]
        trained = self.bench.trained_for[race_key]
        forecasts: dict[str, ModelForecast] = {}
        for name in TRAINED_MODELS:
            model, version = self._model(name, trained)
            covariance = getattr(model, "covariance", None)  # only linear order models know it
            forecasts[name] = ModelForecast(
                version, model.predict(rows), covariance=None if covariance is None else covariance(rows)
            )
        past = self.bench.training(race_key, self.settings)
        for name in BASELINES[self.horizon]:
            baseline = make_win(name, self.horizon, self.settings.seed).fit(past)
            forecasts[name] = ModelForecast(0, baseline.win_probability(rows))
        forecasts = add_combined(
            forecasts, {name: int(self._version(name, trained)["version"]) for name in COMBINED}, self.horizon
        )
        seed = race_seed(self.settings.seed, race_key, self.horizon)
        retirement = self._model(RETIREMENT, trained)[0].predict(rows)
        made = prediction_rows(rows, self.horizon, forecasts, retirement, self.settings.draws, seed)
        return made.assign(created_at=datetime.now(UTC), data_release=self.release)

    def _version(self, name: str, trained: str) -> dict[str, Any]:
        if trained not in self.versions[name]:
            raise NotReady(
                f"no version of {name} was trained for {trained}: materialise models/{name}_{self.horizon}"
            )
        return self.versions[name][trained]

    def _model(self, name: str, trained: str) -> "tuple[Model, int]":
        row = self._version(name, trained)
        version = int(row["version"])
        if (name, version) not in self._loaded:
            self._loaded[name, version] = self._load(name, trained, row)
        return self._loaded[name, version], version

    def _load(self, name: str, trained: str, row: dict[str, Any]) -> "Model":
        from f1_pipeline.forecasting.models import make

        model = make(name, self.horizon, self.settings.seed, row["hyperparameters"])
        try:
            return self.registry.load(model, str(row["mlflow_name"]), str(row["mlflow_version"]))
        except NotReady:
            # Its artefact was pruned: the same rows, recipe and seed give the same model again, and only those.
            rows = self.bench.training(trained, self.settings)
            same = training_hash(rows, self.horizon) == row["training_hash"] and model.recipe == row["recipe"]
            if not same:
                raise
            return model.fit(rows)


def _prediction_asset(horizon: str) -> AssetsDefinition:
    @asset(
        **per_race(
            ["predictions", horizon],
            "predictions",
            "predictions",
            f"Forecast of the race by every model at the horizon {horizon}. A finished race keeps the forecast "
            "that was made for it.",
            deps=[["models", f"{name}_{horizon}"] for name in (*REGISTERED, *COMBINED)]
            + [["features", horizon]],
            checks=[PROBABILITIES],
            scope={"horizon": horizon},
        )
    )
    def predictions(
        context: AssetExecutionContext, config: RemakeConfig, database: Database, models: Models
    ) -> Iterator[Any]:
        engine, settings = database.engine(), database.settings()
        bench = open_workbench(engine, horizon, settings)
        forecaster = Forecaster(horizon, bench, engine, models.registry(), settings)
        stored = reads.read_table(engine, schema.predictions, context.partition_keys, horizon=horizon)
        kept = {str(key): rows for key, rows in stored.groupby("race_key")}
        with_rows = set(bench.matrix["race_key"])
        parts: list[pd.DataFrame] = []
        for key in context.partition_keys:
            if key in kept and (key in bench.finished or key not in bench.trained_for) and not config.remake:
                parts.append(kept[key])
            elif key in bench.trained_for and key in with_rows:
                parts.append(_unless_same(forecaster.race(key), kept.get(key)))
        frame = pd.concat(parts, ignore_index=True) if parts else stored
        yield from emit(context, frame, [PROBABILITIES])

    return cast(AssetsDefinition, predictions)


def _unless_same(made: pd.DataFrame, kept: pd.DataFrame | None) -> pd.DataFrame:
    """The kept rows where a new forecast says the same: making it again must not change when it was made."""
    if kept is None or len(kept) != len(made):
        return made
    compare = [
        *_KEEP,
        "constructor_id",
        "model_version",
        "win_probability",
        "expected_position",
        "retirement_probability",
        "cutoff",
    ]
    left = made[compare].sort_values(_KEEP).reset_index(drop=True)
    right = kept[compare].sort_values(_KEEP).reset_index(drop=True)
    same = left.astype(str).equals(right.astype(str))
    return kept if same else made


prediction_assets = [_prediction_asset(horizon) for horizon in HORIZONS]
