"""The weekend of Hungary 2026 as data: moments, releases, and the faults that are on. Nothing happens here.

The faults are those that ingestion has to survive, one after the other, so that a player who goes from moment to moment
meets each of them; between them the sources are well. What lasts to the next moment lasts exactly so long: a player whose
clock goes on by minutes after a moment must not be ahead of the next one.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from f1_pipeline.replay.f1db_server import Release
from f1_pipeline.replay.faults import Fault

RACE = "2026-hungary"
ROUND = 11


@dataclass(frozen=True)
class Moment:
    """A virtual time with a name, and what is to be seen then."""

    at: datetime
    name: str
    shows: str


@dataclass(frozen=True)
class Archives:
    """F1DB archives: the release before the weekend, the one after it, and a later state with another calendar."""

    before: Path
    after: Path
    later: Path


@dataclass(frozen=True)
class Timeline:
    """A replay. ``truths`` says from when on which archive is what the Ergast-compatible source knows at most."""

    race_key: str
    moments: tuple[Moment, ...]
    releases: tuple[Release, ...]
    truths: tuple[tuple[datetime, Path], ...]
    f1db_faults: tuple[Fault, ...]
    jolpica_faults: tuple[Fault, ...]

    def moment(self, name: str) -> Moment:
        """A moment by its name."""
        return next(moment for moment in self.moments if moment.name == name)

    def truth(self, now: datetime) -> Path:
        """The archive that the Ergast-compatible source stands on at a moment."""
        return [archive for since, archive in self.truths if since <= now or since == self.truths[0][0]][-1]


def _at(day: int, hour: int, minute: int = 0, month: int = 7) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=UTC)


MOMENTS = (
    Moment(_at(23, 12), "thursday", "the calendar; results to round 10; the first request is throttled"),
    Moment(_at(24, 9), "friday", "nothing new; requests are throttled until a date, once"),
    Moment(_at(24, 12), "outage", "the API answers 500 to everything"),
    Moment(_at(24, 18), "renumbered", "the Netherlands are off the calendar, Italy is round 12"),
    Moment(_at(25, 9), "start moved", "the race of Hungary starts an hour and a half earlier"),
    Moment(_at(25, 12), "before qualifying", "the calendar is as before"),
    Moment(_at(25, 15, 30), "after qualifying", "qualifying is over and not yet there"),
    Moment(_at(25, 16, 5), "sign-in page", "a page in place of the qualifying"),
    Moment(_at(25, 16, 20), "split pages", "the qualifying, in pages of seven rows"),
    Moment(_at(25, 20), "saturday evening", "the qualifying, whole"),
    Moment(_at(26, 12), "before the race", "as on Saturday evening"),
    Moment(_at(26, 14, 30), "during the race", "no result"),
    Moment(_at(26, 15, 5), "empty result", "the result is due, and an empty list comes"),
    Moment(_at(26, 15, 20), "half a result", "the first half of the cars"),
    Moment(_at(26, 15, 35), "impossible result", "two winners"),
    Moment(_at(26, 15, 40), "other id", "the winner under an id that nobody knows"),
    Moment(_at(26, 15, 50), "lying total", "a total that no pages make up"),
    Moment(_at(26, 16, 5), "standings ahead", "the result, and standings labelled as those of round 12"),
    Moment(_at(26, 18), "sunday evening", "result and standings, after two answers that were cut short"),
    Moment(_at(27, 7), "monday morning", "F1DB still ends at round 10; throttled without a word"),
    Moment(_at(27, 12), "release", "F1DB has the race, after a download that was cut"),
    Moment(_at(28, 12), "tuesday", "the fourth and the fifth have changed places at the API"),
    Moment(
        _at(22, 12, month=8), "three weeks later", "a later F1DB state: Bahrain is round 16, drivers moved"
    ),
)

_RESULTS = f"2026/{ROUND}/results"
JOLPICA_FAULTS = (
    Fault("throttled", start=_at(23, 0), end=_at(24, 0), times=1, seconds=1),
    Fault("throttled_until", start=_at(24, 0), end=_at(24, 11), times=1, seconds=1),
    Fault("server_error", start=_at(24, 11), end=_at(24, 15)),
    Fault("renumbered", start=_at(24, 16), end=_at(25, 8), race="2026-netherlands"),
    Fault("moved", start=_at(25, 8), end=_at(25, 11), race=RACE, shift=-90),
    Fault("html", f"2026/{ROUND}/qualifying", start=_at(25, 16), end=_at(25, 16, 20)),
    Fault("split", f"2026/{ROUND}/qualifying", start=_at(25, 16, 20), end=_at(25, 17), rows=7),
    Fault("empty", _RESULTS, start=_at(26, 15), end=_at(26, 15, 20)),
    Fault("half", _RESULTS, start=_at(26, 15, 20), end=_at(26, 15, 35)),
    Fault("impossible", _RESULTS, start=_at(26, 15, 35), end=_at(26, 15, 40)),
    Fault(
        "other_id", _RESULTS, start=_at(26, 15, 40), end=_at(26, 15, 50), drivers=("norris", "lando_norris")
    ),
    Fault("lying_total", _RESULTS, start=_at(26, 15, 50), end=_at(26, 16, 5)),
    Fault("next_round", "2026*standings", start=_at(26, 16, 5), end=_at(26, 17)),
    Fault("cut", _RESULTS, start=_at(26, 17), end=_at(27, 0), times=1),
    Fault("truncated", "2026*driverstandings", start=_at(26, 17), end=_at(27, 0), times=1),
    Fault("throttled", start=_at(27, 0), end=_at(27, 9), times=1),
    Fault("swapped", "2026*results", start=_at(28, 8), drivers=("leclerc", "hamilton")),
)
F1DB_FAULTS = (
    Fault("server_error", "releases/latest", start=_at(24, 11), end=_at(24, 15)),
    Fault("cut", "releases/download/*", start=_at(27, 9), end=_at(28, 0), times=1),
)


def hungary_2026(archives: Archives, faulty: bool = True) -> Timeline:
    """Thursday before Hungary 2026 to the Tuesday after it, and three weeks later; ``faulty=False`` leaves all well."""
    releases = (
        Release("v2026.10.1", archives.before, _at(20, 12)),
        Release("v2026.11.0", archives.after, _at(27, 9)),
        Release("v2026.11.1", archives.later, _at(21, 20, month=8)),
    )
    return Timeline(
        race_key=RACE,
        moments=MOMENTS,
        releases=releases,
        truths=((_at(1, 0), archives.after), (_at(21, 20, month=8), archives.later)),
        f1db_faults=F1DB_FAULTS if faulty else (),
        jolpica_faults=JOLPICA_FAULTS if faulty else (),
    )
