"""The simulated championship: lawful, repeatable, extendable, invented."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest

from f1_pipeline.domain.points import expected_race_points
from f1_pipeline.sources.contracts import COLUMNS, KEYS, check_bundle, conform
from f1_pipeline.sources.simulated import SimulatedWorld, simulate
from f1_pipeline.sources.simulated.calendar import ROUNDS, season_calendar
from f1_pipeline.sources.simulated.names import MAX_DRIVERS, driver_names
from f1_pipeline.sources.simulated.world import MAX_SEASONS, SEATS, line_ups

REAL_SURNAMES = {
    "albon", "alonso", "antonelli", "bearman", "bortoleto", "bottas", "brabham", "button", "clark", "colapinto",
    "doohan", "fangio", "gasly", "hadjar", "hakkinen", "hamilton", "hill", "hulkenberg", "hunt", "lauda", "lawson",
    "leclerc", "mansell", "massa", "norris", "ocon", "perez", "piastri", "piquet", "prost", "raikkonen", "ricciardo",
    "rosberg", "russell", "sainz", "schumacher", "senna", "stewart", "stroll", "tsunoda", "verstappen", "vettel",
    "villeneuve", "webber", "zhou",
}  # fmt: skip
REAL_TEAMS = {
    "alfa romeo", "alpine", "aston martin", "audi", "benetton", "brawn", "cadillac", "ferrari", "haas", "honda",
    "jordan", "lotus", "mclaren", "mercedes", "minardi", "racing bulls", "red bull", "renault", "sauber", "williams",
}  # fmt: skip


@pytest.fixture(scope="module")
def world() -> SimulatedWorld:
    return simulate(4, 7)


@pytest.fixture(scope="module")
def short() -> SimulatedWorld:
    return simulate(1, 7, finished_rounds=8)


def rounds_of(world: SimulatedWorld) -> pd.DataFrame:
    return world.bundle.tables["races"].set_index("race_key")[["season", "round"]]


def finished_races(world: SimulatedWorld) -> list[str]:
    return sorted(world.bundle.tables["race_results"]["race_key"].unique())


def test_same_arguments_give_the_same_world(short: SimulatedWorld) -> None:
    again = simulate(1, 7, finished_rounds=8)
    assert again.bundle.digest == short.bundle.digest
    pd.testing.assert_frame_equal(again.truth, short.truth, check_exact=True)
    for table, frame in short.bundle.tables.items():
        pd.testing.assert_frame_equal(again.bundle.tables[table], frame, check_exact=True)


def test_another_seed_gives_another_world(short: SimulatedWorld) -> None:
    other = simulate(1, 8, finished_rounds=8)
    assert other.bundle.release == "simulated-8"
    assert other.bundle.digest != short.bundle.digest
    assert set(other.bundle.tables["drivers"]["driver_id"]) != set(
        short.bundle.tables["drivers"]["driver_id"]
    )


@pytest.mark.parametrize("finished", [9, ROUNDS])
def test_more_finished_rounds_leave_earlier_races_alone(short: SimulatedWorld, finished: int) -> None:
    longer = simulate(1, 7, finished_rounds=finished)
    before = finished_races(short)
    assert len(finished_races(longer)) == len(before) + finished - 8
    for table, frame in short.bundle.tables.items():
        new = longer.bundle.tables[table]
        if "race_key" in frame.columns and table != "races":
            old_hashes = short.bundle.race_hashes(table)
            new_hashes = longer.bundle.race_hashes(table)
            assert {key: old_hashes.get(key) for key in before} == {
                key: new_hashes.get(key) for key in before
            }
        else:  # reference tables only grow, and only by drivers who had not raced before
            key = KEYS[table]
            kept = frame[key].merge(new, on=key, how="left")[list(frame.columns)]
            pd.testing.assert_frame_equal(kept.astype(frame.dtypes), frame)
            assert table == "drivers" or len(new) == len(frame)
    kept_truth = longer.truth[longer.truth["race_key"].isin(before)].reset_index(drop=True)
    old_truth = short.truth[short.truth["race_key"].isin(before)].reset_index(drop=True)
    pd.testing.assert_frame_equal(kept_truth, old_truth, check_exact=True)


def test_a_longer_history_leaves_earlier_seasons_alone(short: SimulatedWorld) -> None:
    longer = simulate(2, 7, last_season=2027, finished_rounds=0)
    for table in ("race_results", "qualifying_results", "starting_grid", "driver_standings", "entries"):
        before = short.bundle.race_hashes(table)
        after = longer.bundle.race_hashes(table)
        assert {key: after[key] for key in finished_races(short)} == {
            key: before[key] for key in finished_races(short)
        }


def test_every_table_obeys_its_contract(world: SimulatedWorld) -> None:
    tables = world.bundle.tables
    assert set(tables) == set(COLUMNS)
    for table, frame in tables.items():
        assert not frame.empty
        pd.testing.assert_frame_equal(conform(table, frame, "test"), frame)
    check_bundle(tables, "test")
    assert world.bundle.source == "simulated"
    assert len(world.bundle.digest) == 64


def test_current_season_is_finished_up_to_a_round_and_open_after(world: SimulatedWorld) -> None:
    tables = world.bundle.tables
    races = tables["races"]
    assert sorted(races["season"].unique()) == list(range(2022, 2027))
    assert (races.groupby("season").size() == ROUNDS).all()
    done = (races["season"] < 2026) | (races["round"] <= 8)
    future = set(races.loc[~done, "race_key"])
    assert set(finished_races(world)) == set(races.loc[done, "race_key"])
    for table, frame in tables.items():
        if "race_key" in frame.columns and table not in ("races", "entries"):
            assert not set(frame["race_key"]) & future, table
    entries = tables["entries"]
    assert set(entries.loc[entries["race_key"].isin(future), "status"]) == {"projected"}
    assert set(entries.loc[~entries["race_key"].isin(future), "status"]) == {"entered"}
    assert (entries.groupby("race_key").size() == SEATS).all()
    assert not entries.duplicated(["race_key", "car_number"]).any()


def test_projected_entries_are_the_last_known_line_up() -> None:
    """A change of drivers in a later round must not show in the calendar before it happens."""
    history, _ = line_ups(7, 1)
    change = next(i for i in range(1, ROUNDS) if history[0][i] != history[0][i - 1])
    before = simulate(0, 7, finished_rounds=change).bundle.tables["entries"]
    after = simulate(0, 7, finished_rounds=change + 1).bundle.tables["entries"]

    def line_up(entries: pd.DataFrame, number: int) -> set[tuple[str, str]]:
        key = season_calendar(7, 0, 2026)[number - 1].race_key
        rows = entries[entries["race_key"] == key]
        return set(zip(rows["driver_id"], rows["constructor_id"], strict=True))

    assert line_up(before, change) == line_up(before, change + 1) == line_up(before, ROUNDS)
    assert line_up(after, change) != line_up(after, change + 1) == line_up(after, ROUNDS)


def test_drivers_change_teams_within_and_between_seasons(world: SimulatedWorld) -> None:
    entries = world.bundle.tables["entries"].merge(rounds_of(world), on="race_key")
    by_round = entries.groupby(["season", "round"])[["driver_id", "constructor_id"]].apply(
        lambda rows: frozenset(zip(rows["driver_id"], rows["constructor_id"], strict=True))
    )
    assert by_round.loc[2022].nunique() == 2
    winters = [by_round.loc[(year, ROUNDS)] != by_round.loc[(year + 1, 1)] for year in range(2022, 2026)]
    assert sum(winters) >= 2
    first, last = entries[entries["season"] == 2022], entries[entries["season"] == 2026]
    assert set(first["driver_id"]) - set(last["driver_id"])
    assert set(last["driver_id"]) - set(first["driver_id"])


def test_sessions_are_in_order_and_races_on_sunday(world: SimulatedWorld) -> None:
    races = world.bundle.tables["races"]
    assert (races["date"].dt.day_of_week == 6).all()
    assert races["date"].dt.month.between(3, 11).all()
    assert (races["first_practice_at"] < races["qualifying_at"]).all()
    assert (races["qualifying_at"] < races["start_at"]).all()
    sprints = races[races["is_sprint_weekend"].astype(bool)]
    assert (sprints.groupby("season").size() == 4).all()
    assert (sprints["first_practice_at"] < sprints["sprint_qualifying_at"]).all()
    assert (sprints["sprint_qualifying_at"] < sprints["sprint_at"]).all()
    assert (sprints["sprint_at"] < sprints["qualifying_at"]).all()
    ordered = races.sort_values(["season", "round"])
    assert ordered["date"].is_monotonic_increasing
    zones = world.bundle.tables["circuits"].set_index("circuit_id")["time_zone"]
    for race in races.itertuples():
        local = race.start_at.astimezone(ZoneInfo(zones[race.circuit_id]))
        assert local.date() == race.date.date()
        assert 12 <= local.hour <= 20


def test_weekend_tables_agree_with_each_other(world: SimulatedWorld) -> None:
    tables = world.bundle.tables
    results = tables["race_results"]
    assert (results.groupby("race_key")["fastest_lap"].sum() == 1).all()
    assert results["position_text"].eq("DNF").mean() == pytest.approx(0.115, abs=0.03)
    out = results["position"].isna()
    assert results.loc[out, "reason_retired"].notna().all()
    assert results.loc[~out, "reason_retired"].isna().all()
    assert (results["display_order"] >= results["position"]).fillna(True).all()
    for _, race in results.groupby("race_key"):
        assert race["position"].notna().is_monotonic_decreasing  # the retired come last
        gaps = race["gap_ms"].dropna().astype("int64")
        assert gaps.is_monotonic_increasing
        winner = race.iloc[0]
        assert winner["laps"] == race["laps"].max()
        timed = race[race["gap_ms"].notna()]
        assert (timed["time_ms"] - timed["gap_ms"] == winner["time_ms"]).all()
        lapped = race[race["gap_laps"].notna()]
        assert (lapped["laps"] + lapped["gap_laps"] == winner["laps"]).all()

    grid = tables["starting_grid"].query("session == 'R'")
    joined = results.merge(grid, on=["race_key", "driver_id"], suffixes=("", "_grid"), validate="1:1")
    assert joined["grid_position"].fillna(0).eq(joined["position_grid"].fillna(0)).all()
    assert joined["grid_text"].eq(joined["position_text_grid"]).all()
    pit_lane = grid["position_text"] == "PL"
    assert 0 < pit_lane.sum() < 0.03 * len(grid)
    assert grid.loc[pit_lane, "position"].isna().all()
    assert grid["penalty"].notna().any()
    counts = tables["pit_stops"].groupby(["race_key", "driver_id"]).size()
    stated = results.set_index(["race_key", "driver_id"])["pit_stops"]
    assert (counts.reindex(stated.index, fill_value=0) == stated).all()
    assert stated[(~out).to_numpy()].between(1, 3).all()

    sessions = tables["practice_results"].groupby("race_key")["session"].nunique()
    sprint = tables["races"].set_index("race_key")["is_sprint_weekend"].astype(bool)
    assert (sessions == np.where(sprint[sessions.index], 1, 3)).all()
    sprint_keys = {key for key in finished_races(world) if sprint[key]}
    assert set(tables["sprint_results"]["race_key"]) == sprint_keys
    assert set(tables["qualifying_results"].query("session == 'SQ'")["race_key"]) == sprint_keys
    assert set(tables["starting_grid"].query("session == 'S'")["race_key"]) == sprint_keys


def test_qualifying_times_fit_the_order(world: SimulatedWorld) -> None:
    qualifying = world.bundle.tables["qualifying_results"]
    for _, session in qualifying.groupby(["race_key", "session"]):
        times = session.sort_values("position")["time_ms"].astype("int64").to_numpy()
        assert (np.diff(times) > 0).all()
        gaps = session.sort_values("position")["gap_ms"].fillna(0).astype("int64").to_numpy()
        assert (times - times[0] == gaps).all()
        for part, cut in (("q1_ms", 15), ("q2_ms", 10)):  # who goes on was faster than who does not
            through = session.loc[session["position"] <= cut, part]
            out = session.loc[session["position"] > cut, part].dropna()
            assert through.max() < out.min()
        assert session["q3_ms"].notna().sum() == 10
        assert session["q2_ms"].notna().sum() == 15


def test_standings_are_the_sum_of_the_results(world: SimulatedWorld) -> None:
    tables = world.bundle.tables
    raced = tables["race_results"].assign(season=tables["race_results"]["race_key"].str[:4].astype("int64"))
    assert raced["points"].eq(expected_race_points(raced)).all()
    results = pd.concat([tables["race_results"], tables["sprint_results"]]).merge(
        rounds_of(world), on="race_key"
    )
    assert (tables["race_results"].groupby("race_key")["points"].sum() <= 102).all()
    for table, column in (("driver_standings", "driver_id"), ("constructor_standings", "constructor_id")):
        scored = results.pivot_table(
            index=["season", "round"], columns=column, values="points", aggfunc="sum"
        )
        total = scored.fillna(0).groupby("season").cumsum().stack().rename("expected")
        standings = tables[table].merge(rounds_of(world), on="race_key")
        both = standings.merge(total, on=["season", "round", column], how="left", validate="1:1")
        assert both["points"].eq(both["expected"]).all()
        for _, race in both.groupby("race_key"):
            in_order = race.sort_values("position")
            assert in_order["points"].is_monotonic_decreasing
            assert in_order["position"].tolist() == list(range(1, len(race) + 1))
    # equal points: the better best result comes first
    first_round = tables["driver_standings"].merge(rounds_of(world), on="race_key").query("round == 1")
    places = tables["race_results"][["race_key", "driver_id", "position"]]
    scoreless = first_round[first_round["points"] == 0].merge(
        places, on=["race_key", "driver_id"], suffixes=("", "_race")
    )
    for _, race in scoreless.groupby("race_key"):
        finished = race.sort_values("position")["position_race"].dropna().astype("int64")
        assert finished.is_monotonic_increasing


@pytest.mark.parametrize("seed", range(5))
def test_names_are_invented_and_codes_unique(seed: int) -> None:
    names = driver_names(seed)
    assert len({name.driver_id for name in names}) == MAX_DRIVERS
    assert len({name.code for name in names}) == MAX_DRIVERS
    assert all(len(name.code) == 3 and name.code.isalpha() and name.code.isupper() for name in names)
    assert not {name.last_name.lower() for name in names} & REAL_SURNAMES


def test_teams_are_invented(world: SimulatedWorld) -> None:
    teams = world.bundle.tables["constructors"]
    assert len(teams) == 10
    words = " ".join(teams["full_name"].str.lower())
    assert not [name for name in REAL_TEAMS if name in words]


def test_names_last_for_the_longest_history() -> None:
    _, debut = line_ups(3, MAX_SEASONS + 1)
    assert len(debut) <= MAX_DRIVERS


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ({"seasons": -1, "seed": 1}, "seasons"),
        ({"seasons": MAX_SEASONS + 1, "seed": 1}, "seasons"),
        ({"seasons": 1, "seed": -1}, "seed"),
        ({"seasons": 1, "seed": 1, "finished_rounds": ROUNDS + 1}, "finished_rounds"),
        ({"seasons": 0, "seed": 1, "finished_rounds": 0}, "line-up"),
        ({"seasons": 10, "seed": 1, "last_season": 1955}, "1950"),
    ],
)
def test_arguments_out_of_range_are_refused(arguments: dict[str, int], word: str) -> None:
    with pytest.raises(ValueError, match=word):
        simulate(**arguments)
