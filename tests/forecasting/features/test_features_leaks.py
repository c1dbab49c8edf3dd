"""Nothing of a race or a later one reaches a feature or a rating before it, and a leak that is planted is found."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from f1_pipeline.forecasting.features import competitors, matrix, weekend
from f1_pipeline.forecasting.history import History
from f1_pipeline.forecasting.joint_rating import Championships, Weekend
from f1_pipeline.forecasting.pace import RaceScale
from f1_pipeline.sources.f1db import parse_archive
from tests.forecasting.features.shuffle import (
    BEFORE_SPRINT,
    Known,
    check_nothing_leaks,
    check_the_race_is_unknown,
    check_the_sprint_is_unknown,
    rated,
)
from tests.forecasting.features.worlds import WEATHER, Computed, Tables, compute


@pytest.mark.parametrize(
    "race_key", ["2024-wombat-coast", "2025-wombat-coast", "2025-lava-field", "2026-dalmatia"]
)
@pytest.mark.parametrize("seed", [1, 2])
def test_nothing_of_a_race_or_later_reaches_a_feature(
    world: Tables, computed: Computed, race_key: str, seed: int
) -> None:
    check_nothing_leaks(world, race_key, seed, computed)


@pytest.mark.parametrize("race_key", ["2025-wombat-coast", "2025-lava-field", "2026-dalmatia"])
def test_nothing_of_the_race_reaches_the_features_before_it(
    world: Tables, computed: Computed, race_key: str
) -> None:
    check_the_race_is_unknown(world, race_key, computed=computed)


def test_nothing_of_a_sprint_reaches_the_rating_before_it(world: Tables) -> None:
    races = world["races"]
    race = str(races.loc[races["is_sprint_weekend"] & (races["season"] == 2026), "race_key"].iloc[2])
    check_the_sprint_is_unknown(world, race, BEFORE_SPRINT)


@pytest.mark.archive
@pytest.mark.parametrize(
    ("race_key", "sessions"),
    [
        # Friday's qualifying set the grid of the sprint; the second practice came between the two.
        ("2021-great-britain", {"practice_results": ["FP1"], "qualifying_results": ["Q"]}),
        # Friday's qualifying set the grid of Sunday, Saturday's that of the sprint.
        ("2023-azerbaijan", {"practice_results": ["FP1"], "qualifying_results": ["Q", "SQ"]}),
        ("2024-china", {"practice_results": ["FP1"], "qualifying_results": ["SQ"]}),
    ],
)
def test_nothing_of_a_real_sprint_reaches_the_rating_before_it(
    real: tuple[Tables, Computed], real_ratings: pd.DataFrame, race_key: str, sessions: Known
) -> None:
    """Sprint weekends have had three orders of sessions."""
    check_the_sprint_is_unknown(real[0], race_key, {**sessions, "starting_grid": ["S"]}, real_ratings)


@pytest.mark.archive
@pytest.mark.parametrize("race_key", ["2021-belgium", "2026-australia"])
def test_nothing_leaks_on_the_real_races(real: tuple[Tables, Computed], race_key: str) -> None:
    tables, computed = real
    check_nothing_leaks(tables, race_key, computed=computed)
    check_the_race_is_unknown(tables, race_key, computed=computed)


@pytest.fixture(scope="module")
def real(archives: Path) -> tuple[Tables, Computed]:
    tables = parse_archive(archives / "f1db" / "f1db-csv.zip", "newest", "digest").tables
    return tables, compute(tables)


@pytest.fixture(scope="module")
def real_ratings(real: tuple[Tables, Computed]) -> pd.DataFrame:
    return rated(real[0])


@pytest.fixture(scope="module")
def computed(world: Tables) -> Computed:
    """What is computed of the world as it is: tests that plant a leak compute it anew."""
    return compute(world)


def _own_race_too(
    rows: pd.DataFrame, known: pd.DataFrame, by: list[str], columns: list[str], fill: float | None = None
) -> pd.DataFrame:
    """``last_before`` as somebody in a hurry would write it: the newest value, that of the race included."""
    left = rows[["order", *by]].reset_index(drop=True)
    left = left.assign(row=left.index).sort_values("order", kind="stable")
    right = known[["order", *by, *columns]].sort_values("order", kind="stable")
    merged = pd.merge_asof(left, right, on="order", by=by).sort_values("row")
    result = merged[columns].set_axis(rows.index)
    return result if fill is None else result.fillna(fill)


def _leak_last_before(module: Any, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(module, "last_before", _own_race_too)


def _leak_rating(patch: pytest.MonkeyPatch) -> None:
    honest = competitors.ratings_before

    def after_the_race(rows: pd.DataFrame, elo: pd.DataFrame) -> pd.DataFrame:
        return honest(rows, elo.assign(value_before=elo["value_after"].fillna(elo["value_before"])))

    patch.setattr(matrix.competitors, "ratings_before", after_the_race)


def _leak_grid_into_the_early_horizon(patch: pytest.MonkeyPatch) -> None:
    honest = weekend.circuit

    def with_grid(rows: pd.DataFrame, history: History) -> pd.DataFrame:
        grid = weekend.grid_and_qualifying(rows, history)
        return honest(rows, history).assign(elevation_m=grid["grid_position"])

    patch.setattr(matrix.weekend, "circuit", with_grid)


def _leak_season_total(patch: pytest.MonkeyPatch) -> None:
    def whole_season(rows: pd.DataFrame, history: History) -> pd.DataFrame:
        won = history.starters.assign(won=(history.starters["position"] == 1).astype(float))
        total = won.groupby(["season", "driver_id"])["won"].sum()
        index = pd.MultiIndex.from_frame(rows[["season", "driver_id"]])
        wins = total.reindex(index).fillna(0.0).to_numpy()
        return pd.DataFrame({"wins_this_season": wins, "podiums_this_season": 0.0}, index=rows.index)

    patch.setattr(matrix.competitors, "driver_season", whole_season)


def _leak_weather_after_the_cutoff(patch: pytest.MonkeyPatch) -> None:
    def newest(rows: pd.DataFrame, races: pd.DataFrame, forecasts: pd.DataFrame, moments: pd.Series) -> Any:
        last = forecasts.sort_values("issued_at").drop_duplicates("race_key", keep="last")
        return last.set_index("race_key")[WEATHER].reindex(rows["race_key"]).set_axis(rows.index)

    patch.setattr(matrix.weather, "forecast_weather", newest)


@pytest.mark.parametrize(
    "leak",
    [
        _leak_weather_after_the_cutoff,
        partial(_leak_last_before, competitors),
        partial(_leak_last_before, weekend),
        _leak_rating,
        _leak_grid_into_the_early_horizon,
        _leak_season_total,
    ],
    ids=["weather", "competitors", "circuit", "rating", "grid", "season-total"],
)
def test_the_shuffle_test_catches_a_leak(
    world: Tables, leak: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    leak(monkeypatch)
    with pytest.raises(AssertionError):
        check_nothing_leaks(world, "2025-lava-field")


def test_the_shuffle_test_catches_a_rating_that_has_seen_the_race(
    world: Tables, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = Championships.weekends

    def race_first(self: Championships, scale: RaceScale) -> list[Weekend]:
        return [
            replace(
                one, events=[*(replace(e, session="S") for e in one.events if e.session == "R"), *one.events]
            )
            for one in honest(self, scale)
        ]

    monkeypatch.setattr(Championships, "weekends", race_first)
    with pytest.raises(AssertionError):
        check_the_race_is_unknown(world, "2025-lava-field")
