"""Whether a result is the whole result. After a race it appears row by row, or not at all for hours (fault 4)."""

from __future__ import annotations

from collections.abc import Collection

import pandas as pd

from f1_pipeline.domain.classification import contradictions, open_places
from f1_pipeline.errors import ContractViolation


def is_complete(
    results: pd.DataFrame, expected: Collection[str] | None = None, source: str = "jolpica"
) -> bool:
    """Whether the result of one race or sprint can be taken in. False is "not yet", also for no rows at all.

    Complete is: a winner, places 1..n without a gap, an outcome and points for every row, and a row for every entry.

    Args:
        results: rows of one race, as ``frames`` makes them, with references or with ids.
        expected: the drivers entered, in the same ids as the frame, where they are known. A driver who is not
            there is no fault if somebody unexpected is: seats change hands on Friday evening (fault 11), and
            entry lists are not corrected. An entry that is withdrawn and not in the results at all holds the race
            up; the bulk source settles that.

    Raises:
        ContractViolation: no further row can make it right: a place is given twice, nobody is first, or a driver is
            in it twice. Names source, race and field.
    """
    if results.empty:
        return False
    named = results.assign(race_key=_race(results))
    if named["race_key"].nunique() > 1:
        raise ValueError("rows of more than one race")
    drivers = named["driver_id" if "driver_id" in named.columns else "driver_ref"]
    faults = contradictions(named)
    twice = drivers[drivers.duplicated() & ~named["shared_car"].astype("bool")]
    faults += [f"race {named['race_key'].iloc[0]}, field driver: {name} is in it twice" for name in twice]
    if faults:
        more = f" (and {len(faults) - 1} more faults)" if len(faults) > 1 else ""
        raise ContractViolation(f"{source}: {faults[0]}{more}")
    if open_places(named) or named[["position_text", "points"]].isna().any(axis=None):
        return False
    there, wanted = set(drivers), set(expected or ())
    return len(wanted - there) <= len(there - wanted) or not wanted


def _race(results: pd.DataFrame) -> pd.Series:
    if "race_key" in results.columns:
        return results["race_key"]
    return results["season"].astype("str") + " round " + results["round"].astype("str")
