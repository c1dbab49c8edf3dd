"""Challenger against champion: the comparison, the decision, and the version that follows from it."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from dagster import AssetExecutionContext, AssetKey, Config, MaterializeResult, asset
from sqlalchemy import Engine
from threadpoolctl import threadpool_limits

from f1_pipeline import clock
from f1_pipeline.assets.common import OWNERS
from f1_pipeline.assets.resources import Database, Models
from f1_pipeline.assets.versions import fit_for, recipes, record_recipe, registered_version, settle
from f1_pipeline.assets.workbench import Workbench, open_workbench
from f1_pipeline.domain.vocabulary import HORIZONS
from f1_pipeline.errors import NotReady, RecipeInvalid
from f1_pipeline.registry import CHALLENGER
from f1_pipeline.settings import Settings
from f1_pipeline.storage.decisions import add_decided_version, decisions
from f1_pipeline.storage.models import CHALLENGER_ROLE, CHAMPION_ROLE, champion, versions

if TYPE_CHECKING:
    from f1_pipeline.forecasting.promotion import Comparison

_THREADS = 2
"""Seasons at once, as for the models themselves."""


class PromotionConfig(Config):
    """``hyperparameters``: those of the challenger, the code's defaults for the others. ``start_season``: first season
    that is compared (default: the first that is forecast). ``rollback``: go back to the recipe before, without one."""

    model: str
    horizon: str
    hyperparameters: dict[str, Any]
    start_season: int | None = None
    rollback: bool = False


@asset(
    key=["models", "promotion"],
    deps=[AssetKey(["features", horizon]) for horizon in HORIZONS],
    group_name="models",
    kinds={"python", "mlflow"},
    owners=OWNERS,
    code_version="1",
    description="Compares a challenger with the champion, walk-forward on the same races, and promotes it or not.",
)
def promotion(
    context: AssetExecutionContext, config: PromotionConfig, database: Database, models: Models
) -> MaterializeResult[Any]:
    """Decide about one challenger.

    Writes come last and in this order: the version in MLflow as ``challenger``; version and decision in the tables, in
    one transaction; aliases and tags in MLflow. Killed after the first, there is a version that nobody refers to;
    killed after the second, the next run of a model asset settles MLflow.
    """
    from f1_pipeline.forecasting.models import make, recipe_parameters

    engine, settings, registry = database.engine(), database.settings(), models.registry()
    name, horizon = config.model, config.horizon
    champion_version = _champion_version(engine, name, horizon)
    registry.require()
    bench = open_workbench(engine, horizon, settings)
    race = bench.upcoming
    if race is None:
        raise NotReady(
            "the calendar has no race to come that a version could be trained for: run `f1 update`"
        )
    record_recipe(engine, name, horizon)
    settle(
        engine, registry, name, horizon
    )  # what a killed run left behind: a decision is tagged while it is the newest
    held = recipe_parameters(name, recipes(engine, name, horizon, bench)(race))
    if config.rollback:
        parameters, comparison = _recipe_before(engine, name, horizon, held), None
    else:
        parameters = _challenger(name, config.hyperparameters, held)
        comparison = _compared(name, horizon, parameters, held, config.start_season, bench, settings)
    fitted = fit_for(race, make(name, horizon, settings.seed, parameters), bench, settings)
    promoted = comparison is None or comparison.promoted
    version = add_decided_version(
        engine,
        {
            **registered_version(registry, fitted, bench, CHALLENGER),
            "role": CHAMPION_ROLE if promoted else CHALLENGER_ROLE,
        },
        {
            "name": name,
            "horizon": horizon,
            "champion_version": champion_version,
            "hyperparameters": parameters,
            "recipe": fitted.model.recipe,
            "promoted": promoted,
            "known_through": max(bench.finished, key=bench.order),
            "races": 0 if comparison is None else comparison.races,
            "difference": None if comparison is None else comparison.difference,
            "low": None if comparison is None else comparison.low,
            "high": None if comparison is None else comparison.high,
            "reason": "by hand: back to a recipe that was in force"
            if comparison is None
            else comparison.reason,
            "decided_at": clock.now(),
        },
    )
    settle(engine, registry, name, horizon)
    context.log.info(f"{name} {horizon} version {version}: {'promoted' if promoted else 'stays out'}")
    figures: dict[str, Any] = {} if comparison is None else dict(vars(comparison))
    return MaterializeResult(
        metadata={"model": name, "horizon": horizon, "version": version, **figures, "promoted": promoted}
    )


def _champion_version(engine: Engine, name: str, horizon: str) -> int:
    newest = champion(versions(engine, name, horizon))
    if newest is None:
        raise NotReady(f"there is no version of {name} at {horizon} to challenge: run `f1 update`")
    return int(newest["version"])


def _challenger(name: str, given: dict[str, Any], held: dict[str, Any]) -> dict[str, Any]:
    from f1_pipeline.forecasting.models import checked

    parameters = checked(name, given)
    if parameters == held:
        raise RecipeInvalid(f"that is the champion's own recipe ({held}): there is nothing to compare")
    return parameters


def _compared(
    name: str,
    horizon: str,
    parameters: dict[str, Any],
    held: dict[str, Any],
    start_season: int | None,
    bench: Workbench,
    settings: Settings,
) -> "Comparison":
    """Both recipes are fitted anew. Stored forecasts of the champion will not do: they were made at another cadence, and
    some of them by an earlier recipe or from rows that were corrected since."""
    from f1_pipeline.forecasting.models import make_win
    from f1_pipeline.forecasting.promotion import compare, walk_forward

    start = settings.forecast_from_season if start_season is None else start_season
    with threadpool_limits(1), ThreadPoolExecutor(_THREADS) as pool:
        challenger, champion_losses = (
            walk_forward(
                _maker(make_win, name, horizon, settings.seed, recipe),
                bench.matrix,
                bench.rows,
                start,
                settings.train_from_season,
                pool.map,
            )
            for recipe in (parameters, held)
        )
    if challenger.empty:
        raise NotReady(f"there is no finished race from {start} on to compare on")
    return compare(challenger, champion_losses)


def _maker(
    make: Callable[..., Any], name: str, horizon: str, seed: int, recipe: dict[str, Any]
) -> Callable[[], Any]:
    return lambda: make(name, horizon, seed, recipe)


def _recipe_before(engine: Engine, name: str, horizon: str, held: dict[str, Any]) -> dict[str, Any]:
    """The recipe that was in force before the present one; it came in by a comparison, or was the first."""
    from f1_pipeline.forecasting.models import recipe_parameters

    rows = decisions(engine, name, horizon)
    for stored in reversed(rows.loc[rows["promoted"], "hyperparameters"].tolist()):
        parameters = recipe_parameters(name, stored)
        if parameters != held:
            return parameters
    raise NotReady(f"{name} at {horizon} has had one recipe only: there is none to go back to")
