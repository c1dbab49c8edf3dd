"""A page of F1DB releases on the loopback interface, that answers as it is told to."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

WAITS = (0.02, 0.04, 0.06)
NO_WAITS: tuple[float, ...] = ()
PROBE = "HEAD /releases/latest"


@dataclass
class ReleasesPage:
    """What the server answers, and what it was asked. ``script`` holds answers to give first, in order."""

    release: str = "v2026.2.0"
    archive: bytes = b""
    script: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    url: str = ""

    def downloads(self) -> list[str]:
        return [line for line in self.requests if line.startswith("GET")]

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        self.requests.append(f"{handler.command} {handler.path}")
        self.times.append(time.monotonic())
        step = self.script.pop(0) if self.script else "good"
        if step.isdigit():
            self._send(handler, int(step), b"no", {})
        elif step == "html":
            self._send(
                handler, 200, b"<html>please log in</html>", {"Content-Type": "text/html; charset=utf-8"}
            )
        elif step == "elsewhere":
            self._send(handler, 302, b"", {"Location": f"{self.url}/login"})
        elif step == "loop":
            self._send(handler, 302, b"", {"Location": handler.path})
        elif step == "silent":
            time.sleep(0.8)
            handler.close_connection = True
        elif step == "hang up":
            handler.close_connection = True
            handler.connection.shutdown(socket.SHUT_RDWR)
        elif handler.path.endswith("/latest"):
            self._send(handler, 302, b"", {"Location": f"{self.url}/tag/{self.release}"})
        elif handler.path.startswith("/releases/download/"):
            # GitHub sends the reader on to another host.
            self._send(
                handler, 302, b"", {"Location": handler.path.replace("/releases/download/", "/assets/")}
            )
            if step != "good":
                self.script.insert(0, step)
        else:
            body = {"cut": self.archive[: len(self.archive) // 2], "corrupt": flipped(self.archive)}.get(
                step, self.archive
            )
            self._send(handler, 200, body, {"Content-Type": "application/octet-stream"}, len(self.archive))

    def _send(
        self,
        handler: BaseHTTPRequestHandler,
        status: int,
        body: bytes,
        headers: dict[str, str],
        length: int | None = None,
    ) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(body) if length is None else length))
        handler.end_headers()
        if handler.command != "HEAD":
            handler.wfile.write(body)
        if length is not None and length != len(body):
            handler.close_connection = True


def flipped(archive: bytes) -> bytes:
    middle = len(archive) // 3
    return archive[:middle] + bytes([archive[middle] ^ 0xFF]) + archive[middle + 1 :]


@contextmanager
def serving(page: ReleasesPage) -> Iterator[None]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            page.answer(self)

        do_HEAD = do_GET  # noqa: N815

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    page.url = f"http://127.0.0.1:{server.server_address[1]}/releases"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def closed_port() -> str:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}/releases"


def files(directory: Path) -> set[str]:
    return {path.name for path in directory.iterdir()} if directory.exists() else set()
