"""F1DB's releases page at a virtual moment: which version is the latest, and the archives of those that are out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from f1_pipeline.replay.clock import Clock
from f1_pipeline.replay.faults import Fault
from f1_pipeline.replay.serving import LoopbackServer, Reply, Request

ASSET = "f1db-csv.zip"


@dataclass(frozen=True)
class Release:
    """A version (``v2026.11.0``), its archive, and when it came out."""

    version: str
    archive: Path
    published_at: datetime


class F1dbServer(LoopbackServer):
    """Answers ``releases/latest`` with a redirect that names the version, and serves the archives.

    ``url`` is the base for the client (the setting ``F1_F1DB_URL``). A version that is not out yet is a 404, as is
    everything before the first release. Paths in faults and counts begin with ``releases/``.
    """

    def __init__(self, releases: Iterable[Release], clock: Clock, faults: Iterable[Fault] = ()):
        super().__init__(clock, faults)
        self.releases = sorted(releases, key=lambda release: release.published_at)

    @property
    def url(self) -> str:
        """The releases page."""
        return f"{self.address}/releases"

    def current(self) -> Release | None:
        """The newest release that is out at the virtual moment."""
        out = self._out()
        return out[-1] if out else None

    def reply(self, request: Request) -> Reply:
        """Redirect, archive, or 404."""
        out = {release.version: release for release in self._out()}
        current = self.current()
        match request.path.split("/"):
            case ["releases", "latest"] if current is not None:
                return Reply(302, headers={"Location": f"{self.url}/tag/{current.version}"})
            case ["releases", "latest", "download", name] if current is not None and name == ASSET:
                return Reply(302, headers={"Location": f"{self.url}/download/{current.version}/{ASSET}"})
            case ["releases", "download", version, name] if version in out and name == ASSET:
                kind = {"Content-Type": "application/octet-stream"}
                return Reply(200, out[version].archive.read_bytes(), kind)
        return Reply(404, b"Not Found")

    def _out(self) -> list[Release]:
        now = self.clock.now()
        return [release for release in self.releases if release.published_at <= now]
