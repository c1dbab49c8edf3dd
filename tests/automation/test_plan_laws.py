"""What holds of the plan of any state: the next race, ranges of races, what follows from a change."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from f1_pipeline.automation.plan import MAX_RUNS, KeyRange, State, key_ranges, make_plan, next_race
from tests.automation.settled import CALENDAR, HORIZONS, keys_of, settled

SETTINGS = settings(max_examples=200, deadline=None, derandomize=True)


# --- the next race ---------------------------------------------------------------------------------------


def test_the_next_race() -> None:
    assert next_race(CALENDAR, set(CALENDAR[:8])) == "r08"
    assert next_race(CALENDAR, set()) == "r00"
    assert next_race(CALENDAR, set(CALENDAR)) is None
    assert next_race([], set()) is None


def test_an_old_race_without_result_does_not_stick() -> None:
    assert next_race(CALENDAR, set(CALENDAR[:8]) - {"r03"}) == "r08"
    plan = make_plan(replace(settled(8), finished=set(CALENDAR[:8]) - {"r03"}, forecast={}, scored={}))
    assert "r03" not in keys_of(plan.scores)
    assert "r08" in keys_of(plan.forecasts["pre_weekend"])


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
    covered = keys_of(spans, LONG)
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
    done = settled(raced, first=draw(st.integers(0, len(CALENDAR) - 1)))
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
    assert set(state.changed) <= set(keys_of(plan.raw))
    derived = set(keys_of([plan.derived])) if plan.derived else set()
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
        made = set(keys_of(spans))
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
    due = set(keys_of(plan.scores))
    for horizon in HORIZONS:
        for key in state.finished:
            new = key in set(keys_of(plan.forecasts[horizon]))
            stale = (
                key in state.forecast[horizon]
                and state.scored.get((key, horizon)) != state.result_hashes[key]
            )
            if new or stale:
                assert key in due
    ends = {key for span in plan.scores for key in (span.start, span.end)}
    assert ends <= set(state.finished)
