"""Teams through their renamings: the same factory, people and cars under another name.

A rating that forgets a team when it is sold begins every Audi, Alpine or Aston Martin anew. Spans are those of
F1DB's constructor chronology; an id may stand for different teams in different years (Renault).
"""

from __future__ import annotations

from functools import lru_cache

_LINES: tuple[tuple[tuple[str, int, int], ...], ...] = (
    (
        ("sauber", 1993, 2005),
        ("bmw-sauber", 2006, 2010),
        ("sauber", 2011, 2018),
        ("alfa-romeo", 2019, 2023),
        ("kick-sauber", 2024, 2025),
        ("audi", 2026, 9999),
    ),
    (
        ("minardi", 1985, 2005),
        ("toro-rosso", 2006, 2019),
        ("alphatauri", 2020, 2023),
        ("rb", 2024, 2024),
        ("racing-bulls", 2025, 9999),
    ),
    (
        ("toleman", 1981, 1985),
        ("benetton", 1986, 2001),
        ("renault", 2002, 2011),
        ("lotus-f1", 2012, 2015),
        ("renault", 2016, 2020),
        ("alpine", 2021, 9999),
    ),
    (
        ("jordan", 1991, 2005),
        ("midland", 2006, 2006),
        ("spyker", 2007, 2007),
        ("force-india", 2008, 2018),
        ("racing-point", 2019, 2020),
        ("aston-martin", 2021, 9999),
    ),
    (
        ("tyrrell", 1970, 1998),
        ("bar", 1999, 2005),
        ("honda", 2006, 2008),
        ("brawn", 2009, 2009),
        ("mercedes", 2010, 9999),
    ),
    (("stewart", 1997, 1999), ("jaguar", 2000, 2004), ("red-bull", 2005, 9999)),
    (("arrows", 1978, 1990), ("footwork", 1991, 1996), ("arrows", 1997, 2002)),
    (("ligier", 1976, 1996), ("prost", 1997, 2001)),
    (("virgin", 2010, 2011), ("marussia", 2012, 2015), ("manor", 2016, 2016)),
    (("lotus-racing", 2010, 2011), ("caterham", 2012, 2014)),
    (("march", 1970, 1989), ("leyton-house", 1990, 1991), ("march", 1992, 1992)),
    (("osella", 1980, 1990), ("fondmetal", 1991, 1992)),
    (("coloni", 1987, 1991), ("andrea-moda", 1992, 1992)),
    (
        ("politoys", 1972, 1972),
        ("iso-marlboro", 1973, 1974),
        ("frank-williams-racing-cars", 1975, 1975),
        ("wolf-williams", 1976, 1976),
        ("wolf", 1977, 1979),
    ),
)

REGULATION_YEARS = frozenset({2014, 2022, 2026})
"""Seasons that began with new technical regulations of the kind that reshuffles the order of the teams."""


FORGOTTEN_SEASONS = 3
"""Seasons without a race after which a name begins as a new one, as the joint rating has always taken it. The Mercedes of
2010 has nothing of the one of 1955, whose Elo (1886) and finishes it once began with."""


@lru_cache(maxsize=4096)
def lineage(constructor_id: str, season: int) -> str:
    """Name of the line a constructor belongs to in a season: its first name, or its own id if it has none."""
    for line in _LINES:
        for name, first, last in line:
            if name == constructor_id and first <= season <= last:
                return f"{line[0][0]}-line"
    return constructor_id
