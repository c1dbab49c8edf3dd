"""Draw a race or a sprint from its start: classification, retirements, points, pit stops."""

from __future__ import annotations

import numpy as np

from f1_pipeline.domain.points import FASTEST_LAP_SEASONS, race_points, sprint_points
from f1_pipeline.sources.simulated import probability as law
from f1_pipeline.sources.simulated.calendar import Race
from f1_pipeline.sources.simulated.field import Field, Rows, Start, lap_ms, strictly_increasing
from f1_pipeline.sources.simulated.probability import IntArray
from f1_pipeline.sources.simulated.world import FloatArray

_RACE_PACE = 1.035
"""A lap of the race against a good lap: fuel, tyres, traffic."""
_GAP_MS_PER_CLOCK = 10_000
"""Milliseconds behind the winner per unit of log-clock over a full race: a few finishers are lapped."""
_LAST_LAP_OF_RETIREMENT = 0.9
"""Who covers 90 % of the distance is classified, by the sporting regulations."""

_TEAM_REASONS = ("Engine", "Gearbox", "Hydraulics", "Brakes", "Electrical", "Overheating", "Suspension")
_DRIVER_REASONS = ("Collision", "Accident", "Collision damage", "Spun off")

_STOP_SHARES = (0.4, 0.45, 0.15)
"""Shares of one, two and three pit stops."""
_STOP_MS = (19_000, 1_500)
"""Mean time in the pit lane and mean of the exponential delay on top, milliseconds."""


def classify(race: Race, field: Field, start: Start, rng: np.random.Generator, *, sprint: bool) -> Rows:
    """Draw a race: rows of ``race_results`` or ``sprint_results`` in display order.

    ``pit_stops`` is left to :func:`pit_stops`. The order is drawn by the law whose probabilities the
    truth states; times are made to fit it.
    """
    strength = law.race_log_strength(field.strength, start.places)
    hazard = field.hazard * (law.SPRINT_HAZARD_SHARE if sprint else 1.0)
    order, clock = law.draw_order(strength, rng)
    finishes = rng.random(len(order)) >= hazard
    while not finishes.any():  # run again: a classification needs a winner
        finishes = rng.random(len(order)) >= hazard
    distance = race.sprint_laps if sprint else race.laps
    finishers = order[finishes[order]]
    lap = lap_ms(race) * _RACE_PACE * float(rng.uniform(0.995, 1.01))
    gap = _gaps(clock[finishers], distance / race.laps)
    winner_ms = round(lap * distance)
    fastest = int(
        finishers[int(np.argmin(rng.standard_exponential(len(finishers)) * np.arange(1, len(finishers) + 1)))]
    )
    retired_laps = rng.integers(0, max(1, int(_LAST_LAP_OF_RETIREMENT * distance)), size=len(order))
    blame = rng.random(len(order)) * field.hazard < field.team_hazard
    reason = rng.random(len(order))
    season = int(race.race_key[:4])
    points = sprint_points(season) if sprint else race_points(season)

    rows: Rows = []
    for place, seat in enumerate(finishers.tolist()):
        behind = int(gap[place] // lap)
        rows.append(
            _row(race, field, start, seat, len(rows) + 1)
            | {
                "position": place + 1,
                "position_text": str(place + 1),
                "laps": distance - behind,
                "time_ms": None if behind else winner_ms + int(gap[place]),
                "gap_ms": None if behind or place == 0 else int(gap[place]),
                "gap_laps": behind or None,
                "points": (points[place] if place < len(points) else 0.0)
                + _fastest_lap_point(season, place + 1, seat == fastest and not sprint),
                "fastest_lap": seat == fastest,
            }
        )
    retired = np.flatnonzero(~finishes)
    for seat in retired[np.argsort(-retired_laps[retired], kind="stable")].tolist():
        reasons = _TEAM_REASONS if blame[seat] else _DRIVER_REASONS
        rows.append(
            _row(race, field, start, seat, len(rows) + 1)
            | {
                "laps": int(retired_laps[seat]),
                "reason_retired": reasons[int(reason[seat] * len(reasons))],
            }
        )
    return rows


def _fastest_lap_point(season: int, place: int, fastest: bool) -> float:
    return float(fastest and season in FASTEST_LAP_SEASONS and place <= 10)


def pit_stops(race: Race, result: Rows, rng: np.random.Generator) -> Rows:
    """Draw the pit stops of a race: rows of ``pit_stops``; enters their number into ``result``.

    Who retires has made the stops that were due before. The rows are in order of lap and time.
    """
    made: Rows = []
    for row in sorted(result, key=lambda row: str(row["driver_id"])):
        planned = int(rng.choice(len(_STOP_SHARES), p=_STOP_SHARES)) + 1
        stints = np.arange(1, planned + 1) / (planned + 1) + rng.normal(0, 0.04, planned)
        laps = strictly_increasing(np.clip(np.rint(stints * race.laps), 2, race.laps - 3).astype(np.int64))
        times = np.rint(_STOP_MS[0] + _STOP_MS[1] * rng.standard_exponential(planned)).astype(np.int64)
        due = [(int(lap), int(time)) for lap, time in zip(laps, times, strict=True) if lap <= row["laps"]]
        row["pit_stops"] = len(due)
        made += [
            {
                "race_key": race.race_key,
                "driver_id": row["driver_id"],
                "constructor_id": row["constructor_id"],
                "car_number": row["car_number"],
                "stop": stop,
                "lap": lap,
                "time_ms": time,
            }
            for stop, (lap, time) in enumerate(due, start=1)
        ]
    made.sort(key=lambda stop: (stop["lap"], stop["time_ms"], stop["driver_id"]))
    return [stop | {"display_order": number} for number, stop in enumerate(made, start=1)]


def _gaps(log_clock: FloatArray, share: float) -> IntArray:
    """Gaps to the winner in milliseconds, strictly increasing; ``share`` of a full race distance."""
    gaps = np.rint(_GAP_MS_PER_CLOCK * share * (log_clock - log_clock[0])).astype(np.int64)
    return strictly_increasing(gaps)


def _row(race: Race, field: Field, start: Start, seat: int, display_order: int) -> dict[str, object]:
    """What is the same for finishers and the retired, and the values of who retired."""
    from_pit_lane = bool(start.pit_lane[seat])
    place = int(start.places[seat])
    return {
        "race_key": race.race_key,
        "display_order": display_order,
        **field.competitors[seat],
        "position": None,
        "position_text": "DNF",
        "shared_car": False,
        "laps": 0,
        "time_ms": None,
        "gap_ms": None,
        "gap_laps": None,
        "penalty_ms": None,
        "reason_retired": None,
        "points": 0.0,
        "grid_position": None if from_pit_lane else place,
        "grid_text": "PL" if from_pit_lane else str(place),
        "fastest_lap": False,
        "pit_stops": None,
    }
