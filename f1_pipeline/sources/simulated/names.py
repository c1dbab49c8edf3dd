"""Invented drivers and teams. Nobody here exists; a test compares with names of real drivers."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

from f1_pipeline.sources.simulated.streams import Stream, generator

# Surnames are one beginning and one ending: 30 × 12 = 360 names, enough for 80 seasons. Thirty
# drivers in a row have thirty different beginnings, so their codes are the first three letters.
_BEGINNINGS = (
    "Aldo", "Belva", "Cando", "Delmi", "Estro", "Falque", "Grivo", "Hesta", "Iluno", "Jorva",
    "Kelmo", "Lorti", "Mavre", "Nostra", "Olvi", "Pralo", "Quelda", "Rovelo", "Silda", "Tambri",
    "Ulmo", "Vesko", "Wendi", "Xanto", "Yelma", "Zorbi", "Brenva", "Drusto", "Fjelo", "Skarli",
)  # fmt: skip
_ENDINGS = (
    "vane", "rund", "qvist", "delle", "marro", "zhani", "thorpe", "nesku", "ravio", "lindal", "boura", "gaard",
)  # fmt: skip
_FIRST_NAMES = (
    "Anselm", "Bryndis", "Caio", "Dario", "Elke", "Florian", "Greta", "Hanno", "Ilse", "Jonas", "Kaito", "Leandro",
    "Mirko", "Nadia", "Orla", "Pietro", "Quentin", "Rafe", "Signe", "Tomas", "Una", "Viggo", "Wiebke", "Ximena",
)  # fmt: skip

MAX_DRIVERS = len(_BEGINNINGS) * len(_ENDINGS)


@dataclass(frozen=True)
class DriverName:
    """Names of a driver; ``code`` is three capital letters, and nobody else's."""

    driver_id: str
    code: str
    first_name: str
    last_name: str


@dataclass(frozen=True)
class Team:
    """A team and whose engine it uses."""

    constructor_id: str
    name: str
    full_name: str
    country_id: str
    engine_id: str


TEAMS = (
    Team("northwind", "Northwind", "Northwind Racing", "canada", "halcyon"),
    Team("halcyon", "Halcyon", "Halcyon Grand Prix", "italy", "halcyon"),
    Team("vantor", "Vantor", "Vantor Motorsport", "germany", "vantor"),
    Team("meridiana", "Meridiana", "Scuderia Meridiana", "italy", "vantor"),
    Team("ardenko", "Ardenko", "Ardenko Racing Team", "poland", "kitewing"),
    Team("tempora", "Tempora", "Tempora Engineering", "united-kingdom", "vantor"),
    Team("solveig", "Solveig", "Solveig Motor Works", "norway", "solveig"),
    Team("obsidia", "Obsidia", "Obsidia F1 Team", "switzerland", "halcyon"),
    Team("lynxworks", "Lynxworks", "Lynxworks Racing", "finland", "solveig"),
    Team("kitewing", "Kitewing", "Kitewing Racing", "japan", "kitewing"),
)
"""The teams, the same in every season. Seats ``2 * i`` and ``2 * i + 1`` are those of team ``i``."""


def driver_names(seed: int) -> list[DriverName]:
    """Names of all drivers the world can ever have, by driver number (``MAX_DRIVERS`` of them)."""
    rng = generator(seed, Stream.NAMES)
    beginnings = rng.permutation(len(_BEGINNINGS))
    endings = rng.integers(len(_ENDINGS), size=len(_BEGINNINGS))
    firsts = rng.integers(len(_FIRST_NAMES), size=MAX_DRIVERS)
    names: list[DriverName] = []
    taken: set[str] = set()
    for number in range(MAX_DRIVERS):
        block, place = divmod(number, len(_BEGINNINGS))
        beginning = _BEGINNINGS[beginnings[place]]
        last = beginning + _ENDINGS[(endings[place] + block) % len(_ENDINGS)]
        first = _FIRST_NAMES[firsts[number]]
        code = _free_code(last, taken)
        taken.add(code)
        names.append(DriverName(f"{first}-{last}".lower(), code, first, last))
    return names


def _free_code(last_name: str, taken: set[str]) -> str:
    """The first three letters in the order of the name that nobody has yet."""
    letters = last_name.upper()
    rest = combinations(range(1, len(letters)), 2)
    codes = (letters[0] + letters[i] + letters[j] for i, j in rest)
    return next(code for code in codes if code not in taken)
