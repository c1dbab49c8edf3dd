"""Published standings against those that the results make (fault 5: standings labelled with the next round).

Points only: sources break ties between drivers without points in their own ways. From 1950 to 2026 the points of F1DB's standings
after a race agree with its results after all races but 16, 13 of them of a team that was excluded or sold later in the season.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import pandas as pd

from f1_pipeline.domain import championship_rules as rules
from f1_pipeline.forecasting.standings import season_scores, total_points

_RACES_IN_FULL = 24
"""Up to so many races each is checked; of more, the last one of each season: 12 ms a race are half a minute for history."""

Points = dict[str, float]


def standings_faults(
    kind: str, published: pd.DataFrame, tables: Mapping[str, pd.DataFrame], keys: Collection[str]
) -> list[tuple[str, str]]:
    """(race, what is wrong) for races whose published points are not those of the results so far.

    Args:
        kind: ``driver`` or ``constructor``.
        published: rows of the standings table.
        tables: ``races``, ``entries``, ``race_results`` and ``sprint_results`` of the same state.
        keys: races to look at.
    """
    calendar = tables["races"][~tables["races"]["is_cancelled"].astype("bool")]
    calendar = calendar.sort_values(["date", "race_key"])
    finished = set(tables["race_results"]["race_key"])
    by_race = {str(key): rows for key, rows in published.groupby("race_key")}
    faults: list[tuple[str, str]] = []
    for season, races in calendar.groupby("season"):
        order = [str(key) for key in races["race_key"]]
        wanted = [key for key in order if key in keys and (key in finished or key in by_race)]
        if len(keys) > _RACES_IN_FULL:
            ended = [key for key in wanted if key in finished][-1:]
            wanted = ended + [key for key in wanted if key not in finished]
        if not wanted:
            continue
        made = _Season(int(str(season)), kind, order, tables)
        for key in wanted:
            rows = by_race.get(key)
            if rows is None:
                if kind == "driver" or int(str(season)) >= rules.CONSTRUCTORS_FROM:
                    faults.append((key, f"no {kind} standings are published after a race that has a result"))
            else:
                text = made.fault(key, rows, key in finished)
                if text is not None:
                    faults.append((key, text))
    return faults


class _Season:
    """Points of a season after each of its races."""

    def __init__(self, season: int, kind: str, order: list[str], tables: Mapping[str, pd.DataFrame]) -> None:
        self.season, self.kind, self.order = season, kind, order
        self.results, self.sprints = (
            frame[frame["race_key"].isin(order)].assign(season=season)
            for frame in (tables["race_results"], tables["sprint_results"])
        )
        self.raced = [key for key in order if key in set(self.results["race_key"])]
        engines = tables["entries"].drop_duplicates(["race_key", "driver_id"])
        self.engine = engines.set_index(["race_key", "driver_id"])["engine_id"]

    def fault(self, key: str, rows: pd.DataFrame, finished: bool) -> str | None:
        by_engine = self.kind == "constructor" and bool(rows["engine_id"].notna().any())
        published = dict(zip(self._names(rows, by_engine), rows["points"].astype(float), strict=True))
        place = self.order.index(key)
        earlier = [race for race in self.raced if self.order.index(race) < place]
        last = earlier[-1] if earlier else None
        stale = last is not None and _difference(published, self.after(last, by_engine)) is None
        if not finished:
            label = f": they are those after {last}, labelled with the next round" if stale else ""
            return f"{self.kind} standings of a race that has no result{label}"
        difference = _difference(published, self.after(key, by_engine))
        if difference is not None and stale:
            return f"{difference}; the standings are those after {last}, before this race"
        return difference

    def after(self, key: str, by_engine: bool) -> Points:
        """Points after a race, by entity."""
        place = self.order.index(key) + 1
        before = self.order[place] if place < len(self.order) else None
        races, sprints = (
            frame.assign(entity_id=self._of_results(frame, by_engine))
            for frame in (self.results, self.sprints)
        )
        scores = season_scores(races, sprints, self.order, self.kind, before)
        points = total_points(scores, self.season, self.kind)
        return dict(zip(scores.entities, points.tolist(), strict=True))

    def _names(self, rows: pd.DataFrame, by_engine: bool) -> list[str]:
        names = rows[f"{self.kind}_id"].astype(str)
        return (names + "/" + rows["engine_id"].astype(str)).tolist() if by_engine else names.tolist()

    def _of_results(self, rows: pd.DataFrame, by_engine: bool) -> list[str]:
        if not by_engine:
            return self._names(rows, by_engine=False)
        index = pd.MultiIndex.from_frame(rows[["race_key", "driver_id"]])
        return self._names(rows.assign(engine_id=self.engine.reindex(index).to_numpy()), by_engine=True)


def _difference(published: Points, made: Points) -> str | None:
    """The first difference in points as a text; who is in one only has no points in the other."""
    for name in [*published, *(name for name in made if name not in published)]:
        said, computed = published.get(name, 0.0), made.get(name, 0.0)
        if abs(said - computed) > 1e-6:
            return f"{name} is published with {said:g} points, the results make {computed:g}"
    return None
