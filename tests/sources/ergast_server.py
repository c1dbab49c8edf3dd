"""A small Ergast-compatible API on the loopback interface, with the faults that really happened."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

LISTS = {
    "races": ("RaceTable", "Races", None),
    "results": ("RaceTable", "Races", "Results"),
    "qualifying": ("RaceTable", "Races", "QualifyingResults"),
    "sprint": ("RaceTable", "Races", "SprintResults"),
    "driverstandings": ("StandingsTable", "StandingsLists", "DriverStandings"),
    "constructorstandings": ("StandingsTable", "StandingsLists", "ConstructorStandings"),
}


def race(season: int, number: int, **more: Any) -> dict[str, Any]:
    """A race as every answer has it."""
    return {
        "season": str(season),
        "round": str(number),
        "raceName": f"Grand Prix {number}",
        "Circuit": {"circuitId": f"circuit_{number}", "circuitName": "A circuit"},
        "date": f"{season}-05-{number:02}",
        "time": "13:00:00Z",
        **more,
    }


def finisher(place: int, **more: Any) -> dict[str, Any]:
    """A row of a result: a car that finished on the lead lap."""
    time = "1:30:00.000" if place == 1 else f"+{place}.500"
    millis = 5_400_000 if place == 1 else 5_400_000 + place * 1000 + 500
    return {
        "number": str(place + 10),
        "position": str(place),
        "positionText": str(place),
        "points": str(max(0, 26 - place)),
        "Driver": {"driverId": f"driver_{place}"},
        "Constructor": {"constructorId": f"team_{(place + 1) // 2}"},
        "grid": str(place),
        "laps": "50",
        "status": "Finished",
        "Time": {"millis": str(millis), "time": time},
        **more,
    }


def result(season: int, number: int, cars: int = 20) -> dict[str, Any]:
    return race(season, number, Results=[finisher(place) for place in range(1, cars + 1)])


@dataclass
class Api:
    """What it serves, and what it was asked.

    ``content``: items by path (``2026/1/results``). ``script``: what to do with the next requests; ``good`` is an honest
    answer. ``page``: the most rows in a page. ``headers`` are sent with each good answer; ``ETag`` and ``Last-Modified`` are compared.
    """

    content: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    script: list[str] = field(default_factory=list)
    page: int = 100
    total: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    url: str = ""

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        self.requests.append(handler.path)
        step = self.script.pop(0) if self.script else "good"
        body = json.dumps(self._page(handler.path)).encode()
        if step == "good":
            marks = (("ETag", "If-None-Match"), ("Last-Modified", "If-Modified-Since"))
            if any(
                mark in self.headers and handler.headers.get(asked) == self.headers[mark]
                for mark, asked in marks
            ):
                self._send(handler, 304, b"", self.headers)
            else:
                self._send(handler, 200, body, {"Content-Type": "application/json", **self.headers})
        elif step.startswith("429 "):
            self._send(handler, 429, b'{"detail": "Request was throttled."}', {"Retry-After": step[4:]})
        elif step.isdigit():
            self._send(handler, int(step), b"{}", {})
        elif step == "html":
            self._send(handler, 200, b"<!DOCTYPE html><p>One moment", {"Content-Type": "text/html"})
        elif step == "html as json":
            self._send(handler, 200, b"<html>moved</html>", {"Content-Type": "application/json"})
        elif step == "truncated":
            self._send(handler, 200, body[: len(body) // 2], {"Content-Type": "application/json"})
        elif step == "cut":
            self._send(handler, 200, body[: len(body) // 2], {}, length=len(body))
        elif step == "silent":
            threading.Event().wait(0.4)
            handler.close_connection = True
        elif step == "hang up":
            handler.close_connection = True
            handler.connection.shutdown(socket.SHUT_RDWR)
        else:
            self._send(handler, 200, step.encode(), {"Content-Type": "application/json"})

    def _page(self, path: str) -> dict[str, Any]:
        parts = urlsplit(path)
        query = parse_qs(parts.query)
        offset = int(query.get("offset", ["0"])[0])
        limit = min(int(query.get("limit", ["30"])[0]), self.page)
        words = parts.path.strip("/").split("/")
        table, items_name, rows_name = LISTS[words[-1]]
        items, total = [], 0
        for item in self.content.get("/".join(words), []):
            rows = [None] if rows_name is None else item[rows_name]
            low, high = max(offset - total, 0), max(offset + limit - total, 0)
            total += len(rows)
            if rows[low:high]:
                items.append(item if rows_name is None else {**item, rows_name: rows[low:high]})
        data = {
            "limit": str(limit),
            "offset": str(offset),
            "total": str(total if self.total is None else self.total),
            table: {items_name: items},
        }
        return {"MRData": data}

    def _send(
        self,
        handler: BaseHTTPRequestHandler,
        status: int,
        body: bytes,
        headers: dict[str, str],
        length: int | None = None,
    ) -> None:
        self.statuses.append(status)
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name, value)
        if status != 304:
            handler.send_header("Content-Length", str(len(body) if length is None else length))
        handler.end_headers()
        handler.wfile.write(body)
        if length is not None:
            handler.close_connection = True


@contextmanager
def serving(api: Api) -> Iterator[Api]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            api.answer(self)

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    # Threads of connections that are kept open end with the process.
    server.daemon_threads = True
    api.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield api
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
