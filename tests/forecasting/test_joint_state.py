"""The state of the joint rating: its laws, and an event against the textbook's formula."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from f1_pipeline.domain.lineage import REGULATION_YEARS
from f1_pipeline.forecasting.grouping import Floats
from f1_pipeline.forecasting.history import build_history
from f1_pipeline.forecasting.joint_rating import Championships
from f1_pipeline.forecasting.joint_state import (
    DRIVER,
    IN_PRACTICE,
    IN_QUALIFYING,
    OF_WEEKEND,
    TEAM,
    Event,
    Ints,
    JointConfig,
    JointState,
)
from f1_pipeline.forecasting.pace import RaceScale
from f1_pipeline.sources.simulated import simulate

KINDS = np.array([DRIVER] * 4 + [TEAM] * 2 + [IN_QUALIFYING] * 2 + [IN_PRACTICE] * 2 + [OF_WEEKEND] * 2)
"""Two teams of two drivers, and their offsets."""
DRIVERS, TEAMS = np.arange(4), np.array([4, 4, 5, 5])
WEEKEND = TEAMS + 6
SEASON = 2018


def _state(config: JointConfig | None = None) -> JointState:
    state = JointState(config or JointConfig(), KINDS)
    state.slots(np.arange(len(KINDS)), SEASON)
    return state


def _of(state: JointState, kind: int) -> Ints:
    return np.asarray(state.slot[np.flatnonzero(kind == KINDS)], dtype=np.int64)


def _variance(state: JointState, kind: int) -> Floats:
    return np.asarray(np.diag(state.cov)[_of(state, kind)], dtype=np.float64)


@pytest.mark.parametrize("season", [SEASON + 1, 2022])
def test_seven_tenths_of_an_offset_last_into_the_next_season(season: int) -> None:
    """And it is as uncertain as before: only what is learnt makes it surer, only winters less so."""
    assert (season in REGULATION_YEARS) == (season == 2022)
    config = JointConfig(offset_keep=0.7)
    state = _state(config)
    state.mean[:] = 1.0
    state.last[:] = season - 1
    state.new_season(season)
    for kind, spread in ((IN_QUALIFYING, config.offset_qualifying), (IN_PRACTICE, config.offset_practice)):
        np.testing.assert_allclose(state.mean[_of(state, kind)], 0.7)
        np.testing.assert_allclose(_variance(state, kind), spread**2)


def test_an_offset_that_is_known_is_doubted_again() -> None:
    state, config = _state(), JointConfig()
    state.cov[:] = 0.0
    state.new_season(SEASON + 1)
    np.testing.assert_allclose(
        _variance(state, IN_PRACTICE), (1 - config.offset_keep**2) * config.offset_practice**2
    )


def test_the_weekend_before_is_forgotten_by_all_that_knew_of_it() -> None:
    state, config = _state(), JointConfig()
    parts = (DRIVERS, TEAMS, WEEKEND)
    state.observe(Event("R", parts, np.array([0.8, 0.7, -0.7, -0.8])), SEASON)
    weekend = _of(state, OF_WEEKEND)
    assert np.abs(state.mean[weekend]).min() > 0.01
    assert np.abs(np.delete(state.cov[weekend], weekend, axis=1)).max() > 0.001
    state.drift()
    np.testing.assert_array_equal(state.mean[weekend], 0.0)
    np.testing.assert_allclose(state.cov[np.ix_(weekend, weekend)], config.weekend**2 * np.eye(2))
    np.testing.assert_array_equal(np.delete(state.cov[weekend], weekend, axis=1), 0.0)


def test_new_regulations_pull_teams_further_and_leave_nobody_sure() -> None:
    plain, new, config = _state(), _state(), JointConfig()
    for state, season in ((plain, 2021), (new, 2022)):
        state.mean[_of(state, TEAM)] = [1.5, -0.5]  # what counts is the distance to their mean
        state.cov[:] = 0.0
        state.last[:] = season - 1
        state.new_season(season)
    np.testing.assert_allclose(plain.mean[_of(plain, TEAM)], [config.season_keep, -config.season_keep])
    np.testing.assert_allclose(new.mean[_of(new, TEAM)], [config.regulation_keep, -config.regulation_keep])
    np.testing.assert_allclose(_variance(plain, TEAM), config.season_spread**2)
    np.testing.assert_allclose(_variance(new, TEAM), config.regulation_spread**2)
    np.testing.assert_allclose(_variance(plain, DRIVER), 0.0)
    np.testing.assert_allclose(_variance(new, DRIVER), config.regulation_driver_spread**2)


@pytest.mark.parametrize(
    ("session", "offset", "noise"),
    [
        ("P", 4, "noise_practice"),
        ("Q", 2, "noise_qualifying"),
        ("SQ", 2, "noise_qualifying"),
        ("S", None, "noise_sprint"),
        ("R", None, "noise_race"),
    ],
)
def test_an_event_is_taken_in_as_the_textbook_says(session: str, offset: int | None, noise: str) -> None:
    """``y = H x + intercept + noise``; gain ``P H' (H P H' + R)^-1``, each session with its own noise."""
    numbers = {"noise_practice": 1.1, "noise_qualifying": 0.9, "noise_sprint": 0.7, "noise_race": 0.5}
    state = _state(replace(JointConfig(), **numbers, huber=100.0))
    state.observe(Event("R", (DRIVERS, TEAMS, WEEKEND), np.array([0.3, 0.1, -0.1, 0.2])), SEASON)
    parts = (DRIVERS, TEAMS, WEEKEND) if offset is None else (DRIVERS, TEAMS, WEEKEND, TEAMS + offset)
    design = np.zeros((4, len(KINDS)))
    for part in parts:
        design[np.arange(4), state.slot[part]] += 1.0
    y, before, mean = np.array([0.5, -0.2, 0.0, 0.1]), state.cov.copy(), state.mean.copy()
    total = design @ before @ design.T + numbers[noise] ** 2 * np.eye(4) + 1e4
    gain = before @ design.T @ np.linalg.inv(total)
    state.observe(Event(session, parts, y), SEASON)
    np.testing.assert_allclose(state.mean, mean + gain @ (y - design @ mean), atol=1e-9)
    np.testing.assert_allclose(state.cov, before - gain @ design @ before, atol=1e-9)


def test_a_row_far_from_the_others_counts_less() -> None:
    """A stop that takes half a minute says less of the pace than its gap would."""
    moved = {}
    for huber in (1.06, 100.0):
        state = _state(replace(JointConfig(), huber=huber))
        state.cov *= 0.02  # of a field that is known
        state.observe(Event("R", (DRIVERS, TEAMS, WEEKEND), np.array([0.0, 0.0, 0.0, -6.0])), SEASON)
        moved[huber] = state.mean[state.slot[3]]
    assert 0.6 * moved[100.0] < moved[1.06] < 0.0


def test_a_new_team_starts_below_those_that_are_there() -> None:
    config, state = JointConfig(), JointState(JointConfig(), np.append(KINDS, [TEAM, DRIVER]))
    state.slots(np.arange(len(KINDS)), SEASON)
    state.mean[_of(state, TEAM)] = [1.0, 0.0]
    team, driver = state.slots(np.array([len(KINDS), len(KINDS) + 1]), SEASON)
    assert state.mean[team] == pytest.approx(0.5 + config.team_start_mean)
    assert state.mean[driver] == pytest.approx(config.driver_start_mean)
    np.testing.assert_allclose(
        np.diag(state.cov)[[team, driver]], [config.team_start**2, config.driver_start**2]
    )


def test_what_is_the_same_for_all_says_nothing() -> None:
    """A faster lap record or a wet track moves the event's intercept, and no rating."""
    one, other = _state(), _state()
    y = np.array([0.5, -0.2, 0.0, 0.1])
    one.observe(Event("Q", (DRIVERS, TEAMS, WEEKEND), y), SEASON)
    other.observe(Event("Q", (DRIVERS, TEAMS, WEEKEND), y + 3.0), SEASON)
    spread = one.mean - other.mean
    sums = spread[one.slot[DRIVERS]] + spread[one.slot[TEAMS]] + spread[one.slot[WEEKEND]]
    np.testing.assert_allclose(sums - sums.mean(), 0.0, atol=1e-3)
    np.testing.assert_allclose(one.cov, other.cov)


