"""For analysts: scores of the models, a driver's results and ratings, what a circuit is like."""

from __future__ import annotations

from typing import Any

import pandas as pd
from fastapi import APIRouter, Depends, Request, Response
from sqlalchemy import Connection

from f1_app import queries, summaries
from f1_app.api import parameters as p
from f1_app.api.errors import Code, unknown
from f1_app.api.render import STANDINGS, respond
from f1_app.api.routes.shared import answered, not_found, page_of
from f1_app.api.schemas.analytics import (
    Accuracy,
    DriverPerformance,
    DriverRace,
    Mean,
    RaceScore,
    Track,
    TrackCoefficients,
    TrackRace,
)
from f1_app.api.schemas.base import number, parts, records
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
        total, rows = queries.score_pages.page(connection, model, season, horizon, limit, offset)
        means = queries.score_pages.means(connection, period, model, horizon)
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
        rows = _driver_races(connection, driver, at, season)
        source = p.source(connection)
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


def _driver_races(
    connection: Connection, driver: str, horizon: str, season: int | None
) -> list[dict[str, Any]]:
    """Results with the ratings of their race, and races that have ratings only; newest first."""
    results = queries.drivers.results(connection, driver).rename(columns={"race": "name"})
    elo = queries.ratings.elo(connection, "driver", [driver]).rename(
        columns={"race": "name", "value_before": "elo_before", "value_after": "elo_after"}
    )
    joint = queries.ratings.joint_of_drivers(connection, [driver], horizon)
    joint = joint.assign(
        joint_rating=joint["mean"] - joint["field_mean"],
        joint_rating_sd=joint["sd"],
        driver_rating=joint["driver_mean"] - joint["field_driver_mean"],
    ).set_index("race_key")[["joint_rating", "joint_rating_sd", "driver_rating"]]
    only_rated = elo[~elo["race_key"].isin(results["race_key"])]
    rated = elo.set_index("race_key")[["elo_before", "elo_after"]].join(joint)
    known = [
        column for column in DriverRace.model_fields if column in only_rated and not column.startswith("elo_")
    ]
    # Concatenated as objects: columns that one side has no value in would otherwise change their type.
    rows = pd.concat([results.astype(object), only_rated[known].astype(object)], ignore_index=True)
    rows = rows.join(rated, on="race_key").sort_values(["date", "race_key"], ascending=False, kind="stable")
    return records(rows if season is None else rows[rows["season"] == season])


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
        cars = queries.circuits.cars(connection, circuit)
        known = queries.circuits.track_coefficients(connection, circuit)
        source = p.source(connection)
    races = summaries.by_race(cars[cars["season"] >= from_season])
    rows = _track_races(cars, races, known)
    answer = Track(
        circuit=Circuit.model_validate(found),
        from_season=from_season,
        coefficients=_coefficients(races, known),
        total=len(rows),
        limit=limit,
        offset=offset,
        source=source,
        items=parts(TrackRace, page_of(rows, limit, offset)),
    )
    return respond(request, answer, STANDINGS)


_KNOWN = ("track_length_km", "turn_count", "elevation_m", "retirement_circuit")


def _track_races(cars: pd.DataFrame, races: pd.DataFrame, known: pd.DataFrame) -> list[dict[str, Any]]:
    """Figures of each race, newest first, with what the models knew of the circuit before it."""
    when = cars.drop_duplicates("race_key").set_index("race_key")[["season", "date"]]
    features = known.set_index("race_key")[list(_KNOWN)]
    return records(races.join(when).join(features).reset_index())


def _coefficients(races: pd.DataFrame, known: pd.DataFrame) -> TrackCoefficients:
    effect = summaries.grid_effect(races)
    return TrackCoefficients(
        races=effect.races,
        pole_wins=effect.pole_wins,
        pole_share=number(effect.pole_share),
        rank_correlation=number(effect.rank_correlation),
        mean_move=number(effect.mean_move),
        retirement_share=number(effect.retirement_share),
        retirement_circuit=None if known.empty else number(known["retirement_circuit"].iloc[0]),
    )
