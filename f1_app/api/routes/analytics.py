"""For analysts: scores of the models, a driver's results and ratings, what a circuit is like."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Depends, Request, Response

from f1_app import queries
from f1_app.api import parameters as p
from f1_app.api import tracks
from f1_app.api.errors import Code, unknown
from f1_app.api.render import STANDINGS, respond
from f1_app.api.routes.shared import answered, not_found, page_of
from f1_app.api.schemas.analytics import Accuracy, DriverPerformance, DriverRace, Mean, RaceScore, Track
from f1_app.api.schemas.base import parts
from f1_app.api.schemas.listings import Circuit
from f1_app.database import reading
from f1_pipeline.domain.vocabulary import HORIZONS

router = APIRouter(prefix="/analytics", tags=["analytics"])

_NO_PREDICTIONS = not_found(
    "Forecasts are turned off", Code.NO_PREDICTIONS_AVAILABLE, "Forecasts are turned off here."
)
_NO_DRIVER = not_found(
    "There is no such driver",
    Code.INVALID_PARAMETER,
    "There is no driver stig.",
    parameter="driver",
    value="stig",
)
_NO_CIRCUIT = not_found(
    "There is no such circuit",
    Code.INVALID_PARAMETER,
    "There is no circuit narnia.",
    parameter="circuit",
    value="narnia",
)


@router.get(
    "/model-accuracy",
    response_model=Accuracy,
    responses={
        **answered("The scores", "race_key,season,…,horizon,model,…,log_loss,…\r\n"),
        **_NO_PREDICTIONS,
    },
    summary="How good the forecasts were",
    dependencies=[Depends(p.predictions_enabled)],
)
def model_accuracy(
    request: Request,
    model: p.ScoredModel = None,
    season: p.Season = None,
    horizon: p.Horizon = None,
    limit: p.Limit = p.PAGE_SIZE,
    offset: p.Offset = 0,
) -> Response:
    """Means with 95 % intervals over all races or those of a season, and the scores of single races."""
    period = "all" if season is None else str(season)
    with reading() as connection:
        total, rows = queries.performance.accuracy_page(connection, model, season, horizon, limit, offset)
        means = queries.performance.accuracy_means(connection, period, model, horizon)
        source = p.source(connection)
    answer = Accuracy(
        total=total,
        limit=limit,
        offset=offset,
        source=source,
        period=period,
        means=parts(Mean, means),
        items=parts(RaceScore, rows),
    )
    return respond(request, answer, STANDINGS)


@router.get(
    "/driver-performance/{driver}",
    response_model=DriverPerformance,
    responses={
        **answered("Results and ratings", "driver_id,race_key,season,…,elo_before,…\r\n"),
        **_NO_DRIVER,
    },
    summary="Results and rating evolution of a driver",
)
def driver_performance(
    request: Request,
    driver: p.DriverId,
    season: p.Season = None,
    horizon: p.Horizon = None,
    limit: p.Limit = p.PAGE_SIZE,
    offset: p.Offset = 0,
) -> Response:
    """Every race of a driver, newest first: grid, place, points, and his ratings before and after. A race to come has ratings only."""
    at = horizon or HORIZONS[0]
    with reading() as connection:
        found = queries.listings.driver_row(connection, driver)
        if found is None:
            raise unknown("driver", driver)
        results = queries.performance.driver_races(connection, driver, season)
        ratings = queries.performance.driver_ratings(connection, driver, at, season)
        source = p.source(connection)
    rows = _joined(results, ratings)
    answer = DriverPerformance(
        driver_id=driver,
        code=found["code"],
        driver=found["name"],
        horizon=at,
        total=len(rows),
        limit=limit,
        offset=offset,
        source=source,
        items=parts(DriverRace, page_of(rows, limit, offset)),
    )
    return respond(request, answer, STANDINGS)


_RATED = ("elo_before", "elo_after", "pace", "pace_sd")
_RACED = (
    *("constructor_id", "team", "grid_position", "position"),
    *("position_text", "reason_retired", "points"),
)


def _joined(results: list[dict[str, Any]], ratings: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Results with the ratings of their race, and races that have ratings only; newest first."""
    rated = {row["race_key"]: {name: row[name] for name in _RATED} for row in ratings}
    raced = {row["race_key"] for row in results}
    rows = [{**row, **rated.get(row["race_key"], dict.fromkeys(_RATED))} for row in results]
    rows += [{**row, **dict.fromkeys(_RACED)} for row in ratings if row["race_key"] not in raced]
    return sorted(rows, key=lambda row: (row["date"], row["race_key"]), reverse=True)


@router.get(
    "/track-coefficients/{circuit}",
    response_model=Track,
    responses={**answered("The circuit", "circuit_id,race_key,season,…,winner_grid,…\r\n"), **_NO_CIRCUIT},
    summary="What a circuit does to a race",
)
def track_coefficients(
    request: Request,
    circuit: p.CircuitId,
    from_season: p.FromSeason = 2014,
    limit: p.Limit = p.PAGE_SIZE,
    offset: p.Offset = 0,
) -> Response:
    """How much the grid decides and how many retire at a circuit, over its races since a season, and of each race."""
    with reading() as connection:
        found = queries.listings.circuit_row(connection, circuit)
        if found is None:
            raise unknown("circuit", circuit)
        results = queries.performance.circuit_results(connection, circuit, from_season)
        features = queries.performance.circuit_features(connection, circuit, HORIZONS[0])
        source = p.source(connection)
    races = tracks.races_of(results)
    answer = Track(
        circuit=Circuit.model_validate(found),
        from_season=from_season,
        coefficients=tracks.coefficients(races, features["retirement_circuit"] if features else None),
        total=len(races),
        limit=limit,
        offset=offset,
        source=source,
        items=page_of(races, limit, offset),
    )
    return respond(request, answer, STANDINGS)
