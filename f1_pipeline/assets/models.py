"""Trained models: one asset for each model and horizon; the partition of a race names the version in force."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, cast

from dagster import AssetExecutionContext, AssetKey, AssetsDefinition, Config, MaterializeResult, asset
from threadpoolctl import threadpool_limits

from f1_pipeline import clock
from f1_pipeline.assets.common import per_race
from f1_pipeline.assets.resources import Database, Models
from f1_pipeline.assets.versions import (
    Fitted,
    fit_for,
    recipes,
    record_recipe,
    registered_version,
    remember,
    settle,
)
from f1_pipeline.assets.workbench import Workbench, open_workbench
from f1_pipeline.domain.vocabulary import COMBINED, ENSEMBLE, POOL, REGISTERED, RETIREMENT, SPRINT_MODELS
from f1_pipeline.errors import RegistryUnavailable
from f1_pipeline.forecasting.features import HORIZONS
from f1_pipeline.settings import Settings
from f1_pipeline.storage import reads, schema
from f1_pipeline.storage.models import add_version, in_force, versions

_THREADS = 2
"""Fits at once. The learners let go of Python's lock, and one thread each is faster than all cores on one
fit: 15,000 rows are too few to share."""


_COMBINATIONS = {ENSEMBLE: "Equal-weight average", POOL: "Equal-weight logarithmic pool of cars that finish"}
_MADE_OF = {**COMBINED, POOL: (*COMBINED[POOL], RETIREMENT)}
"""All whose versions a forecast of the combination follows from: whoever wins the pool's race has to finish it."""


class RemakeConfig(Config):
    """``remake``: train and forecast anew what exists, after a change of the code. Otherwise a finished race keeps
    the model version and the forecast that were made for it."""

    remake: bool = False


def _model_asset(name: str, horizon: str) -> AssetsDefinition:
    definition = per_race(
        ["models", f"{name}_{horizon}"],
        "models",
        "models",
        f"Model {name} at the horizon {horizon}: versions trained only on races before.",
        deps=[["features", horizon]],
        kinds={"python", "mlflow"},
    )
    definition.pop("io_manager_key")

    @asset(**definition)
    def model(
        context: AssetExecutionContext, config: RemakeConfig, database: Database, models: Models
    ) -> Iterator[Any]:
        engine, settings = database.engine(), database.settings()
        bench = open_workbench(engine, horizon, settings, context.run.run_id)
        wanted = _races_to_train(context.partition_keys, bench)
        existing = in_force(versions(engine, name, horizon))
        recipe_of = recipes(engine, name, horizon, bench)
        registry = models.registry()
        forecast = reads.race_keys_with(engine, schema.predictions, horizon=horizon)
        due = _due(name, wanted, bench, settings, existing, forecast, config.remake)
        if silence := registry.silence():
            _can_wait(name, due, bench, existing, config.remake, silence)
            context.log.warning(f"{silence}. The last version of {name} stays the one to forecast with")
            yield MaterializeResult(metadata={"versions in force": len(wanted), "MLflow": silence})
            return
        # The others would be removed from MLflow again when the update ends: storing them took half of the time
        # that a version takes. Forecasts of this run have them in memory; sprints are forecast by a run of their own.
        stored = set(due if name in SPRINT_MODELS else due[-settings.model_versions_kept :])
        for number, fitted in enumerate(_fits(name, due, bench, settings, recipe_of), start=1):
            record = registered_version(registry, fitted, bench, artefact=fitted.race in stored)
            remember(context.run.run_id, horizon, add_version(engine, record), fitted.model)
            if number % 10 == 0:
                context.log.info(f"{name} {horizon}: {number} versions trained, last for {fitted.race}")
        record_recipe(engine, name, horizon)
        settle(engine, registry, name, horizon)
        yield MaterializeResult(metadata={"versions in force": len(wanted), "versions trained": len(due)})

    return cast(AssetsDefinition, model)


