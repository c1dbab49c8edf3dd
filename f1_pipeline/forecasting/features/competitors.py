"""Features of the driver and of the constructor, from the races before.

Each function takes the rows to describe (``order, race_key, season, driver_id, constructor_id``) and the
history, and returns columns aligned with the rows. All races are computed at once.
"""

from __future__ import annotations

import pandas as pd

from f1_pipeline.domain.classification import RETIREMENT_CODES
from f1_pipeline.domain.lineage import FORGOTTEN_SEASONS
from f1_pipeline.forecasting.asof import last_before
from f1_pipeline.forecasting.history import History

RECENT_RACES = 5
"""Races of recent form: the design asks for five."""
RELIABILITY_RACES = 10
"""Races over which retirements are counted: ten, because they are rare (one start in seven since 2014)."""


def driver_form(rows: pd.DataFrame, history: History) -> pd.DataFrame:
    """``recent_avg_finish``, ``recent_points`` (5 starts), ``dnf_rate`` (10 starts) of the driver."""
    starts = history.starters.sort_values("order", kind="stable")
    retired = starts["position_text"].isin(RETIREMENT_CODES).astype(float)
    by = starts["driver_id"]
    known = starts[["order", "driver_id"]].assign(
        recent_avg_finish=_rolling(starts["finish"], by, RECENT_RACES, "mean"),
        recent_points=_rolling(starts["points"], by, RECENT_RACES, "sum"),
        dnf_rate=_rolling(retired, by, RELIABILITY_RACES, "mean"),
    )
    return last_before(rows, known, ["driver_id"], ["recent_avg_finish", "recent_points", "dnf_rate"])


def driver_grid(rows: pd.DataFrame, history: History) -> pd.DataFrame:
    """``avg_grid_position``: mean place on the last five starting grids; the pit lane is the last place."""
    grid = grid_places(history).sort_values("order", kind="stable")
    known = grid[["order", "driver_id"]].assign(
        avg_grid_position=_rolling(grid["grid_position"], grid["driver_id"], RECENT_RACES, "mean")
    )
    return last_before(rows, known, ["driver_id"], ["avg_grid_position"])


def driver_season(rows: pd.DataFrame, history: History) -> pd.DataFrame:
    """``wins_this_season``, ``podiums_this_season`` of the driver before the race."""
    starts = history.starters
    flags = starts[["order", "season", "driver_id"]].assign(
        wins_this_season=(starts["position"] == 1).astype(float),
        podiums_this_season=(starts["position"] <= 3).astype(float),
    )
    return _season_totals(rows, flags, "driver_id")


def constructor_season(rows: pd.DataFrame, history: History) -> pd.DataFrame:
    """``constructor_wins_this_season`` and ``avg_points_per_race`` (this season) of the constructor."""
    starts = history.starters
    races = starts.assign(
        constructor_wins_this_season=(starts["position"] == 1).astype(float),
        avg_points_per_race=starts["points"],
    )
    columns = ["constructor_wins_this_season", "avg_points_per_race"]
    totals = races.groupby(["order", "season", "constructor_id"])[columns].sum().reset_index()
    totals = totals.sort_values("order", kind="stable")
    by_team = totals.groupby(["season", "constructor_id"])
    known = totals[["order", "season", "constructor_id"]].assign(
        constructor_wins_this_season=by_team["constructor_wins_this_season"].cumsum(),
        avg_points_per_race=by_team["avg_points_per_race"].cumsum() / (by_team.cumcount() + 1),
    )
    return last_before(rows, known, ["season", "constructor_id"], columns, fill=0.0)


def constructor_reliability(rows: pd.DataFrame, history: History) -> pd.DataFrame:
    """``reliability_score``: share of the constructor's cars that were not retired in its last ten races.

    Those of a namesake that raced more than ``FORGOTTEN_SEASONS`` before are not its own.
    """
    starts = history.starters
    finished = starts.assign(finished=(~starts["position_text"].isin(RETIREMENT_CODES)).astype(float))
    races = finished.groupby(["order", "season", "constructor_id"])[["finished"]].mean().reset_index()
    races = races.sort_values("order", kind="stable")
    seasons = races.groupby("constructor_id")["season"]
    comeback = ((races["season"] - seasons.shift()).fillna(0) > FORGOTTEN_SEASONS).astype("int64")
    career = races["constructor_id"] + "/" + comeback.groupby(races["constructor_id"]).cumsum().astype(str)
    known = races[["order", "season", "constructor_id"]].assign(
        reliability_score=_rolling(races["finished"], career, RELIABILITY_RACES, "mean")
    )
    return _while_current(rows, known, "constructor_id", "reliability_score", FORGOTTEN_SEASONS)


