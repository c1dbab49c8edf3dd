"""The shuffle test: nothing of a race or a later one reaches a feature or a rating before it."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from f1_pipeline.forecasting.features import HORIZONS, competitors, matrix, weekend
from f1_pipeline.forecasting.history import History, build_history
from f1_pipeline.forecasting.joint_rating import Championships, Weekend, joint_ratings
from f1_pipeline.forecasting.joint_state import JointConfig
from f1_pipeline.forecasting.pace import RaceScale
from f1_pipeline.sources.f1db import parse_archive
from tests.forecasting.features.worlds import (
    FORECASTS,
    OUTCOMES,
    RATING,
    WEATHER,
    WEEKEND,
    WHO,
    Computed,
    Tables,
    compute,
)

KNOWN: dict[str, dict[str, list[str]]] = {
    "pre_weekend": {},
    "pre_sprint": {
        "practice_results": ["FP1", "FP2", "FP3"],
        "qualifying_results": ["SQ"],
        "starting_grid": ["S"],
    },
    "pre_race": {
        "practice_results": ["FP1", "FP2", "FP3"],
        "qualifying_results": ["SQ", "Q"],
        "starting_grid": ["S", "R"],
        "sprint_results": [],
    },
}
"""The tables, and their sessions where they name them, that a horizon knows of the weekend itself."""


def scramble(tables: Tables, race_key: str, seed: int, horizon: str = "pre_weekend") -> Tables:
    """The same world with everything that happened from the race on given to other drivers, but for what is known.

    Results of the race itself are dropped. Entries are known before a race and stay.
    """
    rng = np.random.default_rng(seed)
    races = tables["races"].sort_values(["date", "race_key"])
    at = races["race_key"].tolist().index(race_key)
    late = set(races["race_key"].iloc[at:])
    changed = dict(tables)
    for name in OUTCOMES:
        frame = tables[name]
        if name == "race_results":
            frame = frame[frame["race_key"] != race_key]
        unknown = frame["race_key"].isin(late)
        if name in KNOWN[horizon]:
            of_known = frame["session"].isin(KNOWN[horizon][name]) if "session" in frame else True
            unknown &= ~((frame["race_key"] == race_key) & of_known)
        early, rest = frame[~unknown], frame[unknown]
        who = [column for column in WHO if column in frame.columns]
        parts = []
        by = [column for column in ("race_key", "session") if column in frame.columns]
        for _, rows in rest.groupby(by, sort=False):
            keep = rows.copy()
            keep[who] = rows[who].to_numpy()[rng.permutation(len(rows))]
            for column in ("time_ms", "q1_ms", "q2_ms", "q3_ms"):
                if column in keep and name in ("qualifying_results", "practice_results"):
                    keep[column] = rows[column].to_numpy()[rng.permutation(len(rows))]
            if "points" in keep:
                keep["points"] = rng.integers(0, 26, len(rows)).astype(float)
            parts.append(keep)
        mixed = pd.concat([early, *parts], ignore_index=True)
        changed[name] = mixed.astype(frame.dtypes.to_dict()).sample(frac=1, random_state=seed)
    if FORECASTS in tables:
        # The weekend tells on: every forecast that was taken since the start of the race says something else.
        frame = tables[FORECASTS].copy()
        late_rows = (frame["issued_at"] >= races["start_at"].iloc[at]).to_numpy()
        frame.loc[late_rows, WEATHER] += rng.uniform(1.0, 9.0, (int(late_rows.sum()), len(WEATHER)))
        changed[FORECASTS] = frame.sample(frac=1, random_state=seed)
    return changed


def before(frame: pd.DataFrame, order: int, own: bool) -> pd.DataFrame:
    rows = frame[frame["order"] <= order] if own else frame[frame["order"] < order]
    return rows.sort_values(["order", "driver_id"]).reset_index(drop=True)


def check_nothing_leaks(
    tables: Tables, race_key: str, seed: int = 1, computed: Computed | None = None
) -> None:
    """The shuffle test: an AssertionError where a value before the cutoff changes."""
    history, elo, real = computed or compute(tables)
    _, mixed_elo, mixed = compute(scramble(tables, race_key, seed))
    order = int(history.races.set_index("race_key").loc[race_key, "order"])

    keys = ["kind", "order", "entity_id"]
    earlier = [
        frame[frame["order"] < order].sort_values(keys, ignore_index=True) for frame in (elo, mixed_elo)
    ]
    pd.testing.assert_frame_equal(*earlier, check_exact=True)
    own = [
        frame.loc[frame["order"] == order, [*keys, "value_before"]].sort_values(keys, ignore_index=True)
        for frame in (elo, mixed_elo)
    ]
    pd.testing.assert_frame_equal(*own, check_exact=True)

    pd.testing.assert_frame_equal(
        before(real["pre_weekend"], order, own=True),
        before(mixed["pre_weekend"], order, own=True),
        check_exact=True,
    )
    pd.testing.assert_frame_equal(
        before(real["pre_race"], order, own=False),
        before(mixed["pre_race"], order, own=False),
        check_exact=True,
    )
    columns = [column for column in real["pre_race"].columns if column not in (*WEEKEND, *RATING)]
    pd.testing.assert_frame_equal(
        before(real["pre_race"], order, own=True)[columns],
        before(mixed["pre_race"], order, own=True)[columns],
        check_exact=True,
    )
    if FORECASTS in tables:
        for horizon in HORIZONS:
            own_weather = before(real[horizon], order, own=True)[WEATHER]
            assert own_weather.notna().any().all()
    # Otherwise the scrambling would prove nothing.
    here = [
        frame[frame["order"] == order].reset_index(drop=True)
        for frame in (real["pre_race"], mixed["pre_race"])
    ]
    assert not here[0][WEEKEND].equals(here[1][WEEKEND])
    assert not here[0][RATING].equals(here[1][RATING])
    after = [
        frame["pre_weekend"].loc[frame["pre_weekend"]["order"] > order, "recent_points"]
        for frame in (real, mixed)
    ]
    assert not after[0].reset_index(drop=True).equals(after[1].reset_index(drop=True))


@pytest.mark.parametrize(
    "race_key", ["2024-wombat-coast", "2025-wombat-coast", "2025-lava-field", "2026-dalmatia"]
)
@pytest.mark.parametrize("seed", [1, 2])
def test_nothing_of_a_race_or_later_reaches_a_feature(world: Tables, race_key: str, seed: int) -> None:
    check_nothing_leaks(world, race_key, seed)


def check_the_race_is_unknown(
    tables: Tables, race_key: str, seed: int = 1, computed: Computed | None = None
) -> None:
    """With the weekend known up to the race, nothing of the forecast before it may change with what comes then."""
    history, _, real = computed or compute(tables)
    mixed_tables = scramble(tables, race_key, seed, "pre_race")
    assert not (mixed_tables["race_results"]["race_key"] == race_key).any()
    _, _, mixed = compute(mixed_tables)
    order = int(history.races.set_index("race_key").loc[race_key, "order"])
    pd.testing.assert_frame_equal(
        before(real["pre_race"], order, own=True),
        before(mixed["pre_race"], order, own=True),
        check_exact=True,
    )
    later = [
        frame["pre_weekend"].loc[frame["pre_weekend"]["order"] > order, RATING] for frame in (real, mixed)
    ]
    assert not later[0].reset_index(drop=True).equals(later[1].reset_index(drop=True))


@pytest.mark.parametrize("race_key", ["2025-wombat-coast", "2025-lava-field", "2026-dalmatia"])
def test_nothing_of_the_race_reaches_the_features_before_it(world: Tables, race_key: str) -> None:
    check_the_race_is_unknown(world, race_key)


def test_nothing_of_a_sprint_reaches_the_rating_before_it(world: Tables) -> None:
    """Nor of what comes after it: the qualifying of the race, and the race."""

    def rated(tables: Tables) -> pd.DataFrame:
        history = build_history(tables)
        ratings = joint_ratings(Championships(history.races, history.field, tables), JointConfig())
        ratings = ratings[ratings["race_key"] == race].sort_values(["horizon", "driver_id"])
        return ratings.set_index("horizon")

    races = world["races"]
    race = str(races.loc[races["is_sprint_weekend"] & (races["season"] == 2026), "race_key"].iloc[2])
    assert (world["sprint_results"]["race_key"] == race).any()
    real, mixed = rated(world), rated(scramble(world, race, 1, "pre_sprint"))
    for horizon in ("pre_weekend", "pre_sprint"):
        pd.testing.assert_frame_equal(real.loc[horizon], mixed.loc[horizon], check_exact=True)
    assert not real.loc["pre_race"].equals(mixed.loc["pre_race"])


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
