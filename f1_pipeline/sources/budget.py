"""How many requests a source may still be asked: one count for all processes of an installation.

Jolpica allows 500 requests an hour, has lowered that before, and counts by address: the dashboard's machine,
a run and a command share it. The count is a sliding window in a SQLite file; a lock on a second file is held while it
is read and written, and the system lets go of it when a process dies.
"""

from __future__ import annotations

import logging
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast
from uuid import uuid4

from pyrate_limiter import Duration, Rate, RateItem, SQLiteBucket

from f1_pipeline.errors import BudgetExhausted, SourceUnavailable

logger = logging.getLogger(__name__)

_CLOCK_SLACK_MS = 60_000
"""A request counted further in the future than this was counted by a clock that was wrong."""


class Budget:
    """Requests to one source: at most ``per_hour`` in any hour and ``per_second`` in any second.

    ``directory`` holds the count, ``name`` is the source. The file is opened anew for each request: an open SQLite
    connection must not be carried into a forked process, and a few requests a second do not notice.
    """

    def __init__(self, directory: Path, name: str, per_hour: int = 200, per_second: int = 4) -> None:
        self.name = name
        self._file = directory / f"{name}.sqlite"
        self._closed = directory / f"{name}.closed-until"
        # More in an hour than its seconds allow cannot happen, and the library refuses to be asked for it. Where an
        # hour allows no more than a second does, the hour alone is the limit.
        hour = Rate(min(per_hour, per_second * 3600), Duration.HOUR)
        self._rates = [hour] if per_hour <= per_second else [Rate(per_second, Duration.SECOND), hour]

    def acquire(self) -> None:
        """Count one request, after waiting until the second allows it.

        Raises:
            BudgetExhausted: the hour does not allow it, or the source asked to be left alone for longer.
            SourceUnavailable: the count cannot be read, so nobody knows what is allowed.
        """
        self._check_open()
        while True:
            with self._bucket() as bucket:
                # Inside the lock: requests are stored in the order of their times.
                now = _now_ms()
                newest = bucket.peek(0)
                if newest is not None and newest.timestamp > now + _CLOCK_SLACK_MS:
                    logger.warning("%s: requests were counted in the future; counting from zero", self.name)
                    bucket.flush()
                bucket.leak(now)
                if bucket.put(RateItem(self.name, now)):
                    return
                wait = cast(
                    int, bucket.waiting(RateItem(self.name, now))
                )  # a promise of one for other buckets
                full = bucket.failing_rate
            if full is not None and full.interval == int(Duration.HOUR):
                at = datetime.fromtimestamp((now + wait) / 1000, UTC)
                raise BudgetExhausted(
                    f"{self.name}: {full.limit} requests in the last hour, which is our limit; "
                    f"the next one at {at:%Y-%m-%d %H:%M:%S} UTC",
                    at,
                )
            time.sleep(wait / 1000)

    def used(self) -> int:
        """Requests of the last hour, of all processes. Where the directory is read-only, the count is read as it lies
        there: a request that is being counted at this moment may be missing.

        Raises:
            SourceUnavailable: the count cannot be read.
        """
        if self._file.parent.is_dir() and not os.access(self._file.parent, os.W_OK):
            return self._seen()
        with self._bucket() as bucket:
            bucket.leak(_now_ms())
            return bucket.count()

    def _seen(self) -> int:
        """The count without a lock: SQLite would make files beside it for one."""
        if not self._file.is_file() or self._file.stat().st_size == 0:
            return 0
        try:
            with closing(
                sqlite3.connect(f"{self._file.absolute().as_uri()}?mode=ro&immutable=1", uri=True)
            ) as connection:
                since = _now_ms() - int(Duration.HOUR)
                query = "SELECT count(*) FROM requests WHERE item_timestamp >= ?"
                return int(connection.execute(query, [since]).fetchone()[0])
        except sqlite3.Error as error:
            raise self._unusable(error) from error

    def close_until(self, moment: datetime) -> None:
        """Ask nothing before ``moment``, in any process: the source wants to be left alone that long."""
        temporary = self._closed.with_suffix(f".{uuid4().hex[:8]}.tmp")
        temporary.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(f"{datetime.now(UTC).isoformat()} {moment.isoformat()}", encoding="utf-8")
        temporary.replace(self._closed)

    def closed_until(self) -> datetime | None:
        """The moment before which nothing is asked, or None where there is none or it has passed."""
        try:
            written, until = map(datetime.fromisoformat, self._closed.read_text(encoding="utf-8").split())
        except (FileNotFoundError, ValueError):
            return None
        now = datetime.now(UTC)
        by_a_wrong_clock = written > now + timedelta(milliseconds=_CLOCK_SLACK_MS)
        return until if until > now and not by_a_wrong_clock else None

    def _check_open(self) -> None:
        until = self.closed_until()
        if until is not None:
            raise BudgetExhausted(
                f"{self.name}: the source asked to be left alone until {until:%Y-%m-%d %H:%M:%S} UTC", until
            )

    @contextmanager
    def _bucket(self) -> Iterator[SQLiteBucket]:
        """The count, locked."""
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            bucket = SQLiteBucket.init_from_file(
                self._rates, table="requests", db_path=str(self._file), use_file_lock=True
            )
            try:
                with bucket.lock:
                    yield bucket
            finally:
                bucket.close()  # type: ignore[no-untyped-call]
        except (sqlite3.Error, OSError) as error:
            raise self._unusable(error) from error

    def _unusable(self, error: Exception) -> SourceUnavailable:
        return SourceUnavailable(
            f"{self.name}: the count of requests in {self._file} cannot be used ({error}); "
            "a damaged file may be removed, one hour after the last request"
        )


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
