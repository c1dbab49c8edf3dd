"""Materialise the derived assets of a range of seasons, whatever exists already: season by season, and to be gone on with.

History takes minutes, and a laptop is closed in between. Without ``remake`` the tables say which seasons are done. With it nothing
in them shows whether a forecast is of this run, so finished seasons are marked in a file, together with a fingerprint of code,
settings and data: what another code has made, or made from other data, is not done.
"""

from __future__ import annotations

import hashlib
import json
import logging
import time
from pathlib import Path
from uuid import uuid4

from sqlalchemy import Engine

from f1_pipeline.automation.plan import KeyRange
from f1_pipeline.automation.state import read_state
from f1_pipeline.domain.vocabulary import HORIZONS
from f1_pipeline.errors import NotReady
from f1_pipeline.runs import Report, Runs, Tell, forecast, open_runs
from f1_pipeline.settings import Settings
from f1_pipeline.stages import Stage
from f1_pipeline.storage import reads, schema
from f1_pipeline.storage.engine import get_engine
from f1_pipeline.storage.migrate import upgrade
from f1_pipeline.storage.upcoming import calendar_now
from f1_pipeline.turn import Turn, alone

logger = logging.getLogger(__name__)
_MARKS = "backfill.json"
_RESULTS_DEPEND_ON = {
    *(
        "forecast_from_season",
        "train_from_season",
        "retrain_recent",
        "retrain_recent_seasons",
        "retrain_before",
    ),
    *("draws", "seed"),
}


def run_backfill(
    settings: Settings, start: int, end: int, remake: bool = False, tell: Tell = logger.info
) -> Report:
    """Ratings, features, forecasts and scores of the seasons ``start`` to ``end``.

    Forecasts of finished races that exist are kept unless ``remake``. Interrupted, it goes on where it was when it is started
    again with the same seasons. Waits for an update that is running.

    Raises:
        NotReady: the tables hold no race of these seasons.
        F1Error: a run failed; the seasons before it stay done.
    """
    with alone(settings, tell) as turn:
        return _backfill(settings, start, end, remake, tell, turn)


def _backfill(settings: Settings, start: int, end: int, remake: bool, tell: Tell, turn: Turn) -> Report:
    upgrade(settings.tables_url)
    engine = get_engine(settings.tables_url)
    calendar = reads.calendar(engine)
    calendar = calendar[~calendar["is_cancelled"]]
    held = calendar[calendar["season"].between(start, end)]
    span = _span(held["race_key"].tolist(), start, end)
    report = Report(reads.held_source(engine) or "", reads.newest_release(engine), None)
    with open_runs(report, tell, turn) as runs:
        runs.run("rate_and_describe", "ratings and features", span)
        forecast_from = read_state(engine, settings, None).forecast_from
        keys = calendar["race_key"].tolist()
        first = keys.index(forecast_from) if forecast_from else len(keys)
        finished = set(calendar.loc[calendar["finished"], "race_key"])
        due = {*finished, calendar_now(engine).upcoming}
        chunks = {
            season: wanted
            for season in sorted(map(int, held["season"].unique()))
            if (wanted := [key for key in keys[first:] if key in due and key.startswith(f"{season}-")])
        }
        marks = _Marks(settings, engine, start, end) if remake else None
        done = marks.done() & set(chunks) if marks else set()
        if done:
            tell(f"going on with what was interrupted: {len(done)} of {len(chunks)} seasons are done")
        progress = _Progress(len(chunks), len(done))
        for season, wanted in chunks.items():
            if season in done:
                continue
            _season(engine, runs, wanted, remake)
            if marks:
                marks.add(season)
            tell(progress.after_one_more())
        if chunks:
            runs.run("prune_models", "prune old model artefacts", None)
        if marks:
            marks.clear()
    return report


