"""What each feature says, on small worlds that are computed by hand."""

from typing import Any

import numpy as np
import pandas as pd

from tests.forecasting.features.worlds import LAP_COLUMNS, OUTCOMES, compute

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
