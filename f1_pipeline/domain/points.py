"""Points of the championship, as data: what each place was worth in each season, and the exceptions.

Source: the sporting regulations of the seasons, checked against every result of F1DB: from 1961 on the
expected points differ from the published ones in no race but those named here.
"""

from __future__ import annotations

import pandas as pd

_RACE: tuple[tuple[int, tuple[float, ...]], ...] = (
    (1950, (8, 6, 4, 3, 2)),
    (1960, (8, 6, 4, 3, 2, 1)),
    (1961, (9, 6, 4, 3, 2, 1)),
    (1991, (10, 6, 4, 3, 2, 1)),
    (2003, (10, 8, 6, 5, 4, 3, 2, 1)),
    (2010, (25, 18, 15, 12, 10, 8, 6, 4, 2, 1)),
)
_SPRINT: tuple[tuple[int, tuple[float, ...]], ...] = ((2021, (3, 2, 1)), (2022, (8, 7, 6, 5, 4, 3, 2, 1)))

RACE_FACTOR: dict[str, float] = {
    "1975-spain": 0.5,
    "1975-austria": 0.5,
    "1984-monaco": 0.5,
    "1991-australia": 0.5,
    "2009-malaysia": 0.5,
    "2021-belgium": 0.5,
    "2014-abu-dhabi": 2.0,
}
"""Races that counted half because they were stopped early, and the one that counted double."""

FASTEST_LAP_SEASONS = range(2019, 2025)
"""A point for the fastest lap of a driver in the first ten. (The one of 1950-59 could be shared.)"""

EXACT_FROM_SEASON = 1961
"""Before, the point of the fastest lap was split between drivers and shared cars split their points."""

POINTS_EXCEPTIONS: frozenset[tuple[str, str]] = frozenset(
    {
        ("1963-france", "graham-hill"),  # push start
        ("1967-germany", "jackie-oliver"),  # Formula 2 cars took places but no points
        ("1967-germany", "jo-bonnier"),
        ("1967-germany", "guy-ligier"),
        ("1969-germany", "henri-pescarolo"),
        ("1969-germany", "richard-attwood"),
        ("1969-germany", "jo-siffert"),
        ("1969-germany", "jean-pierre-beltoise"),
        ("1984-italy", "jo-gartner"),  # second cars of teams entered with one car for the season
        ("1984-italy", "gerhard-berger"),
        ("1987-australia", "yannick-dalmas"),
    }
)
"""(race, driver) whose published points differ from those of the place, and rightly so."""


def race_points(season: int) -> tuple[float, ...]:
    """Points of the first places of a race, first place first."""
    return _valid_for(_RACE, season)


def factor_to_come(race_key: str) -> float:
    """How often a race counts as it stands before it: double by the rules of the season; none is stopped early yet."""
    return max(1.0, RACE_FACTOR.get(race_key, 1.0))


def points_to_come(race_key: str) -> tuple[float, ...]:
    """Points of the first places of a race as they stand before it."""
    factor = factor_to_come(race_key)
    return tuple(factor * value for value in race_points(int(race_key[:4])))


def sprint_points(season: int) -> tuple[float, ...]:
    """Points of the first places of a sprint; empty before there were sprints."""
    return _valid_for(_SPRINT, season) if season >= _SPRINT[0][0] else ()


def scoring_places(season: int) -> int:
    """How many places of a race score."""
    return len(race_points(season))


def _valid_for(table: tuple[tuple[int, tuple[float, ...]], ...], season: int) -> tuple[float, ...]:
    return max((row for row in table if row[0] <= season), key=lambda row: row[0])[1]


def expected_race_points(results: pd.DataFrame) -> pd.Series:
    """Points that the published places should have brought, per row of race results with ``season``."""
    places = results["position"].astype("float64")
    points = pd.Series(0.0, index=results.index)
    for season in sorted(set(results["season"].astype("int64").tolist())):
        values = dict(enumerate(race_points(season), start=1))
        rows = results.index[results["season"] == season]
        points.loc[rows] = places.loc[rows].map(values).fillna(0.0)
    fastest = results["fastest_lap"].astype("boolean").fillna(False).astype("bool")
    bonus = fastest & results["season"].isin(FASTEST_LAP_SEASONS) & (places <= 10)
    factor = results["race_key"].map(RACE_FACTOR).fillna(1.0).astype("float64")
    return (points + bonus.astype("float64")) * factor
