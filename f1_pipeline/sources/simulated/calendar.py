"""Invented circuits and Grands Prix, and the calendar of a season.

Coordinates, countries and time zones are real, so that local times and maps work; what stands there
is not. The order is that of the season: southern summer first, northern summer, southern spring.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from f1_pipeline.sources.simulated.streams import Stream, generator


@dataclass(frozen=True)
class GrandPrix:
    """A Grand Prix and its circuit: km, metres above the sea, local hour of the start."""

    key: str
    name: str
    circuit_id: str
    circuit_name: str
    place: str
    country_id: str
    latitude: float
    longitude: float
    time_zone: str
    length_km: float
    turns: int
    elevation_m: float
    type: str
    direction: str
    hour: int


_CW, _ACW = "CLOCKWISE", "ANTI_CLOCKWISE"
# fmt: off
GRANDS_PRIX = (
    GrandPrix("wombat-coast", "Wombat Coast", "saltbush-ring", "Saltbush Ring", "Hobart", "australia", -42.85, 147.30, "Australia/Hobart", 5.21, 15, 40, "RACE", _CW, 15),
    GrandPrix("long-cloud", "Long Cloud", "remarkable-park", "Remarkable Park", "Queenstown", "new-zealand", -45.00, 168.75, "Pacific/Auckland", 4.87, 17, 340, "RACE", _ACW, 15),
    GrandPrix("marble-gorge", "Marble Gorge", "marble-gorge", "Marble Gorge", "Hualien", "taiwan", 23.95, 121.58, "Asia/Taipei", 5.64, 19, 20, "STREET", _CW, 15),
    GrandPrix("dragon-bridge", "Dragon Bridge", "han-river", "Han River", "Da Nang", "vietnam", 16.05, 108.15, "Asia/Ho_Chi_Minh", 5.02, 21, 8, "STREET", _ACW, 19),
    GrandPrix("cinnamon", "Cinnamon", "lighthouse-point", "Lighthouse Point", "Galle", "sri-lanka", 6.10, 80.25, "Asia/Colombo", 4.55, 14, 12, "RACE", _CW, 18),
    GrandPrix("argolis", "Argolis", "lion-gate", "Lion Gate", "Nafplio", "greece", 37.57, 22.79, "Europe/Athens", 4.93, 16, 25, "RACE", _CW, 15),
    GrandPrix("nine-islands", "Nine Islands", "caldera-verde", "Caldera Verde", "Ponta Delgada", "portugal", 37.75, -25.60, "Atlantic/Azores", 5.38, 18, 160, "ROAD", _CW, 14),
    GrandPrix("golden-fleece", "Golden Fleece", "fleece-harbour", "Fleece Harbour", "Batumi", "georgia", 41.62, 41.65, "Asia/Tbilisi", 4.41, 20, 6, "STREET", _ACW, 17),
    GrandPrix("dalmatia", "Dalmatia", "marjan-hill", "Marjan Hill", "Split", "croatia", 43.51, 16.46, "Europe/Zagreb", 4.76, 15, 70, "RACE", _CW, 15),
    GrandPrix("claddagh", "Claddagh", "stonewall-park", "Stonewall Park", "Galway", "ireland", 53.28, -9.00, "Europe/Dublin", 5.79, 17, 22, "RACE", _CW, 15),
    GrandPrix("seven-fells", "Seven Fells", "fellside", "Fellside", "Bergen", "norway", 60.36, 5.35, "Europe/Oslo", 4.62, 16, 90, "RACE", _ACW, 15),
    GrandPrix("amber-road", "Amber Road", "birchwood-oval", "Birchwood", "Tartu", "estonia", 58.37, 26.70, "Europe/Tallinn", 6.12, 12, 60, "RACE", _CW, 15),
    GrandPrix("lava-field", "Lava Field", "basalt-ring", "Basalt Ring", "Reykjavik", "iceland", 64.10, -21.80, "Atlantic/Reykjavik", 4.98, 13, 95, "RACE", _CW, 14),
    GrandPrix("apple-valley", "Apple Valley", "steppe-motor-park", "Steppe Motor Park", "Almaty", "kazakhstan", 43.20, 76.85, "Asia/Almaty", 5.55, 16, 900, "RACE", _CW, 16),
    GrandPrix("citadel", "Citadel", "citadel-quays", "Citadel Quays", "Halifax", "canada", 44.65, -63.60, "America/Halifax", 4.37, 18, 30, "STREET", _CW, 14),
    GrandPrix("high-mesa", "High Mesa", "turquoise-raceway", "Turquoise Raceway", "Albuquerque", "united-states-of-america", 35.10, -106.60, "America/Denver", 5.47, 14, 1580, "RACE", _ACW, 13),
    GrandPrix("eternal-spring", "Eternal Spring", "orchid-park", "Orchid Park", "Medellin", "colombia", 6.25, -75.60, "America/Bogota", 4.29, 17, 1500, "RACE", _CW, 13),
    GrandPrix("seven-lakes", "Seven Lakes", "alerce-forest", "Alerce Forest", "Valdivia", "chile", -39.83, -73.22, "America/Santiago", 5.88, 19, 35, "ROAD", _CW, 14),
    GrandPrix("silver-estuary", "Silver Estuary", "dune-circuit", "Dune Circuit", "Punta del Este", "uruguay", -34.93, -54.94, "America/Montevideo", 4.69, 13, 10, "STREET", _CW, 14),
    GrandPrix("skeleton-sands", "Skeleton Sands", "salt-pan", "Salt Pan", "Swakopmund", "namibia", -22.66, 14.55, "Africa/Windhoek", 5.16, 15, 30, "RACE", _CW, 17),
)
# fmt: on
"""Everything that can be on a calendar; a season leaves some out."""

_WEEKS = (0, 2, 4, 6, 9, 11, 13, 15, 17, 19, 23, 25, 27, 29, 32, 35)
"""Weeks from the first race to each round: the usual rhythm, with a break in August."""

ROUNDS = len(_WEEKS)
SPRINTS = 4
"""Sprint weekends a season; six today, three when they began."""

_RACE_KM = 305.0
_SPRINT_KM = 100.0
"""Race distances by the sporting regulations: the fewest laps that exceed 305 km, and about 100 km."""


@dataclass(frozen=True)
class Race:
    """A race of the calendar. Times are UTC; ``laps`` is the scheduled distance."""

    race_key: str
    season: int
    index: int
    round: int
    grand_prix: GrandPrix
    day: date
    sprint: bool
    laps: int
    sprint_laps: int


def season_calendar(seed: int, index: int, season: int) -> list[Race]:
    """The races of one season; which are held depends on the season's index, the dates on its year."""
    rng = generator(seed, Stream.CALENDAR, index)
    held = sorted(rng.choice(len(GRANDS_PRIX), ROUNDS, replace=False).tolist())
    sprints = set(rng.choice(ROUNDS, SPRINTS, replace=False).tolist())
    start = date(season, 3, 5)
    first = start + timedelta(days=(6 - start.weekday()) % 7)
    races = []
    for place, (number, weeks) in enumerate(zip(held, _WEEKS, strict=True)):
        prix = GRANDS_PRIX[number]
        races.append(
            Race(
                race_key=f"{season}-{prix.key}",
                season=season,
                index=index,
                round=place + 1,
                grand_prix=prix,
                day=first + timedelta(weeks=weeks),
                sprint=place in sprints,
                laps=int(_RACE_KM // prix.length_km) + 1,
                sprint_laps=round(_SPRINT_KM / prix.length_km),
            )
        )
    return races


def race_row(race: Race) -> dict[str, Any]:
    """Row of table ``races``. It is the same before and after the race."""
    prix = race.grand_prix
    zone = ZoneInfo(prix.time_zone)

    def at(days: int, hours: float) -> datetime:
        """Moment so many days and hours from the start, by the clocks of the circuit."""
        local = datetime.combine(race.day, time(prix.hour)) + timedelta(days=days, hours=hours)
        return local.replace(tzinfo=zone).astimezone(UTC)

    return {
        "race_key": race.race_key,
        "season": race.season,
        "round": race.round,
        "grand_prix_id": prix.key,
        "name": f"{prix.name} Grand Prix",
        "official_name": f"Simulated {prix.name} Grand Prix {race.season}",
        "circuit_id": prix.circuit_id,
        "date": datetime.combine(race.day, time()),
        "start_at": at(0, 0),
        "first_practice_at": at(-2, -2.5),
        "qualifying_at": at(-1, 1),
        "sprint_qualifying_at": at(-2, 1.5) if race.sprint else None,
        "sprint_at": at(-1, -3) if race.sprint else None,
        "laps": race.laps,
        "course_length_km": prix.length_km,
        "turns": prix.turns,
        "qualifying_format": "KNOCKOUT",
        "is_sprint_weekend": race.sprint,
        "is_cancelled": False,
    }


def circuit_row(prix: GrandPrix) -> dict[str, Any]:
    """Row of table ``circuits``."""
    return {
        "circuit_id": prix.circuit_id,
        "name": prix.circuit_name,
        "full_name": f"{prix.circuit_name} Circuit",
        "place": prix.place,
        "country_id": prix.country_id,
        "latitude": prix.latitude,
        "longitude": prix.longitude,
        "time_zone": prix.time_zone,
        "length_km": prix.length_km,
        "turns": prix.turns,
        "elevation_m": prix.elevation_m,
        "type": prix.type,
        "direction": prix.direction,
    }
