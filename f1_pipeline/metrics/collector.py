"""Reads everything at a scrape. What cannot be read is told as such, and never keeps the rest from being told."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy import Engine, make_url

from f1_pipeline.domain.vocabulary import POOL
from f1_pipeline.errors import F1Error
from f1_pipeline.live import jolpica_budget
from f1_pipeline.metrics.families import gauge, of_runs, of_tables
from f1_pipeline.metrics.runs import read_runs
from f1_pipeline.settings import Settings
from f1_pipeline.storage.engine import get_engine
from f1_pipeline.storage.heartbeats import beats
from f1_pipeline.storage.observed import observe

if TYPE_CHECKING:
    from dagster import DagsterInstance

logger = logging.getLogger(__name__)

KEPT_SECONDS = 5.0
"""How long an answer is told again: whoever scrapes every 10 ms must not cost the databases anything."""


class NotThere(F1Error):
    """There is nothing to read yet."""


class Pipeline(Collector):
    """All metrics of the pipeline, read when they are asked for and ``kept_seconds`` old at most."""

    def __init__(self, settings: Settings, kept_seconds: float = KEPT_SECONDS) -> None:
        self._settings, self._kept_seconds = settings, kept_seconds
        self._lock = threading.Lock()
        self._read: tuple[float, list[Metric]] | None = None
        self._instance: DagsterInstance | None = None

    def describe(self) -> Iterable[Metric]:
        """Nothing: a registry would otherwise read everything once when it is made."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Everything there is; ``f1_readable`` says what could be read."""
        with self._lock:
            if self._read is None or time.monotonic() - self._read[0] > self._kept_seconds:
                self._read = (time.monotonic(), self._families())
            return iter(self._read[1])

    def close(self) -> None:
        """Let go of Dagster's stores."""
        with self._lock:
            if self._instance is not None:
                self._instance.dispose()
                self._instance = None

    def _families(self) -> list[Metric]:
        parts: dict[str, Callable[[], Iterator[Metric]]] = {
            "tables": self._tables,
            "dagster": self._dagster,
            "requests": self._requests,
        }
        readable = GaugeMetricFamily("f1_readable", "1 if this part could be read, else 0.", labels=["part"])
        found: list[Metric] = [readable]
        for name, read in parts.items():
            try:
                found += list(read())
                readable.add_metric([name], 1.0)
            except NotThere:
                readable.add_metric([name], 0.0)
            except Exception as error:  # of whichever driver or library: the others are told in any case
                # Its first line: what follows may be a statement with its parameters.
                logger.warning("metrics: %s cannot be read: %s", name, str(error).partition("\n")[0][:300])
                readable.add_metric([name], 0.0)
        return found

    def _tables(self) -> Iterator[Metric]:
        engine = _existing(self._settings)
        return of_tables(observe(engine, POOL), beats(engine), datetime.now(UTC))

    def _dagster(self) -> Iterator[Metric]:
        if self._instance is None:
            from f1_pipeline.dagster_instance import get_instance

            self._instance = get_instance()
        now = datetime.now(UTC)
        try:
            return of_runs(read_runs(self._instance, now), now)
        except Exception:
            # A store that was replaced under it is opened anew at the next scrape.
            self._instance.dispose()
            self._instance = None
            raise

    def _requests(self) -> Iterator[Metric]:
        settings = self._settings
        # A count that nobody has begun is not begun here.
        used = jolpica_budget(settings).used() if settings.limits_dir.exists() else 0
        yield gauge(
            "f1_source_requests_last_hour",
            "Requests to a web source in the last hour, of all processes of this installation.",
            "source",
            {"jolpica": float(used)},
        )
        yield gauge(
            "f1_source_requests_allowed",
            "How many requests an hour allows.",
            "source",
            {"jolpica": float(settings.jolpica_per_hour)},
        )


def _existing(settings: Settings) -> Engine:
    """Engine of tables that are there: to open a SQLite file that is not would make an empty one."""
    url = make_url(settings.tables_url)
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").is_file():
        raise NotThere("there are no tables yet")
    return get_engine(settings.tables_url)
