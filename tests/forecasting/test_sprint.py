"""Forecasts of sprints: their features, their numbers, and what they may know."""

import numpy as np
import pandas as pd
import pytest

from f1_pipeline.domain.points import sprint_points
from f1_pipeline.domain.vocabulary import SPRINT_HORIZONS
from f1_pipeline.errors import ContractViolation
from f1_pipeline.forecasting.elo import elo_ratings
from f1_pipeline.forecasting.features import feature_matrix
from f1_pipeline.forecasting.grouping import Floats
from f1_pipeline.forecasting.history import build_history
from f1_pipeline.forecasting.joint_rating import Championships, joint_ratings
from f1_pipeline.forecasting.joint_state import JointConfig
from f1_pipeline.forecasting.sprint import (
    BASE_HORIZON,
    HEAT,
    RETIREMENT,
    sprint_cutoff,
    sprint_features,
    sprint_forecast,
    with_reserves,
)
from f1_pipeline.sources.simulated import simulate

KEY = "2026-somewhere"


class Says:
    """A fitted model that says what it is told to, by driver; and which rows it was shown."""

    def __init__(self, by_driver: dict[str, float]):
        self.by_driver = by_driver
        self.seen: pd.DataFrame = pd.DataFrame()

    def predict(self, rows: pd.DataFrame) -> Floats:
        self.seen = rows
        return np.array([self.by_driver[driver] for driver in rows["driver_id"]])


def weekend() -> pd.DataFrame:
    """Feature rows before the weekend, in no order."""
    return pd.DataFrame(
        {
            "race_key": KEY,
            "season": 2026,
            "driver_id": ["c", "a", "d", "b"],
            "constructor_id": ["y", "x", "y", "x"],
            "joint_rating": [0.1, 0.5, -0.2, 0.3],
            "joint_rating_sd": 0.3,
            "championship_position": [3.0, 1.0, 4.0, 2.0],
            "grid_position": np.nan,
            "gap_to_pole_pct": np.nan,
        },
        index=[5, 6, 7, 8],
    )


def ratings(*rows: tuple[str, str, float, float]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["horizon", "driver_id", "mean", "sd"])
    return frame.assign(race_key=KEY)


RATINGS = ratings(
    ("pre_weekend", "a", 0.5, 0.3),
    ("pre_sprint", "a", 0.9, 0.2),
    ("pre_sprint", "b", 0.2, 0.2),
    ("pre_sprint", "c", 0.4, 0.2),
    ("pre_race", "a", 7.0, 0.1),
    ("pre_race", "d", 7.0, 0.1),
)
GRID = pd.DataFrame({"driver_id": ["b", "a", "d", "c"], "position": [1.0, 2.0, 3.0, np.nan]})


# --- features --------------------------------------------------------------------------------------------


def test_before_the_weekend_they_are_those_of_the_race() -> None:
    found = sprint_features(weekend(), "pre_weekend", RATINGS, GRID)
    expected = weekend().sort_values("driver_id", ignore_index=True)
    pd.testing.assert_frame_equal(found, expected)
    assert found["grid_position"].isna().all(), "the grid of the sprint is not known yet"


def test_before_the_sprint_its_grid_and_rating_are_in_place() -> None:
    found = sprint_features(weekend(), "pre_sprint", RATINGS, GRID).set_index("driver_id")
    assert found.index.tolist() == ["a", "b", "c", "d"]
    # The pit lane has no place: behind everyone.
    assert found["grid_position"].to_dict() == {"a": 2.0, "b": 1.0, "c": 4.0, "d": 3.0}
    # Nobody's rating is that of the race, which has seen its qualifying; d has none after sprint qualifying.
    assert found["joint_rating"].to_dict() == {"a": 0.9, "b": 0.2, "c": 0.4, "d": -0.2}
    assert found["joint_rating_sd"].to_dict() == {"a": 0.2, "b": 0.2, "c": 0.2, "d": 0.3}
    assert found["championship_position"].to_dict() == {"a": 1.0, "b": 2.0, "c": 3.0, "d": 4.0}
    assert found["gap_to_pole_pct"].isna().all()


