"""HTTP to the weather services: cached on disk, retried in one place, and a key that stays a secret.

A key belongs into the address of a request, and addresses end up in error messages, in the debug lines of urllib3 and
in caches. So the key is put in at the last moment, by the adapter that sends, and taken out again there: nothing
above it, cache and errors included, ever sees an address with the key in it.
"""

from __future__ import annotations

import json
import logging
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import urlencode

import requests
from pydantic import SecretStr
from requests.adapters import HTTPAdapter
from requests_cache import AnyResponse, CachedSession

from f1_pipeline.errors import F1Error, SourceRefused, SourceUnavailable
from f1_pipeline.sources.http import check_status, with_retries

HISTORY_LIFETIME = timedelta(hours=24)
FORECAST_LIFETIME = timedelta(hours=1)
"""How long an answer is taken from the cache: the models behind a forecast run every hour at most."""

_LOGGERS = ("urllib3.connectionpool", "urllib3.util.retry")
"""Loggers of the layers below that state addresses."""
_SAID = 200
"""Characters of a service's own explanation that an error quotes."""


@dataclass(frozen=True)
class Answer:
    """Content of an answer (parsed JSON), and when it was taken if it comes from the cache (UTC)."""

    content: Any
    cached_at: datetime | None


class WeatherHttp:
    """A session with a weather service. Close it, or use it as a context manager.

    Args:
        cache: file of the cache (SQLite); made when missing.
        lifetime: age up to which an answer is taken from the cache.
        timeout: time limit of one request (s).
        waits: waits before each retry (s).
        key: secret that is sent as ``appid``; None where the service wants none.

    Raises:
        SourceUnavailable: the cache cannot be opened.
    """

    def __init__(
        self,
        cache: Path,
        lifetime: timedelta,
        timeout: float,
        waits: tuple[float, ...],
        key: SecretStr | None = None,
    ):
        self._timeout, self._waits, self._key, self._cache = timeout, waits, key, cache
        try:
            # As JSON: the default is pickle, and loading one runs whatever is in it.
            self._session = CachedSession(
                str(cache), backend="sqlite", serializer="json", expire_after=lifetime, filter_fn=_is_data
            )
            self._session.cache.delete(expired=True)
        except (sqlite3.Error, OSError) as error:
            raise SourceUnavailable(f"the cache of weather answers, {cache}: {error}") from error
        if key is not None:
            adapter = _KeyAdapter(key)
            self._session.mount("https://", adapter)
            self._session.mount("http://", adapter)

    def __enter__(self) -> WeatherHttp:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close connections and cache."""
        self._session.close()  # type: ignore[no-untyped-call]

    def get(self, url: str, parameters: Mapping[str, str | float | int], what: str) -> Answer:
        """The answer to a request, from the cache while it is young enough.

        Raises:
            SourceUnavailable: not reachable after the retries, or the cache cannot be used.
            SourceRefused: the service said no, or what it said is not JSON.
        """

        def attempt() -> Answer:
            # Not followed: the place that a redirect names may repeat the key, and is none that we know.
            response = self._session.get(
                url, params=dict(parameters), timeout=self._timeout, allow_redirects=False
            )
            return self._read(response, what)

        try:
            return with_retries(attempt, self._waits, what)
        except sqlite3.Error as error:
            raise SourceUnavailable(f"{what}: the cache {self._cache}: {error}") from error

    def _read(self, response: AnyResponse, what: str) -> Answer:
        if 300 <= response.status_code < 400:
            raise SourceRefused(f"{what}: HTTP {response.status_code}, it has moved elsewhere")
        try:
            check_status(response, what)
        except F1Error as error:
            said = _explanation(response)
            raise type(error)(self._hide(f"{error}: {said}" if said else str(error))) from None
        try:
            content = response.json()
        except ValueError:
            raise SourceRefused(f"{what}: the answer is not JSON") from None
        return Answer(content, response.created_at.astimezone(UTC) if response.from_cache else None)

    def _hide(self, text: str) -> str:
        return text if self._key is None else hide(text, self._key)


def hide(text: str, key: SecretStr) -> str:
    """The text with the key made unreadable, also where it was quoted for an address."""
    secret = key.get_secret_value()
    for form in {secret, urlencode({"": secret})[1:]}:
        text = text.replace(form, "***")
    return text


def _is_data(response: requests.Response) -> bool:
    """What may be kept: a login page answered with status 200 must not stay for a day."""
    try:
        json.loads(response.content)
    except ValueError:
        return False
    return True


def _explanation(response: requests.Response) -> str | None:
    """What the service itself says of an error: ``reason`` (Open-Meteo) or ``message`` (OpenWeatherMap)."""
    try:
        content = response.json()
    except ValueError:
        return None
    said = (content.get("reason") or content.get("message")) if isinstance(content, dict) else None
    return str(said)[:_SAID] if said else None


class _KeyAdapter(HTTPAdapter):
    """Sends requests with the key in them, and gives back answers and errors without."""

    def __init__(self, key: SecretStr):
        super().__init__()
        self._key = key

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        keyed = request.copy()
        keyed.prepare_url(request.url, {"appid": self._key.get_secret_value()})
        failure: requests.RequestException | None = None
        with _hidden(self._key):
            try:
                response = super().send(keyed, *args, **kwargs)
            except requests.RequestException as error:
                failure = type(error)(hide(str(error), self._key), request=request)
        if failure is not None:
            # Outside of the handler: as its context the first error would be shown with the traceback.
            raise failure
        response.request, response.url = request, request.url or ""
        if hasattr(response.raw, "_request_url"):
            response.raw._request_url = hide(str(response.raw._request_url), self._key)
        return response


@contextmanager
def _hidden(key: SecretStr) -> Iterator[None]:
    """While this is open, no line of the layers below states the key."""

    def without(record: logging.LogRecord) -> bool:
        record.msg, record.args = hide(record.getMessage(), key), None
        return True

    loggers = [logging.getLogger(name) for name in _LOGGERS]
    for logger in loggers:
        logger.addFilter(without)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeFilter(without)
