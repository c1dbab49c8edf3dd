"""When models are trained anew, on which rows, and how a training set is told from another."""

import pandas as pd
import pytest

from f1_pipeline.forecasting.elo import elo_ratings
from f1_pipeline.forecasting.features import feature_matrix, names
from f1_pipeline.forecasting.history import History, build_history
from f1_pipeline.forecasting.joint_rating import Championships, joint_ratings
from f1_pipeline.forecasting.joint_state import JointConfig
from f1_pipeline.forecasting.training import (
    Cadence,
    labelled,
    trained_for,
    training_hash,
    training_set,
    with_clock,
)
from f1_pipeline.sources.simulated import simulate

RACES = pd.DataFrame(
    [
        {"race_key": f"{season}-{number}", "season": season}
        for season in (2024, 2025, 2026)
        for number in range(5)
    ]
)


@pytest.fixture(scope="module")
def history() -> History:
    return build_history(simulate(2, 7).bundle.tables)


@pytest.fixture(scope="module")
def matrix(history: History) -> pd.DataFrame:
    elo = pd.concat(
        [elo_ratings(history.starters, history.entries, kind) for kind in ("driver", "constructor")]
    )
    tables = simulate(2, 7).bundle.tables
    joint = joint_ratings(Championships(history.races, history.entries, tables), JointConfig())
    return feature_matrix(history, elo, joint, "pre_race")


@pytest.fixture(scope="module")
def rows(matrix: pd.DataFrame, history: History) -> pd.DataFrame:
    return labelled(matrix, history)


@pytest.mark.parametrize(
    ("cadence", "expected"),
    [
        ("race", [0, 1, 2, 3, 4]),
        ("season", [0, 0, 0, 0, 0]),
        (2, [0, 0, 2, 2, 4]),
        (3, [0, 0, 0, 3, 3]),
        (1, [0, 1, 2, 3, 4]),
        (99, [0, 0, 0, 0, 0]),
    ],
)
def test_the_cadence(cadence: Cadence, expected: list[int]) -> None:
    recent = trained_for(RACES, 3, cadence, "season")
    before = trained_for(RACES, 0, "race", cadence)
    for season in (2024, 2025, 2026):
        for number in range(5):
            version = f"{season}-{expected[number]}"
            assert recent[f"{season}-{number}"] == version
            assert before[f"{season}-{number}"] == version


def test_a_promotion_begins_a_version() -> None:
    """Chosen knowing race 1, a recipe must not be that of a version that forecasts race 1."""
    regular = trained_for(RACES, 0, "race", "season")
    versions = trained_for(RACES, 0, "race", "season", {"2025-1", "2025-4"})
    other = {key: version for key, version in versions.items() if regular[key] != version}
    assert other == {"2025-2": "2025-2", "2025-3": "2025-2", "2025-4": "2025-2"}
    assert trained_for(RACES, 3, 2, "season", {"2026-2"})["2026-3"] == "2026-3"
    assert trained_for(RACES, 3, 2, "season", {"2026-2"})["2026-4"] == "2026-4"
    assert trained_for(RACES, 3, "race", "season", {"2025-1"}) == trained_for(RACES, 3, "race", "season")


def test_recent_seasons_are_counted_from_the_newest() -> None:
    versions = trained_for(RACES, 2, "race", "season")
    assert versions["2024-4"] == "2024-0"
    assert versions["2025-4"] == "2025-4"
    assert versions["2026-4"] == "2026-4"
    assert list(versions) == RACES["race_key"].tolist()


@pytest.mark.parametrize("cadence", ["race", "season", 2, 3])
def test_a_version_is_never_of_a_later_race_or_another_season(cadence: Cadence) -> None:
    place = {key: index for index, key in enumerate(RACES["race_key"])}
    for key, version in trained_for(RACES, 2, cadence, cadence).items():
        assert place[version] <= place[key]
        assert version[:4] == key[:4]


