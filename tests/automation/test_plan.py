"""What an update has to do, case by case."""

from dataclasses import replace

import pytest

from f1_pipeline.automation.plan import KeyRange, Plan, State, make_plan
from tests.automation.settled import CALENDAR, HORIZONS, keys_of, settled


def test_nothing_changed_nothing_to_do() -> None:
    plan = make_plan(settled(8))
    assert plan == Plan(forecasts={horizon: [] for horizon in HORIZONS})
    assert plan.is_empty()


def test_an_empty_database_has_no_plan() -> None:
    empty = State([], set(), set(), set(), None, set(), {key: set() for key in HORIZONS}, set(), {}, {}, {})
    assert make_plan(empty).is_empty()


def test_from_nothing() -> None:
    done = settled(8)
    state = replace(
        done,
        changed=set(CALENDAR),
        rated=set(),
        featured={horizon: set() for horizon in HORIZONS},
        forecast={},
        scored={},
        championship=(),
    )
    plan = make_plan(state)
    assert plan.raw == [KeyRange("r00", "r11")]
    assert plan.derived == KeyRange("r00", "r11")
    assert plan.forecasts == {
        "pre_weekend": [KeyRange("r02", "r08")],
        "pre_race": [KeyRange("r02", "r07")],
    }
    assert plan.championship == [KeyRange("r02", "r08")]
    assert plan.scores == [KeyRange("r02", "r07")], "the next race has no result to be scored against"


def test_a_result_arrives() -> None:
    """The forecast made before the race is kept and scored; the race after it is forecast."""
    before = replace(settled(8), changed={"r08"})
    plan = make_plan(before)
    assert plan.raw == [KeyRange("r08", "r08")]
    assert plan.derived == KeyRange("r08", "r11")
    # Once its rows are in the tables:
    now = replace(
        before,
        changed=set(),
        finished={*before.finished, "r08"},
        has_grid={*before.has_grid, "r08"},
        featured={**before.featured, "pre_race": {*before.featured["pre_race"], "r08"}},
        forecast={**before.forecast, "pre_race": {*before.forecast["pre_race"], "r08"}},
        result_hashes={**before.result_hashes, "r08": "new"},
    )
    plan = make_plan(now)
    assert plan.raw == []
    assert plan.derived is None
    assert plan.forecasts == {"pre_weekend": [KeyRange("r09", "r09")], "pre_race": []}
    assert plan.championship == [KeyRange("r09", "r09")], "the one before the race is kept"
    assert plan.scores == [KeyRange("r08", "r08")]


def test_a_grid_is_published() -> None:
    state = replace(settled(8), has_grid={*CALENDAR[:8], "r08"})
    plan = make_plan(state)
    assert plan.derived == KeyRange("r08", "r11")
    assert plan.forecasts == {"pre_weekend": [KeyRange("r08", "r08")], "pre_race": [KeyRange("r08", "r08")]}
    assert plan.scores == []


def test_a_correction_in_an_old_race() -> None:
    state = settled(8)
    state = replace(state, changed={"r04"}, result_hashes={**state.result_hashes, "r04": "corrected"})
    plan = make_plan(state)
    assert plan.raw == [KeyRange("r04", "r04")]
    assert plan.derived == KeyRange("r04", "r11"), "all later ratings stand on it"
    assert keys_of(plan.forecasts["pre_weekend"]) == ["r08"], "finished races keep the forecast made for them"
    assert plan.forecasts["pre_race"] == []
    assert keys_of(plan.championship) == ["r08"], "points and strengths of the next race are others now"
    assert keys_of(plan.scores) == ["r04"], "only its own score depends on its result"


def test_races_with_newer_prices_are_scored_again_once_they_are_finished() -> None:
    plan = make_plan(replace(settled(8), repriced={"r01", "r04", "r08"}))
    assert plan.scores == [KeyRange("r04", "r04")], "r01 was never forecast, r08 is not run yet"
    assert not plan.raw
    assert plan.derived is None
    assert not any(plan.forecasts.values())


@pytest.mark.parametrize("changed", ["r04", "r08"])
def test_once_its_cutoff_has_passed_a_forecast_before_the_weekend_is_not_made_again(changed: str) -> None:
    """On a Saturday the field of the next race, or an old result, is another one: only what knows Saturday follows."""
    state = replace(settled(8), changed={changed}, has_grid={*CALENDAR[:8], "r08"})
    sprints = {"pre_weekend": {"r08"}, "pre_sprint": {"r08"}}
    state = replace(state, sprint_ready=sprints, sprint_forecast=sprints)
    state = replace(state, forecast={**state.forecast, "pre_race": {*CALENDAR[2:9]}})
    now = make_plan(state)
    assert [keys_of(spans) for spans in now.forecasts.values()] == [["r08"], ["r08"]]
    assert keys_of(now.championship) == ["r08"]
    plan = make_plan(replace(state, closed={*CALENDAR[:9]}))
    assert (plan.raw, plan.derived) == (now.raw, now.derived)
    assert [keys_of(spans) for spans in plan.forecasts.values()] == [[], ["r08"]]
    assert plan.championship == []
    assert keys_of(plan.sprints) == ["r08"], "before the sprint, whose cutoff is its start"
    early = {"pre_weekend": {"r08"}}
    assert make_plan(replace(state, closed={"r08"}, sprint_ready=early)).sprints == []


