"""The one place where requests are retried: only transient failures, with waits of 1, 2, 4, 8 s.

A retry of a permanent answer helps nobody; elsewhere a 405 was retried 5,363 times by a pipeline.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TypeVar
from urllib.parse import urlsplit

import requests
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt

from f1_pipeline.errors import SourceRefused, SourceUnavailable

logger = logging.getLogger(__name__)
T = TypeVar("T")

_TRANSIENT_STATUS = frozenset({408, 425, 429, 500, 502, 503, 504, 521, 522, 523, 524})


def check_status(response: requests.Response, what: str) -> None:
    """Turn an HTTP status into the product's errors.

    Raises:
        SourceUnavailable: the status is one that passes by itself.
        SourceRefused: any other status of 400 or above.
    """
    if response.status_code in _TRANSIENT_STATUS:
        raise SourceUnavailable(f"{what}: HTTP {response.status_code} from {response.url}")
    if response.status_code >= 400:
        raise SourceRefused(f"{what}: HTTP {response.status_code} from {response.url}")


def _reason(error: requests.RequestException) -> str:
    """What went wrong, without the nested messages of the layers below (they stay as the cause)."""
    host = urlsplit(error.request.url or "").hostname if error.request is not None else None
    if isinstance(error, requests.Timeout):
        return f"{host or 'the source'} did not answer in time"
    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        return f"the answer of {host or 'the source'} was cut short"
    return f"{host or 'the source'} cannot be reached"


def with_retries(call: Callable[[], T], waits: tuple[float, ...], what: str) -> T:
    """Run ``call``, again after each wait (seconds) while it fails with a transient error.

    Raises:
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

    def wait(state: RetryCallState) -> float:
        # Asked after the last attempt too, when there is nothing left to wait for.
        return (*waits, 0.0)[state.attempt_number - 1]

    def tell(state: RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        logger.warning("%s; trying again in %g s", error, wait(state))

    retrying = Retrying(
        stop=stop_after_attempt(len(waits) + 1),
        wait=wait,
        retry=retry_if_exception_type(SourceUnavailable),
        before_sleep=tell,
        reraise=True,
    )
    return retrying(attempt)
