"""Words of the Ergast format and what they mean: missing values, times, gaps, outcomes.

Every value is a text, and nothing is a text too: an empty one, ``-``, or ``None`` where Jolpica turned "no value" of its
own database into a word (grid, laps, car number).
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

_NOTHING = frozenset({"", "-", "None", "null", "\\N"})

_CLOCK = re.compile(r"^\+?(?:(?:(\d+):)?(\d{1,2}):)?(\d{1,2})(?:\.(\d{1,3}))?$")
_LAPS = re.compile(r"^\+(\d+) Laps?$")

_OUTCOMES = {"R": "DNF", "W": "DNS", "D": "DSQ", "F": "DNQ", "E": "EX", "N": "NC"}
"""Ergast's letters in the words of the tables. F1DB calls a withdrawn car DNS as well (Abu Dhabi 2021)."""

_NO_REASON = frozenset(
    {
        "Finished",
        "Lapped",
        "Retired",
        "Disqualified",
        "Excluded",
        "Not classified",
        "Withdrew",
        "Did not start",
        "Did not qualify",
        "Did not prequalify",
    }
)
"""What a status says beside the outcome is its reason; these say no more than the outcome."""


def text(value: object) -> str | None:
    """A text, or None for the words that mean nothing."""
    if value is None:
        return None
    stripped = str(value).strip()
    return None if stripped in _NOTHING else stripped


def whole(value: object) -> int | None:
    """A whole number.

    Raises:
        ValueError: it is none.
    """
    found = text(value)
    return None if found is None else int(found)


def number(value: object) -> float | None:
    """A number; points can be halves.

    Raises:
        ValueError: it is none.
    """
    found = text(value)
    return None if found is None else float(found)


def milliseconds(value: object) -> int | None:
    """``1:25:33.607``, ``+5.155`` or ``1:04.391`` in ms. Ergast dropped zeros at the end: ``5.1`` is 5100.

    Raises:
        ValueError: it is no time.
    """
    found = text(value)
    if found is None:
        return None
    match = _CLOCK.match(found)
    if match is None:
        raise ValueError(f"{found!r} is no time")
    hours, minutes, seconds, fraction = match.groups()
    whole_seconds = (int(hours or 0) * 60 + int(minutes or 0)) * 60 + int(seconds)
    return whole_seconds * 1000 + int((fraction or "0").ljust(3, "0"))


def gap(value: object) -> int | None:
    """A gap to the first in ms, ``+5.155``; None for the first, whose field holds a time, and for laps.

    None too for ``+-1:53:44.819``: a car that stopped and is classified, of which the source knows the time to its last lap
    (jolpica-f1 issue 276: fifteen races of 2023 to 2025). It says nothing, and must not hold back the whole result.

    Raises:
        ValueError: it begins with a plus sign, and is no gap.
    """
    found = text(value)
    if found is None or not found.startswith("+") or found.startswith("+-") or laps_behind(found) is not None:
        return None
    return milliseconds(found)


def day(value: object) -> datetime | None:
    """A date, as a time at midnight without a zone.

    Raises:
        ValueError: it is none.
    """
    found = text(value)
    return None if found is None else datetime.strptime(found, "%Y-%m-%d")


def moment(date: object, clock: object) -> datetime | None:
    """A date and a time of day in UTC as an aware time; None where either is missing.

    Raises:
        ValueError: it is no time, or has no zone: a local time taken for UTC is hours wrong.
    """
    day, hour = text(date), text(clock)
    if day is None or hour is None:
        return None
    found = datetime.fromisoformat(f"{day}T{hour}")
    if found.tzinfo is None:
        raise ValueError(f"{day} {hour} has no time zone")
    return found.astimezone(UTC)


def laps_behind(status: str | None) -> int | None:
    """Laps behind the first that a status states: ``+2 Laps``."""
    match = _LAPS.match(status or "")
    return int(match.group(1)) if match else None


def is_running(status: str | None) -> bool:
    """The car was on the road at the end, however far behind."""
    return status in ("Finished", "Lapped", "Not classified") or laps_behind(status) is not None


def outcome(position_text: str | None, status: str | None) -> str | None:
    """Place or code (``DNF``, ``DNS``, ...) as the tables have it; None where the source says nothing yet.

    A disqualified car can still carry its old place in ``positionText`` (recorded for Austin 2023), so the status
    counts first. ``N`` is gone from Jolpica: a car too far back is ``R`` too, with a status such as ``+8 Laps``. ``F`` is
    both "did not qualify" and "did not pre-qualify".

    Raises:
        ValueError: a word that nobody has explained.
    """
    if position_text is None:
        return None
    if status == "Disqualified":
        return "DSQ"
    if position_text.isdecimal():
        return position_text
    if position_text == "R" and is_running(status):
        return "NC"
    if position_text == "F" and status == "Did not prequalify":
        return "DNPQ"
    if position_text not in _OUTCOMES:
        raise ValueError(f"{position_text!r} is none of {', '.join(_OUTCOMES)}")
    return _OUTCOMES[position_text]


def ranked(value: object) -> str:
    """Place in the standings as the tables have it; ``-`` for who is not ranked, ``DSQ`` and ``EX`` for who was taken out.

    Raises:
        ValueError: a word that nobody has explained.
    """
    found = text(value)
    if found is None:
        return "-"
    if not found.isdecimal() and found not in ("D", "E"):
        raise ValueError(f"{found!r} is no place")
    return _OUTCOMES.get(found, found)


def reason(status: str | None) -> str | None:
    """Why a car stopped, in the source's words. Since 2025 the source only says "Retired": no reason."""
    return None if is_running(status) or status in _NO_REASON else status
