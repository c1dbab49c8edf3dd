"""How often cars retire, as known before each race: the field's rate, and what team, driver and circuit add to it.

A retirement is barely predictable. What is known is a rate that falls over the decades, and ratios to it: a team's
retirements over those expected of an average team, a driver's over those expected in his cars, a circuit's over those
expected of the field. All of them forget.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from f1_pipeline.domain.lineage import lineage
from f1_pipeline.forecasting.grouping import Floats
from f1_pipeline.forecasting.history import History

Ints = NDArray[np.int64]

COLUMNS = ("retirement_field", "retirement_team", "retirement_driver", "retirement_circuit")


@dataclass(frozen=True)
class Memory:
    """How long a count is remembered (half-life in races) and how much it takes to move it (in retirements)."""

    half_life: float
    prior: float


# Compared on 2014-21 by the log loss of the sum of the four: half-lives of 10 to 30 races and priors of 2 to 40
# differ by less than .001; these are in the middle. A circuit is visited once a year, so it has to remember long.
FIELD = Memory(15.0, 10.0)
TEAM = Memory(25.0, 4.0)
DRIVER = Memory(30.0, 40.0)
CIRCUIT = Memory(300.0, 25.0)

_FIRST_RATE = 0.4
"""Rate before the first race: of the 1950s, nearly half."""


class _Ratio:
    """Retirements seen over retirements expected, by team, driver or circuit."""

    def __init__(self, codes: Ints, memory: Memory):
        self.codes, self.memory = codes, memory
        size = int(codes.max(initial=-1)) + 1
        self.seen, self.expected = np.zeros(size), np.zeros(size)

    def log_ratio(self, rows: slice, races_passed: int) -> Floats:
        fade = 0.5 ** (races_passed / self.memory.half_life)
        self.seen *= fade
        self.expected *= fade
        at = self.codes[rows]
        ratio = (self.seen[at] + self.memory.prior) / (self.expected[at] + self.memory.prior)
        return np.asarray(np.log(ratio), dtype=np.float64)

    def learn(self, rows: slice, retired: Floats, expected: Floats) -> None:
        raced = ~np.isnan(retired)
        at = self.codes[rows][raced]
        np.add.at(self.seen, at, retired[raced])
        np.add.at(self.expected, at, expected[raced])


def retirement_rates(history: History) -> pd.DataFrame:
    """Rates of everybody in the field before the race.

    Returns:
        ``race_key, driver_id`` and ``COLUMNS``: the log odds of the field, and the logarithms of three ratios; their
        sum is the log odds of a retirement.
    """
    entries = history.field.merge(history.races[["race_key", "circuit_id"]], on="race_key", how="left")
    outcome = history.starters[["race_key", "driver_id", "retired"]]
    rows = entries.merge(outcome, on=["race_key", "driver_id"], how="left")
    rows = rows.sort_values(["order", "driver_id"], kind="stable").reset_index(drop=True)
    retired: Floats = rows["retired"].to_numpy(dtype=np.float64, na_value=np.nan)
    order = rows["order"].to_numpy(dtype=np.int64)
    lines = [
        lineage(name, season) for name, season in zip(rows["constructor_id"], rows["season"], strict=True)
    ]
    team, driver, circuit = (
        _Ratio(pd.factorize(np.asarray(names, dtype=object))[0].astype(np.int64), memory)
        for names, memory in ((lines, TEAM), (rows["driver_id"], DRIVER), (rows["circuit_id"], CIRCUIT))
    )
    values = np.zeros((len(rows), len(COLUMNS)))
    seen, raced, last = _FIRST_RATE * FIELD.prior, FIELD.prior, order[0] if len(order) else 0
    bounds = np.flatnonzero(np.r_[True, np.diff(order) != 0, True]) if len(order) else np.zeros(1, dtype=int)
    for start, end in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True):
        here, passed = slice(start, end), int(order[start] - last)
        last = order[start]
        fade = 0.5 ** (passed / FIELD.half_life)
        seen, raced = seen * fade, raced * fade
        # The first rate stays as a weak prior: a field without races behind it would divide by nothing.
        field = _log_odds((seen + _FIRST_RATE) / (raced + 1.0))
        of_team = team.log_ratio(here, passed)
        of_driver = driver.log_ratio(here, passed)
        of_circuit = circuit.log_ratio(here, passed)
        values[here] = np.column_stack([np.full(end - start, field), of_team, of_driver, of_circuit])
        y: Floats = np.asarray(retired[here], dtype=np.float64)
        team.learn(here, y, _probability(np.full(end - start, field)))
        driver.learn(here, y, _probability(field + of_team))
        circuit.learn(here, y, _probability(field + of_team + of_driver))
        seen, raced = seen + float(np.nansum(y)), raced + float((~np.isnan(y)).sum())
    return pd.concat([rows[["race_key", "driver_id"]], pd.DataFrame(values, columns=list(COLUMNS))], axis=1)


def _log_odds(p: float) -> float:
    return float(np.log(p) - np.log1p(-p))


def _probability(log_odds: Floats) -> Floats:
    return np.asarray(1.0 / (1.0 + np.exp(-log_odds)), dtype=np.float64)
