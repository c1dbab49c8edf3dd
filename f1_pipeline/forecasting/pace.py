"""What practice, qualifying, a sprint or a race says about pace, on one scale: per cent of a lap.

``y`` is higher for the faster. Every event has an intercept of its own (the rating takes it out), so only differences
within an event count. Retirements say nothing of pace and are left out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import ndtri

QUALIFYING_CLIP = 4.0
"""Largest gap in qualifying that is believed, per cent: beyond it a lap was spoilt, not slow (3 to 5 in the study)."""
RACE_CLIP = 3.0
"""The same for the mean gap per lap in a race, per cent."""
PRACTICE_CLIP = 4.0
"""The same in practice, per cent: as in qualifying. On 2000-21, 2.5 was .003 nats worse after qualifying, 6 .002 worse before
the weekend (with earlier parameters)."""
FREE_PRACTICE = ("FP1", "FP2", "FP3", "FP4")
_MIN_FIELD = 4


@dataclass(frozen=True)
class RaceScale:
    """How a race result is put on the scale of qualifying.

    ``rank``: per cent for one unit of the normal score of the finishing rank; ``gap``: per cent of qualifying for a
    per cent of the race. The two are averaged. Fitted with the rating (``JointConfig``).
    """

    rank: float = 0.657
    gap: float = 1.425


def qualifying_pace(rows: pd.DataFrame) -> pd.DataFrame:
    """``race_key, session, driver_id, constructor_id, y`` of qualifying: minus the gap to the fastest in per cent.

    Times of the first and second part of knock-out qualifying are put on the scale of the last by the median
    improvement of who took part in both: the track gains grip, and who is knocked out early is not slower for it.
    """
    frame = _best_rows(rows)
    keys = [frame["race_key"], frame["session"]]
    q1, q2, q3 = (frame[name].astype("float64") for name in ("q1_ms", "q2_ms", "q3_ms"))
    step3 = (q3 / q2).groupby(keys).transform("median").fillna(1.0)
    step2 = (q2 / q1).groupby(keys).transform("median").fillna(1.0)
    best = q3.fillna(q2 * step3).fillna(q1 * step2 * step3).fillna(frame["time_ms"].astype("float64"))
    # A banker lap in the last part can be slower than what the driver showed before.
    best = pd.concat([best, q2 * step3], axis=1).min(axis=1)
    fastest = best.groupby(keys).transform("min")
    gap = ((best / fastest - 1.0) * 100.0).clip(upper=QUALIFYING_CLIP)
    return _event(frame, -gap)


def practice_pace(rows: pd.DataFrame) -> pd.DataFrame:
    """The same for free practice, all sessions of a weekend as one (``P``): the mean of what the sessions say.

    A session counts relative to the mean of who took part: who sits one out is not slower for it (slow substitutes lift the
    others by up to .5 %; a fit of drivers and sessions changes the log loss by .0001). Warm-up does not count. One event
    in place of three was as good within .002 nats, and takes a third of the time.
    """
    frame = _best_rows(rows[rows["session"].isin(FREE_PRACTICE) & rows["time_ms"].notna()])
    time = frame["time_ms"].astype("float64")
    fastest = time.groupby([frame["race_key"], frame["session"]]).transform("min")
    said = _event(frame, -((time / fastest - 1.0) * 100.0).clip(upper=PRACTICE_CLIP))
    said["y"] -= said.groupby(["race_key", "session"])["y"].transform("mean")
    means = said.groupby(["race_key", "driver_id", "constructor_id"], as_index=False)["y"].mean()
    return _event(means.assign(session="P"), means["y"])


def race_pace(rows: pd.DataFrame, scale: RaceScale) -> pd.DataFrame:
    """The same for a race or a sprint, of its classified finishers; ``session`` is ``R`` or ``S``.

    ``rows``: results with ``session``, ``laps``, ``time_ms`` (the winner's), ``gap_ms``, ``gap_laps``.
    """
    frame = _best_rows(rows[rows["position"].notna()])
    keys = [frame["race_key"], frame["session"]]
    size = frame.groupby(["race_key", "session"])["driver_id"].transform("size").astype("float64")
    rank = frame.groupby(["race_key", "session"])["display_order"].rank()
    score = pd.Series(ndtri(((size - rank + 0.5) / size).to_numpy()), index=frame.index) * scale.rank
    winner_ms = (
        frame["time_ms"].where(frame["position"] == 1).astype("float64").groupby(keys).transform("max")
    )
    laps = frame["laps"].astype("float64").groupby(keys).transform("max")
    by_time = frame["gap_ms"].astype("float64") / winner_ms * 100.0
    by_laps = frame["gap_laps"].astype("float64") / laps * 100.0
    gap = by_time.fillna(by_laps).where(frame["position"] != 1, 0.0).clip(lower=0.0, upper=RACE_CLIP)
    y = np.where(gap.notna(), 0.5 * score - 0.5 * scale.gap * gap.fillna(0.0), score)
    return _event(frame, pd.Series(y, index=frame.index))


def _best_rows(rows: pd.DataFrame) -> pd.DataFrame:
    """One row per driver and session: the best placed, however the rows come (shared cars; two rows in 2023)."""
    ordered = rows.sort_values(["race_key", "session", "display_order"], kind="stable")
    return ordered.drop_duplicates(["race_key", "session", "driver_id"])


def _event(frame: pd.DataFrame, y: pd.Series) -> pd.DataFrame:
    rows = frame[["race_key", "session", "driver_id", "constructor_id"]].assign(y=y)
    rows = rows[rows["y"].notna()]
    size = rows.groupby(["race_key", "session"])["y"].transform("size")
    return rows[size >= _MIN_FIELD].reset_index(drop=True)