def _combined_asset(combined: str, horizon: str) -> AssetsDefinition:
    definition = per_race(
        ["models", f"{combined}_{horizon}"],
        "models",
        "models",
        f"{_COMBINATIONS[combined]} at the horizon {horizon}: which versions it is made of.",
        deps=[["models", f"{name}_{horizon}"] for name in _MADE_OF[combined]],
        kinds={"python"},
    )
    definition.pop("io_manager_key")

    @asset(**definition)
    def made_of(context: AssetExecutionContext, database: Database) -> Iterator[Any]:
        engine, settings = database.engine(), database.settings()
        bench = open_workbench(engine, horizon, settings, context.run.run_id)
        members = {name: in_force(versions(engine, name, horizon)) for name in _MADE_OF[combined]}
        existing = in_force(versions(engine, combined, horizon))
        forecast = reads.race_keys_with(engine, schema.predictions, horizon=horizon)
        used = bench.finished & {bench.trained_for.get(key) for key in forecast}
        made = 0
        for race in _races_to_train(context.partition_keys, bench):
            missing = [name for name, rows in members.items() if race not in rows]
            if missing and race == bench.serving:
                # MLflow did not answer when one was to be trained: the forecast stands on the versions of before.
                context.log.warning(
                    f"no version for {race} of {', '.join(missing)}: {combined} has none either"
                )
                continue
            parts = {name: int(rows[race]["version"]) for name, rows in members.items()}
            before = existing[race]["hyperparameters"].get("members", {}) if race in existing else {}
            members_only = {name: parts[name] for name in COMBINED[combined]}
            # What finished races were forecast with stays, also if it was made of more members than it would be today, or
            # did not know yet who may retire.
            if before == parts or (race in used and members_only.items() <= before.items()):
                continue
            newest = members[COMBINED[combined][0]][race]
            shared = ("data_cutoff", "trained_through", "training_hash", "training_rows")
            add_version(
                engine,
                {
                    **{column: newest[column] for column in shared},
                    "name": combined,
                    "horizon": horizon,
                    "type": _COMBINATIONS[combined],
                    "race_key": race,
                    "trained_at": clock.now(),
                    "hyperparameters": {"members": parts},
                    "metrics": {},
                },
            )
            made += 1
        yield MaterializeResult(metadata={"versions made": made})

    return cast(AssetsDefinition, made_of)


def _races_to_train(keys: list[str], bench: Workbench) -> list[str]:
    """Races for which a version has to exist, in calendar order, so that versions grow with time."""
    with_rows = set(bench.matrix["race_key"].unique())
    races = {bench.trained_for[key] for key in keys if key in bench.trained_for and key in with_rows}
    return sorted(races, key=bench.order)


def _can_wait(
    name: str,
    due: list[str],
    bench: Workbench,
    existing: dict[str, dict[str, Any]],
    remake: bool,
    silence: str,
) -> None:
    """Make sure that the race to come can be forecast by a version that is there, and that nothing else is wanted.

    Forecasts of finished races stay for ever: they wait for the models that are meant for them.

    Raises:
        RegistryUnavailable: MLflow is needed.
    """
    if remake or [race for race in due if race != bench.serving] or (due and not existing):
        raise RegistryUnavailable(f"{silence}. It is needed: versions of {name} are to be trained")


def _due(
    name: str,
    races: list[str],
    bench: Workbench,
    settings: Settings,
    existing: dict[str, dict[str, Any]],
    forecast: set[str],
    remake: bool,
) -> list[str]:
    """Of the races for which a version has to exist those that need a new one; ``forecast``: races that have one."""
    # scikit-learn takes 2 s to import: only who fits or loads pays
    from f1_pipeline.forecasting.models import REGISTERED as CLASSES

    serving = bench.serving
    used = {bench.trained_for.get(key) for key in forecast}

    def needs(race: str) -> bool:
        kept = existing.get(race)
        if kept is None or remake:
            return True
        # Other code makes another model: what the next race is forecast with must not wait for new data.
        if race == serving and kept["recipe"] != CLASSES[name].recipe:
            return True
        # What finished races were forecast with stays. A version that an interrupted update has left unused does not,
        # if its rows are others by now: without its artefact nobody could have it again.
        if race in bench.finished and race in used:
            return False
        return bool(kept["training_hash"] != bench.training_hash(race, settings))

    return [race for race in races if needs(race)]


def _fits(
    name: str,
    races: list[str],
    bench: Workbench,
    settings: Settings,
    recipe_of: Callable[[str], dict[str, Any]],
) -> Iterator[Fitted]:
    """Models fitted for the races, in order; the next fits run while one is registered."""
    from f1_pipeline.forecasting.models import make

    def fit(race: str) -> Fitted:
        return fit_for(race, make(name, bench.horizon, settings.seed, recipe_of(race)), bench, settings)

    with threadpool_limits(1), ThreadPoolExecutor(_THREADS) as pool:
        yield from pool.map(fit, races)


@asset(
    key=["models", "retention"],
    deps=[AssetKey(["predictions", horizon]) for horizon in HORIZONS],
    group_name="models",
    kinds={"mlflow"},
    owners=["team:f1-forecast"],
    code_version="1",
    description="Removes artefacts of old versions from MLflow; versions, runs, parameters and metrics stay.",
)
def model_retention(database: Database, models: Models) -> MaterializeResult[Any]:
    """Prune artefacts by the policy of ``F1_MODEL_VERSIONS_KEPT``."""
    registry, keep = models.registry(), database.settings().model_versions_kept
    if silence := registry.silence():
        # What is old today is old tomorrow.
        return MaterializeResult(metadata={"pruned": 0, "MLflow": silence})
    pruned = {
        f"{name}_{horizon}": registry.prune(name, horizon, keep)
        for name in REGISTERED
        for horizon in HORIZONS
    }
    return MaterializeResult(metadata={"pruned": sum(pruned.values()), "kept per model": keep})


model_assets = [
    *(_model_asset(name, horizon) for horizon in HORIZONS for name in REGISTERED),
    *(_combined_asset(name, horizon) for horizon in HORIZONS for name in COMBINED),
    model_retention,
]
