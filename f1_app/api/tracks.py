"""What a circuit does to a race, in figures: a plain view of grids and results."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from statistics import fmean
from typing import Any

import pandas as pd

from f1_app.api.schemas.analytics import TrackCoefficients, TrackRace
from f1_pipeline.domain.classification import NON_STARTERS

_FEWEST = 3
"""Cars that a rank correlation needs to say anything."""

Row = dict[str, Any]


def of_race(rows: Sequence[Row]) -> TrackRace:
    """The figures of one race, from its results."""
    first = rows[0]
    starters = [row for row in rows if row["position_text"] not in NON_STARTERS]
    placed = [row for row in starters if row["position"] is not None and row["grid_position"] is not None]
    changed = [abs(row["position"] - row["grid_position"]) for row in placed]
    winners = [row for row in rows if row["position"] == 1]
    return TrackRace(
        race_key=first["race_key"],
        season=first["season"],
        date=first["date"],
        length_km=first["course_length_km"],
        turns=first["turns"],
        laps=first["laps"],
        starters=len(starters),
        winner_grid=winners[0]["grid_position"] if winners else None,
        grid_correlation=_correlation(placed),
        mean_places_changed=fmean(changed) if changed else None,
        retirement_rate=sum(row["position"] is None for row in starters) / len(starters) if starters else 0.0,
    )


def _correlation(placed: Sequence[Row]) -> float | None:
    """Spearman's rank correlation of grid and place; None of too few cars, or of a grid of one row."""
    if len(placed) < _FEWEST:
        return None
    frame = pd.DataFrame(placed, columns=["grid_position", "position"]).rank()
    if (frame.nunique() < 2).any():
        return None
    return float(frame["grid_position"].corr(frame["position"]))


def races_of(results: Sequence[Row]) -> list[TrackRace]:
    """The figures of every race, newest first. ``results``: in the order of the races."""
    return [of_race(list(rows)) for _, rows in groupby(results, lambda row: row["race_key"])][::-1]


def coefficients(races: Sequence[TrackRace], retirement_log_ratio: float | None) -> TrackCoefficients:
    """Means over races; retirements weigh by starters. Races whose winner has no known grid place do not count there."""
    grids = [race.winner_grid for race in races if race.winner_grid is not None]
    correlations = [race.grid_correlation for race in races if race.grid_correlation is not None]
    changes = [race.mean_places_changed for race in races if race.mean_places_changed is not None]
    starters = sum(race.starters for race in races)
    return TrackCoefficients(
        races=len(races),
        pole_win_rate=fmean(grid == 1 for grid in grids) if grids else None,
        top3_win_rate=fmean(grid <= 3 for grid in grids) if grids else None,
        grid_correlation=fmean(correlations) if correlations else None,
        mean_places_changed=fmean(changes) if changes else None,
        retirement_rate=sum(race.retirement_rate * race.starters for race in races) / starters
        if starters
        else None,
        retirement_log_ratio=retirement_log_ratio,
    )