def _season(engine: Engine, runs: Runs, wanted: list[str], remake: bool) -> None:
    """Forecasts and scores of some races of one season."""
    stages: dict[str, list[Stage]] = {horizon: [] for horizon in HORIZONS}
    for horizon, due in stages.items():
        ready = reads.race_keys_with(engine, schema.feature_matrix, horizon=horizon)
        races = [key for key in wanted if key in ready]
        present = reads.race_keys_with(engine, schema.predictions, horizon=horizon)
        present -= reads.races_without_views(engine, horizon)
        if races and (remake or not set(races) <= present):
            due.append(forecast(horizon, KeyRange(races[0], races[-1]), remake))
        runs.report.forecasts += len(races)
    runs.both(*stages.values())
    rated = reads.race_keys_with(engine, schema.joint_ratings)
    races = [key for key in wanted if key in rated]
    if races:
        reach = KeyRange(races[0], races[-1])
        present = reads.race_keys_with(engine, schema.championship_forecasts)
        made = not remake and set(races) <= present
        championship = Stage("forecast_championship", "forecast the championships", reach, remake)
        sprints = Stage("forecast_sprints", "forecast the sprints", reach, remake)
        runs.both([sprints], [] if made else [championship])
        runs.report.championships += len(races)
        runs.run("score", "score", reach)


class _Progress:
    """How far it is, and how long it will take if every season takes as long as those so far."""

    def __init__(self, seasons: int, done: int) -> None:
        self._seasons, self._done, self._made = seasons, done, 0
        self._began = time.monotonic()

    def after_one_more(self) -> str:
        """``3 of 13 seasons, about 4 min left``."""
        self._made += 1
        self._done += 1
        left = self._seasons - self._done
        seconds = (time.monotonic() - self._began) / self._made * left
        return f"{self._done} of {self._seasons} seasons, {time_left(seconds) if left else 'done'}"


def time_left(seconds: float) -> str:
    """``about 4 min left``, in the words of somebody who waits."""
    if seconds < 90:
        return f"about {max(round(seconds / 10) * 10, 10)} s left"
    if seconds < 90 * 60:
        return f"about {round(seconds / 60)} min left"
    return f"about {seconds / 3600:.1f} h left"


class _Marks:
    """The seasons that an interrupted remake has finished, in a file of ``F1_HOME``."""

    def __init__(self, settings: Settings, engine: Engine, start: int, end: int) -> None:
        self._file = settings.home / _MARKS
        self._what = {"start": start, "end": end, "of": _fingerprint(settings, engine)}
        self._done: set[int] = set()

    def done(self) -> set[int]:
        """Seasons finished by the same code, settings and range of seasons, from the same data."""
        try:
            found = json.loads(self._file.read_text(encoding="utf-8"))
            same = {name: found[name] for name in self._what} == self._what
            self._done = set(map(int, found["done"])) if same else set()
        except (FileNotFoundError, ValueError, KeyError, TypeError):  # none, cut short, or of another version
            self._done = set()
        return set(self._done)

    def add(self, season: int) -> None:
        """Mark a season; the write is atomic (rename)."""
        self._done.add(season)
        temporary = self._file.with_suffix(f".{uuid4().hex[:8]}.tmp")
        temporary.write_text(json.dumps({**self._what, "done": sorted(self._done)}), encoding="utf-8")
        temporary.replace(self._file)

    def clear(self) -> None:
        """All is done: the next remake begins at its beginning."""
        self._file.unlink(missing_ok=True)


def _fingerprint(settings: Settings, engine: Engine) -> str:
    """Of the code, of the settings that change results, and of the data.

    An interrupted remake of the simulated championship must not leave seasons of another world out; nor one of before an update
    those that it changed.
    """
    found = hashlib.sha256()
    for file in sorted(Path(__file__).parent.rglob("*.py")):
        found.update(file.read_bytes())
    found.update(repr(sorted((name, getattr(settings, name)) for name in _RESULTS_DEPEND_ON)).encode())
    found.update(repr((reads.held_source(engine), reads.completed_digest(engine))).encode())
    return found.hexdigest()


def _span(keys: list[str], start: int, end: int) -> KeyRange:
    if not keys:
        raise NotReady(f"there are no races of {start} to {end} in the tables: run `f1 update` first")
    return KeyRange(keys[0], keys[-1])
