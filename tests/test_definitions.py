"""The code location: what assets and jobs there are, and that each says what it is."""

import subprocess
import sys
import warnings

import pytest
from dagster import AssetKey, BackfillPolicy, BetaWarning, Definitions, PreviewWarning
from dagster._core.definitions.assets.definition.asset_spec import AssetSpec

from f1_pipeline.errors import NotReady
from f1_pipeline.partitions import races_partitions
from f1_pipeline.settings import ROOT, Settings
from f1_pipeline.storage import schema
from tests.quiet import QUIET_DAGSTER

pytestmark = QUIET_DAGSTER

ASSETS = {
    "live": ["source/live"],
    "source": ["source/release"],
    "reference": [
        f"reference/{name}" for name in ("seasons", "circuits", "drivers", "constructors", "races")
    ],
    "raw": [
        "raw/entries",
        "raw/race_results",
        "raw/qualifying_results",
        "raw/sprint_results",
        "raw/practice_results",
        "raw/starting_grid",
        "raw/pit_stops",
        "raw/driver_standings",
        "raw/constructor_standings",
    ],
    "weather": ["weather/forecasts", "weather/observed"],
    "ratings": ["ratings/elo_drivers", "ratings/elo_constructors", "ratings/joint"],
    "features": ["features/pre_weekend", "features/pre_race"],
    "models": [
        "models/linear_pre_weekend",
        "models/random_forest_pre_weekend",
        "models/xgboost_pre_weekend",
        "models/elo_pre_weekend",
        "models/rating_pre_weekend",
        "models/plackett_luce_pre_weekend",
        "models/xgboost_order_pre_weekend",
        "models/retirement_pre_weekend",
        "models/ensemble_pre_weekend",
        "models/pool_pre_weekend",
        "models/linear_pre_race",
        "models/random_forest_pre_race",
        "models/xgboost_pre_race",
        "models/elo_pre_race",
        "models/rating_pre_race",
        "models/plackett_luce_pre_race",
        "models/xgboost_order_pre_race",
        "models/retirement_pre_race",
        "models/ensemble_pre_race",
        "models/pool_pre_race",
        "models/retention",
        "models/promotion",
    ],
    "predictions": [
        "predictions/pre_weekend",
        "predictions/pre_race",
        "predictions/sprint",
        "reasons/pre_weekend",
        "reasons/pre_race",
        "distributions/positions_pre_weekend",
        "distributions/head_to_head_pre_weekend",
        "distributions/constructors_pre_weekend",
        "distributions/positions_pre_race",
        "distributions/head_to_head_pre_race",
        "distributions/constructors_pre_race",
    ],
    "championship": ["championship/forecasts", "championship/positions", "championship/scenarios"],
    "accuracy": [
        "accuracy/model_accuracy",
        "accuracy/summaries",
        "accuracy/comparisons",
        "accuracy/reliability",
        "accuracy/sprints",
    ],
}
JOBS = [
    "challenge_model",
    "fetch_weather",
    "forecast_championship",
    "forecast_pre_race",
    "forecast_pre_weekend",
    "forecast_sprints",
    "ingest_races",
    "prune_models",
    "rate_and_describe",
    "read_source",
    "score",
    "update",
    "watch",
]
SENSORS = {"corrections": 300, "f1db_release": 900, "failures": 30, "heartbeat": 60, "weekend_sessions": 60}
SCHEDULES = {
    "calendar": ("0 6 * * *", "watch"),
    "results": ("0 12 * * *", "watch"),
    "retraining": ("0 2 * * 1", "update"),
    "standings": ("0 13 * * *", "watch"),
}
POOLS = {
    "source/live": {"jolpica"},
    "source/release": {"f1db"},
    "weather/forecasts": {"weather"},
    "weather/observed": {"weather"},
}
NAMES = [name for group in ASSETS.values() for name in group]
WHOLE = [
    "models/retention",
    "models/promotion",
    "accuracy/summaries",
    "accuracy/comparisons",
    "accuracy/reliability",
]
BY_RACE = [
    name for name in NAMES if name.split("/")[0] not in ("source", "reference", "live") and name not in WHOLE
]
ON_A_TABLE = [name for name in (*BY_RACE, *WHOLE) if not name.startswith("models/")]


@pytest.fixture(scope="module")
def defs() -> Definitions:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", BetaWarning)
        warnings.simplefilter("ignore", PreviewWarning)
        from f1_pipeline.definitions import defs as found
    return found


@pytest.fixture(scope="module")
def specs(defs: Definitions) -> dict[str, AssetSpec]:
    return {spec.key.to_user_string(): spec for spec in defs.resolve_all_asset_specs()}


def test_the_assets(specs: dict[str, AssetSpec]) -> None:
    groups: dict[str, list[str]] = {}
    for name, spec in specs.items():
        groups.setdefault(str(spec.group_name), []).append(name)
    assert {group: sorted(found) for group, found in groups.items()} == {
        group: sorted(names) for group, names in ASSETS.items()
    }


def test_the_jobs(defs: Definitions) -> None:
    jobs = {job.name: job for job in defs.resolve_all_job_defs() if not job.name.startswith("__")}
    assert sorted(jobs) == JOBS
    assert all(job.description for job in jobs.values())


