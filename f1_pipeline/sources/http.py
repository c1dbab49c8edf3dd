"""The one place where requests are retried: only transient failures, with waits of 1, 2, 4, 8 s.

A retry of a permanent answer helps nobody; elsewhere a 405 was retried 5,363 times by a pipeline. Where a
source says how long to stay away (``Retry-After``), that counts; where it is too long to wait for, the run ends
with an error that carries the time, and nothing is asked before it.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TypeVar
from urllib.parse import urlsplit, urlunsplit

import requests
from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_attempt

from f1_pipeline.errors import SourceBusy, SourceRefused, SourceUnavailable

logger = logging.getLogger(__name__)
T = TypeVar("T")

_TRANSIENT_STATUS = frozenset({408, 425, 429, 500, 502, 503, 504, 521, 522, 523, 524})
_JITTER = 0.25
"""Share of a wait that is added by chance, so that processes that failed together do not return together."""

RETRY_AFTER_MAX = 60.0
"""Longest wait that a source may ask for and get, in seconds."""


def check_status(response: requests.Response, what: str) -> None:
    """Turn an HTTP status into the product's errors.

    Raises:
        SourceUnavailable: the status is one that passes by itself.
        SourceRefused: any other status of 400 or above.
    """
    if response.status_code in _TRANSIENT_STATUS:
        raise SourceUnavailable(
            f"{what}: HTTP {response.status_code} from {shown(response.url)}",
            retry_after(response.headers.get("Retry-After"), datetime.now(UTC)),
        )
    if response.status_code >= 400:
        raise SourceRefused(f"{what}: HTTP {response.status_code} from {shown(response.url)}")


def shown(url: str) -> str:
    """An address without the password that may be in it (of a mirror): messages end in logs and in Dagster's history."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def retry_after(value: str | None, now: datetime) -> float | None:
    """Seconds to wait from ``now`` on, of a header that gives seconds or an HTTP date; None if it gives neither."""
    if value is None:
        return None
    if value.strip().isdecimal():
        return float(value)
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    # A date with the zone "-0000" is read as one without: HTTP dates are always UTC.
    return max(0.0, (moment.replace(tzinfo=moment.tzinfo or UTC) - now).total_seconds())


def _reason(error: requests.RequestException) -> str:
    """What went wrong, without the nested messages of the layers below (they stay as the cause)."""
    host = urlsplit(error.request.url or "").hostname if error.request is not None else None
    if isinstance(error, requests.Timeout):
        return f"{host or 'the source'} did not answer in time"
    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        return f"the answer of {host or 'the source'} was cut short"
    return f"{host or 'the source'} cannot be reached"


def with_retries(
    call: Callable[[], T], waits: tuple[float, ...], what: str, longest: float = RETRY_AFTER_MAX
) -> T:
    """Run ``call``, again after each wait (seconds, and a little more) while it fails with a transient error.

    Where the source says how long to stay away, the wait is at least that long, up to ``longest`` seconds.

    Raises:
        SourceBusy: the source asks for more than ``longest`` seconds, or for a wait after the last attempt.
        SourceUnavailable: it still failed after the last wait.
        SourceRefused: the source said no; not retried.
    """

    def attempt() -> T:
        try:
            return call()
        except (
            requests.ConnectionError,
            requests.Timeout,
            requests.exceptions.ChunkedEncodingError,
        ) as error:
            raise SourceUnavailable(f"{what}: {_reason(error)}") from error
        except requests.RequestException as error:  # an address that is none, redirects in a circle
            raise SourceRefused(f"{what}: {error}") from error

    def again(error: BaseException) -> bool:
        return isinstance(error, SourceUnavailable) and (error.retry_after or 0.0) <= longest

    def wait(state: RetryCallState) -> float:
        # Asked after the last attempt too, when there is nothing left to wait for.
        planned = (*waits, 0.0)[state.attempt_number - 1]
        error = state.outcome.exception() if state.outcome else None
        demanded = error.retry_after if isinstance(error, SourceUnavailable) else None
        return max(planned, demanded or 0.0) * random.uniform(1.0, 1.0 + _JITTER)

    def tell(state: RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        logger.warning("%s; trying again in %.3g s", error, state.upcoming_sleep)

    retrying = Retrying(
        stop=stop_after_attempt(len(waits) + 1),
        wait=wait,
        retry=retry_if_exception(again),
        before_sleep=tell,
        reraise=True,
    )
    try:
        return retrying(attempt)
    except SourceUnavailable as error:
        if not error.retry_after:
            raise
        at = datetime.now(UTC) + timedelta(seconds=error.retry_after)
        raise SourceBusy(f"{error}; it asks to be left alone until {at:%Y-%m-%d %H:%M:%S} UTC", at) from error
