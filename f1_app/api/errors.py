"""One form for whatever goes wrong, and six codes a program can tell apart.

A text says what to do about it and repeats nothing of the inside: no SQL, path, address or stack. The cause of an
internal error is in the log of the server.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

from f1_app.database import DatabaseUnavailableError

log = logging.getLogger("f1.api")


class Code(StrEnum):
    """What kind of error it is."""

    RACE_NOT_FOUND = "RACE_NOT_FOUND"
    NO_PREDICTIONS_AVAILABLE = "NO_PREDICTIONS_AVAILABLE"
    INVALID_PARAMETER = "INVALID_PARAMETER"
    RATE_LIMIT_EXCEEDED = "RATE_LIMIT_EXCEEDED"
    EXTERNAL_SERVICE_ERROR = "EXTERNAL_SERVICE_ERROR"
    INTERNAL_ERROR = "INTERNAL_ERROR"


class Error(BaseModel):
    """An answer that is none."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "error": "There is no race 2026-narnia.",
                    "code": "RACE_NOT_FOUND",
                    "details": {"race": "2026-narnia"},
                }
            ]
        }
    )
    error: str = Field(description="What is wrong, for people.")
    code: Code = Field(description="What is wrong, for programs.")
    details: dict[str, Any] = Field(description="What it is about, such as the parameters at fault.")


class ApiError(Exception):
    """An answer with a status of 400 or more."""

    def __init__(self, status: int, code: Code, error: str, **details: Any) -> None:
        super().__init__(error)
        self.status = status
        self.content = Error(error=error, code=code, details=details)


def race_not_found(race: str) -> ApiError:
    """No race of that name."""
    return ApiError(404, Code.RACE_NOT_FOUND, f"There is no race {race}.", race=race)


def unknown(parameter: str, value: object) -> ApiError:
    """A driver, circuit or season that is well written and not there."""
    return ApiError(
        404, Code.INVALID_PARAMETER, f"There is no {parameter} {value}.", parameter=parameter, value=value
    )


def no_predictions(what: str, **details: Any) -> ApiError:
    """The race is there, a forecast of it is not."""
    return ApiError(404, Code.NO_PREDICTIONS_AVAILABLE, what, **details)


def answer(error: ApiError, headers: Mapping[str, str] | None = None) -> Response:
    """The error as it is sent; nobody may store it."""
    return Response(
        json.dumps(error.content.model_dump(mode="json"), ensure_ascii=False).encode("utf-8", "replace"),
        status_code=error.status,
        media_type="application/json",
        headers={"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", **(headers or {})},
    )


def unavailable() -> ApiError:
    """The tables cannot be read."""
    return ApiError(
        503, Code.EXTERNAL_SERVICE_ERROR, "The tables cannot be read at the moment; try again later."
    )


def internal() -> Response:
    """Whatever nobody has foreseen, as it is sent."""
    return answer(
        ApiError(500, Code.INTERNAL_ERROR, "Something failed here; it is in the log of the server.")
    )


def _on_api_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, ApiError)  # noqa: S101 - what the handler is registered for
    return answer(error)


def _on_invalid(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101
    faults = [
        {"parameter": str(fault["loc"][-1]), "where": str(fault["loc"][0]), "problem": fault["msg"]}
        for fault in error.errors()
    ]
    names = ", ".join(dict.fromkeys(fault["parameter"] for fault in faults))
    return answer(ApiError(422, Code.INVALID_PARAMETER, f"Not valid: {names}.", parameters=faults))


_STATUS = {404: "There is nothing at this address.", 405: "Only GET and HEAD are answered."}


def _on_http(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101
    text = _STATUS.get(error.status_code, "The request cannot be answered.")
    return answer(ApiError(error.status_code, Code.INVALID_PARAMETER, text), error.headers)


def _on_unavailable(_request: Request, error: Exception) -> Response:
    log.error("no answer from the tables: %s", error)
    return answer(unavailable(), {"Retry-After": "30"})


def install(app: FastAPI) -> None:
    """Every error of the app in this form."""
    app.add_exception_handler(ApiError, _on_api_error)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(DatabaseUnavailableError, _on_unavailable)
