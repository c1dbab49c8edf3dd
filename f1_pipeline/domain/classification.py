"""What a finishing classification must look like, and who counts as a starter.

A car can be classified without finishing (90 % of the distance), and finish without being
classified; F1DB states the outcome in ``position`` (classified) or in a code in ``position_text``.
"""

from __future__ import annotations

import pandas as pd

NON_STARTERS = frozenset({"DNS", "DNQ", "DNPQ", "DNP", "EX"})
"""Codes of entries that did not take the start: did not start, qualify, pre-qualify, practise; excluded."""

RETIREMENT_CODES = frozenset({"DNF", "NC"})
"""Codes of starters that were not classified because the car or driver stopped or fell too far back."""

KNOWN_GAPS = frozenset({"1983-brazil", "1987-austria", "1988-spain", "1993-japan", "1997-japan"})
"""Races in whose published classification a position is missing (later exclusions left the gap)."""


def started(results: pd.DataFrame) -> pd.Series:
    """Boolean per row: the entry took the start (classified, retired or disqualified)."""
    return ~results["position_text"].isin(NON_STARTERS)


def classification_faults(results: pd.DataFrame) -> list[str]:
    """Everything impossible in the classifications of a frame of results, as texts naming race and field.

    Laws: positions are 1..n without a gap (but for ``KNOWN_GAPS``), and given once, but for cars
    that drivers shared until 1964, where every driver of the car has its position.
    """
    return [*contradictions(results), *open_places(results)]


def contradictions(results: pd.DataFrame) -> list[str]:
    """Faults that no further row can mend: a position given to two cars, or a classification without a first."""
    classified = results[results["position"].notna()]
    faults: list[str] = []
    repeated = classified[classified.duplicated(["race_key", "position"], keep=False)]
    if not repeated.empty:
        shared = repeated.groupby(["race_key", "position"])["shared_car"].transform("any")
        one_car = repeated.groupby(["race_key", "position"])["car_number"].transform("nunique") <= 1
        for row in repeated[~(shared & one_car)].drop_duplicates(["race_key", "position"]).itertuples():
            faults.append(
                f"race {row.race_key}, field position: position {row.position} is given to two cars"
            )
    first = classified.groupby("race_key")["position"].min()
    faults += [f"race {key}, field position: nobody is first" for key, low in first.items() if low != 1]
    return faults


def open_places(results: pd.DataFrame) -> list[str]:
    """What is missing from a classification that may still be on its way: a place in between, or all places."""
    classified = results[results["position"].notna()]
    span = classified.groupby("race_key")["position"].agg(["min", "max", "nunique"])
    faults = [
        f"race {key}, field position: {count} places but the last is {high}"
        for key, low, high, count in span.itertuples()
        if low == 1 and high != count and key not in KNOWN_GAPS
    ]
    empty = set(results["race_key"]) - set(classified["race_key"])
    faults += [f"race {key}, field position: nobody is classified" for key in sorted(empty)]
    return faults
