"""Small assets over a range of races, and a run of them, for tests of Dagster's history."""

import warnings

import dagster as dg
import pytest

from f1_pipeline.dagster_store.checks import log_check_evaluations

RACES = [f"2026-race-{number:02d}" for number in range(1, 8)]
races = dg.DynamicPartitionsDefinition(name="races")
# Ranges in one run are beta and partitioned checks preview: while collecting, and in each test.
PREVIEW = pytest.mark.filterwarnings("ignore::dagster.BetaWarning", "ignore::dagster.PreviewWarning")
warnings.filterwarnings("ignore", category=dg.BetaWarning)
warnings.filterwarnings("ignore", category=dg.PreviewWarning)


@dg.asset(partitions_def=races, backfill_policy=dg.BackfillPolicy.single_run(), tags={"kind": "raw"})
def results(context: dg.AssetExecutionContext) -> dg.Output[None]:
    for key in context.partition_keys:
        context.add_asset_metadata({"rows": 20}, partition_key=key)
    return dg.Output(None, data_version=dg.DataVersion("1"), tags={"world": "test"})


@dg.asset(
    partitions_def=races,
    backfill_policy=dg.BackfillPolicy.single_run(),
    deps=[results],
    check_specs=[dg.AssetCheckSpec("finite", asset="ratings", partitions_def=races)],
)
def ratings(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
    context.log_event(dg.AssetObservation("results", partition=RACES[0], metadata={"seen": 1}))
    for key in RACES[:-1]:
        context.log_event(
            dg.AssetCheckEvaluation(
                asset_key=dg.AssetKey("ratings"), check_name="finite", passed=True, metadata={}, partition=key
            )
        )
    verdict = dg.AssetCheckResult(passed=False, severity=dg.AssetCheckSeverity.WARN)
    return dg.MaterializeResult(check_results=[verdict])


DEFS = dg.Definitions(assets=[results, ratings], executor=dg.in_process_executor)


def run_range(instance: dg.DagsterInstance) -> str:
    instance.add_dynamic_partitions("races", RACES)
    tags = {"dagster/asset_partition_range_start": RACES[0], "dagster/asset_partition_range_end": RACES[-1]}
    job = DEFS.resolve_implicit_global_asset_job_def()
    result = job.execute_in_process(instance=instance, tags=tags)
    assert result.success
    return result.run_id


@dg.asset(
    partitions_def=races,
    backfill_policy=dg.BackfillPolicy.single_run(),
    check_specs=[dg.AssetCheckSpec(name, asset="checked", partitions_def=races) for name in ("one", "all")],
)
def checked(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
    found = {
        name: [
            dg.AssetCheckEvaluation(
                dg.AssetKey("checked"), name, passed=key != RACES[2], metadata={"race": key}, partition=key
            )
            for key in context.partition_keys
        ]
        for name in ("one", "all")
    }
    for evaluation in found["one"]:
        context.log_event(evaluation)
    log_check_evaluations(context, found["all"])
    verdicts = [dg.AssetCheckResult(check_name=name, passed=False) for name in found]
    return dg.MaterializeResult(check_results=verdicts)
