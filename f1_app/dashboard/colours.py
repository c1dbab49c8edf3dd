"""Team colours, by season and F1DB constructor id.

A team is known by the colour of that season (McLaren was silver, then orange), so the table has spans
of seasons. Near-white and near-black liveries are shifted towards grey: they have to be seen on a
light and on a dark page. A team that is not listed, such as every team of the simulated championship,
gets a colour of a palette that colour-blind readers can tell apart as well as twelve can be.
"""

from __future__ import annotations

from collections.abc import Iterable
from zlib import crc32

NEWEST = 9999

TEAM_COLOURS: dict[str, tuple[tuple[int, int, str], ...]] = {
    "alfa-romeo": ((2019, 2020, "#9B0000"), (2021, 2021, "#900000"), (2022, 2023, "#B12039")),
    "alphatauri": ((2020, 2020, "#C3C7CC"), (2021, 2021, "#3B5B80"), (2022, 2023, "#5E8FAA")),
    "alpine": ((2021, 2021, "#0090FF"), (2022, 2023, "#2293D1"), (2024, 2024, "#FF87BC"), (2025, NEWEST, "#00A1E8")),
    "aston-martin": ((2021, 2021, "#006F62"), (2022, 2022, "#2D826D"), (2023, 2023, "#358C75"), (2024, NEWEST, "#229971")),
    "audi": ((2026, NEWEST, "#FF4B1F"),),
    "cadillac": ((2026, NEWEST, "#9096A3"),),
    "caterham": ((2012, 2014, "#10704A"),),
    "ferrari": ((2010, 2017, "#D40000"), (2018, 2021, "#DC0000"), (2022, 2022, "#ED1C24"), (2023, 2023, "#F91536"), (2024, NEWEST, "#E80020")),
    "force-india": ((2010, 2016, "#F58020"), (2017, 2018, "#F596C8")),
    "haas": ((2016, 2018, "#6C7077"), (2019, 2019, "#BD9E57"), (2020, 2020, "#787878"), (2021, NEWEST, "#B6BABD")),
    "kick-sauber": ((2024, 2024, "#52E252"), (2025, 2025, "#01C00E")),
    "lotus-f1": ((2012, 2015, "#B8963E"),),
    "manor": ((2016, 2016, "#E8502E"),),
    "marussia": ((2012, 2015, "#8C1D2F"),),
    "mclaren": ((2010, 2014, "#B4BAC2"), (2015, 2016, "#7A6A66"), (2017, 2021, "#FF8700"), (2022, 2022, "#F58020"), (2023, NEWEST, "#FF8000")),
    "mercedes": ((2010, 2021, "#00D2BE"), (2022, 2022, "#6CD3BF"), (2023, 2025, "#27F4D2"), (2026, NEWEST, "#00D7B6")),
    "racing-bulls": ((2025, NEWEST, "#6C98FF"),),
    "racing-point": ((2019, 2020, "#F596C8"),),
    "rb": ((2024, 2024, "#6692FF"),),
    "red-bull": ((2010, 2018, "#2A3F8F"), (2019, 2020, "#1E41FF"), (2021, 2021, "#2B2BF0"), (2022, 2022, "#1E5BC6"), (2023, 2024, "#3671C6"), (2025, NEWEST, "#4781D7")),
    "renault": ((2010, 2011, "#F2C500"), (2016, 2020, "#FFE100")),
    "sauber": ((2010, 2014, "#8F949B"), (2015, 2017, "#1F6FD6"), (2018, 2018, "#9B0000")),
    "toro-rosso": ((2010, 2016, "#3A5BB5"), (2017, 2019, "#469BFF")),
    "williams": ((2010, 2013, "#25467F"), (2014, 2018, "#8FB8DE"), (2019, 2019, "#9CC9EA"), (2020, 2020, "#0082FA"), (2021, 2021, "#005AFF"), (2022, 2022, "#37BEDD"), (2023, 2024, "#64C4FF"), (2025, NEWEST, "#1868DB")),
}  # fmt: skip

PALETTE = (
    "#4477AA",
    "#EE6677",
    "#228833",
    "#CCBB44",
    "#66CCEE",
    "#AA3377",
    "#EE7733",
    "#009988",
    "#997700",
    "#9B8AD9",
    "#BB6655",
    "#8899AA",
)


def team_colour(season: int, constructor_id: str) -> str | None:
    """The colour of a team in a season, or None if it is not listed."""
    for first, last, colour in TEAM_COLOURS.get(constructor_id, ()):
        if first <= season <= last:
            return colour
    return None


def team_colours(season: int, constructor_ids: Iterable[str]) -> dict[str, str]:
    """A colour for every team of a race.

    Teams that are not listed start at a place of the palette that depends on their id alone, and move
    on if another unlisted team of this race has it: the same teams always get the same colours.
    """
    colours: dict[str, str] = {}
    taken: set[int] = set()
    for constructor_id in sorted(set(constructor_ids)):
        listed = team_colour(season, constructor_id)
        if listed is not None:
            colours[constructor_id] = listed
            continue
        place = crc32(constructor_id.encode()) % len(PALETTE)
        if len(taken) < len(PALETTE):
            while place in taken:
                place = (place + 1) % len(PALETTE)
        taken.add(place)
        colours[constructor_id] = PALETTE[place]
    return colours


def text_on(colour: str) -> str:
    """Black or white, whichever is read more easily on a colour (WCAG relative luminance)."""
    channels = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    red, green, blue = (
        value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels
    )
    luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    # Equal contrast with black and with white is where (L + .05)^2 = .05 * 1.05.
    return "#000000" if luminance > 0.179 else "#FFFFFF"
