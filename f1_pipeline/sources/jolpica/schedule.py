"""The calendar of a season with the start of each session, as aware times in UTC.

Which sessions a weekend has, and what they are called, changes from year to year (fault 14), and the clock is not known for
old or far races: every one is optional. Read it again before a forecast: starts move within 24 hours (fault 8).
"""

from __future__ import annotations

from datetime import datetime

import pandas as pd

from f1_pipeline.sources.jolpica import words
from f1_pipeline.sources.jolpica.fields import Fields, Items, Row, frame, races

_SHOOTOUT_SINCE = 2023
"""Until then the grid of the sprint came from the qualifying of Friday; since then it has a session of its own."""

COLUMNS = [
    *("season", "round", "circuit_ref", "date", "name", "start_at"),
    *("first_practice_at", "second_practice_at", "third_practice_at", "qualifying_at"),
    *("sprint_qualifying_at", "sprint_at", "is_sprint_weekend", "is_cancelled"),
]


def schedule(items: Items) -> pd.DataFrame:
    """Races of a schedule (``JolpicaClient.schedule``), one row each, in the order of the source.

    Columns of ``races`` as far as the source has them, and ``second_practice_at``, ``third_practice_at``. A cancelled race is
    not in the source and those after it are renumbered, so no row is ever cancelled. ``date`` is the day in UTC, as in F1DB:
    Las Vegas is raced on a Saturday and has a Sunday (fault 9).

    Raises:
        ContractViolation: a field means nothing; names race and field.
    """
    return frame([_weekend(item, race, name) for item, race, name in races(items)], COLUMNS)


def schedule_faults(races: pd.DataFrame) -> list[str]:
    """Sessions of a schedule that are not before their race, as texts naming race and field: one of both times is wrong.

    Not an error of the whole schedule, whose other races are right. It happened twice: in 2024 Las Vegas had the local day
    with the hour in UTC, in 2026 Monaco had the day of another race.
    """
    return [
        f"jolpica: race {row['season']} round {row['round']}, field {name}: "
        f"not before the race ({row['start_at']:%Y-%m-%d %H:%M} UTC)"
        for row in races.to_dict("records")
        for name in COLUMNS
        if name.endswith("_at") and name != "start_at" and row[name] >= row["start_at"]
    ]


def _weekend(item: Row, race: Row, name: str) -> Row:
    get = Fields(item, name)

    def start(session: str) -> datetime | None:
        date, clock = get(f"{session}.date", words.text), get(f"{session}.time", words.text)
        return get(session, lambda _: words.moment(date, clock))

    second = start("SecondPractice")
    sprint = "Sprint" in item
    qualifying = next(
        (found for found in map(start, ("SprintQualifying", "SprintShootout")) if found is not None), None
    )
    if sprint and qualifying is None and race["season"] >= _SHOOTOUT_SINCE:
        # Ergast's name for it; such a weekend has one practice only.
        second, qualifying = None, second
    clock = get("time", words.text)
    return {
        **race,
        "name": get.required("raceName", words.text),
        "start_at": get("date", lambda date: words.moment(date, clock)),
        "first_practice_at": start("FirstPractice"),
        "second_practice_at": second,
        "third_practice_at": start("ThirdPractice"),
        "qualifying_at": start("Qualifying"),
        "sprint_qualifying_at": qualifying,
        "sprint_at": start("Sprint"),
        "is_sprint_weekend": sprint,
        "is_cancelled": False,
    }
