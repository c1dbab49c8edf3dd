"""What of the calendar and of the code ratings and features of a race stand on, as a hash.

It is kept with the features. Where it differs from the hash of now, the race was moved or changed its layout, a fact of
its circuit was corrected, or the code was, after they were made, however long ago and whatever died in between.
"""

from __future__ import annotations

import hashlib

import pandas as pd

CODE = 4
"""To be raised when ratings or features of the same data become other numbers: an installation that is brought up to date
would else learn from a mixture of both. All races are computed anew then, which takes some ten seconds. 2: constructors
that come back begin anew, old championship places count as none, the order of 2023's sprint weekends. 3: the joint
rating reads practice, and knows what teams are in qualifying and in practice. 4: its parameters are of seasons to 2009."""

CALENDAR_ATTRIBUTES = [
    "season",
    "circuit_id",
    "date",
    "start_at",
    "first_practice_at",
    "course_length_km",
    "turns",
]
"""A new round number or name changes nothing."""


_STANDS_IN = {"length_km": "course_length_km", "turns": "turns"}
"""Facts of a circuit that count for a race which does not state its own, by that column of the race."""


def calendar_marks(races: pd.DataFrame, circuits: pd.DataFrame) -> dict[str, str]:
    """Hash of the attributes by race key; the types of columns do not matter.

    Args:
        races: rows of ``races``.
        circuits: all rows of ``circuits``.
    """
    columns = [races[name].astype("object") for name in CALENDAR_ATTRIBUTES]
    # Only what features see: the layout of today says nothing of a race that was run on another one.
    at = circuits.set_index("circuit_id").reindex(races["circuit_id"]).set_index(races.index)
    columns += [at[name].astype("object").where(races[own].isna()) for name, own in _STANDS_IN.items()]
    columns.append(at["elevation_m"].astype("object"))
    return {
        str(key): hashlib.sha256("|".join(map(_text, (CODE, *values))).encode()).hexdigest()
        for key, values in zip(races["race_key"], zip(*columns, strict=True), strict=True)
    }


def _text(value: object) -> str:
    if pd.isna(value):  # type: ignore[call-overload]
        return ""
    if isinstance(value, pd.Timestamp):
        return value.isoformat()
    # Whole numbers come as floats from a column in which one is missing.
    return str(float(value)) if isinstance(value, int | float) else str(value)
