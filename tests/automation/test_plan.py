"""What an update has to do: cases, and laws that hold for any state."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from f1_pipeline.automation.plan import (
    MAX_RUNS,
    KeyRange,
    Plan,
    State,
    key_ranges,
    make_plan,
    next_race,
)

HORIZONS = ("pre_weekend", "pre_race")
SETTINGS = settings(max_examples=200, deadline=None, derandomize=True)
CALENDAR = [f"r{number:02d}" for number in range(12)]


def _settled(raced: int, calendar: Sequence[str] = CALENDAR, first: int = 2) -> State:
    """Everything done: ``raced`` races finished, forecasts from the race at ``first`` on, the next one forecast."""
    finished = set(calendar[:raced])
    hashes = {key: f"hash of {key}" for key in finished}
    forecast = set(calendar[first:raced])
    return State(
        calendar=list(calendar),
        finished=finished,
        has_grid=finished,
        has_entries=set(calendar),
        forecast_from=calendar[first],
        changed=set(),
        featured={"pre_weekend": set(calendar), "pre_race": finished},
        rated=set(calendar),
        forecast={"pre_weekend": forecast | set(calendar[raced : raced + 1]), "pre_race": forecast},
        scored={(key, horizon): hashes[key] for key in forecast for horizon in HORIZONS},
        result_hashes=hashes,
        championship=forecast | set(calendar[raced : raced + 1]),
    )


def _keys(spans: Sequence[KeyRange], calendar: Sequence[str] = CALENDAR) -> list[str]:
    place = {key: index for index, key in enumerate(calendar)}
    return [key for span in spans for key in calendar[place[span.start] : place[span.end] + 1]]


def test_nothing_changed_nothing_to_do() -> None:
    plan = make_plan(_settled(8))
    assert plan == Plan(forecasts={horizon: [] for horizon in HORIZONS})
    assert plan.is_empty()


def test_an_empty_database_has_no_plan() -> None:
    empty = State([], set(), set(), set(), None, set(), {key: set() for key in HORIZONS}, set(), {}, {}, {})
    assert make_plan(empty).is_empty()


def test_from_nothing() -> None:
    done = _settled(8)
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
    before = replace(_settled(8), changed={"r08"})
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
    state = replace(_settled(8), has_grid={*CALENDAR[:8], "r08"})
    plan = make_plan(state)
    assert plan.derived == KeyRange("r08", "r11")
    assert plan.forecasts == {"pre_weekend": [KeyRange("r08", "r08")], "pre_race": [KeyRange("r08", "r08")]}
    assert plan.scores == []


def test_a_correction_in_an_old_race() -> None:
    state = _settled(8)
    state = replace(state, changed={"r04"}, result_hashes={**state.result_hashes, "r04": "corrected"})
    plan = make_plan(state)
    assert plan.raw == [KeyRange("r04", "r04")]
    assert plan.derived == KeyRange("r04", "r11"), "all later ratings stand on it"
    assert _keys(plan.forecasts["pre_weekend"]) == ["r08"], "finished races keep the forecast made for them"
    assert plan.forecasts["pre_race"] == []
    assert _keys(plan.championship) == ["r08"], "points and strengths of the next race are others now"
    assert _keys(plan.scores) == ["r04"], "only its own score depends on its result"


def test_races_with_newer_prices_are_scored_again_once_they_are_finished() -> None:
    plan = make_plan(replace(_settled(8), repriced={"r01", "r04", "r08"}))
    assert plan.scores == [KeyRange("r04", "r04")], "r01 was never forecast, r08 is not run yet"
    assert not plan.raw
    assert plan.derived is None
    assert not any(plan.forecasts.values())


@pytest.mark.parametrize("changed", ["r04", "r08"])
def test_once_its_cutoff_has_passed_a_forecast_before_the_weekend_is_not_made_again(changed: str) -> None:
    """On a Saturday the field of the next race, or an old result, is another one: only what knows Saturday follows."""
    state = replace(_settled(8), changed={changed}, has_grid={*CALENDAR[:8], "r08"})
    sprints = {"pre_weekend": {"r08"}, "pre_sprint": {"r08"}}
    state = replace(state, sprint_ready=sprints, sprint_forecast=sprints)
    state = replace(state, forecast={**state.forecast, "pre_race": {*CALENDAR[2:9]}})
    now = make_plan(state)
    assert [_keys(spans) for spans in now.forecasts.values()] == [["r08"], ["r08"]]
    assert _keys(now.championship) == ["r08"]
    plan = make_plan(replace(state, closed={*CALENDAR[:9]}))
    assert (plan.raw, plan.derived) == (now.raw, now.derived)
    assert [_keys(spans) for spans in plan.forecasts.values()] == [[], ["r08"]]
    assert plan.championship == []
    assert _keys(plan.sprints) == ["r08"], "before the sprint, whose cutoff is its start"
    early = {"pre_weekend": {"r08"}}
    assert make_plan(replace(state, closed={"r08"}, sprint_ready=early)).sprints == []


def test_what_is_missing_after_its_cutoff_is_made_all_the_same() -> None:
    state = _settled(8)
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
    assert _keys(plan.forecasts["pre_weekend"]) == _keys(plan.championship) == _keys(plan.sprints) == ["r08"]


def test_a_correction_before_the_first_forecast_is_rated_and_not_scored() -> None:
    state = _settled(8)
    plan = make_plan(replace(state, changed={"r01"}, result_hashes={**state.result_hashes, "r01": "new"}))
    assert plan.derived == KeyRange("r01", "r11")
    assert plan.scores == []


def test_a_championship_that_is_missing_is_forecast_alone() -> None:
    state = _settled(8)
    plan = make_plan(replace(state, championship=set(state.championship) - {"r03", "r08"}))
    assert _keys(plan.championship) == ["r03", "r08"]
    assert not any(plan.forecasts.values())
    assert not plan.scores
    assert plan.derived is None
    assert not plan.is_empty()


def test_no_championship_without_entries() -> None:
    state = replace(_settled(8), has_entries=set(CALENDAR[:8]), championship=())
    assert _keys(make_plan(state).championship) == CALENDAR[2:8]


@pytest.mark.parametrize("horizon", HORIZONS)
def test_a_forecast_that_is_missing_is_made_and_scored(horizon: str) -> None:
    state = _settled(8)
    forecast = {**state.forecast, horizon: set(state.forecast[horizon]) - {"r05"}}
    plan = make_plan(replace(state, forecast=forecast))
    other = next(name for name in HORIZONS if name != horizon)
    assert _keys(plan.forecasts[horizon]) == ["r05"]
    assert plan.forecasts[other] == []
    assert _keys(plan.scores) == ["r05"]
    assert plan.derived is None


def test_a_score_that_is_missing_is_made() -> None:
    state = _settled(8)
    scored = {key: value for key, value in state.scored.items() if key != ("r06", "pre_race")}
    plan = make_plan(replace(state, scored=scored))
    assert _keys(plan.scores) == ["r06"]
    assert not any(plan.forecasts.values())


def test_missing_ratings_and_features_are_made_from_there_on() -> None:
    state = _settled(8)
    assert make_plan(replace(state, rated=set(CALENDAR) - {"r03"})).derived == KeyRange("r03", "r11")
    featured = {**state.featured, "pre_race": set(state.featured["pre_race"]) - {"r06"}}
    assert make_plan(replace(state, featured=featured)).derived == KeyRange("r06", "r11")


def test_what_an_interrupted_update_left_behind_is_rated_again() -> None:
    """Its rows are in the tables, so nothing differs from the source any more."""
    plan = make_plan(replace(_settled(8), stale={"r05", "cancelled"}))
    assert plan.raw == []
    assert plan.derived == KeyRange("r05", "r11")
    assert _keys(plan.forecasts["pre_weekend"]) == ["r08"]
    assert plan.scores == []


def test_a_change_of_a_race_that_is_off_the_calendar_is_ignored() -> None:
    assert make_plan(replace(_settled(8), changed={"cancelled"})).is_empty()


def test_only_finished_races_and_the_next_one_are_forecast() -> None:
    state = replace(_settled(8), forecast={horizon: set() for horizon in HORIZONS})
    plan = make_plan(state)
    assert _keys(plan.forecasts["pre_weekend"]) == CALENDAR[2:9]
    assert _keys(plan.forecasts["pre_race"]) == CALENDAR[2:8]


def test_nothing_is_forecast_before_there_is_a_first_race() -> None:
    plan = make_plan(replace(_settled(8), forecast_from=None, forecast={}, scored={}, championship=()))
    assert plan.is_empty()


def test_forecasts_from_a_later_race_on() -> None:
    plan = make_plan(replace(_settled(8), forecast_from="r06", forecast={}, scored={}))
    assert _keys(plan.forecasts["pre_race"]) == ["r06", "r07"]


# --- the next race ---------------------------------------------------------------------------------------


def test_the_next_race() -> None:
    assert next_race(CALENDAR, set(CALENDAR[:8])) == "r08"
    assert next_race(CALENDAR, set()) == "r00"
    assert next_race(CALENDAR, set(CALENDAR)) is None
    assert next_race([], set()) is None


def test_an_old_race_without_result_does_not_stick() -> None:
    assert next_race(CALENDAR, set(CALENDAR[:8]) - {"r03"}) == "r08"
    plan = make_plan(replace(_settled(8), finished=set(CALENDAR[:8]) - {"r03"}, forecast={}, scored={}))
    assert "r03" not in _keys(plan.scores)
    assert "r08" in _keys(plan.forecasts["pre_weekend"])


@SETTINGS
@given(st.sets(st.sampled_from(CALENDAR)))
def test_the_next_race_follows_the_newest_result(finished: set[str]) -> None:
    upcoming = next_race(CALENDAR, finished)
    if upcoming is None:
        assert CALENDAR[-1] in finished
    else:
        assert upcoming not in finished
        assert all(key < upcoming for key in finished)
        assert upcoming == CALENDAR[0] or CALENDAR[CALENDAR.index(upcoming) - 1] in finished


# --- ranges ----------------------------------------------------------------------------------------------

LONG = [f"k{number:03d}" for number in range(80)]


@SETTINGS
@given(st.sets(st.sampled_from(LONG)))
def test_ranges_cover_all_keys_in_few_runs(keys: set[str]) -> None:
    spans = key_ranges(keys, LONG)
    covered = _keys(spans, LONG)
    assert keys <= set(covered)
    assert len(covered) == len(set(covered)), "no race twice"
    assert covered == sorted(covered), "in calendar order"
    assert len(spans) <= MAX_RUNS
    for span in spans:
        assert {span.start, span.end} <= keys, "no range begins or ends with a race that was not asked for"
    runs = sum(1 for key in keys if LONG.index(key) == 0 or LONG[LONG.index(key) - 1] not in keys)
    if runs <= MAX_RUNS:
        assert set(covered) == keys
        assert len(spans) == runs
    else:
        assert len(spans) == MAX_RUNS


def test_the_smallest_gaps_are_joined() -> None:
    keys = [LONG[i] for i in (0, 2, 10, 20, 30, 40, 50)]
    assert key_ranges(keys, LONG)[0] == KeyRange("k000", "k002")
    assert len(key_ranges(keys, LONG)) == MAX_RUNS == 6


# --- laws ------------------------------------------------------------------------------------------------

subsets = st.sets(st.sampled_from(CALENDAR))


@st.composite
def states(draw: st.DrawFn) -> State:
    raced = draw(st.integers(0, len(CALENDAR)))
    done = _settled(raced, first=draw(st.integers(0, len(CALENDAR) - 1)))
    grid = {*done.has_grid, *CALENDAR[: raced + draw(st.integers(0, 1))]}
    return replace(
        done,
        changed=draw(subsets),
        has_grid=grid,
        rated=set(done.rated) - draw(subsets),
        forecast={horizon: set(done.forecast[horizon]) - draw(subsets) for horizon in HORIZONS},
        scored={key: value for key, value in done.scored.items() if draw(st.booleans())},
        championship=set(done.championship) - draw(subsets),
        closed=draw(subsets),
        result_hashes={
            key: draw(st.sampled_from([value, "new"])) for key, value in done.result_hashes.items()
        },
    )


@SETTINGS
@given(states())
def test_what_changed_is_taken_in_and_everything_after_it_is_done_again(state: State) -> None:
    plan = make_plan(state)
    assert set(state.changed) <= set(_keys(plan.raw))
    derived = set(_keys([plan.derived])) if plan.derived else set()
    for key in state.changed:
        assert set(CALENDAR[CALENDAR.index(key) :]) <= derived
    if not plan.derived:
        assert set(state.rated) == set(CALENDAR)


@SETTINGS
@given(states())
def test_forecasts_that_exist_are_made_again_only_for_the_next_race(state: State) -> None:
    plan = make_plan(state)
    upcoming = next_race(state.calendar, state.finished)
    for horizon in HORIZONS:
        spans = plan.forecasts[horizon]
        made = set(_keys(spans))
        # A range may be joined over a gap; its ends are what was asked for.
        asked = {key for span in spans for key in (span.start, span.end)}
        assert upcoming in made or not (set(state.forecast[horizon]) & asked)
        assert not made & {key for key in CALENDAR if key not in state.finished and key != upcoming}
        ready = state.has_grid if horizon == "pre_race" else state.has_entries
        wanted = {
            key
            for key in ready
            if key >= str(state.forecast_from) and (key in state.finished or key == upcoming)
        }
        assert wanted <= made | set(state.forecast[horizon]), "nothing is left without a forecast"
        if horizon == "pre_weekend" and upcoming in state.closed:
            assert upcoming not in asked or upcoming not in state.forecast[horizon]


@SETTINGS
@given(states())
def test_championships_are_forecast_for_the_races_that_are_forecast_before_the_weekend(state: State) -> None:
    plan = make_plan(replace(state, championship=state.forecast["pre_weekend"]))
    assert plan.championship == plan.forecasts["pre_weekend"]


@SETTINGS
@given(states())
def test_every_forecast_of_a_finished_race_ends_up_scored_against_its_result(state: State) -> None:
    plan = make_plan(state)
    due = set(_keys(plan.scores))
    for horizon in HORIZONS:
        for key in state.finished:
            new = key in set(_keys(plan.forecasts[horizon]))
            stale = (
                key in state.forecast[horizon]
                and state.scored.get((key, horizon)) != state.result_hashes[key]
            )
            if new or stale:
                assert key in due
    ends = {key for span in plan.scores for key in (span.start, span.end)}
    assert ends <= set(state.finished)
