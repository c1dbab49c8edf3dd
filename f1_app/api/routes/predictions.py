"""Forecasts of races."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any

from fastapi import APIRouter, Depends, Request, Response
from sqlalchemy import Connection

from f1_app import queries
from f1_app.api import parameters as p
from f1_app.api.errors import ApiError, Code, no_predictions
from f1_app.api.render import FORECAST, HISTORY, respond
from f1_app.api.routes.shared import answered, not_found
from f1_app.api.schemas.base import Provenance, parts
from f1_app.api.schemas.forecasts import (
    Comparison,
    Distribution,
    DriverForecast,
    DriverPlaces,
    ModelForecast,
    RaceForecast,
    Score,
)
from f1_app.database import reading
from f1_pipeline.domain.vocabulary import ALL_MODELS, HORIZONS

router = APIRouter(prefix="/predictions", tags=["predictions"], dependencies=[Depends(p.predictions_enabled)])

_PROVENANCE = ("model", "model_version", "stood_in_for", "horizon", "cutoff", "created_at", "data_release")
_CSV = (
    "race_key,model,model_version,stood_in_for,horizon,cutoff,made_at,data_release,simulated,driver_id,…\r\n"
)
_NONE = not_found(
    "There is no such race, or no forecast of it",
    Code.NO_PREDICTIONS_AVAILABLE,
    "There is no forecast of 1994-monaco.",
    race="1994-monaco",
)


def choose(
    choices: Sequence[tuple[str, str]], race_key: str, horizon: str | None, model: str | None, what: str
) -> tuple[str, str]:
    """Horizon and model to answer with: what is asked for, else what knew most and the first of the models.

    Raises:
        ApiError: there is none of that horizon and model.
    """
    fitting = [
        (at, name)
        for at, name in choices
        if horizon in (None, at) and model in (None, name) and name in ALL_MODELS
    ]
    if not fitting:
        details = {
            name: value for name, value in (("horizon", horizon), ("model", model)) if value is not None
        }
        text = f"There is no {what} of {race_key}"
        if choices and details:
            text += " with " + " and ".join(f"{name} {value}" for name, value in details.items())
        raise no_predictions(f"{text}.", race=race_key, **details)
    return max(fitting, key=lambda pair: (HORIZONS.index(pair[0]), -ALL_MODELS.index(pair[1])))


def _provenance(connection: Connection, row: dict[str, Any]) -> Provenance:
    values = {name: row[name] for name in _PROVENANCE}
    return Provenance(made_at=values.pop("created_at"), simulated=p.source(connection).simulated, **values)


def _forecast(
    request: Request, connection: Connection, race: dict[str, Any], model: str | None, horizon: str | None
) -> Response:
    key = race["race_key"]
    choices = queries.forecasts.forecast_choices(connection, key)
    at, name = choose(choices, key, horizon, model, "forecast")
    rows = queries.published.rows(connection, key, at, name)
    answer = RaceForecast(
        race=p.race_of(request, race),
        forecast=_provenance(connection, rows[0]),
        drivers=parts(DriverForecast, rows),
    )
    return respond(request, answer, HISTORY if race["finished"] else FORECAST)


@router.get(
    "/next-race",
    response_model=RaceForecast,
    responses={**answered("The forecast", _CSV), **_NONE},
    summary="Forecast of the next race",
)
def next_race(request: Request, model: p.Model = None, horizon: p.Horizon = None) -> Response:
    """Who is likely to win the race that comes next. It has a limit of requests of its own."""
    with reading() as connection:
        found = queries.races.next_race(connection, queries.state.data_clock(connection))
        row = None if found is None else queries.listings.race_row(connection, found.race_key)
        if row is None:
            raise ApiError(404, Code.RACE_NOT_FOUND, "No race lies ahead in the data.")
        return _forecast(request, connection, row, model, horizon)


@router.get(
    "/race/{race}",
    response_model=RaceForecast,
    responses={**answered("The forecast", _CSV), **_NONE},
    summary="Forecast of a race",
)
def of_race(request: Request, race: p.RaceName, model: p.Model = None, horizon: p.Horizon = None) -> Response:
    """The forecast of any race. That of a finished race is the one that was made for it."""
    with reading() as connection:
        return _forecast(request, connection, p.find_race(connection, race), model, horizon)


@router.get(
    "/compare/{race}",
    response_model=Comparison,
    responses={**answered("The forecasts", _CSV), **_NONE},
    summary="All models on one race",
)
def compare(request: Request, race: p.RaceName, horizon: p.Horizon = None) -> Response:
    """What every model says of a race, and how good it was once there is a result."""
    with reading() as connection:
        found = p.find_race(connection, race)
        key = found["race_key"]
        at, _ = choose(queries.forecasts.forecast_choices(connection, key), key, horizon, None, "forecast")
        scores = queries.published.scores(connection, key, at)
        by_model = {
            name: list(rows)
            for name, rows in groupby(queries.published.rows(connection, key, at), lambda row: row["model"])
        }
        forecasts = [
            ModelForecast(
                forecast=_provenance(connection, rows[0]),
                score=Score.model_validate(scores[name]) if name in scores else None,
                drivers=parts(DriverForecast, rows),
            )
            for name, rows in by_model.items()
        ]
    answer = Comparison(race=p.race_of(request, found), horizon=at, forecasts=forecasts)
    # Not before it is scored: that comes after the result, and nobody would ask again within a week.
    return respond(request, answer, HISTORY if found["finished"] and scores else FORECAST)


@router.get(
    "/race/{race}/distribution",
    response_model=Distribution,
    responses={
        **answered("The distribution", "race_key,model,…,driver_id,…,position,probability\r\n"),
        **_NONE,
    },
    summary="Probability of every finishing place",
)
def distribution(
    request: Request, race: p.RaceName, model: p.Model = None, horizon: p.Horizon = None
) -> Response:
    """Where each driver may finish. Places are kept of the pool, of other models only where somebody had them drawn."""
    with reading() as connection:
        found = p.find_race(connection, race)
        key = found["race_key"]
        choices = queries.published.models_with_places(connection, key)
        at, name = choose(choices, key, horizon, model, "distribution of finishing places")
        rows = queries.published.rows(connection, key, at, name)
        places = queries.published.places(connection, key, at, name)
        provenance = _provenance(connection, rows[0])
    answer = Distribution(
        race=p.race_of(request, found),
        forecast=provenance,
        drivers=[_places(row, places[row["driver_id"]]) for row in rows],
    )
    return respond(request, answer, HISTORY if found["finished"] else FORECAST)


def _places(row: dict[str, Any], places: dict[int, float]) -> DriverPlaces:
    names = ("driver_id", "code", "driver", "constructor_id", "team", "expected_position")
    return DriverPlaces(
        **{name: row[name] for name in names},
        probabilities=[places.get(place, 0.0) for place in range(1, max(places) + 1)],
    )
