"""Independent random streams: one per purpose, season and round.

A draw must not depend on how long the history is or how many rounds are finished: a race that is
drawn today has to look the same tomorrow, when one more race has been run. So every stream is named
by what it is for, never taken from a generator that something else has advanced.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np


class Stream(IntEnum):
    """What a stream is for. The values are part of the seed: changing one changes the world."""

    NAMES = 1
    DRIVER = 2
    LINE_UP = 3
    CALENDAR = 4
    SEASON_PACE = 5
    RACE_PACE = 6
    PRACTICE = 7
    SPRINT_QUALIFYING = 8
    SPRINT = 9
    QUALIFYING = 10
    GRID = 11
    RACE = 12
    PIT_STOPS = 13
    TRUTH = 14


def generator(seed: int, stream: Stream, *indices: int) -> np.random.Generator:
    """Generator of one stream; ``indices`` are season index (0 = first) and round, or a driver number."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(int(stream), *indices)))
