"""What a championship forecast stands on, taken from the tables as of a race."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from f1_pipeline.domain import championship_rules as rules
from f1_pipeline.errors import NotReady
from f1_pipeline.forecasting.championship import Situation, line_up, races_to_come
from f1_pipeline.forecasting.history import starters
from f1_pipeline.forecasting.retirement_rates import retirement_rates
from f1_pipeline.forecasting.standings import season_scores


@dataclass(frozen=True)
class ChampionshipInputs:
    """``races``: the calendar in order, with ``order``, cancelled races left out; ``results`` and ``sprints``: rows
    with ``season`` and ``order``; ``starters`` of the results; ``ratings``: joint ratings before the weekend."""

    races: pd.DataFrame
    results: pd.DataFrame
    sprints: pd.DataFrame
    starters: pd.DataFrame
    ratings: pd.DataFrame

    def situation(self, race_key: str) -> Situation:
        """The season as it stood before a race.

        The line-up of the race drives to the end of the season. Races to come are those of the stored calendar: for
        a season of the past these are the races that were held, which were not all known at the time (2020).

        Raises:
            NotReady: the race has no ratings, because it has no entries or they were not rated yet.
        """
        race = self.races[self.races["race_key"] == race_key].iloc[0]
        season, order = int(race["season"]), int(race["order"])
        ratings = self.ratings[self.ratings["race_key"] == race_key]
        if ratings.empty:
            raise NotReady(f"no joint rating of {race_key}: materialise `ratings/joint` first")
        calendar = self.races[self.races["season"] == season]
        results = self.results[self.results["season"] == season]
        sprints = self.sprints[self.sprints["season"] == season]
        scores = {
            kind: season_scores(
                results.assign(entity_id=results[f"{kind}_id"]),
                sprints.assign(entity_id=sprints[f"{kind}_id"]),
                calendar["race_key"].tolist(),
                kind,
                race_key,
            )
            for kind in rules.KINDS
        }
        lined_up = line_up(ratings)
        teams = pd.Series([lined_up.constructors[index] for index in lined_up.team])
        return Situation(
            race_key=race_key,
            season=season,
            scores=scores,
            to_come=races_to_come(calendar[calendar["order"] >= order]),
            line_up=lined_up,
            retirement=retirement_rates(self.starters, order, teams),
        )


def championship_inputs(
    races: pd.DataFrame, results: pd.DataFrame, sprints: pd.DataFrame, ratings: pd.DataFrame
) -> ChampionshipInputs:
    """Put stored tables together.

    Args:
        races: ``History.races``: in calendar order with ``race_key, season, order``.
        results, sprints: rows of ``race_results`` and ``sprint_results``.
        ratings: rows of ``joint_ratings``.
    """
    clock = races[["race_key", "season", "order"]]
    timed = results.merge(clock, on="race_key", how="inner", validate="many_to_one")
    return ChampionshipInputs(
        races=races,
        results=timed,
        sprints=sprints.merge(clock, on="race_key", how="inner", validate="many_to_one"),
        starters=starters(timed),
        ratings=ratings[ratings["horizon"] == "pre_weekend"],
    )
