"""The Ergast-compatible API at a virtual moment, built from F1DB's frames."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Iterable, Mapping

import pandas as pd

from f1_pipeline.domain.identity import Crosswalk, crosswalk
from f1_pipeline.replay.answers import PAGE_DEFAULT, build, page, parse_path
from f1_pipeline.replay.clock import Clock
from f1_pipeline.replay.ergast import ErgastRows
from f1_pipeline.replay.faults import Fault
from f1_pipeline.replay.serving import LoopbackServer, Reply, Request

Frames = Mapping[str, pd.DataFrame]


class JolpicaServer(LoopbackServer):
    """Answers ``/ergast/f1/{season}[/{round}][/{kind}]`` for schedule, results, qualifying, sprint and standings.

    ``frames`` gives the canonical tables that are true at the virtual moment (it may give others later: a calendar
    that moved, a result that was corrected); what of them is shown depends on the clock. ``url`` is the base for the
    client. Paths in faults and counts come after the root, in lower case and without ``.json``: ``2026/11/results``,
    ``2026`` for the schedule. Anything else is a 404.
    """

    root = "/ergast/f1/"

    def __init__(
        self,
        frames: Callable[[], Frames],
        clock: Clock,
        faults: Iterable[Fault] = (),
        known: Crosswalk | None = None,
    ):
        super().__init__(clock, faults)
        self.frames = frames
        self.known = known or crosswalk()
        self._rows: ErgastRows | None = None
        self._building = threading.Lock()

    def normal(self, path: str) -> str:
        """The path after the root, in one spelling."""
        return super().normal(path).lower().removesuffix(".json").removesuffix("/races")

    def reply(self, request: Request) -> Reply:
        """A page in the Ergast format, 304 if the client has it, or 404."""
        asked = parse_path(request.path)
        if asked is None:
            return Reply(404, b'{"detail": "Not found."}', {"Content-Type": "application/json"})
        limit = _count(request.query.get("limit"), PAGE_DEFAULT)
        offset = _count(request.query.get("offset"), 0)
        parts = build(self._rows_now(), asked, self.clock.now(), request.faults)
        document = page(asked, parts, limit, offset, f"{self.url}/{request.path}/", request.faults)
        body = json.dumps(document, ensure_ascii=False).encode()
        tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
        headers = {"ETag": tag, "Cache-Control": "public, max-age=3600"}
        if tag in request.headers.get("if-none-match", ""):
            return Reply(304, headers=headers)
        return Reply(200, body, {"Content-Type": "application/json; charset=utf-8", **headers})

    def _rows_now(self) -> ErgastRows:
        frames = self.frames()
        with self._building:
            if self._rows is None or self._rows.tables is not frames:
                self._rows = ErgastRows(frames, self.known)
            return self._rows


def _count(text: str | None, default: int) -> int:
    return int(text) if text is not None and text.isdigit() else default
