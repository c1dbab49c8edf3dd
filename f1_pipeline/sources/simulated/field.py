"""What the sessions of a weekend share: the field, lap times, and how times are made to fit an order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from f1_pipeline.sources.simulated.calendar import Race
from f1_pipeline.sources.simulated.probability import BoolArray, IntArray
from f1_pipeline.sources.simulated.world import FloatArray

Rows = list[dict[str, Any]]

_KMH = 215.0
"""Average speed of a good lap of a modern car."""

_GAP_PER_CLOCK = 0.0025
"""Share of a lap lost per unit of log-clock: it spreads a field of twenty over about two per cent."""


@dataclass(frozen=True)
class Field:
    """Who starts a race, in seat order: rows of competitor columns, strengths and hazards, shape (n,)."""

    competitors: list[dict[str, Any]]
    strength: FloatArray
    driver_hazard: FloatArray
    team_hazard: FloatArray

    @property
    def hazard(self) -> FloatArray:
        """Probability not to finish the race, shape (n,)."""
        return self.driver_hazard + self.team_hazard


@dataclass(frozen=True)
class Start:
    """The start of a race, by seat: place (from 1), grid penalty in places (0 = none), pit lane."""

    places: IntArray
    penalty: IntArray
    pit_lane: BoolArray


def lap_ms(race: Race) -> float:
    """A good lap of the circuit, milliseconds."""
    return race.grand_prix.length_km / _KMH * 3_600_000


def strictly_increasing(values: IntArray) -> IntArray:
    """The values in their order, each raised as little as possible to lie above the one before."""
    steps = np.arange(len(values))
    result: IntArray = np.maximum.accumulate(values - steps) + steps
    return result


def lap_times(race: Race, order: IntArray, clock: FloatArray) -> IntArray:
    """Lap times in milliseconds, by place, strictly increasing."""
    slower = 1 + _GAP_PER_CLOCK * (clock[order] - clock[order[0]])
    return strictly_increasing(np.rint(lap_ms(race) * slower).astype(np.int64))
