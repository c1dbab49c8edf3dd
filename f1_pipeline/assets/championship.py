"""The championship forecasts: one computation, three tables."""

from collections.abc import Iterator, Sequence
from typing import Any

import pandas as pd
from dagster import AssetExecutionContext, AssetKey, multi_asset
from sqlalchemy import Engine

from f1_pipeline import clock
from f1_pipeline.assets.checks import POSITION_SUMS, TITLE_SUMS
from f1_pipeline.assets.common import TableCheck, emit, several_per_race
from f1_pipeline.assets.models import RemakeConfig
from f1_pipeline.assets.resources import Database
from f1_pipeline.forecasting.championship import ChampionshipForecast, forecast_championship
from f1_pipeline.forecasting.championship_inputs import ChampionshipInputs, championship_inputs
from f1_pipeline.forecasting.features import cutoffs
from f1_pipeline.forecasting.history import in_calendar_order
from f1_pipeline.forecasting.predict import race_seed
from f1_pipeline.forecasting.retirement_rates import LOOK_BACK
from f1_pipeline.forecasting.season_simulation import SimulationConfig
from f1_pipeline.settings import Settings
from f1_pipeline.storage import reads, schema
from f1_pipeline.storage.upcoming import calendar_now

_NEXT_RACE_FACTOR = 10
_PAST_RACE_DIVISOR = 2
"""Draws of the next race and of a race of the past, from the setting for orders. The next race is what people look at,
and its scenarios are shares of the draws in which one driver has one result. 264 races of the past take 32 seconds at
2,000 draws each; 1,000 are enough to score them."""

_KEPT = "A finished race keeps the forecast that was made for it."
_OUTPUTS: dict[str, tuple[list[str], str, str, list[TableCheck]]] = {
    "positions": (
        ["championship", "positions"],
        "championship_positions",
        f"Probability of every final place. {_KEPT}",
        [POSITION_SUMS],
    ),
    "scenarios": (
        ["championship", "scenarios"],
        "championship_scenarios",
        f"Title chances given each result of the leading drivers in the race; of the next race only. {_KEPT}",
        [],
    ),
    # Their rows say that the championship before a race is forecast: written last.
    "forecasts": (
        ["championship", "forecasts"],
        "championship_forecasts",
        f"Final points and title chances of everybody, as they stood before the race. {_KEPT}",
        [TITLE_SUMS],
    ),
}


@multi_asset(
    **several_per_race(
        "championship",
        _OUTPUTS,
        "championship",
        deps=[
            ["ratings", "joint"],
            *(["raw", name] for name in ("entries", "race_results", "sprint_results")),
        ],
    )
)
def championship(context: AssetExecutionContext, config: RemakeConfig, database: Database) -> Iterator[Any]:
    """Forecast the championships before the races of the run.

    Made are races with ratings of the forecast seasons that are finished or next. A finished race that has a
    forecast keeps it, and so does the next one once the cutoff has passed, unless ``remake``.
    """
    engine, settings = database.engine(), database.settings()
    keys = context.partition_keys
    names = {name: table for name, (_, table, _, _) in _OUTPUTS.items()}
    stored = {
        name: reads.read_table(engine, schema.metadata.tables[table], keys) for name, table in names.items()
    }
    calendar = in_calendar_order(reads.calendar(engine))
    finished = set(calendar.loc[calendar["finished"], "race_key"])
    now = calendar_now(engine)
    upcoming = now.upcoming
    held = set(stored["forecasts"]["race_key"])
    open_race = None if upcoming in now.closed else upcoming
    kept = [key for key in keys if key in held and key != open_race and not config.remake]
    due = [
        key
        for key in keys
        if key not in kept
        and (key in finished or key == upcoming)
        and int(key[:4]) >= settings.forecast_from_season
    ]
    made: list[ChampionshipForecast] = []
    if due:
        inputs = _read_inputs(engine, calendar, due)
        rated = set(inputs.ratings["race_key"])
        made = [
            _forecast(engine, settings, inputs, key, key == upcoming, stored["forecasts"])
            for key in due
            if key in rated
        ]
    for name, (key_parts, _, _, checks) in _OUTPUTS.items():
        rows = stored[name]
        parts = [rows[rows["race_key"].isin(kept)], *(getattr(one, name) for one in made)]
        frame = pd.concat([part for part in parts if len(part)] or parts[:1], ignore_index=True)
        yield from emit(context, frame, checks, output=(name, AssetKey(key_parts)))


def _read_inputs(engine: Engine, calendar: pd.DataFrame, due: Sequence[str]) -> ChampionshipInputs:
    """Results as far back as the oldest race of the run needs them, and ratings of the run's races."""
    oldest = calendar[calendar["race_key"].isin(due)].iloc[0]
    first = min(
        int(oldest["order"]) - LOOK_BACK,
        int(calendar.loc[calendar["season"] == oldest["season"], "order"].min()),
    )
    past = calendar.loc[(calendar["order"] >= first) & calendar["finished"], "race_key"].tolist()
    keys = past or list(due)
    return championship_inputs(
        calendar,
        reads.read_table(engine, schema.race_results, keys),
        reads.read_table(engine, schema.sprint_results, keys),
        reads.read_table(engine, schema.joint_ratings, list(due), horizon="pre_weekend"),
    )


def _forecast(
    engine: Engine,
    settings: Settings,
    inputs: ChampionshipInputs,
    race_key: str,
    is_next: bool,
    stored: pd.DataFrame,
) -> ChampionshipForecast:
    draws = settings.draws * _NEXT_RACE_FACTOR if is_next else settings.draws // _PAST_RACE_DIVISOR
    seed = race_seed(settings.seed, race_key, "championship")
    made = forecast_championship(inputs.situation(race_key), SimulationConfig(), draws, seed, is_next)
    races = inputs.races.set_index("race_key", drop=False)
    rows = made.forecasts.assign(
        cutoff=cutoffs(races.loc[[race_key]].reset_index(drop=True), "pre_weekend").iloc[0],
        created_at=clock.now(),
        data_release=reads.newest_release(engine),
    )
    return ChampionshipForecast(
        _unless_same(rows, stored[stored["race_key"] == race_key]), made.positions, made.scenarios
    )


def _unless_same(made: pd.DataFrame, kept: pd.DataFrame) -> pd.DataFrame:
    """The kept rows where a new forecast says the same: making it again must not change when it was made."""
    keys = ["kind", "entity_id"]
    compare = [name for name in made.columns if name not in ("created_at", "data_release")]
    if len(kept) != len(made):
        return made
    left = made.sort_values(keys)[compare].reset_index(drop=True)
    right = kept.sort_values(keys)[compare].reset_index(drop=True)
    return kept if left.astype(str).equals(right.astype(str)) else made


championship_assets = [championship]
