"""Features: what each says, and that nothing of a race or a later one reaches it (the shuffle test)."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from f1_pipeline.errors import LeakError
from f1_pipeline.forecasting import asof
from f1_pipeline.forecasting.elo import elo_ratings
from f1_pipeline.forecasting.features import (
    FEATURES,
    HORIZONS,
    Feature,
    competitors,
    cutoffs,
    feature_matrix,
    matrix,
    names,
    weekend,
)
from f1_pipeline.forecasting.history import History, build_history
from f1_pipeline.forecasting.joint_rating import Championships, joint_ratings
from f1_pipeline.forecasting.joint_state import JointConfig
from f1_pipeline.sources.f1db import parse_archive
from f1_pipeline.sources.simulated import simulate

Tables = dict[str, pd.DataFrame]
Computed = tuple[History, pd.DataFrame, dict[str, pd.DataFrame]]
WEEKEND = [feature.name for feature in FEATURES if feature.group == "weekend"]
LAP_COLUMNS = ["laps", "time_ms", "gap_ms", "gap_laps"]
RATING = [feature.name for feature in FEATURES if feature.group == "rating"]
"""Before the race the joint rating has seen the qualifying of the race itself."""
WEATHER = [feature.name for feature in FEATURES if feature.group == "weather"]
FORECASTS = "weather_forecasts"
WHO = ["driver_id", "constructor_id", "car_number"]
OUTCOMES = (
    "race_results",
    "sprint_results",
    "practice_results",
    "qualifying_results",
    "starting_grid",
    "driver_standings",
)


def compute(tables: Tables) -> Computed:
    history = build_history(tables)
    elo = pd.concat(
        [elo_ratings(history.starters, history.field, kind) for kind in ("driver", "constructor")],
        ignore_index=True,
    )
    joint = joint_ratings(Championships(history.races, history.field, tables), JointConfig())
    forecasts = tables.get(FORECASTS)
    return (
        history,
        elo,
        {horizon: feature_matrix(history, elo, joint, horizon, forecasts) for horizon in HORIZONS},
    )


def with_forecasts(tables: Tables, seed: int = 5) -> Tables:
    """The world with weather forecasts of every race: each day of the week before, and at and after its start."""
    rng = np.random.default_rng(seed)
    races = tables["races"].dropna(subset="start_at")
    hours = [-170, -146, -98, -50, -26, -2, 0, 1, 30]
    rows = races.loc[races.index.repeat(len(hours)), ["race_key", "start_at"]].reset_index(drop=True)
    rain = rng.choice([0.0, 0.1, 0.5, 3.0], len(rows))
    frame = pd.DataFrame(
        {
            "race_key": rows["race_key"],
            "session": "R",
            "provider": "open-meteo",
            "issued_at": rows["start_at"] + pd.to_timedelta(np.tile(hours, len(races)), unit="h"),
            "temperature_c": rng.normal(20.0, 5.0, len(rows)),
            "precipitation_mm": rain,
            "wind_kmh": rng.uniform(0.0, 40.0, len(rows)),
            "is_wet": (rain >= 0.3).astype(float),
            "valid_from": rows["start_at"],
        }
    )
    return {**tables, FORECASTS: frame}


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


@pytest.fixture(scope="module")
def world() -> Tables:
    return with_forecasts(simulate(2, 7).bundle.tables)


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


# --- every feature of the catalogue ----------------------------------------------------------------------


@pytest.fixture(scope="module")
def computed(world: Tables) -> dict[str, pd.DataFrame]:
    return compute(world)[2]


@pytest.fixture(scope="module")
def reordered(world: Tables) -> dict[str, pd.DataFrame]:
    return compute({name: frame.sample(frac=1, random_state=3) for name, frame in world.items()})[2]


@pytest.mark.parametrize("horizon", HORIZONS)
@pytest.mark.parametrize("feature", FEATURES, ids=lambda feature: feature.name)
def test_every_feature_is_float_and_independent_of_row_order(
    feature: Feature, horizon: str, computed: dict[str, pd.DataFrame], reordered: dict[str, pd.DataFrame]
) -> None:
    values, mixed = computed[horizon][feature.name], reordered[horizon][feature.name]
    assert values.dtype == np.float64
    np.testing.assert_allclose(mixed, values, rtol=1e-12)
    assert not np.isinf(values).any()
    known = feature.name in names(horizon)
    assert values.notna().any() == known, "a feature is filled exactly where it is known"


@pytest.mark.parametrize("horizon", HORIZONS)
def test_rows_are_the_entries(world: Tables, computed: dict[str, pd.DataFrame], horizon: str) -> None:
    entries = world["entries"]
    if horizon == "pre_race":
        entries = entries[entries["race_key"].isin(world["starting_grid"]["race_key"])]
    keys = ["race_key", "driver_id", "constructor_id"]
    left = computed[horizon][keys].sort_values(keys, ignore_index=True)
    pd.testing.assert_frame_equal(left, entries[keys].sort_values(keys, ignore_index=True), check_dtype=False)
    assert computed[horizon].index.tolist() == list(range(len(left)))
    assert set(computed[horizon]["horizon"]) == {horizon}


def with_a_reserve(tables: Tables, race_key: str) -> tuple[Tables, str, str]:
    """A world in which somebody who is not entered took over the best car for qualifying, grid and race; and who lost it."""
    grid = tables["starting_grid"]
    here = (grid["race_key"] == race_key) & (grid["session"] == "R") & (grid["position"] == 1)
    gone, changed = str(grid.loc[here, "driver_id"].iloc[0]), dict(tables)
    for name, session in (("starting_grid", "R"), ("qualifying_results", "Q"), ("race_results", None)):
        frame = tables[name]
        at = (frame["race_key"] == race_key) & (frame["driver_id"] == gone)
        if session is not None:
            at &= frame["session"] == session
        assert at.any()
        changed[name] = frame.assign(driver_id=frame["driver_id"].mask(at, "the-reserve"))
    return changed, gone, "the-reserve"


@pytest.mark.parametrize("race_number", [15, 38])
def test_who_is_on_the_grid_without_being_entered_takes_part(
    world: Tables, computed: dict[str, pd.DataFrame], race_number: int
) -> None:
    """The list of entries is corrected after a reserve has put the car on pole position."""
    gridded = world["races"].sort_values("date")["race_key"]
    race = str(gridded[gridded.isin(world["starting_grid"]["race_key"])].iloc[race_number])
    tables, gone, reserve = with_a_reserve(world, race)
    history, _, found = compute(tables)
    rows = found["pre_race"][found["pre_race"]["race_key"] == race].set_index("driver_id")
    assert set(rows.index) == set(history.grid.loc[history.grid["race_key"] == race, "driver_id"])
    assert gone not in rows.index
    before = computed["pre_race"][computed["pre_race"]["race_key"] == race].set_index("driver_id")
    assert rows.loc[reserve, "constructor_id"] == before.loc[gone, "constructor_id"], "as the grid says"
    known = ["current_elo", "joint_rating", "joint_rating_sd", "retirement_driver", "qualifying_position"]
    assert rows.loc[reserve, known].notna().all()
    assert (rows.loc[reserve, "grid_position"], rows.loc[reserve, "team_rating"]) == (
        1.0,
        pytest.approx(before.loc[gone, "team_rating"], abs=0.3),
    )
    # Before the weekend nobody knows of him, not even how sure a rating is in comparison with his.
    order = int(rows["order"].iloc[0])
    pd.testing.assert_frame_equal(
        found["pre_weekend"].loc[lambda frame: frame["order"] <= order],
        computed["pre_weekend"].loc[lambda frame: frame["order"] <= order],
        check_exact=True,
    )
    pd.testing.assert_frame_equal(
        found["pre_race"].loc[lambda frame: frame["order"] < order],
        computed["pre_race"].loc[lambda frame: frame["order"] < order],
        check_exact=True,
    )


def test_a_reserve_without_qualifying_is_rated_all_the_same(world: Tables) -> None:
    """The grid of a race whose qualifying was called off: no session speaks of pace, and he has no rating of before."""
    race = str(world["starting_grid"]["race_key"].iloc[-1])
    tables, _, reserve = with_a_reserve(world, race)
    for name in ("qualifying_results", "sprint_results"):
        tables[name] = tables[name][tables[name]["race_key"] != race]
    found = compute(tables)[2]["pre_race"]
    rows = found[found["race_key"] == race]
    assert reserve in set(rows["driver_id"])
    assert rows["joint_rating"].notna().all()


def test_features_of_a_coming_race_stand_on_the_last_one(
    world: Tables, computed: dict[str, pd.DataFrame]
) -> None:
    calendar = world["races"].sort_values("date")["race_key"]
    future = calendar[~calendar.isin(world["race_results"]["race_key"])].tolist()
    rows = computed["pre_weekend"].set_index(["race_key", "driver_id"])
    coming, later = rows.loc[future[0]], rows.loc[future[-1]]
    both = coming.index.intersection(later.index)
    assert len(both) == 20
    for name in ("recent_points", "current_elo", "wins_this_season", "championship_position"):
        np.testing.assert_array_equal(coming.loc[both, name], later.loc[both, name])


def test_the_cutoff_is_the_first_practice_or_the_start() -> None:
    races = pd.DataFrame(
        {
            "date": pd.to_datetime(["2026-07-26", "1955-05-22"]),
            "start_at": pd.to_datetime(["2026-07-26 13:00", None], utc=True),
            "first_practice_at": pd.to_datetime(["2026-07-24 11:30", None], utc=True),
        }
    )
    assert [str(value) for value in cutoffs(races, "pre_race")] == [
        "2026-07-26 13:00:00+00:00",
        "1955-05-22 00:00:00+00:00",
    ]
    assert [str(value) for value in cutoffs(races, "pre_weekend")] == [
        "2026-07-24 11:30:00+00:00",
        "1955-05-19 00:00:00+00:00",
    ]


def test_names_grow_with_the_horizon() -> None:
    early, late = names("pre_weekend"), names("pre_race")
    assert [name for name in late if name in early] == early
    assert set(late) - set(early) == set(WEEKEND)
    assert not set(WEEKEND) & set(early)
    assert {"temperature_c", "is_wet"} & set(late)
    assert not {"temperature_c", "precipitation_mm", "wind_kmh", "is_wet"} & set(
        names("pre_race", seen_by="order")
    )


# --- weather ---------------------------------------------------------------------------------------------

SUNDAY = pd.Timestamp("2026-07-26T13:00Z")


def forecasts(*taken: tuple[float, float], race: str = "2026-hungary", moved: float = 0.0) -> pd.DataFrame:
    """(hours before the start, temperature) of each forecast, for a start ``moved`` hours from the present one."""
    return pd.DataFrame(
        {
            "race_key": race,
            "provider": "open-meteo",
            "issued_at": [SUNDAY - pd.Timedelta(hours=before) for before, _ in taken],
            "temperature_c": [value for _, value in taken],
            "precipitation_mm": 0.4,
            "wind_kmh": np.nan,
            "is_wet": 1.0,
            "valid_from": SUNDAY - pd.Timedelta(hours=moved),
        }
    )


def weather_of(frame: pd.DataFrame, cutoff: float) -> pd.DataFrame:
    """Weather features of two entries of the race and one of another, at a cutoff in hours before the start."""
    rows = pd.DataFrame({"race_key": ["2026-spain", "2026-hungary", "2026-hungary"]}, index=[4, 2, 9])
    races = pd.DataFrame(
        {"race_key": ["2026-hungary", "2026-spain"], "start_at": [SUNDAY, SUNDAY - pd.Timedelta(days=14)]}
    )
    moments = pd.Series(
        [SUNDAY - pd.Timedelta(hours=cutoff), SUNDAY], index=["2026-hungary", "2026-spain"], name="cutoff"
    )
    return matrix.weather.forecast_weather(rows, races, frame, moments)


def test_weather_is_that_of_the_newest_forecast_before_the_cutoff() -> None:
    frame = forecasts((72, 18.0), (60, 19.0), (20, 21.0), (1, 25.0), (-1, 99.0))
    for cutoff, expected in ((0.0, 25.0), (1.0, 21.0), (48.0, 19.0), (60.0, 18.0)):
        found = weather_of(frame.sample(frac=1, random_state=1), cutoff)
        assert found.index.tolist() == [4, 2, 9]
        np.testing.assert_array_equal(found["temperature_c"], [np.nan, expected, expected])
        np.testing.assert_array_equal(found["is_wet"], [np.nan, 1.0, 1.0])
        assert found["wind_kmh"].isna().all(), "missing is missing"
    assert weather_of(frame, 72.0).isna().all(axis=None), "no forecast before the cutoff, no weather"
    assert weather_of(frame.head(0), 0.0).isna().all(axis=None)
    assert weather_of(forecasts((72, 18.0), race="2026-unknown"), 0.0).isna().all(axis=None)


def test_weather_of_another_day_is_none_of_the_race() -> None:
    assert weather_of(forecasts((72, 18.0), moved=2), 0.0)["temperature_c"].notna().sum() == 2
    assert weather_of(forecasts((72, 18.0), moved=24 * 60), 0.0).isna().all(axis=None)


def test_of_two_services_at_one_time_the_choice_does_not_depend_on_the_order() -> None:
    frame = pd.concat(
        [forecasts((5, 30.0)).assign(provider="openweathermap"), forecasts((5, 20.0))], ignore_index=True
    )
    for rows in (frame, frame.iloc[::-1]):
        assert weather_of(rows, 0.0)["temperature_c"].tolist()[1:] == [20.0, 20.0]


def test_a_forecast_issued_after_the_cutoff_raises(monkeypatch: pytest.MonkeyPatch) -> None:
    def careless(known: pd.DataFrame, moments: pd.Series, what: str) -> pd.DataFrame:
        return known.drop_duplicates("race_key", keep="last").set_index("race_key")

    monkeypatch.setattr(matrix.weather, "newest_before", careless)
    with pytest.raises(LeakError, match="the weather uses 1 values"):
        weather_of(forecasts((72, 18.0), (-1, 99.0)), 0.0)
    with pytest.raises(LeakError, match="the weather uses 1 values"):
        weather_of(forecasts((48, 18.0)), 48.0)


def test_newest_before_raises_when_a_late_row_comes_through() -> None:
    class Careless(pd.DataFrame):
        """A frame whose filter lets everything through."""

        @property
        def _constructor(self) -> Any:
            return Careless

        def __getitem__(self, key: Any) -> Any:
            return self if isinstance(key, pd.Series) else super().__getitem__(key)

    moments = pd.Series({"2026-hungary": SUNDAY})
    assert len(asof.newest_before(forecasts((1, 20.0)), moments, "it")) == 1
    with pytest.raises(LeakError, match="it uses 1 values"):
        asof.newest_before(Careless(forecasts((-1, 20.0))), moments, "it")


def test_what_was_observed_can_be_no_forecast(world: Tables) -> None:
    """Handed in as forecasts by mistake, observations are of a time after every cutoff, and nothing comes of them."""
    observed = world[FORECASTS].assign(
        issued_at=world[FORECASTS]["valid_from"] + pd.Timedelta(hours=2), temperature_c=99.0
    )
    _, _, found = compute({**world, FORECASTS: observed})
    for horizon in HORIZONS:
        assert found[horizon][WEATHER].isna().all(axis=None)


def test_no_model_sees_the_weather() -> None:
    for horizon in HORIZONS:
        for seen_by in ("classic", "order", "any model"):
            assert not set(WEATHER) & set(names(horizon, seen_by))


# --- small worlds, computed by hand ----------------------------------------------------------------------

Rows = list[dict[str, Any]]


class Little:
    """A world of few races; each race is a list of (driver, team, place, points) in finishing order."""

    def __init__(self) -> None:
        self.races: Rows = []
        self.rows: dict[str, Rows] = {name: [] for name in ("entries", *OUTCOMES)}

    def race(self, key: str, *field: tuple[str, str, str, float], circuit: str = "ring") -> "Little":
        day = pd.Timestamp(int(key[:4]), 1, 1) + pd.Timedelta(days=7 * len(self.races))
        self.races.append({"race_key": key, "season": int(key[:4]), "date": day, "circuit_id": circuit})
        for place, (driver, team, text, points) in enumerate(field, 1):
            who = {"race_key": key, "driver_id": driver, "constructor_id": team}
            self.rows["entries"].append(who)
            if text:
                position = float(text) if text.isdigit() else None
                result = {"position_text": text, "position": position, "points": points}
                self.rows["race_results"].append({**who, "display_order": place, **result})
        return self

    def grid(self, key: str, *field: tuple[str, str]) -> "Little":
        for place, (driver, text) in enumerate(field, 1):
            position = float(text) if text.isdigit() else None
            who = {"race_key": key, "driver_id": driver, "constructor_id": driver}
            row = {**who, "session": "R", "display_order": place}
            self.rows["starting_grid"].append({**row, "position": position, "position_text": text})
        return self

    def qualifying(self, key: str, *field: tuple[str, tuple[float | None, ...]]) -> "Little":
        for place, (driver, times) in enumerate(field, 1):
            row = {"race_key": key, "driver_id": driver, "session": "Q", "display_order": place}
            parts = dict(zip(("time_ms", "q1_ms", "q2_ms", "q3_ms"), times, strict=True))
            self.rows["qualifying_results"].append({**row, "position": place, **parts})
        return self

    def standings(self, key: str, *order: str) -> "Little":
        for place, driver in enumerate(order, 1):
            self.rows["driver_standings"].append(
                {"race_key": key, "driver_id": driver, "display_order": place, "position": place}
            )
        return self

    def matrix(self, horizon: str = "pre_weekend") -> pd.DataFrame:
        races = pd.DataFrame(self.races).assign(
            is_cancelled=False,
            is_sprint_weekend=False,
            start_at=pd.Series(pd.NaT, index=range(len(self.races)), dtype="datetime64[us, UTC]"),
            first_practice_at=pd.Series(pd.NaT, index=range(len(self.races)), dtype="datetime64[us, UTC]"),
            course_length_km=5.0,
            turns=15.0,
        )
        columns = {
            "entries": ["race_key", "driver_id", "constructor_id"],
            "race_results": ["race_key", "driver_id", "constructor_id", "display_order", "position_text", "position", "points", *LAP_COLUMNS],
            "sprint_results": ["race_key", "driver_id", "constructor_id", "display_order", "position_text", "position", "points", *LAP_COLUMNS],
            "practice_results": ["race_key", "driver_id", "constructor_id", "session", "display_order", "time_ms"],
            "starting_grid": ["race_key", "driver_id", "constructor_id", "session", "display_order", "position", "position_text"],
            "qualifying_results": ["race_key", "driver_id", "constructor_id", "session", "display_order", "position", "time_ms", "q1_ms", "q2_ms", "q3_ms"],
            "driver_standings": ["race_key", "driver_id", "position"],
        }  # fmt: skip
        words = {"race_key", "driver_id", "constructor_id", "session", "position_text"}
        tables = {
            name: pd.DataFrame(self.rows.get(name, []), columns=columns[name]).astype(
                {column: "str" if column in words else "float64" for column in columns[name]}
            )
            for name in columns
        }
        circuits = {
            "circuit_id": ["ring", "park"],
            "length_km": 4.0,
            "turns": 9.0,
            "elevation_m": [100.0, None],
        }
        _, _, found = compute({**tables, "races": races, "circuits": pd.DataFrame(circuits)})
        return found[horizon].set_index(["race_key", "driver_id"])


def test_recent_form_is_of_the_last_five_starts() -> None:
    world = Little()
    rivals = [f"r{i}" for i in range(6)]
    for number in range(6):  # "a" finishes 1st, 2nd, ... 6th
        order = [*rivals[:number], "a", *rivals[number:]]
        world.race(f"2020-{number}", *[(who, who, str(i), 7 - i) for i, who in enumerate(order, 1)])
    world.race("2020-6", ("a", "a", "DNS", 0.0), ("r0", "r0", "1", 25.0))
    world.race("2020-7", ("a", "a", "", 0.0))
    rows = world.matrix()
    assert np.isnan(rows.loc[("2020-0", "a"), "recent_avg_finish"])
    assert rows.loc[("2020-1", "a"), "recent_avg_finish"] == 1.0
    assert rows.loc[("2020-5", "a"), "recent_avg_finish"] == 3.0
    assert rows.loc[("2020-6", "a"), "recent_avg_finish"] == 4.0
    assert rows.loc[("2020-7", "a"), "recent_avg_finish"] == 4.0, "who did not start has not finished last"
    assert rows.loc[("2020-6", "a"), "recent_points"] == 5 + 4 + 3 + 2 + 1


def test_a_retirement_counts_as_the_place_of_retirement() -> None:
    world = Little().race("2020-0", ("b", "y", "1", 25.0), ("c", "z", "2", 18.0), ("a", "x", "DNF", 0.0))
    rows = world.race("2020-1", ("a", "x", "", 0.0), ("b", "y", "", 0.0)).matrix()
    assert rows.loc[("2020-1", "a"), "recent_avg_finish"] == 3.0
    assert rows.loc[("2020-1", "a"), "dnf_rate"] == 1.0
    assert rows.loc[("2020-1", "b"), "dnf_rate"] == 0.0


def test_wins_and_podiums_are_of_this_season() -> None:
    a, b = ("a", "x", "1", 25.0), ("b", "y", "2", 18.0)
    world = Little().race("2020-0", a, b).race("2020-1", a, b).race("2021-0", a, b).race("2021-1", a, b)
    rows = world.matrix()
    for name in ("wins_this_season", "podiums_this_season", "constructor_wins_this_season"):
        assert rows.xs("a", level="driver_id")[name].tolist() == [0.0, 1.0, 0.0, 1.0]
    assert rows.xs("b", level="driver_id")["wins_this_season"].tolist() == [0.0] * 4
    assert rows.xs("b", level="driver_id")["podiums_this_season"].tolist() == [0.0, 1.0, 0.0, 1.0]


def test_average_points_are_of_both_cars_and_this_season() -> None:
    world = Little().race("2020-0", ("a", "x", "1", 25.0), ("b", "x", "2", 18.0), ("c", "y", "3", 15.0))
    world.race("2020-1", ("c", "y", "1", 25.0), ("a", "x", "2", 18.0), ("b", "x", "DNF", 0.0))
    world.race("2020-2", ("a", "x", "", 0.0), ("c", "y", "", 0.0)).race("2021-0", ("a", "x", "", 0.0))
    points = world.matrix()["avg_points_per_race"]
    assert points[("2020-0", "a")] == 0.0
    assert points[("2020-1", "a")] == points[("2020-1", "b")] == 43.0
    assert points[("2020-2", "a")] == (43 + 18) / 2
    assert points[("2020-2", "c")] == (15 + 25) / 2
    assert points[("2021-0", "a")] == 0.0


def test_reliability_is_the_share_of_cars_that_finished() -> None:
    world = Little().race("2020-0", ("c", "y", "1", 25.0), ("a", "x", "2", 18.0), ("b", "x", "DNF", 0.0))
    world.race("2020-1", ("a", "x", "1", 25.0), ("b", "x", "2", 18.0), ("c", "y", "NC", 0.0))
    world.race("2020-2", ("a", "x", "", 0.0), ("c", "y", "", 0.0))
    score = world.matrix()["reliability_score"]
    assert np.isnan(score[("2020-0", "a")])
    assert score[("2020-1", "a")] == 0.5
    assert score[("2020-2", "a")] == 0.75
    assert score[("2020-2", "c")] == 0.5


def test_a_name_that_comes_back_after_years_is_another_team() -> None:
    """Mercedes of 2010 began with the finishes of 1955."""
    world = Little().race("2020-0", ("a", "x", "DNF", 0.0), ("c", "y", "1", 25.0))
    world.race("2023-0", ("a", "x", "1", 25.0), ("c", "y", "2", 18.0))
    world.race("2027-0", ("a", "x", "1", 25.0), ("c", "y", "2", 18.0))
    world.race("2027-1", ("a", "x", "2", 18.0), ("c", "y", "1", 25.0))
    score = world.matrix()["reliability_score"]
    assert score[("2023-0", "a")] == 0.0, "three seasons are remembered"
    assert np.isnan(score[("2027-0", "a")]), "four are not"
    assert score[("2027-1", "a")] == 1.0


def test_the_first_race_of_a_season_knows_the_final_standings() -> None:
    world = Little()
    for key in ("2020-0", "2020-1", "2021-0", "2021-1"):
        world.race(key, ("a", "x", "1", 25.0), ("b", "y", "2", 18.0))
    world.standings("2020-0", "a", "b").standings("2020-1", "b", "a").standings("2021-0", "a", "b")
    place = world.matrix()["championship_position"]
    assert np.isnan(place[("2020-0", "a")])
    assert place[("2020-1", "a")] == 1.0
    assert place[("2021-0", "a")] == 2.0
    assert place[("2021-0", "b")] == 1.0
    assert place[("2021-1", "a")] == 1.0


def test_a_place_of_years_ago_is_none() -> None:
    """Kubica came back in 2019 with his eighth place of 2010; who has no place yet keeps the one of the last season."""
    world = Little()
    for key in ("2020-0", "2021-0", "2021-1", "2022-0"):
        world.race(key, ("a", "x", "1", 25.0), ("b", "y", "DNF", 0.0))
    world.standings("2020-0", "b", "a").standings("2021-0", "a").standings("2021-1", "a")
    place = world.matrix()["championship_position"]
    assert place[("2021-0", "b")] == 1.0
    assert place[("2021-1", "b")] == 1.0
    assert np.isnan(place[("2022-0", "b")])
    assert place[("2022-0", "a")] == 1.0


def test_the_pit_lane_is_the_last_place_of_the_grid() -> None:
    field = [(who, who, str(i), 0.0) for i, who in enumerate("abc", 1)]
    world = Little().race("2020-0", *field).grid("2020-0", ("b", "1"), ("c", "2"), ("a", "PL"))
    world.race("2020-1", *field).grid("2020-1", ("a", "1"), ("b", "2"), ("c", "3")).race("2020-2", *field)
    rows = world.matrix("pre_race")
    assert rows.loc["2020-0", "grid_position"].to_dict() == {"a": 3.0, "b": 1.0, "c": 2.0}
    assert rows.loc["2020-0", "starts_from_pit_lane"].to_dict() == {"a": 1.0, "b": 0.0, "c": 0.0}
    assert world.matrix().loc["2020-2", "avg_grid_position"].to_dict() == {"a": 2.0, "b": 1.5, "c": 2.5}
    assert "2020-2" not in rows.index, "no grid yet, no row"


def test_the_grid_is_not_taken_from_the_results() -> None:
    world = Little().race("2020-0", ("a", "x", "1", 0.0), ("b", "y", "2", 0.0))
    world.rows["race_results"][0]["grid_position"] = 2
    rows = world.grid("2020-0", ("a", "1"), ("b", "2")).matrix("pre_race")
    assert rows.loc[("2020-0", "a"), "grid_position"] == 1.0


def test_the_gap_to_pole_compares_the_best_times_of_any_part() -> None:
    field = [(who, who, str(i), 0.0) for i, who in enumerate("abcd", 1)]
    world = Little().race("2020-0", *field).grid("2020-0", ("a", "1"), ("b", "2"), ("c", "3"), ("d", "4"))
    world.qualifying(
        "2020-0",
        ("a", (None, 82_000.0, 81_000.0, 80_000.0)),
        ("b", (None, 80_400.0, 81_000.0, 80_800.0)),
        ("c", (88_000.0, None, None, None)),
    )
    rows = world.matrix("pre_race").loc["2020-0"]
    np.testing.assert_allclose(rows["gap_to_pole_pct"], [0.0, 0.5, 10.0, np.nan])
    np.testing.assert_array_equal(rows["qualifying_position"], [1.0, 2.0, 3.0, np.nan])


def test_of_two_qualifying_rows_the_better_one_counts() -> None:
    world = Little().race("2020-0", ("a", "x", "1", 0.0), ("b", "y", "2", 0.0))
    world.grid("2020-0", ("a", "1"), ("b", "2"))
    first, second = ("b", (80_000.0, None, None, None)), ("b", (90_000.0, None, None, None))
    world.qualifying("2020-0", ("a", (80_000.0, None, None, None)), first, second)
    expected = world.matrix("pre_race")
    world.rows["qualifying_results"].reverse()
    pd.testing.assert_frame_equal(world.matrix("pre_race"), expected)
    assert expected.loc[("2020-0", "b"), "gap_to_pole_pct"] == 0.0
    assert expected.loc[("2020-0", "b"), "qualifying_position"] == 2.0


def test_the_circuit_remembers_its_drivers() -> None:
    world = Little().race("2020-0", ("a", "x", "1", 0.0), ("b", "y", "2", 0.0))
    world.race("2020-1", ("b", "y", "1", 0.0), ("a", "x", "2", 0.0), circuit="park")
    world.race("2021-0", ("b", "y", "1", 0.0), ("a", "x", "2", 0.0))
    world.race("2022-0", ("a", "x", "", 0.0), ("b", "y", "", 0.0), ("new", "y", "", 0.0))
    rows = world.matrix()
    assert rows.loc["2022-0", "driver_wins_at_circuit"].to_dict() == {"a": 1.0, "b": 1.0, "new": 0.0}
    assert rows.loc[("2022-0", "a"), "driver_avg_finish_at_circuit"] == 1.5
    assert rows.loc[("2021-0", "a"), "driver_avg_finish_at_circuit"] == 1.0
    assert np.isnan(rows.loc[("2022-0", "new"), "driver_avg_finish_at_circuit"])
    assert rows.loc[("2020-0", "a"), "track_length_km"] == 5.0, "the layout of the race, not today's"
    assert rows.loc[("2020-0", "a"), "elevation_m"] == 100.0
    assert np.isnan(rows.loc[("2020-1", "a"), "elevation_m"])


def test_frames_of_a_source_and_of_a_database_say_the_same(world: Tables) -> None:
    """Gaps in whole numbers are another kind of nothing than NaN."""
    stored = {
        name: frame.assign(
            **{column: frame[column].astype("float64") for column in frame.columns if column == "position"}
        )
        for name, frame in world.items()
    }
    source = {
        name: frame.assign(
            **{column: frame[column].astype("Int64") for column in frame.columns if column == "position"}
        )
        for name, frame in world.items()
    }
    for one, other in zip(compute(stored)[2].values(), compute(source)[2].values(), strict=True):
        pd.testing.assert_frame_equal(one, other)
