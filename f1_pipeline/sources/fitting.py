"""Live versions that fit a state of the bulk source, and those that do not.

``merge`` refuses a state as a whole. One answer that names a driver whom the bulk source does not have yet would so hold up every
update until one of the two changes. Here it is left out, by name, and all the rest goes on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from f1_pipeline.errors import ContractViolation
from f1_pipeline.sources.bundle import SourceBundle
from f1_pipeline.sources.live import LIVE_TABLES, LiveSession, Slot, merged_digest
from f1_pipeline.sources.merge import merge


def merge_fitting(
    bundle: SourceBundle, live: Mapping[Slot, LiveSession]
) -> tuple[SourceBundle, dict[Slot, ContractViolation]]:
    """``merge`` of the versions that fit, and what is wrong with each of the others.

    A version that does not fit leaves the bulk source's rows of its slot as they are. The result is named by all versions
    (digest), since it is the same ones that would be left out again; its notes name those that were.

    Raises:
        ContractViolation: versions that fit one by one do not fit together.
    """
    try:
        return merge(bundle, live), {}
    except ContractViolation:
        pass  # which of them it was is found out below
    fitting: dict[Slot, LiveSession] = {}
    misfits: dict[Slot, ContractViolation] = {}
    # By race, since standings and grids of a race depend on its result and races do not depend on each other.
    for race in sorted({slot.race_key for slot in live}):
        own: dict[Slot, LiveSession] = {}
        for slot in sorted(
            (slot for slot in live if slot.race_key == race),
            key=lambda slot: (LIVE_TABLES.index(slot.table) if slot.table in LIVE_TABLES else -1, slot),
        ):
            try:
                merge(bundle, {**own, slot: live[slot]})
                own[slot] = live[slot]
            except ContractViolation as error:
                misfits[slot] = error
        fitting |= own
    merged = merge(bundle, fitting)
    notes = [
        f"{live[slot].source}: {slot.table} of {slot.race_key} is left out: {error}"
        for slot, error in misfits.items()
    ]
    marks = (session.mark for session in live.values() if session.complete)
    return (
        replace(merged, digest=merged_digest(bundle.digest, marks), notes=(*merged.notes, *notes)),
        misfits,
    )
