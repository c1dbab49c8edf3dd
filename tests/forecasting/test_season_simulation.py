"""The rest of a season as it is drawn: each part of the simulation alone, against what can be worked out by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from f1_pipeline.forecasting.grouping import Floats
from f1_pipeline.forecasting.season_simulation import (
    FASTEST_LAP_BY_PLACE,
    LineUp,
    RaceDraws,
    RaceToCome,
    SimulationConfig,
    simulate_races,
)

DRAWS = 20_000
STILL = SimulationConfig(
    slope=5.0, team_doubt=0.0, driver_doubt=0.0, team_drift=0.0, driver_drift=0.0, weekend=0.0
)
"""Nothing but the finishing order is left to chance."""
NOBODY = np.zeros(4)
WINS = (1.0,)


def _line_up(team_sd: float = 0.0, driver_sd: float = 0.0) -> LineUp:
    """Two teams of two; in per cent of a lap."""
    return LineUp(
        ("a", "b", "c", "d"),
        ("one", "two"),
        np.array([0, 0, 1, 1]),
        np.array([0.1, -0.1]),
        np.full(2, team_sd),
        np.array([0.05, 0.0, 0.0, -0.1]),
        np.full(4, driver_sd),
    )


def _draw(
    config: SimulationConfig,
    races: int = 1,
    out: Floats = NOBODY,
    team_sd: float = 0.0,
    driver_sd: float = 0.0,
) -> list[RaceDraws]:
    to_come = [RaceToCome(f"2026-r{number}", WINS) for number in range(races)]
    return list(simulate_races(_line_up(team_sd, driver_sd), to_come, out, config, DRAWS, 1))


def test_who_wins_and_who_is_second_follow_the_strengths() -> None:
    """The winner as a softmax of slope times per cent; who is behind him with ``lower_places`` of it."""
    (race,) = _draw(STILL)
    strength = STILL.slope * np.array([0.15, 0.1, -0.1, -0.2])
    win = np.exp(strength) / np.exp(strength).sum()
    np.testing.assert_allclose((race.positions == 1).mean(axis=0), win, atol=0.012)
    rest = np.exp(STILL.lower_places * strength[1:])
    second = (race.positions[race.positions[:, 0] == 1, 1:] == 2).mean(axis=0)
    np.testing.assert_allclose(second, rest / rest.sum(), atol=0.016)
    np.testing.assert_array_equal(race.points.sum(axis=1), 1.0)


def test_a_weekend_suits_a_car_and_both_its_drivers_feel_it() -> None:
    shared = {}
    for weekend in (0.0, 0.6):
        first, second = _draw(replace(STILL, weekend=weekend), races=2)
        together = np.corrcoef(first.positions.T)
        shared[weekend] = together[0, 1], np.corrcoef(first.positions[:, 0], second.positions[:, 0])[0, 1]
    # Of four places team-mates take some from each other: without a common form they are against each other.
    assert shared[0.0][0] < -0.2 < 0.1 < shared[0.6][0]
    # The next weekend knows nothing of it.
    assert shared[0.0][1] == pytest.approx(0.0, abs=0.03)
    assert shared[0.6][1] == pytest.approx(0.0, abs=0.03)


@pytest.mark.parametrize(("what", "who"), [("team_drift", [0, 1]), ("driver_drift", [0])])
def test_strengths_walk_from_race_to_race_and_not_before_the_first(what: str, who: list[int]) -> None:
    still, walking = _draw(STILL, races=12), _draw(replace(STILL, **{what: 0.3}), races=12)
    np.testing.assert_array_equal(still[0].positions, walking[0].positions)

    def remembered(races: list[RaceDraws], one: int, other: int) -> float:
        """Correlation of the places of the first car in two races, over the draws."""
        return float(np.corrcoef(races[one].positions[:, 0], races[other].positions[:, 0])[0, 1])

    assert remembered(still, 10, 11) == pytest.approx(0.0, abs=0.03)
    assert remembered(walking, 10, 11) > 0.3
    mates = np.corrcoef(walking[11].positions[:, 0], walking[11].positions[:, 1])[0, 1]
    # The team's walk takes both its cars along, a driver's his alone.
    assert (mates > 0.1) == (who == [0, 1])


@pytest.mark.parametrize(("of", "other"), [("team", "driver"), ("driver", "team")])
def test_the_doubt_of_the_rating_lasts_for_the_season(of: str, other: str) -> None:
    """And each of the two is drawn from the standard deviation of its own."""
    again = {}
    for who in (of, other):
        races = _draw(replace(STILL, **{f"{who}_doubt": 0.5}), races=6, **{f"{of}_sd": 1.0})
        again[who] = np.corrcoef(races[0].positions[:, 0], races[5].positions[:, 0])[0, 1]
    assert again[of] > 0.3
    assert again[other] == pytest.approx(0.0, abs=0.03)


def test_retirements_of_a_race_and_of_its_sprint() -> None:
    """In a sprint a share of them; who is not classified has no place and no points."""
    out = np.array([0.5, 0.1, 0.0, 0.3])
    everybody = (1.0,) * 4
    with_sprint = [RaceToCome("2026-r0", (), sprint_points=everybody)]
    (race,) = _draw(STILL, out=out)
    np.testing.assert_allclose((race.positions == 0).mean(axis=0), out, atol=0.012)
    assert (race.points[race.positions == 0] == 0).all()
    (sprint,) = simulate_races(_line_up(), with_sprint, out, STILL, DRAWS, 1)
    np.testing.assert_allclose(sprint.points.mean(axis=0), 1.0 - STILL.sprint_retirement * out, atol=0.012)
    assert 0.2 < STILL.sprint_retirement < 0.6


def test_the_point_for_the_fastest_lap_goes_to_places_as_often_as_it_did() -> None:
    (race,) = simulate_races(
        _line_up(), [RaceToCome("2024-r0", (), fastest_lap_point=1.0)], NOBODY, STILL, DRAWS, 1
    )
    for place in range(1, 5):
        assert race.points[race.positions == place].mean() == pytest.approx(
            FASTEST_LAP_BY_PLACE[place - 1], abs=0.012
        )


@pytest.mark.parametrize(
    "out", [np.zeros(3), np.array([0.0, 0.0, 0.0, 1.1]), np.array([0.0, 0.0, 0.0, np.nan])]
)
def test_a_retirement_that_is_no_probability_is_refused(out: Floats) -> None:
    with pytest.raises(ValueError, match="one probability of retirement"):
        _draw(STILL, out=out)
