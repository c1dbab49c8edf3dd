"""The partitions of every per-race asset: the races, in calendar order.

Dagster keeps dynamic partitions in the order of insertion, and a range whose start was inserted after its
end is empty and *succeeds silently*. When the calendar moves, the tail from the first difference on is
therefore taken out and added again; the materialisation history of a key survives that.
"""

from __future__ import annotations

from collections.abc import Sequence

from dagster import DagsterInstance, DynamicPartitionsDefinition

races_partitions = DynamicPartitionsDefinition(name="races")


def sync_partitions(instance: DagsterInstance, calendar: Sequence[str]) -> bool:
    """Make the instance's race partitions equal to ``calendar``, order included; True if anything changed.

    A race that left the calendar keeps its history in the event log and its rows in the tables; it is only no
    longer a partition that a range could run over.
    """
    name = str(races_partitions.name)
    present = list(instance.get_dynamic_partitions(name))
    wanted = list(calendar)
    if present == wanted:
        return False
    same = 0
    while same < min(len(present), len(wanted)) and present[same] == wanted[same]:
        same += 1
    for key in present[same:]:
        instance.delete_dynamic_partition(name, key)
    if wanted[same:]:
        instance.add_dynamic_partitions(name, wanted[same:])
    return True
