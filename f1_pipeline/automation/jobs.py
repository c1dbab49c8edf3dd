"""Jobs: the stages of an update, as one can start them in the Dagster UI."""

from dagster import (
    AssetSelection,
    Config,
    JobDefinition,
    OpExecutionContext,
    define_asset_job,
    in_process_executor,
    job,
    op,
)
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from f1_pipeline.domain.vocabulary import COMBINED, HORIZONS, REGISTERED
from f1_pipeline.settings import get_settings

source_job = define_asset_job(
    "read_source",
    AssetSelection.groups("source", "reference"),
    description="Look for a new state of the source and take in the calendar, drivers, teams and circuits.",
)
ingest_job = define_asset_job(
    "ingest_races",
    AssetSelection.groups("raw"),
    description="Take in everything of some races: entries, sessions, results, standings.",
)
weather_job = define_asset_job(
    "fetch_weather",
    AssetSelection.groups("weather"),
    description="Take the weather forecast of the next race, and look up that of races that were run.",
)
rate_job = define_asset_job(
    "rate_and_describe",
    AssetSelection.groups("ratings", "features"),
    description="Ratings and features from a race on.",
)
forecast_jobs = {
    horizon: define_asset_job(
        f"forecast_{horizon}",
        AssetSelection.assets(
            *(["models", f"{name}_{horizon}"] for name in (*REGISTERED, *COMBINED)),
            ["predictions", horizon],
            ["reasons", horizon],
            *(
                ["distributions", f"{name}_{horizon}"]
                for name in ("positions", "head_to_head", "constructors")
            ),
        ),
        description=f"Train what is due and forecast races at the horizon {horizon}.",
    )
    for horizon in HORIZONS
}
sprint_job = define_asset_job(
    "forecast_sprints",
    AssetSelection.assets(["predictions", "sprint"]),
    description="Forecast the sprints of some weekends.",
)
championship_job = define_asset_job(
    "forecast_championship",
    AssetSelection.groups("championship"),
    description="Forecast the championships as they stood before some races.",
)
score_job = define_asset_job(
    "score",
    AssetSelection.groups("accuracy"),
    description="Score the forecasts of finished races, and sum up the scores of all races.",
)
retention_job = define_asset_job(
    "prune_models", AssetSelection.assets(["models", "retention"]), description="Remove old model artefacts."
)

promotion_job = define_asset_job(
    "challenge_model",
    AssetSelection.assets(["models", "promotion"]),
    description="Compare another recipe of a model with the one in force; promote it if it is better.",
)

watch_job = define_asset_job(
    "watch",
    AssetSelection.groups("live"),
    description="Ask Jolpica for the calendar, the results or the standings of the season, and keep what is new.",
)


class UpdateConfig(Config):
    """``retrain``: forecast the next race by models that are fitted anew, whatever is there."""

    retrain: bool = False


@op(pool="update", description="Everything that `f1 update` does, stage by stage, each as a run of its own.")
def bring_up_to_date(context: OpExecutionContext, config: UpdateConfig) -> None:
    """Bring everything up to date."""
    # Here, because the update starts the jobs of the definitions that this one belongs to.
    from f1_pipeline.update import run_update

    report = run_update(get_settings(), context.log.info, retrain=config.retrain, outer=context.run_id)
    context.add_output_metadata(
        {
            "release": report.release,
            "races taken in": report.changed_races,
            "forecasts": report.forecasts,
            "races scored": report.scores,
            "next race": report.next_race or "",
        }
    )


@job(
    name="update",
    executor_def=in_process_executor,
    description="What is new in the sources, and everything that stands on it: what sensors and schedules ask for.",
)
def update_job() -> None:
    """The update as one job."""
    bring_up_to_date()


jobs: list[JobDefinition | UnresolvedAssetJobDefinition] = [
    update_job,
    watch_job,
    source_job,
    ingest_job,
    weather_job,
    rate_job,
    *forecast_jobs.values(),
    sprint_job,
    championship_job,
    score_job,
    retention_job,
    promotion_job,
]