def ratings_before(rows: pd.DataFrame, elo: pd.DataFrame) -> pd.DataFrame:
    """``current_elo`` and ``constructor_elo``: the rating series, which state the value before the race."""

    def value(kind: str) -> pd.Series:
        series = elo.loc[elo["kind"] == kind].set_index(["race_key", "entity_id"])["value_before"]
        index = pd.MultiIndex.from_frame(rows[["race_key", f"{kind}_id"]])
        return pd.Series(series.reindex(index).to_numpy(), index=rows.index)

    return pd.DataFrame({"current_elo": value("driver"), "constructor_elo": value("constructor")})


def joint_before(rows: pd.DataFrame, joint: pd.DataFrame, horizon: str) -> pd.DataFrame:
    """The joint rating at the horizon: its mean and standard deviation, and the means of team and driver.

    Where a race had no session before it but practice, the rating before the weekend stands.
    """
    columns = {
        "mean": "joint_rating",
        "sd": "joint_rating_sd",
        "own_sd": "joint_rating_own_sd",
        "team_mean": "team_rating",
        "driver_mean": "driver_rating",
    }
    keys = ["race_key", "driver_id"]
    index = pd.MultiIndex.from_frame(rows[keys])

    def at(moment: str) -> pd.DataFrame:
        values = joint[joint["horizon"] == moment].set_index(keys)[list(columns)].rename(columns=columns)
        return values.reindex(index).set_axis(rows.index)

    before = at("pre_weekend")
    return before if horizon == "pre_weekend" else at("pre_race").fillna(before)


def championship_place(rows: pd.DataFrame, history: History) -> pd.DataFrame:
    """``championship_position``: the driver's place in the standings after the previous round.

    Who has no place in them yet has the final one of the season before: in the first race everybody, since "nobody
    has points" would tell a model nothing of a champion, and after it those whom the source leaves out until they are
    classified (read strictly, as missing, it was .011 nats worse for the frequencies of places). Older places say nothing:
    one of 2010 stood at a comeback in 2019.
    """
    known = history.standings[["order", "season", "driver_id", "position"]].rename(
        columns={"position": "championship_position"}
    )
    return _while_current(rows, known, "driver_id", "championship_position", 1)


def grid_places(history: History) -> pd.DataFrame:
    """Starting grid; the pit lane counts as the last place of all cars, for each that starts from it."""
    grid = history.grid
    return grid.assign(
        starts_from_pit_lane=(grid["position_text"] == "PL").astype(float),
        grid_position=grid["position"]
        .astype("float64")
        .fillna(grid.groupby("race_key")["race_key"].transform("size")),
    )


def _while_current(
    rows: pd.DataFrame, known: pd.DataFrame, who: str, column: str, seasons: int
) -> pd.DataFrame:
    """The newest value before each row, missing where it is of more than ``seasons`` before."""
    found = last_before(rows, known.rename(columns={"season": "of_season"}), [who], [column, "of_season"])
    return found[[column]].where((rows["season"] - found["of_season"] <= seasons).fillna(value=False))


def _rolling(values: pd.Series, by: pd.Series, window: int, how: str) -> pd.Series:
    """Rolling statistic over the last ``window`` rows of each group, its own row included."""
    groups = values.astype("float64").groupby(by.to_numpy()).rolling(window, min_periods=1)
    return groups.agg(how).droplevel(0).reindex(values.index)


def _season_totals(rows: pd.DataFrame, flags: pd.DataFrame, who: str) -> pd.DataFrame:
    columns = [name for name in flags.columns if name not in ("order", "season", who)]
    flags = flags.sort_values("order", kind="stable")
    known = flags.assign(**{name: flags.groupby(["season", who])[name].cumsum() for name in columns})
    return last_before(rows, known, ["season", who], columns, fill=0.0)
