"""Both servers of a replay, on one clock."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from f1_pipeline.domain.identity import Crosswalk
from f1_pipeline.replay.clock import Clock
from f1_pipeline.replay.f1db_server import F1dbServer
from f1_pipeline.replay.jolpica_server import Frames, JolpicaServer
from f1_pipeline.replay.timeline import Moment, Timeline
from f1_pipeline.sources.f1db import parse_archive


@dataclass(frozen=True)
class Stage:
    """What a player holds: the timeline, the clock, and the two servers."""

    timeline: Timeline
    clock: Clock
    f1db: F1dbServer
    jolpica: JolpicaServer

    def go(self, name: str) -> Moment:
        """Set the clock to a moment of the timeline."""
        moment = self.timeline.moment(name)
        self.clock.set(moment.at)
        return moment


@contextmanager
def staged(timeline: Timeline, known: Crosswalk | None = None) -> Iterator[Stage]:
    """Open the servers at the first moment, and close them in the end. An archive is parsed when it is first needed.

    ``known`` is the crosswalk, if the archives are of an invented world.

    Raises:
        ArchiveCorrupt, ContractViolation: an archive cannot be read; from the request that needs it, as a crash.
    """

    @cache
    def frames(archive: Path) -> Frames:
        return parse_archive(archive, archive.name, "").tables

    clock = Clock(timeline.moments[0].at)
    f1db = F1dbServer(timeline.releases, clock, timeline.f1db_faults)
    jolpica = JolpicaServer(
        lambda: frames(timeline.truth(clock.now())), clock, timeline.jolpica_faults, known
    )
    with f1db, jolpica:
        yield Stage(timeline, clock, f1db, jolpica)
