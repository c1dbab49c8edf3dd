"""A race weekend played again with the product itself: what it would have done by itself, moment by moment.

The sources are servers on the loopback interface (``f1_pipeline.replay``), the clock is a virtual one. Everything else is real: the
sensors and schedules of the code location are evaluated, and what they ask for is executed, on tables and history of a home of its own.
Who does that is either this process (``in_process``) or Dagster's daemon with its code server and queue (``with_daemon``).
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from f1_pipeline import clock
from f1_pipeline.errors import NotReady
from f1_pipeline.rehearsal.in_process import Player
from f1_pipeline.rehearsal.performance import Performance, Scene, Tell
from f1_pipeline.replay import Archives, Stage, Timeline, staged
from f1_pipeline.settings import Settings, get_settings

if TYPE_CHECKING:
    from f1_pipeline.domain.identity import Crosswalk

SETTINGS = {
    "F1_SOURCE": "f1db",
    "F1_JOLPICA_ENABLED": "true",
    "F1_WEATHER": "off",
    "F1_AUTOMATION": "on",
    # One season, one version of each model, few rows to learn from: this is about what happens when.
    "F1_FORECAST_FROM_SEASON": "2026",
    "F1_TRAIN_FROM_SEASON": "2022",
    "F1_RETRAIN_RECENT": "season",
    "F1_DRAWS": "200",
    "F1_HTTP_RETRY_SECONDS": "0.1,0.2",
}
"""Of a rehearsal, where the environment does not say otherwise."""


@dataclass(frozen=True)
class Daemon:
    """How Dagster's daemon plays: ``ui`` starts the Dagster UI beside it; ``module`` holds the definitions."""

    ui: bool = False
    module: str = "f1_pipeline.definitions"


def archives_in(directory: Path) -> Archives:
    """The three F1DB archives of a folder that the weekend of Hungary 2026 needs.

    Raises:
        NotReady: one is missing.
    """
    names = ("f1db-csv-2026.10.zip", "f1db-csv-2026.11.zip", "f1db-csv.zip")
    missing = [name for name in names if not (directory / name).is_file()]
    if missing:
        raise NotReady(
            f"{directory} lacks {', '.join(missing)}: F1DB's releases v2026.10, v2026.11 and a later one"
        )
    return Archives(*(directory / name for name in names))


def rehearse(
    timeline: Timeline,
    home: Path,
    tell: Tell,
    known: Crosswalk | None = None,
    looked: Callable[[Scene], None] = lambda _: None,
    settings: Mapping[str, str] = SETTINGS,
    daemon: Daemon | None = None,
) -> Performance:
    """Play a timeline in a home that is new or of an earlier rehearsal's end; ``looked`` is called after each moment.

    With ``daemon`` Dagster's daemon does what is to be done, in processes of its own; else this process.

    Raises:
        NotReady: the home holds something already.
        PortInUse: the port of the Dagster UI is taken.
        F1Error: the first update failed, or a server of the daemon.
    """
    if home.exists() and any(home.iterdir()):
        raise NotReady(f"{home} is not empty: a rehearsal needs a home of its own")
    with staged(timeline, known) as stage, _environment(stage, home, settings) as configured:
        from f1_pipeline.update import run_update

        with clock.at(stage.clock.now()):
            tell(f"{stage.clock.now():%a %d %b %H:%M}  the first update, by hand")
            run_update(configured, lambda line: tell(f"    {line}"))
        play = _alone if daemon is None else _with_daemon(daemon)
        performance = play(stage, configured, tell, looked)
        performance.requests = Counter(stage.jolpica.counts)
        return performance


def _alone(stage: Stage, settings: Settings, tell: Tell, looked: Callable[[Scene], None]) -> Performance:
    from f1_pipeline.dagster_instance import get_instance

    player = Player(stage, settings, tell, looked)
    with get_instance() as instance:
        player.play(instance)
    return player.performance


def _with_daemon(
    daemon: Daemon,
) -> Callable[[Stage, Settings, Tell, Callable[[Scene], None]], Performance]:
    def play(stage: Stage, settings: Settings, tell: Tell, looked: Callable[[Scene], None]) -> Performance:
        # Here, because servers are nothing that the other way needs.
        from f1_pipeline.dagster_instance import get_instance
        from f1_pipeline.rehearsal.servers import daemon_running
        from f1_pipeline.rehearsal.with_daemon import DaemonPlayer

        hands = settings.home / "replay-clock"
        with (
            clock.hand(hands, stage.clock.now()),
            get_instance() as instance,
            daemon_running(settings, daemon.module, daemon.ui, tell) as alive,
        ):
            player = DaemonPlayer(stage, settings, hands, alive, tell, looked)
            player.play(instance)
        return player.performance

    return play


@contextmanager
def _environment(stage: Stage, home: Path, wanted: Mapping[str, str]) -> Iterator[Settings]:
    values = {
        **wanted,
        "F1_HOME": str(home),
        "F1_F1DB_URL": stage.f1db.url,
        "F1_JOLPICA_URL": stage.jolpica.url,
    }
    unset = ("F1_F1DB_ARCHIVE", "F1_DATABASE_URL", "F1_MLFLOW_TRACKING_URI", "DAGSTER_HOME")
    before = {name: os.environ.get(name) for name in (*values, *unset)}
    for name in unset:
        os.environ.pop(name, None)
    os.environ.update(values)
    get_settings.cache_clear()
    try:
        yield get_settings()
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        get_settings.cache_clear()