def test_a_training_set_ends_before_the_race(rows: pd.DataFrame, history: History) -> None:
    for race_key in ("2025-dragon-bridge", "2026-marble-gorge"):
        order = int(history.races.set_index("race_key").loc[race_key, "order"])
        chosen = training_set(rows, order, 1950)
        assert chosen["order"].max() == order - 1
        assert chosen["order"].nunique() == order


def test_a_training_set_begins_with_its_season_where_two_are_left(rows: pd.DataFrame) -> None:
    assert training_set(rows, 10**6, 2025)["season"].unique().tolist() == [2025, 2026]
    assert training_set(rows, 10**6, 2026)["season"].unique().tolist() == [2024, 2025, 2026], "too short"
    assert training_set(rows, 10**6, 2100)["season"].nunique() == 3
    assert training_set(rows, 0, 1950).empty


def test_labels_are_of_starters_and_sorted_by_driver(
    rows: pd.DataFrame, matrix: pd.DataFrame, history: History
) -> None:
    keys = ["race_key", "driver_id"]
    assert rows.equals(rows.sort_values(["order", "driver_id"], kind="stable"))
    assert len(rows) == len(history.starters)
    expected = history.starters.set_index(keys)["finish"]
    assert (rows.set_index(keys)["finish"] == expected.reindex(pd.MultiIndex.from_frame(rows[keys]))).all()
    assert (rows[rows["finish"] == 1].groupby("race_key").size() == 1).all()
    mixed = labelled(matrix.sample(frac=1, random_state=1), history)
    pd.testing.assert_frame_equal(mixed, rows)


def test_who_did_not_start_is_not_learnt_from(matrix: pd.DataFrame, history: History) -> None:
    gone = history.starters.index[3]
    fewer = History(**{**vars(history), "starters": history.starters.drop(index=gone)})
    assert len(labelled(matrix, fewer)) == len(history.starters) - 1


def test_stored_rows_get_their_clock_back(matrix: pd.DataFrame, history: History) -> None:
    stored = matrix.drop(columns=["order", "season"])
    columns = matrix.columns.tolist()
    pd.testing.assert_frame_equal(with_clock(stored, history)[columns], matrix, check_dtype=False)
    stale = matrix.assign(order=-1, season=0)
    pd.testing.assert_frame_equal(with_clock(stale, history)[columns], matrix, check_dtype=False)


def test_the_hash_is_repeatable(rows: pd.DataFrame) -> None:
    assert training_hash(rows, "pre_race") == training_hash(rows.copy(), "pre_race")
    assert len(training_hash(rows, "pre_race")) == 64


def test_the_hash_does_not_depend_on_the_order_of_the_source(matrix: pd.DataFrame, history: History) -> None:
    mixed = History(**{**vars(history), "starters": history.starters.sample(frac=1, random_state=2)})
    one = training_hash(labelled(matrix, history), "pre_race")
    assert one == training_hash(labelled(matrix.sample(frac=1, random_state=3), mixed), "pre_race")


@pytest.mark.parametrize("column", [*names("pre_race", seen_by="order"), "finish"])
def test_the_hash_sees_every_value(rows: pd.DataFrame, column: str) -> None:
    changed = rows.copy()
    changed.loc[7, column] = 99
    assert training_hash(changed, "pre_race") != training_hash(rows, "pre_race")


def test_the_hash_sees_who_where_and_how_many(rows: pd.DataFrame) -> None:
    real = training_hash(rows, "pre_race")
    for column in ("race_key", "driver_id"):
        changed = rows.copy()
        changed.loc[7, column] = "somebody"
        assert training_hash(changed, "pre_race") != real
    assert training_hash(rows.iloc[:-1], "pre_race") != real
    assert training_hash(rows.iloc[::-1], "pre_race") != real, "learners may depend on the order of rows"


def test_the_hash_ignores_what_no_model_reads(rows: pd.DataFrame) -> None:
    changed = rows.assign(temperature_c=31.0, cutoff=pd.Timestamp("2000-01-01", tz="UTC"))
    assert training_hash(changed, "pre_race") == training_hash(rows, "pre_race")
    early = training_hash(rows, "pre_weekend")
    assert training_hash(rows.assign(grid_position=1.0), "pre_weekend") == early
