"""What lies between the client and the wire: cache, then budget, then the check of the answer.

The order is the point. The cache calls the layer below only when it really has to ask, so a fresh copy costs
nothing of the budget, and a revalidation that ends in 304 costs one request. The check raises below the cache: what is
no complete answer is never kept, and the good copy from before stays.
"""

from __future__ import annotations

import json
import os
import sqlite3
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import requests
from requests_cache import CacheMixin
from requests_cache.backends.sqlite import SQLiteCache

from f1_pipeline.errors import SourceRefused, SourceUnavailable
from f1_pipeline.sources.budget import Budget
from f1_pipeline.sources.http import check_status

CONFIRMED = "X-F1-Confirmed-At"
"""Header put on every answer that came over the wire: when the source last said that this is its answer."""

_BUSY_MS = 10_000


class _CountedSession(requests.Session):
    """A session that asks the budget first and refuses what is no answer of the API."""

    def __init__(self, budget: Budget) -> None:
        super().__init__()
        self._budget = budget

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        """Send one request.

        Raises:
            BudgetExhausted: the budget does not allow it.
            SourceUnavailable, SourceRefused: the answer is none of the API.
        """
        self._budget.acquire()
        response = super().send(request, **kwargs)
        if not response.is_redirect and not _is_unchanged(request, response):
            check_status(response, self._budget.name)
            read_answer(response)
        response.headers[CONFIRMED] = datetime.now(UTC).isoformat()
        return response


class CachedSession(CacheMixin, _CountedSession):
    """The session of the client. ``expire_after`` (seconds) counts where an answer says nothing about its age.

    Answers are kept as JSON in SQLite: the library's default is pickle, and loading a pickle runs whatever is in it.

    Raises:
        SourceUnavailable: the cache in ``directory`` cannot be used.
    """

    def __init__(self, directory: Path, budget: Budget, expire_after: float) -> None:
        file = directory / "jolpica.sqlite"
        try:
            _check_writable(directory, file)
            cache = SQLiteCache(file, serializer="json", wal=True, busy_timeout=_BUSY_MS)
        except (OSError, sqlite3.Error) as error:
            raise SourceUnavailable(f"{budget.name}: {unusable(file, error)}") from error
        super().__init__(backend=cache, expire_after=expire_after, cache_control=True, budget=budget)
        self.headers.update(
            {"Accept": "application/json", "User-Agent": f"f1-forecast/{version('f1-forecast')}"}
        )


def unusable(file: Path, error: Exception) -> str:
    """What to tell about a cache that cannot be used."""
    return f"the cache {file} cannot be used ({error}); a damaged one may be removed"


def read_answer(response: requests.Response) -> dict[str, Any]:
    """``MRData`` of an answer of the API.

    Raises:
        SourceUnavailable: the answer was cut short.
        SourceRefused: it is a page, or JSON of another kind: the source has changed or closed.
    """
    where = f"jolpica: the answer of {response.url}"
    body = response.content.strip()
    if "html" in response.headers.get("Content-Type", "") or body.startswith(b"<"):
        raise SourceRefused(f"{where} is a page, not JSON")
    try:
        answer = json.loads(body)
    except ValueError as error:  # not UTF-8, too
        raise SourceUnavailable(f"{where} is no complete JSON ({error})") from error
    data = answer.get("MRData") if isinstance(answer, dict) else None
    if not isinstance(data, dict):
        raise SourceRefused(f"{where} has no MRData")
    return data


def _is_unchanged(request: requests.PreparedRequest, response: requests.Response) -> bool:
    asked = "If-None-Match" in request.headers or "If-Modified-Since" in request.headers
    return response.status_code == requests.codes.not_modified and asked


def _check_writable(directory: Path, file: Path) -> None:
    """Fail where nothing can be written: the library would try again ten thousand times a second, for ever.

    Raises:
        OSError: it cannot.
    """
    directory.mkdir(parents=True, exist_ok=True)
    with TemporaryFile(dir=directory):
        pass
    if file.exists() and not os.access(file, os.W_OK):
        raise PermissionError(f"{file} is read-only")
