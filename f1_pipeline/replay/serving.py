"""A server on the loopback interface with a clock, a table of faults, and a count of requests."""

from __future__ import annotations

import logging
import threading
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self
from urllib.parse import parse_qs, urlsplit

from f1_pipeline.replay.clock import Clock
from f1_pipeline.replay.faults import Fault, FaultTable

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Reply:
    """What is sent back. ``cut`` ends the connection in the middle of the body."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    cut: bool = False


@dataclass(frozen=True)
class Request:
    """What is asked for: the path as ``LoopbackServer.normal`` has it, and the faults of the content that are on.

    ``query`` has the last value of each name, ``headers`` have lower-case names.
    """

    path: str
    query: dict[str, str]
    headers: dict[str, str]
    faults: tuple[Fault, ...] = ()


@dataclass(frozen=True)
class LogLine:
    """One request as it was met: virtual time, method, path and query as sent, status of the answer."""

    at: datetime
    method: str
    target: str
    status: int


class LoopbackServer(ABC):
    """Serves ``reply`` on 127.0.0.1 while it is open (a context manager). Each request has a thread of its own.

    ``counts`` counts requests by path after the root (without query); ``log`` has them all in order.
    """

    root = "/"

    def __init__(self, clock: Clock, faults: Iterable[Fault] = ()):
        self.clock = clock
        self.faults = FaultTable(faults)
        self.counts: Counter[str] = Counter()
        self.log: list[LogLine] = []
        self.crashes: list[Exception] = []
        self._server: ThreadingHTTPServer | None = None
        self._lock = threading.Lock()

    @abstractmethod
    def reply(self, request: Request) -> Reply:
        """The answer, with the faults of its content but not yet those of the way."""

    def normal(self, path: str) -> str:
        """A path as faults and counts name it: after the root, without slashes at its ends."""
        return path.removeprefix(self.root).strip("/")

    @property
    def address(self) -> str:
        """``http://127.0.0.1:port``."""
        if self._server is None:
            raise RuntimeError("the server is not open")
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def url(self) -> str:
        """Address with the root, without a slash at its end: the base a client is given."""
        return (self.address + self.root).rstrip("/")

    def __enter__(self) -> Self:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None
        if self.crashes and error is None:
            # Else a bug of the replay would pass for a fault of the source.
            raise RuntimeError(f"the replay server failed {len(self.crashes)} times") from self.crashes[0]

    def met(self, method: str, target: str, headers: dict[str, str]) -> Reply:
        """Answer one request: count it, apply its faults, note it."""
        parts = urlsplit(target)
        path, now = self.normal(parts.path), self.clock.now()
        way, content = self.faults.meet(path, now)
        query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        try:
            answer = self.reply(Request(path, query, headers, tuple(content)))
            if way is not None:
                answer = spoiled(answer, way)
        except Exception as error:
            logger.exception("replay: %s", target)
            self.crashes.append(error)
            answer = Reply(500, b"the replay itself failed")
        with self._lock:
            self.counts[path] += 1
            self.log.append(LogLine(now, method, target, answer.status))
        return answer


def spoiled(answer: Reply, fault: Fault) -> Reply:
    """An answer after a fault of the way."""
    match fault.kind:
        case "throttled":
            wait = {} if fault.seconds is None else {"Retry-After": str(fault.seconds)}
            return Reply(
                429, b'{"detail": "Request was throttled."}', {"Content-Type": "application/json", **wait}
            )
        case "throttled_until":
            until = datetime.now(UTC) + timedelta(seconds=fault.seconds or 0)
            return Reply(429, b"", {"Retry-After": format_datetime(until, usegmt=True)})
        case "server_error":
            return Reply(500, b"Server Error")
        case "html":
            return Reply(
                200, b"<!doctype html><title>Sign in</title>", {"Content-Type": "text/html; charset=utf-8"}
            )
        case "cut":
            return replace(answer, cut=True)
        case "truncated":
            return replace(answer, body=answer.body[: len(answer.body) // 2])
    raise ValueError(f"{fault.kind} is no fault of the way")


def _handler(server: LoopbackServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            answer = server.met(self.command, self.path, {k.lower(): v for k, v in self.headers.items()})
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            if answer.cut:
                self.wfile.write(answer.body[: len(answer.body) // 2])
                self.close_connection = True
            elif self.command != "HEAD" and answer.status != 304:
                self.wfile.write(answer.body)

        def do_HEAD(self) -> None:
            self.do_GET()

        def log_message(self, *_: object) -> None:
            """Silent: requests are in ``log``."""

    return Handler
