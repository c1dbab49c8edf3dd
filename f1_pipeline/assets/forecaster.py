"""How the forecasts of a race are made: models loaded from the registry, asked, and put together."""

from typing import TYPE_CHECKING, Any

import pandas as pd
from dagster import get_dagster_logger
from sqlalchemy import Engine
from threadpoolctl import threadpool_limits

from f1_pipeline import clock
from f1_pipeline.assets.versions import remembered_model, stored_as
from f1_pipeline.assets.workbench import Workbench
from f1_pipeline.domain.vocabulary import (
    BASELINES,
    COMBINED,
    POOL,
    POOL_MEMBERS,
    REGISTERED,
    RETIREMENT,
    TRAINED_MODELS,
)
from f1_pipeline.errors import ArtefactCorrupt, NotReady, RegistryUnavailable
from f1_pipeline.forecasting.grouping import Floats
from f1_pipeline.forecasting.predict import ModelForecast, add_combined, prediction_rows, race_seed
from f1_pipeline.forecasting.reasons import pool_reasons
from f1_pipeline.registry import Registry
from f1_pipeline.settings import Settings
from f1_pipeline.storage import reads
from f1_pipeline.storage.models import in_force, versions

if TYPE_CHECKING:
    from f1_pipeline.forecasting.models import Model


logger = get_dagster_logger(__name__)
"""What it says is in the log of the run."""


class Forecaster:
    """Makes the prediction sets of one horizon; holds the versions that it has loaded."""

    def __init__(
        self,
        horizon: str,
        bench: Workbench,
        engine: Engine,
        registry: Registry,
        settings: Settings,
        run_id: str = "",
    ):
        self.run_id = run_id
        self.horizon, self.bench, self.settings, self.registry = horizon, bench, settings, registry
        self.versions = {name: in_force(versions(engine, name, horizon)) for name in (*REGISTERED, *COMBINED)}
        self.release = reads.newest_release(engine)
        self._loaded: dict[tuple[str, int], Model] = {}

    def race(self, race_key: str) -> tuple[pd.DataFrame, pd.DataFrame]:
        """The prediction rows of one race, by every model and baseline; and the reasons of the pool.

        Raises:
            NotReady: there is no model version for the race.
        """
        from f1_pipeline.forecasting.models import LinearOrder, PlackettLuceWin, make_win

        rows = self.bench.matrix[self.bench.matrix["race_key"] == race_key]
        meant = self.bench.trained_for[race_key]
        trained = self._serving(meant)
        forecasts: dict[str, ModelForecast] = {}
        reasons: dict[str, pd.DataFrame | Floats] = {}
        for name in TRAINED_MODELS:
            model, version = self.model(name, trained)
            win = model.predict(rows)
            reasons[name] = win
            covariance = None
            if isinstance(model, LinearOrder):
                covariance, reasons[name] = model.covariance(rows), model.contributions(rows)
            places = model.place_strengths(rows) if isinstance(model, PlackettLuceWin) else None
            forecasts[name] = ModelForecast(version, win, covariance=covariance, places=places)
        past = self.bench.training(race_key, self.settings)
        for name in BASELINES[self.horizon]:
            baseline = make_win(name, self.horizon, self.settings.seed).fit(past)
            forecasts[name] = ModelForecast(0, baseline.win_probability(rows))
        retirement = self.model(RETIREMENT, trained)[0].predict(rows)
        combined = {name: int(self._version(name, trained)["version"]) for name in COMBINED}
        forecasts = add_combined(forecasts, combined, retirement)
        seed = race_seed(self.settings.seed, race_key, self.horizon)
        made = prediction_rows(rows, self.horizon, forecasts, retirement, self.settings.draws, seed)
        why = pool_reasons(rows, {name: reasons[name] for name in POOL_MEMBERS}, retirement)
        # Baselines are fitted for the race in any case.
        stood_in = made["model"].isin([*TRAINED_MODELS, *COMBINED]) & (trained != meant)
        made["stood_in_for"] = pd.Series(meant, made.index, dtype="object").where(stood_in, None)
        return (
            made.assign(created_at=clock.now(), data_release=self.release),
            why.assign(horizon=self.horizon, model=POOL),
        )

    def _serving(self, meant: str) -> str:
        """The race whose versions forecast: the one that is meant, or the newest before that all models have one for.

        The latter only for the race to come, and only while MLflow keeps silent: no version can be entered then, and
        the last champions are better than no forecast. The rows are marked, and made anew once it answers.
        """
        lacking = [name for name in self.versions if meant not in self.versions[name]]
        if not lacking or meant != self.bench.serving or self.registry.silence() is None:
            return meant
        known = set(self.bench.history.races["race_key"])
        shared = known.intersection(*self.versions.values())
        before = [race for race in shared if self.bench.order(race) < self.bench.order(meant)]
        return max(before, key=self.bench.order, default=meant)

    def _version(self, name: str, trained: str) -> dict[str, Any]:
        if trained not in self.versions[name]:
            raise NotReady(
                f"no version of {name} was trained for {trained}: materialise models/{name}_{self.horizon}"
            )
        return self.versions[name][trained]

    def model(self, name: str, trained: str) -> "tuple[Model, int]":
        """The version of a model that was trained for a race, and its number.

        Raises:
            NotReady: there is none.
        """
        row = self._version(name, trained)
        version = int(row["version"])
        if (name, version) not in self._loaded:
            self._loaded[name, version] = self._load(name, trained, row)
        return self._loaded[name, version], version

    def _load(self, name: str, trained: str, row: dict[str, Any]) -> "Model":
        from f1_pipeline.forecasting.models import make

        fitted = remembered_model(self.run_id, name, self.horizon, int(row["version"]))
        if fitted is not None:
            return fitted
        settings, hyperparameters = self.settings, row["hyperparameters"]
        model = make(name, self.horizon, settings.seed, hyperparameters)
        try:
            return self.registry.load(model, stored_as(row))
        except (NotReady, ArtefactCorrupt, RegistryUnavailable) as error:
            # It was pruned, is damaged or not there, or MLflow keeps silent: the same rows, recipe and seed give the same model
            # again, and only those.
            known = self.bench.training_hash(trained, settings)
            if known != row["training_hash"] or model.recipe != row["recipe"]:
                changed = "its code" if known == row["training_hash"] else "what it was trained on"
                raise type(error)(
                    f"{error}. Version {int(row['version'])} of {name} at {self.horizon} cannot be trained again for"
                    f" {trained} either: {changed} has changed since"
                ) from None
            if not isinstance(error, NotReady):
                logger.warning(
                    "%s at %s trained again for %s from the same rows: %s", name, self.horizon, trained, error
                )
            # A new one: a file that broke off may have been read in part.
            fresh = make(name, self.horizon, settings.seed, hyperparameters)
            # In one thread, as it was fitted then: more of them add up in another order, and an interval had another sixth digit.
            with threadpool_limits(1):
                return fresh.fit(self.bench.training(trained, settings))
