"""Tells somebody that a run failed: one JSON document to an address of the settings."""

from __future__ import annotations

import logging

import requests

from f1_pipeline import clock
from f1_pipeline.secrecy import without_secrets
from f1_pipeline.settings import Settings

logger = logging.getLogger(__name__)

_TIMEOUT_SECONDS = 10.0
_LONGEST = 2000
"""Characters of an error: what receives it shows a line or two."""


def tell_failure(settings: Settings, run_id: str, job: str, error: str) -> str:
    """Send ``{"run", "job", "error", "at"}``; a sentence about what became of it.

    Nothing is raised: that nobody could be told must not fail anything else. Not sent again either: the run stays failed
    in the Dagster UI.
    """
    if settings.failure_webhook is None:
        return "F1_FAILURE_WEBHOOK is not set: nobody is told"
    body = {
        "run": run_id,
        "job": job,
        "error": without_secrets(settings, error)[:_LONGEST],
        "at": clock.now().isoformat(timespec="seconds"),
    }
    try:
        response = requests.post(
            settings.failure_webhook.get_secret_value(), json=body, timeout=_TIMEOUT_SECONDS
        )
    except (requests.RequestException, ValueError) as problem:
        # Not the message: it holds the address.
        logger.warning("the failure of %s could not be told (%s)", job, type(problem).__name__)
        return f"the failure of {job} could not be told ({type(problem).__name__})"
    if response.status_code >= requests.codes.bad_request:
        logger.warning("the failure of %s was not taken (HTTP %s)", job, response.status_code)
        return f"the failure of {job} was not taken (HTTP {response.status_code})"
    return f"the failure of {job} was told"
