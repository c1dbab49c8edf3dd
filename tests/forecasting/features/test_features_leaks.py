"""Features: nothing of a race or a later one reaches them (the shuffle test), and the guard that sees to it."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from f1_pipeline.errors import LeakError
from f1_pipeline.forecasting import asof
from f1_pipeline.forecasting.features import HORIZONS, competitors, matrix, weekend
from f1_pipeline.forecasting.history import History
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

# --- the shuffle test ------------------------------------------------------------------------------------


def scramble(tables: Tables, race_key: str, seed: int) -> Tables:
    """The same world with everything that happened from the race on given to other drivers.

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
        early, rest = frame[~frame["race_key"].isin(late)], frame[frame["race_key"].isin(late)]
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


@pytest.mark.archive
@pytest.mark.parametrize("race_key", ["2021-belgium", "2026-australia"])
def test_nothing_leaks_on_the_real_races(real: tuple[Tables, Computed], race_key: str) -> None:
    tables, computed = real
    check_nothing_leaks(tables, race_key, computed=computed)


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


# --- the guard -------------------------------------------------------------------------------------------


def test_last_before_takes_the_newest_of_strictly_earlier_races() -> None:
    known = pd.DataFrame({"order": [3, 0, 1], "who": ["a", "a", "b"], "value": [30.0, 0.5, 10.0]})
    rows = pd.DataFrame({"order": [3, 4, 1, 0, 2], "who": ["a", "a", "a", "a", "b"]}, index=[7, 5, 9, 1, 2])
    found = asof.last_before(rows, known, ["who"], ["value"])
    assert found.index.tolist() == [7, 5, 9, 1, 2]
    np.testing.assert_array_equal(found["value"], [0.5, 30.0, 0.5, np.nan, 10.0])
    filled = asof.last_before(rows, known, ["who"], ["value"], fill=-1.0)
    assert filled["value"].tolist() == [0.5, 30.0, 0.5, -1.0, 10.0]


def test_last_before_raises_when_a_value_is_of_the_race_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    honest = pd.merge_asof
    monkeypatch.setattr(
        asof.pd, "merge_asof", lambda *a, **k: honest(*a, **{**k, "allow_exact_matches": True})
    )
    frame = pd.DataFrame({"order": [1], "who": ["a"], "value": [1.0]})
    with pytest.raises(LeakError, match="a feature uses 1 values"):
        asof.last_before(frame, frame, ["who"], ["value"])


def test_require_before() -> None:
    asof.require_before(pd.Series([1.0, np.nan, 2.0]), 3, "it")
    asof.require_before(pd.Series([0, 1]), pd.Series([1, 2]), "it")
    with pytest.raises(LeakError, match="it uses 1 values"):
        asof.require_before(pd.Series([1, 3]), 3, "it")
    with pytest.raises(LeakError, match="it uses 2 values"):
        asof.require_before(pd.Series([1, 5]), pd.Series([1, 2]), "it")


def test_training_rows_end_before_the_cutoff(monkeypatch: pytest.MonkeyPatch) -> None:
    frame = pd.DataFrame({"order": [0, 1, 2, 3]})
    assert asof.training_rows(frame, 2)["order"].tolist() == [0, 1]

    class Careless(pd.DataFrame):
        """A frame whose filter lets everything through."""

        def __getitem__(self, key: Any) -> Any:
            return self if isinstance(key, pd.Series) else super().__getitem__(key)

    with pytest.raises(LeakError, match="a training set"):
        asof.training_rows(Careless({"order": [0, 1, 2, 3]}), 2)
