"""What exists, as ``make_plan`` wants to know it: read from the tables, and compared with what the source says."""

from __future__ import annotations

from datetime import datetime

import pandas as pd
from sqlalchemy import Engine

from f1_pipeline.automation.plan import KeyRange, State
from f1_pipeline.domain.vocabulary import HORIZONS, SPRINT_HORIZONS
from f1_pipeline.forecasting.features.calendar_marks import CALENDAR_ATTRIBUTES
from f1_pipeline.settings import Settings
from f1_pipeline.sources.bundle import SourceBundle
from f1_pipeline.storage import market, reads, schema
from f1_pipeline.storage.decisions import superseded_forecasts
from f1_pipeline.storage.marks import outdated_races
from f1_pipeline.storage.upcoming import calendar_now

_FIRST_SEASONS = 2
"""Seasons that must lie before the first forecast: a model needs something to learn from."""


def read_state(
    engine: Engine,
    settings: Settings,
    bundle: SourceBundle | None,
    derived: KeyRange | None = None,
    now: datetime | None = None,
) -> State:
    """What exists, for ``make_plan``.

    With ``bundle``, races whose source rows differ from the tables count as changed. ``derived`` is the range that
    this update has just rated and described: the next race in it is to be forecast again. An update that was
    interrupted after it took races or the calendar in left their ratings and features behind: those races count as
    stale. ``now``: see ``calendar_now``.
    """
    calendar = reads.calendar(engine)
    held = calendar.loc[~calendar["is_cancelled"]]
    present = calendar_now(engine, calendar, now)
    changed: set[str] = set()
    if bundle is not None:
        changed = changed_races(engine, bundle, calendar)
    upcoming = present.upcoming
    closed = present.closed
    # A promotion, too, makes the forecast of the next race one of yesterday.
    superseded = superseded_forecasts(engine, upcoming, upcoming in closed) if upcoming else set()

    def again(horizon: str, is_superseded: bool) -> set[str]:
        is_new = derived is not None and not (horizon == "pre_weekend" and upcoming in closed)
        return {upcoming} if upcoming is not None and (is_new or is_superseded) else set()

    forecast_from = _forecast_from(held, settings)
    forecast = {
        horizon: reads.race_keys_with(engine, schema.predictions, horizon=horizon)
        - again(horizon, horizon in superseded)
        - reads.races_without_views(engine, horizon)
        for horizon in HORIZONS
    }
    scored = reads.scored_hashes(engine)
    finished = present.finished
    return State(
        calendar=present.keys,
        finished=finished,
        has_grid=set(held.loc[held["has_grid"], "race_key"]),
        has_entries=reads.race_keys_with(engine, schema.entries),
        forecast_from=forecast_from,
        changed=changed,
        featured={
            horizon: reads.race_keys_with(engine, schema.feature_matrix, horizon=horizon)
            for horizon in HORIZONS
        },
        rated=reads.race_keys_with(engine, schema.elo_ratings, kind="driver")
        & reads.race_keys_with(engine, schema.elo_ratings, kind="constructor")
        & reads.race_keys_with(engine, schema.joint_ratings),
        forecast=forecast,
        championship=reads.race_keys_with(engine, schema.championship_forecasts)
        - again("pre_weekend", False),
        closed=closed,
        sprint_ready=_sprints_ready(engine, held),
        sprint_forecast={
            horizon: reads.race_keys_with(engine, schema.sprint_predictions, horizon=horizon)
            - again(horizon, bool(superseded) and not (horizon == "pre_weekend" and upcoming in closed))
            for horizon in SPRINT_HORIZONS
        },
        sprints_unscored=_sprints_unscored(engine, finished),
        scored={(race, horizon): digest for race, horizon, digest in scored.itertuples(index=False)},
        result_hashes=reads.stored_hashes(engine, "race_results", finished),
        stale={*outdated_races(engine), *reads.pending_races(engine)},
        repriced=market.repriced_races(engine),
        begun=present.begun,
        starts=present.starts,
        now=present.now,
    )


def changed_races(engine: Engine, bundle: SourceBundle, calendar: pd.DataFrame) -> set[str]:
    """Races whose rows in any source table, or whose place in the calendar, differ from what is stored."""
    changed: set[str] = set()
    for table in schema.RACE_TABLES:
        new = bundle.race_hashes(table)
        stored = reads.stored_hashes(engine, table, [*new, *calendar["race_key"]])
        changed |= {key for key in {*new, *stored} if new.get(key, "") != stored.get(key, "")}
    return changed | moved_races(bundle, calendar)


def moved_races(bundle: SourceBundle, calendar: pd.DataFrame) -> set[str]:
    """Races whose place in the calendar, or whose layout, differs from what is stored."""
    new = bundle.tables["races"].set_index("race_key")[CALENDAR_ATTRIBUTES]
    old = calendar.set_index("race_key")[CALENDAR_ATTRIBUTES].astype(new.dtypes.to_dict())
    both = new.index.intersection(old.index)
    # As text, and missing as "": missing values differ from each other.
    differ = new.loc[both].astype(str).fillna("") != old.loc[both].astype(str).fillna("")
    return set(both[differ.any(axis=1)])


def _sprints_unscored(engine: Engine, finished: set[str]) -> set[str]:
    """Finished races with a forecast of a sprint that somebody won, but no score against that result."""
    forecast = reads.race_keys_with(engine, schema.sprint_predictions) & finished
    forecast &= reads.race_keys_with(engine, schema.sprint_results, position=1)
    scored = reads.sprint_hashes(engine)
    hashes = reads.stored_hashes(engine, "sprint_results", forecast)
    return {key for key in forecast if scored.get(key) != hashes.get(key, "")}


def _sprints_ready(engine: Engine, held: pd.DataFrame) -> dict[str, set[str]]:
    weekends = set(held.loc[held["is_sprint_weekend"].astype("bool"), "race_key"])
    # No model of that time knows a sprint; `f1 backfill --remake` makes both anew. The next race gets new models.
    finished = set(held.loc[held["finished"], "race_key"])
    weekends -= reads.races_of_older_forecasts(engine) & finished
    # A grid without the session that made it: the forecast would not have seen what it says it has, and would stay for good.
    rated = reads.race_keys_with(engine, schema.joint_ratings, horizon="pre_sprint")
    return {
        "pre_weekend": weekends & reads.race_keys_with(engine, schema.feature_matrix, horizon="pre_weekend"),
        "pre_sprint": weekends & rated & reads.race_keys_with(engine, schema.starting_grid, session="S"),
    }


def _forecast_from(held: pd.DataFrame, settings: Settings) -> str | None:
    if held.empty:
        return None
    first = max(settings.forecast_from_season, int(held["season"].min()) + _FIRST_SEASONS)
    later = held[held["season"] >= first]
    return None if later.empty else str(later["race_key"].iloc[0])
