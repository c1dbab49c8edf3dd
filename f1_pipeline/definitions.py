"""The Dagster code location: assets, jobs, schedules, sensors and resources of f1-forecast."""

from __future__ import annotations

import warnings

from dagster import BetaWarning, Definitions, ExecutorDefinition, in_process_executor, multiprocess_executor

# Single-run backfills are what makes history affordable (one run, not 1,172); Dagster calls them beta.
warnings.filterwarnings("ignore", category=BetaWarning)

from f1_pipeline import logs  # noqa: E402
from f1_pipeline.assets.accuracy import accuracy_assets  # noqa: E402
from f1_pipeline.assets.championship import championship_assets  # noqa: E402
from f1_pipeline.assets.derived import feature_assets, rating_assets  # noqa: E402
from f1_pipeline.assets.models import model_assets  # noqa: E402
from f1_pipeline.assets.predictions import prediction_assets  # noqa: E402
from f1_pipeline.assets.promotion import promotion  # noqa: E402
from f1_pipeline.assets.raw import race_assets, reference_assets, source_release  # noqa: E402
from f1_pipeline.assets.resources import Database, Models, RaceTableIOManager, Source  # noqa: E402
from f1_pipeline.assets.sprints import sprint_assets  # noqa: E402
from f1_pipeline.assets.weather import weather_assets  # noqa: E402
from f1_pipeline.automation.console import run_loggers  # noqa: E402
from f1_pipeline.automation.jobs import jobs  # noqa: E402
from f1_pipeline.automation.schedules import schedules  # noqa: E402
from f1_pipeline.automation.sensors import sensors  # noqa: E402
from f1_pipeline.automation.source_live import live_source  # noqa: E402
from f1_pipeline.errors import NotReady  # noqa: E402
from f1_pipeline.settings import Settings, get_settings  # noqa: E402

ASSETS = [
    live_source,
    source_release,
    *reference_assets,
    *race_assets,
    *weather_assets,
    *rating_assets,
    *feature_assets,
    *model_assets,
    promotion,
    *prediction_assets,
    *accuracy_assets,
    *sprint_assets,
    *championship_assets,
]

RESOURCES = {
    "database": Database(),
    "source": Source(),
    "models": Models(),
    "race_tables": RaceTableIOManager(),
}


def executor(settings: Settings) -> ExecutorDefinition:
    """Where the steps of a run are executed.

    One process by default: steps hand rows to each other through the tables and gain nothing from a process each, which
    imports everything anew and fits again what another had in memory (all stages of a small world: 83 s of computing in
    process, 405 s with a process each, and the same rows; ``benchmarks/executors.py``).

    Raises:
        NotReady: a pod for each step is asked for, and the package for it is not installed.
    """
    if settings.executor == "in_process":
        return in_process_executor
    limit = {"max_concurrent": settings.executor_steps}
    if settings.executor == "multiprocess":
        return multiprocess_executor.configured(limit)
    try:
        from dagster_k8s import k8s_job_executor
    except ImportError:
        raise NotReady("F1_EXECUTOR=kubernetes needs the extra: uv sync --extra kubernetes") from None
    return k8s_job_executor.configured(limit)


if logs.is_json(get_settings()) and not logs.configured():
    # A run is a process that Dagster starts: nobody else tells it how the product's own lines look.
    logs.configure(get_settings(), "pipeline")

defs = Definitions(
    assets=ASSETS,
    jobs=jobs,
    schedules=schedules,
    sensors=sensors,
    resources=RESOURCES,
    executor=executor(get_settings()),
    loggers=run_loggers() or None,
)
