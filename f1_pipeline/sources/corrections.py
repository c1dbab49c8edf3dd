"""A correction: what both sources have, but a live source by now says differently (fault 6).

Compared and replaced is the core only, who was where with how many points. The rest differs between sources by habit (reasons
of a retirement, pit stops, car numbers) and stays as the bulk source has it.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from f1_pipeline.domain.classification import NON_STARTERS, RETIREMENT_CODES
from f1_pipeline.sources.live import RESULT_TABLES, STANDINGS_TABLES

_TIMES = ("time_ms", "gap_ms", "gap_laps")


def corrected(table: str, held: pd.DataFrame, live: pd.DataFrame) -> pd.DataFrame | None:
    """The held rows with the core of the live ones, or None where the core is the same or cannot be compared.

    Core: place and, where there is none, its class (retired, did not start, disqualified); points of results and
    standings. It cannot be compared where one of them has a driver twice, where the live version has a driver that
    the other has not, or where it lacks one that the other has in a place: then these are not two versions of one thing.
    In a result the times of the live version come along, because all gaps change with the winner.

    Args:
        table: name of the table.
        held: rows of the bulk source of one race (and session).
        live: rows of the live source of the same.
    """
    key = "constructor_id" if table == "constructor_standings" else "driver_id"
    if held[key].duplicated().any() or live[key].duplicated().any():
        return None
    old, new = held.set_index(key, drop=False), live.set_index(key, drop=False)
    alone = old.loc[~old.index.isin(new.index)]
    if not new.index.isin(old.index).all() or not _may_be_missing(table, alone).all():
        return None
    common = new.index
    old_place, new_place = (frame.loc[common, "position"].astype("float64") for frame in (old, new))
    same = (old_place == new_place) | (old_place.isna() & new_place.isna())
    old_class, new_class = (_classes(frame.loc[common]) for frame in (old, new))
    same &= old_class == new_class
    scored = table in (*RESULT_TABLES, *STANDINGS_TABLES)
    if scored:
        points = [frame.loc[common, "points"].astype("float64") for frame in (old, new)]
        same &= (points[0] - points[1]).abs() < 1e-9
    if same.all():
        return None
    made = old.copy()
    made.loc[common, "position"] = new["position"]
    # Another word for the same class is a habit of the source.
    word = new["position_text"].where(
        new_place.notna() | (old_class != new_class), old.loc[common, "position_text"]
    )
    made.loc[common, "position_text"] = word
    if scored:
        made.loc[common, "points"] = new["points"]
    if table in RESULT_TABLES and new.loc[new["position"] == 1, "time_ms"].notna().any():
        for name in _TIMES:
            made.loc[common, name] = new[name]
    rank = pd.Series(np.arange(len(old), dtype=float) + len(old) + len(new), index=old.index)
    rank.loc[common] = new["display_order"].astype("float64")
    made = made.loc[rank.sort_values(kind="stable").index]
    made["display_order"] = pd.array(np.arange(1, len(made) + 1), dtype="Int64")
    return made.reset_index(drop=True)


def _may_be_missing(table: str, rows: pd.DataFrame) -> pd.Series:
    """Which rows one source may have and the other not: who did not start, or has no points."""
    if table in STANDINGS_TABLES:
        return rows["points"] == 0
    return rows["position"].isna() & (rows["position_text"].isin(NON_STARTERS) | (table not in RESULT_TABLES))


def _classes(rows: pd.DataFrame) -> pd.Series:
    """``placed``, ``retired``, ``not started``, or the code itself."""
    text = rows["position_text"].astype("object")
    text = text.mask(text.isin(RETIREMENT_CODES), "retired").mask(text.isin(NON_STARTERS), "not started")
    return text.mask(rows["position"].notna(), "placed")
