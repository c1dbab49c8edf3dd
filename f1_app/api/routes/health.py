"""Whether the API is alive and can answer: for probes, load balancers and people."""

from __future__ import annotations

import datetime as dt

from fastapi import APIRouter, Request, Response
from sqlalchemy import Connection

from f1_app import queries
from f1_app.api import media
from f1_app.api.errors import log
from f1_app.api.schemas.health import DataState, Health
from f1_app.database import DatabaseUnavailableError, reading

router = APIRouter(tags=["health"])

_HEADERS = {"Cache-Control": "no-store"}


@router.get(
    "/health",
    response_model=Health,
    responses={503: {"model": Health, "description": "Alive, but there is nothing to answer with"}},
    summary="Alive, ready, and on which data",
)
def health(request: Request) -> Response:
    """503 while there are no tables or no data. Not counted by the limit of requests."""
    enabled: bool = request.app.state.settings.enable_predictions
    data: DataState | None = None
    status, problem = "ready", None
    try:
        with reading() as connection:
            data = _data(connection, enabled)
        if data is None:
            status, problem = "empty", "no_data"
    except DatabaseUnavailableError as error:
        log.error("no answer from the tables: %s", error)
        status, problem = "unavailable", error.problem.value
    answer = Health(
        status=status,
        alive=True,
        ready=data is not None,
        problem=problem,
        predictions_enabled=enabled,
        data=data,
    )
    return Response(
        answer.model_dump_json(),
        status_code=200 if answer.ready else 503,
        media_type=media.JSON,
        headers=_HEADERS,
    )


def _data(connection: Connection, with_forecast: bool) -> DataState | None:
    loaded = queries.state.loaded(connection)
    if loaded is None:
        return None
    newest = queries.races.newest_finished_race(connection)
    upcoming = queries.races.next_race(connection, queries.state.data_clock(connection))
    made = (
        queries.published.newest_forecast_at(connection, upcoming.race_key)
        if upcoming and with_forecast
        else None
    )
    age = dt.datetime.now(dt.UTC) - loaded.loaded_at
    return DataState(
        source=loaded.source,
        release=loaded.release,
        loaded_at=loaded.loaded_at,
        age_days=round(age / dt.timedelta(days=1), 3),
        simulated=loaded.simulated,
        newest_race=newest.race_key if newest else None,
        next_race=upcoming.race_key if upcoming else None,
        next_race_forecast_at=made,
    )


live = APIRouter()


@live.get("/health/live", include_in_schema=False)
async def alive() -> Response:
    """That the process answers, whatever it has to answer with."""
    return Response('{"alive":true}', media_type=media.JSON, headers=_HEADERS)
