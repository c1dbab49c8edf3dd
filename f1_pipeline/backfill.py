"""Materialise the derived assets of a range of seasons, whatever exists already."""

from __future__ import annotations

import logging

from f1_pipeline.automation.plan import KeyRange
from f1_pipeline.automation.state import read_state
from f1_pipeline.domain.vocabulary import HORIZONS
from f1_pipeline.errors import NotReady
from f1_pipeline.settings import Settings
from f1_pipeline.storage import reads, schema
from f1_pipeline.storage.engine import get_engine
from f1_pipeline.storage.migrate import upgrade
from f1_pipeline.storage.upcoming import calendar_now
from f1_pipeline.update import Report, Runs, Tell

logger = logging.getLogger(__name__)


def run_backfill(
    settings: Settings, start: int, end: int, remake: bool = False, tell: Tell = logger.info
) -> Report:
    """Ratings, features, forecasts and scores of the seasons ``start`` to ``end``.

    Forecasts of finished races that exist are kept unless ``remake``. Interrupted, it can be started again: what
    is there is not made twice.

    Raises:
        NotReady: the tables hold no race of these seasons.
        F1Error: a run failed.
    """
    from f1_pipeline.dagster_instance import get_instance
    from f1_pipeline.dagster_store.abandoned import fail_abandoned_runs

    upgrade(settings.tables_url)
    engine = get_engine(settings.tables_url)
    calendar = reads.calendar(engine)
    calendar = calendar[~calendar["is_cancelled"]]
    span = _span(calendar[calendar["season"].between(start, end)]["race_key"].tolist(), start, end)
    report = Report(reads.held_source(engine) or "", reads.newest_release(engine), None)
    with get_instance() as instance:
        fail_abandoned_runs(instance)
        runs = Runs(instance, report, tell)
        runs.run("rate_and_describe", "ratings and features", span)
        forecast_from = read_state(engine, settings, None).forecast_from
        keys = calendar["race_key"].tolist()
        finished = set(calendar.loc[calendar["finished"], "race_key"])
        due = {*finished, calendar_now(engine).upcoming}
        for horizon in HORIZONS:
            ready = reads.race_keys_with(engine, schema.feature_matrix, horizon=horizon)
            first = keys.index(forecast_from) if forecast_from else len(keys)
            wanted = [
                key for key in keys[first:] if key in ready and start <= int(key[:4]) <= end and key in due
            ]
            if wanted:
                reach = KeyRange(wanted[0], wanted[-1])
                runs.run(f"forecast_{horizon}", f"train and forecast, {horizon}", reach, remake=remake)
                report.forecasts += len(wanted)
        rated = reads.race_keys_with(engine, schema.joint_ratings)
        first = keys.index(forecast_from) if forecast_from else len(keys)
        wanted = [key for key in keys[first:] if key in rated and start <= int(key[:4]) <= end and key in due]
        if wanted:
            reach = KeyRange(wanted[0], wanted[-1])
            runs.run("forecast_sprints", "forecast the sprints", reach, remake=remake)
            runs.run("forecast_championship", "forecast the championships", reach, remake=remake)
            report.championships = len(wanted)
        if report.forecasts:
            runs.run("score", "score", span)
            runs.run("prune_models", "prune old model artefacts", None)
    return report


def _span(keys: list[str], start: int, end: int) -> KeyRange:
    if not keys:
        raise NotReady(f"there are no races of {start} to {end} in the tables: run `f1 update` first")
    return KeyRange(keys[0], keys[-1])
