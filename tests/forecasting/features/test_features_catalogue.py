"""Every feature of the catalogue: its kind, for whom and when it is known, and that the order of rows is nothing to it."""

import numpy as np
import pandas as pd
import pytest

from f1_pipeline.forecasting.features import FEATURES, HORIZONS, Feature, cutoffs, names
from tests.forecasting.features.worlds import WEEKEND, Tables, compute


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
