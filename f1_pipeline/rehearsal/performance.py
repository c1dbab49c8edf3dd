"""What a rehearsal leaves behind: what was there after each moment."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from f1_pipeline.replay import Moment, Stage
from f1_pipeline.settings import Settings

Tell = Callable[[str], None]
Said = tuple[str, str]
"""Sensor, schedule or job, and what it said or asked for."""


@dataclass(frozen=True)
class Scene:
    """What happened at a moment. ``said``: (sensor or schedule, what it said or asked for)."""

    moment: Moment
    said: tuple[Said, ...]
    runs: tuple[str, ...]
    next_race: str | None
    forecasts: tuple[str, ...]
    """Horizons at which the race is forecast."""
    result: str
    """Where the result in the tables is from; empty without one."""
    scored: bool
    versions: int
    """Of the result, so far."""
    jolpica: int
    """Requests since the beginning."""
    f1db: int


@dataclass(frozen=True)
class Tick:
    """What one tick of a sensor cost: seconds of the real clock and of computing, requests to both sources.

    ``ran``: something was new, and a run was asked for.
    """

    sensor: str
    at: datetime
    seconds: float
    computing: float
    requests: int
    ran: bool


@dataclass
class Performance:
    """The whole rehearsal. ``ticks``: of sensors, where this process evaluates them."""

    scenes: list[Scene] = field(default_factory=list)
    requests: Counter[str] = field(default_factory=Counter)
    """To Jolpica, by path."""
    failed_runs: list[str] = field(default_factory=list)
    ticks: list[Tick] = field(default_factory=list)


def scene_of(stage: Stage, settings: Settings, moment: Moment, said: list[Said], runs: list[str]) -> Scene:
    """What the tables hold now, on the clock of the rehearsal."""
    from f1_pipeline.storage import reads, schema
    from f1_pipeline.storage.engine import get_engine
    from f1_pipeline.storage.polls import result_source
    from f1_pipeline.storage.revisions import revisions_of
    from f1_pipeline.storage.upcoming import calendar_now

    engine, race = get_engine(settings.tables_url), stage.timeline.race_key
    made = reads.read_table(engine, schema.predictions, [race], columns=["horizon"])
    names = {None: "", "f1db": "F1DB", "jolpica": "Jolpica"}
    return Scene(
        moment=moment,
        said=tuple(said),
        runs=tuple(runs),
        next_race=calendar_now(engine).upcoming,
        forecasts=tuple(sorted(set(made["horizon"]), reverse=True)),
        result=names[result_source(engine, race)],
        scored=race in reads.race_keys_with(engine, schema.model_accuracy),
        versions=len(revisions_of(engine, race, "race_results")),
        jolpica=sum(stage.jolpica.counts.values()),
        f1db=sum(stage.f1db.counts.values()),
    )
