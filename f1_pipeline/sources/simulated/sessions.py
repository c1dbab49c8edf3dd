"""Practice, qualifying and the grid of a weekend, as canonical rows.

Order comes first: each session draws its order from the law of the world, and times are made to fit
it, with gaps that grow with the gaps between the drawn clocks. So gaps carry information about
strength, as they do in real sessions.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from f1_pipeline.sources.simulated import probability as law
from f1_pipeline.sources.simulated.calendar import Race
from f1_pipeline.sources.simulated.field import Field, Rows, Start, lap_times, strictly_increasing
from f1_pipeline.sources.simulated.probability import IntArray

_TRACK_GAIN = 0.003
"""Share of a lap that the track gains from one part of qualifying to the next."""
_SEGMENT_NOISE = 0.001
"""Standard deviation of a lap in a part that does not decide, as a share of the lap."""
_Q2_PLACES, _Q3_PLACES = 15, 10
"""Places that go on to the second and the third part of a knock-out qualifying of twenty cars."""

_PRACTICE_SHARPNESS = 0.8
"""Practice says less than a race: fuel loads and programmes differ."""
_PRACTICE_PACE = {"FP1": 1.015, "FP2": 1.009, "FP3": 1.005}
"""Lap time of the fastest against the pole's: the track and the cars come to speed."""


@dataclass(frozen=True)
class Qualified:
    """Rows of ``qualifying_results``, place by seat (from 1), and times by place in milliseconds."""

    rows: Rows
    places: IntArray
    times: IntArray


def practice(race: Race, field: Field, session: str, rng: np.random.Generator) -> Rows:
    """Draw one practice session (``FP1``, ``FP2``, ``FP3``): rows of ``practice_results``."""
    order, clock = law.draw_order(_PRACTICE_SHARPNESS * field.strength, rng)
    times = strictly_increasing(
        np.rint(lap_times(race, order, clock) * _PRACTICE_PACE[session]).astype(np.int64)
    )
    laps = rng.integers(14, 30, size=len(order))
    return [
        {
            "race_key": race.race_key,
            "session": session,
            "display_order": place + 1,
            **field.competitors[seat],
            "position": place + 1,
            "time_ms": int(times[place]),
            "gap_ms": int(times[place] - times[0]) if place else None,
            "laps": int(laps[place]),
        }
        for place, seat in enumerate(order)
    ]


def qualify(race: Race, field: Field, session: str, rng: np.random.Generator) -> Qualified:
    """Draw a knock-out session (``Q``, ``SQ``).

    A driver's time is that of the last part he took part in; the parts before are slower, and never
    so slow that he would not have gone on.
    """
    order, clock = law.draw_order(law.QUALIFYING_SHARPNESS * field.strength, rng)
    fastest = lap_times(race, order, clock)
    n = len(order)
    place = np.arange(n)
    last_part = np.where(place < _Q3_PLACES, 3, np.where(place < _Q2_PLACES, 2, 1))
    noise = rng.normal(0, _SEGMENT_NOISE, size=(3, n))
    parts = np.zeros((3, n), dtype=np.int64)
    for part, cut in ((1, _Q2_PLACES), (2, _Q3_PLACES), (3, n)):
        pace = fastest * (1 + _TRACK_GAIN * (3 - part))
        decisive = np.rint(pace).astype(np.int64)
        other = np.rint(pace * (1 + noise[part - 1])).astype(np.int64)
        limit = decisive[cut] - 1 if cut < n else np.iinfo(np.int64).max
        parts[part - 1] = np.where(last_part == part, decisive, np.minimum(other, limit))
    times = parts[last_part - 1, place]
    laps = rng.integers(5, 8, size=n) * last_part
    rows: Rows = [
        {
            "race_key": race.race_key,
            "session": session,
            "display_order": i + 1,
            **field.competitors[seat],
            "position": i + 1,
            "position_text": str(i + 1),
            "time_ms": int(times[i]),
            **{
                f"q{part}_ms": int(parts[part - 1, i]) if part <= last_part[i] else None for part in (1, 2, 3)
            },
            "gap_ms": int(times[i] - times[0]) if i else None,
            "laps": int(laps[i]),
        }
        for i, seat in enumerate(order.tolist())
    ]
    places = np.empty(n, dtype=np.int64)
    places[order] = place + 1
    return Qualified(rows, places, times)


def grid(race: Race, field: Field, session: str, qualified: Qualified, start: Start) -> Rows:
    """Rows of ``starting_grid`` for session ``R`` or ``S``. Starters from the pit lane have no position."""
    rows: Rows = []
    for seat in np.argsort(start.places).tolist():
        place = int(start.places[seat])
        from_pit_lane = bool(start.pit_lane[seat])
        rows.append(
            {
                "race_key": race.race_key,
                "session": session,
                "display_order": place,
                **field.competitors[seat],
                "position": None if from_pit_lane else place,
                "position_text": "PL" if from_pit_lane else str(place),
                "qualifying_position": int(qualified.places[seat]),
                "penalty": str(start.penalty[seat]) if start.penalty[seat] else None,
                "time_ms": int(qualified.times[qualified.places[seat] - 1]),
            }
        )
    return rows
