"""Who is entered in a race: who took part, else the published list, else the last line-up.

The team belongs to the entry, not to the driver: drivers change seats within a season (Lawson and
Tsunoda in 2025, Lawson and Hadjar in 2026).
"""

from __future__ import annotations

import pandas as pd

_COLUMNS = ["race_key", "driver_id", "constructor_id", "car_number", "engine_id", "status"]


def build_entries(
    raw_races: pd.DataFrame, races: pd.DataFrame, results: pd.DataFrame, listed: pd.DataFrame
) -> pd.DataFrame:
    """One row per (race, driver).

    A driver who shared cars has several result rows; the entry is the car of his own (not shared)
    and best-placed row. F1DB lists a season's drivers with the rounds they are entered for, and lists
    a coming round only shortly before it: later races carry the last known line-up over, marked
    ``projected``.
    """
    entered = (
        results.sort_values(["race_key", "shared_car", "display_order"])
        .drop_duplicates(["race_key", "driver_id"])
        .assign(status="entered")
    )
    rounds = (
        listed[~listed["testDriver"].astype("bool") & listed["rounds"].notna()]
        .assign(round=lambda frame: frame["rounds"].str.split(";"))
        .explode("round")
    )
    rounds = rounds.assign(round=rounds["round"].astype("int64"))
    calendar = raw_races[["year", "round"]].assign(race_key=races["race_key"])
    known = set(entered["race_key"])
    on_list = (
        rounds.merge(calendar[~calendar["race_key"].isin(known)], on=["year", "round"])
        .rename(
            columns={
                "driverId": "driver_id",
                "constructorId": "constructor_id",
                "engineManufacturerId": "engine_id",
            }
        )
        .drop_duplicates(["race_key", "driver_id"], keep="last")
        .assign(car_number=None, status="listed")
    )
    frames = [entered[_COLUMNS], on_list[_COLUMNS]]
    line_up = {key: frame for frame in frames for key, frame in frame.groupby("race_key")}
    projected: list[pd.DataFrame] = []
    for _, season in calendar.sort_values(["year", "round"]).groupby("year"):
        last: pd.DataFrame | None = None
        for key in season["race_key"]:
            if key in line_up:
                last = line_up[key]
            elif last is not None:
                projected.append(last.assign(race_key=key, status="projected"))
    return pd.concat([*frames, *projected], ignore_index=True)
