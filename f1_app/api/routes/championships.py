"""Championships: how they stand, and how they may end."""

from __future__ import annotations

from typing import Any, Literal

from fastapi import APIRouter, Depends, Request, Response

from f1_app import queries
from f1_app.api import parameters as p
from f1_app.api.errors import ApiError, Code, no_predictions, unknown
from f1_app.api.render import FORECAST, HISTORY, STANDINGS, Kind, respond
from f1_app.api.routes.shared import answered, not_found
from f1_app.api.schemas.base import Provenance, Race, Source, parts, records
from f1_app.api.schemas.forecasts import Championship, Title
from f1_app.api.schemas.listings import (
    ConstructorStanding,
    ConstructorStandings,
    DriverStanding,
    DriverStandings,
)
from f1_app.database import reading

router = APIRouter(tags=["championship"])

_RATINGS = ("rating", "pre_weekend")
"""The model, and its horizon, whose ratings the seasons of a championship forecast are drawn from."""

_NO_STANDINGS = not_found(
    "There are no standings after that race",
    Code.INVALID_PARAMETER,
    "There is no season 2031.",
    parameter="season",
    value=2031,
)


def _standings(
    request: Request, kind: Literal["driver", "constructor"], season: int | None, round_: int | None
) -> tuple[Race, Source, list[dict[str, Any]], Kind]:
    with reading() as connection:
        key = queries.standings.newest_race(connection, kind, season, round_)
        row = None if key is None else queries.listings.race_row(connection, key)
        if key is None or row is None:
            if round_ is not None:
                raise ApiError(
                    404,
                    Code.RACE_NOT_FOUND,
                    f"There are no standings after round {round_} of {season or 'the newest season'}.",
                    season=season,
                    round=round_,
                )
            raise unknown("season with standings", season)
        history = queries.standings.has_later(connection, key)
        simulated = p.source(connection).simulated
        release = queries.standings.release(connection, kind, key)
        table = queries.standings.drivers_after if kind == "driver" else queries.standings.constructors_after
        rows = records(table(connection, key))
    return (
        p.race_of(request, row),
        Source(data_release=release, simulated=simulated),
        rows,
        HISTORY if history else STANDINGS,
    )


@router.get(
    "/standings/drivers",
    response_model=DriverStandings,
    responses={
        **answered("The standings", "race_key,position,position_text,driver_id,…\r\n"),
        **_NO_STANDINGS,
    },
    summary="Drivers' championship after a race",
)
def driver_standings(request: Request, season: p.Season = None, round: p.Round = None) -> Response:
    """The table as published: after the newest race, the last one of a season, or any round."""
    after, source, rows, kind = _standings(request, "driver", season, round)
    return respond(
        request, DriverStandings(after=after, source=source, standings=parts(DriverStanding, rows)), kind
    )


@router.get(
    "/standings/constructors",
    response_model=ConstructorStandings,
    responses={
        **answered("The standings", "race_key,position,position_text,constructor_id,…\r\n"),
        **_NO_STANDINGS,
    },
    summary="Constructors' championship after a race",
)
def constructor_standings(request: Request, season: p.Season = None, round: p.Round = None) -> Response:
    """The table as published; there is none before 1958."""
    after, source, rows, kind = _standings(request, "constructor", season, round)
    answer = ConstructorStandings(after=after, source=source, standings=parts(ConstructorStanding, rows))
    return respond(request, answer, kind)


@router.get(
    "/championship",
    response_model=Championship,
    responses={
        **answered("The forecast", "race_key,model,…,kind,races_left,entity_id,…\r\n"),
        **not_found(
            "The championship was not forecast then",
            Code.NO_PREDICTIONS_AVAILABLE,
            "There is no championship forecast of 1994.",
            season=1994,
        ),
    },
    summary="How the championship may end",
    dependencies=[Depends(p.predictions_enabled)],
)
def championship(
    request: Request,
    season: p.Season = None,
    round: p.Round = None,
    kind: p.ChampionshipKind = "driver",
) -> Response:
    """Title chances and points at the end of the season, as forecast before a race: the next one, or any round."""
    with reading() as connection:
        key = queries.published.championship_race(connection, kind, season, round)
        row = None if key is None else queries.listings.race_row(connection, key)
        if key is None or row is None:
            details = {
                name: value for name, value in (("season", season), ("round", round)) if value is not None
            }
            of = f" of {season}" if season else ""
            raise no_predictions(f"There is no championship forecast{of}.", **details)
        rows = records(queries.championship.championship(connection, key, kind))
        first = rows[0]
        model, horizon = _RATINGS
        provenance = Provenance(
            model=model,
            model_version=queries.published.rating_version(connection, key, horizon),
            horizon=horizon,
            cutoff=first["cutoff"],
            made_at=first["created_at"],
            data_release=first["data_release"],
            simulated=p.source(connection).simulated,
        )
    answer = Championship(
        race=p.race_of(request, row),
        kind=kind,
        races_left=first["races_left"],
        draws=first["draws"],
        forecast=provenance,
        entries=parts(Title, rows),
    )
    return respond(request, answer, HISTORY if row["finished"] else FORECAST)
