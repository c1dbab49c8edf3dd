"""Serves the metrics over HTTP until it is told to stop."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest, start_http_server

from f1_pipeline.errors import NotReady
from f1_pipeline.metrics.collector import Pipeline
from f1_pipeline.settings import Settings


@contextmanager
def _registry(settings: Settings) -> Iterator[CollectorRegistry]:
    pipeline = Pipeline(settings)
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    registry.register(pipeline)
    try:
        yield registry
    finally:
        pipeline.close()


def as_text(settings: Settings) -> str:
    """The metrics once, in the text format of Prometheus."""
    with _registry(settings) as registry:
        return generate_latest(registry).decode()


@contextmanager
def serving(settings: Settings, port: int | None = None) -> Iterator[int]:
    """Serve the metrics inside the ``with`` statement; gives the port. ``port`` 0 takes a free one.

    Raises:
        NotReady: the port cannot be had.
    """
    wanted = settings.metrics_port if port is None else port
    with _registry(settings) as registry:
        # Read once before anybody can ask: Dagster takes seconds to import, and a scrape would not wait for it.
        generate_latest(registry)
        try:
            server, thread = start_http_server(wanted, settings.host, registry)
        except OSError as error:
            raise NotReady(
                f"port {wanted} at {settings.host} cannot be had ({error.strerror}): set F1_METRICS_PORT"
            ) from error
        try:
            yield server.server_port
        finally:
            server.shutdown()
            server.server_close()
            thread.join()


def serve_until_stopped(settings: Settings) -> None:
    """Serve the metrics until SIGINT or SIGTERM."""
    stopped = threading.Event()

    def stop(_number: int, _frame: FrameType | None) -> None:
        stopped.set()

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        with serving(settings):
            stopped.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
