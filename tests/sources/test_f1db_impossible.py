"""What cannot be true in an archive of F1DB is refused, and named."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from f1_pipeline.errors import ContractViolation
from tests.sources.bundles import Parse, World


def _row(world: World, table: str, race: str, place: int) -> dict[str, Any]:
    rows = [row for row in world.rows[table] if row["race"] == race]
    return rows[place - 1]


def _nobody_classified(world: World) -> None:
    for place in (1, 2, 3):
        _row(world, "races-race-results", "2026-betaland", place)["positionNumber"] = None


IMPOSSIBLE: dict[str, tuple[Callable[[World], object], str]] = {
    "position twice": (
        lambda world: _row(world, "races-race-results", "2026-betaland", 3).update(positionNumber=2),
        "table race_results, race 2026-betaland, field position: position 2 is given to two cars",
    ),
    "no winner": (
        lambda world: _row(world, "races-race-results", "2026-betaland", 1).update(positionNumber=None),
        "table race_results, race 2026-betaland, field position: nobody is first",
    ),
    "gap": (
        lambda world: _row(world, "races-race-results", "2026-betaland", 2).update(positionNumber=None),
        "table race_results, race 2026-betaland, field position: 2 places but the last is 3",
    ),
    "nobody classified": (
        _nobody_classified,
        "table race_results, race 2026-betaland, field position: nobody is classified",
    ),
    "sprint": (
        lambda world: _row(world, "races-sprint-race-results", "2025-betaland", 4).update(positionNumber=1),
        "table sprint_results, race 2025-betaland, field position: position 1 is given to two cars",
    ),
    "points below zero": (
        lambda world: _row(world, "races-race-results", "2026-betaland", 2).update(points=-18),
        "table race_results, race 2026-betaland, field points: value -18",
    ),
    "points in words": (
        lambda world: _row(world, "races-race-results", "2026-betaland", 2).update(points="many"),
        "table race_results, race 2026-betaland, field points: value 'many'",
    ),
    "position in words": (
        lambda world: _row(world, "races-qualifying-results", "2026-alphaland", 2).update(positionNumber="x"),
        "table qualifying_results, race 2026-alphaland, field position: value 'x'",
    ),
    "unknown driver": (
        lambda world: _row(world, "races-race-results", "2026-betaland", 2).update(driverId="ada-apex-2"),
        "race 2026-betaland, field driver_id: 'ada-apex-2' is not in drivers",
    ),
    "unknown race": (
        lambda world: _row(world, "races-pit-stops", "2026-alphaland", 1).update(race="2026-nowhere"),
        "table pit_stops, race nan, field race_key",
    ),
    "impossible day": (
        lambda world: world.calendar[-1].update(date="2026-02-30"),
        "table races, race 2026-epsilonland, field date: value '2026-02-30'",
    ),
    "impossible time": (
        lambda world: world.calendar[-1].update(time="25:99"),
        "table races, race 2026-epsilonland, field start_at: value '2026-07-05T25:99'",
    ),
    "unborn": (
        lambda world: world.rows["drivers"][0].update(dateOfBirth="soon"),
        "table drivers, race -, field date_of_birth: value 'soon'",
    ),
    "unknown grand prix": (
        lambda world: world.rows["grands-prix"].pop(4),
        "table races, race 2026-epsilonland, field name",
    ),
    "race held twice": (
        lambda world: world.calendar.append({**world.calendar[-1], "date": "2026-08-02"}),
        "table races, race 2026-epsilonland, field race_key",
    ),
}


@pytest.mark.parametrize(("spoil", "fault"), IMPOSSIBLE.values(), ids=IMPOSSIBLE.keys())
def test_impossible_content_is_refused_by_name(
    world: World, parse: Parse, spoil: Callable[[World], object], fault: str
) -> None:
    spoil(world)
    with pytest.raises(ContractViolation) as refused:
        parse(world)
    assert str(refused.value).startswith("f1db: ")
    assert fault in str(refused.value)
