"""What Prometheus is told about the API: requests, their times, and how old the data are.

Labels have few values by construction. A route is its template (``/api/v1/races/{race_key}``), never the path that was
asked for: whoever tries a million paths makes one time series of ``(none)``, not a million. Answers that were kept are
counted as well, so the template is looked up here and not taken from FastAPI, which never sees those requests.

Every process counts for itself, as the limit of requests does: with several, each is scraped at its own address.
"""

from __future__ import annotations

import datetime as dt
import re
import threading
import time
from collections.abc import Iterable, Iterator
from functools import lru_cache

from fastapi import APIRouter, Request, Response
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.routing import compile_path
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from f1_app import queries
from f1_app.database import DatabaseUnavailableError, reading

PATH = "/metrics"
NO_ROUTE = "(none)"
_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0)
"""Bounds of the histogram: a kept answer takes less than .1 ms, the slowest question is stopped after 15 s."""
_READ_SECONDS = 5.0
"""How long what was read of the tables is told again."""
_PATHS_KNOWN = 4096
"""Paths whose template is remembered; there are some 1,200 races, and each may be asked for in several ways."""


class Data(Collector):
    """The state of the tables at the moment of the scrape, or a few seconds before it.

    The limit of requests does not count scrapes: under load they are wanted most. So whoever asks very often must not
    cost the database anything.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._read: tuple[float, list[Metric]] | None = None

    def collect(self) -> Iterator[Metric]:
        """Whether the tables can be read, how old the data are, and how old the forecast of the next race."""
        with self._lock:
            if self._read is None or time.monotonic() - self._read[0] > _READ_SECONDS:
                self._read = (time.monotonic(), list(self._families()))
            return iter(self._read[1])

    def _families(self) -> Iterator[Metric]:
        up = GaugeMetricFamily("f1_tables_up", "1 if the tables can be read, else 0.")
        ages: dict[tuple[str, str], dt.datetime | None] = {}
        try:
            with reading() as connection:
                loaded = queries.state.loaded(connection)
                newest = queries.races.newest_finished_race(connection)
                upcoming = queries.races.next_race(connection, queries.state.data_clock(connection))
                ages["f1_data_age_seconds", "Since data were taken in last."] = (
                    loaded.loaded_at if loaded else None
                )
                ages["f1_newest_result_age_seconds", "Since the day of the newest race with a result."] = (
                    dt.datetime.combine(newest.date, dt.time(), dt.UTC) if newest else None
                )
                ages["f1_next_race_forecast_age_seconds", "Since the next race was forecast last."] = (
                    queries.published.newest_forecast_at(connection, upcoming.race_key) if upcoming else None
                )
            up.add_metric([], 1.0)
        except DatabaseUnavailableError:
            up.add_metric([], 0.0)
        yield up
        now = dt.datetime.now(dt.UTC)
        for (name, about), moment in ages.items():
            family = GaugeMetricFamily(name, about)
            if moment is not None:
                family.add_metric([], (now - moment).total_seconds())
            yield family

    def describe(self) -> Iterable[Metric]:
        """Nothing: a registry would otherwise read the tables when the application is made."""
        return []


class Templates:
    """The route template of a path."""

    def __init__(self, routes: Iterable[str]) -> None:
        self._routes: list[tuple[re.Pattern[str], str]] = [
            (compile_path(route)[0], route) for route in dict.fromkeys(routes)
        ]
        self.of = lru_cache(maxsize=_PATHS_KNOWN)(self._find)

    def _find(self, path: str) -> str:
        return next((route for pattern, route in self._routes if pattern.match(path)), NO_ROUTE)


def paths_of(prefix: str, *routers: APIRouter) -> list[str]:
    """Templates of the routes of some routers below a prefix, in the order in which they are tried."""
    return [
        f"{prefix}{route.path}" for router in routers for route in router.routes if hasattr(route, "path")
    ]


class Metrics:
    """The metrics of one application."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self.registry.register(Data())
        self._requests = Counter(
            "f1_api_requests",
            "Requests that were answered.",
            ["route", "method", "status"],
            registry=self.registry,
        )
        self._seconds = Histogram(
            "f1_api_request_seconds",
            "From a request to the end of its answer.",
            ["route"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._in_progress = Gauge(
            "f1_api_requests_in_progress", "Requests that are being answered.", registry=self.registry
        )
        # Looking a child up by its labels takes as long as counting; there are as many as routes and codes.
        self._counters: dict[tuple[str, str, int], Counter] = {}
        self._times: dict[str, Histogram] = {}

    def begin(self) -> float:
        """Note that a request came; the moment."""
        self._in_progress.inc()
        return time.perf_counter()

    def end(self, began: float, route: str, method: str, status: int) -> None:
        """Note that it was answered."""
        self._in_progress.dec()
        key = (route, method if method in _METHODS else "other", status)
        if (counter := self._counters.get(key)) is None:
            counter = self._counters[key] = self._requests.labels(*key[:2], str(status))
        counter.inc()
        if (seconds := self._times.get(route)) is None:
            seconds = self._times[route] = self._seconds.labels(route)
        seconds.observe(time.perf_counter() - began)

    def router(self) -> APIRouter:
        """The route that Prometheus asks."""
        router = APIRouter()

        @router.get(PATH, include_in_schema=False)
        def metrics(request: Request) -> Response:
            encode, kind = choose_encoder(request.headers.get("accept", ""))
            return Response(
                encode(self.registry), headers={"Content-Type": kind, "Cache-Control": "no-store"}
            )

        return router


class Meter:
    """ASGI middleware: counts and times every request, whoever answers it."""

    def __init__(self, app: ASGIApp, metrics: Metrics, routes: Iterable[str]) -> None:
        self.app = app
        self._metrics = metrics
        self._templates = Templates(routes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on and note what became of it; one that ends in an exception counts as 500."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        status = 500
        began = self._metrics.begin()

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, noting)
        finally:
            self._metrics.end(began, self._templates.of(scope["path"]), scope["method"], status)
