"""How points make a championship, as data: which results counted, how ties were broken, what was taken away.

Source: the sporting regulations of the seasons and the decisions of stewards and courts. Checked against the standings
that F1DB publishes after the last race of every season 1950 to 2025: points are equal in all of them, the order in all
but ``ORDER_EXCEPTIONS``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from f1_pipeline.domain.points import scoring_places

KINDS = ("driver", "constructor")
"""The two championships."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Part:
    """A part of a season: the next ``rounds`` races (None: all that are left), of which the ``best`` count (None: all)."""

    rounds: int | None
    best: int | None


_BEST_OF_THE_SEASON: dict[range, int] = {
    range(1950, 1954): 4,
    range(1954, 1958): 5,
    range(1958, 1959): 6,
    range(1959, 1960): 5,
    range(1960, 1961): 6,
    range(1961, 1963): 5,
    range(1963, 1966): 6,
    range(1966, 1967): 5,
}
_HALVES: dict[int, tuple[tuple[int, int], tuple[int, int]]] = {
    1967: ((6, 5), (5, 4)),
    1968: ((6, 5), (6, 5)),
    1969: ((6, 5), (5, 4)),
    1970: ((7, 6), (6, 5)),
    1971: ((6, 5), (5, 4)),
    1972: ((6, 5), (6, 5)),
    1973: ((8, 7), (7, 6)),
    1974: ((8, 7), (7, 6)),
    1975: ((7, 6), (7, 6)),
    1976: ((8, 7), (8, 7)),
    1977: ((9, 8), (8, 7)),
    1978: ((8, 7), (8, 7)),
    1979: ((7, 4), (8, 4)),
    1980: ((7, 5), (7, 5)),
}
"""Seasons in two halves: (races of the half, how many of them counted)."""
_BEST_ELEVEN = range(1981, 1991)

CONSTRUCTORS_FROM = 1958
"""First season with a championship of constructors."""
BEST_CAR_ONLY = range(1958, 1979)
"""Seasons in which only a constructor's best car of a race scored, and its best results counted like a driver's."""
CONSTRUCTOR_WIN_1961 = 8.0
"""The drivers' win went from 8 to 9 points in 1961, the constructors' a year later."""
NO_FASTEST_LAP_FOR_CONSTRUCTORS = range(1958, 1960)
"""The point for the fastest lap was the driver's own."""
NOT_FOR_CONSTRUCTORS = frozenset({"1958-indianapolis", "1959-indianapolis", "1960-indianapolis"})
"""The Indianapolis 500 counted for drivers only."""
ALL_PLACES_BREAK_TIES_FROM = 1995
"""Until 1994 only places that scored were counted back, and who was level then shared the place."""


@dataclass(frozen=True)
class Deduction:
    """Points that a decision took away from a constructor.

    ``points``: how many; None: all that were scored before the race ``known_from``, or all of the season if
    ``excluded``. ``known_from``: the first race before which everybody knew, so that a forecast may know it.
    """

    season: int
    constructor_id: str
    points: float | None
    known_from: str
    reason: str
    excluded: bool = False


DEDUCTIONS: tuple[Deduction, ...] = (
    Deduction(1995, "benetton", 10.0, "1995-argentina", "fuel in Brazil: the driver kept his points"),
    Deduction(1995, "williams", 6.0, "1995-argentina", "fuel in Brazil: the driver kept his points"),
    Deduction(
        2000, "mclaren", 10.0, "2000-germany", "a seal was missing in Austria: the driver kept his points"
    ),
    Deduction(2007, "mclaren", None, "2007-belgium", "excluded: documents of Ferrari", excluded=True),
    Deduction(2018, "force-india", None, "2018-belgium", "a new company entered from Belgium on"),
    # Decided on the first morning of 2020-70th-anniversary, after the cutoff of a forecast before its weekend.
    Deduction(
        2020, "racing-point", 15.0, "2020-spain", "brake ducts in Styria: the drivers kept their points"
    ),
)

EXCLUDED_DRIVERS: dict[tuple[int, str], str] = {
    (
        1997,
        "michael-schumacher",
    ): "excluded after the season for the collision in Jerez; points and wins stand"
}
"""Drivers without a place in the final standings. Decided after the last race: no forecast of the season knows it."""

ORDER_EXCEPTIONS: dict[tuple[int, str], str] = {
    (
        1967,
        "guy-ligier",
    ): "his point came from eighth place behind Formula 2 cars, so no scoring place is counted back",
    (1991, "brabham"): "published behind the team that is level with it in points and places that scored",
    (1997, "mika-salo"): "published level with Pedro Diniz, who has a seventh place",
    (1998, "jan-magnussen"): "published the other way round than places counted back say",
    (1998, "jarno-trulli"): "the same",
    (1999, "olivier-panis"): "published the other way round than places counted back say",
    (1999, "jean-alesi"): "the same",
    (1999, "pedro-de-la-rosa"): "published the other way round than places counted back say",
    (1999, "marc-gene"): "the same",
}
"""(season, driver or constructor) whose published final place is not the one that the rules give."""


def parts(season: int, kind: str) -> tuple[Part, ...]:
    """How the results of a season counted, in calendar order."""
    if kind == "constructor" and season not in BEST_CAR_ONLY:
        return (Part(None, None),)
    for seasons, best in _BEST_OF_THE_SEASON.items():
        if season in seasons:
            return (Part(None, best),)
    if season in _HALVES:
        (rounds, best), (_, best_later) = _HALVES[season]
        return Part(rounds, best), Part(None, best_later)
    return (Part(None, 11),) if season in _BEST_ELEVEN else (Part(None, None),)


def drops_results(season: int, kind: str) -> bool:
    """Whether some results of the season did not count."""
    return any(part.best is not None for part in parts(season, kind))


def counted(scores: Floats, season_parts: Sequence[Part]) -> Floats:
    """Points that count, from the points of each race of a season.

    Args:
        scores: points by race in calendar order along the last axis.
        season_parts: of ``parts``.

    Returns:
        The counted sum, without the last axis.
    """
    total = np.zeros(scores.shape[:-1])
    start = 0
    for part in season_parts:
        stop = scores.shape[-1] if part.rounds is None else min(start + part.rounds, scores.shape[-1])
        block = scores[..., start:stop]
        if part.best is not None and block.shape[-1] > part.best:
            block = np.partition(block, block.shape[-1] - part.best, axis=-1)[..., -part.best :]
        total = total + block.sum(axis=-1)
        start = stop
    return total


def countback_places(season: int) -> int | None:
    """How many places are counted back when points are level; None: all."""
    return None if season >= ALL_PLACES_BREAK_TIES_FROM else scoring_places(season)


def deductions(season: int, calendar: Sequence[str], before: str | None = None) -> list[Deduction]:
    """Deductions of a season that were known before the race ``before`` (None: all).

    ``calendar``: race keys of the season in calendar order.
    """
    place = {key: index for index, key in enumerate(calendar)}
    now = len(calendar) if before is None else place[before]
    # A simulated season has other races: its calendar knows nothing of the decision.
    return [
        row
        for row in DEDUCTIONS
        if row.season == season and row.known_from in place and place[row.known_from] <= now
    ]
