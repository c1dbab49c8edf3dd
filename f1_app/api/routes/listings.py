"""Lists: races, drivers, constructors, circuits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from fastapi import APIRouter, Request, Response
from sqlalchemy import Connection

from f1_app import queries
from f1_app.api import parameters as p
from f1_app.api.render import FORECAST, STANDINGS, respond
from f1_app.api.routes.shared import answered
from f1_app.api.schemas import listings as schemas
from f1_app.api.schemas.base import Page
from f1_app.database import reading
from f1_app.queries.listings import Page as Rows

router = APIRouter(tags=["listings"])
A = TypeVar("A", bound=Page)

Query = Callable[[Connection, int | None, int, int], Rows]


def _page(
    request: Request, answer: type[A], query: Query, season: int | None, limit: int, offset: int
) -> Response:
    with reading() as connection:
        total, rows = query(connection, season, limit, offset)
        found: dict[str, Any] = {
            "items": rows,
            "total": total,
            "limit": limit,
            "offset": offset,
            "source": p.source(connection),
        }
    return respond(request, answer.model_validate(found), STANDINGS)


@router.get(
    "/races",
    response_model=schemas.Races,
    responses=answered("A page of races", "race_key,season,round,name,…\r\n"),
    summary="Races, newest first",
)
def races(
    request: Request, season: p.Season = None, limit: p.Limit = p.PAGE_SIZE, offset: p.Offset = 0
) -> Response:
    """Every race since 1950 and those to come, cancelled ones among them."""
    with reading() as connection:
        total, rows = queries.listings.races_page(connection, season, limit, offset)
        source = p.source(connection)
    items = [p.race_of(request, row) for row in rows]
    answer = schemas.Races(total=total, limit=limit, offset=offset, source=source, items=items)
    return respond(request, answer, FORECAST)


@router.get(
    "/drivers",
    response_model=schemas.Drivers,
    responses=answered("A page of drivers", "driver_id,code,name,…\r\n"),
    summary="Drivers by name",
)
def drivers(
    request: Request, season: p.Season = None, limit: p.Limit = p.PAGE_SIZE, offset: p.Offset = 0
) -> Response:
    """Drivers of a season, or all."""
    return _page(request, schemas.Drivers, queries.listings.drivers_page, season, limit, offset)


@router.get(
    "/constructors",
    response_model=schemas.Constructors,
    responses=answered("A page of constructors", "constructor_id,name,…\r\n"),
    summary="Constructors by name",
)
def constructors(
    request: Request, season: p.Season = None, limit: p.Limit = p.PAGE_SIZE, offset: p.Offset = 0
) -> Response:
    """Constructors of a season, or all."""
    return _page(request, schemas.Constructors, queries.listings.constructors_page, season, limit, offset)


@router.get(
    "/circuits",
    response_model=schemas.Circuits,
    responses=answered("A page of circuits", "circuit_id,name,…\r\n"),
    summary="Circuits by name",
)
def circuits(
    request: Request, season: p.Season = None, limit: p.Limit = p.PAGE_SIZE, offset: p.Offset = 0
) -> Response:
    """Circuits on the calendar of a season, or all."""
    return _page(request, schemas.Circuits, queries.listings.circuits_page, season, limit, offset)