def test_who_is_not_on_the_grid_is_not_forecast() -> None:
    found = sprint_features(weekend(), "pre_sprint", RATINGS, GRID[GRID["driver_id"] != "a"])
    assert found["driver_id"].tolist() == ["b", "c", "d"]
    assert found["grid_position"].tolist() == [1.0, 3.0, 3.0]


def test_somebody_on_the_grid_whom_nothing_describes_is_refused() -> None:
    grid = pd.concat([GRID, pd.DataFrame({"driver_id": ["e"], "position": [5.0]})]).assign(race_key=KEY)
    with pytest.raises(ContractViolation, match=f"starting_grid, race {KEY}, field driver_id: e on the grid"):
        sprint_features(weekend(), "pre_sprint", RATINGS, grid)


def test_who_is_on_the_grid_of_the_sprint_without_being_entered_takes_part() -> None:
    tables = dict(simulate(2, 7).bundle.tables)
    grids = tables["starting_grid"]
    key = str(grids.loc[grids["session"] == "S", "race_key"].iloc[-1])
    gone = str(grids.loc[(grids["race_key"] == key) & (grids["session"] == "S"), "driver_id"].iloc[0])
    for name, session in (("starting_grid", "S"), ("qualifying_results", "SQ")):
        frame = tables[name].copy()
        at = (frame["race_key"] == key) & (frame["session"] == session) & (frame["driver_id"] == gone)
        frame.loc[at, "driver_id"] = "the-reserve"
        tables[name] = frame
    history = build_history(tables)
    who = history.field
    elo = pd.concat([elo_ratings(history.starters, who, kind) for kind in ("driver", "constructor")])
    joint = joint_ratings(Championships(history.races, who, tables), JointConfig())
    of_race = [frame[frame["race_key"] == key] for frame in (elo, joint, tables["starting_grid"])]
    grid = of_race[2][of_race[2]["session"] == "S"]
    matrix = feature_matrix(history, elo, joint, "pre_weekend")
    rows = matrix[matrix["race_key"] == key]
    assert "the-reserve" not in set(rows["driver_id"])
    everybody = with_reserves(rows, history, of_race[0], of_race[1], grid)
    found = sprint_features(everybody, "pre_sprint", of_race[1], grid).set_index("driver_id")
    assert set(found.index) == set(grid["driver_id"])
    reserve = found.loc["the-reserve"]
    assert reserve["constructor_id"] == rows.set_index("driver_id").loc[gone, "constructor_id"]
    assert reserve["grid_position"] == grid.set_index("driver_id").loc["the-reserve", "position"]
    assert reserve[["current_elo", "joint_rating", "joint_rating_sd", "retirement_driver"]].notna().all()
    others = found.drop(index="the-reserve")
    columns = [name for name in others if name not in ("joint_rating", "joint_rating_sd", "grid_position")]
    pd.testing.assert_frame_equal(
        others[columns], rows.set_index("driver_id").loc[others.index, columns], check_exact=True
    )
    whole = with_reserves(rows, history, of_race[0], of_race[1], grid[grid["driver_id"] != "the-reserve"])
    assert whole is rows, "everybody is entered: nothing is computed"


@pytest.mark.parametrize("horizon", SPRINT_HORIZONS)
def test_the_order_of_rows_does_not_matter(horizon: str) -> None:
    one = sprint_features(weekend(), horizon, RATINGS, GRID)
    other = sprint_features(
        weekend().iloc[::-1], horizon, RATINGS.sample(frac=1, random_state=1), GRID.iloc[::-1]
    )
    pd.testing.assert_frame_equal(one, other)


def test_the_given_frames_are_left_alone() -> None:
    rows, known, grid = weekend(), RATINGS.copy(), GRID.copy()
    sprint_features(rows, "pre_sprint", known, grid)
    pd.testing.assert_frame_equal(rows, weekend())
    pd.testing.assert_frame_equal(known, RATINGS)
    pd.testing.assert_frame_equal(grid, GRID)


# --- the forecast ----------------------------------------------------------------------------------------

CHANCES = {"a": 0.6, "b": 0.3, "c": 0.08, "d": 0.02}
OUT = {"a": 0.1, "b": 0.1, "c": 0.2, "d": 0.3}