def test_a_rating_counts_the_weekend_and_its_deviation_what_lasts() -> None:
    state = _state()
    team, team_sd, driver, driver_sd, both, both_sd, own = state.rating(DRIVERS, TEAMS, WEEKEND, SEASON)
    state.mean[state.slot[10]] += 1.0
    moved = state.rating(DRIVERS, TEAMS, WEEKEND, SEASON)
    np.testing.assert_allclose(moved[0] - team, [1.0, 1.0, 0.0, 0.0])
    np.testing.assert_allclose(moved[4] - both, [1.0, 1.0, 0.0, 0.0])
    np.testing.assert_allclose(moved[2], driver)
    config = JointConfig()
    np.testing.assert_allclose(team_sd, config.team_start)
    np.testing.assert_allclose(driver_sd, config.driver_start)
    np.testing.assert_allclose(both_sd, np.hypot(config.team_start, config.driver_start))
    # Against the mean of the field, where half a team and three quarters of a driver are its own; and as far as ratings move.
    expected = np.hypot(config.team_start * np.sqrt(0.5), config.driver_start * np.sqrt(0.75))
    np.testing.assert_allclose(own, 0.72 * expected)


def test_doubt_against_the_field_is_that_of_a_difference_as_far_as_ratings_have_moved() -> None:
    """What all have in common is not in it, and of the rest as much as was seen on real races."""
    state = _state()
    state.observe(Event("R", (DRIVERS, TEAMS, WEEKEND), np.array([0.4, 0.1, -0.2, -0.3])), SEASON)
    sums = np.zeros((4, len(state.members)))
    sums[np.arange(4), state.slot[DRIVERS]] = 1.0
    sums[np.arange(4), state.slot[TEAMS]] = 1.0
    apart = sums - sums.mean(axis=0)
    expected = np.sqrt(np.diag(apart @ state.cov @ apart.T))
    np.testing.assert_allclose(state.rating(DRIVERS, TEAMS, WEEKEND, SEASON)[-1], 0.72 * expected)


def test_every_session_counts_with_the_offsets_that_are_its_own() -> None:
    """Who sets a grid shares one offset, for a race or for a sprint; all sessions share that of the weekend."""
    tables = simulate(3, 5).bundle.tables
    history = build_history(tables)
    championships = Championships(history.races, history.field, tables)
    kinds, seen = championships.kinds(), {}
    for weekend in championships.weekends(RaceScale()):
        for event in weekend.events:
            seen[event.session] = [set(kinds[part]) for part in event.parts]
    common = [{DRIVER}, {TEAM}, {OF_WEEKEND}]
    assert seen == {
        "P": [*common, {IN_PRACTICE}],
        "Q": [*common, {IN_QUALIFYING}],
        "SQ": [*common, {IN_QUALIFYING}],
        "S": common,
        "R": common,
    }
