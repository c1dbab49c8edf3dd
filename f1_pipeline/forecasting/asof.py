"""The one guard of time: values known before a race, and nothing that came with or after it.

A leak is the worst defect a forecast can have: it makes every score look better than the forecast will
ever be. All features and training sets pass through here, and the tests shuffle everything from a
race on and demand that nothing before it changes.
"""

from __future__ import annotations

import pandas as pd

from f1_pipeline.errors import LeakError


def last_before(
    rows: pd.DataFrame, known: pd.DataFrame, by: list[str], columns: list[str], fill: float | None = None
) -> pd.DataFrame:
    """For each row, the newest known values of the same ``by`` from a strictly earlier race.

    ``rows`` and ``known`` carry ``order`` (the calendar clock); ``known`` states values as they stood
    *after* its race. Returns the columns, aligned with ``rows``.

    Raises:
        LeakError: a value came from the row's own race or a later one.
    """
    left = rows[["order", *by]].reset_index(drop=True)
    left = left.assign(row=left.index).sort_values("order", kind="stable")
    right = known[["order", *by, *columns]].sort_values("order", kind="stable")
    right = right.assign(known_order=right["order"])
    merged = pd.merge_asof(left, right, on="order", by=by, allow_exact_matches=False, direction="backward")
    require_before(merged["known_order"], merged["order"], "a feature")
    result = merged.sort_values("row")[columns].reset_index(drop=True)
    result.index = rows.index
    return result if fill is None else result.fillna(fill)


def newest_before(known: pd.DataFrame, moments: pd.Series, what: str) -> pd.DataFrame:
    """For each race the newest row of ``known`` that was issued before the race's moment, by race key.

    ``known`` carries ``race_key`` and ``issued_at``, ``moments`` a time for each race key; races without such a row
    are not in the result. Of rows of one time the first one in their order counts.

    Raises:
        LeakError: a row issued at its moment or later came through.
    """
    moment = known["race_key"].map(moments)
    early = known[known["issued_at"] < moment].sort_values("issued_at", ascending=False, kind="stable")
    newest = early.drop_duplicates("race_key").set_index("race_key")
    require_before(newest["issued_at"], moments.reindex(newest.index), what)
    return newest


def require_before(known: pd.Series, moment: pd.Series | int, what: str) -> None:
    """Raise ``LeakError`` unless every known order or time (missing ones aside) is before its moment."""
    late = known.notna() & (known >= moment)
    if late.any():
        raise LeakError(f"{what} uses {int(late.sum())} values that were not known at the cutoff")


def training_rows(frame: pd.DataFrame, cutoff_order: int) -> pd.DataFrame:
    """The rows of races before ``cutoff_order``: all that a model for that race may see."""
    rows = frame[frame["order"] < cutoff_order]
    require_before(rows["order"], cutoff_order, "a training set")
    return rows
