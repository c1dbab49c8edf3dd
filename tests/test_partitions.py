"""Race partitions follow the calendar, order included, and keep what was materialised."""

from collections.abc import Iterator

import dagster as dg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from f1_pipeline.partitions import races_partitions, sync_partitions

pytestmark = pytest.mark.filterwarnings("ignore::dagster.BetaWarning", "ignore::dagster.PreviewWarning")

A, B, C, D = "2026-australia", "2026-bahrain", "2026-canada", "2026-spain"
NAME = str(races_partitions.name)


@dg.asset(partitions_def=races_partitions)
def seen(context: dg.AssetExecutionContext) -> None:
    context.log.debug(context.partition_key)


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as ephemeral:
        yield ephemeral


def _keys(instance: dg.DagsterInstance) -> list[str]:
    return list(instance.get_dynamic_partitions(NAME))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ([], [A, B, C]),
        ([A, C], [A, B, C]),  # a race is inserted
        ([A, B, C], [A, C, B]),  # a race moves
        ([A, B, C, D], [D, A, B, C]),  # the last becomes the first
        ([A, B, C], [A, C]),  # a race is removed
        ([A, B], [A, B, C]),  # a race is appended
        ([A, B, C], []),
        ([A, B], [C, D]),
    ],
)
def test_the_partitions_are_the_calendar(
    instance: dg.DagsterInstance, before: list[str], after: list[str]
) -> None:
    sync_partitions(instance, before)
    assert _keys(instance) == before
    assert sync_partitions(instance, after) is True
    assert _keys(instance) == after
    assert sync_partitions(instance, after) is False, "nothing is written when nothing moved"


calendars = st.lists(st.sampled_from([f"k{i}" for i in range(9)]), unique=True)


@settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(before=calendars, after=calendars)
def test_any_calendar_follows_any_other(
    instance: dg.DagsterInstance, before: list[str], after: list[str]
) -> None:
    sync_partitions(instance, before)
    sync_partitions(instance, after)
    assert _keys(instance) == after


def test_a_range_over_an_inserted_race_holds_it(instance: dg.DagsterInstance) -> None:
    """Appended at the end it would be outside, and a range that starts with it would be empty."""
    sync_partitions(instance, [A, C, D])
    sync_partitions(instance, [A, B, C, D])
    with dg.partition_loading_context(dynamic_partitions_store=instance):
        chosen = races_partitions.get_partition_keys_in_range(dg.PartitionKeyRange(B, D))
    assert list(chosen) == [B, C, D]


def test_the_history_of_a_race_survives_its_move(instance: dg.DagsterInstance) -> None:
    sync_partitions(instance, [A, B, C])
    for key in (A, C):
        assert dg.materialize([seen], instance=instance, partition_key=key).success
    sync_partitions(instance, [C, B, A])
    assert instance.get_materialized_partitions(seen.key) == {A, C}
    sync_partitions(instance, [B])
    sync_partitions(instance, [A, B, C])
    assert instance.get_materialized_partitions(seen.key) == {A, C}, "even when it was away"
    assert dg.materialize([seen], instance=instance, partition_key=B).success
    assert instance.get_materialized_partitions(seen.key) == {A, B, C}
