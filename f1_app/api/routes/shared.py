"""What the routes have in common: the errors they may answer with, and pages of rows that are in memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from f1_app.api import media
from f1_app.api.errors import Code, Error

T = TypeVar("T")


def _error(description: str, code: Code, text: str, **details: Any) -> dict[str, Any]:
    example = {"error": text, "code": code.value, "details": details}
    return {
        "model": Error,
        "description": description,
        "content": {media.JSON: {"example": example}},
    }


_FAULT = {"parameter": "season", "where": "query", "problem": "Input should be less than or equal to 2100"}

ERRORS: dict[int | str, dict[str, Any]] = {
    406: _error(
        "The client takes neither form",
        Code.INVALID_PARAMETER,
        "This is answered as application/json or text/csv.",
        header="Accept",
    ),
    422: _error(
        "A parameter is not valid", Code.INVALID_PARAMETER, "Not valid: season.", parameters=[_FAULT]
    ),
    429: _error(
        "The client asks too often",
        Code.RATE_LIMIT_EXCEEDED,
        "More than 100 requests in a minute; the next one is answered in 12 s.",
        limit=100,
        per_seconds=60,
        retry_after_seconds=12,
    ),
    500: _error(
        "Something failed in the server",
        Code.INTERNAL_ERROR,
        "Something failed here; it is in the log of the server.",
    ),
    503: _error(
        "The tables cannot be read",
        Code.EXTERNAL_SERVICE_ERROR,
        "The tables cannot be read at the moment; try again later.",
    ),
}
"""Answers that any route may give in place of its own."""


def not_found(description: str, code: Code, text: str, **details: Any) -> dict[int | str, dict[str, Any]]:
    """The answer of a route that does not find what it is asked for."""
    return {404: _error(description, code, text, **details)}


def answered(description: str, csv: str) -> dict[int | str, dict[str, Any]]:
    """What a route answers with, in both forms, and with 304."""
    etag = {
        "ETag": {"description": "Version of the answer, for `If-None-Match`.", "schema": {"type": "string"}},
        "Cache-Control": {"description": "How long it may be kept.", "schema": {"type": "string"}},
    }
    return {
        200: {
            "description": description,
            "content": {media.CSV: {"schema": {"type": "string"}, "example": csv}},
            "headers": etag,
        },
        304: {"description": "The client has it already (`If-None-Match`)"},
    }


def page_of(rows: Sequence[T], limit: int, offset: int) -> Sequence[T]:
    """One page of rows."""
    return rows[offset : offset + limit]
