"""The update: look for a new state of the source, take in what changed, and do again what stands on it.

Every step is a Dagster run of some assets over some races on the shared instance, so that the Dagster UI shows the
same history whoever started it.
"""

from __future__ import annotations

import gc
import logging
from collections.abc import Sequence

from sqlalchemy import Engine, insert

from f1_pipeline import clock, weather
from f1_pipeline.automation.forgetting import forget_what_is_old
from f1_pipeline.automation.plan import KeyRange, Plan, key_ranges, make_plan
from f1_pipeline.automation.state import read_state
from f1_pipeline.domain.vocabulary import HORIZONS
from f1_pipeline.errors import SourceUnavailable
from f1_pipeline.runs import Report, Runs, Tell, UpdateEnded, UpdateFailed, forecast, open_runs
from f1_pipeline.settings import Settings
from f1_pipeline.snapshot import Snapshot, load, refresh, remembered
from f1_pipeline.stages import OBJECTS, Stage
from f1_pipeline.storage import reads, schema
from f1_pipeline.storage.decisions import stood_in
from f1_pipeline.storage.engine import get_engine, write_transaction
from f1_pipeline.storage.live import newest_marks
from f1_pipeline.storage.migrate import upgrade
from f1_pipeline.storage.upcoming import calendar_now, is_published
from f1_pipeline.turn import Turn, alone

logger = logging.getLogger(__name__)


def run_update(
    settings: Settings, tell: Tell = logger.info, retrain: bool = False, outer: str | None = None
) -> Report:
    """Bring everything up to date; ``tell`` receives a line per stage. Waits for another update that is running.

    ``retrain``: forecast the next race by models that are fitted anew, even if nothing is new.
    ``outer``: id of the Dagster run that this is the step of.

    Raises:
        F1Error: what kept it from finishing. Stages that were finished stay; the next update goes on there.
    """
    gc.set_threshold(OBJECTS, 10, 10)
    with alone(settings, tell, outer) as turn:
        return _update(settings, tell, retrain, turn)


def _update(settings: Settings, tell: Tell, retrain: bool, turn: Turn) -> Report:
    upgrade(settings.tables_url)
    engine = get_engine(settings.tables_url)
    snapshot = refresh(settings, reads.held_source(engine), newest_marks(engine))
    tell(f"source: {snapshot.source} {snapshot.release}" + (f" — {snapshot.note}" if snapshot.note else ""))
    report = Report(snapshot.source, snapshot.release, snapshot.note)
    known = reads.completed_digest(engine) == snapshot.digest
    plan = make_plan(read_state(engine, settings, None if known else load(snapshot)))
    if (retrain or not known or not plan.is_empty()) and _calendar_is_new(settings, engine, snapshot, tell):
        snapshot = refresh(settings, reads.held_source(engine), newest_marks(engine))
        known = reads.completed_digest(engine) == snapshot.digest
        plan = make_plan(read_state(engine, settings, None if known else load(snapshot)))
    if not known or not plan.is_empty():
        _carry_out(settings, engine, snapshot, known, plan, report, tell, turn)
    elif any(weather.due(settings, engine, clock.now())):
        with open_runs(report, tell, turn) as runs:
            _fetch_weather(settings, engine, runs, None)
    report.next_race = calendar_now(engine).upcoming
    if retrain and report.next_race is not None:
        with open_runs(report, tell, turn) as runs:
            _retrain(engine, runs, report.next_race)
    return report


def _calendar_is_new(settings: Settings, engine: Engine, snapshot: Snapshot, tell: Tell) -> bool:
    """Read the calendar of the season once more before anything is forecast: a start has moved within 24 hours.

    An extra: without an answer the starts that are known go on.
    """
    # Here, because it brings the contracts of the sources along, which the command line does not need.
    from f1_pipeline.automation.decisions import calendar_due
    from f1_pipeline.automation.watch import Watch
    from f1_pipeline.storage.polls import polls

    now = clock.now()
    if not settings.jolpica_enabled or not is_published(snapshot.release):
        return False
    read = polls(engine).get(f"{now.year} calendar")
    if not calendar_due(read.asked_at if read and read.asked else None, now, before_forecast=True):
        return False
    try:
        with Watch(settings, engine) as watch:
            outcome = watch.topic("calendar")
    except SourceUnavailable as error:
        tell(f"{error}; going on with the calendar as it is")
        return False
    if outcome.poll.answered_at != now:
        tell(f"{outcome}; going on with the calendar as it is")
    return bool(outcome.new)


def _retrain(engine: Engine, runs: Runs, race: str) -> None:
    span = KeyRange(race, race)
    stages: dict[str, list[Stage]] = {horizon: [] for horizon in HORIZONS}
    for horizon, due in stages.items():
        if horizon == "pre_weekend" and race in calendar_now(engine).closed:
            runs.tell(
                f"the cutoff before the weekend of {race} has passed: that forecast stays as it was made"
            )
        elif race in reads.race_keys_with(engine, schema.predictions, horizon=horizon):
            due.append(Stage(f"forecast_{horizon}", f"train anew and forecast, {horizon}", span, remake=True))
            runs.report.forecasts += 1
    runs.both(*stages.values())
    if runs.report.forecasts:
        runs.run("prune_models", "prune old model artefacts", None)


