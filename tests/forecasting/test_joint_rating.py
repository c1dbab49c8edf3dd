"""The joint rating: what it learns from, what it must not, and that its uncertainty means something."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from f1_pipeline.domain.lineage import lineage
from f1_pipeline.forecasting.history import build_history
from f1_pipeline.forecasting.joint_rating import Championships, JointConfig, joint_ratings, session_order
from f1_pipeline.forecasting.pace import QUALIFYING_CLIP, RaceScale, qualifying_pace, race_pace
from f1_pipeline.sources.simulated import simulate

Tables = dict[str, pd.DataFrame]


@pytest.fixture(scope="module")
def world() -> Tables:
    return simulate(4, 5).bundle.tables


def rate(tables: Tables, config: JointConfig | None = None) -> pd.DataFrame:
    history = build_history(tables)
    ratings = joint_ratings(Championships(history.races, history.field, tables), config or JointConfig())
    return ratings.sort_values(["race_key", "horizon", "driver_id"], ignore_index=True)


@pytest.fixture(scope="module")
def ratings(world: Tables) -> pd.DataFrame:
    return rate(world)


def test_every_entry_is_rated_before_the_weekend(world: Tables, ratings: pd.DataFrame) -> None:
    before = ratings[ratings["horizon"] == "pre_weekend"]
    assert len(before) == len(world["entries"])
    qualified = set(world["qualifying_results"]["race_key"])
    assert set(ratings.loc[ratings["horizon"] == "pre_race", "race_key"]) == qualified
    assert (before[["team_sd", "driver_sd", "sd"]] > 0).all().all()
    np.testing.assert_allclose(before["mean"], before["team_mean"] + before["driver_mean"], atol=1e-12)


def test_it_finds_the_true_strengths(ratings: pd.DataFrame) -> None:
    truth = simulate(4, 5).truth
    truth = truth[truth["horizon"] == "pre_weekend"]
    both = truth.merge(ratings[ratings["horizon"] == "pre_weekend"], on=["race_key", "driver_id"])
    both = both[both["race_key"].str[:4] >= "2024"]
    within = both.groupby("race_key")[["mean", "log_strength"]].corr(method="spearman").iloc[0::2, 1]
    assert within.mean() > 0.75


def test_the_order_of_rows_does_not_matter(world: Tables, ratings: pd.DataFrame) -> None:
    mixed = {name: frame.sample(frac=1, random_state=2) for name, frame in world.items()}
    pd.testing.assert_frame_equal(rate(mixed), ratings, rtol=1e-9)


def test_retirements_say_nothing(world: Tables, ratings: pd.DataFrame) -> None:
    results = world["race_results"]
    kept = results[results["position"].notna()]
    assert len(kept) < len(results)
    pd.testing.assert_frame_equal(rate({**world, "race_results": kept}), ratings, rtol=1e-9)


def test_knowing_more_makes_surer(ratings: pd.DataFrame) -> None:
    wide = ratings.pivot_table(index=["race_key", "driver_id"], columns="horizon", values="sd").dropna()
    assert (wide["pre_race"] <= wide["pre_weekend"] + 1e-12).all()


def test_winter_pulls_teams_together_and_makes_less_sure(world: Tables) -> None:
    still = replace(JointConfig(), season_keep=1.0)
    calm = replace(JointConfig(), season_spread=0.0, regulation_spread=0.0)
    pulled, kept, sure = rate(world), rate(world, still), rate(world, calm)
    opening = [
        frame[(frame["race_key"].str[:4] == "2025") & (frame["horizon"] == "pre_weekend")]
        for frame in (pulled, kept, sure)
    ]
    first = opening[0]["race_key"].iloc[0]
    spread = [frame[frame["race_key"] == first]["team_mean"].std() for frame in opening]
    doubt = [frame[frame["race_key"] == first]["team_sd"].mean() for frame in opening]
    assert spread[0] < spread[1]
    assert doubt[0] > doubt[2]


def test_a_team_keeps_its_past_under_a_new_name() -> None:
    assert lineage("kick-sauber", 2025) == lineage("audi", 2026) == lineage("sauber", 2012)
    assert lineage("renault", 1980) == "renault"
    assert lineage("renault", 2005) == lineage("alpine", 2024)
    assert lineage("sauber", 2012) != lineage("ferrari", 2012)


def qualifying(*rows: tuple[str, float | None, float | None, float | None]) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {"driver_id": driver, "q1_ms": q1, "q2_ms": q2, "q3_ms": q3, "time_ms": None}
            for driver, q1, q2, q3 in rows
        ]
    ).assign(race_key="2020-x", session="Q", constructor_id="team", display_order=range(1, len(rows) + 1))


def test_early_parts_of_qualifying_are_put_on_the_scale_of_the_last() -> None:
    rows = qualifying(
        ("a", 102.0, 101.0, 100.0),
        ("b", 102.0, 101.0, 100.0),
        ("c", 102.0, 101.0, None),  # as fast as the others until he was out
        ("d", 102.0, None, None),
        ("e", 150.0, None, None),
    )
    y = qualifying_pace(rows).set_index("driver_id")["y"]
    assert y[["a", "b", "c", "d"]].abs().max() == pytest.approx(0.0, abs=1e-9)
    assert y["e"] == -QUALIFYING_CLIP


def test_a_race_counts_finishers_by_rank_and_gap() -> None:
    rows = pd.DataFrame(
        {
            "driver_id": list("abcde"),
            "position": [1, 2, 3, 4, None],
            "display_order": [1, 2, 3, 4, 5],
            "time_ms": [100_000.0, None, None, None, None],
            "gap_ms": [None, 1_000.0, 2_000.0, None, None],
            "gap_laps": [None, None, None, 1.0, None],
            "laps": [50, 50, 50, 49, 10],
        }
    ).assign(race_key="2020-x", session="R", constructor_id="team")
    y = race_pace(rows, RaceScale(rank=1.0, gap=1.0)).set_index("driver_id")["y"]
    assert list(y.index) == list("abcd")
    assert y.is_monotonic_decreasing
    by_gap = race_pace(rows, RaceScale(rank=0.0, gap=1.0)).set_index("driver_id")["y"]
    np.testing.assert_allclose(by_gap, [0.0, -0.5, -1.0, -1.0])


def test_the_order_of_a_weekend_with_a_sprint() -> None:
    """2021-22 one qualifying for both grids; 2023 qualifying on Friday; since 2024 the sprint comes first."""

    def order(season: int) -> list[str]:
        return sorted(["R", "S", "SQ", "Q"], key=lambda session: (session_order(season, session), session))

    assert order(2021)[-2:] == ["S", "R"]
    assert order(2023) == ["Q", "SQ", "S", "R"]
    assert order(2024) == order(2026) == ["SQ", "S", "Q", "R"]
