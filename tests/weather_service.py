"""A weather service of the tests' own: both providers on the loopback interface."""

from __future__ import annotations

import datetime as dt
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

HOUR = 3600


@dataclass
class Service:
    """What it answers, and what it was asked.

    ``script``: answers to give first, in order: a status such as ``503``, ``html``, ``shape``, ``moved``, ``hang up``.
    ``refused``: paths that answer 401. ``rain``: mm of every hour. ``values``: False leaves every value out.
    """

    script: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    rain: float = 0.2
    values: bool = True
    asked: list[str] = field(default_factory=list)
    queries: list[dict[str, str]] = field(default_factory=list)
    url: str = ""

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        parts = urlsplit(handler.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        self.asked.append(parts.path)
        self.queries.append(query)
        step = self.script.pop(0) if self.script else "good"
        if parts.path in self.refused:
            step = "401"
        if step.isdigit():
            said = {"cod": int(step), "message": f"no, {query.get('appid', 'nobody')}", "error": True}
            self._send(handler, int(step), json.dumps(said).encode())
        elif step == "html":
            self._send(handler, 200, b"<html>please log in</html>", "text/html")
        elif step == "shape":
            self._send(handler, 200, b'{"weather": "fine"}')
        elif step == "moved":
            self._send(handler, 302, b"", location=f"https://elsewhere.invalid/?{parts.query}")
        elif step == "hang up":
            handler.close_connection = True
            handler.connection.close()
        else:
            self._send(handler, 200, json.dumps(self._content(parts.path, query)).encode())

    def _content(self, path: str, query: dict[str, str]) -> dict[str, Any]:
        if path.startswith("/v1/"):
            first = dt.datetime.fromisoformat(query["start_date"]).replace(tzinfo=dt.UTC)
            last = dt.datetime.fromisoformat(query["end_date"]).replace(tzinfo=dt.UTC)
            times = list(range(int(first.timestamp()), int(last.timestamp()) + 24 * HOUR, HOUR))
            values = {
                "temperature_2m": 21.5,
                "precipitation": self.rain,
                "precipitation_probability": 60,
                "wind_speed_10m": 14.0,
            }
            units = dict(zip(values, ("°C", "mm", "%", "km/h"), strict=True))
            wanted = query["hourly"].split(",")
            return {
                "utc_offset_seconds": 0,
                "hourly_units": {name: units[name] for name in wanted},
                "hourly": {
                    "time": times,
                    **{name: [values[name] if self.values else None] * len(times) for name in wanted},
                },
            }
        now = int(dt.datetime.now(dt.UTC).timestamp()) // HOUR * HOUR
        if path == "/2.5/forecast":
            main = {"main": {"temp": 20.0}, "wind": {"speed": 5.0}, "pop": 0.5, "weather": [{"id": 500}]}
            return {
                "cod": "200",
                "list": [
                    {"dt": now + at * 3 * HOUR, "rain": {"3h": 3 * self.rain}, **main} for at in range(1, 41)
                ],
            }
        line = {"temp": 19.0, "wind_speed": 10.0, "pop": 0.1, "weather": [{"id": 800}]}
        if path == "/3.0/onecall":
            return {"hourly": [{"dt": now + at * HOUR, **line} for at in range(48)]}
        return {"data": [{"dt": int(query["dt"]), **line}]}

    def _send(
        self,
        handler: BaseHTTPRequestHandler,
        status: int,
        body: bytes,
        kind: str = "application/json",
        location: str | None = None,
    ) -> None:
        handler.send_response(status)
        handler.send_header("Content-Type", kind)
        handler.send_header("Content-Length", str(len(body)))
        if location:
            handler.send_header("Location", location)
        handler.end_headers()
        handler.wfile.write(body)


@contextmanager
def serving(service: Service) -> Iterator[Service]:
    """The service, on a port of its own."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            service.answer(self)

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    service.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield service
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
