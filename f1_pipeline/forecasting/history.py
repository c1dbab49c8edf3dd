"""The past as the forecasting code sees it: canonical frames in calendar order, nothing else."""

from __future__ import annotations

from dataclasses import dataclass, field

import pandas as pd

from f1_pipeline.domain.classification import RETIREMENT_CODES, started


@dataclass(frozen=True)
class History:
    """Frames that ratings and features are computed from.

    ``races``: one row per race in calendar order with ``race_key, season, date, circuit_id, order``
    (``order`` counts races from 0; it is the only clock that ratings and features use).
    ``entries``: ``race_key, driver_id, constructor_id``, one row per driver of a race, coming races too.
    ``starters``: one row per driver that took the start, with ``finish`` (1 = first; rank by classification,
    then in the order of retirement), ``classified``, ``retired`` (DNF, NC) and ``points``.
    ``grid``, ``qualifying``, ``standings``: rows of the starting grid, qualifying and driver standings.
    ``sprint_grid``: rows of the starting grid of the sprint.
    """

    races: pd.DataFrame
    entries: pd.DataFrame
    starters: pd.DataFrame
    grid: pd.DataFrame
    qualifying: pd.DataFrame
    standings: pd.DataFrame
    circuits: pd.DataFrame
    sprint_grid: pd.DataFrame = field(default_factory=pd.DataFrame)

    @property
    def field(self) -> pd.DataFrame:
        """Who takes part in each race: its entries, and who stands on a grid without being entered.

        A reserve who takes a seat on a Saturday is on the grid before the list of entries says so. Left out, the other
        21 would share the probability of a race that he starts from pole position.

        Returns:
            ``race_key, order, season, driver_id, constructor_id`` (of a grid where there is no entry) and ``known_from``:
            the first horizon that may know of it, ``pre_weekend``, ``pre_sprint`` or ``pre_race``.
        """
        who = self.entries[_FIELD].assign(known_from="pre_weekend")
        for grid, horizon in ((self.sprint_grid, "pre_sprint"), (self.grid, "pre_race")):
            if grid.empty:
                continue
            rows = grid[_FIELD].drop_duplicates(_CAR)
            new = rows[~pd.MultiIndex.from_frame(rows[_CAR]).isin(pd.MultiIndex.from_frame(who[_CAR]))]
            if len(new):
                who = pd.concat([who, new.assign(known_from=horizon)], ignore_index=True)
        return who


_FIELD = ["race_key", "order", "season", "driver_id", "constructor_id"]
_CAR = ["race_key", "driver_id"]


def build_history(tables: dict[str, pd.DataFrame]) -> History:
    """Put canonical tables (a source bundle, or rows read back from the database) into a History.

    Cancelled races are left out. The calendar order is the date, then the race key, so that it does
    not depend on the order of rows in the source.
    """
    races = in_calendar_order(tables["races"])
    clock = races[["race_key", "season", "order"]]

    def timed(frame: pd.DataFrame) -> pd.DataFrame:
        return frame.merge(clock, on="race_key", how="inner", validate="many_to_one")

    grid, qualifying = tables["starting_grid"], tables["qualifying_results"]
    return History(
        races=races,
        entries=timed(tables["entries"]),
        starters=starters(timed(tables["race_results"])),
        grid=timed(grid[grid["session"] == "R"]),
        qualifying=timed(qualifying[qualifying["session"] == "Q"]),
        standings=timed(tables["driver_standings"]),
        circuits=tables["circuits"],
        sprint_grid=timed(grid[grid["session"] == "S"]),
    )


def in_calendar_order(races: pd.DataFrame) -> pd.DataFrame:
    """Races that were not cancelled, first one first, with ``order``: the clock of ratings and features."""
    held = races[~races["is_cancelled"].astype("bool")].sort_values(["date", "race_key"], kind="stable")
    return held.reset_index(drop=True).assign(order=lambda frame: frame.index.astype("int64"))


def starters(results: pd.DataFrame) -> pd.DataFrame:
    """One row per driver that took the start, with ``finish`` 1..n, ``classified`` and ``retired``.

    Until 1964 drivers shared cars and have several rows in a race: the best one counts. Rows of a race
    stand in finishing order in the source; ``finish`` is an outcome and must not break ties elsewhere.
    """
    frame = results[started(results)].sort_values(["order", "display_order"], kind="stable")
    frame = frame.assign(points=frame.groupby(["race_key", "driver_id"])["points"].transform("sum"))
    frame = frame.drop_duplicates(["race_key", "driver_id"])
    return frame.assign(
        # A source states whole numbers with gaps, a database numbers with NaN. "Third or better" is unknown of a gap and
        # false of NaN, and who had retired once lost the podiums of his season.
        position=frame["position"].astype("float64"),
        finish=frame.groupby("race_key").cumcount() + 1,
        classified=frame["position"].notna(),
        retired=frame["position_text"].isin(RETIREMENT_CODES),
    ).reset_index(drop=True)
