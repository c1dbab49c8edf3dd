"""The Dagster code location: assets, jobs, schedules, sensors and resources of f1-forecast."""

from __future__ import annotations

import warnings

from dagster import BetaWarning, Definitions, in_process_executor

# Single-run backfills are what makes history affordable (one run, not 1,172); Dagster calls them beta.
warnings.filterwarnings("ignore", category=BetaWarning)

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
from f1_pipeline.automation.jobs import jobs  # noqa: E402
from f1_pipeline.automation.schedules import schedules  # noqa: E402
from f1_pipeline.automation.sensors import sensors  # noqa: E402
from f1_pipeline.automation.source_live import live_source  # noqa: E402

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

defs = Definitions(
    assets=ASSETS,
    jobs=jobs,
    schedules=schedules,
    sensors=sensors,
    resources=RESOURCES,
    # One process: steps that hand frames to each other through the database gain nothing from a process each
    # (twelve trivial assets: 0.9 s in process, 35 s with the default).
    executor=in_process_executor,
)
