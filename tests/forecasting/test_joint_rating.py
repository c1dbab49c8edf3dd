"""The joint rating: what it learns from, what it must not, and that its uncertainty means something."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from threadpoolctl import threadpool_limits

from f1_pipeline.domain.lineage import lineage
from f1_pipeline.forecasting.history import build_history
from f1_pipeline.forecasting.joint_rating import Championships, joint_ratings, session_order
from f1_pipeline.forecasting.joint_state import JointConfig
from f1_pipeline.forecasting.pace import (
    PRACTICE_CLIP,
    QUALIFYING_CLIP,
    RaceScale,
    practice_pace,
    qualifying_pace,
    race_pace,
)
from f1_pipeline.sources.f1db import parse_archive
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


def practice(session: str, **times: float | None) -> pd.DataFrame:
    rows = pd.DataFrame({"driver_id": list(times), "time_ms": list(times.values())})
    return rows.assign(
        race_key="2020-x", session=session, constructor_id="team", display_order=range(1, len(rows) + 1)
    )


def test_practice_is_the_mean_of_its_sessions() -> None:
    fp1 = practice("FP1", a=100.0, b=101.0, c=102.0, d=103.0, e=None)
    fp2 = practice("FP2", b=100.0, a=101.0, d=102.0, e=300.0)
    y = practice_pace(pd.concat([fp1, fp2])).set_index("driver_id")["y"]
    # The first says 1.5, .5, -.5 and -1.5, the second 1.75, .75, -.25 and -2.25 (e is cut at 4 %).
    np.testing.assert_allclose(y[["a", "b", "c", "d", "e"]], [1.125, 1.125, -0.5, -0.875, -2.25])
    assert PRACTICE_CLIP == 4.0
    warm_up = practice("WU", a=100.0, b=90.0, c=102.0, d=103.0)
    pd.testing.assert_frame_equal(
        practice_pace(pd.concat([fp1, fp2, warm_up])), practice_pace(pd.concat([fp1, fp2]))
    )
    assert practice_pace(practice("FP1", a=100.0, b=101.0, c=102.0)).empty


def run_races(world: Tables) -> list[str]:
    """Races that have a result, first one first."""
    keys = world["races"].sort_values("date")["race_key"]
    return keys[keys.isin(world["race_results"]["race_key"])].tolist()


def moved(world: Tables, race: str, table: str, driver: str, by: float) -> pd.DataFrame:
    """Ratings when one driver was faster in a session of one race."""
    frame = world[table].copy()
    mine = (frame["race_key"] == race) & (frame["driver_id"] == driver)
    for name in [column for column in frame.columns if column in ("time_ms", "q1_ms", "q2_ms", "q3_ms")]:
        frame[name] = frame[name].astype("float64").where(~mine, frame[name] * (1.0 - by))
    return rate({**world, table: frame})


def test_practice_is_known_from_its_own_race_on(world: Tables, ratings: pd.DataFrame) -> None:
    calendar = run_races(world)
    race, following = calendar[8], calendar[9]
    driver = str(world["entries"].loc[world["entries"]["race_key"] == race, "driver_id"].iloc[-1])
    faster = moved(world, race, "practice_results", driver, 0.01)
    both = ratings.merge(faster, on=["race_key", "horizon", "driver_id"], suffixes=("", "_new"))
    both = both[both["driver_id"] == driver].set_index(["race_key", "horizon"])
    gain = both["mean_new"] - both["mean"]
    np.testing.assert_array_equal(gain[gain.index.get_level_values("race_key").isin(calendar[:8])], 0.0)
    assert gain[(race, "pre_weekend")] == 0.0
    assert 0.0 < gain[(race, "pre_race")] < 1.0
    assert gain[(following, "pre_weekend")] > 0.0


def test_a_team_that_shows_less_in_practice_is_not_slow(world: Tables, ratings: pd.DataFrame) -> None:
    """What is the same in every practice becomes the team's offset there, not its pace."""
    teams = world["entries"].groupby("driver_id")["constructor_id"].first()
    team = teams.iloc[0]
    frame = world["practice_results"].copy()
    frame["time_ms"] = frame["time_ms"] * (1.0 + 0.01 * (frame["constructor_id"] == team))
    hidden = rate({**world, "practice_results": frame})
    unaware = replace(JointConfig(), offset_practice=1e-6)
    last = ratings["race_key"] == run_races(world)[-1]
    last &= (ratings["horizon"] == "pre_weekend") & (ratings["constructor_id"] == team)

    def lost(changed: pd.DataFrame, before: pd.DataFrame) -> float:
        return float((before.loc[last, "mean"] - changed.loc[last, "mean"]).mean())

    by_offset = lost(hidden, ratings)
    by_pace = lost(rate({**world, "practice_results": frame}, unaware), rate(world, unaware))
    assert 0.0 < by_offset < 0.7 * by_pace


