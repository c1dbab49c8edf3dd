"""The calendar of a season, as data and as a file that calendar programs subscribe to."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from f1_app import ical, queries
from f1_app.api import media
from f1_app.api import parameters as p
from f1_app.api.errors import Code, unknown
from f1_app.api.render import FORECAST, headers_of, respond
from f1_app.api.routes.shared import answered, not_found
from f1_app.api.schemas.listings import Calendar
from f1_app.database import reading

router = APIRouter(prefix="/calendar", tags=["listings"])

_NO_SEASON = not_found(
    "There is no such season",
    Code.INVALID_PARAMETER,
    "There is no season 2031.",
    parameter="season",
    value=2031,
)
_ICS = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\n…\r\nEND:VCALENDAR\r\n"


# Before the route of the season: that one would take "2026.ics" for a season that is not valid.
@router.get(
    "/{season}.ics",
    response_class=Response,
    responses={
        200: {
            "description": "The calendar (RFC 5545), times in UTC",
            "content": {media.CALENDAR: {"schema": {"type": "string"}, "example": _ICS}},
        },
        304: {"description": "The client has it already (`If-None-Match`)"},
        **_NO_SEASON,
    },
    summary="Calendar of a season as iCalendar",
)
def calendar_file(request: Request, season: p.SeasonPath) -> Response:
    """Races and their sessions as events. An event stays the same one when a race is moved or renumbered."""
    return _file(request, season)


@router.get(
    "/{season}",
    response_model=Calendar,
    responses={**answered("The calendar", "race_key,season,round,…,prediction_available\r\n"), **_NO_SEASON},
    summary="Calendar of a season",
)
def calendar(request: Request, season: p.SeasonPath) -> Response:
    """All races of a season in their order, and whether there is a forecast. Also as `text/calendar`."""
    if request.state.format is None and request.state.accepted[:1] == (media.CALENDAR,):
        return _file(request, season)
    with reading() as connection:
        rows = queries.listings.season_races(connection, season)
        if not rows:
            raise unknown("season", season)
        source = p.source(connection)
    races = [p.race_of(request, row) for row in rows]
    return respond(request, Calendar(season=season, source=source, races=races), FORECAST)


def _file(request: Request, season: int) -> Response:
    with reading() as connection:
        races = queries.calendar.season_calendar(connection, season)
        stamp = queries.calendar.calendar_stamp(connection)
        simulated = p.source(connection).simulated
    if races.empty or stamp is None:
        raise unknown("season", season)
    request.state.kind = FORECAST
    return Response(
        ical.season_ics(races, season, stamp, simulated=simulated),
        media_type=media.CALENDAR,
        headers={
            **headers_of(FORECAST),
            "Content-Disposition": f'inline; filename="{ical.file_name(season)}"',
        },
    )