def forecast(horizon: str, draws: int = 3000, seed: int = 3) -> pd.DataFrame:
    rows = sprint_features(weekend(), horizon, RATINGS, GRID)
    wins = {"rating": Says(CHANCES), "grid_frequency": Says(dict.fromkeys("abcd", 0.25))}
    return sprint_forecast(rows, horizon, dict(wins), Says(OUT), draws, seed)


@pytest.mark.parametrize("horizon", SPRINT_HORIZONS)
def test_the_numbers_of_a_sprint_add_up(horizon: str) -> None:
    made = forecast(horizon)
    assert set(made["model"]) == {"rating", "grid_frequency"}
    assert set(made["horizon"]) == {horizon}
    assert set(made["seed"]) == {3}
    for _, part in made.groupby("model"):
        assert part["driver_id"].tolist() == ["a", "b", "c", "d"]
        assert part["win_probability"].sum() == pytest.approx(1.0)
        assert part["podium_probability"].sum() == pytest.approx(3.0)
        assert part["expected_position"].sum() == pytest.approx(10.0)
        assert (part["podium_probability"] >= part["win_probability"] - 1e-12).all()
        # Four cars in eight scoring places: who finishes scores.
        np.testing.assert_allclose(part["points_probability"], 1 - part["retirement_probability"], atol=0.02)
        assert part["expected_points"].sum() < sum(sprint_points(2026)[:4])
        assert (part["expected_points"] >= 8 * part["win_probability"] - 1e-9).all()
    pd.testing.assert_frame_equal(made, forecast(horizon))


def test_a_sprint_has_fewer_retirements_and_with_a_grid_surer_winners() -> None:
    early, late = (forecast(horizon) for horizon in SPRINT_HORIZONS)
    for made in (early, late):
        np.testing.assert_allclose(
            made["retirement_probability"], [RETIREMENT * OUT[driver] for driver in made["driver_id"]]
        )
    assert 0 < RETIREMENT < 1
    rating = early[early["model"] == "rating"]
    assert rating["win_probability"].tolist() == pytest.approx(list(CHANCES.values()))
    powers = np.array(list(CHANCES.values())) ** HEAT["pre_sprint"]
    rating = late[late["model"] == "rating"]
    np.testing.assert_allclose(rating["win_probability"], powers / powers.sum())
    assert rating["win_probability"].iloc[0] > CHANCES["a"] + 0.01
    even = late[late["model"] == "grid_frequency"]
    np.testing.assert_allclose(even["win_probability"], 0.25)


def test_the_models_are_asked_about_the_sprint() -> None:
    rows = sprint_features(weekend(), "pre_sprint", RATINGS, GRID)
    model, retirement = Says(CHANCES), Says(OUT)
    sprint_forecast(rows, "pre_sprint", {"rating": model}, retirement, 100, 1)
    for asked in (model, retirement):
        assert asked.seen["grid_position"].tolist() == [2.0, 1.0, 4.0, 3.0]
    assert set(BASE_HORIZON) == set(HEAT) == set(SPRINT_HORIZONS)


# --- when it was known -----------------------------------------------------------------------------------


def test_the_cutoff_is_the_start_of_the_sprint() -> None:
    start = pd.Timestamp("2026-05-02 11:00", tz="UTC")
    practice = pd.Timestamp("2026-05-01 11:30", tz="UTC")
    race = pd.Series({"date": pd.Timestamp("2026-05-03"), "sprint_at": start})
    assert sprint_cutoff(race, "pre_weekend", practice) == practice
    assert sprint_cutoff(race, "pre_sprint", practice) == start


@pytest.mark.parametrize("missing", [pd.NaT, None])
def test_without_a_time_it_is_the_midnight_before_the_race_day(missing: object) -> None:
    race = pd.Series({"date": pd.Timestamp("2022-04-24"), "sprint_at": missing})
    found = sprint_cutoff(race, "pre_sprint", pd.Timestamp("2022-04-21", tz="UTC"))
    assert found == pd.Timestamp("2022-04-23", tz="UTC")
    assert found > sprint_cutoff(race, "pre_weekend", pd.Timestamp("2022-04-21", tz="UTC"))