def test_a_team_that_is_faster_in_qualifying_only_is_not_fast_in_races(
    world: Tables, ratings: pd.DataFrame
) -> None:
    """Sprint qualifying shares the offset: what is the same in every session that sets a grid is no pace of the race."""
    team = str(world["entries"]["constructor_id"].iloc[0])
    frame = world["qualifying_results"].copy()
    for name in ("time_ms", "q1_ms", "q2_ms", "q3_ms"):
        frame[name] = frame[name] * (1.0 - 0.004 * (frame["constructor_id"] == team))
    unaware = replace(JointConfig(), offset_qualifying=1e-6)
    last = ratings["race_key"] == run_races(world)[-1]
    last &= (ratings["horizon"] == "pre_weekend") & (ratings["constructor_id"] == team)

    def gain(config: JointConfig) -> float:
        faster, before = rate({**world, "qualifying_results": frame}, config), rate(world, config)
        return float((faster.loc[last, "mean"] - before.loc[last, "mean"]).mean())

    assert 0.0 < gain(JointConfig()) < 0.9 * gain(unaware)


def test_practice_after_the_qualifying_of_a_sprint_weekend_is_not_known_before(
    world: Tables, ratings: pd.DataFrame
) -> None:
    """In 2021 and 2022 the second practice was on the Saturday, after the session that set the grid of the sprint."""
    races = world["races"].set_index("race_key")
    first = world["practice_results"][world["practice_results"]["session"] == "FP1"]
    for season, counts in ((2022, False), (2024, True)):
        sprints = races.index[races["is_sprint_weekend"].astype(bool) & (races["season"] == season)]
        late = first[first["race_key"] == sprints[0]].assign(session="FP2")
        late["time_ms"] = late["time_ms"].sort_values(ascending=False).to_numpy()
        with_late = rate({**world, "practice_results": pd.concat([world["practice_results"], late])})
        assert with_late.equals(ratings) is not counts


def test_what_a_team_is_on_a_weekend_stays_there(world: Tables, ratings: pd.DataFrame) -> None:
    race, following = run_races(world)[8:10]
    entries = world["entries"]
    team = str(entries.loc[entries["race_key"] == race, "constructor_id"].iloc[0])
    frame = world["practice_results"].copy()
    mine = (frame["race_key"] == race) & (frame["constructor_id"] == team)
    frame["time_ms"] = frame["time_ms"] * (1.0 - 0.01 * mine)
    faster = {**world, "practice_results": frame}
    for_good = replace(JointConfig(), weekend=1e-6)

    def gains(changed: pd.DataFrame, before: pd.DataFrame) -> list[float]:
        wanted = [(race, "pre_race"), (following, "pre_weekend")]
        own = before["constructor_id"] == team
        chosen = [
            own & (before["race_key"] == key) & (before["horizon"] == horizon) for key, horizon in wanted
        ]
        return [float((changed.loc[rows, "mean"] - before.loc[rows, "mean"]).mean()) for rows in chosen]

    now, later = gains(rate(faster), ratings)
    now_for_good, later_for_good = gains(rate(faster, for_good), rate(world, for_good))
    assert now > now_for_good > 0.0
    assert 0.0 < later < later_for_good


def test_a_new_team_that_took_part_in_no_session_is_rated_before_the_race(world: Tables) -> None:
    race = run_races(world)[0]
    entries = world["entries"]
    team = str(entries.loc[entries["race_key"] == race, "constructor_id"].iloc[0])
    absent = {}
    for name in ("practice_results", "qualifying_results", "race_results"):
        frame = world[name]
        absent[name] = frame[(frame["race_key"] != race) | (frame["constructor_id"] != team)]
    rows = rate({**world, **absent})
    mine = rows[(rows["race_key"] == race) & (rows["constructor_id"] == team)]
    assert set(mine["horizon"]) >= {"pre_weekend", "pre_race"}
    assert mine["mean"].notna().all()
    # Nothing has been heard of it: the same at all horizons.
    assert mine.groupby("driver_id")["team_mean"].nunique().eq(1).all()


def test_practice_alone_is_no_state_before_the_race(world: Tables) -> None:
    race = run_races(world)[-1]
    names = ("qualifying_results", "race_results", "sprint_results", "starting_grid")
    friday = {
        name: frame[frame["race_key"] != race] if name in names else frame for name, frame in world.items()
    }
    assert (friday["practice_results"]["race_key"] == race).any()
    horizons = rate(friday).groupby("race_key")["horizon"].unique()
    assert list(horizons[race]) == ["pre_weekend"]


def test_the_order_of_a_weekend_with_a_sprint() -> None:
    """2021-22 one qualifying for both grids; 2023 qualifying on Friday; since 2024 the sprint comes first."""

    def order(season: int) -> list[str]:
        return sorted(
            ["R", "S", "SQ", "Q", "P"], key=lambda session: (session_order(season, session), session)
        )

    assert order(2021)[-2:] == ["S", "R"]
    assert order(2023) == ["P", "Q", "SQ", "S", "R"]
    assert order(2024) == order(2026) == ["P", "SQ", "S", "Q", "R"]


@pytest.mark.archive
def test_real_ratings_do_not_depend_on_the_number_of_threads(archives: Path) -> None:
    """They did, from the thirteenth digit on, and on a machine with other cores every model was trained anew. The fields of
    a simulated championship are too small for threads."""
    tables = parse_archive(archives / "f1db" / "f1db-csv.zip", "newest", "digest").tables
    found = []
    for threads in (1, 2):
        with threadpool_limits(threads, user_api="blas"):
            found.append(rate(tables))
    pd.testing.assert_frame_equal(*found, check_exact=True)