def test_the_sensors(defs: Definitions) -> None:
    sensors = {sensor.name: sensor for sensor in defs.sensors or ()}
    assert {name: sensor.minimum_interval_seconds for name, sensor in sensors.items()} == SENSORS
    assert all(sensor.description for sensor in sensors.values())
    running = {name for name, sensor in sensors.items() if sensor.default_status.value == "RUNNING"}
    assert running == {"heartbeat"}, "the others are on only under `f1 serve`"


def test_the_schedules(defs: Definitions) -> None:
    found = {name: defs.resolve_schedule_def(name) for name in SCHEDULES}
    assert {schedule.name for schedule in defs.schedules or ()} == set(SCHEDULES)
    assert {name: (one.cron_schedule, one.job_name) for name, one in found.items()} == SCHEDULES
    assert all(schedule.description for schedule in found.values())
    assert {schedule.execution_timezone for schedule in found.values()} == {"UTC"}
    assert {schedule.default_status.value for schedule in found.values()} == {"STOPPED"}


def test_who_asks_a_source_is_in_its_pool(defs: Definitions) -> None:
    graph = defs.resolve_asset_graph()
    pools = {
        key.to_user_string(): definition.op.pools
        for key in graph.executable_asset_keys
        if (definition := graph.assets_def_for_key(key)).op.pools
    }
    assert pools == POOLS
    update = defs.resolve_job_def("update")
    assert {node.definition.pool for node in update.nodes} == {"update"}
    assert all(job.run_tags.get("dagster/max_retries") is None for job in defs.resolve_all_job_defs())


def test_every_asset_is_in_exactly_one_job(defs: Definitions) -> None:
    found = []
    for name in set(JOBS) - {"update"}:
        layer = defs.resolve_job_def(name).asset_layer
        found += [key.to_user_string() for key in layer.executable_asset_keys]
    assert sorted(found) == sorted(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_every_asset_says_what_it_is(specs: dict[str, AssetSpec], name: str) -> None:
    spec = specs[name]
    assert spec.description
    assert spec.description.rstrip().endswith((".", ")"))
    assert spec.owners
    assert name in ASSETS[str(spec.group_name)]
    assert spec.code_version
    assert spec.kinds


@pytest.mark.parametrize("name", BY_RACE)
def test_history_is_one_run_over_the_races(defs: Definitions, specs: dict[str, AssetSpec], name: str) -> None:
    assert specs[name].partitions_def == races_partitions
    graph = defs.resolve_asset_graph()
    policy = graph.get(AssetKey(name.split("/"))).backfill_policy
    assert policy == BackfillPolicy.single_run()


@pytest.mark.parametrize("name", ON_A_TABLE)
def test_every_table_asset_names_its_table(specs: dict[str, AssetSpec], name: str) -> None:
    table = specs[name].metadata["dagster/table_name"]
    assert getattr(table, "value", table) in schema.metadata.tables


def test_what_must_stop_wrong_data_blocks(defs: Definitions) -> None:
    graph = defs.resolve_asset_graph()
    checks = {
        (key.asset_key.to_user_string(), key.name): graph.get_check_spec(key).blocking
        for key in graph.asset_check_keys
    }
    for asset, name in (
        ("raw/race_results", "positions_unique"),
        ("raw/race_results", "references"),
        ("raw/entries", "references"),
        ("predictions/pre_race", "probabilities"),
        ("predictions/pre_weekend", "probabilities"),
    ):
        assert checks[asset, name] is True
    assert checks["raw/race_results", "points_agree"] is False
    assert checks["raw/entries", "field_size"] is False
    assert checks["predictions/pre_race", "meant_versions"] is False
    assert all(graph.get_check_spec(key).description for key in graph.asset_check_keys)


def test_what_stands_on_what(defs: Definitions) -> None:
    graph = defs.resolve_asset_graph()

    def above(name: str) -> set[str]:
        return {key.to_user_string() for key in graph.get_ancestor_asset_keys(AssetKey(name.split("/")))}

    assert "source/release" in above("accuracy/model_accuracy")
    for name in ("summaries", "comparisons", "reliability"):
        assert "accuracy/model_accuracy" in above(f"accuracy/{name}")
    assert "raw/starting_grid" in above("predictions/pre_race")
    assert "raw/starting_grid" not in above("predictions/pre_weekend"), "the early forecast knows no grid"
    # The joint rating has seen the qualifying of earlier races; the shuffle test guards that of the race itself.
    assert "ratings/joint" in above("predictions/pre_weekend")


def test_the_code_location_loads_without_the_learning_libraries() -> None:
    """They take seconds to import: Dagster loads the location in every process it starts."""
    code = "import sys, f1_pipeline.definitions; print(*sorted({name.split('.')[0] for name in sys.modules}))"
    result = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    loaded = set(result.stdout.split())
    assert "dagster" in loaded
    assert not loaded & {"mlflow", "xgboost", "sklearn", "streamlit", "pandera", "skops"}


@pytest.mark.parametrize(
    ("name", "expected"),
    [("in_process", "in_process"), ("multiprocess", "multiprocess"), ("kubernetes", "k8s")],
)
def test_the_executor_is_a_setting(name: str, expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("F1_EXECUTOR", name)
    monkeypatch.setenv("F1_EXECUTOR_STEPS", "3")
    from f1_pipeline.definitions import executor

    assert executor(Settings()).name == expected


def test_a_pod_for_each_step_needs_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    from f1_pipeline.definitions import executor

    monkeypatch.setitem(sys.modules, "dagster_k8s", None)
    with pytest.raises(NotReady, match="--extra kubernetes"):
        executor(Settings(executor="kubernetes"))
