"""From an answer to bytes: the form that was asked for, and how long others may keep it."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from typing import Any

from fastapi import Request, Response

from f1_app.api import media
from f1_app.api.errors import ApiError, Code
from f1_app.api.schemas.base import Answer, Page


@dataclass(frozen=True, slots=True)
class Kind:
    """How long an answer is good for others, and whether it is history: the same until it is revised itself."""

    cache_control: str
    history: bool = False


FORECAST = Kind("public, max-age=3600")
STANDINGS = Kind("public, max-age=86400")
HISTORY = Kind("public, max-age=604800, immutable", history=True)
"""Not asked for again within a week. Longer would hide a correction from caches for good: they come months later."""


def respond(request: Request, answer: Answer, kind: Kind) -> Response:
    """The answer in the form that was asked for.

    Raises:
        ApiError: the client takes neither JSON nor CSV.
    """
    chosen = _chosen(request)
    headers = headers_of(kind)
    if isinstance(answer, Page):
        headers["X-Total-Count"] = str(answer.total)
    request.state.kind = kind
    if chosen == media.JSON:
        return Response(answer.model_dump_json(), media_type=media.JSON, headers=headers)
    return Response(as_csv(answer), media_type=media.CSV, headers=headers)


def headers_of(kind: Kind) -> dict[str, str]:
    """Headers of an answer whose form depends on the client."""
    return {"Cache-Control": kind.cache_control, "Vary": "Accept", "X-Content-Type-Options": "nosniff"}


def _chosen(request: Request) -> str:
    asked: str | None = request.state.format
    if asked is not None:
        return media.JSON if asked == "json" else media.CSV
    for form in request.state.accepted:
        if form in (media.JSON, media.CSV):
            return str(form)
    raise ApiError(
        406, Code.INVALID_PARAMETER, "This is answered as application/json or text/csv.", header="Accept"
    )


def as_csv(answer: Answer) -> str:
    """The rows of an answer, with a line of names; empty cells are unknown."""
    columns, rows = answer.table()
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(columns)
    writer.writerows([_cell(row[name]) for name in columns] for row in rows)
    return text.getvalue()


def _cell(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else value
