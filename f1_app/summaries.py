"""Careers, duels and how races went, counted from rows of classifications. Pure: data frames in and out.

The rows are those of ``queries.drivers.results``, ``queries.teams.results`` and ``queries.circuits.cars``: a driver in
a car. In the 1950s a car could have several drivers and a driver several cars in one race, so everything here counts
races, or cars, and never rows.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from f1_pipeline.domain.classification import RETIREMENT_CODES, started

MINIMUM_ORDER = 3
"""Cars that an order needs to be compared with another: of two it is the same or reversed, and says nothing."""


def _one_a_race(cars: pd.DataFrame) -> pd.DataFrame:
    """One row a race, constructor and driver: his best place, all his points."""
    keys = ["race_key", "constructor_id", "driver_id"]
    rows = cars[started(cars) | cars["qualifying_position"].notna()]
    rows = rows.assign(started=started(rows))
    about = rows.drop_duplicates(keys)[[*keys, "season", "date", "race", "team", "code", "driver"]]
    values = rows.groupby(keys, sort=False).agg(
        position=("position", "min"),
        points=("points", "sum"),
        sprint_points=("sprint_points", "first"),
        qualifying=("qualifying_position", "min"),
        started=("started", "any"),
    )
    values["points"] = values["points"] + values.pop("sprint_points").fillna(0.0)
    return about.merge(values.reset_index(), on=keys)


def pairs(cars: pd.DataFrame) -> pd.DataFrame:
    """Team-mates of every race, each pair from both sides.

    Args:
        cars: Rows of one or more teams with qualifying and sprint (``queries.teams.results``).

    Returns:
        One row a race, driver and team-mate: ``season, date, race_key, race, constructor_id, team``; ``driver_id, code,
        driver, position, points`` (sprint included)``, qualifying, started`` and the same of the other with ``rival_`` before it.
        Team-mates are those of the same constructor in the race: of a make that private entries drove in the 1950s
        that is more than a team.
    """
    rows = _one_a_race(cars)
    about = ["driver_id", "code", "driver", "position", "points", "qualifying", "started"]
    other = rows[["race_key", "constructor_id", *about]].rename(
        columns={name: f"rival_{name}" for name in about}
    )
    both = rows.merge(other, on=["race_key", "constructor_id"])
    return both[both["driver_id"] != both["rival_driver_id"]].reset_index(drop=True)


DUEL_COLUMNS = (
    "races",
    "ahead",
    "behind",
    "level",
    "qualifying_ahead",
    "qualifying_behind",
    "points",
    "rival_points",
)


def head_to_heads(both: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    """Count pairs of team-mates by group, most races first.

    Args:
        both: Rows of ``pairs``.
        by: Columns that make a group, such as ``["rival_driver_id"]``.

    Returns:
        ``by``, ``first_season, last_season`` and ``DUEL_COLUMNS``: races that both started; who was ahead in those in which
        both were classified (``level``: in a car they shared), so that the three sum to them; the same of qualifying;
        points of both in the races that both started. Groups without such a race and qualifying are left out.
    """
    together = both["started"] & both["rival_started"]
    gap = both["rival_position"].astype("float64") - both["position"].astype("float64")
    faster = both["rival_qualifying"].astype("float64") - both["qualifying"].astype("float64")
    counted = both.assign(
        races=together,
        ahead=gap > 0,
        behind=gap < 0,
        level=gap == 0,
        qualifying_ahead=faster > 0,
        qualifying_behind=faster < 0,
        points=both["points"].where(together, 0.0),
        rival_points=both["rival_points"].where(together, 0.0),
    )
    grouped = counted.groupby(by, sort=True)
    table = grouped[list(DUEL_COLUMNS)].sum()
    table.insert(0, "first_season", grouped["season"].min())
    table.insert(1, "last_season", grouped["season"].max())
    met = table[["races", "qualifying_ahead", "qualifying_behind"]].sum(axis=1) > 0
    return (
        table[met]
        .reset_index()
        .sort_values(
            ["races", "last_season", *by], ascending=[False, False, *[True] * len(by)], ignore_index=True
        )
    )


RECORD_COLUMNS = (
    "starts",
    "wins",
    "podiums",
    "poles",
    "retirements",
    "points",
    "best",
    "mean_finish",
    "mean_grid",
)


def record(cars: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    """What a driver or a team achieved, by season, circuit, team or driver.

    Args:
        cars: Rows of one driver or one team (``queries.drivers.results``).
        by: Columns that make a group.

    Returns:
        ``by`` and ``RECORD_COLUMNS``: races started; races won; places on the podium; races started first on the grid; cars
        that retired (``DNF``, ``NC``); points, sprints included; best and mean place of classified cars; mean grid place.
        Somebody who had two cars on the podium was on it once for each.
    """
    rows = cars.assign(
        started=started(cars),
        retired=cars["position_text"].isin(RETIREMENT_CODES),
        won=cars["position"].eq(1).fillna(False),
        podium=cars["position"].le(3).fillna(False),
        pole=cars["grid_position"].eq(1).fillna(False),
    )
    grouped = rows.groupby(by, sort=True)

    def count(kind: str, *keys: str) -> pd.Series:
        chosen = rows[rows[kind].astype(bool)].drop_duplicates([*by, *keys])
        return chosen.groupby(by).size()

    # A sprint is in every row of its driver and race.
    sprints = rows.drop_duplicates([*by, "race_key", "driver_id"]).groupby(by)["sprint_points"].sum()
    grid = rows[rows["started"]].drop_duplicates(["race_key", "driver_id"]).groupby(by)["grid_position"]
    table = pd.DataFrame(index=grouped.size().index).assign(
        starts=count("started", "race_key"),
        wins=count("won", "race_key"),
        podiums=count("podium", "race_key", "position"),
        poles=count("pole", "race_key"),
        retirements=count("retired", "race_key", "car_number", "driver_id"),
        points=grouped["points"].sum() + sprints,
        best=grouped["position"].min(),
        mean_finish=grouped["position"].mean().astype("Float64"),
        mean_grid=grid.mean().astype("Float64"),
    )
    counts = ["starts", "wins", "podiums", "poles", "retirements"]
    table[counts] = table[counts].fillna(0).astype("int64")
    table[["mean_finish", "mean_grid"]] = table[["mean_finish", "mean_grid"]].astype("float64")
    return table[list(RECORD_COLUMNS)].reset_index()


def career(cars: pd.DataFrame) -> dict[str, float]:
    """The ``record`` of all rows together, as a mapping; empty where there is no row."""
    if cars.empty:
        return {}
    row = record(cars.assign(all=0), ["all"]).iloc[0]
    return {name: float(row[name]) for name in RECORD_COLUMNS}


RACE_COLUMNS = (
    "starters",
    "classified",
    "retired",
    "pole_won",
    "winner_grid",
    "rank_correlation",
    "mean_move",
    "best_climb",
)


def by_race(cars: pd.DataFrame) -> pd.DataFrame:
    """How each race went, seen from its grid.

    Args:
        cars: Rows of whole races with ``race_key, driver_id, shared_car, position, position_text, grid_position,
            grid_order`` (``queries.circuits.cars``).

    Returns:
        Indexed by ``race_key``: cars that started, were classified, retired; ``pole_won``: whoever was first on the starting
        grid won (empty where the grid is not known; 0 also if the first did not take the start); ``winner_grid``: place on the
        grid of the winner, of two who shared the car the better; ``rank_correlation``: Spearman's, of grid and finish;
        ``mean_move``: places between a car's rank on the grid and at the finish, mean without sign; ``best_climb``: most
        places gained. The last three are among classified cars only, so a place inherited from a car that retired is no
        overtake; a start from the pit lane ranks behind the grid.
    """
    races = pd.Index(cars["race_key"].drop_duplicates(), name="race_key")
    # One row a car: a driver who took a car over is marked, so it is the row of the one who started it.
    whole = cars[started(cars) & ~cars["shared_car"].astype(bool)]
    grouped = whole.assign(
        out=whole["position_text"].isin(RETIREMENT_CODES), done=whole["position"].notna()
    ).groupby("race_key")
    first = cars[cars["grid_position"].eq(1).fillna(False)]
    won = first["position"].eq(1).fillna(False).astype("float64").groupby(first["race_key"]).max()
    winners = cars[cars["position"].eq(1).fillna(False)]
    table = pd.DataFrame(index=races).assign(
        starters=grouped.size(),
        classified=grouped["done"].sum(),
        retired=grouped["out"].sum(),
        pole_won=won,
        winner_grid=winners.groupby("race_key")["grid_position"].min(),
    )
    table[["starters", "classified", "retired"]] = (
        table[["starters", "classified", "retired"]].fillna(0).astype("int64")
    )
    return table.join(_orders(whole))[list(RACE_COLUMNS)]


def _orders(whole: pd.DataFrame) -> pd.DataFrame:
    """Rank correlation, mean move and best climb of every race, among classified cars that were on the grid."""
    seen = whole[whole["position"].notna() & whole["grid_order"].notna()]
    # The pit lane is behind the grid, in the order of the source (which in one race names it before the last place).
    place = seen["grid_position"].fillna(10_000) + seen["grid_order"] / 1_000
    key = seen["race_key"]
    start = place.astype("float64").groupby(key).rank(method="first")
    finish = seen["position"].astype("float64").groupby(key).rank(method="first")
    cars = finish.groupby(key).size().astype("float64")
    squares = ((start - finish) ** 2).groupby(key).sum()
    return pd.DataFrame(
        {
            "rank_correlation": (1 - 6 * squares / (cars * (cars**2 - 1))).where(cars >= MINIMUM_ORDER),
            "mean_move": (start - finish).abs().groupby(key).mean(),
            "best_climb": (start - finish).groupby(key).max(),
        }
    )


@dataclass(frozen=True, slots=True)
class GridEffect:
    """How much the grid decided over some races; every share is empty (NaN) without a race that has it."""

    races: int
    rank_correlation: float
    pole_wins: int
    pole_races: int
    retired: int
    starters: int
    mean_move: float

    @property
    def pole_share(self) -> float:
        """Share of races that the first on the grid won."""
        return self.pole_wins / self.pole_races if self.pole_races else float("nan")

    @property
    def retirement_share(self) -> float:
        """Share of the cars that started and retired."""
        return self.retired / self.starters if self.starters else float("nan")


def grid_effect(races: pd.DataFrame) -> GridEffect:
    """Sum up rows of ``by_race``; means are over races, so that a race counts the same whatever its field."""
    return GridEffect(
        races=len(races),
        rank_correlation=float(races["rank_correlation"].mean()),
        pole_wins=int(races["pole_won"].sum()),
        pole_races=int(races["pole_won"].count()),
        retired=int(races["retired"].sum()),
        starters=int(races["starters"].sum()),
        mean_move=float(races["mean_move"].mean()),
    )


WINNER_PLACES = ("1st", "2nd", "3rd", "4th to 6th", "7th to 10th", "11th and below")


def winner_places(races: pd.DataFrame) -> pd.Series:
    """Races by the grid place of the winner (``WINNER_PLACES``); a start from the pit lane is in the last group."""
    grid = races.loc[races["pole_won"].notna(), "winner_grid"].astype("float64").fillna(10_000)
    groups = pd.cut(grid, [0, 1, 2, 3, 6, 10, np.inf], labels=list(WINNER_PLACES))
    return groups.value_counts().reindex(list(WINNER_PLACES)).astype("int64")


def spread_of_reasons(reasons: pd.DataFrame) -> pd.Series:
    """Standard deviation over the drivers of a race of what a group of features adds (log strength), mean over races.

    Args:
        reasons: Rows of ``queries.circuits.reasons``.
    """
    spread = (reasons["mean_square"] - reasons["mean"] ** 2).clip(lower=0) ** 0.5
    return spread.groupby(reasons["feature_group"]).mean().rename("spread")
