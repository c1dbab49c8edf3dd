"""Parameters: what they may be, checked before anything is asked of the tables.

An id has letters, digits and dashes and nothing else, so what a hostile client sends ends here; in the statements all
values are bound in any case.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from fastapi import Depends, Path, Query, Request
from pydantic import AfterValidator, WithJsonSchema
from sqlalchemy import Connection

from f1_app import queries
from f1_app.api.errors import ApiError, Code, no_predictions, race_not_found
from f1_app.api.schemas.base import Race, Source
from f1_pipeline.domain.vocabulary import ALL_MODELS, HORIZONS, MARKET
from f1_pipeline.settings import Settings

FIRST_SEASON, LAST_SEASON = 1950, 2100
PAGE_SIZE, LARGEST_PAGE = 100, 500
_ID = r"^[a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?$"
_RACE = r"^[0-9]{4}-[a-z0-9]([a-z0-9-]{0,57}[a-z0-9])?$"
_BY_ROUND = re.compile(r"([0-9]{4})-([0-9]{1,2})")


def _one_of(names: tuple[str, ...]) -> tuple[AfterValidator, WithJsonSchema]:
    def check(value: str) -> str:
        if value not in names:
            raise ValueError(f"must be one of {', '.join(names)}")
        return value

    return AfterValidator(check), WithJsonSchema({"type": "string", "enum": list(names)})


_MODEL = _one_of(ALL_MODELS)
_SCORED = _one_of((*ALL_MODELS, MARKET))
_HORIZON = _one_of(HORIZONS)

RaceName = Annotated[
    str,
    Path(
        pattern=_RACE,
        max_length=64,
        description="Key of the race (`2026-netherlands`), or its season and round (`2026-12`).",
        examples=["2026-netherlands"],
    ),
]
DriverId = Annotated[
    str, Path(pattern=_ID, max_length=64, description="Id of the driver.", examples=["lando-norris"])
]
CircuitId = Annotated[
    str, Path(pattern=_ID, max_length=64, description="Id of the circuit.", examples=["zandvoort"])
]
SeasonPath = Annotated[int, Path(ge=FIRST_SEASON, le=LAST_SEASON, description="Season.", examples=[2026])]
Season = Annotated[
    int | None,
    Query(
        ge=FIRST_SEASON,
        le=LAST_SEASON,
        description="Season; all or the newest when left out.",
        examples=[2026],
    ),
]
Round = Annotated[
    int | None,
    Query(
        ge=1,
        le=99,
        description="Round of the season, or of the newest season; the newest when left out.",
        examples=[11],
    ),
]
FromSeason = Annotated[
    int, Query(ge=FIRST_SEASON, le=LAST_SEASON, description="First season to look at.", examples=[2014])
]
Model = Annotated[
    Annotated[str, *_MODEL] | None,
    Query(
        description="Model; the pool, or else the first that has a forecast, when left out.",
        examples=["pool"],
    ),
]
ScoredModel = Annotated[
    Annotated[str, *_SCORED] | None,
    Query(description="Model; all but `market` (bookmakers' prices) when left out.", examples=["pool"]),
]
Horizon = Annotated[
    Annotated[str, *_HORIZON] | None,
    Query(description="What the forecast knew; the one that knew most when left out.", examples=["pre_race"]),
]
Limit = Annotated[int, Query(ge=1, le=LARGEST_PAGE, description="Rows of a page.")]
Offset = Annotated[int, Query(ge=0, le=10_000_000, description="Rows before the page.")]
ChampionshipKind = Annotated[
    Literal["driver", "constructor"], Query(description="Whose championship.", examples=["driver"])
]


async def _form(
    request: Request,
    format: Annotated[
        Literal["json", "csv"] | None,
        Query(
            description="Form of the answer where the header `Accept` cannot be set; it wins over the header."
        ),
    ] = None,
) -> None:
    """Note the form that is asked for, and refuse parameters that are not there: a slip of the pen would pass unseen."""
    known = {"format", *(field.alias for field in request.scope["route"].dependant.query_params)}
    names = [name for name, _ in request.query_params.multi_items()]
    unknown = sorted({name for name in names if name not in known})
    twice = sorted({name for name in names if names.count(name) > 1} - set(unknown))
    faults = [
        {"parameter": name[:64], "where": "query", "problem": "there is no such parameter"}
        for name in unknown
    ]
    faults += [{"parameter": name, "where": "query", "problem": "is given more than once"} for name in twice]
    if faults:
        listed = ", ".join(fault["parameter"] for fault in faults[:10])
        raise ApiError(422, Code.INVALID_PARAMETER, f"Not valid: {listed}.", parameters=faults[:10])
    request.state.format = format


FORM = Depends(_form)


def predictions_enabled(request: Request) -> None:
    """Refuse a route that shows forecasts where they are turned off."""
    settings: Settings = request.app.state.settings
    if not settings.enable_predictions:
        raise no_predictions("Forecasts are turned off here.")


def race_of(request: Request, row: Mapping[str, Any]) -> Race:
    """A race as it is answered; where forecasts are turned off, none has any."""
    shown: bool = request.app.state.settings.enable_predictions
    return Race.model_validate({**row, "prediction_available": bool(row["prediction_available"]) and shown})


def find_race(connection: Connection, race: str) -> dict[str, Any]:
    """The race that a name stands for."""
    by_round = _BY_ROUND.fullmatch(race)
    key: str | None = race
    if by_round:
        key = queries.listings.race_key_of_round(connection, int(by_round[1]), int(by_round[2]))
    found = None if key is None else queries.listings.race_row(connection, key)
    if found is None:
        raise race_not_found(race)
    return found


def source(connection: Connection) -> Source:
    """What the tables stand on now."""
    loaded = queries.state.loaded(connection)
    return Source(
        data_release=loaded.release if loaded else None, simulated=loaded.simulated if loaded else False
    )
