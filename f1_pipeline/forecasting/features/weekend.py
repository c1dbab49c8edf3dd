"""Features of the circuit and of the weekend so far."""

from __future__ import annotations

import pandas as pd

from f1_pipeline.forecasting.asof import last_before
from f1_pipeline.forecasting.features.competitors import grid_places
from f1_pipeline.forecasting.history import History


def circuit(rows: pd.DataFrame, history: History) -> pd.DataFrame:
    """``track_length_km``, ``turn_count``, ``elevation_m``: facts of the layout raced on."""
    races = history.races.merge(history.circuits, on="circuit_id", how="left", suffixes=("", "_circuit"))
    facts = pd.DataFrame(
        {
            "track_length_km": races["course_length_km"].fillna(races["length_km"]).astype("float64"),
            "turn_count": races["turns"].fillna(races["turns_circuit"]).astype("float64"),
            "elevation_m": races["elevation_m"].astype("float64"),
        }
    ).set_index(pd.Index(races["race_key"]))
    result = facts.reindex(rows["race_key"])
    result.index = rows.index
    return result


def driver_at_circuit(rows: pd.DataFrame, history: History) -> pd.DataFrame:
    """``driver_wins_at_circuit`` and ``driver_avg_finish_at_circuit`` over all earlier visits."""
    circuits = history.races[["race_key", "circuit_id"]]
    starts = history.starters.merge(circuits, on="race_key").sort_values("order", kind="stable")
    visits = starts.assign(won=(starts["position"] == 1).astype(float)).groupby(["circuit_id", "driver_id"])
    known = starts[["order", "circuit_id", "driver_id"]].assign(
        driver_wins_at_circuit=visits["won"].cumsum(),
        driver_avg_finish_at_circuit=visits["finish"].cumsum() / (visits.cumcount() + 1),
    )
    here = rows.merge(circuits, on="race_key", how="left").set_index(rows.index)
    result = last_before(
        here, known, ["circuit_id", "driver_id"], ["driver_wins_at_circuit", "driver_avg_finish_at_circuit"]
    )
    return result.assign(driver_wins_at_circuit=result["driver_wins_at_circuit"].fillna(0.0))


def grid_and_qualifying(rows: pd.DataFrame, history: History) -> pd.DataFrame:
    """``grid_position``, ``starts_from_pit_lane``, ``qualifying_position``, ``gap_to_pole_pct``.

    Known before the race, of the race itself. The grid is the starting grid, never the one in the race
    results. The gap compares the best time of any part of qualifying with the best of all, in per cent.
    """
    keys = ["race_key", "driver_id"]
    grid = grid_places(history)[[*keys, "grid_position", "starts_from_pit_lane"]]
    # Some drivers have two rows (two cars, or disqualified): the better one counts, however the rows come.
    times = history.qualifying.sort_values(["order", "display_order"], kind="stable").drop_duplicates(keys)
    best = times[["time_ms", "q1_ms", "q2_ms", "q3_ms"]].astype("float64").min(axis=1)
    pole = best.groupby(times["race_key"]).transform("min")
    qualifying = times[keys].assign(
        qualifying_position=times["position"].astype("float64"), gap_to_pole_pct=(best / pole - 1.0) * 100.0
    )
    merged = rows[keys].merge(grid, on=keys, how="left").merge(qualifying, on=keys, how="left")
    merged.index = rows.index
    return merged.drop(columns=keys).assign(starts_from_pit_lane=merged["starts_from_pit_lane"].fillna(0.0))