def test_what_is_missing_after_its_cutoff_is_made_all_the_same() -> None:
    state = settled(8)
    none = {horizon: set(keys) - {"r08"} for horizon, keys in state.forecast.items()}
    plan = make_plan(
        replace(
            state,
            closed={*CALENDAR[:9]},
            forecast=none,
            championship=set(state.championship) - {"r08"},
            sprint_ready={"pre_weekend": {"r08"}},
        )
    )
    assert (
        keys_of(plan.forecasts["pre_weekend"])
        == keys_of(plan.championship)
        == keys_of(plan.sprints)
        == ["r08"]
    )


def test_a_correction_before_the_first_forecast_is_rated_and_not_scored() -> None:
    state = settled(8)
    plan = make_plan(replace(state, changed={"r01"}, result_hashes={**state.result_hashes, "r01": "new"}))
    assert plan.derived == KeyRange("r01", "r11")
    assert plan.scores == []


def test_a_championship_that_is_missing_is_forecast_alone() -> None:
    state = settled(8)
    plan = make_plan(replace(state, championship=set(state.championship) - {"r03", "r08"}))
    assert keys_of(plan.championship) == ["r03", "r08"]
    assert not any(plan.forecasts.values())
    assert not plan.scores
    assert plan.derived is None
    assert not plan.is_empty()


def test_no_championship_without_entries() -> None:
    state = replace(settled(8), has_entries=set(CALENDAR[:8]), championship=())
    assert keys_of(make_plan(state).championship) == CALENDAR[2:8]


@pytest.mark.parametrize("horizon", HORIZONS)
def test_a_forecast_that_is_missing_is_made_and_scored(horizon: str) -> None:
    state = settled(8)
    forecast = {**state.forecast, horizon: set(state.forecast[horizon]) - {"r05"}}
    plan = make_plan(replace(state, forecast=forecast))
    other = next(name for name in HORIZONS if name != horizon)
    assert keys_of(plan.forecasts[horizon]) == ["r05"]
    assert plan.forecasts[other] == []
    assert keys_of(plan.scores) == ["r05"]
    assert plan.derived is None


def test_a_score_that_is_missing_is_made() -> None:
    state = settled(8)
    scored = {key: value for key, value in state.scored.items() if key != ("r06", "pre_race")}
    plan = make_plan(replace(state, scored=scored))
    assert keys_of(plan.scores) == ["r06"]
    assert not any(plan.forecasts.values())


def test_missing_ratings_and_features_are_made_from_there_on() -> None:
    state = settled(8)
    assert make_plan(replace(state, rated=set(CALENDAR) - {"r03"})).derived == KeyRange("r03", "r11")
    featured = {**state.featured, "pre_race": set(state.featured["pre_race"]) - {"r06"}}
    assert make_plan(replace(state, featured=featured)).derived == KeyRange("r06", "r11")


def test_what_an_interrupted_update_left_behind_is_rated_again() -> None:
    """Its rows are in the tables, so nothing differs from the source any more."""
    plan = make_plan(replace(settled(8), stale={"r05", "cancelled"}))
    assert plan.raw == []
    assert plan.derived == KeyRange("r05", "r11")
    assert keys_of(plan.forecasts["pre_weekend"]) == ["r08"]
    assert plan.scores == []


def test_a_change_of_a_race_that_is_off_the_calendar_is_ignored() -> None:
    assert make_plan(replace(settled(8), changed={"cancelled"})).is_empty()


def test_only_finished_races_and_the_next_one_are_forecast() -> None:
    state = replace(settled(8), forecast={horizon: set() for horizon in HORIZONS})
    plan = make_plan(state)
    assert keys_of(plan.forecasts["pre_weekend"]) == CALENDAR[2:9]
    assert keys_of(plan.forecasts["pre_race"]) == CALENDAR[2:8]


def test_nothing_is_forecast_before_there_is_a_first_race() -> None:
    plan = make_plan(replace(settled(8), forecast_from=None, forecast={}, scored={}, championship=()))
    assert plan.is_empty()


def test_forecasts_from_a_later_race_on() -> None:
    plan = make_plan(replace(settled(8), forecast_from="r06", forecast={}, scored={}))
    assert keys_of(plan.forecasts["pre_race"]) == ["r06", "r07"]
