"""What of the calendar ratings and features of a race stand on, as a hash.

It is kept with the features. Where it differs from the hash of the calendar of now, the race was moved or changed its layout
after they were made, however long ago and whatever died in between.
"""

from __future__ import annotations

import hashlib

import pandas as pd

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


def calendar_marks(races: pd.DataFrame) -> dict[str, str]:
    """Hash of the attributes by race key. ``races``: rows of ``races``; the types of columns do not matter."""
    columns = [races[name].astype("object") for name in CALENDAR_ATTRIBUTES]
    return {
        str(key): hashlib.sha256("|".join(map(_text, values)).encode()).hexdigest()
        for key, values in zip(races["race_key"], zip(*columns, strict=True), strict=True)
    }


def _text(value: object) -> str:
    if pd.isna(value):  # type: ignore[call-overload]
        return ""
    if isinstance(value, pd.Timestamp):
        return value.isoformat()
    # Whole numbers come as floats from a column in which one is missing.
    return str(float(value)) if isinstance(value, int | float) else str(value)
