"""Championship standings of a season, added up from its results race by race."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

from f1_pipeline.sources.simulated.field import Rows


@dataclass
class _Tally:
    """Points, and how often each race position was reached (sprints do not count there)."""

    points: float = 0.0
    places: dict[int, int] = field(default_factory=lambda: defaultdict(int))

    def order(self, seats: int) -> tuple[float, ...]:
        """Sort key, best first: points, then most wins, most second places, and so on."""
        return (-self.points, *(-self.places.get(place, 0) for place in range(1, seats + 1)))


class SeasonTally:
    """Running standings of one season; ``after`` takes the races in order of round."""

    def __init__(self) -> None:
        self._drivers: dict[str, _Tally] = defaultdict(_Tally)
        self._teams: dict[str, _Tally] = defaultdict(_Tally)

    def after(self, race_key: str, engines: dict[str, str], race: Rows, sprint: Rows) -> tuple[Rows, Rows]:
        """Rows of ``driver_standings`` and ``constructor_standings`` after a race.

        ``engines`` maps constructor to engine. Everybody who has taken part this season is listed.
        Equal in points and in every count of places are put in order of their ids.
        """
        for row in [*race, *sprint]:
            for tally in (self._drivers[str(row["driver_id"])], self._teams[str(row["constructor_id"])]):
                tally.points += float(row["points"])
        for row in race:
            if row["position"] is not None:
                self._drivers[str(row["driver_id"])].places[row["position"]] += 1
                self._teams[str(row["constructor_id"])].places[row["position"]] += 1
        drivers = _rows(race_key, "driver_id", self._drivers, len(race))
        teams = _rows(race_key, "constructor_id", self._teams, len(race))
        return drivers, [row | {"engine_id": engines[row["constructor_id"]]} for row in teams]


def _rows(race_key: str, column: str, tallies: dict[str, _Tally], seats: int) -> Rows:
    ranked = sorted(tallies, key=lambda name: (tallies[name].order(seats), name))
    return [
        {
            "race_key": race_key,
            "display_order": place,
            column: name,
            "position": place,
            "position_text": str(place),
            "points": tallies[name].points,
        }
        for place, name in enumerate(ranked, start=1)
    ]