def _carry_out(
    settings: Settings,
    engine: Engine,
    snapshot: Snapshot,
    known: bool,
    plan: Plan,
    report: Report,
    tell: Tell,
    turn: Turn,
) -> None:
    bundle = None if known else load(snapshot)
    with open_runs(report, tell, turn) as runs:
        if plan.raw or all(plan.forecasts.get(horizon) for horizon in HORIZONS):
            runs.call_companion()  # a result is followed by forecasts of both horizons
        if bundle is not None:
            runs.run("read_source", "calendar and names", None)
            snapshot = remembered(settings)  # the run looked once more, and its assets see what it found
            bundle = load(snapshot)
            for note in bundle.notes:
                tell(note)
            plan = make_plan(read_state(engine, settings, bundle))
        report.changed_races = _count(plan.raw, engine)
        for span in plan.raw:
            runs.run("ingest_races", "ingest", span)
        _fetch_weather(settings, engine, runs, plan.derived)
        if plan.derived is not None:
            runs.run("rate_and_describe", "ratings and features", plan.derived)
        if plan.raw or plan.derived:
            # Grids and entries that were new are in the tables only now.
            plan = make_plan(read_state(engine, settings, None, derived=plan.derived))
        forecasts = {horizon: plan.forecasts.get(horizon, []) for horizon in HORIZONS}
        report.forecasts += sum(_count(spans, engine) for spans in forecasts.values())
        runs.both(*([forecast(horizon, span) for span in spans] for horizon, spans in forecasts.items()))
        for horizon, spans in forecasts.items():
            if said := _stood_in(engine, horizon, spans):
                tell(said)
        report.championships += _count(plan.championship, engine)
        runs.both(
            [Stage("forecast_sprints", "forecast the sprints", span) for span in plan.sprints],
            [
                Stage("forecast_championship", "forecast the championships", span)
                for span in plan.championship
            ],
        )
        for span in plan.scores:
            report.scores += _count([span], engine)
            runs.run("score", "score", span)
        if any(plan.forecasts.values()):
            runs.run("prune_models", "prune old model artefacts", None)
    turn.check()
    _complete(engine, snapshot)
    forget_what_is_old(engine, snapshot)


def _stood_in(engine: Engine, horizon: str, spans: Sequence[KeyRange]) -> str | None:
    """What there is to say of a forecast that was just made by the champions of before; None if none was."""
    upcoming = calendar_now(engine).upcoming
    if not spans or upcoming is None or horizon not in stood_in(engine, upcoming):
        return None
    return f"MLflow does not answer: {upcoming} is forecast, {horizon}, by the last champions; the next update tries again"


def _fetch_weather(settings: Settings, engine: Engine, runs: Runs, derived: KeyRange | None) -> None:
    """Weather of the next race, before its features are made, and of races that were run. Nothing stops without it.

    ``derived``: the range whose features are about to be made. If the next race is in none, its features are made
    here; its forecast stays, since no model reads them.
    """
    race, past = weather.due(settings, engine, clock.now())
    calendar = reads.calendar(engine)
    keys = calendar.loc[~calendar["is_cancelled"], "race_key"].tolist()
    wanted = [*past, *([] if race is None else [race])]
    if not wanted:
        return
    before = reads.row_counts(engine)[schema.weather_forecasts.name]
    try:
        for span in key_ranges(wanted, keys):
            runs.run("fetch_weather", "weather", span)
    except UpdateEnded:
        raise
    except UpdateFailed as error:
        runs.tell(f"{error}; going on without weather")
        return
    if race is not None and reads.row_counts(engine)[schema.weather_forecasts.name] > before:
        runs.report.weather = race
        if derived is None:
            runs.run("rate_and_describe", "features with the new weather", KeyRange(race, race))


def _count(spans: Sequence[KeyRange], engine: Engine) -> int:
    calendar = reads.calendar(engine)
    keys = calendar.loc[~calendar["is_cancelled"], "race_key"].tolist()
    place = {key: index for index, key in enumerate(keys)}
    return sum(place[span.end] - place[span.start] + 1 for span in spans)


def _complete(engine: Engine, snapshot: Snapshot) -> None:
    with write_transaction(engine) as connection:
        connection.execute(
            insert(schema.data_loads),
            [
                {
                    "table_name": reads.COMPLETED,
                    "race_key": None,
                    "source": snapshot.source,
                    "release": snapshot.release,
                    "content_hash": snapshot.digest,
                    "row_count": 0,
                    "loaded_at": clock.now(),
                    "message": snapshot.note,
                }
            ],
        )
